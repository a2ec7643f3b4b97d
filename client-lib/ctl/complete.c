/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What can follow on a command line, for all shells: "fardelctl complete WORD..."
 * prints a line "VALUE<tab>DESCRIPTION" for each way to go on with the last word,
 * or ":files" or ":directories" where the shell knows better. Never waits long,
 * starts no daemon, and says nothing of errors.
 */
#include "ctl.h"

#include "text.h"
#include "transfer.h"
#include "value.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum
{
  PATIENCE_MS = 1000, /* somebody has pressed a key */
  MAX_OPTIONS = 64,
};

/* Values of options, by the word that stands for them in --help. */
static const struct
{
  const char *metavar;
  const char *values[12];
} words[] = {
  { "STATE",
    { "queued", "offered", "negotiating", "active", "interrupted", "done", "rejected", "cancelled",
      "failed" } },
  { "DIRECTION", { "incoming", "outgoing" } },
  { "TRANSPORT", { "socks5-direct", "socks5-proxy", "ibb" } },
  { "KIND", { "starttls", "direct" } },
  { "WHAT", { "decline", "hold" } },
};

static GOptionEntry options[MAX_OPTIONS]; /* of the command */
static guint n_options;

typedef struct
{
  Ctl *ctl;
  char **given; /* the words before, from the command's name on */
  int n_given;
  const char *current;
  const char *prefix; /* "--option=" in front of each value, or "" */
} Line;

static void
give_up (int number)
{
  _exit (CTL_OK); /* with what was printed so far */
}

static void
keep_options (const GOptionEntry *entries)
{
  for (; entries && entries->long_name && n_options < MAX_OPTIONS; entries++)
    options[n_options++] = *entries;
}

static void
print_candidate (const Line *line, const char *value, const char *description)
{
  g_autofree char *whole = g_strconcat (line->prefix, value, NULL);
  g_autofree char *safe = ctl_text_safe (description);
  g_autofree char *harmless = ctl_text_safe (value);

  /* One that would have to be changed to be shown cannot be meant. */
  if (g_str_has_prefix (whole, line->current) && g_str_equal (harmless, value))
    printf ("%s\t%s\n", whole, safe);
}

/* -- what the daemon knows ------------------------------------------------ */

static gboolean
was_given (const Line *line, const char *word)
{
  for (int i = 1; i < line->n_given; i++)
    if (g_str_equal (line->given[i], word))
      return TRUE;
  return FALSE;
}

static gboolean
fits_command (const char *command, CtlTransfer *transfer)
{
  const char *state = ctl_transfer_get_string (transfer, "State");
  gboolean incoming = ctl_transfer_is_incoming (transfer);
  gboolean final = ctl_transfer_is_final (transfer);

  if (g_str_equal (command, "accept") || g_str_equal (command, "reject"))
    return incoming && g_str_equal (state, "offered");
  if (g_str_equal (command, "resume"))
    return ctl_transfer_is_resumable (transfer);
  if (g_str_equal (command, "forget"))
    return final;
  return !final || g_str_equal (command, "show");
}

static void
print_transfers (const Line *line)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariantIter) iter = NULL;
  GVariant *properties;

  if (ctl_call (line->ctl, CTL_ROOT, CTL_MANAGER, "ListTransfers", g_variant_new ("(a{sv})", NULL), &reply)
      != CTL_OK)
    return;
  g_variant_get (reply, "(aa{sv})", &iter);
  while (g_variant_iter_loop (iter, "@a{sv}", &properties))
    {
      g_autoptr (CtlTransfer) transfer = ctl_transfer_new ("", properties);
      g_autofree char *id = g_strdup_printf ("%u", ctl_transfer_get_id (transfer));
      g_autofree char *description = g_strdup_printf ("%s, %s %s", ctl_transfer_get_string (transfer, "Name"),
                                                      ctl_transfer_get_string (transfer, "State"),
                                                      ctl_transfer_get_string (transfer, "Peer"));

      if (fits_command (line->ctl->command->name, transfer) && !was_given (line, id))
        print_candidate (line, id, description);
    }
}

static void
print_accounts (const Line *line)
{
  g_autoptr (GVariant) accounts = NULL;
  GVariantIter iter;
  GVariant *properties;

  if (ctl_list_accounts (line->ctl, &accounts) != CTL_OK)
    return;
  g_variant_iter_init (&iter, accounts);
  while (g_variant_iter_loop (&iter, "{o@a{sv}}", NULL, &properties))
    {
      g_autofree char *description = g_strdup_printf ("%s, %s", ctl_value_lookup_string (properties, "Jid"),
                                                      ctl_value_lookup_string (properties, "Status"));

      print_candidate (line, ctl_value_lookup_string (properties, "Id"), description);
    }
}

static void
print_resources (const Line *line, const char *jid, GVariant *contact)
{
  g_autoptr (GVariantIter) iter = NULL;
  GVariant *resource;

  if (!g_variant_lookup (contact, "resources", "aa{sv}", &iter))
    return;
  while (g_variant_iter_loop (iter, "@a{sv}", &resource))
    {
      g_autofree char *full = g_strconcat (jid, "/", ctl_value_lookup_string (resource, "resource"), NULL);

      print_candidate (line, full, ctl_value_lookup_string (resource, "software"));
    }
}

/* A bare JID each; full ones where a resource has been begun. */
static void
print_contacts_of (const Line *line, const char *path)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariantIter) iter = NULL;
  GVariant *contact;

  if (ctl_call (line->ctl, path, CTL_ACCOUNT, "ListContacts", g_variant_new ("(a{sv})", NULL), &reply)
      != CTL_OK)
    return;
  g_variant_get (reply, "(aa{sv})", &iter);
  while (g_variant_iter_loop (iter, "@a{sv}", &contact))
    {
      const char *jid = ctl_value_lookup_string (contact, "jid");
      const char *name = ctl_value_lookup_string (contact, "name");
      gboolean online = ctl_value_lookup_boolean (contact, "online");
      gboolean able = ctl_value_lookup_boolean (contact, "can-receive");
      g_autofree char *description = g_strdup_printf ("%s%s%s", name, *name ? ", " : "",
                                                      able     ? _ ("can receive")
                                                      : online ? _ ("online")
                                                               : _ ("offline"));

      if (strchr (line->current, '/'))
        print_resources (line, jid, contact);
      else
        print_candidate (line, jid, description);
    }
  fflush (stdout);
}

static void
print_contacts (const Line *line)
{
  g_autoptr (GVariant) accounts = NULL;
  GVariantIter iter;
  const char *path;

  if (ctl_list_accounts (line->ctl, &accounts) != CTL_OK)
    return;
  g_variant_iter_init (&iter, accounts);
  while (g_variant_iter_loop (&iter, "{&o@a{sv}}", &path, NULL))
    print_contacts_of (line, path);
}

/* -- commands, options and arguments -------------------------------------- */

static void
print_commands (const Line *line, const char *group)
{
  g_autofree char *start = group ? g_strconcat (group, " ", NULL) : g_strdup ("");
  g_autofree char *last = NULL;

  for (guint i = 0; ctl_groups[i]; i++)
    for (const CtlCommand *command = ctl_groups[i]; command->name; command++)
      if (g_str_has_prefix (command->name, start))
        {
          const char *rest = command->name + strlen (start);
          g_autofree char *word = g_strndup (rest, strcspn (rest, " "));

          if (g_strcmp0 (word, last) == 0)
            continue; /* "account" once */
          print_candidate (
            line, word, strchr (rest, ' ') ? _ ("Add, change and connect accounts") : _ (command->summary));
          g_free (last);
          last = g_steal_pointer (&word);
        }
}

static void
print_options (const Line *line)
{
  for (guint i = 0; i < n_options; i++)
    {
      g_autofree char *name = g_strconcat ("--", options[i].long_name, NULL);

      print_candidate (line, name, _ (options[i].description));
    }
}

/* What stands for @metavar, e.g. "JID" or "ID...". */
static void
print_values (const Line *line, const char *metavar)
{
  if (g_str_has_prefix (metavar, "FILE") || g_str_has_prefix (metavar, "DESTINATION"))
    puts (":files");
  else if (g_str_equal (metavar, "DIRECTORY"))
    puts (":directories");
  else if (g_str_equal (metavar, "JID") || g_str_equal (metavar, "PEER"))
    print_contacts (line);
  else if (g_str_equal (metavar, "ACCOUNT")
           || (g_str_has_prefix (metavar, "ID") && g_str_has_prefix (line->ctl->command->name, "account ")))
    print_accounts (line);
  else if (g_str_has_prefix (metavar, "ID"))
    print_transfers (line);
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    for (guint j = 0; g_str_equal (words[i].metavar, metavar) && words[i].values[j]; j++)
      print_candidate (line, words[i].values[j], "");
}

/* The option that @word is; NULL also for one with its value in the same word. */
static const GOptionEntry *
find_option (const char *word)
{
  for (guint i = 0; i < n_options; i++)
    if (g_str_has_prefix (word, "--")
          ? g_str_equal (word + 2, options[i].long_name)
          : word[0] == '-' && word[1] && word[1] == options[i].short_name && !word[2])
      return &options[i];
  return NULL;
}

/* Argument number @n, from 0, in "ID [DESTINATION|-]"; NULL if there is none. g_free(). */
static char *
get_metavar (const char *arguments, guint n)
{
  g_auto (GStrv) parts = g_strsplit_set (arguments, " []", -1);
  const char *found = NULL;

  for (guint i = 0, seen = 0; parts[i]; i++)
    if (*parts[i])
      {
        if (seen++ == n)
          return g_strdup (parts[i]);
        found = strstr (parts[i], "...") ? parts[i] : NULL; /* the last one is repeated */
      }
  return g_strdup (found);
}

/* The command is known: an option, its value, or an argument. */
static void
complete_command (Line *line)
{
  const GOptionEntry *option = NULL;
  gboolean only_arguments = FALSE;
  guint n_arguments = 0;
  g_autofree char *metavar = NULL;
  g_autofree char *name = NULL, *prefix = NULL;

  for (int i = 1; i < line->n_given; i++)
    {
      if (option) /* this is its value */
        option = NULL;
      else if (!only_arguments && g_str_equal (line->given[i], "--"))
        only_arguments = TRUE;
      else if (!only_arguments && line->given[i][0] == '-' && line->given[i][1])
        option = find_option (line->given[i]);
      else
        n_arguments++;
      if (option && option->arg == G_OPTION_ARG_NONE)
        option = NULL;
    }

  if (!option && !only_arguments && g_str_has_prefix (line->current, "--") && strchr (line->current, '='))
    {
      name = g_strndup (line->current, strcspn (line->current, "="));
      prefix = g_strconcat (name, "=", NULL);
      line->prefix = prefix;
      option = find_option (name);
    }
  if (option)
    print_values (line, option->arg_description ? option->arg_description : "");
  else if (!only_arguments && line->current[0] == '-' && !*line->prefix)
    print_options (line);
  else if (!*line->prefix && (metavar = get_metavar (line->ctl->command->arguments, n_arguments)))
    print_values (line, metavar);
}

CtlExit
ctl_complete (Ctl *ctl, int argc, char **argv)
{
  static const GOptionEntry global[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, NULL, N_ ("Print JSON"), NULL },
    { "system", 0, 0, G_OPTION_ARG_NONE, NULL, N_ ("Use the daemon of the system bus"), NULL },
    { "help", 0, 0, G_OPTION_ARG_NONE, NULL, N_ ("Show all commands"), NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, NULL, N_ ("Show the version"), NULL },
    { NULL },
  };
  static const struct itimerval patience = { .it_value = { PATIENCE_MS / 1000, PATIENCE_MS % 1000 * 1000 } };
  Line line = { .ctl = ctl, .current = argc > 0 ? argv[argc - 1] : "", .prefix = "" };
  int first = 0, n_words;

  signal (SIGALRM, give_up);
  setitimer (ITIMER_REAL, &patience, NULL);
  ctl->take_options = keep_options;

  for (; first < argc - 1 && argv[first][0] == '-'; first++)
    ctl->system = ctl->system || g_str_equal (argv[first], "--system");
  line.given = argv + first;
  line.n_given = MAX (0, argc - 1 - first);
  ctl->command = ctl_find_command (line.n_given, line.given, &n_words);
  if (ctl->command)
    {
      line.given += n_words - 1;
      line.n_given -= n_words - 1;
      ctl->command->run (ctl, 1, (char *[]){ line.given[0], NULL });
      complete_command (&line);
    }
  else if (line.n_given == 0 && line.current[0] == '-')
    {
      keep_options (global);
      print_options (&line);
    }
  else if (line.n_given <= 1)
    print_commands (&line, line.n_given == 1 ? line.given[0] : NULL);
  return CTL_OK;
}
