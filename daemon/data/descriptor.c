/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a descriptor from a caller must be before we read or write it.
 */
#include "data/descriptor.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

/* Datagrams would lose what does not fit into one read, listeners have no bytes. */
static gboolean
is_stream_socket (int fd)
{
  int type, listens;
  socklen_t length = sizeof type;

  return getsockopt (fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM
         && getsockopt (fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0 && !listens;
}

gboolean
fd_descriptor_check (int fd, gboolean for_writing, struct stat *ret_stat, GError **error)
{
  int flags = fcntl (fd, F_GETFL);
  int wanted = for_writing ? O_WRONLY : O_RDONLY;
  struct stat st;

  if (flags < 0 || fstat (fd, &st) < 0)
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_FD, "Not an open descriptor: %s", g_strerror (errno));
      return FALSE;
    }
  /* Reopening an O_PATH descriptor would lend the caller our rights. */
  if ((flags & O_PATH) || ((flags & O_ACCMODE) != wanted && (flags & O_ACCMODE) != O_RDWR))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_FD, "The descriptor is not open for %s",
                   for_writing ? "writing" : "reading");
      return FALSE;
    }
  if (!S_ISREG (st.st_mode) && !S_ISFIFO (st.st_mode) && !(S_ISSOCK (st.st_mode) && is_stream_socket (fd)))
    {
      g_set_error_literal (error, FD_ERROR, FD_ERROR_INVALID_FD,
                           "The descriptor must be a regular file, a pipe or a connected stream socket");
      return FALSE;
    }

  *ret_stat = st;
  return TRUE;
}
