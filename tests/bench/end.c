/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The file at an end of a reference program, and its measurement.
 */
#include "end.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

void
die (const char *what)
{
  fprintf (stderr, "%s: %s\n", what, errno ? g_strerror (errno) : "failed");
  exit (1);
}

void
tell (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vprintf (format, args);
  va_end (args);
  putchar ('\n');
  fflush (stdout);
}

static double
seconds (clockid_t clock)
{
  struct timespec now;

  clock_gettime (clock, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static struct sockaddr_in
loopback (guint16 port)
{
  return (struct sockaddr_in){
    .sin_family = AF_INET,
    .sin_port = htons (port),
    .sin_addr = { htonl (INADDR_LOOPBACK) },
  };
}

int
end_connect (guint16 port)
{
  struct sockaddr_in address = loopback (port);
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (connect (fd, (struct sockaddr *) &address, sizeof address) < 0)
    die ("connect");
  return fd;
}

int
end_listen (guint16 *ret_port)
{
  struct sockaddr_in address = loopback (0);
  socklen_t length = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (bind (fd, (struct sockaddr *) &address, sizeof address) < 0 || listen (fd, SOMAXCONN) < 0
      || getsockname (fd, (struct sockaddr *) &address, &length) < 0)
    die ("listen");
  *ret_port = ntohs (address.sin_port);
  return fd;
}

static void
open_end (End *end, const char *path, const char *name, int flags)
{
  end->path = path;
  end->fd = open (name, flags | O_CLOEXEC, 0600);
  if (end->fd < 0)
    die (name);
  end->hash = EVP_MD_CTX_new ();
  if (!end->hash || !EVP_DigestInit_ex (end->hash, EVP_sha256 (), NULL))
    die ("sha-256");
}

void
end_open_source (End *end, const char *path)
{
  open_end (end, path, path, O_RDONLY);
}

void
end_open_target (End *end, const char *path)
{
  end->part_path = g_strconcat (path, ".part", NULL);
  open_end (end, path, end->part_path, O_WRONLY | O_CREAT | O_EXCL);
}

void
end_begin (End *end)
{
  end->begun = seconds (CLOCK_MONOTONIC);
  end->cpu_begun = seconds (CLOCK_PROCESS_CPUTIME_ID);
}

gsize
end_read (End *end, void *buffer, gsize size)
{
  ssize_t n = read (end->fd, buffer, size);

  if (n < 0)
    die (end->path);
  end->bytes += n;
  return n;
}

void
end_hash (End *end, const void *data, gsize length)
{
  EVP_DigestUpdate (end->hash, data, length);
}

void
end_write (End *end, const void *data, gsize length)
{
  for (gsize done = 0; done < length;)
    {
      ssize_t n = write (end->fd, (const char *) data + done, length - done);

      if (n < 0)
        die (end->path);
      done += n;
    }
  end_hash (end, data, length);
  end->bytes += length;
}

void
end_publish (End *end)
{
  if (fsync (end->fd) < 0 || rename (end->part_path, end->path) < 0)
    die (end->path);
}

void
end_report (End *end)
{
  guint8 digest[EVP_MAX_MD_SIZE];
  char hex[2 * EVP_MAX_MD_SIZE + 1];
  unsigned length;

  EVP_DigestFinal_ex (end->hash, digest, &length);
  for (unsigned i = 0; i < length; i++)
    g_snprintf (hex + 2 * i, 3, "%02x", digest[i]);
  tell ("report %" G_GUINT64_FORMAT " %.9f %.9f %.9f %s", end->bytes, end->begun, seconds (CLOCK_MONOTONIC),
        seconds (CLOCK_PROCESS_CPUTIME_ID) - end->cpu_begun, hex);
  EVP_MD_CTX_free (end->hash);
  g_free (end->part_path);
  close (end->fd);
}
