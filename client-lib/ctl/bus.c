/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calls to the daemon, and what is said when they fail.
 */
#include "ctl.h"

#include "json.h"
#include "text.h"
#include "value.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

/* What to do, where the daemon's message cannot know that it is fardelctl that
 * asked. */
static const struct
{
  const char *name;
  const char *hint;
} hints[] = {
  { "org.fardel.Fardel1.Error.AccountExists",
    N_ ("Choose another name with --id, or change it with \"fardelctl account update\".") },
  { "org.fardel.Fardel1.Error.NoSuchAccount",
    N_ ("\"fardelctl account list\" shows the accounts there are.") },
  { "org.fardel.Fardel1.Error.NotConnected",
    N_ ("\"fardelctl account list\" shows why an account is not online.") },
  { "org.fardel.Fardel1.Error.PeerUnsupported",
    N_ ("\"fardelctl query PEER\" shows what a peer's program can do.") },
  { "org.fardel.Fardel1.Error.InvalidJid", N_ ("An address looks like alice@example.org.") },
  { "org.fardel.Fardel1.Error.Blocked", N_ ("Take the peer off the block list with your chat program; "
                                            "\"fardelctl contacts\" shows who is on it.") },
  { "org.fardel.Fardel1.Error.LimitExceeded",
    N_ (
      "\"fardelctl list\" shows what waits, \"fardelctl cancel\" ends it. Many files go as one with \"tar -c "
      "DIRECTORY | fardelctl send PEER - --name NAME.tar\".") },
  { "org.fardel.Fardel1.Error.Finished", N_ ("\"fardelctl show ID\" shows how it ended.") },
  { "org.fardel.Fardel1.Error.NoSpace", N_ ("Make room, or accept it into another directory.") },
  { "org.fardel.Fardel1.Error.SourceChanged", N_ ("Send the file as it is now with \"fardelctl send\".") },
  { "org.fardel.Fardel1.Error.NotPending", N_ ("\"fardelctl list\" shows the state of each transfer.") },
  { "org.fardel.Fardel1.Error.InvalidFd",
    N_ ("Use a file or a pipe, for instance with \"cat |\" or \"| cat\".") },
  { "org.freedesktop.DBus.Error.UnknownObject",
    N_ ("\"fardelctl list\" and \"fardelctl account list\" show what there is.") },
  { "org.freedesktop.DBus.Error.ServiceUnknown",
    N_ ("Is fardel installed, and in the directories of this session's bus?") },
};

static const char *
find_hint (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (hints); i++)
    if (g_str_equal (hints[i].name, name))
      return hints[i].hint;
  return NULL;
}

static void
print_wrapped (const char *text)
{
  g_autofree char *wrapped = ctl_text_wrap (text, stderr);

  fprintf (stderr, "%s\n", wrapped);
}

CtlExit
ctl_fail (Ctl *ctl, CtlExit status, const char *name, const char *format, ...)
{
  g_autofree char *message = NULL;
  g_autofree char *safe = NULL, *text = NULL;
  const char *hint = find_hint (name);
  va_list args;

  if (ctl->take_options)
    return status;
  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);

  if (ctl->json)
    {
      ctl_json_print (stderr, g_variant_new_parsed ("{'Error': <%s>, 'ErrorMessage': <%s>}", name, message));
      return status;
    }
  safe = ctl_text_safe (message);
  text
    = g_strdup_printf ("%sfardelctl:%s %s", ctl_color (stderr, CTL_COLOR_RED), ctl_color_end (stderr), safe);
  print_wrapped (text);
  if (hint)
    print_wrapped (_ (hint));
  return status;
}

/* Nobody answers: not installed, does not start, or ended in the middle. */
static gboolean
means_no_daemon (const char *name)
{
  static const char *const names[] = {
    "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.NoReply",        "org.freedesktop.DBus.Error.Timeout",
    "org.freedesktop.DBus.Error.TimedOut",       "org.freedesktop.DBus.Error.Disconnected",
    "org.freedesktop.DBus.Error.NoServer",       NULL,
  };

  return g_strv_contains (names, name) || g_str_has_prefix (name, "org.freedesktop.DBus.Error.Spawn.");
}

CtlExit
ctl_connect (Ctl *ctl)
{
  int r;

  if (ctl->bus)
    return CTL_OK;
  if (ctl->system)
    r = sd_bus_open_system_with_description (&ctl->bus, "fardelctl");
  else
    r = sd_bus_open_user_with_description (&ctl->bus, "fardelctl");
  if (r >= 0)
    return CTL_OK;
  if (ctl->system)
    return ctl_fail (ctl, CTL_NO_DAEMON, SD_BUS_ERROR_NO_SERVER, _ ("There is no system bus (%s)."),
                     g_strerror (-r));
  if (r == -ENOMEDIUM)
    return ctl_fail (
      ctl, CTL_NO_DAEMON, SD_BUS_ERROR_NO_SERVER,
      _ ("There is no session bus: neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set. In a "
         "shell over SSH or su: export XDG_RUNTIME_DIR=/run/user/%u"),
      (guint) getuid ());
  return ctl_fail (
    ctl, CTL_NO_DAEMON, SD_BUS_ERROR_NO_SERVER,
    _ ("There is no session bus at %s (%s). Run this inside a user session; \"loginctl enable-linger\" "
       "keeps one running without a login."),
    g_getenv ("DBUS_SESSION_BUS_ADDRESS") ? "DBUS_SESSION_BUS_ADDRESS" : "$XDG_RUNTIME_DIR/bus",
    g_strerror (-r));
}

static int
call (Ctl *ctl, const char *path, const char *interface, const char *member, GVariant *args,
      sd_bus_error *error, GVariant **ret_reply)
{
  g_autoptr (sd_bus_message) message = NULL;
  g_autoptr (sd_bus_message) reply = NULL;
  int r;

  r = sd_bus_message_new_method_call (ctl->bus, &message, CTL_SERVICE, path, interface, member);
  if (r >= 0 && ctl->take_options)
    r = sd_bus_message_set_auto_start (message, FALSE);
  if (r >= 0 && args)
    r = ctl_value_append_body (message, args);
  if (r >= 0)
    r = sd_bus_call (ctl->bus, message, 0, error, &reply);
  return r < 0 ? r : ctl_value_read_body (reply, ret_reply);
}

CtlExit
ctl_call (Ctl *ctl, const char *path, const char *interface, const char *member, GVariant *args,
          GVariant **ret_reply)
{
  g_autoptr (GVariant) owned = args ? g_variant_ref_sink (args) : NULL;
  g_autoptr (GVariant) reply = NULL;
  sd_bus_error error = SD_BUS_ERROR_NULL;
  CtlExit status;
  int r;

  status = ctl_connect (ctl);
  if (status != CTL_OK)
    return status;
  r = call (ctl, path, interface, member, owned, &error, &reply);
  if (r < 0)
    {
      if (!sd_bus_error_is_set (&error))
        sd_bus_error_set_errno (&error, r);
      status = ctl_fail (ctl, means_no_daemon (error.name) ? CTL_NO_DAEMON : CTL_FAILED, error.name, "%s",
                         error.message ? error.message : error.name);
    }
  else if (ret_reply)
    *ret_reply = g_steal_pointer (&reply);
  sd_bus_error_free (&error);
  return status;
}

CtlExit
ctl_get_all (Ctl *ctl, const char *path, const char *interface, GVariant **ret_properties)
{
  g_autoptr (GVariant) reply = NULL;
  CtlExit status;

  status = ctl_call (ctl, path, "org.freedesktop.DBus.Properties", "GetAll", g_variant_new ("(s)", interface),
                     &reply);
  if (status == CTL_OK)
    g_variant_get (reply, "(@a{sv})", ret_properties);
  return status;
}

CtlExit
ctl_set_property (Ctl *ctl, const char *path, const char *interface, const char *property, GVariant *value)
{
  return ctl_call (ctl, path, "org.freedesktop.DBus.Properties", "Set",
                   g_variant_new ("(ssv)", interface, property, value), NULL);
}

CtlExit
ctl_list_accounts (Ctl *ctl, GVariant **ret_accounts)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) objects = NULL;
  GVariantBuilder accounts;
  GVariantIter iter;
  GVariant *interfaces;
  const char *path;
  CtlExit status;

  status = ctl_call (ctl, CTL_ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL, &reply);
  if (status != CTL_OK)
    return status;

  g_variant_builder_init (&accounts, G_VARIANT_TYPE ("a{oa{sv}}"));
  objects = g_variant_get_child_value (reply, 0);
  g_variant_iter_init (&iter, objects);
  while (g_variant_iter_loop (&iter, "{&o@a{sa{sv}}}", &path, &interfaces))
    {
      g_autoptr (GVariant) properties
        = g_variant_lookup_value (interfaces, CTL_ACCOUNT, G_VARIANT_TYPE_VARDICT);

      if (properties)
        g_variant_builder_add (&accounts, "{o@a{sv}}", path, properties);
    }
  *ret_accounts = g_variant_ref_sink (g_variant_builder_end (&accounts));
  return CTL_OK;
}

static char *
object_path (Ctl *ctl, const char *folder, const char *allowed, const char *what, const char *argument)
{
  g_autofree char *prefix = g_strdup_printf ("%s/%s/", CTL_ROOT, folder);
  const char *id = g_str_has_prefix (argument, prefix) ? argument + strlen (prefix) : argument;

  if (*id && strlen (id) <= 32 && strspn (id, allowed) == strlen (id))
    return g_strconcat (prefix, id, NULL);
  ctl_fail (ctl, CTL_USAGE, "", _ ("\"%s\" is not %s."), argument, _ (what));
  return NULL;
}

char *
ctl_transfer_path (Ctl *ctl, const char *argument)
{
  return object_path (ctl, "transfer", "0123456789", N_ ("the number of a transfer"), argument);
}

char *
ctl_account_path (Ctl *ctl, const char *argument)
{
  return object_path (ctl, "account", "abcdefghijklmnopqrstuvwxyz0123456789_",
                      N_ ("the id of an account (a-z, 0-9 and _, at most 32)"), argument);
}
