/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An account's settings as options of "account add" and "account update".
 */
#pragma once

#include "ctl.h"

/* As they are typed. */
typedef struct
{
  char *id;
  char *jid;
  char *server;
  int port;
  char *tls;
  char *ca_file;
  char *pin;
  char *client_certificate;
  char *client_key;
  char *resource;
  char *password_command;
  char **proxy_jids;
  char **auto_accept;
  char *auto_accept_max;
  char *auto_accept_folder;
  char *strangers;
  gboolean relay_only;
  gboolean no_relay_only;
  gboolean connect;
  gboolean no_connect;
  gboolean allow_loopback;
  gboolean no_loopback;
  int max_active;
} CtlSettings;

void ctl_settings_clear (CtlSettings *settings);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtlSettings, ctl_settings_clear)

/* ctl_parse() with these options, after the command's @own; @min to 1 arguments. */
gboolean ctl_settings_parse (Ctl *ctl, CtlSettings *settings, const GOptionEntry *own, int *argc,
                             char ***argv, int min);

/* The a{sv} for the daemon: only what was given. */
CtlExit ctl_settings_collect (Ctl *ctl, const CtlSettings *settings, GVariant **ret_dict);

/* "Alice.B@example.org" is "alice_b", unless the user says otherwise; g_free(). */
char *ctl_settings_id_from_jid (const char *jid);
