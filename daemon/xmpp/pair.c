/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A TCP connection over loopback.
 */
#include "xmpp/pair.h"

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#define BACKLOG 4 /* others of this machine may knock first… */
#define MAX_STRANGERS 16 /* … and are turned away, so many of them */
#define ACCEPT_TIMEOUT_MS 1000 /* the kernel connects us within the call, unless it is very busy */

typedef struct sockaddr_in Address;

static gboolean
same_address (int fd, int (*get) (int, struct sockaddr *, socklen_t *), const Address *expected)
{
  Address address = { 0 };
  socklen_t length = sizeof address;

  return get (fd, (struct sockaddr *) &address, &length) == 0
         && address.sin_addr.s_addr == expected->sin_addr.s_addr && address.sin_port == expected->sin_port;
}

static int
listen_once (Address *ret_address)
{
  Address address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;
  fd_autoclose fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

  if (fd < 0 || bind (fd, (struct sockaddr *) &address, sizeof address) < 0 || listen (fd, BACKLOG) < 0
      || getsockname (fd, (struct sockaddr *) &address, &length) < 0)
    return -1;
  *ret_address = address;
  return fd_take (&fd);
}

/* The one whose other end is @near. */
static int
accept_own (int listener, int near)
{
  Address own = { 0 };
  socklen_t length = sizeof own;
  struct pollfd item = { .fd = listener, .events = POLLIN };

  if (getsockname (near, (struct sockaddr *) &own, &length) < 0)
    return -1;
  for (guint i = 0; i < MAX_STRANGERS && poll (&item, 1, ACCEPT_TIMEOUT_MS) == 1; i++)
    {
      fd_autoclose fd = accept4 (listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

      if (fd >= 0 && same_address (fd, getpeername, &own))
        return fd_take (&fd);
    }
  errno = ETIMEDOUT;
  return -1;
}

gboolean
fd_pair_new (int *ret_near, int *ret_far, GError **error)
{
  Address address;
  int on = 1;
  fd_autoclose listener = listen_once (&address);
  fd_autoclose near = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  fd_autoclose far = -1;

  if (listener >= 0 && near >= 0
      && (connect (near, (struct sockaddr *) &address, sizeof address) == 0 || errno == EINPROGRESS))
    far = accept_own (listener, near);
  if (far < 0 || !same_address (near, getpeername, &address))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_CONNECTION_FAILED,
                   "No connection over 127.0.0.1 can be made: %s", g_strerror (errno));
      return FALSE;
    }
  setsockopt (near, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt (far, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  *ret_near = fd_take (&near);
  *ret_far = fd_take (&far);
  return TRUE;
}
