/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The link: which host, and then the bytes, driven by one GSource on its socket.
 */
#include "xmpp/link.h"

#include "base/fd.h"
#include "base/timer.h"
#include "xmpp/authorities.h"
#include "xmpp/connect.h"
#include "xmpp/starttls.h"
#include "xmpp/targets.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define LOOKUP_TIMEOUT_S 8 /* a resolver asks the next name server after 5 s, and has given up after 10 */
#define SECURE_TIMEOUT_S 15 /* from the TCP connection to the end of the TLS handshake */

#define READ_SIZE (16 * 1024) /* a TLS record */
#define MAX_TURN (256 * 1024) /* bytes read before others have their turn… */
#define MAX_TURN_US 10000 /* …or time, whatever the bytes cost */
#define COMPACT (256 * 1024) /* sent bytes that the queue may drag along */

typedef enum
{
  CONNECTING, /* no socket yet */
  CLEAR, /* STARTTLS */
  HANDSHAKE,
  UP,
  DOWN,
} Phase;

typedef struct
{
  GSource source;
  FdLink *link;
} LinkSource;

struct FdLink
{
  char *domain, *server, *pin, *client_certificate, *client_key;
  guint16 port;
  gboolean direct_tls;
  FdLinkHooks hooks;
  gpointer data;

  FdAuthoritiesLoad *load;
  X509_STORE *authorities;
  FdTargetsLookup *lookup;
  GQueue *targets; /* FdTarget: the first is the one being tried */
  FdConnect *connect;
  FdStarttls *starttls;
  FdTls *tls;
  FdFailure failure;
  Phase phase;

  int fd;
  GSource *source; /* of the socket */
  gpointer tag;
  GIOCondition condition;
  gboolean write_waits; /* for the socket to take more */
  GSource *timer; /* of the phase; also tells that it is over */
  GByteArray *queue;
  gsize sent; /* of the queue */
};

/* -- the end -------------------------------------------------------------- */

/* Modifying wakes the main loop up, so only on a change. */
static void
watch (FdLink *link, GIOCondition condition)
{
  if (!link->tag || link->condition == condition)
    return;
  g_source_modify_unix_fd (link->source, link->tag, condition);
  link->condition = condition;
}

static void
set_timer (FdLink *link, gint64 after_us)
{
  g_source_set_ready_time (link->timer, after_us < 0 ? -1 : g_get_monotonic_time () + after_us);
}

static void
drop_socket (FdLink *link)
{
  if (link->source)
    {
      g_source_destroy (link->source);
      g_source_unref (link->source);
    }
  link->source = NULL;
  link->tag = NULL;
  g_clear_pointer (&link->starttls, fd_starttls_free);
  g_clear_pointer (&link->tls, fd_tls_free);
  fd_close (&link->fd);
}

static void
drop_steps (FdLink *link)
{
  g_clear_pointer (&link->load, fd_authorities_load_cancel);
  g_clear_pointer (&link->lookup, fd_targets_lookup_cancel);
  g_clear_pointer (&link->connect, fd_connect_cancel);
}

/* From here the timer tells, so that nobody frees the link while it is in use. */
static void
go_down (FdLink *link)
{
  if (link->phase == DOWN)
    return;
  link->phase = DOWN;
  drop_steps (link);
  drop_socket (link);
  set_timer (link, 0);
}

/* -- one target after the other ------------------------------------------- */

static void try_target (FdLink *link);

/* What failed in TLS tells more than that the other hosts are dead. */
static void
keep_failure (FdLink *link, FdFailure *failure)
{
  gboolean better = !link->failure.error || failure->redirect
                    || !g_error_matches (link->failure.error, FD_ERROR, FD_ERROR_TLS_FAILED);

  if (better)
    {
      fd_failure_clear (&link->failure);
      link->failure = *failure;
      *failure = (FdFailure){ 0 };
    }
  else
    fd_failure_clear (failure);
}

/* This one is of no use; is there another? Takes what is in @failure. */
static void
target_failed (FdLink *link, FdFailure *failure)
{
  gboolean redirected = failure->redirect != NULL;

  keep_failure (link, failure);
  drop_socket (link);
  g_clear_pointer (&link->connect, fd_connect_cancel);
  fd_target_free (g_queue_pop_head (link->targets));
  if (g_queue_is_empty (link->targets) || redirected)
    {
      go_down (link);
      return;
    }
  g_message ("%s; trying the next server of %s", link->failure.error->message, link->domain);
  try_target (link);
}

static void
secured (FdLink *link)
{
  g_clear_pointer (&link->starttls, fd_starttls_free);
  fd_failure_clear (&link->failure); /* of targets before this one */
  link->phase = UP;
  set_timer (link, -1);
  g_source_set_ready_time (link->source, 0); /* what the handshake has read already */
  link->hooks.up (link, link->data);
}

/* -- phases on the socket ------------------------------------------------- */

static void
shake_hands (FdLink *link)
{
  FdFailure failure = { 0 };
  FdTlsResult result = fd_tls_handshake (link->tls, &failure);

  if (result == FD_TLS_DONE)
    secured (link);
  else if (result == FD_TLS_WANTS_READ || result == FD_TLS_WANTS_WRITE)
    watch (link, result == FD_TLS_WANTS_READ ? G_IO_IN : G_IO_OUT);
  else
    target_failed (link, &failure);
}

static void
start_tls (FdLink *link)
{
  link->phase = HANDSHAKE;
  fd_tls_attach (link->tls, link->fd);
  shake_hands (link);
}

/* Some 200 bytes on a fresh connection: they fit in at once, or the connection is of no use. */
static gboolean
say_in_clear (FdLink *link)
{
  const char *text = fd_starttls_take_output (link->starttls);
  gsize length = text ? strlen (text) : 0;

  return length == 0 || send (link->fd, text, length, MSG_NOSIGNAL) == (gssize) length;
}

static void
talk_in_clear (FdLink *link)
{
  char buffer[READ_SIZE];
  FdFailure failure = { 0 };
  gssize length = recv (link->fd, buffer, sizeof buffer, 0);
  FdStarttlsState state;

  if (length < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  state = fd_starttls_feed (link->starttls, buffer, MAX (length, 0), &failure);
  if (state == FD_STARTTLS_GOES_ON && !say_in_clear (link))
    {
      fd_failure_set (&failure, FALSE, FD_ERROR_CONNECTION_FAILED, "The server of %s does not read",
                      link->domain);
      state = FD_STARTTLS_FAILED;
    }
  if (state == FD_STARTTLS_PROCEED)
    start_tls (link);
  else if (state == FD_STARTTLS_FAILED)
    target_failed (link, &failure);
}

static void
broken (FdLink *link)
{
  fd_failure_set (&link->failure, FALSE, FD_ERROR_CONNECTION_FAILED, "The server of %s closed the connection",
                  link->domain);
  go_down (link);
}

static void
flush (FdLink *link)
{
  FdTlsResult result = FD_TLS_DONE;

  link->write_waits = FALSE;
  while (link->phase == UP && link->sent < link->queue->len && result == FD_TLS_DONE)
    {
      gsize taken = 0;

      result = fd_tls_write (link->tls, (char *) link->queue->data + link->sent,
                             link->queue->len - link->sent, &taken);
      link->sent += taken;
    }
  if (result == FD_TLS_CLOSED || result == FD_TLS_FAILED)
    {
      broken (link);
      return;
    }
  link->write_waits = result == FD_TLS_WANTS_WRITE;
  if (link->sent == 0)
    return;
  if (link->sent == link->queue->len || link->sent >= MAX (COMPACT, link->queue->len / 2))
    {
      explicit_bzero (link->queue->data, link->sent); /* a password may be in it */
      g_byte_array_remove_range (link->queue, 0, link->sent);
      link->sent = 0;
    }
}

/* A delayed acknowledgement would hold a server with Nagle's algorithm back for
 * 40 ms a block; the kernel forgets this with every read. */
static void
acknowledge_quickly (FdLink *link)
{
  int on = 1;

  setsockopt (link->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

static void
receive (FdLink *link)
{
  char buffer[READ_SIZE];
  FdTlsResult result = FD_TLS_DONE;
  gint64 deadline = g_get_monotonic_time () + MAX_TURN_US;
  gsize total = 0;

  while (link->phase == UP && total < MAX_TURN && result == FD_TLS_DONE
         && (total == 0 || g_get_monotonic_time () < deadline))
    {
      gsize length = 0;

      result = fd_tls_read (link->tls, buffer, sizeof buffer, &length);
      total += length;
      if (result == FD_TLS_DONE)
        link->hooks.received (link, buffer, length, link->data);
    }
  if (link->phase != UP)
    return;
  if (result == FD_TLS_CLOSED || result == FD_TLS_FAILED)
    {
      broken (link);
      return;
    }
  if (total > 0)
    acknowledge_quickly (link);
  if (result == FD_TLS_DONE)
    g_source_set_ready_time (link->source, 0); /* there may be more that poll() does not see */
}

static gboolean
on_ready (GSource *source, GSourceFunc callback, gpointer data)
{
  FdLink *link = ((LinkSource *) source)->link;
  GIOCondition ready = g_source_query_unix_fd (source, link->tag);

  g_source_set_ready_time (source, -1);
  if (link->phase == CLEAR)
    talk_in_clear (link);
  else if (link->phase == HANDSHAKE)
    shake_hands (link);
  else if (ready & ~G_IO_OUT || fd_tls_has_pending (link->tls))
    receive (link);
  if (link->phase != UP || !link->tag)
    return G_SOURCE_CONTINUE;
  flush (link);
  watch (link, link->write_waits ? G_IO_IN | G_IO_OUT : G_IO_IN);
  return G_SOURCE_CONTINUE;
}

/* -- getting there -------------------------------------------------------- */

static void
take_socket (FdLink *link, int fd)
{
  static GSourceFuncs functions = { .dispatch = on_ready };
  const FdTarget *target = g_queue_peek_head (link->targets);

  link->fd = fd;
  link->condition = G_IO_IN;
  link->source = g_source_new (&functions, sizeof (LinkSource));
  ((LinkSource *) link->source)->link = link;
  g_source_set_static_name (link->source, "xmpp-link");
  link->tag = g_source_add_unix_fd (link->source, fd, link->condition);
  g_source_attach (link->source, NULL);
  set_timer (link, SECURE_TIMEOUT_S * G_USEC_PER_SEC);

  if (target->direct_tls)
    {
      start_tls (link);
      return;
    }
  link->phase = CLEAR;
  link->starttls = fd_starttls_new (link->domain);
  say_in_clear (link); /* if it does not go, reading tells why */
}

static void
on_connected (int fd, FdFailure *failure, gpointer data)
{
  FdLink *link = data;

  link->connect = NULL;
  if (fd >= 0)
    take_socket (link, fd);
  else
    target_failed (link, failure);
}

static void
try_target (FdLink *link)
{
  const FdTarget *target = g_queue_peek_head (link->targets);
  FdTlsSettings settings
    = { link->domain, link->authorities, link->pin, link->client_certificate, link->client_key };
  g_autoptr (GError) error = NULL;

  link->phase = CONNECTING;
  set_timer (link, -1);
  /* now, since a wrong setting shows without a connection */
  link->tls = fd_tls_new (&settings, &error);
  if (!link->tls)
    {
      fd_failure_set (&link->failure, TRUE, FD_ERROR_TLS_FAILED, "%s", error->message);
      go_down (link);
      return;
    }
  link->connect = fd_connect_new (target->host, target->port, on_connected, link);
}

static void
add_domain (FdLink *link)
{
  const char *host = link->server ? link->server : link->domain;
  guint16 port = link->port ? link->port : link->direct_tls ? 5223 : 5222;

  g_queue_push_tail (link->targets, fd_target_new (host, port, link->direct_tls));
}

static void
on_targets (GQueue *targets, gpointer data)
{
  FdLink *link = data;

  link->lookup = NULL;
  if (targets)
    {
      g_queue_free (link->targets);
      link->targets = targets;
    }
  else
    add_domain (link);
  if (!g_queue_is_empty (link->targets))
    {
      try_target (link);
      return;
    }
  fd_failure_set (&link->failure, FALSE, FD_ERROR_CONNECTION_FAILED,
                  "%s says by its SRV records that it offers no XMPP%s", link->domain,
                  link->direct_tls ? " with direct TLS" : "");
  go_down (link);
}

/* Either the time of a phase is up or the end is to be told. */
static gboolean
on_timer (gpointer data)
{
  FdLink *link = data;
  FdFailure failure = { 0 };

  set_timer (link, -1);
  if (link->phase == DOWN)
    {
      link->hooks.down (link, &link->failure, link->data);
      return G_SOURCE_CONTINUE;
    }
  if (link->load)
    {
      fd_failure_set (
        &link->failure, FALSE, FD_ERROR_TIMEOUT,
        "The certificate authorities could not be read within " G_STRINGIFY (LOOKUP_TIMEOUT_S) " s");
      go_down (link);
      return G_SOURCE_CONTINUE;
    }
  if (link->lookup)
    {
      fd_failure_set (&link->failure, FALSE, FD_ERROR_TIMEOUT,
                      "The servers of %s could not be looked up: DNS did not answer within " G_STRINGIFY (
                        LOOKUP_TIMEOUT_S) " s",
                      link->domain);
      go_down (link);
      return G_SOURCE_CONTINUE;
    }
  fd_failure_set (&failure, FALSE, FD_ERROR_TIMEOUT,
                  "The server of %s accepted the connection but did not complete the TLS handshake",
                  link->domain);
  target_failed (link, &failure);
  return G_SOURCE_CONTINUE;
}

/* No SRV records exist for these; asking would only wait for a resolver. */
static gboolean
has_no_srv (const char *domain)
{
  return domain[0] == '[' || g_hostname_is_ip_address (domain) || g_str_equal (domain, "localhost")
         || g_str_has_suffix (domain, ".localhost");
}

static void
on_authorities (X509_STORE *authorities, const GError *error, gpointer data)
{
  FdLink *link = data;

  link->load = NULL;
  link->authorities = authorities;
  if (error)
    {
      fd_failure_set (&link->failure, TRUE, FD_ERROR_TLS_FAILED, "%s", error->message);
      go_down (link);
    }
  else if (link->server || link->port || has_no_srv (link->domain))
    {
      add_domain (link);
      try_target (link);
    }
  else
    link->lookup = fd_targets_lookup (link->domain, link->direct_tls, on_targets, link);
}

/* -- the interface -------------------------------------------------------- */

FdLink *
fd_link_new (const FdLinkSettings *settings, const FdLinkHooks *hooks, gpointer data)
{
  FdLink *link = g_new0 (FdLink, 1);

  link->domain = g_strdup (settings->tls.domain);
  link->pin = g_strdup (settings->tls.pin);
  link->client_certificate = g_strdup (settings->tls.client_certificate);
  link->client_key = g_strdup (settings->tls.client_key);
  link->server = g_strdup (settings->server);
  link->port = settings->port;
  link->direct_tls = settings->direct_tls;
  link->hooks = *hooks;
  link->data = data;
  link->fd = -1;
  link->targets = g_queue_new ();
  link->queue = g_byte_array_new ();
  link->timer = fd_timer_new ("xmpp-link-timer", on_timer, link);

  set_timer (link, LOOKUP_TIMEOUT_S * G_USEC_PER_SEC);
  link->load = fd_authorities_load (settings->ca_file, on_authorities, link);
  return link;
}

void
fd_link_free (FdLink *link)
{
  if (!link)
    return;
  if (link->phase == UP)
    {
      flush (link);
      if (link->tls)
        fd_tls_shutdown (link->tls);
    }
  drop_socket (link);
  drop_steps (link);
  X509_STORE_free (link->authorities);
  g_queue_free_full (link->targets, (GDestroyNotify) fd_target_free);
  fd_timer_free (link->timer);
  g_byte_array_unref (link->queue);
  fd_failure_clear (&link->failure);
  g_free (link->client_key);
  g_free (link->client_certificate);
  g_free (link->pin);
  g_free (link->server);
  g_free (link->domain);
  g_free (link);
}

void
fd_link_send (FdLink *link, const char *bytes, gsize length)
{
  if (link->phase != UP)
    return;
  g_byte_array_append (link->queue, (const guint8 *) bytes, length);
  if (!link->write_waits)
    g_source_set_ready_time (link->source, 0);
}

gsize
fd_link_get_queued (FdLink *link)
{
  return link->queue->len - link->sent;
}

FdTls *
fd_link_get_tls (FdLink *link)
{
  return link->phase == UP ? link->tls : NULL;
}
