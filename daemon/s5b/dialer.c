/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Connecting to a candidate (XEP-0065 §5.3.2). A refused hash is answered by
 * the next hash on a new connection, as listeners disagree on it; an address
 * that does not answer is answered by the next address of the name.
 */
#include "s5b/dialer.h"
#include "base/error.h"
#include "base/fd.h"
#include "net/addresses.h"
#include "s5b/socket.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/socket.h>

/* Addresses tried for a name; each but the last gets a share of the time. */
#define MAX_ADDRESSES 3
#define ADDRESS_SHARE_MS 2500

struct FdS5bDialer
{
  char *host;
  guint16 port;
  char **dstaddrs;
  gboolean with_loopback;
  gint64 deadline; /* of the TCP connection, monotonic µs */
  GCancellable *cancellable; /* of the name lookup */
  GList *addresses; /* GInetAddress, the current one first */
  guint attempt; /* index into dstaddrs */
  int fd;
  FdSocks5 socks;
  guint step;
  guint watch, timer;
  GError *error; /* the latest failure */
  FdS5bDialed dialed;
  gpointer data;
};

static void connect_next (FdS5bDialer *dialer);

static void
hang_up (FdS5bDialer *dialer)
{
  g_clear_handle_id (&dialer->watch, g_source_remove);
  g_clear_handle_id (&dialer->timer, g_source_remove);
  fd_close (&dialer->fd);
}

static void
note (FdS5bDialer *dialer, int code, const char *text)
{
  g_clear_error (&dialer->error);
  dialer->error = g_error_new_literal (FD_ERROR, code, text);
}

static guint
time_left_ms (FdS5bDialer *dialer)
{
  return MAX (dialer->deadline - g_get_monotonic_time (), 0) / 1000;
}

static void
give_up (FdS5bDialer *dialer)
{
  hang_up (dialer);
  dialer->dialed (dialer, -1, dialer->error, dialer->data);
}

static void
next_address (FdS5bDialer *dialer)
{
  hang_up (dialer);
  g_object_unref (dialer->addresses->data);
  dialer->addresses = g_list_delete_link (dialer->addresses, dialer->addresses);
  connect_next (dialer);
}

/* The other end answered, but not as we hoped. Its other addresses are not tried: a
 * proxy that sees a hash twice joins the wrong sockets. */
static void
refused (FdS5bDialer *dialer, const char *reason)
{
  hang_up (dialer);
  note (dialer, FD_ERROR_CONNECTION_FAILED, reason);
  if (dialer->dstaddrs[dialer->attempt + 1] == NULL)
    {
      give_up (dialer);
      return;
    }
  dialer->attempt++;
  connect_next (dialer);
}

static gboolean on_socket (int fd, GIOCondition condition, gpointer data);

static gboolean
on_silence (gpointer data)
{
  FdS5bDialer *dialer = data;

  dialer->timer = 0;
  if (dialer->step == G_MAXUINT)
    {
      note (dialer, FD_ERROR_TIMEOUT, "timed out");
      next_address (dialer);
    }
  else
    {
      note (dialer, FD_ERROR_TIMEOUT, "connected, but did not talk SOCKS5");
      give_up (dialer);
    }
  return G_SOURCE_REMOVE;
}

static void
set_timer (FdS5bDialer *dialer, guint ms)
{
  g_clear_handle_id (&dialer->timer, g_source_remove);
  dialer->timer = g_timeout_add (ms, on_silence, dialer);
}

static void
drive (FdS5bDialer *dialer)
{
  GIOCondition wait = G_IO_IN;

  switch (fd_s5b_socket_drive (dialer->fd, &dialer->socks, &wait))
    {
    case FD_SOCKS5_DONE:
      {
        int fd = fd_take (&dialer->fd);

        hang_up (dialer);
        dialer->dialed (dialer, fd, NULL, dialer->data);
        break;
      }
    case FD_SOCKS5_MORE:
      dialer->watch = g_unix_fd_add (dialer->fd, wait, on_socket, dialer);
      if (dialer->step != dialer->socks.step)
        {
          dialer->step = dialer->socks.step;
          set_timer (dialer, FD_S5B_SOCKS_TIMEOUT_MS);
        }
      break;
    case FD_SOCKS5_ASK:
    case FD_SOCKS5_FAILED:
    default:
      refused (dialer, dialer->socks.reason);
    }
}

static gboolean
on_socket (int fd, GIOCondition condition, gpointer data)
{
  FdS5bDialer *dialer = data;

  dialer->watch = 0;
  drive (dialer);
  return G_SOURCE_REMOVE;
}

static const char *
connect_error_text (int errnum)
{
  switch (errnum)
    {
    case ECONNREFUSED:
      return "refused";
    case ETIMEDOUT:
      return "timed out";
    case ENETUNREACH:
    case EHOSTUNREACH:
      return "unreachable";
    default:
      return g_strerror (errnum);
    }
}

static void
connect_failed (FdS5bDialer *dialer, int errnum)
{
  note (dialer, FD_ERROR_CONNECTION_FAILED, connect_error_text (errnum));
  next_address (dialer);
}

static gboolean
on_connected (int fd, GIOCondition condition, gpointer data)
{
  FdS5bDialer *dialer = data;
  int errnum = 0;
  socklen_t length = sizeof errnum;

  dialer->watch = 0;
  if (getsockopt (fd, SOL_SOCKET, SO_ERROR, &errnum, &length) < 0)
    errnum = errno;
  if (errnum != 0)
    {
      connect_failed (dialer, errnum);
      return G_SOURCE_REMOVE;
    }
  fd_socks5_client_init (&dialer->socks, dialer->dstaddrs[dialer->attempt]);
  drive (dialer);
  return G_SOURCE_REMOVE;
}

/* Always ends in a source or in the callback. */
static void
connect_next (FdS5bDialer *dialer)
{
  guint left = time_left_ms (dialer);
  GInetAddress *address;

  if (!dialer->addresses)
    {
      give_up (dialer);
      return;
    }
  if (left == 0)
    {
      note (dialer, FD_ERROR_TIMEOUT, "timed out");
      give_up (dialer);
      return;
    }

  address = dialer->addresses->data;
  dialer->step = G_MAXUINT;
  dialer->fd = fd_s5b_socket_connect (address, dialer->port);
  if (dialer->fd < 0)
    {
      connect_failed (dialer, errno);
      return;
    }
  dialer->watch = g_unix_fd_add (dialer->fd, G_IO_OUT, on_connected, dialer);
  set_timer (dialer, dialer->addresses->next ? MIN (left, ADDRESS_SHARE_MS) : left);
}

/* Takes @found. */
static void
use_addresses (FdS5bDialer *dialer, GList *found)
{
  for (GList *i = found; i && g_list_length (dialer->addresses) < MAX_ADDRESSES; i = i->next)
    {
      if (fd_address_is_dialable (i->data, dialer->with_loopback))
        dialer->addresses = g_list_append (dialer->addresses, g_object_ref (i->data));
    }
  g_list_free_full (found, g_object_unref);
  if (!dialer->addresses)
    note (dialer, FD_ERROR_CONNECTION_FAILED, "not dialed: an address of this host or of nobody");
  connect_next (dialer);
}

static void
on_resolved (GObject *resolver, GAsyncResult *result, gpointer data)
{
  FdS5bDialer *dialer = data;
  g_autoptr (GError) error = NULL;
  GList *found = g_resolver_lookup_by_name_finish (G_RESOLVER (resolver), result, &error);

  /* Cancelled: the dialer is gone. */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  g_clear_object (&dialer->cancellable);
  g_clear_handle_id (&dialer->timer, g_source_remove);
  if (error)
    {
      note (dialer, FD_ERROR_CONNECTION_FAILED, "name not found");
      give_up (dialer);
      return;
    }
  use_addresses (dialer, found);
}

static gboolean
on_lookup_silence (gpointer data)
{
  FdS5bDialer *dialer = data;

  dialer->timer = 0;
  g_cancellable_cancel (dialer->cancellable);
  g_clear_object (&dialer->cancellable);
  note (dialer, FD_ERROR_TIMEOUT, "name lookup timed out");
  give_up (dialer);
  return G_SOURCE_REMOVE;
}

static gboolean
on_start (gpointer data)
{
  FdS5bDialer *dialer = data;
  GInetAddress *literal = g_inet_address_new_from_string (dialer->host);

  dialer->watch = 0;
  if (literal)
    {
      use_addresses (dialer, g_list_append (NULL, literal));
      return G_SOURCE_REMOVE;
    }

  g_autoptr (GResolver) resolver = g_resolver_get_default ();
  dialer->cancellable = g_cancellable_new ();
  dialer->timer = g_timeout_add (time_left_ms (dialer), on_lookup_silence, dialer);
  g_resolver_lookup_by_name_async (resolver, dialer->host, dialer->cancellable, on_resolved, dialer);
  return G_SOURCE_REMOVE;
}

FdS5bDialer *
fd_s5b_dialer_new (const char *host, guint16 port, const char *const *dstaddrs, guint patience_ms,
                   gboolean with_loopback, FdS5bDialed dialed, gpointer data)
{
  FdS5bDialer *dialer = g_new0 (FdS5bDialer, 1);

  dialer->host = g_strdup (host);
  dialer->port = port;
  dialer->dstaddrs = g_strdupv ((char **) dstaddrs);
  dialer->deadline = g_get_monotonic_time () + patience_ms * G_GINT64_CONSTANT (1000);
  dialer->with_loopback = with_loopback;
  dialer->fd = -1;
  dialer->dialed = dialed;
  dialer->data = data;
  dialer->watch = g_idle_add_full (G_PRIORITY_DEFAULT, on_start, dialer, NULL);
  return dialer;
}

void
fd_s5b_dialer_free (FdS5bDialer *dialer)
{
  if (!dialer)
    return;
  hang_up (dialer);
  if (dialer->cancellable)
    g_cancellable_cancel (dialer->cancellable);
  g_clear_object (&dialer->cancellable);
  g_list_free_full (dialer->addresses, g_object_unref);
  g_strfreev (dialer->dstaddrs);
  g_clear_error (&dialer->error);
  g_free (dialer->host);
  g_free (dialer);
}
