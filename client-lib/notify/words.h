/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a notification says and which answers it has. All text is plain; what
 * strangers wrote is bounded and cannot break a line or turn its direction.
 */
#pragma once

#include "group.h"

/* Keys of actions. */
#define NTF_ACTION_ACCEPT "accept"
#define NTF_ACTION_SAVE_AS "save-as"
#define NTF_ACTION_DECLINE "decline"
#define NTF_ACTION_OPEN "open"
#define NTF_ACTION_SHOW "show"
#define NTF_ACTION_CONNECT "connect"
#define NTF_ACTION_DEFAULT "default" /* a click on the text itself */

typedef enum
{
  NTF_URGENCY_LOW,
  NTF_URGENCY_NORMAL,
  NTF_URGENCY_CRITICAL,
} NtfUrgency;

typedef struct
{
  char *summary;
  char *body;
  const char *icon;
  const char *category;
  GPtrArray *actions; /* key, label, key, label… */
  NtfUrgency urgency;
  gboolean stays; /* until it is answered */
} NtfNote;

void ntf_note_free (NtfNote *note);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NtfNote, ntf_note_free)

/* The other side, as the user knows it. */
typedef struct
{
  char *name; /* the one from the contact list, else the JID */
  gboolean stranger; /* for sure no contact */
} NtfPeer;

typedef enum
{
  NTF_CAN_NOTHING = 0,
  NTF_CAN_ACTIONS = 1 << 0, /* the notification server shows buttons */
  NTF_CAN_SAVE_AS = 1 << 1, /* there is a file chooser */
  NTF_CAN_OPEN = 1 << 2, /* there is a program for the file, and it is none itself */
} NtfCan;

NtfNote *ntf_words_offer (const NtfGroup *group, const NtfPeer *peer, NtfCan can);
NtfNote *ntf_words_result (const NtfGroup *group, const NtfPeer *peer, NtfCan can);
/* The title of what is under way. g_free(). */
char *ntf_words_progress (const NtfGroup *group, const NtfPeer *peer);

/* What the user should do something about, or NULL. */
NtfNote *ntf_words_account (const NtfAccount *account, NtfCan can);

/* One bounded line without anything that a screen would obey. g_free(). */
char *ntf_words_line (const char *text, guint max_chars);
