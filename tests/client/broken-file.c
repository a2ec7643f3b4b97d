/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broken-file.h"

#include <string.h>

G_DECLARE_FINAL_TYPE (BrokenStream, broken_stream, BROKEN, STREAM, GFileInputStream)
struct _BrokenStream
{
  GFileInputStream parent_instance;
  gboolean started;
};
G_DEFINE_FINAL_TYPE (BrokenStream, broken_stream, G_TYPE_FILE_INPUT_STREAM)

static gssize
broken_stream_read (GInputStream *stream, void *buffer, gsize count, GCancellable *cancellable,
                    GError **error)
{
  BrokenStream *self = BROKEN_STREAM (stream);

  if (self->started)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The server is gone");
      return -1;
    }
  self->started = TRUE;
  memcpy (buffer, BROKEN_FILE_START, strlen (BROKEN_FILE_START));
  return strlen (BROKEN_FILE_START);
}

static void
broken_stream_init (BrokenStream *self)
{
}

static void
broken_stream_class_init (BrokenStreamClass *class)
{
  G_INPUT_STREAM_CLASS (class)->read_fn = broken_stream_read;
}

G_DECLARE_FINAL_TYPE (BrokenFile, broken_file, BROKEN, FILE, GObject)
struct _BrokenFile
{
  GObject parent_instance;
};

static char *
get_basename (GFile *file)
{
  return g_strdup ("broken.txt");
}

static char *
get_path (GFile *file)
{
  return NULL;
}

static GFileInfo *
query_info (GFile *file, const char *attributes, GFileQueryInfoFlags flags, GCancellable *cancellable,
            GError **error)
{
  GFileInfo *info = g_file_info_new ();

  g_file_info_set_file_type (info, G_FILE_TYPE_REGULAR);
  return info;
}

static GFileInputStream *
read_fn (GFile *file, GCancellable *cancellable, GError **error)
{
  return g_object_new (broken_stream_get_type (), NULL);
}

static void
broken_file_interface_init (GFileIface *interface)
{
  interface->get_basename = get_basename;
  interface->get_path = get_path;
  interface->query_info = query_info;
  interface->read_fn = read_fn;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (BrokenFile, broken_file, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_FILE, broken_file_interface_init))

static void
broken_file_init (BrokenFile *self)
{
}

static void
broken_file_class_init (BrokenFileClass *class)
{
}

GFile *
broken_file_new (void)
{
  return g_object_new (broken_file_get_type (), NULL);
}
