/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Accepting an offer: where the file goes, and whether it can, before the peer
 * is told anything.
 */
#include "base/error.h"
#include "base/fd.h"
#include "core/manager-private.h"
#include "core/policy.h"
#include "data/name.h"
#include "xmpp/jid.h"

#include <errno.h>
#include <sys/stat.h>

#define MAX_NUMBER 999 /* "name (999)": whoever has that many has another problem */

static gboolean
is_directory (const char *path)
{
  return g_file_test (path, G_FILE_TEST_IS_DIR);
}

static gboolean
check_directory (const char *path, GError **error)
{
  if (is_directory (path))
    return TRUE;
  if (g_file_test (path, G_FILE_TEST_EXISTS))
    g_set_error (error, FD_ERROR, FD_ERROR_INVALID_PATH, "%s is not a directory", path);
  else
    g_set_error (error, FD_ERROR, FD_ERROR_FILE_NOT_FOUND, "There is no directory %s: make it first", path);
  return FALSE;
}

/* The download folder is ours to make; other directories are the caller's. */
static char *
download_folder (FdManager *manager, GError **error)
{
  const char *folder = manager->config->download_folder;

  if (g_mkdir_with_parents (folder, 0755) == 0)
    return g_strdup (folder);
  fd_error_set_errno (error, errno, FD_ERROR_WRITE_FAILED, "Cannot make the download folder %s", folder);
  return NULL;
}

/* The caller is told the path, so a name that is taken is seen now; one that is
 * taken later is seen when the file is published. */
static char *
free_name (const char *directory, const char *name)
{
  for (guint n = 1; n <= MAX_NUMBER; n++)
    {
      g_autofree char *candidate = fd_name_numbered (name, n);
      g_autofree char *path = g_build_filename (directory, candidate, NULL);
      struct stat st;

      if (lstat (path, &st) < 0)
        return g_steal_pointer (&candidate);
    }
  return g_strdup (name);
}

typedef struct
{
  char *directory;
  char *name;
} Place;

static void
place_clear (Place *place)
{
  g_free (place->directory);
  g_free (place->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Place, place_clear)

static gboolean
find_place (FdTransfer *transfer, const char *destination, gboolean overwrite, Place *ret_place, GError **error)
{
  g_auto (Place) place = { 0 };

  if (!*destination)
    {
      place.directory = download_folder (transfer->manager, error);
      if (!place.directory)
        return FALSE;
    }
  else if (!g_path_is_absolute (destination))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_PATH,
                   "\"%s\" is not an absolute path: the daemon does not run in your directory", destination);
      return FALSE;
    }
  else if (g_str_has_suffix (destination, "/") || is_directory (destination))
    place.directory = g_strdup (destination);
  else
    {
      place.directory = g_path_get_dirname (destination);
      place.name = g_path_get_basename (destination);
    }
  if (!check_directory (place.directory, error))
    return FALSE;
  if (!place.name)
    place.name = g_strdup (transfer->info.name);
  if (!overwrite)
    {
      char *other = free_name (place.directory, place.name);

      g_free (place.name);
      place.name = other;
    }
  *ret_place = place;
  place = (Place){ 0 };
  return TRUE;
}

/* One thread each: a peer, or a script that accepts all, must not start hundreds. */
static gboolean
check_slots (FdTransfer *transfer, GError **error)
{
  if (transfer->manager->active < FD_MAX_ACTIVE)
    return TRUE;
  g_set_error (error, FD_ERROR, FD_ERROR_LIMIT_EXCEEDED,
               "%u transfers are active: accept this one when some have ended", transfer->manager->active);
  return FALSE;
}

/* --- the part --- */

void
fd_accept_drop_part (FdTransfer *transfer)
{
  FdJournalEntry record;

  if (transfer->sink && !fd_sink_is_file (transfer->sink))
    return;
  if (!transfer->sink)
    {
      fd_transfer_record (transfer, &record);
      fd_part_remove (&record);
    }
  else if (!fd_sink_is_published (transfer->sink))
    fd_sink_discard (transfer->sink);
  g_clear_pointer (&transfer->sink, fd_sink_unref);
  g_clear_pointer (&transfer->part, g_free);
  g_clear_pointer (&transfer->part_stamp, g_free);
}

/* Other programs may have touched it while it waited. What this daemon wrote itself it
 * need not hash again. */
static gboolean
find_old_part (FdTransfer *transfer)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FdSink) sink = NULL;
  FdJournalEntry record;

  if (transfer->sink && !fd_sink_is_file (transfer->sink))
    return TRUE;
  if (!transfer->part_stamp)
    return FALSE;
  fd_transfer_record (transfer, &record);
  sink = fd_part_reopen (&record, &error);
  if (sink && !transfer->sink)
    transfer->sink = g_steal_pointer (&sink);
  if (!error)
    return TRUE;
  g_message ("Transfer %u begins again: %s", transfer->info.id, error->message);
  fd_accept_drop_part (transfer);
  return FALSE;
}

/* Where it comes from, for those who wonder years later (freedesktop.org's
 * common extended attributes); XEP-0147 has the form. */
static void
set_origin (FdTransfer *transfer)
{
  g_autofree char *bare = fd_jid_bare (transfer->info.peer);
  g_autofree char *jid = g_uri_escape_string (bare, "@", FALSE);
  g_autofree char *name = g_uri_escape_string (transfer->info.name, NULL, FALSE);
  g_autofree char *referrer = g_strconcat ("xmpp:", jid, NULL);
  g_autofree char *origin = g_strconcat (referrer, "?recvfile;name=", name, NULL);

  fd_sink_set_origin (transfer->sink, origin, referrer);
}

static gboolean
make_part (FdTransfer *transfer, GError **error)
{
  if (transfer->directory)
    transfer->sink
      = fd_sink_new_file (transfer->directory, transfer->file_name, transfer->overwrite, error);
  else
    g_set_error (error, FD_ERROR, FD_ERROR_WRITE_FAILED, "The descriptor that it went to is gone");
  return transfer->sink != NULL;
}

gboolean
fd_accept_find_part (FdTransfer *transfer, GError **error)
{
  gint64 size = transfer->info.size;
  guint64 there;

  transfer->offset = 0;
  if ((!find_old_part (transfer) && !make_part (transfer, error))
      || !fd_sink_open (transfer->sink, size, error))
    return FALSE;
  there = fd_sink_get_size (transfer->sink);
  if (fd_content_can_range (transfer->content) && (size < 0 || there <= (guint64) size))
    transfer->offset = there;
  if (!fd_sink_truncate (transfer->sink, transfer->offset, error))
    return FALSE;
  fd_transfer_look_at_part (transfer); /* as one that changes */
  set_origin (transfer);
  return TRUE;
}

/* --- the answer --- */

/* The user's word covers our addresses too: that is what accepting means, unless
 * the account never shows them. */
static void
accept_content (FdTransfer *transfer)
{
  const FdAccountConfig *account = fd_account_get_config (transfer->account);
  FdContentParams params = {
    .paths = fd_policy_paths (account, transfer->paths, TRUE),
    .loopback = account->allow_loopback,
    .hidden = fd_policy_hides (account, transfer->paths, TRUE),
    .offset = transfer->offset,
  };

  fd_transfer_get_throttles (transfer, params.throttles);
  fd_content_accept (transfer->content, transfer->sink, &params);
  fd_transfer_enter (transfer, FD_STATE_NEGOTIATING);
}

static void
on_hashed (const GError *error, gpointer data)
{
  FdTransfer *transfer = data;
  g_autoptr (GError) problem = NULL;

  transfer->rehash = NULL;
  if (error)
    {
      g_message ("Transfer %u begins again: %s", transfer->info.id, error->message);
      fd_accept_drop_part (transfer);
      if (!fd_accept_find_part (transfer, &problem))
        {
          transfer->ending = TRUE;
          fd_content_cancel (transfer->content, problem);
          return;
        }
    }
  accept_content (transfer);
}

void
fd_accept_begin (FdTransfer *transfer)
{
  FdHashAlgo algo = fd_file_choose_algo (fd_content_get_file (transfer->content));

  transfer->rehash = fd_rehash_start (transfer->sink, algo, transfer->offset, on_hashed, transfer);
}

/* Its thread may still read the part, so that nobody else works with that object. */
void
fd_accept_abort (FdTransfer *transfer)
{
  if (!transfer->rehash)
    return;
  g_clear_pointer (&transfer->rehash, fd_rehash_cancel);
  if (!fd_sink_is_file (transfer->sink))
    return;
  fd_sink_keep (transfer->sink);
  fd_transfer_look_at_part (transfer);
  g_clear_pointer (&transfer->sink, fd_sink_unref);
}

/* --- the user's word --- */

/* The part of an earlier transfer of the same file, if it lies where this one goes.
 * Returns the number of that transfer, 0 if there is none. */
static guint32
inherit_part (FdTransfer *transfer)
{
  const FdJournalEntry *entry = fd_kept_find (transfer->manager, transfer->account, transfer->content);

  if (!entry || entry->info.state != FD_STATE_FAILED || g_strcmp0 (entry->directory, transfer->directory) != 0)
    return 0;
  transfer->part = g_strdup (entry->part);
  transfer->part_stamp = g_strdup (entry->part_stamp);
  return entry->info.id;
}

/* Nothing has begun: the offer can be accepted elsewhere. */
static void
step_back (FdTransfer *transfer)
{
  g_clear_pointer (&transfer->sink, fd_sink_unref);
  g_clear_pointer (&transfer->part, g_free);
  g_clear_pointer (&transfer->part_stamp, g_free);
}

static void
go_ahead (FdTransfer *transfer, const FdAcceptOptions *options)
{
  transfer->paths = options->paths;
  transfer->info.rate_limit = options->rate_limit;
  g_clear_handle_id (&transfer->auto_accept_idle, g_source_remove);
  g_free (transfer->info.local_path);
  transfer->info.local_path = g_strdup (fd_sink_get_path (transfer->sink));
  fd_manager_transfer_changed (transfer, FD_TRANSFER_LOCAL_PATH);
  if (transfer->offset == 0)
    {
      accept_content (transfer);
      return;
    }
  fd_transfer_enter (transfer, FD_STATE_NEGOTIATING);
  fd_accept_begin (transfer);
}

static gboolean
check_acceptable (FdTransfer *transfer, const FdAcceptOptions *options, GError **error)
{
  return fd_transfer_check_pending (transfer, error) && check_slots (transfer, error)
         && fd_policy_check_paths (fd_account_get_config (transfer->account), options->paths, error);
}

gboolean
fd_transfer_accept (FdTransfer *transfer, const char *destination, const FdAcceptOptions *options,
                    char **ret_path, GError **error)
{
  g_auto (Place) place = { 0 };
  guint32 heir_of = 0;

  if (!check_acceptable (transfer, options, error)
      || !find_place (transfer, destination, options->overwrite, &place, error))
    return FALSE;
  g_free (transfer->directory);
  transfer->directory = g_steal_pointer (&place.directory);
  g_free (transfer->file_name);
  transfer->file_name = g_steal_pointer (&place.name);
  transfer->overwrite = options->overwrite;
  if (!options->fresh)
    heir_of = inherit_part (transfer);
  if (!fd_accept_find_part (transfer, error))
    {
      step_back (transfer);
      return FALSE;
    }
  fd_kept_forget_id (transfer->manager, heir_of);
  go_ahead (transfer, options);
  *ret_path = g_strdup (transfer->info.local_path);
  return TRUE;
}

gboolean
fd_transfer_accept_fd (FdTransfer *transfer, int fd, const FdAcceptOptions *options, GError **error)
{
  fd_autoclose owned = fd;

  if (!check_acceptable (transfer, options, error))
    return FALSE;
  transfer->sink = fd_sink_new_fd (fd_take (&owned), error);
  if (!transfer->sink)
    return FALSE;
  go_ahead (transfer, options);
  return TRUE;
}
