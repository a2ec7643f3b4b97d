/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libstrophe behind its fence, and what it may hear.
 *
 * The library knows only its own select() loop and sends in the run after the
 * one that queues. So it runs whenever either end of the pair has something,
 * and a few times in a row.
 */
#include "xmpp/login.h"

#include "base/fd.h"
#include "xmpp/jid.h"
#include "xmpp/mechanisms.h"
#include "xmpp/ns.h"
#include "xmpp/pair.h"
#include "xmpp/scram.h"
#include "xmpp/wiping.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>

#define RUNS 3 /* read and handle, send the answer, and one more */
#define READ_SIZE 4096

typedef struct
{
  GSource source;
  FdLogin *login;
} LoginSource;

struct FdLogin
{
  FdLoginHooks hooks;
  gpointer data;
  char *jid; /* bare */
  char *domain;
  xmpp_log_t log;
  xmpp_ctx_t *ctx;
  xmpp_conn_t *conn;
  GSource *source;
  gpointer near_tag, far_tag;
  int near; /* the library's end */
  int far;
  gboolean handed_over; /* @near is the library's to close */
  gboolean certificate; /* EXTERNAL may be chosen */
  gboolean external; /* and was */
  GString *held; /* what the library says until its <auth/>, which is not sent; NULL: it may speak */
  const char *scram; /* the mechanism, until we are in; NULL: another */
  char *first, *challenge, *final; /* its messages: the library's, the server's, the library's */
  gboolean authenticated;
  char *bound;
  gboolean gone; /* the library gave up */
};

/* Whose libstrophe code is on the stack: its callback for sockets has no user data. */
static FdLogin *current;

int
fd_login_reserve_fd (void)
{
  fd_autoclose fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);

  return fd < FD_SETSIZE ? fd_take (&fd) : -1;
}

/* -- libstrophe's callbacks ----------------------------------------------- */

static void
on_log (void *data, xmpp_log_level_t level, const char *area, const char *message)
{
  if (level >= XMPP_LEVEL_WARN)
    g_debug ("libstrophe: %s", message);
}

/* The library has made a socket of its own to connect with: our end of the
 * pair, which is connected already, takes its number. The kernel lets the
 * connect() that follows succeed once on it. */
static int
on_socket (xmpp_conn_t *conn, void *sock)
{
  int theirs = *(int *) sock;

  if (theirs >= FD_SETSIZE || dup3 (current->near, theirs, O_CLOEXEC) < 0)
    return -1;
  fd_close (&current->near);
  current->near = theirs;
  current->handed_over = TRUE;
  return 0;
}

/* DISCONNECT may come twice, and the socket is closed by then. */
static void
on_event (xmpp_conn_t *conn, xmpp_conn_event_t event, int error, xmpp_stream_error_t *stream_error,
          void *data)
{
  FdLogin *login = data;

  if (event == XMPP_CONN_CONNECT)
    {
      xmpp_conn_set_pass (conn, NULL);
      login->bound = g_strdup (xmpp_conn_get_bound_jid (conn));
      return;
    }
  login->gone = TRUE;
  if (login->near_tag)
    g_source_remove_unix_fd (login->source, login->near_tag);
  login->near_tag = NULL;
}

/* -- the source ----------------------------------------------------------- */

static void
run (FdLogin *login)
{
  current = login;
  for (guint i = 0; i < RUNS && !login->gone; i++)
    xmpp_run_once (login->ctx, 0);
  current = NULL;
}

static char *
decode (const char *base64)
{
  gsize length;
  g_autofree guchar *bytes = g_base64_decode (base64, &length);

  return g_strndup ((const char *) bytes, length);
}

/* What the library says in an element of this name; NULL if that is not in @bytes. */
static char *
find_said (const char *bytes, gsize length, const char *tag)
{
  const char *start = g_strstr_len (bytes, length, tag);
  const char *payload = start ? memchr (start, '>', bytes + length - start) : NULL;
  const char *end = payload ? memchr (payload, '<', bytes + length - payload) : NULL;
  g_autofree char *base64 = end ? g_strndup (payload + 1, end - payload - 1) : NULL;

  return base64 ? decode (base64) : NULL;
}

/* The library does not check what the server makes of it, so we listen. */
static void
note_scram (FdLogin *login, const char *bytes, gsize length)
{
  if (!login->first)
    login->first = find_said (bytes, length, "<auth ");
  else if (login->challenge && !login->final)
    login->final = find_said (bytes, length, "<response ");
}

/* The library cannot do EXTERNAL, and thinks that this is PLAIN with an empty
 * password. What it says in place of our word must not get out. */
static void
replace_auth (FdLogin *login, const char *bytes, gsize length)
{
  g_autofree char *identity = g_base64_encode ((const guchar *) login->jid, strlen (login->jid));
  g_autofree char *auth
    = g_strdup_printf ("<auth xmlns='" NS_SASL "' mechanism='EXTERNAL'>%s</auth>", identity);
  g_autoptr (GString) said = NULL;
  const char *start, *end;

  g_string_append_len (login->held, bytes, length);
  start = strstr (login->held->str, "<auth ");
  end = start ? strstr (start, "</auth>") : NULL;
  if (!end)
    return;
  said = g_steal_pointer (&login->held);
  g_string_erase (said, start - said->str, end + strlen ("</auth>") - start);
  g_string_insert (said, start - said->str, auth);
  login->hooks.output (said->str, said->len, login->data);
}

static void
forward_output (FdLogin *login)
{
  char buffer[READ_SIZE];
  gssize length;

  while ((length = recv (login->far, buffer, sizeof buffer, 0)) > 0)
    {
      if (login->scram)
        note_scram (login, buffer, length);
      if (login->held)
        replace_auth (login, buffer, length);
      else
        login->hooks.output (buffer, length, login->data);
    }
  explicit_bzero (buffer, sizeof buffer);
}

static gboolean
on_ready (GSource *source, GSourceFunc callback, gpointer data)
{
  FdLogin *login = ((LoginSource *) source)->login;
  FdFailure failure = { 0 };

  g_source_set_ready_time (source, -1);
  run (login);
  forward_output (login);
  if (!login->bound && !login->gone)
    return G_SOURCE_CONTINUE;

  if (!login->bound)
    fd_failure_set (&failure, FALSE, FD_ERROR_PROTOCOL, "The server of %s did not log us in as XMPP demands",
                    login->domain);
  g_source_remove_unix_fd (source, login->far_tag); /* it may be at its end for good */
  login->far_tag = NULL;
  login->hooks.done (login->bound, &failure, login->data);
  fd_failure_clear (&failure);
  return G_SOURCE_CONTINUE;
}

/* -- what the library may hear -------------------------------------------- */

static void
tell (FdLogin *login, const char *xml)
{
  gsize length = strlen (xml);

  /* far below what the kernel buffers; what is cut off ends in a time-out */
  if (send (login->far, xml, length, MSG_NOSIGNAL) != (gssize) length)
    g_debug ("libstrophe does not read: %s", g_strerror (errno));
}

static void
tell_element (FdLogin *login, xmpp_stanza_t *element)
{
  g_autofree char *xml = fd_xml_to_string (element);

  tell (login, xml);
}

static void
tell_header (FdLogin *login)
{
  g_autofree char *xml = g_markup_printf_escaped (
    "<?xml version='1.0'?><stream:stream from='%s' id='1' version='1.0' xmlns='" NS_CLIENT
    "' xmlns:stream='" NS_STREAMS "'>",
    login->domain);

  tell (login, xml);
}

/* Offers the library one mechanism, so that the choice is ours. */
static gboolean
tell_mechanism (FdLogin *login, xmpp_stanza_t *features, xmpp_stanza_t *shown, FdFailure *failure)
{
  const char *mechanism = fd_mechanisms_choose (features, login->certificate);

  login->external = g_strcmp0 (mechanism, "EXTERNAL") == 0;
  if (!mechanism)
    fd_failure_set (failure, TRUE, FD_ERROR_AUTHENTICATION_FAILED,
                    "The server of %s offers no way to log in that we use (SCRAM or PLAIN)", login->domain);
  else if (!login->external && !xmpp_conn_get_pass (login->conn))
    fd_failure_set (
      failure, TRUE, FD_ERROR_AUTHENTICATION_FAILED,
      "The server of %s does not let the client certificate of %s log in (it offers no EXTERNAL): "
      "make it known there, or set the password",
      login->domain, login->jid);
  else
    {
      if (login->external)
        {
          xmpp_conn_set_pass (login->conn, "");
          if (!login->held) /* a server may say it twice */
            login->held = g_string_new (NULL);
          mechanism = "PLAIN";
        }
      fd_xml_add_text (fd_xml_add (shown, "mechanisms", NS_SASL, NULL), "mechanism", mechanism);
      login->scram = g_str_equal (mechanism, "PLAIN") ? NULL : mechanism;
      return TRUE;
    }
  return FALSE;
}

/* Only what is understood here. */
static gboolean
tell_features (FdLogin *login, xmpp_stanza_t *features, FdFailure *failure)
{
  g_autoptr (FdXml) shown = fd_xml_new ("features", NS_STREAMS, NULL);

  if (fd_xml_child (features, "bind", NS_BIND))
    {
      fd_xml_add (shown, "bind", NS_BIND, NULL);
      if (fd_xml_child (features, "session", NS_SESSION))
        fd_xml_add (shown, "session", NS_SESSION, NULL);
    }
  else if (login->authenticated)
    {
      fd_failure_set (failure, FALSE, FD_ERROR_PROTOCOL, "The server of %s gives no resource", login->domain);
      return FALSE;
    }
  else if (!tell_mechanism (login, features, shown, failure))
    return FALSE;
  tell_element (login, shown);
  return TRUE;
}

/* There is one, and it goes on with the nonce of the library's. */
static gboolean
tell_challenge (FdLogin *login, xmpp_stanza_t *challenge, FdFailure *failure)
{
  g_autofree char *text = fd_xml_text (challenge);
  const char *nonce = login->first && !login->challenge ? strstr (login->first, ",r=") : NULL;
  g_autoptr (GError) error = NULL;

  if (login->scram && !fd_mechanisms_check_challenge (text, nonce ? nonce + strlen (",r=") : NULL, &error))
    {
      fd_failure_set (failure, FALSE, FD_ERROR_PROTOCOL, "The server of %s sent %s", login->domain,
                      error->message);
      return FALSE;
    }
  if (login->scram)
    login->challenge = decode (text);
  tell_element (login, challenge);
  return TRUE;
}

/* The library takes any word for a success. */
static gboolean
tell_success (FdLogin *login, xmpp_stanza_t *success, FdFailure *failure)
{
  g_autofree char *base64 = fd_xml_text (success);
  g_autofree char *signature = decode (base64);

  if (login->scram
      && !(login->final
           && fd_scram_verify (login->scram, xmpp_conn_get_pass (login->conn), login->first, login->challenge,
                               login->final, signature)))
    {
      fd_failure_set (failure, FALSE, FD_ERROR_PROTOCOL,
                      "The server of %s did not prove that it knows the password", login->domain);
      return FALSE;
    }
  login->authenticated = TRUE;
  login->scram = NULL;
  tell_element (login, success);
  return TRUE;
}

gboolean
fd_login_feed (FdLogin *login, xmpp_stanza_t *element, FdFailure *failure)
{
  if (fd_xml_is (element, "stream", NS_STREAMS))
    tell_header (login);
  else if (fd_xml_is (element, "features", NS_STREAMS))
    return tell_features (login, element, failure);
  else if (fd_xml_is (element, "challenge", NS_SASL))
    return tell_challenge (login, element, failure);
  else if (fd_xml_is (element, "failure", NS_SASL))
    {
      fd_failure_from_sasl (failure, element, login->external ? "client certificate" : "password", login->jid,
                            login->domain);
      return FALSE;
    }
  else if (fd_xml_is (element, "iq", NS_CLIENT) && g_strcmp0 (xmpp_stanza_get_type (element), "error") == 0)
    {
      fd_failure_set (failure, FALSE, FD_ERROR_PROTOCOL, "The server of %s refused us a resource",
                      login->domain);
      return FALSE;
    }
  else if (fd_xml_is (element, "success", NS_SASL))
    return tell_success (login, element, failure);
  else if (fd_xml_is (element, "iq", NS_CLIENT))
    tell_element (login, element);
  return TRUE;
}

/* -- life ----------------------------------------------------------------- */

/* The library insists on looking an address up and connecting to it; any will do,
 * since on_socket() puts ours in its place. It asks only for families that the
 * host has beside loopback, so on an IPv6-only host the first one is unknown. */
static gboolean
hand_over (FdLogin *login)
{
  static const char *const dummies[] = { "127.0.0.1", "::1" };
  int rc = XMPP_EINT;

  current = login;
  for (guint i = 0; i < G_N_ELEMENTS (dummies) && rc != XMPP_EOK && !login->handed_over; i++)
    rc = xmpp_connect_client (login->conn, dummies[i], 1, on_event, login);
  current = NULL;
  return rc == XMPP_EOK;
}

static gboolean
start (FdLogin *login, int *low_fd, GError **error)
{
  static GSourceFuncs functions = { .dispatch = on_ready };

  if (!fd_pair_new (&login->near, &login->far, error))
    return FALSE;
  /* nothing may take the number in between */
  fd_close (low_fd);
  if (!hand_over (login))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_LIMIT_EXCEEDED,
                   "The XMPP library could not be started: no file descriptor below %d is free?", FD_SETSIZE);
      return FALSE;
    }
  login->source = g_source_new (&functions, sizeof (LoginSource));
  ((LoginSource *) login->source)->login = login;
  g_source_set_static_name (login->source, "xmpp-login");
  login->near_tag = g_source_add_unix_fd (login->source, login->near, G_IO_IN);
  login->far_tag = g_source_add_unix_fd (login->source, login->far, G_IO_IN);
  g_source_set_ready_time (login->source, 0);
  g_source_attach (login->source, NULL);
  return TRUE;
}

FdLogin *
fd_login_new (const char *full_jid, const char *password, gboolean certificate, int *low_fd,
              const FdLoginHooks *hooks, gpointer data, GError **error)
{
  FdLogin *login = g_new0 (FdLogin, 1);

  fd_xml_ctx (); /* must parse before any other context does */
  login->hooks = *hooks;
  login->data = data;
  login->jid = fd_jid_bare (full_jid);
  login->domain = fd_jid_domain (full_jid);
  login->certificate = certificate;
  login->near = login->far = -1;
  login->log = (xmpp_log_t){ on_log, NULL };
  login->ctx = xmpp_ctx_new (&fd_wiping_memory, &login->log);
  login->conn = xmpp_conn_new (login->ctx);
  /* the TLS is ours */
  xmpp_conn_set_flags (login->conn, XMPP_CONN_FLAG_DISABLE_TLS | XMPP_CONN_FLAG_DISABLE_SM);
  xmpp_conn_set_jid (login->conn, full_jid);
  xmpp_conn_set_pass (login->conn, password);
  xmpp_conn_set_sockopt_callback (login->conn, on_socket);
  if (start (login, low_fd, error))
    return login;
  fd_login_free (login);
  return NULL;
}

void
fd_login_free (FdLogin *login)
{
  if (!login)
    return;
  if (login->near_tag)
    g_source_remove_unix_fd (login->source, login->near_tag);
  login->near_tag = NULL;
  if (login->scram && !login->gone)
    {
      /* the library forgets what it has allocated unless it hears how SCRAM ends */
      tell (login, "<failure xmlns='" NS_SASL "'/>");
      run (login);
    }
  xmpp_conn_release (login->conn); /* a live one reports its end */
  xmpp_ctx_free (login->ctx);
  if (!login->handed_over)
    fd_close (&login->near);
  if (login->source)
    {
      g_source_destroy (login->source);
      g_source_unref (login->source);
    }
  fd_close (&login->far);
  if (login->held)
    g_string_free (login->held, TRUE);
  g_free (login->first);
  g_free (login->challenge);
  g_free (login->final);
  g_free (login->bound);
  g_free (login->domain);
  g_free (login->jid);
  g_free (login);
}
