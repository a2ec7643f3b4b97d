/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libstrophe on a socket that we connected, as a GSource (RFC 6120 §4-§7).
 *
 * The library knows only its own select() loop. Here xmpp_run_once() is called
 * when the socket is ready or something was queued, and again until nothing
 * moves; its own timers are not needed, since the watchdog and the ping
 * replace them. So an idle stream never wakes up.
 */
#include "xmpp/stream.h"

#include "base/error.h"
#include "base/fd.h"
#include "xmpp/failure.h"
#include "xmpp/jid.h"
#include "xmpp/watchdog.h"
#include "xmpp/wiping.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>

#define TLS_TIMEOUT_S 15 /* from the TCP connection to the end of the handshake */
#define LOGIN_TIMEOUT_S 30 /* from there to the bound resource */

/* One run flushes the queue and reads 4096 bytes; TLS may hold a record of
 * 16384 inside, where poll() does not see it. */
#define QUIET_RUNS 5
#define MAX_RUNS 256 /* of one dispatch, for fairness… */
#define MAX_DISPATCH_US 20000 /* …and in time */

/* Stanzas that the server does not take from us. Bulk senders keep below 20. */
#define MAX_QUEUED 2000

/* CPU time of one run. libstrophe's parser is quadratic in the number of
 * children: one stanza can take half a minute, in slices that only get longer. */
#define MAX_RUN_CPU_US 500000

typedef struct
{
  GSource source;
  FdStream *stream;
} StreamSource;

struct FdStream
{
  FdStreamHooks hooks;
  gpointer data;
  FdFailure failure;
  char *jid; /* bare */
  char *domain;
  xmpp_log_t log;
  xmpp_ctx_t *ctx;
  xmpp_conn_t *conn;
  FdWatchdog *watchdog; /* NULL once up */
  GSource *source;
  gpointer tag; /* of the socket in the source; NULL once it is closed */
  GIOCondition condition;
  int fd; /* the socket */
  gboolean handed_over; /* it is the library's to close */
  gboolean running; /* xmpp_run_once() is on the stack */
  gboolean up;
  GError *error; /* why it ended */
  gboolean fatal;
  guint down; /* the idle that says so */
  char *certificate;
};

/* The stream whose libstrophe code is on the stack: its callbacks for sockets
 * and certificates have no user data. */
static FdStream *current;

/* -- the end -------------------------------------------------------------- */

static gboolean
on_down (gpointer data)
{
  FdStream *stream = data;

  stream->down = 0;
  stream->hooks.down (stream, stream->error, stream->fatal, stream->data);
  return G_SOURCE_REMOVE;
}

/* The first reason wins: what follows is its consequence. Takes @error. */
static void
end (FdStream *stream, GError *error, gboolean fatal)
{
  if (stream->error)
    {
      g_error_free (error);
      return;
    }
  stream->error = error;
  stream->fatal = fatal;
  stream->down = g_idle_add (on_down, stream);
}

/* Lets the source forget the socket; the library has closed it. */
static void
forget_socket (FdStream *stream)
{
  if (!stream->tag)
    return;
  g_source_remove_unix_fd (stream->source, stream->tag);
  stream->tag = NULL;
  g_source_set_ready_time (stream->source, -1);
}

static void
stop_watchdog (FdStream *stream)
{
  if (fd_watchdog_stop (g_steal_pointer (&stream->watchdog)))
    stream->failure.timed_out = TRUE;
}

/* -- libstrophe's callbacks ----------------------------------------------- */

static void
on_log (void *data, xmpp_log_level_t level, const char *area, const char *message)
{
  fd_failure_note_log (data, level, message);
}

static int
on_certificate (const xmpp_tlscert_t *certificate, const char *reason)
{
  fd_failure_note_certificate (&current->failure, certificate, reason);
  return 0;
}

/* The library has made a socket of its own to connect with: ours, which is
 * connected already, takes its number. The kernel lets the connect() that
 * follows succeed once on it. */
static int
on_socket (xmpp_conn_t *conn, void *sock)
{
  int theirs = *(int *) sock;

  if (theirs >= FD_SETSIZE || dup3 (current->fd, theirs, O_CLOEXEC) < 0)
    return -1;
  fd_close (&current->fd);
  current->fd = theirs;
  current->handed_over = TRUE;
  return 0;
}

static int
on_stanza (xmpp_conn_t *conn, xmpp_stanza_t *received, void *data)
{
  FdStream *stream = data;
  g_autoptr (FdXml) stanza = NULL;

  if (!stream->up || stream->error
      || !(fd_xml_is (received, "iq", NULL) || fd_xml_is (received, "presence", NULL)))
    return 1;
  stanza = fd_xml_import (received);
  if (stanza)
    stream->hooks.stanza (stream, stanza, stream->data);
  else
    g_debug ("%s: ignoring a stanza of unreasonable size", stream->jid);
  return 1;
}

static void
take_certificate (FdStream *stream)
{
  xmpp_tlscert_t *certificate = xmpp_conn_get_peer_cert (stream->conn);
  const char *fingerprint
    = certificate ? xmpp_tlscert_get_string (certificate, XMPP_CERT_FINGERPRINT_SHA256) : NULL;
  GString *hex = g_string_new (NULL);

  for (; fingerprint && *fingerprint; fingerprint++)
    {
      if (g_ascii_isxdigit (*fingerprint))
        g_string_append_c (hex, g_ascii_tolower (*fingerprint));
    }
  g_free (stream->certificate);
  stream->certificate = g_string_free (hex, FALSE);
  if (certificate)
    xmpp_tlscert_free (certificate);
}

static void
on_connected (FdStream *stream)
{
  const char *bound = xmpp_conn_get_bound_jid (stream->conn);

  stop_watchdog (stream);
  xmpp_conn_set_pass (stream->conn, NULL);
  if (!xmpp_conn_is_secured (stream->conn) || !bound || !fd_jid_same_bare (bound, stream->jid))
    {
      end (stream,
           g_error_new (FD_ERROR, FD_ERROR_PROTOCOL, "The server of %s logged us in as %s", stream->domain,
                        bound ? bound : "nobody"),
           FALSE);
      return;
    }
  take_certificate (stream);
  stream->up = stream->failure.online = TRUE;
  xmpp_handler_add (stream->conn, on_stanza, NULL, NULL, NULL, stream);
  stream->hooks.up (stream, bound, stream->data);
}

/* DISCONNECT may come twice, and comes from inside the parser. @error is an
 * errno, an SSL_ERROR_* or 0, and nobody can tell which. */
static void
on_event (xmpp_conn_t *conn, xmpp_conn_event_t event, int error, xmpp_stream_error_t *stream_error,
          void *data)
{
  FdStream *stream = data;
  GError *reason;
  gboolean fatal;

  if (event == XMPP_CONN_CONNECT)
    {
      on_connected (stream);
      return;
    }
  forget_socket (stream);
  stop_watchdog (stream);
  stream->up = FALSE;
  reason = fd_failure_describe (&stream->failure, stream_error, &fatal);
  end (stream, reason, fatal);
}

/* -- the source ----------------------------------------------------------- */

/* Bytes that the library gave to the kernel or took from it: the only sign of
 * progress, since its queue length leaves out its own items. Those taken count,
 * since what arrives after our poll() and is read all the same may leave an
 * answer in the queue. */
static guint64
bytes_moved (int fd)
{
  struct tcp_info info = { 0 };
  socklen_t length = sizeof info;
  int unread = 0;

  if (getsockopt (fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0 || ioctl (fd, FIONREAD, &unread) < 0)
    return 0;
  return info.tcpi_bytes_sent - info.tcpi_bytes_retrans + info.tcpi_notsent_bytes + info.tcpi_bytes_received
         - unread;
}

static short
poll_now (int fd)
{
  struct pollfd item = { .fd = fd, .events = POLLIN | POLLOUT };

  return poll (&item, 1, 0) > 0 ? item.revents : 0;
}

static gint64
cpu_time (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static void
run_once (FdStream *stream)
{
  gint64 before = cpu_time ();

  current = stream;
  stream->running = TRUE;
  xmpp_run_once (stream->ctx, 0);
  stream->running = FALSE;
  current = NULL;

  if (stream->up && cpu_time () - before > MAX_RUN_CPU_US)
    end (stream,
         g_error_new (FD_ERROR, FD_ERROR_PROTOCOL,
                      "The server of %s sent a stanza that takes too long to read", stream->domain),
         FALSE);
  if (stream->watchdog && !stream->failure.secured && xmpp_conn_is_secured (stream->conn))
    {
      stream->failure.secured = TRUE;
      fd_watchdog_extend (stream->watchdog, LOGIN_TIMEOUT_S);
    }
}

/* Runs until nothing moves. TRUE if the budget ended it before. */
static gboolean
run (FdStream *stream)
{
  gint64 deadline = g_get_monotonic_time () + MAX_DISPATCH_US;
  guint quiet = 0;

  for (guint runs = 0; runs < MAX_RUNS && quiet < QUIET_RUNS && stream->tag && !stream->error; runs++)
    {
      short ready = poll_now (stream->fd);
      guint64 before = bytes_moved (stream->fd);

      run_once (stream);
      if (!stream->tag)
        return FALSE;
      quiet = !(ready & ~POLLOUT) && (ready & POLLOUT) && bytes_moved (stream->fd) == before ? quiet + 1 : 0;
      if (ready == 0)
        return FALSE; /* the socket is full and silent */
      if (g_get_monotonic_time () > deadline)
        break;
    }
  return quiet < QUIET_RUNS;
}

/* Modifying wakes the main loop up, so only on a change. */
static void
watch (FdStream *stream, GIOCondition condition)
{
  if (stream->tag && stream->condition != condition)
    {
      g_source_modify_unix_fd (stream->source, stream->tag, condition);
      stream->condition = condition;
    }
}

static gboolean
on_ready (GSource *source, GSourceFunc callback, gpointer data)
{
  FdStream *stream = ((StreamSource *) source)->stream;
  gboolean more;

  g_source_set_ready_time (source, -1);
  more = run (stream);
  if (stream->error)
    {
      /* nothing more is read; the socket is closed when the stream is freed */
      forget_socket (stream);
      return G_SOURCE_CONTINUE;
    }
  watch (stream, poll_now (stream->fd) & POLLOUT ? G_IO_IN : G_IO_IN | G_IO_OUT);
  if (more)
    g_source_set_ready_time (source, 0);
  return G_SOURCE_CONTINUE;
}

static void
kick (FdStream *stream)
{
  if (!stream->running && stream->tag)
    g_source_set_ready_time (stream->source, 0);
}

/* -- the interface -------------------------------------------------------- */

/* The library insists on looking an address up and connecting to it; any will do,
 * since on_socket() puts ours in its place. It asks only for families that the
 * host has beside loopback, so on an IPv6-only host the first one is unknown. */
static gboolean
hand_over (FdStream *stream)
{
  static const char *const dummies[] = { "127.0.0.1", "::1" };
  int rc = XMPP_EINT;

  current = stream;
  for (guint i = 0; i < G_N_ELEMENTS (dummies) && rc != XMPP_EOK && !stream->handed_over; i++)
    rc = xmpp_connect_client (stream->conn, dummies[i], 1, on_event, stream);
  current = NULL;
  return rc == XMPP_EOK;
}

static gboolean
start (FdStream *stream, GError **error)
{
  static GSourceFuncs functions = { .dispatch = on_ready };

  stream->source = g_source_new (&functions, sizeof (StreamSource));
  ((StreamSource *) stream->source)->stream = stream;
  g_source_set_static_name (stream->source, "xmpp-stream");

  if (!hand_over (stream))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_LIMIT_EXCEEDED,
                   "The XMPP library could not take the connection: no file descriptor below %d is free?",
                   FD_SETSIZE);
      return FALSE;
    }
  /* only now: its descriptor would take the low number */
  stream->watchdog = fd_watchdog_start (stream->fd, TLS_TIMEOUT_S);
  if (!stream->watchdog)
    {
      g_set_error_literal (error, FD_ERROR, FD_ERROR_LIMIT_EXCEEDED,
                           "No thread or file descriptor left for the connection");
      return FALSE;
    }
  stream->condition = G_IO_IN;
  stream->tag = g_source_add_unix_fd (stream->source, stream->fd, stream->condition);
  g_source_attach (stream->source, NULL);
  kick (stream);
  return TRUE;
}

FdStream *
fd_stream_new (const FdStreamSettings *settings, int fd, const FdStreamHooks *hooks, gpointer data,
               GError **error)
{
  long flags = XMPP_CONN_FLAG_MANDATORY_TLS | XMPP_CONN_FLAG_DISABLE_SM;
  FdStream *stream = g_new0 (FdStream, 1);

  fd_xml_ctx (); /* must parse before any other context does */
  stream->fd = fd;
  stream->hooks = *hooks;
  stream->data = data;
  stream->jid = fd_jid_bare (settings->jid);
  stream->domain = fd_jid_domain (settings->jid);
  stream->failure.jid = stream->jid;
  stream->failure.domain = stream->domain;
  stream->certificate = g_strdup ("");
  stream->log = (xmpp_log_t){ on_log, &stream->failure };
  stream->ctx = xmpp_ctx_new (&fd_wiping_memory, &stream->log);
  stream->conn = xmpp_conn_new (stream->ctx);
  xmpp_conn_set_flags (stream->conn, flags | (settings->direct_tls ? XMPP_CONN_FLAG_LEGACY_SSL : 0));
  xmpp_conn_set_jid (stream->conn, settings->jid);
  xmpp_conn_set_pass (stream->conn, settings->password);
  xmpp_conn_set_certfail_handler (stream->conn, on_certificate);
  xmpp_conn_set_sockopt_callback (stream->conn, on_socket);

  if (settings->ca_file && access (settings->ca_file, R_OK) < 0)
    {
      g_set_error (error, FD_ERROR, FD_ERROR_TLS_FAILED, "The CA file %s cannot be read: %s",
                   settings->ca_file, g_strerror (errno));
      fd_stream_free (stream);
      return NULL;
    }
  if (settings->ca_file)
    xmpp_conn_set_cafile (stream->conn, settings->ca_file);
  if (!start (stream, error))
    {
      fd_stream_free (stream);
      return NULL;
    }
  return stream;
}

/* An end that the server understands, without waiting for it. */
static void
say_goodbye (FdStream *stream)
{
  static const char goodbye[] = "<presence type='unavailable'/></stream:stream>";

  stream->up = FALSE;
  xmpp_send_raw (stream->conn, goodbye, strlen (goodbye));
  run (stream);
}

void
fd_stream_free (FdStream *stream)
{
  if (!stream)
    return;
  if (stream->up && stream->tag && !stream->error)
    say_goodbye (stream);

  /* releasing a live connection reports its end */
  g_clear_error (&stream->error);
  stream->error = g_error_new_literal (FD_ERROR, FD_ERROR_CANCELLED, "The stream is closed");
  if (stream->handed_over && !xmpp_conn_is_disconnected (stream->conn))
    shutdown (stream->fd, SHUT_RDWR); /* else the library waits for the server's TLS goodbye */
  xmpp_conn_release (stream->conn);
  xmpp_ctx_free (stream->ctx);
  if (!stream->handed_over)
    fd_close (&stream->fd);
  stop_watchdog (stream);

  g_clear_handle_id (&stream->down, g_source_remove);
  if (stream->source)
    {
      g_source_destroy (stream->source);
      g_source_unref (stream->source);
    }
  g_clear_error (&stream->error);
  fd_failure_clear (&stream->failure);
  g_free (stream->certificate);
  g_free (stream->domain);
  g_free (stream->jid);
  g_free (stream);
}

void
fd_stream_send (FdStream *stream, const char *xml, gsize length)
{
  if (!stream->up || stream->error)
    return;
  if (xmpp_conn_send_queue_len (stream->conn) >= MAX_QUEUED)
    {
      end (stream,
           g_error_new (FD_ERROR, FD_ERROR_CONNECTION_FAILED, "The server of %s does not read what we send",
                        stream->domain),
           FALSE);
      return;
    }
  xmpp_send_raw (stream->conn, xml, length);
  kick (stream);
}

void
fd_stream_abort (FdStream *stream, const GError *error)
{
  end (stream, g_error_copy (error), FALSE);
}

const char *
fd_stream_get_certificate (FdStream *stream)
{
  return stream->certificate;
}
