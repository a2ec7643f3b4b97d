/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * org.fardel.Fardel1.Account, and the settings it shares with
 * Manager.AddAccount.
 */
#include "base/error.h"
#include "base/fd.h"
#include "bus/object.h"
#include "bus/options.h"
#include "core/secret-service.h"

#include <errno.h>

/* --- settings --- */

static const char *const tls_modes[] = { [FD_TLS_STARTTLS] = "starttls", [FD_TLS_DIRECT] = "direct", NULL };

#define SETTING(field) G_STRUCT_OFFSET (FdAccountConfig, field)

static const FdOption settings[] = {
  { "jid", FD_OPTION_STRING, SETTING (client.jid), NULL },
  { "enabled", FD_OPTION_BOOL, SETTING (enabled), NULL },
  { "server", FD_OPTION_STRING, SETTING (client.server), NULL },
  { "port", FD_OPTION_UINT16, SETTING (client.port), NULL },
  { "tls", FD_OPTION_CHOICE, SETTING (client.tls), tls_modes },
  { "ca-file", FD_OPTION_STRING, SETTING (client.ca_file), NULL },
  { "pin-sha256", FD_OPTION_STRING, SETTING (client.pin), NULL },
  { "client-certificate", FD_OPTION_STRING, SETTING (client.client_certificate), NULL },
  { "client-key", FD_OPTION_STRING, SETTING (client.client_key), NULL },
  { "resource", FD_OPTION_STRING, SETTING (client.resource), NULL },
  { "password-command", FD_OPTION_STRV, SETTING (password_command), NULL },
  { "proxy-jids", FD_OPTION_STRV, SETTING (proxy_jids), NULL },
  { "auto-accept", FD_OPTION_STRV, SETTING (auto_accept), NULL },
  { "auto-accept-max-size", FD_OPTION_UINT64, SETTING (auto_accept_max), NULL },
  { "auto-accept-folder", FD_OPTION_STRING, SETTING (auto_accept_folder), NULL },
  { "strangers", FD_OPTION_CHOICE, SETTING (strangers), fd_strangers_names },
  { "relay-only", FD_OPTION_BOOL, SETTING (relay_only), NULL },
  { "allow-loopback", FD_OPTION_BOOL, SETTING (allow_loopback), NULL },
  { "max-active", FD_OPTION_UINT, SETTING (max_active), NULL },
};

/* Some settings have the daemon read, run or write what is not the caller's. Whoever
 * may not set them may not change an account that has them either: its password could be sent elsewhere. */
static gboolean
check_settings (const FdCaller *caller, const FdAccountConfig *config, GError **error)
{
  const char *key = NULL;

  if (caller->uid == FD_OWNER_ANYBODY || caller->uid == FD_OWNER_ROOT)
    return TRUE;
  if (config->client.ca_file)
    key = "ca-file";
  else if (config->client.client_certificate || config->client.client_key)
    key = "client-certificate";
  else if (config->password_command)
    key = "password-command";
  else if (config->auto_accept[0] || config->auto_accept_folder)
    key = "auto-accept";
  if (!key)
    return TRUE;
  g_set_error (error, FD_ERROR, FD_ERROR_ACCESS_DENIED,
               "On the system bus only root may set '%s', or change an account that has it", key);
  return FALSE;
}

gboolean
fd_bus_read_settings (const FdCall *call, FdAccountConfig *config, GError **error)
{
  if (!fd_options_read (call->message, settings, G_N_ELEMENTS (settings), config, error))
    return FALSE;
  if (config->password_command && !config->password_command[0])
    g_clear_pointer (&config->password_command, g_strfreev);
  if (config->client.jid)
    return check_settings (call->caller, config, error);
  g_set_error_literal (error, FD_ERROR, FD_ERROR_INVALID_OPTION,
                       "The account needs a 'jid', e.g. me@example.org");
  return FALSE;
}

/* --- properties --- */

static const char *
get_jid (FdAccount *account)
{
  return fd_account_get_config (account)->client.jid;
}

static const char *
get_error (FdAccount *account)
{
  const GError *error = fd_account_get_error (account);

  return error ? fd_error_dbus_name (error) : "";
}

static const char *
get_error_message (FdAccount *account)
{
  const GError *error = fd_account_get_error (account);

  return error ? error->message : "";
}

static const struct
{
  const char *name;
  const char *(*get) (FdAccount *account);
} texts[] = {
  { "Id", fd_account_get_id },
  { "Jid", get_jid },
  { "FullJid", fd_account_get_full_jid },
  { "Status", fd_account_get_status },
  { "Error", get_error },
  { "ErrorMessage", get_error_message },
  { "PasswordSource", fd_account_get_password_source },
};

static int
get_text (sd_bus *sd, const char *path, const char *interface, const char *name, sd_bus_message *reply,
          void *userdata, sd_bus_error *ret_error)
{
  FdObject *object = userdata;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    if (g_str_equal (texts[i].name, name))
      return sd_bus_message_append (reply, "s", texts[i].get (object->account));
  return -ENOENT;
}

static int
get_tls (sd_bus *sd, const char *path, const char *interface, const char *name, sd_bus_message *reply,
         void *userdata, sd_bus_error *ret_error)
{
  FdObject *object = userdata;
  FdClientTls tls;
  int r;

  fd_account_get_tls (object->account, &tls);
  r = sd_bus_message_open_container (reply, 'a', "{sv}");
  if (r >= 0 && *tls.protocol)
    r = sd_bus_message_append (reply, "{sv}", "protocol", "s", tls.protocol);
  if (r >= 0 && *tls.cipher)
    r = sd_bus_message_append (reply, "{sv}", "cipher", "s", tls.cipher);
  if (r >= 0 && *tls.certificate_sha256)
    r = sd_bus_message_append (reply, "{sv}", "certificate-sha256", "s", tls.certificate_sha256);
  return r < 0 ? r : sd_bus_message_close_container (reply);
}

/* Settings that can be read and set one at a time. */
static const struct
{
  const char *property;
  const char *setting;
} writable[] = {
  { "Enabled", "enabled" },
  { "AutoAccept", "auto-accept" },
  { "AutoAcceptMaxSize", "auto-accept-max-size" },
  { "AutoAcceptFolder", "auto-accept-folder" },
  { "Strangers", "strangers" },
  { "RelayOnly", "relay-only" },
};

static const FdOption *
find_setting (const char *property)
{
  for (guint i = 0; i < G_N_ELEMENTS (writable); i++)
    for (guint j = 0; g_str_equal (writable[i].property, property) && j < G_N_ELEMENTS (settings); j++)
      if (g_str_equal (settings[j].key, writable[i].setting))
        return &settings[j];
  g_return_val_if_reached (NULL);
}

static int
get_setting (sd_bus *sd, const char *path, const char *interface, const char *name, sd_bus_message *reply,
             void *userdata, sd_bus_error *ret_error)
{
  FdObject *object = userdata;
  const FdOption *option = find_setting (name);
  gconstpointer field = (const guint8 *) fd_account_get_config (object->account) + option->offset;
  const char *text;

  switch (option->type)
    {
    case FD_OPTION_STRV:
      return sd_bus_message_append_strv (reply, *(char **const *) field);
    case FD_OPTION_STRING:
      text = *(const char *const *) field;
      return sd_bus_message_append (reply, "s", text ? text : "");
    case FD_OPTION_CHOICE:
      return sd_bus_message_append (reply, "s", option->choices[*(const int *) field]);
    default:
      return sd_bus_message_append_basic (reply, *fd_option_signature (option), field);
    }
}

static int
set_setting (sd_bus *sd, const char *path, const char *interface, const char *name, sd_bus_message *value,
             void *userdata, sd_bus_error *ret_error)
{
  FdObject *object = userdata;
  g_autoptr (FdAccountConfig) config = fd_account_config_copy (fd_account_get_config (object->account));
  g_autoptr (GError) error = NULL;

  if (fd_bus_check_setter (object, value, &error)
      && fd_option_read (value, find_setting (name), config, &error)
      && check_settings (fd_callers_lookup (object->bus->callers, value), config, &error)
      && fd_account_update (object->account, config, &error))
    return 0;
  return fd_sd_error_set (ret_error, error);
}

/* --- methods --- */

static gboolean
run_connect (const FdCall *call, GError **error)
{
  fd_account_connect (call->account);
  return fd_call_reply (call, NULL);
}

static gboolean
run_disconnect (const FdCall *call, GError **error)
{
  fd_account_disconnect (call->account);
  return fd_call_reply (call, NULL);
}

/* The account and this object are gone afterwards. */
static gboolean
run_remove (const FdCall *call, GError **error)
{
  return fd_manager_remove_account (call->manager, call->account, error) && fd_call_reply (call, NULL);
}

static gboolean
run_update (const FdCall *call, GError **error)
{
  g_autoptr (FdAccountConfig) config = fd_account_config_copy (fd_account_get_config (call->account));

  return fd_bus_read_settings (call, config, error) && fd_account_update (call->account, config, error)
         && fd_call_reply (call, NULL);
}

static void
on_password_read (const GError *error, gpointer data)
{
  g_autoptr (sd_bus_message) message = data;

  if (error)
    sd_bus_reply_method_errorf (message, fd_error_dbus_name (error), "%s", error->message);
  else
    sd_bus_reply_method_return (message, NULL);
}

static const FdOption password_options[] = { { "save", FD_OPTION_BOOL, 0, NULL } };

static gboolean
run_set_password (const FdCall *call, GError **error)
{
  fd_autoclose fd = fd_call_read_fd (call, error);
  gboolean save = FALSE;

  if (fd < 0
      || !fd_options_read (call->message, password_options, G_N_ELEMENTS (password_options), &save, error))
    return FALSE;
  if (save && !fd_secret_service_is_there ())
    {
      g_set_error_literal (error, FD_ERROR, FD_ERROR_INVALID_OPTION,
                           "'save': this daemon has no keyring (Secret Service) to save passwords in");
      return FALSE;
    }
  if (save && fd_account_get_config (call->account)->client.client_certificate)
    {
      g_set_error_literal (
        error, FD_ERROR, FD_ERROR_INVALID_OPTION,
        "'save': the account has a client certificate, so no keyring is asked for a password");
      return FALSE;
    }
  fd_account_set_password (call->account, fd_take (&fd), save, on_password_read,
                           sd_bus_message_ref (call->message));
  return TRUE;
}

static const FdMethod methods[] = {
  { "Connect", FD_ALLOW_ANYBODY, NULL, run_connect },
  { "Disconnect", FD_ALLOW_UNCONFINED, NULL, run_disconnect },
  { "Remove", FD_ALLOW_UNCONFINED, NULL, run_remove },
  { "Update", FD_ALLOW_UNCONFINED, NULL, run_update },
  { "SetPassword", FD_ALLOW_UNCONFINED, NULL, run_set_password },
  { "ListContacts", FD_ALLOW_UNCONFINED, NULL, fd_contacts_list },
};

static int
on_call (sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
  return fd_bus_run (methods, G_N_ELEMENTS (methods), message, userdata, ret_error);
}

#define METHOD(member, in, in_names, out, out_names) \
  SD_BUS_METHOD_WITH_NAMES (member, in, in_names, out, out_names, on_call, SD_BUS_VTABLE_UNPRIVILEGED)
#define TEXT(name, flags) SD_BUS_PROPERTY (name, "s", get_text, 0, flags)
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define SETTABLE(name, type) \
  SD_BUS_WRITABLE_PROPERTY (name, type, get_setting, set_setting, 0, SD_BUS_VTABLE_UNPRIVILEGED | CHANGES)

const sd_bus_vtable fd_bus_account_vtable[] = {
  SD_BUS_VTABLE_START (0),
  METHOD ("Connect", "", "", "", ""),
  METHOD ("Disconnect", "", "", "", ""),
  METHOD ("Remove", "", "", "", ""),
  METHOD ("Update", "a{sv}", SD_BUS_PARAM (settings), "", ""),
  METHOD ("SetPassword", "ha{sv}", SD_BUS_PARAM (fd) SD_BUS_PARAM (options), "", ""),
  METHOD ("ListContacts", "a{sv}", SD_BUS_PARAM (filter), "aa{sv}", SD_BUS_PARAM (contacts)),
  TEXT ("Id", SD_BUS_VTABLE_PROPERTY_CONST),
  TEXT ("Jid", CHANGES),
  TEXT ("FullJid", CHANGES),
  SETTABLE ("Enabled", "b"),
  TEXT ("Status", CHANGES),
  TEXT ("Error", CHANGES),
  TEXT ("ErrorMessage", CHANGES),
  TEXT ("PasswordSource", CHANGES),
  SD_BUS_PROPERTY ("Tls", "a{sv}", get_tls, 0, CHANGES),
  SETTABLE ("AutoAccept", "as"),
  SETTABLE ("AutoAcceptMaxSize", "t"),
  SETTABLE ("AutoAcceptFolder", "s"),
  SETTABLE ("Strangers", "s"),
  SETTABLE ("RelayOnly", "b"),
  SD_BUS_SIGNAL ("ContactsChanged", "", 0),
  SD_BUS_VTABLE_END,
};
