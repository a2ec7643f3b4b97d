/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * For tests that talk to the daemon's code over real loopback sockets while
 * the main loop runs in the same thread.
 */
#pragma once

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <gio/gio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Runs the loop until @condition; a hang is ended by the test's time-out. */
#define RUN_UNTIL(condition) \
  while (!(condition)) \
  g_main_context_iteration (NULL, TRUE)

static inline GInetAddress *
loopback (void)
{
  return g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
}

static inline int
loopback_socket (struct sockaddr_in *sa, guint16 port)
{
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (fd, >=, 0);
  *sa = (struct sockaddr_in){ .sin_family = AF_INET,
                              .sin_port = htons (port),
                              .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  return fd;
}

/* The kernel accepts for a listener in this process, so this does not block. */
static inline int
loopback_connect (guint16 port)
{
  struct sockaddr_in sa;
  int fd = loopback_socket (&sa, port);

  g_assert_cmpint (connect (fd, (struct sockaddr *) &sa, sizeof sa), ==, 0);
  return fd;
}

static inline int
loopback_listen (guint16 *ret_port)
{
  struct sockaddr_in sa;
  socklen_t length = sizeof sa;
  int fd = loopback_socket (&sa, 0);

  g_assert_cmpint (bind (fd, (struct sockaddr *) &sa, sizeof sa), ==, 0);
  g_assert_cmpint (listen (fd, 16), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &sa, &length), ==, 0);
  *ret_port = ntohs (sa.sin_port);
  return fd;
}

/* A port that nobody listens on. */
static inline guint16
loopback_dead_port (void)
{
  guint16 port;

  close (loopback_listen (&port));
  return port;
}

static inline void
put_bytes (int fd, const void *data, gsize length)
{
  g_assert_cmpint (send (fd, data, length, MSG_NOSIGNAL), ==, (gssize) length);
}

/* Reads exactly @length bytes while the loop runs; FALSE at EOF or reset. */
static inline gboolean
get_bytes (int fd, void *data, gsize length)
{
  gsize have = 0;

  while (have < length)
    {
      gssize n = recv (fd, (char *) data + have, length - have, MSG_DONTWAIT);

      if (n > 0)
        have += n;
      else if (n < 0 && errno == EAGAIN)
        g_main_context_iteration (NULL, FALSE);
      else
        return FALSE;
    }
  return TRUE;
}

static inline guint
count_fds (void)
{
  GMainContext *with_its_own_fd G_GNUC_UNUSED = g_main_context_default ();
  DIR *dir = opendir ("/proc/self/fd");
  guint n = 0;

  g_assert_nonnull (dir);
  while (readdir (dir))
    n++;
  closedir (dir);
  return n;
}
