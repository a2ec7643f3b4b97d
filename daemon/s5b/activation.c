/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Connecting to our own proxy and activating the stream there (XEP-0065
 * §6.3.5). The request goes to the JID of the <streamhost/>, which may differ
 * from the proxy's: ejabberd puts its cluster node into the resource.
 */
#include "s5b/activation.h"
#include "base/error.h"
#include "base/fd.h"
#include "s5b/dialer.h"
#include "s5b/proxies.h"

#define TIMEOUT_MS 20000 /* within the negotiation's own time for it */

struct FdS5bActivation
{
  FdIq *iq;
  char *jid, *sid, *peer;
  FdS5bDialer *dialer;
  guint request;
  int fd;
  FdS5bActivated activated;
  gpointer data;
};

static void
on_reply (xmpp_stanza_t *reply, const GError *error, gpointer data)
{
  FdS5bActivation *activation = data;
  int fd = error ? -1 : fd_take (&activation->fd);

  activation->request = 0;
  activation->activated (activation, fd, error, activation->data);
}

static void
on_dialed (FdS5bDialer *dialer, int fd, const GError *error, gpointer data)
{
  FdS5bActivation *activation = data;
  xmpp_stanza_t *query;

  if (error)
    {
      activation->activated (activation, -1, error, activation->data);
      return;
    }
  activation->fd = fd;
  query = fd_xml_new ("query", FD_NS_BYTESTREAMS, "sid", activation->sid, NULL);
  fd_xml_add_text (query, "activate", activation->peer);
  activation->request
    = fd_iq_send (activation->iq, "set", activation->jid, query, TIMEOUT_MS, on_reply, activation);
}

FdS5bActivation *
fd_s5b_activation_new (FdIq *iq, const FdS5bCandidate *proxy, const char *sid, const char *dstaddr,
                       const char *peer, gboolean with_loopback, FdS5bActivated activated, gpointer data)
{
  FdS5bActivation *activation = g_new0 (FdS5bActivation, 1);
  const char *dstaddrs[] = { dstaddr, NULL };

  activation->iq = iq;
  activation->jid = g_strdup (proxy->jid);
  activation->sid = g_strdup (sid);
  activation->peer = g_strdup (peer);
  activation->fd = -1;
  activation->activated = activated;
  activation->data = data;
  activation->dialer = fd_s5b_dialer_new (proxy->host, proxy->port, dstaddrs, FD_S5B_PROXY_PATIENCE_MS,
                                          with_loopback, on_dialed, activation);
  return activation;
}

void
fd_s5b_activation_free (FdS5bActivation *activation)
{
  if (!activation)
    return;
  if (activation->request)
    fd_iq_cancel (activation->iq, activation->request);
  fd_s5b_dialer_free (activation->dialer);
  fd_close (&activation->fd);
  g_free (activation->jid);
  g_free (activation->sid);
  g_free (activation->peer);
  g_free (activation);
}
