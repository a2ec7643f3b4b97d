/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * TLS by OpenSSL.
 */
#include "xmpp/tls.h"

#include "xmpp/certificate.h"

#include <errno.h>
#include <gio/gio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/stat.h>

/* One read() takes several records when there is much. */
#define READ_AHEAD (64 * 1024)
/* Prosody reads as much at once, and pauses for a millisecond when the record goes on behind that. */
#define RECORD_SIZE 8192

#define ALPN "\x0bxmpp-client" /* XEP-0368 §4 */

struct FdTls
{
  char *domain;
  char *pin;
  SSL_CTX *ctx;
  SSL *ssl;
  int verify_code; /* the first complaint */
  X509 *refused; /* the server's own certificate, if there was one */
  char *certificate; /* SHA-256 of the accepted one, or NULL */
};

static FdTls *
get_tls (X509_STORE_CTX *store)
{
  SSL *ssl = X509_STORE_CTX_get_ex_data (store, SSL_get_ex_data_X509_STORE_CTX_idx ());

  return SSL_get_app_data (ssl);
}

/* Called at every step of the chain. The first complaint is the cause of the others. */
static int
on_verify (int ok, X509_STORE_CTX *store)
{
  FdTls *tls = get_tls (store);
  STACK_OF (X509) *chain = X509_STORE_CTX_get0_chain (store);

  if (!ok && tls->verify_code == X509_V_OK)
    {
      tls->verify_code = X509_STORE_CTX_get_error (store);
      tls->refused = sk_X509_value (chain, 0);
      if (tls->refused)
        X509_up_ref (tls->refused);
    }
  return ok || tls->pin; /* the pin alone decides, after the handshake */
}

/* Why the last call failed; empties OpenSSL's queue. */
static const char *
last_reason (void)
{
  unsigned long code = ERR_peek_error ();
  const char *reason = code ? ERR_reason_error_string (code) : NULL;

  ERR_clear_error ();
  return reason ? reason : "no reason is known";
}

/* Nobody is there to ask: the default would be to ask on the terminal. */
static int
on_passphrase (char *buffer, int size, int writing, void *asked)
{
  if (asked)
    *(gboolean *) asked = TRUE;
  return -1;
}

static gboolean
load_client_key (FdTls *tls, const char *path, GError **error)
{
  gboolean encrypted = FALSE, loaded;

  SSL_set_default_passwd_cb (tls->ssl, on_passphrase);
  SSL_set_default_passwd_cb_userdata (tls->ssl, &encrypted);
  loaded = SSL_use_PrivateKey_file (tls->ssl, path, SSL_FILETYPE_PEM) == 1;
  SSL_set_default_passwd_cb_userdata (tls->ssl, NULL);
  if (encrypted)
    g_set_error (error, FD_ERROR, FD_ERROR_TLS_FAILED,
                 "The client key %s is encrypted, which cannot be used: save it without a passphrase "
                 "(\"openssl pkey\")",
                 path);
  else if (!loaded)
    g_set_error (error, FD_ERROR, FD_ERROR_TLS_FAILED, "The client key %s is no private key in PEM", path);
  ERR_clear_error ();
  return loaded;
}

/* The key goes first: a certificate that does not fit makes OpenSSL forget it, which the
 * check tells; a key that does not fit would fail as one that cannot be read does. */
static gboolean
load_client_certificate (FdTls *tls, const char *path, const char *key, GError **error)
{
  const char *files[] = { path, key ? key : path };

  if (!path)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      if (access (files[i], R_OK) == 0)
        continue;
      g_set_error (error, FD_ERROR, FD_ERROR_TLS_FAILED, "The client %s %s cannot be read: %s",
                   i == 0 ? "certificate" : "key", files[i], g_strerror (errno));
      return FALSE;
    }
  if (!load_client_key (tls, files[1], error))
    return FALSE;
  if (SSL_use_certificate_chain_file (tls->ssl, path) != 1)
    g_set_error (error, FD_ERROR, FD_ERROR_TLS_FAILED, "The client certificate %s cannot be used: %s", path,
                 last_reason ());
  else if (SSL_check_private_key (tls->ssl) != 1)
    g_set_error (error, FD_ERROR, FD_ERROR_TLS_FAILED,
                 "The key in %s is not that of the client certificate %s: set the one that was made with it",
                 files[1], path);
  else
    return TRUE;
  ERR_clear_error ();
  return FALSE;
}

/* The name that TLS knows: A-labels, no brackets; an address is not sent (RFC 6066 §3). */
static gboolean
set_name (FdTls *tls, GError **error)
{
  gboolean literal = tls->domain[0] == '[';
  g_autofree char *ascii = literal ? g_strndup (tls->domain + 1, strcspn (tls->domain + 1, "]"))
                                   : g_hostname_to_ascii (tls->domain);
  X509_VERIFY_PARAM *param = SSL_get0_param (tls->ssl);

  if (ascii && g_hostname_is_ip_address (ascii))
    return X509_VERIFY_PARAM_set1_ip_asc (param, ascii) == 1;
  X509_VERIFY_PARAM_set_hostflags (param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (ascii && SSL_set_tlsext_host_name (tls->ssl, ascii) && X509_VERIFY_PARAM_set1_host (param, ascii, 0))
    return TRUE;
  ERR_clear_error ();
  g_set_error (error, FD_ERROR, FD_ERROR_TLS_FAILED, "%s is no name that a certificate can be for",
               tls->domain);
  return FALSE;
}

FdTls *
fd_tls_new (const FdTlsSettings *settings, GError **error)
{
  FdTls *tls = g_new0 (FdTls, 1);

  tls->domain = g_strdup (settings->domain);
  tls->pin = g_strdup (settings->pin);
  tls->ctx = SSL_CTX_new (TLS_client_method ());
  SSL_CTX_set_min_proto_version (tls->ctx, TLS1_2_VERSION);
  SSL_CTX_set_options (tls->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode (tls->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                                | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead (tls->ctx, 1);
  SSL_CTX_set_default_read_buffer_len (tls->ctx, READ_AHEAD);
  SSL_CTX_set_max_send_fragment (tls->ctx, RECORD_SIZE);
  SSL_CTX_set_session_cache_mode (tls->ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify (tls->ctx, SSL_VERIFY_PEER, on_verify);
  SSL_CTX_set_alpn_protos (tls->ctx, (const guchar *) ALPN, strlen (ALPN));

  tls->ssl = SSL_new (tls->ctx);
  SSL_set_app_data (tls->ssl, tls);
  if (settings->authorities)
    SSL_CTX_set1_cert_store (tls->ctx, settings->authorities);
  if (!set_name (tls, error)
      || !load_client_certificate (tls, settings->client_certificate, settings->client_key, error))
    {
      fd_tls_free (tls);
      return NULL;
    }
  return tls;
}

void
fd_tls_attach (FdTls *tls, int fd)
{
  SSL_set_fd (tls->ssl, fd);
  SSL_set_connect_state (tls->ssl);
}

void
fd_tls_free (FdTls *tls)
{
  if (!tls)
    return;
  SSL_free (tls->ssl);
  SSL_CTX_free (tls->ctx);
  X509_free (tls->refused);
  g_free (tls->certificate);
  g_free (tls->pin);
  g_free (tls->domain);
  g_free (tls);
}

static FdTlsResult
result_of (FdTls *tls, int rc)
{
  switch (SSL_get_error (tls->ssl, rc))
    {
    case SSL_ERROR_NONE:
      return FD_TLS_DONE;
    case SSL_ERROR_WANT_READ:
      return FD_TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
      return FD_TLS_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN:
    case SSL_ERROR_SYSCALL:
      return FD_TLS_CLOSED;
    default:
      return ERR_GET_REASON (ERR_peek_error ()) == SSL_R_UNEXPECTED_EOF_WHILE_READING ? FD_TLS_CLOSED
                                                                                      : FD_TLS_FAILED;
    }
}

static void
explain_handshake (FdTls *tls, FdTlsResult result, FdFailure *failure)
{
  g_autofree char *text = NULL;

  if (tls->verify_code != X509_V_OK && tls->refused && !tls->pin)
    {
      text = fd_certificate_describe (tls->refused, tls->verify_code, tls->domain);
      fd_failure_set (failure, TRUE, FD_ERROR_TLS_FAILED, "%s", text);
      failure->refused = fd_certificate_get_sha256 (tls->refused);
    }
  else if (result == FD_TLS_CLOSED)
    fd_failure_set (failure, FALSE, FD_ERROR_CONNECTION_FAILED,
                    "The server of %s broke off before or during the TLS handshake", tls->domain);
  else if (ERR_GET_REASON (ERR_peek_error ()) == SSL_R_WRONG_VERSION_NUMBER)
    fd_failure_set (failure, FALSE, FD_ERROR_TLS_FAILED,
                    "The server of %s does not speak TLS where it should", tls->domain);
  else /* anybody on the way can say so, and go away again */
    fd_failure_set (failure, FALSE, FD_ERROR_TLS_FAILED,
                    "No TLS could be agreed on with the server of %s: %s", tls->domain, last_reason ());
}

static gboolean
accept_certificate (FdTls *tls, FdFailure *failure)
{
  g_autoptr (X509) certificate = SSL_get1_peer_certificate (tls->ssl);
  g_autofree char *text = NULL;

  if (!certificate)
    {
      fd_failure_set (failure, TRUE, FD_ERROR_TLS_FAILED, "The server of %s has no certificate", tls->domain);
      return FALSE;
    }
  tls->certificate = fd_certificate_get_sha256 (certificate);
  if (!tls->pin || g_str_equal (tls->pin, tls->certificate))
    return TRUE;
  text = fd_certificate_describe_unpinned (certificate, tls->domain);
  fd_failure_set (failure, TRUE, FD_ERROR_TLS_FAILED, "%s", text);
  failure->refused = g_strdup (tls->certificate);
  return FALSE;
}

FdTlsResult
fd_tls_handshake (FdTls *tls, FdFailure *failure)
{
  FdTlsResult result;

  ERR_clear_error ();
  result = result_of (tls, SSL_do_handshake (tls->ssl));
  if (result == FD_TLS_CLOSED || result == FD_TLS_FAILED)
    explain_handshake (tls, result, failure);
  else if (result == FD_TLS_DONE && !accept_certificate (tls, failure))
    return FD_TLS_FAILED;
  return result;
}

FdTlsResult
fd_tls_read (FdTls *tls, char *buffer, gsize size, gsize *ret_length)
{
  ERR_clear_error ();
  return result_of (tls, SSL_read_ex (tls->ssl, buffer, size, ret_length));
}

FdTlsResult
fd_tls_write (FdTls *tls, const char *bytes, gsize length, gsize *ret_length)
{
  ERR_clear_error ();
  return result_of (tls, SSL_write_ex (tls->ssl, bytes, length, ret_length));
}

gboolean
fd_tls_has_pending (FdTls *tls)
{
  return SSL_has_pending (tls->ssl);
}

void
fd_tls_shutdown (FdTls *tls)
{
  if (SSL_is_init_finished (tls->ssl))
    SSL_shutdown (tls->ssl);
  ERR_clear_error ();
}

const char *
fd_tls_get_protocol (FdTls *tls)
{
  return SSL_get_version (tls->ssl);
}

const char *
fd_tls_get_cipher (FdTls *tls)
{
  return SSL_get_cipher_name (tls->ssl);
}

const char *
fd_tls_get_certificate (FdTls *tls)
{
  return tls->certificate;
}
