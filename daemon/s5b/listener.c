/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Listening sockets (XEP-0065 §5.3): whoever knows the hash of the stream gets
 * in. Strangers can reach the port too, so all of it is bounded.
 */
#include "s5b/listener.h"
#include "base/error.h"
#include "base/fd.h"
#include "s5b/socket.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/socket.h>

/* Sockets in their handshake: a real peer needs two round trips, so when it
 * gets crowded the oldest goes. */
#define MAX_GUESTS 8
#define MAX_GUESTS_OF_PROCESS 64
/* Authenticated sockets: a peer that retries needs two. */
#define MAX_AUTHENTICATED 4
#define MAX_WRONG_HASHES 20 /* somebody guesses, or the peer will never know better */

typedef struct
{
  FdS5bListener *listener;
  int fd;
  FdSocks5 socks;
  guint step; /* of the machine, to see it move on */
  guint watch, timer;
} Guest;

struct FdS5bListener
{
  int fd; /* -1 once it is closed */
  guint16 port;
  guint watch;
  char **dstaddrs;
  GQueue guests; /* Guest, oldest first */
  GQueue authenticated; /* GINT_TO_POINTER (fd), oldest first */
  guint wrong_hashes;
  FdS5bAccepted accepted;
  gpointer data;
};

/* File descriptors are a resource of the process, so is their limit. */
static guint n_guests;

static void
guest_free (Guest *guest)
{
  g_queue_remove (&guest->listener->guests, guest);
  g_clear_handle_id (&guest->watch, g_source_remove);
  g_clear_handle_id (&guest->timer, g_source_remove);
  fd_close (&guest->fd);
  g_free (guest);
  n_guests--;
}

static void
authenticate (Guest *guest)
{
  FdS5bListener *listener = guest->listener;

  g_queue_push_tail (&listener->authenticated, GINT_TO_POINTER (fd_take (&guest->fd)));
  guest_free (guest);
  if (listener->authenticated.length > MAX_AUTHENTICATED)
    close (GPOINTER_TO_INT (g_queue_pop_head (&listener->authenticated)));
  listener->accepted (listener, listener->data);
}

static gboolean
is_ours (FdS5bListener *listener, const char *dstaddr)
{
  for (char **ours = listener->dstaddrs; *ours; ours++)
    {
      if (g_ascii_strcasecmp (*ours, dstaddr) == 0)
        return TRUE;
    }
  if (++listener->wrong_hashes >= MAX_WRONG_HASHES)
    g_info ("Closing the listener on port %u: %u wrong hashes", listener->port, listener->wrong_hashes);
  return FALSE;
}

static gboolean on_guest (int fd, GIOCondition condition, gpointer data);

static gboolean
on_silence (gpointer data)
{
  Guest *guest = data;

  guest->timer = 0;
  guest_free (guest);
  return G_SOURCE_REMOVE;
}

/* May free the guest and, by the callback, the listener. */
static void
drive (Guest *guest)
{
  FdS5bListener *listener = guest->listener;
  GIOCondition wait = G_IO_IN;
  FdSocks5Status status = fd_s5b_socket_drive (guest->fd, &guest->socks, &wait);

  if (status == FD_SOCKS5_ASK)
    {
      fd_socks5_server_answer (&guest->socks, is_ours (listener, guest->socks.dstaddr));
      status = fd_s5b_socket_drive (guest->fd, &guest->socks, &wait);
    }

  switch (status)
    {
    case FD_SOCKS5_DONE:
      authenticate (guest);
      break;
    case FD_SOCKS5_MORE:
      guest->watch = g_unix_fd_add (guest->fd, wait, on_guest, guest);
      if (guest->step != guest->socks.step)
        {
          guest->step = guest->socks.step;
          g_clear_handle_id (&guest->timer, g_source_remove);
          guest->timer = g_timeout_add (FD_S5B_SOCKS_TIMEOUT_MS, on_silence, guest);
        }
      break;
    case FD_SOCKS5_ASK:
    case FD_SOCKS5_FAILED:
    default:
      g_debug ("Refused a connection to port %u: it %s", listener->port, guest->socks.reason);
      guest_free (guest);
      if (listener->wrong_hashes >= MAX_WRONG_HASHES)
        fd_s5b_listener_close (listener);
    }
}

static gboolean
on_guest (int fd, GIOCondition condition, gpointer data)
{
  Guest *guest = data;

  guest->watch = 0;
  drive (guest);
  return G_SOURCE_REMOVE;
}

static gboolean
on_connection (int fd, GIOCondition condition, gpointer data)
{
  FdS5bListener *listener = data;
  fd_autoclose accepted = accept4 (fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  Guest *guest;

  if (accepted < 0)
    {
      if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
        return G_SOURCE_CONTINUE;
      g_warning ("Port %u takes no more connections: %s", listener->port, g_strerror (errno));
      listener->watch = 0;
      fd_s5b_listener_close (listener);
      return G_SOURCE_REMOVE;
    }

  if (listener->guests.length >= MAX_GUESTS
      || (n_guests >= MAX_GUESTS_OF_PROCESS && listener->guests.length > 0))
    guest_free (g_queue_peek_head (&listener->guests));
  if (n_guests >= MAX_GUESTS_OF_PROCESS)
    return G_SOURCE_CONTINUE;

  guest = g_new0 (Guest, 1);
  guest->listener = listener;
  guest->fd = fd_take (&accepted);
  guest->step = G_MAXUINT;
  fd_socks5_server_init (&guest->socks);
  g_queue_push_tail (&listener->guests, guest);
  n_guests++;
  drive (guest);
  return G_SOURCE_CONTINUE;
}

FdS5bListener *
fd_s5b_listener_new (GInetAddress *address, const char *const *dstaddrs, FdS5bAccepted accepted,
                     gpointer data, GError **error)
{
  guint16 port;
  int fd = fd_s5b_socket_listen (address, &port);
  FdS5bListener *listener;

  if (fd < 0)
    {
      g_autofree char *text = g_inet_address_to_string (address);

      fd_error_set_errno (error, errno, FD_ERROR_CONNECTION_FAILED, "Cannot listen on %s", text);
      return NULL;
    }

  listener = g_new0 (FdS5bListener, 1);
  listener->fd = fd;
  listener->port = port;
  listener->watch = g_unix_fd_add (fd, G_IO_IN, on_connection, listener);
  listener->dstaddrs = g_strdupv ((char **) dstaddrs);
  listener->accepted = accepted;
  listener->data = data;
  g_queue_init (&listener->guests);
  g_queue_init (&listener->authenticated);
  return listener;
}

void
fd_s5b_listener_close (FdS5bListener *listener)
{
  g_clear_handle_id (&listener->watch, g_source_remove);
  fd_close (&listener->fd);
}

void
fd_s5b_listener_free (FdS5bListener *listener)
{
  if (!listener)
    return;
  fd_s5b_listener_close (listener);
  while (listener->guests.length > 0)
    guest_free (g_queue_peek_head (&listener->guests));
  while (listener->authenticated.length > 0)
    close (GPOINTER_TO_INT (g_queue_pop_head (&listener->authenticated)));
  g_strfreev (listener->dstaddrs);
  g_free (listener);
}

guint16
fd_s5b_listener_get_port (FdS5bListener *listener)
{
  return listener->port;
}

int
fd_s5b_listener_take (FdS5bListener *listener)
{
  for (GList *i = listener->authenticated.tail; i; i = i->prev)
    {
      int fd = GPOINTER_TO_INT (i->data);

      if (fd_s5b_socket_is_dead (fd))
        continue;
      g_queue_delete_link (&listener->authenticated, i);
      return fd;
    }
  return listener->authenticated.length > 0 ? GPOINTER_TO_INT (g_queue_pop_tail (&listener->authenticated))
                                            : -1;
}
