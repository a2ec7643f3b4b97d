/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files as descriptors: opened, streamed if they have no path, and found in
 * folders. Everything here may block.
 */
#include "fardel-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* As many as the daemon takes at once, see OfferMany. */
#define MAX_FILES 1000
/* Links are not followed, so this only ends absurd trees before the stack does. */
#define MAX_DEPTH 64

struct FardelSource
{
  int fd;
  char *name;
  gint64 size;
  /* only if it is streamed */
  GInputStream *stream;
  GSocket *feed;
  GDBusConnection *bus;
  char *transfer;
};

void
fardel_source_free (FardelSource *source)
{
  if (source->fd >= 0)
    g_close (source->fd, NULL);
  g_free (source->name);
  g_clear_object (&source->stream);
  g_clear_object (&source->feed);
  g_clear_object (&source->bus);
  g_free (source->transfer);
  g_free (source);
}

int
fardel_source_get_fd (FardelSource *source)
{
  return source->fd;
}

const char *
fardel_source_get_name (FardelSource *source)
{
  return source->name;
}

gint64
fardel_source_get_size (FardelSource *source)
{
  return source->stream ? source->size : -1;
}

static gboolean
fail_not_regular (GFile *file, gboolean folder, GError **error)
{
  g_autofree char *name = g_file_get_parse_name (file);

  g_set_error (error, G_IO_ERROR, folder ? G_IO_ERROR_IS_DIRECTORY : G_IO_ERROR_NOT_REGULAR_FILE,
               folder ? "%s is a folder; offer the files in it" : "%s is not a regular file", name);
  return FALSE;
}

static gboolean
open_path (FardelSource *source, GFile *file, GError **error)
{
  const char *path = g_file_peek_path (file);
  struct stat st;

  /* Without O_NONBLOCK a FIFO would hold us until somebody writes. */
  source->fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (source->fd < 0 || fstat (source->fd, &st) < 0)
    {
      int errnum = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errnum), "Cannot open %s: %s", path,
                   g_strerror (errnum));
      return FALSE;
    }
  return S_ISREG (st.st_mode) || fail_not_regular (file, S_ISDIR (st.st_mode), error);
}

/* A socket and not a pipe, since nothing but a socket can be written to without
 * SIGPIPE when the daemon has closed its end. */
static gboolean
open_stream (FardelSource *source, GFile *file, GCancellable *cancellable, GError **error)
{
  g_autoptr (GFileInfo) info
    = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_TYPE "," G_FILE_ATTRIBUTE_STANDARD_SIZE,
                         G_FILE_QUERY_INFO_NONE, cancellable, error);
  int pair[2];

  if (!info)
    return FALSE;
  if (g_file_info_get_file_type (info) == G_FILE_TYPE_DIRECTORY)
    return fail_not_regular (file, TRUE, error);
  if (g_file_info_has_attribute (info, G_FILE_ATTRIBUTE_STANDARD_SIZE))
    source->size = g_file_info_get_size (info);
  source->stream = G_INPUT_STREAM (g_file_read (file, cancellable, error));
  if (!source->stream)
    return FALSE;
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "Cannot make a socket pair: %s",
                   g_strerror (errno));
      return FALSE;
    }
  source->fd = pair[0];
  source->feed = g_socket_new_from_fd (pair[1], error);
  if (!source->feed)
    g_close (pair[1], NULL);
  return source->feed != NULL;
}

FardelSource *
fardel_source_open (GFile *file, GCancellable *cancellable, GError **error)
{
  g_autoptr (FardelSource) source = g_new0 (FardelSource, 1);
  gboolean opened;

  source->fd = -1;
  source->size = -1;
  source->name = g_file_get_basename (file);
  if (!source->name || !g_utf8_validate (source->name, -1, NULL))
    {
      g_autofree char *raw = g_steal_pointer (&source->name);

      source->name = raw ? g_filename_display_name (raw) : g_strdup ("file");
    }
  opened = g_file_peek_path (file) ? open_path (source, file, error)
                                   : open_stream (source, file, cancellable, error);
  return opened ? g_steal_pointer (&source) : NULL;
}

/* The end of the stream would look like the end of the file. */
static void
give_up (FardelSource *source, const GError *error)
{
  const FardelCall cancel = { .bus = source->bus,
                              .path = source->transfer,
                              .interface = FARDEL_TRANSFER_INTERFACE,
                              .method = "Cancel",
                              .fd = -1 };

  g_message ("%s is cancelled, since it cannot be read on: %s", source->name, error->message);
  fardel_call_sync_void (&cancel, NULL, NULL);
}

static gpointer
feed (gpointer data)
{
  g_autoptr (FardelSource) source = data;
  g_autoptr (GSocketConnection) connection = g_socket_connection_factory_create_connection (source->feed);
  GOutputStream *output = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  g_autoptr (GError) error = NULL;
  char buffer[64 * 1024];
  gssize n;

  /* Not g_output_stream_splice(): it does not tell who failed. */
  while ((n = g_input_stream_read (source->stream, buffer, sizeof buffer, NULL, &error)) > 0)
    if (!g_output_stream_write_all (output, buffer, n, NULL, NULL, NULL))
      return NULL; /* the transfer ended before the file */
  if (n < 0)
    give_up (source, error);
  return NULL;
}

void
fardel_source_feed (FardelSource *source, GDBusConnection *bus, const char *transfer)
{
  g_autoptr (FardelSource) owned = source;
  g_autoptr (GError) error = NULL;
  GThread *thread;

  if (!owned->stream)
    return;
  /* Else this end would not be told when the daemon closes the other. */
  g_close (owned->fd, NULL);
  owned->fd = -1;
  owned->bus = g_object_ref (bus);
  owned->transfer = g_strdup (transfer);
  thread = g_thread_try_new ("fardel-feed", feed, owned, &error);
  if (!thread)
    {
      give_up (owned, error);
      return;
    }
  g_thread_unref (thread);
  g_steal_pointer (&owned);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  g_autofree char *first = g_file_get_basename (*(GFile *const *) a);
  g_autofree char *second = g_file_get_basename (*(GFile *const *) b);

  return strcmp (first, second);
}

static gboolean walk (GPtrArray *found, GFile *file, GFileType type, guint depth, GCancellable *cancellable,
                      GError **error);

static gboolean
walk_folder (GPtrArray *found, GFile *folder, guint depth, GCancellable *cancellable, GError **error)
{
  g_autoptr (GFileEnumerator) enumerator
    = g_file_enumerate_children (folder, G_FILE_ATTRIBUTE_STANDARD_NAME "," G_FILE_ATTRIBUTE_STANDARD_TYPE,
                                 G_FILE_QUERY_INFO_NOFOLLOW_SYMLINKS, cancellable, error);
  g_autoptr (GPtrArray) children = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GHashTable) types = g_hash_table_new (NULL, NULL);

  if (!enumerator)
    return FALSE;
  for (;;)
    {
      GFileInfo *info;
      GFile *child;

      if (!g_file_enumerator_iterate (enumerator, &info, &child, cancellable, error))
        return FALSE;
      if (!info)
        break;
      g_ptr_array_add (children, g_object_ref (child));
      g_hash_table_insert (types, child, GINT_TO_POINTER (g_file_info_get_file_type (info)));
    }
  g_ptr_array_sort (children, compare_names);
  for (guint i = 0; i < children->len; i++)
    {
      GFileType type = GPOINTER_TO_INT (g_hash_table_lookup (types, children->pdata[i]));

      if (!walk (found, children->pdata[i], type, depth + 1, cancellable, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
walk (GPtrArray *found, GFile *file, GFileType type, guint depth, GCancellable *cancellable, GError **error)
{
  if (type == G_FILE_TYPE_DIRECTORY && depth < MAX_DEPTH)
    return walk_folder (found, file, depth, cancellable, error);
  if (type != G_FILE_TYPE_REGULAR)
    return TRUE;
  if (found->len == MAX_FILES)
    {
      g_set_error (error, FARDEL_ERROR, FARDEL_ERROR_LIMIT_EXCEEDED,
                   "There are more than %d files; offer them in several parts", MAX_FILES);
      return FALSE;
    }
  g_ptr_array_add (found, g_object_ref (file));
  return TRUE;
}

GPtrArray *
fardel_source_walk (GPtrArray *files, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < files->len; i++)
    {
      GFileType type = g_file_query_file_type (files->pdata[i], G_FILE_QUERY_INFO_NONE, cancellable);

      /* What was named and is no folder is opened, so that the error is about it. */
      if (!walk (found, files->pdata[i], type == G_FILE_TYPE_DIRECTORY ? type : G_FILE_TYPE_REGULAR, 0,
                 cancellable, error))
        return NULL;
    }
  if (found->len == 0)
    {
      g_set_error_literal (error, FARDEL_ERROR, FARDEL_ERROR_INVALID_PATH, "There are no files to offer");
      return NULL;
    }
  return g_steal_pointer (&found);
}
