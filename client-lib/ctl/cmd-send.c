/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fardelctl send. Files go as paths, which can be resumed later; standard input,
 * and files on the system bus, as descriptors.
 */
#include "ctl.h"

#include "follow.h"
#include "json.h"
#include "value.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOT_GIVEN G_MININT

typedef struct
{
  char *account;
  char *name;
  char *description;
  char *mime_type;
  char *resource;
  char *batch;
  char **transports;
  char *limit;
  int timeout; /* NOT_GIVEN */
  gint64 size;
  guint64 rate;
  gboolean hash;
  gboolean bind;
  gboolean wait;
} SendOptions;

static void
send_options_clear (SendOptions *options)
{
  g_free (options->account);
  g_free (options->name);
  g_free (options->description);
  g_free (options->mime_type);
  g_free (options->resource);
  g_free (options->batch);
  g_strfreev (options->transports);
  g_free (options->limit);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SendOptions, send_options_clear)

static gboolean
parse_options (Ctl *ctl, SendOptions *options, int *argc, char ***argv)
{
  const GOptionEntry entries[] = {
    { "wait", 'w', 0, G_OPTION_ARG_NONE, &options->wait, N_ ("Show the progress, and wait for the end"),
      NULL },
    { "account", 'a', 0, G_OPTION_ARG_STRING, &options->account, N_ ("Send with this account"),
      N_ ("ACCOUNT") },
    { "name", 0, 0, G_OPTION_ARG_STRING, &options->name, N_ ("File name for the peer (needed for \"-\")"),
      N_ ("NAME") },
    { "description", 0, 0, G_OPTION_ARG_STRING, &options->description, N_ ("Text for the peer"),
      N_ ("TEXT") },
    { "mime-type", 0, 0, G_OPTION_ARG_STRING, &options->mime_type, N_ ("Media type (default: found out)"),
      N_ ("TYPE") },
    { "resource", 0, 0, G_OPTION_ARG_STRING, &options->resource, N_ ("Send to this resource of the peer"),
      N_ ("RESOURCE") },
    { "batch", 0, 0, G_OPTION_ARG_STRING, &options->batch,
      N_ ("Let it belong to what has the same text here"), N_ ("BATCH") },
    { "timeout", 0, 0, G_OPTION_ARG_INT, &options->timeout,
      N_ ("Give up if there is no answer (default: a day; 0: never)"), N_ ("SECONDS") },
    { "transport", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->transports,
      N_ ("Use only this path: socks5-direct, socks5-proxy or ibb (repeatable)"), N_ ("TRANSPORT") },
    { "limit", 'l', 0, G_OPTION_ARG_STRING, &options->limit, N_ ("Bytes per second at most, e.g. 500k or 2M"),
      N_ ("RATE") },
    { "hash", 0, 0, G_OPTION_ARG_NONE, &options->hash,
      N_ ("Send the checksum with the offer, not after the file"), NULL },
    { "bind", 0, 0, G_OPTION_ARG_NONE, &options->bind, N_ ("Wait, and cancel it if this command is ended"),
      NULL },
    { "size", 0, 0, G_OPTION_ARG_INT64, &options->size, N_ ("How much will come from standard input"),
      N_ ("BYTES") },
    { NULL },
  };

  options->timeout = NOT_GIVEN;
  options->size = -1;
  return ctl_parse (ctl, entries, argc, argv, 2, -1) && ctl_parse_rate (ctl, options->limit, &options->rate);
}

/* Without "name", which is not an option everywhere. */
static GVariantDict *
collect_options (const SendOptions *options)
{
  GVariantDict *dict = g_variant_dict_new (NULL);

  ctl_value_insert_string (dict, "account", options->account);
  ctl_value_insert_string (dict, "description", options->description);
  ctl_value_insert_string (dict, "mime-type", options->mime_type);
  ctl_value_insert_string (dict, "resource", options->resource);
  ctl_value_insert_string (dict, "batch", options->batch);
  ctl_value_insert_strings (dict, "transports", options->transports);
  if (options->timeout != NOT_GIVEN)
    g_variant_dict_insert (dict, "timeout", "u", options->timeout);
  if (options->hash)
    g_variant_dict_insert (dict, "hash", "b", TRUE);
  if (options->bind)
    g_variant_dict_insert (dict, "bind", "b", TRUE);
  if (options->rate > 0)
    g_variant_dict_insert (dict, "rate-limit", "t", options->rate);
  return dict;
}

static CtlExit
offer_fd (Ctl *ctl, const char *peer, int fd, const char *name, const SendOptions *options, GPtrArray *paths)
{
  g_autoptr (GVariantDict) dict = collect_options (options);
  g_autoptr (GVariant) reply = NULL;
  char *path;
  CtlExit status;

  if (options->size >= 0)
    g_variant_dict_insert (dict, "size", "x", options->size);
  status = ctl_call (ctl, CTL_ROOT, CTL_MANAGER, "OfferFd",
                     g_variant_new ("(shs@a{sv})", peer, fd, name, g_variant_dict_end (dict)), &reply);
  if (status != CTL_OK)
    return status;
  g_variant_get (reply, "(o)", &path);
  g_ptr_array_add (paths, path);
  return CTL_OK;
}

static CtlExit
offer_stdin (Ctl *ctl, const char *peer, const SendOptions *options, GPtrArray *paths)
{
  if (!options->name)
    return ctl_fail (ctl, CTL_USAGE, "", _ ("Standard input has no name: give one with --name."));
  if (isatty (STDIN_FILENO))
    return ctl_fail (ctl, CTL_USAGE, "", _ ("Standard input is the terminal: use a pipe or a file."));
  return offer_fd (ctl, peer, STDIN_FILENO, options->name, options, paths);
}

/* The daemon of all users is not shown paths: it could not read what they say. */
static CtlExit
offer_opened (Ctl *ctl, const char *peer, GPtrArray *files, const SendOptions *options, GPtrArray *paths)
{
  CtlExit status = CTL_OK;

  for (guint i = 0; i < files->len && status == CTL_OK; i++)
    {
      const char *file = g_ptr_array_index (files, i);
      g_autofree char *base = g_path_get_basename (file);
      int fd = open (file, O_RDONLY | O_CLOEXEC | O_NOCTTY);

      if (fd < 0)
        return ctl_fail (ctl, CTL_FAILED, "", "%s: %s", file, g_strerror (errno));
      status = offer_fd (ctl, peer, fd, options->name ? options->name : base, options, paths);
      close (fd);
    }
  return status;
}

static CtlExit
offer_one (Ctl *ctl, const char *peer, const char *file, const SendOptions *options, GPtrArray *paths)
{
  g_autoptr (GVariantDict) dict = collect_options (options);
  g_autoptr (GVariant) reply = NULL;
  char *path;
  CtlExit status;

  ctl_value_insert_string (dict, "name", options->name);
  status = ctl_call (ctl, CTL_ROOT, CTL_MANAGER, "Offer",
                     g_variant_new ("(ss@a{sv})", peer, file, g_variant_dict_end (dict)), &reply);
  if (status != CTL_OK)
    return status;
  g_variant_get (reply, "(o)", &path);
  g_ptr_array_add (paths, path);
  return CTL_OK;
}

static CtlExit
offer_many (Ctl *ctl, const char *peer, GPtrArray *files, const SendOptions *options, GPtrArray *paths)
{
  g_autoptr (GVariantDict) dict = collect_options (options);
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariantIter) iter = NULL;
  char *path;
  CtlExit status;

  status = ctl_call (ctl, CTL_ROOT, CTL_MANAGER, "OfferMany",
                     g_variant_new ("(s@as@a{sv})", peer,
                                    g_variant_new_strv ((const char *const *) files->pdata, files->len),
                                    g_variant_dict_end (dict)),
                     &reply);
  if (status != CTL_OK)
    return status;
  g_variant_get (reply, "(ao)", &iter);
  while (g_variant_iter_next (iter, "o", &path))
    g_ptr_array_add (paths, path);
  return CTL_OK;
}

/* The object paths of the new transfers go to @paths. */
static CtlExit
offer (Ctl *ctl, const char *peer, char **arguments, const SendOptions *options, GPtrArray *paths)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
  gboolean directory = FALSE;

  if (g_str_equal (arguments[0], "-") && !arguments[1])
    return offer_stdin (ctl, peer, options, paths);
  if (options->size >= 0)
    return ctl_fail (ctl, CTL_USAGE, "", _ ("--size is for standard input only."));

  for (guint i = 0; arguments[i]; i++)
    {
      struct stat st;

      if (g_str_equal (arguments[i], "-"))
        return ctl_fail (ctl, CTL_USAGE, "", _ ("Standard input cannot be sent together with other files."));
      if (stat (arguments[i], &st) < 0)
        return ctl_fail (ctl, CTL_FAILED, "", "%s: %s", arguments[i], g_strerror (errno));
      directory = directory || S_ISDIR (st.st_mode);
      g_ptr_array_add (files, ctl_absolute_path (arguments[i]));
    }
  if (options->name && (files->len > 1 || directory))
    return ctl_fail (ctl, CTL_USAGE, "", _ ("--name is for one file, not for several or a directory."));
  if (ctl->system && !directory)
    return offer_opened (ctl, peer, files, options, paths);
  return files->len > 1 || directory ? offer_many (ctl, peer, files, options, paths)
                                     : offer_one (ctl, peer, g_ptr_array_index (files, 0), options, paths);
}

static CtlExit
send_files (Ctl *ctl, int argc, char **argv)
{
  g_auto (SendOptions) options = { 0 };
  g_autoptr (CtlTracker) tracker = NULL;
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  CtlExit status = CTL_OK;

  if (!parse_options (ctl, &options, &argc, &argv))
    return CTL_USAGE;
  if (options.timeout < 0 && options.timeout != NOT_GIVEN)
    return ctl_fail (ctl, CTL_USAGE, "", _ ("--timeout: %d is not a time."), options.timeout);

  if (options.wait || options.bind)
    status = ctl_tracker_new (ctl, CTL_SHOW_EACH, &tracker); /* before the transfers can change */
  if (status == CTL_OK)
    status = offer (ctl, argv[1], argv + 2, &options, paths);
  if (status == CTL_OK)
    status = ctl_follow (ctl, tracker, paths);
  return status;
}

const CtlCommand ctl_send_commands[] = {
  { "send", "PEER FILE...|-", N_ ("Offer files, directories or standard input"), send_files,
    "{Id: number, Path: string} for each transfer; with --wait or --bind: EVENT" },
  { NULL },
};
