/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Listening sockets (XEP-0065 §5.3): whoever knows the hash of the stream gets
 * in. Strangers can reach the port too, so all of it is bounded.
 */
#include "s5b/listener.h"
#include "base/error.h"
#include "base/fd.h"
#include "s5b/info.h"
#include "s5b/socket.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/socket.h>

/* Sockets in their handshake: a real peer needs two round trips, so when it
 * gets crowded the oldest goes. */
#define MAX_GUESTS 8
#define MAX_GUESTS_OF_PROCESS 64
/* Authenticated sockets: one for each candidate of ours, where they share a port, and
 * a retry of some. */
#define MAX_AUTHENTICATED (FD_S5B_MAX_OFFERED + 2)
#define MAX_WRONG_HASHES 20 /* somebody guesses, or the peer will never know better */

typedef struct
{
  FdS5bListener *listener;
  int fd;
  FdSocks5 socks;
  guint step; /* of the machine, to see it move on */
  guint watch, timer;
} Guest;

typedef struct
{
  char *dstaddr;
  char *cid; /* NULL: of the whole stream */
} Key;

typedef struct
{
  int fd;
  const Key *key; /* that it came in with */
} Authenticated;

struct FdS5bListener
{
  int fd; /* -1 once it is closed */
  guint16 port;
  guint watch;
  GPtrArray *keys; /* Key */
  GQueue guests; /* Guest, oldest first */
  GQueue authenticated; /* Authenticated, oldest first */
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
key_free (gpointer data)
{
  Key *key = data;

  g_free (key->dstaddr);
  g_free (key->cid);
  g_free (key);
}

static void
authenticated_free (gpointer data)
{
  Authenticated *authenticated = data;

  fd_close (&authenticated->fd);
  g_free (authenticated);
}

static const Key *
find_key (FdS5bListener *listener, const char *dstaddr)
{
  for (guint i = 0; i < listener->keys->len; i++)
    {
      const Key *key = listener->keys->pdata[i];

      if (g_ascii_strcasecmp (key->dstaddr, dstaddr) == 0)
        return key;
    }
  return NULL;
}

static void
authenticate (Guest *guest)
{
  FdS5bListener *listener = guest->listener;
  Authenticated *authenticated = g_new0 (Authenticated, 1);

  authenticated->fd = fd_take (&guest->fd);
  authenticated->key = find_key (listener, guest->socks.dstaddr);
  g_queue_push_tail (&listener->authenticated, authenticated);
  guest_free (guest);
  if (listener->authenticated.length > MAX_AUTHENTICATED)
    authenticated_free (g_queue_pop_head (&listener->authenticated));
  listener->accepted (listener, authenticated->key->cid, listener->data);
}

static gboolean
is_ours (FdS5bListener *listener, const char *dstaddr)
{
  if (find_key (listener, dstaddr))
    return TRUE;
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

void
fd_s5b_listener_admit (FdS5bListener *listener, const char *dstaddr, const char *cid)
{
  Key *key = g_new0 (Key, 1);

  key->dstaddr = g_strdup (dstaddr);
  key->cid = g_strdup (cid);
  g_ptr_array_add (listener->keys, key);
}

FdS5bListener *
fd_s5b_listener_new (GInetAddress *address, guint16 port, const char *const *dstaddrs, FdS5bAccepted accepted,
                     gpointer data, GError **error)
{
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
  listener->keys = g_ptr_array_new_with_free_func (key_free);
  listener->accepted = accepted;
  listener->data = data;
  g_queue_init (&listener->guests);
  g_queue_init (&listener->authenticated);
  for (; *dstaddrs; dstaddrs++)
    fd_s5b_listener_admit (listener, *dstaddrs, NULL);
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
  g_queue_clear_full (&listener->authenticated, authenticated_free);
  g_ptr_array_unref (listener->keys);
  g_free (listener);
}

guint16
fd_s5b_listener_get_port (FdS5bListener *listener)
{
  return listener->port;
}

int
fd_s5b_listener_take (FdS5bListener *listener, const char *cid)
{
  GList *best = NULL;
  int fd;

  for (GList *i = listener->authenticated.tail; i; i = i->prev)
    {
      const Authenticated *authenticated = i->data;

      if (g_strcmp0 (authenticated->key->cid, cid) != 0)
        continue;
      if (!best)
        best = i;
      if (!fd_s5b_socket_is_dead (authenticated->fd))
        {
          best = i;
          break;
        }
    }
  if (!best)
    return -1;
  fd = fd_take (&((Authenticated *) best->data)->fd);
  authenticated_free (best->data);
  g_queue_delete_link (&listener->authenticated, best);
  return fd;
}
