/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The notification server of the desktop (org.freedesktop.Notifications), and
 * cards on it: notifications that can be changed as long as they are shown.
 */
#pragma once

#include "words.h"

#include <gio/gio.h>

typedef struct NtfServer NtfServer;
typedef struct NtfCard NtfCard;

typedef struct
{
  /* It is there, or another one is, which shows nothing yet. */
  void (*ready) (gpointer data);
  /* There is none in this session. */
  void (*missing) (gpointer data);
} NtfServerHooks;

NtfServer *ntf_server_new (GDBusConnection *bus, const NtfServerHooks *hooks, gpointer data);
void ntf_server_free (NtfServer *server);
/* Once it was there, cards may be shown: if it has gone, the bus may start it. */
gboolean ntf_server_is_known (const NtfServer *server);
/* NTF_CAN_ACTIONS, if it can. */
NtfCan ntf_server_get_can (const NtfServer *server);

typedef struct
{
  /* A button was pressed; @token lets a program that is started come to the
   * front, or is NULL. Then it is not shown any more. */
  void (*action) (NtfCard *card, const char *key, const char *token, gpointer data);
  /* It is not shown any more, and not because of ntf_card_close(). */
  void (*closed) (NtfCard *card, gpointer data);
} NtfCardHooks;

NtfCard *ntf_card_new (NtfServer *server, const NtfCardHooks *hooks, gpointer data);
/* Takes it away if it is shown. */
void ntf_card_free (NtfCard *card);
/* Shows it, or changes what it says. */
void ntf_card_show (NtfCard *card, const NtfNote *note);
void ntf_card_close (NtfCard *card);
gboolean ntf_card_is_shown (const NtfCard *card);
