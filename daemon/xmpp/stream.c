/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The stream: what comes over the link goes through the guard, to the login
 * first and to our owner then.
 */
#include "xmpp/stream.h"

#include "xmpp/guard.h"
#include "xmpp/jid.h"
#include "xmpp/login.h"
#include "xmpp/ns.h"

#include <string.h>

#define MAX_RESOURCE 1023 /* bytes, RFC 7622 §3.4 */
#define LOGIN_TIMEOUT_S 30 /* from verified TLS to the bound resource */

/* What the server does not take from us. Bulk senders keep below a tenth. */
#define MAX_QUEUED (32 * 1024 * 1024)

struct FdStream
{
  FdStreamHooks hooks;
  gpointer data;
  char *full_jid, *domain;
  char *password; /* NULL once it is the login's */
  gboolean certificate; /* there is one of ours */
  int *low_fd;
  FdLink *link;
  FdGuard *guard;
  FdLogin *login; /* until it is up */
  guint login_timer;
  gboolean up;
  gboolean roster_versions; /* the server can tell what changed in the roster */
  FdFailure failure; /* why it ended */
  guint down; /* the idle that says so */
};

/* -- the end -------------------------------------------------------------- */

static gboolean
on_down (gpointer data)
{
  FdStream *stream = data;

  stream->down = 0;
  stream->hooks.down (stream, &stream->failure, stream->data);
  return G_SOURCE_REMOVE;
}

/* There is a failure: nothing is read or sent any more. */
static void
end (FdStream *stream)
{
  stream->up = FALSE;
  g_clear_handle_id (&stream->login_timer, g_source_remove);
  if (!stream->down)
    stream->down = g_idle_add (on_down, stream);
}

static void
forget_password (FdStream *stream)
{
  if (stream->password)
    explicit_bzero (stream->password, strlen (stream->password));
  g_clear_pointer (&stream->password, g_free);
}

/* -- the login ------------------------------------------------------------ */

static void
on_login_output (const char *bytes, gsize length, gpointer data)
{
  FdStream *stream = data;

  fd_link_send (stream->link, bytes, length);
}

static void
drop_login (FdStream *stream)
{
  if (!stream->login)
    return;
  g_clear_pointer (&stream->login, fd_login_free);
  *stream->low_fd = fd_login_reserve_fd ();
}

static gboolean
is_resource (const char *resource)
{
  return resource && *resource && strlen (resource) <= MAX_RESOURCE;
}

static void
on_login_done (const char *bound_jid, FdFailure *failure, gpointer data)
{
  FdStream *stream = data;
  g_autofree char *bound = g_strdup (bound_jid);

  drop_login (stream);
  g_clear_handle_id (&stream->login_timer, g_source_remove);
  if (stream->failure.error)
    return;
  if (failure->error)
    {
      stream->failure = *failure;
      *failure = (FdFailure){ 0 };
      end (stream);
      return;
    }
  if (!fd_jid_same_bare (bound, stream->full_jid) || !is_resource (fd_jid_resource (bound)))
    {
      fd_failure_set (&stream->failure, FALSE, FD_ERROR_PROTOCOL,
                      "The server of %s logged us in as somebody else", stream->domain);
      end (stream);
      return;
    }
  stream->up = TRUE;
  stream->hooks.up (stream, bound, stream->data);
}

static gboolean
on_login_timeout (gpointer data)
{
  FdStream *stream = data;

  stream->login_timer = 0;
  fd_failure_set (&stream->failure, FALSE, FD_ERROR_TIMEOUT,
                  "The server of %s accepted the connection but did not complete the login", stream->domain);
  end (stream);
  return G_SOURCE_REMOVE;
}

/* -- what comes ----------------------------------------------------------- */

static void
on_link_up (FdLink *link, gpointer data)
{
  static const FdLoginHooks hooks = { on_login_output, on_login_done };
  FdStream *stream = data;

  stream->login_timer = g_timeout_add_seconds (LOGIN_TIMEOUT_S, on_login_timeout, stream);
  stream->login = fd_login_new (stream->full_jid, stream->password, stream->certificate, stream->low_fd,
                                &hooks, stream, &stream->failure.error);
  forget_password (stream);
  if (!stream->login)
    end (stream);
}

static void
take_element (FdStream *stream, xmpp_stanza_t *element)
{
  if (fd_xml_is (element, "features", NS_STREAMS))
    stream->roster_versions = fd_xml_child (element, "ver", NS_ROSTER_VERSIONS) != NULL;
  if (fd_xml_is (element, "error", NS_STREAMS))
    fd_failure_from_stream_error (&stream->failure, element, stream->domain);
  else if (stream->login && fd_login_feed (stream->login, element, &stream->failure)
           && fd_xml_is (element, "success", NS_SASL))
    fd_guard_restart (stream->guard);
  else if (stream->up && (fd_xml_is (element, "iq", NS_CLIENT) || fd_xml_is (element, "presence", NS_CLIENT)))
    stream->hooks.stanza (stream, element, stream->data);
}

static void
on_received (FdLink *link, const char *bytes, gsize length, gpointer data)
{
  FdStream *stream = data;
  g_autoptr (GError) error = NULL;
  gboolean fine;

  if (stream->failure.error)
    return;
  fine = fd_guard_feed (stream->guard, bytes, length, &error);
  /* what came before the fault counts: it may be the server's reason */
  while (!stream->failure.error)
    {
      g_autoptr (FdXml) element = fd_guard_take (stream->guard);

      if (!element)
        break;
      take_element (stream, element);
    }
  if (!fine)
    fd_failure_set (&stream->failure, FALSE, FD_ERROR_PROTOCOL, "The server of %s sent %s", stream->domain,
                    error->message);
  else if (fd_guard_is_closed (stream->guard))
    fd_failure_set (&stream->failure, FALSE, FD_ERROR_CONNECTION_FAILED,
                    stream->up ? "The server of %s closed the connection"
                               : "The server of %s broke off the login",
                    stream->domain);
  if (stream->failure.error)
    end (stream);
}

static void
on_link_down (FdLink *link, FdFailure *failure, gpointer data)
{
  FdStream *stream = data;

  if (!stream->failure.error)
    {
      stream->failure = *failure;
      *failure = (FdFailure){ 0 };
    }
  end (stream);
}

/* -- the interface -------------------------------------------------------- */

FdStream *
fd_stream_new (const FdStreamSettings *settings, const FdStreamHooks *hooks, gpointer data)
{
  static const FdLinkHooks link_hooks = { on_link_up, on_received, on_link_down };
  FdStream *stream = g_new0 (FdStream, 1);
  FdLinkSettings link = settings->link;

  stream->hooks = *hooks;
  stream->data = data;
  stream->full_jid = g_strdup (settings->jid);
  stream->domain = fd_jid_domain (settings->jid);
  stream->password = g_strdup (settings->password);
  stream->certificate = link.tls.client_certificate != NULL;
  stream->low_fd = settings->low_fd;
  stream->guard = fd_guard_new (FD_GUARD_MAX_STANZA);
  link.tls.domain = stream->domain;
  stream->link = fd_link_new (&link, &link_hooks, stream);
  return stream;
}

void
fd_stream_free (FdStream *stream)
{
  static const char goodbye[] = "<presence type='unavailable'/></stream:stream>";

  if (!stream)
    return;
  if (stream->up)
    fd_link_send (stream->link, goodbye, strlen (goodbye));
  fd_link_free (stream->link);
  drop_login (stream);
  g_clear_handle_id (&stream->login_timer, g_source_remove);
  g_clear_handle_id (&stream->down, g_source_remove);
  forget_password (stream);
  fd_guard_free (stream->guard);
  fd_failure_clear (&stream->failure);
  g_free (stream->domain);
  g_free (stream->full_jid);
  g_free (stream);
}

void
fd_stream_send (FdStream *stream, const char *xml, gsize length)
{
  if (!stream->up)
    return;
  if (fd_link_get_queued (stream->link) + length <= MAX_QUEUED)
    {
      fd_link_send (stream->link, xml, length);
      return;
    }
  fd_failure_set (&stream->failure, FALSE, FD_ERROR_CONNECTION_FAILED,
                  "The server of %s does not read what we send", stream->domain);
  end (stream);
}

void
fd_stream_abort (FdStream *stream, const GError *error)
{
  if (!stream->failure.error)
    stream->failure.error = g_error_copy (error);
  end (stream);
}

gboolean
fd_stream_has_roster_versions (FdStream *stream)
{
  return stream->roster_versions;
}

FdTls *
fd_stream_get_tls (FdStream *stream)
{
  return fd_link_get_tls (stream->link);
}
