/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One candidate of the peer at work (XEP-0260 §2.3). A losing socket stays
 * open: a Gajim at its other end takes the EOF for the end of the file.
 */
#include "s5b/remote.h"
#include "base/fd.h"
#include "s5b/dialer.h"
#include "s5b/socket.h"

#include <glib-unix.h>
#include <string.h>

struct FdS5bRemote
{
  FdS5bCandidate *candidate;
  FdS5bDialer *dialer;
  int fd; /* -1 if there is none */
  guint watch; /* of a proxy, which may drop us before it is activated */
  char *outcome;
  FdS5bRemoteChanged changed;
  gpointer data;
};

FdS5bRemote *
fd_s5b_remote_new (const FdS5bCandidate *candidate, FdS5bRemoteChanged changed, gpointer data)
{
  FdS5bRemote *remote = g_new0 (FdS5bRemote, 1);

  remote->candidate = fd_s5b_candidate_copy (candidate);
  remote->fd = -1;
  remote->changed = changed;
  remote->data = data;
  return remote;
}

void
fd_s5b_remote_free (FdS5bRemote *remote)
{
  if (!remote)
    return;
  g_clear_handle_id (&remote->watch, g_source_remove);
  fd_s5b_dialer_free (remote->dialer);
  fd_close (&remote->fd);
  fd_s5b_candidate_free (remote->candidate);
  g_free (remote->outcome);
  g_free (remote);
}

const FdS5bCandidate *
fd_s5b_remote_get_candidate (FdS5bRemote *remote)
{
  return remote->candidate;
}

const char *
fd_s5b_remote_get_outcome (FdS5bRemote *remote)
{
  return remote->outcome;
}

void
fd_s5b_remote_refuse (FdS5bRemote *remote, const char *why)
{
  g_free (remote->outcome);
  remote->outcome = g_strdup (why);
  remote->changed (FD_S5B_EV_DIAL_FAILED, remote->candidate->cid, remote->data);
}

static gboolean
on_proxy_readable (int fd, GIOCondition condition, gpointer data)
{
  FdS5bRemote *remote = data;

  remote->watch = 0;
  if (fd_s5b_socket_is_dead (fd))
    remote->changed (FD_S5B_EV_DIAL_CLOSED, remote->candidate->cid, remote->data);
  return G_SOURCE_REMOVE; /* alive: data of a hasty peer, which waits for us */
}

static void
on_dialed (FdS5bDialer *dialer, int fd, const GError *error, gpointer data)
{
  FdS5bRemote *remote = data;

  if (error)
    {
      fd_s5b_remote_refuse (remote, error->message);
      return;
    }
  remote->fd = fd;
  if (remote->candidate->type == FD_S5B_PROXY)
    remote->watch = g_unix_fd_add (fd, G_IO_IN, on_proxy_readable, remote);
  remote->changed (FD_S5B_EV_DIALED, remote->candidate->cid, remote->data);
}

void
fd_s5b_remote_dial (FdS5bRemote *remote, const char *const *dstaddrs, gboolean with_loopback)
{
  gboolean proxy = remote->candidate->type == FD_S5B_PROXY;

  remote->dialer = fd_s5b_dialer_new (remote->candidate->host, remote->candidate->port, dstaddrs,
                                      proxy ? FD_S5B_PROXY_PATIENCE_MS : FD_S5B_DIRECT_PATIENCE_MS,
                                      with_loopback, on_dialed, remote);
}

void
fd_s5b_remote_undial (FdS5bRemote *remote)
{
  g_clear_pointer (&remote->dialer, fd_s5b_dialer_free);
}

int
fd_s5b_remote_take (FdS5bRemote *remote)
{
  g_clear_handle_id (&remote->watch, g_source_remove);
  return fd_take (&remote->fd);
}

char *
fd_s5b_candidate_describe (const FdS5bCandidate *candidate)
{
  gboolean v6 = strchr (candidate->host, ':') != NULL;

  return g_strdup_printf ("%s%s%s%s:%u", candidate->type == FD_S5B_PROXY ? "proxy " : "", v6 ? "[" : "",
                          candidate->host, v6 ? "]" : "", candidate->port);
}
