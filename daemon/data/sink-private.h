/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What sink.c (the bytes), part.c (the file while it grows) and publish.c (its
 * final place) share.
 */
#pragma once

#include "data/sink.h"

#include <sys/stat.h>

/* Leaves room for ".", " (999)" and ".corrupt" in NAME_MAX. */
#define FD_PART_STEM_MAX 230
#define FD_PART_NUMBER_MAX 999

typedef enum
{
  FD_SINK_CLOSED,
  FD_SINK_PART, /* the bytes are in .NAME.part */
  FD_SINK_PUBLISHED, /* they are in their final place */
} FdSinkState;

/* open, write and publish may run in another thread than the getters: what these
 * return is written once, published with an atomic store and freed at the end. */
struct FdSink
{
  gatomicrefcount refs;
  gint state; /* FdSinkState, atomic */
  int fd;
  gboolean keep;
  gboolean at_rest; /* nothing was written since it was kept */

  FdHash *hash; /* of the first … bytes */
  guint64 hashed;

  /* a descriptor */
  mode_t type;
  guint64 base; /* a regular file is written from where it stood */
  guint64 written; /* in order */

  /* a file */
  char *directory;
  int dir_fd; /* -1: this is a descriptor */
  char *name;
  gboolean overwrite;
  gboolean reserved;
  mode_t mode; /* of the published file */
  char *part_name;
  char *origin, *referrer;
  char *intended_path, *part_path, *final_path, *corrupt_path;
};

char *fd_sink_in_directory (FdSink *sink, const char *name);

/* Is the part still the file that we made, under the name that we gave it? */
gboolean fd_sink_part_is_ours (FdSink *sink);
