/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fardelctl account add. On a terminal it asks for what is missing, and goes on
 * until the account is online or the user has had enough; an account that does
 * not work is removed only if they say so.
 */
#include "ctl.h"

#include "events.h"
#include "json.h"
#include "prompt.h"
#include "settings.h"
#include "text.h"
#include "value.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ERROR_PREFIX CTL_SERVICE ".Error."
#define MAX_ANSWER 1024 /* a JID has at most 3071, but nobody types those */

typedef struct
{
  Ctl *ctl;
  CtlSettings *settings;
  char *path; /* of the account, once it is there */
  sd_bus_slot *slot;
  gboolean changed; /* its status, since this was set to FALSE */
  gboolean tried; /* it began to connect, since this was set to FALSE */
  gboolean asked; /* for the password, already */
  gboolean save; /* it goes to the keyring */
  GVariant *now; /* all properties, as read last */
} Add;

static void
add_clear (Add *add)
{
  g_free (add->path);
  sd_bus_slot_unref (add->slot);
  g_clear_pointer (&add->now, g_variant_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Add, add_clear)

static const char *
get (Add *add, const char *property)
{
  const char *value = "";

  if (add->now)
    g_variant_lookup (add->now, property, "&s", &value);
  return value;
}

static gboolean
has_error (Add *add, const char *name)
{
  const char *error = get (add, "Error");

  return g_str_has_prefix (error, ERROR_PREFIX) && g_str_equal (error + strlen (ERROR_PREFIX), name);
}

/* -- what is asked -------------------------------------------------------- */

/* The user gave up, or nobody is there any more. */
static CtlExit
stop_asking (Add *add, int error)
{
  if (add->path)
    fprintf (stderr,
             _ ("The account %s stays as it is: see \"fardelctl account show %s\", or remove it with "
                "\"fardelctl account remove %s\".\n"),
             add->settings->id, add->settings->id, add->settings->id);
  if (error == -EINTR)
    return CTL_INTERRUPTED;
  return error == -ENODATA
           ? CTL_FAILED
           : ctl_fail (add->ctl, CTL_FAILED, "", _ ("Cannot read the answer: %s."), g_strerror (-error));
}

/* A text that is not empty. */
static CtlExit
ask_text (Add *add, const char *question, char **ret_text)
{
  char buffer[MAX_ANSWER];

  for (;;)
    {
      int r = ctl_ask (question, TRUE, buffer, sizeof buffer);
      g_autofree char *text = r > 0 ? g_strstrip (g_strndup (buffer, r)) : g_strdup ("");

      if (r < 0 && r != -EMSGSIZE)
        return stop_asking (add, r);
      if (*text && g_utf8_validate (text, -1, NULL)) /* D-Bus has no other */
        {
          *ret_text = g_steal_pointer (&text);
          return CTL_OK;
        }
    }
}

static gboolean
is_in (sd_bus *bus, const char *list, const char *name)
{
  g_autoptr (sd_bus_message) reply = NULL;
  g_auto (GStrv) names = NULL;

  return sd_bus_call_method (bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                             list, NULL, &reply, NULL)
           >= 0
         && sd_bus_message_read_strv (reply, &names) >= 0 && names
         && g_strv_contains ((const char *const *) names, name);
}

/* The daemon can, and there is a keyring or one would start. */
static gboolean
can_save (Ctl *ctl)
{
  static const char keyring[] = "org.freedesktop.secrets";
  g_autoptr (GVariant) properties = NULL;
  g_autofree const char **features = NULL;

  return ctl_get_all (ctl, CTL_ROOT, CTL_MANAGER, &properties) == CTL_OK
         && g_variant_lookup (properties, "Features", "^a&s", &features)
         && g_strv_contains (features, "secret-service")
         && (is_in (ctl->bus, "ListNames", keyring) || is_in (ctl->bus, "ListActivatableNames", keyring));
}

static CtlExit
ask_password (Add *add)
{
  g_autoptr (GVariantDict) options = g_variant_dict_new (NULL);
  CtlExit status;
  int fd, save = 0;

  add->asked = TRUE;
  do
    fd = ctl_ask_password (add->settings->jid);
  while (fd == -EMSGSIZE || fd == -ENOMSG);
  if (fd < 0)
    return stop_asking (add, fd);
  if (can_save (add->ctl))
    save = ctl_ask_yes_no (_ ("Keep it in the keyring?"), TRUE);
  if (save < 0)
    {
      close (fd);
      return stop_asking (add, save);
    }
  add->save = save > 0;
  if (add->save)
    g_variant_dict_insert (options, "save", "b", TRUE);
  add->tried = FALSE;
  status = ctl_call (add->ctl, add->path, CTL_ACCOUNT, "SetPassword",
                     g_variant_new ("(h@a{sv})", fd, g_variant_dict_end (options)), NULL);
  close (fd);
  return status;
}

/* "AB:CD:..." in two lines, as other programs show it. */
static void
print_fingerprint (const char *hex)
{
  fprintf (stderr, _ ("SHA-256 of the certificate, to compare with what the server's owner says:\n"));
  for (guint i = 0; hex[i] && hex[i + 1]; i += 2)
    fprintf (stderr, "%s%c%c%s", i % 32 == 0 ? "    " : "", g_ascii_toupper (hex[i]),
             g_ascii_toupper (hex[i + 1]), !hex[i + 2] || i % 32 == 30 ? "\n" : ":");
}

/* *ret_accepted: it is the pin now. */
static CtlExit
ask_certificate (Add *add, const char *sha256, gboolean *ret_accepted)
{
  GVariant *pin;
  int yes;

  print_fingerprint (sha256);
  yes = ctl_ask_yes_no (_ ("Accept this certificate, and no other, for this account?"), FALSE);
  if (yes < 0)
    return stop_asking (add, yes);
  *ret_accepted = yes;
  if (!yes)
    return CTL_OK;
  pin = g_variant_new_parsed ("{'pin-sha256': <%s>}", sha256);
  add->tried = FALSE;
  return ctl_call (add->ctl, add->path, CTL_ACCOUNT, "Update", g_variant_new ("(@a{sv})", pin), NULL);
}

/* -- the account ---------------------------------------------------------- */

static int
on_properties_changed (sd_bus_message *message, void *data, sd_bus_error *error)
{
  Add *add = data;
  g_autoptr (GVariant) body = NULL;
  g_autoptr (GVariant) properties = NULL;
  const char *interface, *status;

  if (ctl_value_read_body (message, &body) < 0 || !g_variant_is_of_type (body, G_VARIANT_TYPE ("(sa{sv}as)")))
    return 0;
  g_variant_get (body, "(&s@a{sv}@as)", &interface, &properties, NULL);
  if (g_strcmp0 (sd_bus_message_get_path (message), add->path) == 0 && g_str_equal (interface, CTL_ACCOUNT)
      && g_variant_lookup (properties, "Status", "&s", &status))
    {
      add->changed = TRUE;
      add->tried = add->tried || g_str_equal (status, "connecting");
    }
  return 0;
}

/* Before the account is there, so that nothing is missed. */
static CtlExit
listen (Add *add)
{
  static const char rule[] = "type='signal',sender='" CTL_SERVICE "',path_namespace='" CTL_ROOT "/account',"
                             "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged'";
  int r = sd_bus_add_match (add->ctl->bus, &add->slot, rule, on_properties_changed, add);

  return r < 0 ? ctl_fail (add->ctl, CTL_NO_DAEMON, "", _ ("Cannot listen to the session bus: %s."),
                           g_strerror (-r))
               : CTL_OK;
}

/* Until @flag is TRUE, one of add's. */
static CtlExit
wait_for (Add *add, const gboolean *flag)
{
  CtlEvents events;
  CtlExit status = CTL_OK;
  int r = 0;

  if (!ctl_events_begin (&events, add->ctl))
    return CTL_FAILED;
  while (status == CTL_OK && !*flag)
    {
      r = sd_bus_process (add->ctl->bus, NULL);
      if (r < 0)
        status = ctl_fail (add->ctl, CTL_NO_DAEMON, "", _ ("The session bus is gone."));
      else if (r == 0 && !*flag && ctl_events_wait (&events, -1) == CTL_EVENT_INTERRUPT)
        status = stop_asking (add, -EINTR);
    }
  ctl_events_end (&events);
  return status;
}

/* Reads the properties until @settled is true of them. @acted: they are of no use
 * before there was another try. */
static CtlExit
wait_until (Add *add, gboolean acted, gboolean (*settled) (Add *add))
{
  CtlExit status = acted ? wait_for (add, &add->tried) : CTL_OK;

  while (status == CTL_OK)
    {
      add->changed = FALSE;
      g_clear_pointer (&add->now, g_variant_unref);
      status = ctl_get_all (add->ctl, add->path, CTL_ACCOUNT, &add->now);
      if (status != CTL_OK || settled (add))
        break;
      status = wait_for (add, &add->changed);
    }
  return status;
}

static gboolean
is_settled (Add *add)
{
  const char *status = get (add, "Status");

  return !g_str_equal (status, "offline") && !g_str_equal (status, "connecting");
}

static gboolean
is_saved (Add *add)
{
  return g_str_equal (get (add, "PasswordSource"), "secret-service") || *get (add, "Error")
         || !g_str_equal (get (add, "Status"), "online");
}

static gboolean
account_exists (Add *add, const char *path)
{
  g_autoptr (GVariant) accounts = NULL;

  return ctl_list_accounts (add->ctl, &accounts) == CTL_OK
         && g_variant_lookup (accounts, path, "@a{sv}", NULL);
}

/* The id that nobody has; asked for if need be. */
static CtlExit
choose_id (Add *add)
{
  gboolean given = add->settings->id != NULL;
  CtlExit status = CTL_OK;

  if (!given)
    add->settings->id = ctl_settings_id_from_jid (add->settings->jid);
  while (status == CTL_OK && !given)
    {
      g_autofree char *path = g_strconcat (CTL_ROOT "/account/", add->settings->id, NULL);

      if (!account_exists (add, path))
        break;
      fprintf (stderr, _ ("There is an account %s already.\n"), add->settings->id);
      g_clear_pointer (&add->settings->id, g_free);
      status = ask_text (add, _ ("Another short name for the new one: "), &add->settings->id);
    }
  return status;
}

static CtlExit
add_account (Add *add, GVariant *dict)
{
  g_autoptr (GVariant) reply = NULL;
  CtlExit status = ctl_connect (add->ctl);

  if (status == CTL_OK)
    status = listen (add);
  if (status == CTL_OK)
    status = ctl_call (add->ctl, CTL_ROOT, CTL_MANAGER, "AddAccount",
                       g_variant_new ("(s@a{sv})", add->settings->id, dict), &reply);
  if (status != CTL_OK)
    return status;
  g_variant_get (reply, "(o)", &add->path);
  g_free (add->settings->id);
  add->settings->id = g_path_get_basename (add->path); /* on the system bus it has got a prefix */
  return CTL_OK;
}

/* What can be done about it, by the error. */
static void
print_advice (Add *add)
{
  const char *id = add->settings->id;

  if (has_error (add, "ConnectionFailed") || has_error (add, "Timeout"))
    fprintf (stderr,
             _ ("If the server has another name or port: \"fardelctl account update %s --server HOST --port "
                "PORT\".\n"),
             id);
  else if (has_error (add, "TlsFailed"))
    fprintf (stderr,
             _ ("To trust an issuer: \"fardelctl account update %s --ca-file FILE\"; one certificate: \"... "
                "--pin-sha256 HEX\".\n"),
             id);
  else
    fprintf (stderr, _ ("Settings are changed with \"fardelctl account update %s\".\n"), id);
}

/* It does not work: what shall become of it? */
static CtlExit
ask_to_keep (Add *add)
{
  int keep;

  print_advice (add);
  keep = ctl_ask_yes_no (_ ("Keep the account, although it does not work yet?"), TRUE);
  if (keep < 0)
    return stop_asking (add, keep);
  if (!keep)
    {
      CtlExit status = ctl_call (add->ctl, add->path, CTL_ACCOUNT, "Remove", NULL, NULL);

      if (status == CTL_OK)
        fprintf (stderr, _ ("Removed %s.\n"), add->settings->id);
      return status == CTL_OK ? CTL_FAILED : status;
    }
  fprintf (stderr, _ ("Kept. \"fardelctl account connect %s\" tries again.\n"), add->settings->id);
  return CTL_FAILED;
}

static void
print_problem (Add *add)
{
  g_autofree char *message = ctl_text_safe (get (add, "ErrorMessage"));
  char *hash = strstr (message, ", SHA-256 ");
  g_autofree char *wrapped = NULL;

  if (hash)
    *hash = '\0'; /* it is shown where it can be read */
  wrapped = ctl_text_wrap (message, stderr);
  if (*wrapped)
    fprintf (stderr, "%s%s.%s\n", ctl_color (stderr, CTL_COLOR_YELLOW), wrapped, ctl_color_end (stderr));
}

/* What became of the password, once it is known. */
static CtlExit
tell_of_password (Add *add)
{
  CtlExit status = add->save ? wait_until (add, FALSE, is_saved) : CTL_OK;
  const char *id = add->settings->id;

  if (status != CTL_OK || !g_str_equal (get (add, "PasswordSource"), "memory"))
    return status;
  print_problem (add);
  fprintf (stderr, _ ("The password is kept until the daemon ends.\n"));
  if (!add->ctl->system) /* which saves none */
    fprintf (stderr, _ ("To let it stay: \"fardelctl account %s %s %s\".\n"),
             can_save (add->ctl) ? "password" : "update", id,
             can_save (add->ctl) ? "--save" : "--password-command COMMAND");
  return CTL_OK;
}

static CtlExit
finish (Add *add)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) tls = g_variant_lookup_value (add->now, "Tls", G_VARIANT_TYPE_VARDICT);
  g_autoptr (GVariant) contacts = NULL;
  g_autofree char *full_jid = ctl_text_safe (get (add, "FullJid"));
  g_autofree char *count = NULL;
  const char *protocol = "";
  guint n;
  CtlExit status;

  status
    = ctl_call (add->ctl, add->path, CTL_ACCOUNT, "ListContacts", g_variant_new ("(a{sv})", NULL), &reply);
  if (status != CTL_OK)
    return status;
  contacts = g_variant_get_child_value (reply, 0);
  n = g_variant_n_children (contacts);
  count = g_strdup_printf (ngettext ("%u contact", "%u contacts", n), n);
  if (tls)
    g_variant_lookup (tls, "protocol", "&s", &protocol);
  fprintf (add->ctl->out, _ ("%sOnline%s as %s, %s.\nThe account is called %s and has %s.\n"),
           ctl_color (add->ctl->out, CTL_COLOR_GREEN), ctl_color_end (add->ctl->out), full_jid, protocol,
           add->settings->id, count);
  return tell_of_password (add);
}

/* From what is known now to the next try. *ret_acted: there will be one. */
static CtlExit
solve_problem (Add *add, gboolean *ret_acted)
{
  g_autoptr (GVariant) tls = g_variant_lookup_value (add->now, "Tls", G_VARIANT_TYPE_VARDICT);
  const char *sha256;
  CtlExit status;

  *ret_acted = FALSE;
  if (g_str_equal (get (add, "Status"), "waiting-for-password") || has_error (add, "AuthenticationFailed"))
    {
      if (add->asked) /* else it is only that there is none */
        print_problem (add);
      status = ask_password (add);
      *ret_acted = status == CTL_OK;
      return status;
    }
  print_problem (add);
  if (has_error (add, "TlsFailed") && tls && g_variant_lookup (tls, "certificate-sha256", "&s", &sha256))
    return ask_certificate (add, sha256, ret_acted);
  return CTL_OK;
}

/* Until it is online, or not wanted any more. */
static CtlExit
try_account (Add *add)
{
  gboolean acted = FALSE;
  CtlExit status;

  for (;;)
    {
      status = wait_until (add, acted, is_settled);
      if (status != CTL_OK)
        return status;
      if (g_str_equal (get (add, "Status"), "online"))
        return finish (add);
      status = solve_problem (add, &acted);
      if (status != CTL_OK)
        return status;
      if (!acted)
        return ask_to_keep (add);
      fprintf (stderr, _ ("Connecting...\n"));
    }
}

static void
print_added (Add *add)
{
  CtlSettings *settings = add->settings;
  gboolean ready = settings->password_command || settings->client_certificate;

  if (add->ctl->json)
    ctl_json_print (add->ctl->out,
                    g_variant_new_parsed ("{'Id': <%s>, 'Path': <%o>}", settings->id, add->path));
  else if (ready)
    fprintf (add->ctl->out, _ ("Added account %s.\n"), settings->id);
  else
    fprintf (add->ctl->out,
             _ ("Added account %s. Give its password with \"fardelctl account password %s\".\n"),
             settings->id, settings->id);
}

CtlExit
ctl_account_add (Ctl *ctl, int argc, char **argv)
{
  g_auto (CtlSettings) settings = { 0 };
  g_auto (Add) add = { .ctl = ctl, .settings = &settings };
  gboolean no_questions = FALSE, ask;
  const GOptionEntry own[] = {
    { "id", 0, 0, G_OPTION_ARG_STRING, &settings.id,
      N_ ("Short name for the account (default: made of the JID)"), N_ ("NAME") },
    { "no-questions", 0, 0, G_OPTION_ARG_NONE, &no_questions, N_ ("Do not ask or wait, also on a terminal"),
      NULL },
    { NULL },
  };
  g_autoptr (GVariant) dict = NULL;
  CtlExit status = CTL_OK;

  if (!ctl_settings_parse (ctl, &settings, own, &argc, &argv, 0))
    return CTL_USAGE;
  ask = ctl_can_ask () && !ctl->json && !no_questions;
  settings.jid = g_strdup (argv[1]);
  if (!settings.jid && ask)
    status = ask_text (&add, _ ("Address (JID), for instance alice@example.org: "), &settings.jid);
  else if (!settings.jid)
    status = ctl_fail (ctl, CTL_USAGE, "", _ ("Which JID? Usage: fardelctl account add JID"));
  if (status == CTL_OK && ask)
    status = choose_id (&add);
  else if (status == CTL_OK && !settings.id)
    settings.id = ctl_settings_id_from_jid (settings.jid);
  if (status == CTL_OK)
    status = ctl_settings_collect (ctl, &settings, &dict);
  if (status == CTL_OK)
    status = add_account (&add, dict);
  if (status != CTL_OK)
    return status;
  if (ask && !settings.no_connect)
    return try_account (&add);
  print_added (&add);
  return CTL_OK;
}
