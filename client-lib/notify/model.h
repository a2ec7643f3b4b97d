/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What matters here of a transfer and of an account, as plain data.
 */
#pragma once

#include <fardel/fardel.h>

/* Strings are never NULL. Counted references, since a transfer may leave the bus
 * while its result is still shown. */
typedef struct
{
  FardelTransfer *remote; /* NULL: it is only said to be there, in a test */
  guint id;
  char *account; /* object path */
  gboolean incoming;
  char *name;
  gint64 size;
  char *description;
  char *batch;
  char *app_id;
  char *peer;
  FardelState state;
  char *error;
  char *ended_by;
  guint64 transferred;
  guint64 rate;
  char *local_path;
  gboolean accepted; /* was seen beyond the offer */
} NtfTransfer;

NtfTransfer *ntf_transfer_new (FardelTransfer *remote);
NtfTransfer *ntf_transfer_ref (NtfTransfer *transfer);
void ntf_transfer_unref (NtfTransfer *transfer);
/* Takes over what has changed. */
void ntf_transfer_read (NtfTransfer *transfer);
void ntf_transfer_set_state (NtfTransfer *transfer, FardelState state);
/* An incoming offer that the user has not answered. */
gboolean ntf_transfer_is_waiting (const NtfTransfer *transfer);
gboolean ntf_transfer_is_over (const NtfTransfer *transfer);
/* It has left the bus without an end. */
void ntf_transfer_withdraw (NtfTransfer *transfer);
/* The JID of the peer without its resource. g_free(). */
char *ntf_transfer_dup_peer (const NtfTransfer *transfer);

typedef struct
{
  FardelAccount *remote; /* as above */
  char *id;
  char *jid;
  FardelAccountStatus status;
  gboolean distrusts; /* the server's certificate */
  char *error;
} NtfAccount;

NtfAccount *ntf_account_new (FardelAccount *remote);
void ntf_account_free (NtfAccount *account);
void ntf_account_read (NtfAccount *account);
