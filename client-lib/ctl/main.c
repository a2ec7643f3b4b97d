/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fardelctl: the daemon's D-Bus interface as commands. Here: which command, and
 * how its options are read.
 */
#include "ctl.h"

#include "rate.h"

#include <locale.h>
#include <string.h>

const CtlCommand *const ctl_groups[] = {
  ctl_send_commands, ctl_transfer_commands, ctl_wait_commands,   ctl_limit_commands,
  ctl_peer_commands, ctl_account_commands,  ctl_daemon_commands, NULL,
};

static void
print_help (void)
{
  printf (_ ("Usage:\n  fardelctl [--system] [--json] COMMAND [OPTIONS...] [ARGUMENTS...]\n\n"
             "Sends and receives files over XMPP, by the fardel daemon of this session.\n\nCommands:\n"));
  for (guint i = 0; ctl_groups[i]; i++)
    for (const CtlCommand *command = ctl_groups[i]; command->name; command++)
      {
        g_autofree char *usage = g_strdup_printf ("%s %s", command->name, command->arguments);

        printf ("  %-36s %s\n", usage, _ (command->summary));
      }
  printf (
    _ ("\n\"fardelctl COMMAND --help\" shows the options of a command, and what it prints with --json.\n"
       "ID is the number of a transfer, or the short name of an account. PEER is a JID.\n"));
  printf (_ ("\nOptions:\n"
             "  --json      Print JSON, one value a line; see below\n"
             "  --system    Use the daemon of the system bus, which serves all users. Who is not\n"
             "              root sends files, no directories, and accepts with \"-\"\n"
             "  --version   Show the version\n"
             "  --help      Show this\n"));
  printf (_ ("\nJSON:\n"
             "  TRANSFER, ACCOUNT and MANAGER are objects with all properties of these D-Bus interfaces\n"
             "  under their own names, TRANSFER and ACCOUNT also with Path, the object path. What\n"
             "  follows transfers (watch, wait, --wait) prints EVENT: first the TRANSFER, then\n"
             "  for every change an object with Id, Path and the properties that changed; watch also\n"
             "  such objects for accounts, and {Id, Path, Removed: true} for what is forgotten.\n"
             "  Sizes are bytes, rates bytes per second, times microseconds. A command without a\n"
             "  result prints nothing; an error is {Error, ErrorMessage} on standard error. Keys are\n"
             "  never renamed or removed; new ones may come.\n"));
  printf (_ ("\nExit codes:\n"
             "    0  done, or the request was taken\n"
             "    1  the daemon refused it, or it failed here\n"
             "    2  wrong usage\n"
             "    3  there is no session bus or no daemon, or the daemon went away\n"
             "    4  a transfer that was waited for failed\n"
             "    5  ... was rejected\n"
             "    6  ... was cancelled\n"
             "    7  the time to wait is over\n"
             "  130  interrupted; transfers go on\n"));
  printf (_ ("\nEnvironment:\n"
             "  DBUS_SESSION_BUS_ADDRESS  the session bus; else the one in XDG_RUNTIME_DIR\n"
             "  NO_COLOR                  no colours, also on a terminal\n"));
}

/* The command that argv begins with; the longer name first, so that "account"
 * alone would not hide "account list". @ret_words: how many words it took. */
const CtlCommand *
ctl_find_command (int argc, char **argv, int *ret_words)
{
  for (int words = MIN (argc, 2); words > 0; words--)
    {
      g_autofree char *name = words == 2 ? g_strjoin (" ", argv[0], argv[1], NULL) : g_strdup (argv[0]);

      for (guint i = 0; ctl_groups[i]; i++)
        for (const CtlCommand *command = ctl_groups[i]; command->name; command++)
          if (g_str_equal (command->name, name))
            {
              *ret_words = words;
              return command;
            }
    }
  return NULL;
}

static void
describe_command (Ctl *ctl, GOptionContext *context)
{
  g_autofree char *json = NULL;

  g_option_context_set_summary (context, _ (ctl->command->summary));
  if (ctl->command->json)
    {
      json = g_strdup_printf (_ ("With --json: %s"), ctl->command->json);
      g_option_context_set_description (context, json);
    }
}

gboolean
ctl_parse_groups (Ctl *ctl, const GOptionEntry *const *groups, int *argc, char ***argv, int min, int max)
{
  const GOptionEntry common[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &ctl->json, N_ ("Print JSON"), NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (ctl->command->arguments);
  g_autoptr (GError) error = NULL;

  describe_command (ctl, context);
  for (guint i = 0; groups[i]; i++)
    {
      if (ctl->take_options)
        ctl->take_options (groups[i]);
      g_option_context_add_main_entries (context, groups[i], GETTEXT_PACKAGE);
    }
  g_option_context_add_main_entries (context, common, GETTEXT_PACKAGE);
  if (ctl->take_options)
    {
      ctl->take_options (common);
      return FALSE;
    }

  if (!g_option_context_parse (context, argc, argv, &error))
    ctl_fail (ctl, CTL_USAGE, "", _ ("%s. Try \"fardelctl %s --help\"."), error->message, ctl->command->name);
  else if (*argc - 1 < min || (max >= 0 && *argc - 1 > max))
    ctl_fail (ctl, CTL_USAGE, "", _ ("Usage: fardelctl %s %s"), ctl->command->name, ctl->command->arguments);
  else
    return TRUE;
  return FALSE;
}

gboolean
ctl_parse (Ctl *ctl, const GOptionEntry *entries, int *argc, char ***argv, int min, int max)
{
  return ctl_parse_groups (ctl, (const GOptionEntry *[]){ entries, NULL }, argc, argv, min, max);
}

gboolean
ctl_parse_rate (Ctl *ctl, const char *text, guint64 *rate)
{
  if (!text || ctl_rate_parse (text, rate))
    return TRUE;
  ctl_fail (ctl, CTL_USAGE, "",
            _ ("\"%s\" is no limit: say how many bytes (per second), e.g. 500k or 2M, or none."), text);
  return FALSE;
}

char *
ctl_absolute_path (const char *path)
{
  g_autofree char *cwd = g_get_current_dir ();
  g_autofree char *joined = g_path_is_absolute (path) ? g_strdup (path) : g_build_filename (cwd, path, NULL);
  g_auto (GStrv) parts = g_strsplit (joined, "/", -1);
  GString *absolute = g_string_new (NULL);

  for (guint i = 0; parts[i]; i++)
    if (*parts[i] && !g_str_equal (parts[i], "."))
      g_string_append_printf (absolute, "/%s", parts[i]);
  if (g_str_has_suffix (joined, "/") || g_str_has_suffix (joined, "/.") || absolute->len == 0)
    g_string_append_c (absolute, '/');
  return g_string_free (absolute, FALSE);
}

/* D-Bus has only UTF-8 strings. */
static gboolean
check_utf8 (Ctl *ctl, int argc, char **argv)
{
  for (int i = 1; i < argc; i++)
    if (!g_utf8_validate (argv[i], -1, NULL))
      {
        ctl_fail (
          ctl, CTL_USAGE, "",
          _ ("Argument %d is not UTF-8. To send a file with such a name: fardelctl send PEER - --name "
             "NAME < FILE"),
          i);
        return FALSE;
      }
  return TRUE;
}

static CtlExit
run (Ctl *ctl, int argc, char **argv)
{
  g_autofree char *program = NULL;
  int first = 1, words = 0;

  if (!check_utf8 (ctl, argc, argv))
    return CTL_USAGE;
  for (; first < argc && argv[first][0] == '-'; first++)
    {
      if (g_str_equal (argv[first], "--json"))
        ctl->json = TRUE;
      else if (g_str_equal (argv[first], "--system"))
        ctl->system = TRUE;
      else if (g_str_equal (argv[first], "--version"))
        {
          printf ("fardelctl %s\n", FARDEL_VERSION);
          return CTL_OK;
        }
      else if (g_str_equal (argv[first], "--help") || g_str_equal (argv[first], "-h"))
        {
          print_help ();
          return CTL_OK;
        }
      else
        return ctl_fail (ctl, CTL_USAGE, "", _ ("There is no option %s. Try \"fardelctl --help\"."),
                         argv[first]);
    }
  if (first == argc)
    return ctl_fail (ctl, CTL_USAGE, "", _ ("Which command? Try \"fardelctl --help\"."));

  if (g_str_equal (argv[first], "complete"))
    return ctl_complete (ctl, argc - first - 1, argv + first + 1);
  ctl->command = ctl_find_command (argc - first, argv + first, &words);
  if (!ctl->command)
    return ctl_fail (ctl, CTL_USAGE, "", _ ("There is no command \"%s\". Try \"fardelctl --help\"."),
                     argv[first]);
  program = g_strdup_printf ("fardelctl %s", ctl->command->name);
  g_set_prgname (program); /* for the usage line of GOption */
  first += words - 1;
  return ctl->command->run (ctl, argc - first, argv + first);
}

/* Speaks the user's language. */
static void
speak (void)
{
  setlocale (LC_MESSAGES, "");
  bindtextdomain (GETTEXT_PACKAGE, FARDEL_LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
}

int
main (int argc, char **argv)
{
  Ctl ctl = { .out = stdout };
  CtlExit status;

  /* Not LC_NUMERIC and others: numbers look the same for everybody's scripts. */
  setlocale (LC_CTYPE, "");
  if (!g_strv_contains ((const char *const *) argv, "--json")) /* what programs read is English */
    speak ();
  status = run (&ctl, argc, argv);
  if ((fflush (stdout) != 0 || ferror (stdout)) && status == CTL_OK)
    status = ctl_fail (&ctl, CTL_FAILED, "", _ ("Cannot write to standard output."));
  sd_bus_flush_close_unref (ctl.bus);
  return status;
}
