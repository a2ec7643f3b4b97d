/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The commands about transfers there are.
 */
#include "ctl.h"

#include "follow.h"
#include "json.h"
#include "text.h"
#include "transfer.h"
#include "value.h"

#include <unistd.h>

static void
print_list (GVariant *transfers, FILE *out)
{
  static const char *const headings[]
    = { N_ ("ID"), N_ ("STATE"), "", N_ ("PEER"), N_ ("SIZE"), N_ ("DONE"), N_ ("NAME"), NULL };
  g_autoptr (CtlTable) table = ctl_table_new (headings);
  GVariantIter iter;
  GVariant *properties;

  g_variant_iter_init (&iter, transfers);
  while (g_variant_iter_loop (&iter, "@a{sv}", &properties))
    {
      g_autoptr (CtlTransfer) transfer = ctl_transfer_new ("", properties);
      gint64 bytes = ctl_transfer_get_int (transfer, "Size");
      g_autofree char *id = g_strdup_printf ("%u", ctl_transfer_get_id (transfer));
      g_autofree char *size = ctl_text_size (bytes);
      g_autofree char *percent = ctl_text_percent (ctl_transfer_get_uint (transfer, "Transferred"), bytes);

      ctl_table_add (table,
                     (const char *[]){ id, ctl_text_state (ctl_transfer_get_string (transfer, "State")),
                                       ctl_transfer_is_incoming (transfer) ? _ ("from") : _ ("to"),
                                       ctl_transfer_get_string (transfer, "Peer"), size, percent,
                                       ctl_transfer_get_string (transfer, "Name"), NULL });
    }
  ctl_table_print (table, out);
}

static CtlExit
list (Ctl *ctl, int argc, char **argv)
{
  g_autofree char *state = NULL, *direction = NULL, *account = NULL, *peer = NULL, *batch = NULL,
                  *app_id = NULL;
  const GOptionEntry entries[] = {
    { "state", 's', 0, G_OPTION_ARG_STRING, &state,
      N_ ("queued, offered, negotiating, active, interrupted, done, rejected, cancelled or failed"),
      N_ ("STATE") },
    { "direction", 'd', 0, G_OPTION_ARG_STRING, &direction, N_ ("incoming or outgoing"), N_ ("DIRECTION") },
    { "account", 'a', 0, G_OPTION_ARG_STRING, &account, N_ ("Of this account"), N_ ("ACCOUNT") },
    { "peer", 'p', 0, G_OPTION_ARG_STRING, &peer, N_ ("To or from this peer"), N_ ("JID") },
    { "batch", 0, 0, G_OPTION_ARG_STRING, &batch, N_ ("Of this batch"), N_ ("BATCH") },
    { "app-id", 0, 0, G_OPTION_ARG_STRING, &app_id, N_ ("Offered by this sandboxed application"),
      N_ ("APP") },
    { NULL },
  };
  g_autoptr (GVariantDict) filter = g_variant_dict_new (NULL);
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) transfers = NULL;
  CtlExit status;

  if (!ctl_parse (ctl, entries, &argc, &argv, 0, 0))
    return CTL_USAGE;
  ctl_value_insert_string (filter, "state", state);
  ctl_value_insert_string (filter, "direction", direction);
  ctl_value_insert_string (filter, "account", account);
  ctl_value_insert_string (filter, "peer", peer);
  ctl_value_insert_string (filter, "batch", batch);
  ctl_value_insert_string (filter, "app-id", app_id);
  status = ctl_call (ctl, CTL_ROOT, CTL_MANAGER, "ListTransfers",
                     g_variant_new ("(@a{sv})", g_variant_dict_end (filter)), &reply);
  if (status != CTL_OK)
    return status;

  transfers = g_variant_get_child_value (reply, 0);
  if (ctl->json)
    ctl_json_print (ctl->out, transfers);
  else
    print_list (transfers, ctl->out);
  return CTL_OK;
}

static CtlExit
show (Ctl *ctl, int argc, char **argv)
{
  g_autofree char *path = NULL;
  g_autoptr (GVariant) properties = NULL;
  g_autoptr (CtlTransfer) transfer = NULL;
  CtlExit status;

  if (!ctl_parse (ctl, NULL, &argc, &argv, 1, 1))
    return CTL_USAGE;
  path = ctl_transfer_path (ctl, argv[1]);
  if (!path)
    return CTL_USAGE;
  status = ctl_get_all (ctl, path, CTL_TRANSFER, &properties);
  if (status != CTL_OK)
    return status;

  if (ctl->json)
    {
      ctl_json_print (ctl->out, ctl_json_prepend (properties, "Path", g_variant_new_object_path (path)));
      return CTL_OK;
    }
  transfer = ctl_transfer_new (path, properties);
  ctl_transfer_print_all (transfer, ctl->out);
  return CTL_OK;
}

/* Calls @method on each transfer that is named; the first failure is what is
 * returned, but the others are tried. */
static CtlExit
call_each (Ctl *ctl, char **arguments, const char *method)
{
  CtlExit result = CTL_OK;

  for (guint i = 0; arguments[i]; i++)
    {
      g_autofree char *path = ctl_transfer_path (ctl, arguments[i]);
      CtlExit status = path ? ctl_call (ctl, path, CTL_TRANSFER, method, NULL, NULL) : CTL_USAGE;

      if (result == CTL_OK)
        result = status;
    }
  return result;
}

static CtlExit
reject (Ctl *ctl, int argc, char **argv)
{
  return ctl_parse (ctl, NULL, &argc, &argv, 1, -1) ? call_each (ctl, argv + 1, "Reject") : CTL_USAGE;
}

static CtlExit
cancel (Ctl *ctl, int argc, char **argv)
{
  return ctl_parse (ctl, NULL, &argc, &argv, 1, -1) ? call_each (ctl, argv + 1, "Cancel") : CTL_USAGE;
}

static CtlExit
forget (Ctl *ctl, int argc, char **argv)
{
  g_autoptr (GVariant) reply = NULL;
  guint32 count;
  CtlExit status;

  if (!ctl_parse (ctl, NULL, &argc, &argv, 0, -1))
    return CTL_USAGE;
  if (argc > 1)
    return call_each (ctl, argv + 1, "Forget");

  status = ctl_call (ctl, CTL_ROOT, CTL_MANAGER, "ForgetFinished", NULL, &reply);
  if (status != CTL_OK)
    return status;
  g_variant_get (reply, "(u)", &count);
  if (ctl->json)
    ctl_json_print (ctl->out, g_variant_new_parsed ("{'Count': %u}", count));
  else
    fprintf (ctl->out, _ ("Forgot %u\n"), count);
  return CTL_OK;
}

/* The new transfer's path goes to @paths. */
static CtlExit
resume_one (Ctl *ctl, const char *argument, gboolean bind, GPtrArray *paths)
{
  g_autofree char *path = ctl_transfer_path (ctl, argument);
  g_autoptr (GVariant) reply = NULL;
  char *new_path;
  CtlExit status;

  if (!path)
    return CTL_USAGE;
  status = ctl_call (ctl, path, CTL_TRANSFER, "Resume",
                     g_variant_new_parsed (bind ? "({'bind': <true>},)" : "(@a{sv} {},)"), &reply);
  if (status != CTL_OK)
    return status;
  g_variant_get (reply, "(o)", &new_path);
  g_ptr_array_add (paths, new_path);
  return CTL_OK;
}

static CtlExit
resume (Ctl *ctl, int argc, char **argv)
{
  gboolean wait = FALSE, bind = FALSE;
  const GOptionEntry entries[] = {
    { "wait", 'w', 0, G_OPTION_ARG_NONE, &wait, N_ ("Show the progress, and wait for the end"), NULL },
    { "bind", 0, 0, G_OPTION_ARG_NONE, &bind, N_ ("Wait, and cancel it if this command is ended"), NULL },
    { NULL },
  };
  g_autoptr (CtlTracker) tracker = NULL;
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  CtlExit status = CTL_OK, followed;

  if (!ctl_parse (ctl, entries, &argc, &argv, 1, -1))
    return CTL_USAGE;
  if (wait || bind)
    status = ctl_tracker_new (ctl, CTL_SHOW_EACH, &tracker);
  for (int i = 1; i < argc && status == CTL_OK; i++)
    status = resume_one (ctl, argv[i], bind, paths);
  if (paths->len == 0)
    return status;
  followed = ctl_follow (ctl, tracker, paths); /* those before one that failed run all the same */
  return status == CTL_OK ? followed : status;
}

/* --- accept --- */

typedef struct
{
  gboolean overwrite;
  gboolean wait;
  gboolean bind;
  gboolean no_resume;
  char **transports;
  char *limit;
  guint64 rate;
} AcceptOptions;

static void
accept_options_clear (AcceptOptions *options)
{
  g_strfreev (options->transports);
  g_free (options->limit);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (AcceptOptions, accept_options_clear)

static void
insert_common (GVariantDict *dict, const AcceptOptions *options)
{
  ctl_value_insert_strings (dict, "transports", options->transports);
  if (options->rate > 0)
    g_variant_dict_insert (dict, "rate-limit", "t", options->rate);
  if (options->bind)
    g_variant_dict_insert (dict, "bind", "b", TRUE);
}

/* To standard output. */
static CtlExit
accept_stdout (Ctl *ctl, const char *path, const AcceptOptions *options)
{
  g_autoptr (GVariantDict) dict = g_variant_dict_new (NULL);

  if (isatty (STDOUT_FILENO))
    return ctl_fail (ctl, CTL_USAGE, "", _ ("Standard output is the terminal: use a pipe or a file."));
  if (options->overwrite || options->no_resume)
    return ctl_fail (ctl, CTL_USAGE, "", _ ("%s is for files, not for standard output."),
                     options->overwrite ? "--overwrite" : "--no-resume");
  insert_common (dict, options);
  return ctl_call (ctl, path, CTL_TRANSFER, "AcceptFd",
                   g_variant_new ("(h@a{sv})", STDOUT_FILENO, g_variant_dict_end (dict)), NULL);
}

static CtlExit
accept_file (Ctl *ctl, const char *path, const char *destination, const AcceptOptions *options)
{
  g_autoptr (GVariantDict) dict = g_variant_dict_new (NULL);
  g_autoptr (GVariant) reply = NULL;
  g_autofree char *absolute = destination && *destination ? ctl_absolute_path (destination) : g_strdup ("");
  g_autofree char *safe = NULL;
  const char *file;
  CtlExit status;

  if (options->overwrite)
    g_variant_dict_insert (dict, "overwrite", "b", TRUE);
  if (options->no_resume)
    g_variant_dict_insert (dict, "resume", "b", FALSE);
  insert_common (dict, options);
  status = ctl_call (ctl, path, CTL_TRANSFER, "Accept",
                     g_variant_new ("(s@a{sv})", absolute, g_variant_dict_end (dict)), &reply);
  if (status != CTL_OK || options->wait) /* who waits is told at the end */
    return status;

  g_variant_get (reply, "(&s)", &file);
  safe = ctl_text_safe (file);
  if (ctl->json)
    ctl_json_print (ctl->out, g_variant_new_parsed ("{'Path': <%o>, 'LocalPath': <%s>}", path, file));
  else
    fprintf (ctl->out, "%s\n", safe);
  return CTL_OK;
}

static CtlExit
accept_offer (Ctl *ctl, int argc, char **argv)
{
  g_auto (AcceptOptions) options = { 0 };
  const GOptionEntry entries[] = {
    { "wait", 'w', 0, G_OPTION_ARG_NONE, &options.wait, N_ ("Show the progress, and wait for the end"),
      NULL },
    { "bind", 0, 0, G_OPTION_ARG_NONE, &options.bind, N_ ("Wait, and cancel it if this command is ended"),
      NULL },
    { "overwrite", 0, 0, G_OPTION_ARG_NONE, &options.overwrite, N_ ("Replace a file that is there"), NULL },
    { "no-resume", 0, 0, G_OPTION_ARG_NONE, &options.no_resume,
      N_ ("Begin at the first byte, whatever an earlier transfer left"), NULL },
    { "limit", 'l', 0, G_OPTION_ARG_STRING, &options.limit, N_ ("Bytes per second at most, e.g. 500k or 2M"),
      N_ ("RATE") },
    { "transport", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.transports,
      N_ ("Use only this path: socks5-direct, socks5-proxy or ibb (repeatable)"), N_ ("TRANSPORT") },
    { NULL },
  };
  g_autofree char *path = NULL;
  g_autoptr (CtlTracker) tracker = NULL;
  g_autoptr (GPtrArray) paths = NULL;
  gboolean to_stdout;
  CtlExit status = CTL_OK;

  if (!ctl_parse (ctl, entries, &argc, &argv, 1, 2) || !ctl_parse_rate (ctl, options.limit, &options.rate))
    return CTL_USAGE;
  path = ctl_transfer_path (ctl, argv[1]);
  if (!path)
    return CTL_USAGE;
  to_stdout = argc > 2 && g_str_equal (argv[2], "-");
  if (to_stdout)
    {
      options.bind = TRUE; /* nobody else reads what we were started to write */
      ctl->out = stderr;
    }
  options.wait = options.wait || options.bind;

  if (options.wait)
    status = ctl_tracker_new (ctl, CTL_SHOW_EACH, &tracker);
  if (status == CTL_OK)
    status = to_stdout ? accept_stdout (ctl, path, &options) : accept_file (ctl, path, argv[2], &options);
  if (status != CTL_OK || !options.wait)
    return status;
  paths = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (paths, g_strdup (path));
  return ctl_follow (ctl, tracker, paths);
}

const CtlCommand ctl_transfer_commands[] = {
  { "list", "", N_ ("Show the transfers"), list, "[TRANSFER]" },
  { "show", "ID", N_ ("Show all about one transfer"), show, "TRANSFER" },
  { "accept", "ID [DESTINATION|-]",
    N_ ("Take an offered file, into a directory or file or to standard output"), accept_offer,
    "{Path: string, LocalPath: string}; with --wait or --bind: EVENT, on standard error if the file goes to "
    "standard "
    "output" },
  { "reject", "ID...", N_ ("Decline offers"), reject, NULL },
  { "cancel", "ID...", N_ ("End transfers"), cancel, NULL },
  { "resume", "ID...", N_ ("Offer again what failed or was cancelled, or at once what was interrupted"),
    resume, "{Id: number, Path: string}; with --wait or --bind: EVENT" },
  { "forget", "[ID...]", N_ ("Remove transfers that ended from the list"), forget,
    "{Count: number} if no ID is given" },
  { NULL },
};
