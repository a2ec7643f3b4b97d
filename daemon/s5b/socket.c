/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * TCP sockets of bytestreams: opening them, the SOCKS5 handshake on them, and
 * their options.
 */
#include "s5b/socket.h"
#include "base/fd.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define BACKLOG 16
#define DEAD_PEER_MS 60000 /* unacknowledged data or probes for that long: the peer is gone */
#define KEEPALIVE_IDLE_S 30
#define KEEPALIVE_INTERVAL_S 10

static gboolean
would_block (void)
{
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static FdSocks5Status
broken (FdSocks5 *socks, const char *reason)
{
  socks->reason = reason;
  return socks->status = FD_SOCKS5_FAILED;
}

/* A refusal is sent as far as the socket takes it: seven bytes always fit. */
FdSocks5Status
fd_s5b_socket_drive (int fd, FdSocks5 *socks, GIOCondition *ret_wait)
{
  for (;;)
    {
      guint8 buffer[FD_SOCKS5_MAX_MESSAGE];
      gsize want;
      gssize n;

      if (socks->out_length > 0)
        {
          n = send (fd, socks->out, socks->out_length, MSG_NOSIGNAL);
          if (n < 0 && would_block ())
            {
              *ret_wait = G_IO_OUT;
              return socks->status == FD_SOCKS5_DONE ? FD_SOCKS5_MORE : socks->status;
            }
          if (n < 0)
            return broken (socks, g_strerror (errno));
          fd_socks5_written (socks, n);
          continue;
        }

      want = fd_socks5_want (socks);
      if (want == 0)
        return socks->status;
      n = recv (fd, buffer, want, 0);
      if (n < 0 && would_block ())
        {
          *ret_wait = G_IO_IN;
          return FD_SOCKS5_MORE;
        }
      if (n < 0)
        return broken (socks, g_strerror (errno));
      if (n == 0)
        return broken (socks, "closed the connection");
      fd_socks5_feed (socks, buffer, n);
    }
}

void
fd_s5b_socket_tune (int fd)
{
  static const struct
  {
    int level, name, value;
  } options[] = {
    { IPPROTO_TCP, TCP_NODELAY, 1 },
    { SOL_SOCKET, SO_KEEPALIVE, 1 },
    { IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S },
    { IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S },
    { IPPROTO_TCP, TCP_USER_TIMEOUT, DEAD_PEER_MS },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (options); i++)
    {
      if (setsockopt (fd, options[i].level, options[i].name, &options[i].value, sizeof options[i].value) < 0)
        g_debug ("Cannot set socket option %d: %s", options[i].name, g_strerror (errno));
    }
}

gboolean
fd_s5b_socket_is_dead (int fd)
{
  char byte;
  gssize n = recv (fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

  return n == 0 || (n < 0 && !would_block ());
}

typedef union
{
  struct sockaddr sa;
  struct sockaddr_storage storage; /* its size */
} SockAddr;

static gboolean
fill (GInetAddress *address, guint16 port, SockAddr *ret_sa, gsize *ret_length)
{
  g_autoptr (GSocketAddress) sa = g_inet_socket_address_new (address, port);

  *ret_length = g_socket_address_get_native_size (sa);
  return g_socket_address_to_native (sa, ret_sa, sizeof *ret_sa, NULL);
}

static int
open_socket (GInetAddress *address)
{
  return socket (g_inet_address_get_family (address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                 IPPROTO_TCP);
}

int
fd_s5b_socket_listen (GInetAddress *address, guint16 *port)
{
  const int on = 1;
  fd_autoclose fd = open_socket (address);
  SockAddr sa = { 0 };
  gsize length;
  socklen_t bound = sizeof sa;

  if (fd < 0 || !fill (address, *port, &sa, &length))
    return -1;
  if (sa.sa.sa_family == AF_INET6 && setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)
    return -1;
  if (bind (fd, &sa.sa, length) < 0 || listen (fd, BACKLOG) < 0 || getsockname (fd, &sa.sa, &bound) < 0)
    return -1;

  *port = ntohs (sa.sa.sa_family == AF_INET6 ? ((struct sockaddr_in6 *) &sa)->sin6_port
                                             : ((struct sockaddr_in *) &sa)->sin_port);
  return fd_take (&fd);
}

int
fd_s5b_socket_connect (GInetAddress *address, guint16 port)
{
  fd_autoclose fd = open_socket (address);
  SockAddr sa = { 0 };
  gsize length;

  if (fd < 0 || !fill (address, port, &sa, &length))
    return -1;
  if (connect (fd, &sa.sa, length) < 0 && errno != EINPROGRESS)
    return -1;
  return fd_take (&fd);
}
