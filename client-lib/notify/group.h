/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Transfers that the user sees as one thing: the files of a batch, or one file.
 * Knows what is due for them, not how it is shown.
 */
#pragma once

#include "model.h"

typedef enum
{
  NTF_DUE_NOTHING,
  NTF_DUE_OFFER, /* files wait for an answer */
  NTF_DUE_RESULT, /* all have ended, and the user would want to know how */
} NtfDue;

typedef struct
{
  char *key;
  GPtrArray *members; /* of NtfTransfer, in the order they came */
  guint busy; /* answers under way, a file chooser that is open */
  gboolean dismissed; /* the user closed the question without an answer */
  gboolean told; /* the result is shown or was; nobody joins any more */
  char *problem; /* why the last answer was not taken, or NULL */
} NtfGroup;

NtfGroup *ntf_group_new (const NtfTransfer *first);
void ntf_group_free (NtfGroup *group);

/* Whether a transfer belongs here: same batch, peer and account. */
gboolean ntf_group_fits (const NtfGroup *group, const NtfTransfer *transfer);
/* Does nothing if it is in already. A new offer asks anew what was dismissed. */
void ntf_group_add (NtfGroup *group, NtfTransfer *transfer);
gboolean ntf_group_has (const NtfGroup *group, const NtfTransfer *transfer);

NtfDue ntf_group_get_due (const NtfGroup *group);
guint ntf_group_count_waiting (const NtfGroup *group);
/* NULL if none waits. */
NtfTransfer *ntf_group_get_first_waiting (const NtfGroup *group);
/* Something may still happen to it. */
gboolean ntf_group_is_open (const NtfGroup *group);
/* Bytes move, or are about to. */
gboolean ntf_group_is_active (const NtfGroup *group);
/* Offers are gone with it; accepted transfers go on when it is back. */
void ntf_group_daemon_lost (NtfGroup *group);

/* How an ended transfer counts for the user. */
typedef enum
{
  NTF_END_SILENT, /* they did it themselves, or somebody else takes care */
  NTF_END_DONE,
  NTF_END_FAILED,
} NtfEnd;

NtfEnd ntf_group_get_end (const NtfTransfer *transfer);

typedef struct
{
  guint64 done;
  guint64 total; /* 0: not known */
  guint64 rate;
  guint files_done;
} NtfProgress;

/* Of the files that were accepted. */
void ntf_group_get_progress (const NtfGroup *group, NtfProgress *ret_progress);
