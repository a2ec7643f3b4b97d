/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fardel-notify: takes the name that the daemon calls when an offer waits, and
 * leaves when it is not needed.
 */
#include "notifier.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <locale.h>
#include <signal.h>

#define OFFER_UI "org.fardel.Fardel1.OfferUI"

typedef struct
{
  GMainLoop *loop;
  GDBusConnection *bus;
  NtfNotifier *notifier;
  NtfTimes times;
} Program;

static void
leave (gpointer data)
{
  Program *program = data;

  g_main_loop_quit (program->loop);
}

static gboolean
on_signal (gpointer data)
{
  leave (data);
  return G_SOURCE_CONTINUE;
}

static void
on_bus_closed (GDBusConnection *bus, gboolean remote_peer_vanished, GError *error, gpointer data)
{
  leave (data);
}

static void
on_name_acquired (GDBusConnection *bus, const char *name, gpointer data)
{
  Program *program = data;

  program->notifier = ntf_notifier_new (bus, &program->times, leave, program);
}

/* Another one shows the offers; two would ask the user twice. */
static void
on_name_lost (GDBusConnection *bus, const char *name, gpointer data)
{
  if (bus) /* else it was closed */
    g_message ("Another program shows the offers (it has the name %s)", name);
  leave (data);
}

static gboolean
parse (int *argc, char ***argv, NtfTimes *times)
{
  int linger = 30, patience = 20;
  gboolean version = FALSE;
  const GOptionEntry entries[] = {
    { "idle-timeout", 0, 0, G_OPTION_ARG_INT, &linger, N_ ("Stay so long with nothing to do (30)"),
      N_ ("SECONDS") },
    { "account-delay", 0, 0, G_OPTION_ARG_INT, &patience,
      N_ ("Tell of an account that needs you when it has for so long (20)"), N_ ("SECONDS") },
    { "version", 0, 0, G_OPTION_ARG_NONE, &version, N_ ("Show the version"), NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_set_summary (context, _ ("Shows files that are offered over XMPP as notifications, for "
                                            "the fardel daemon of this session, which\nstarts it when it is "
                                            "needed."));
  g_option_context_set_translation_domain (context, GETTEXT_PACKAGE);
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  if (!g_option_context_parse (context, argc, argv, &error) || *argc > 1 || linger < 0 || patience < 0)
    {
      g_printerr ("fardel-notify: %s\n", error ? error->message : _ ("Wrong arguments; see --help"));
      return FALSE;
    }
  if (version)
    {
      g_print ("fardel-notify %s\n", FARDEL_VERSION);
      exit (0);
    }
  times->linger_ms = linger * 1000u;
  times->patience_ms = patience * 1000u;
  return TRUE;
}

static void
run (Program *program)
{
  guint name;

  program->loop = g_main_loop_new (NULL, FALSE);
  g_dbus_connection_set_exit_on_close (program->bus, FALSE);
  g_signal_connect (program->bus, "closed", G_CALLBACK (on_bus_closed), program);
  g_unix_signal_add (SIGTERM, on_signal, program);
  g_unix_signal_add (SIGINT, on_signal, program);
  /* A desktop that shows offers itself may come later. */
  name = g_bus_own_name_on_connection (
    program->bus, OFFER_UI, G_BUS_NAME_OWNER_FLAGS_ALLOW_REPLACEMENT | G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE,
    on_name_acquired, on_name_lost, program, NULL);
  g_main_loop_run (program->loop);
  g_clear_pointer (&program->notifier, ntf_notifier_free);
  g_bus_unown_name (name);
  g_dbus_connection_flush_sync (program->bus, NULL, NULL);
  g_main_loop_unref (program->loop);
}

int
main (int argc, char **argv)
{
  Program program = { 0 };
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, FARDEL_LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);

  if (!parse (&argc, &argv, &program.times))
    return 2;
  program.bus = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, &error);
  if (!program.bus)
    {
      g_printerr (_ ("fardel-notify: There is no session bus: %s\n"), error->message);
      return 1;
    }
  run (&program);
  g_object_unref (program.bus);
  return 0;
}
