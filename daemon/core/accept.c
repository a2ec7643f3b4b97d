/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Accepting an offer: where the file goes, and whether it can, before the peer
 * is told anything.
 */
#include "base/error.h"
#include "base/fd.h"
#include "core/manager-private.h"
#include "data/name.h"

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

static FdSink *
make_sink (FdTransfer *transfer, const char *destination, gboolean overwrite, GError **error)
{
  g_autofree char *directory = NULL;
  g_autofree char *name = NULL;

  if (!*destination)
    {
      directory = download_folder (transfer->manager, error);
      if (!directory)
        return NULL;
    }
  else if (!g_path_is_absolute (destination))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_PATH,
                   "\"%s\" is not an absolute path: the daemon does not run in your directory", destination);
      return NULL;
    }
  else if (g_str_has_suffix (destination, "/") || is_directory (destination))
    directory = g_strdup (destination);
  else
    {
      directory = g_path_get_dirname (destination);
      name = g_path_get_basename (destination);
    }
  if (!check_directory (directory, error))
    return NULL;
  if (!name)
    name = g_strdup (transfer->info.name);
  if (!overwrite)
    {
      char *other = free_name (directory, name);

      g_free (name);
      name = other;
    }
  return fd_sink_new_file (directory, name, overwrite, error);
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

/* The user's word covers our addresses too: that is what accepting means. */
static gboolean
accept_into (FdTransfer *transfer, FdSink *sink, const FdAcceptOptions *options, GError **error)
{
  FdContentParams params = {
    .paths = options->paths ? options->paths : FD_PATH_ANY,
    .loopback = fd_account_get_config (transfer->account)->allow_loopback,
  };

  if (!fd_sink_open (sink, transfer->info.size, error))
    return FALSE;
  transfer->sink = fd_sink_ref (sink);
  g_clear_handle_id (&transfer->auto_accept_idle, g_source_remove);
  g_free (transfer->info.local_path);
  transfer->info.local_path = g_strdup (fd_sink_get_path (sink));
  fd_content_accept (transfer->content, sink, &params);
  fd_manager_transfer_changed (transfer, FD_TRANSFER_LOCAL_PATH);
  fd_transfer_enter (transfer, FD_STATE_NEGOTIATING);
  return TRUE;
}

gboolean
fd_transfer_accept (FdTransfer *transfer, const char *destination, const FdAcceptOptions *options,
                    char **ret_path, GError **error)
{
  g_autoptr (FdSink) sink = NULL;

  if (!fd_transfer_check_pending (transfer, error) || !check_slots (transfer, error))
    return FALSE;
  sink = make_sink (transfer, destination, options->overwrite, error);
  if (!sink || !accept_into (transfer, sink, options, error))
    return FALSE;
  *ret_path = g_strdup (transfer->info.local_path);
  return TRUE;
}

gboolean
fd_transfer_accept_fd (FdTransfer *transfer, int fd, const FdAcceptOptions *options, GError **error)
{
  fd_autoclose owned = fd;
  g_autoptr (FdSink) sink = NULL;

  if (!fd_transfer_check_pending (transfer, error) || !check_slots (transfer, error))
    return FALSE;
  sink = fd_sink_new_fd (fd_take (&owned), error);
  return sink && accept_into (transfer, sink, options, error);
}
