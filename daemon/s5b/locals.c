/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Our candidates at work (XEP-0260 §2.1, §2.4). Addresses are known at once;
 * proxies may have to be found first, and then come after the addresses.
 */
#include "s5b/locals.h"
#include "base/fd.h"
#include "s5b/activation.h"
#include "s5b/gather.h"
#include "s5b/literals.h"

struct FdS5bLocals
{
  FdIq *iq;
  FdS5bProxies *proxies;
  const FdS5bNames *names;
  char **dstaddrs;
  FdS5bPolicy policy;
  const GPtrArray *remote;
  gboolean cid_dst;
  GPtrArray *list; /* FdS5bLocal */
  FdS5bLiterals *literals;
  FdS5bActivation *activation;
  int activated_fd;
  char *activation_error;
  gboolean proxied; /* counted by the proxies */
  FdS5bHappened happened;
  gpointer data;
};

static FdS5bLocal *
find (FdS5bLocals *locals, const char *cid)
{
  for (guint i = 0; i < locals->list->len; i++)
    {
      FdS5bLocal *local = locals->list->pdata[i];

      if (g_str_equal (local->candidate->cid, cid))
        return local;
    }
  return NULL;
}

static void
tell (FdS5bLocals *locals, FdS5bEventType type, const char *cid)
{
  const FdS5bEvent event = { .type = type, .cid = cid };

  locals->happened (&event, locals->data);
}

static void
on_accepted (FdS5bListener *listener, const char *cid, gpointer data)
{
  FdS5bLocals *locals = data;

  for (guint i = 0; !cid && i < locals->list->len; i++)
    {
      const FdS5bLocal *local = locals->list->pdata[i];

      if (local->listener == listener)
        cid = local->candidate->cid;
    }
  tell (locals, FD_S5B_EV_INCOMING, cid);
}

/* What the array has beyond @known is new. */
static void
tell_new (FdS5bLocals *locals, guint known)
{
  for (guint i = known; i < locals->list->len; i++)
    {
      const FdS5bLocal *local = locals->list->pdata[i];
      const FdS5bEvent event = { .type = FD_S5B_EV_LOCAL, .candidate = local->candidate };

      locals->happened (&event, locals->data);
    }
}

static FdS5bGather
make_gather (FdS5bLocals *locals, const GPtrArray *streamhosts)
{
  return (FdS5bGather){
    .policy = locals->policy,
    .jid = locals->names->me,
    .dstaddrs = (const char *const *) locals->dstaddrs,
    .names = locals->cid_dst ? locals->names : NULL,
    .streamhosts = streamhosts,
    .remote = locals->remote,
    .accepted = on_accepted,
    .data = locals,
  };
}

static void
offer_proxies (FdS5bLocals *locals, const GPtrArray *streamhosts)
{
  const FdS5bGather gather = make_gather (locals, streamhosts);
  guint known = locals->list->len;

  fd_s5b_gather_more (&gather, locals->list);
  tell_new (locals, known);
  tell (locals, FD_S5B_EV_GATHERED, NULL);
}

static void
on_literals (const GPtrArray *streamhosts, gpointer data)
{
  offer_proxies (data, streamhosts);
}

static void
on_proxies (gpointer data)
{
  FdS5bLocals *locals = data;
  const GPtrArray *streamhosts = fd_s5b_proxies_get (locals->proxies);

  if (locals->policy & FD_S5B_LITERAL_HOSTS && streamhosts->len > 0)
    locals->literals = fd_s5b_literals_new (streamhosts, on_literals, locals);
  else
    offer_proxies (locals, streamhosts);
}

FdS5bLocals *
fd_s5b_locals_new (FdIq *iq, FdS5bProxies *proxies, const FdS5bNames *names, FdS5bPolicy policy,
                   const GPtrArray *remote, FdS5bHappened happened, gpointer data)
{
  FdS5bLocals *locals = g_new0 (FdS5bLocals, 1);

  locals->iq = iq;
  locals->proxies = proxies;
  locals->names = names;
  locals->dstaddrs = fd_s5b_dstaddrs_accepted (names);
  locals->policy = policy;
  locals->remote = remote;
  locals->list = g_ptr_array_new ();
  locals->activated_fd = -1;
  locals->happened = happened;
  locals->data = data;
  return locals;
}

void
fd_s5b_locals_free (FdS5bLocals *locals)
{
  if (!locals)
    return;
  if (locals->proxies)
    fd_s5b_proxies_unwait (locals->proxies, locals);
  if (locals->proxied)
    fd_s5b_proxies_leave (locals->proxies);
  fd_s5b_literals_free (locals->literals);
  fd_s5b_activation_free (locals->activation);
  fd_close (&locals->activated_fd);
  g_ptr_array_unref (locals->list);
  g_strfreev (locals->dstaddrs);
  g_free (locals->activation_error);
  g_free (locals);
}

/* As responder one port serves all candidates of a family that are told apart by
 * their hashes; an initiator does not know yet whether its peer does that. */
void
fd_s5b_locals_gather (FdS5bLocals *locals, gboolean cid_dst)
{
  gboolean proxies = locals->proxies && !fd_s5b_proxies_is_full (locals->proxies);
  const GPtrArray *streamhosts = proxies ? fd_s5b_proxies_get (locals->proxies) : NULL;
  gboolean later = proxies
                   && (streamhosts->len > 0 ? (locals->policy & FD_S5B_LITERAL_HOSTS) != 0
                                            : fd_s5b_proxies_wait (locals->proxies, on_proxies, locals));
  FdS5bGather gather;

  locals->cid_dst = cid_dst;
  gather = make_gather (locals, later ? NULL : streamhosts);
  gather.one_port = cid_dst && !locals->names->initiator;
  gather.proxies_later = later;
  g_ptr_array_unref (locals->list);
  locals->list = fd_s5b_gather (&gather);
  tell_new (locals, 0);
  if (!later)
    tell (locals, FD_S5B_EV_GATHERED, NULL);
  else if (streamhosts->len > 0)
    on_proxies (locals);
}

const FdS5bCandidate *
fd_s5b_locals_find (FdS5bLocals *locals, const char *cid)
{
  const FdS5bLocal *local = find (locals, cid);

  return local ? local->candidate : NULL;
}

gboolean
fd_s5b_locals_is_empty (FdS5bLocals *locals)
{
  return locals->list->len == 0;
}

gboolean
fd_s5b_locals_have (FdS5bLocals *locals, const FdS5bCandidate *candidate)
{
  for (guint i = 0; i < locals->list->len; i++)
    {
      const FdS5bLocal *local = locals->list->pdata[i];

      if (fd_s5b_candidate_is_at (local->candidate, candidate->host, candidate->port))
        return TRUE;
    }
  return FALSE;
}

static void
on_activated (FdS5bActivation *activation, int fd, const GError *error, gpointer data)
{
  FdS5bLocals *locals = data;

  locals->activated_fd = fd;
  if (error)
    locals->activation_error = g_strdup (error->message);
  tell (locals, error ? FD_S5B_EV_ACTIVATION_FAILED : FD_S5B_EV_ACTIVATED, NULL);
}

void
fd_s5b_locals_activate (FdS5bLocals *locals, const char *cid)
{
  const FdS5bNames *names = locals->names;
  const FdS5bLocal *proxy = find (locals, cid);
  g_autofree char *dstaddr = fd_s5b_dstaddr (names->sid, names->me, names->peer);

  g_return_if_fail (proxy && !locals->activation);
  locals->proxied = TRUE;
  fd_s5b_proxies_enter (locals->proxies);
  locals->activation = fd_s5b_activation_new (locals->iq, proxy->candidate, names->sid, dstaddr, names->peer,
                                              locals->policy & FD_S5B_ALLOW_LOOPBACK, on_activated, locals);
}

const char *
fd_s5b_locals_get_activation_error (FdS5bLocals *locals)
{
  return locals->activation_error;
}

int
fd_s5b_locals_take_incoming (FdS5bLocals *locals, const char *cid)
{
  int fd = -1;

  for (guint i = 0; fd < 0 && i < locals->list->len; i++)
    {
      const FdS5bLocal *local = locals->list->pdata[i];

      if (local->listener)
        fd = fd_s5b_listener_take (local->listener, cid);
    }
  return fd >= 0 ? fd : fd_s5b_listener_take (find (locals, cid)->listener, NULL);
}

int
fd_s5b_locals_take_activated (FdS5bLocals *locals)
{
  return fd_take (&locals->activated_fd);
}

void
fd_s5b_locals_close (FdS5bLocals *locals)
{
  for (guint i = 0; i < locals->list->len; i++)
    {
      const FdS5bLocal *local = locals->list->pdata[i];

      if (local->listener)
        fd_s5b_listener_close (local->listener);
    }
}
