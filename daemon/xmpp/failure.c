/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The words for each way a stream can end (RFC 6120 §4.9.3, §6.5, §13.7.2).
 */
#include "xmpp/failure.h"

#include "base/error.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#define MAX_NAMES 8 /* of a certificate that are shown */
#define MAX_SERVER_TEXT 200 /* characters of a stream error that are shown */

void
fd_failure_clear (FdFailure *failure)
{
  g_clear_pointer (&failure->certificate, g_free);
  g_clear_pointer (&failure->last_log, g_free);
}

/* The library passes no SASL failure on (user handlers run only after the
 * login), so its log is the only witness. */
void
fd_failure_note_log (FdFailure *failure, xmpp_log_level_t level, const char *message)
{
  if (g_str_has_prefix (message, "SASL ") && g_str_has_suffix (message, " auth failed"))
    failure->sasl_failed = TRUE;
  else if (g_str_has_prefix (message, "RECV: <failure ") && strstr (message, "<temporary-auth-failure"))
    failure->sasl_passing = TRUE;
  else if (g_str_has_prefix (message, "TLS is not supported, but set as mandatory"))
    failure->tls_missing = TRUE;
  else if (level >= XMPP_LEVEL_WARN)
    {
      g_free (failure->last_log);
      failure->last_log = g_strdup (message);
    }
}

typedef BIO Bio;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Bio, BIO_free_all)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GENERAL_NAMES, GENERAL_NAMES_free)

/* The names that a certificate is for. libstrophe's own list of them is empty
 * in the callback. */
static char *
list_names (const xmpp_tlscert_t *certificate)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (Bio) pem = BIO_new_mem_buf (xmpp_tlscert_get_pem (certificate), -1);
  g_autoptr (X509) x509 = PEM_read_bio_X509 (pem, NULL, NULL, NULL);
  g_autoptr (GENERAL_NAMES) names = x509 ? X509_get_ext_d2i (x509, NID_subject_alt_name, NULL, NULL) : NULL;

  for (int i = 0; names && i < MIN (sk_GENERAL_NAME_num (names), MAX_NAMES); i++)
    {
      const GENERAL_NAME *name = sk_GENERAL_NAME_value (names, i);

      if (name->type == GEN_DNS)
        g_string_append_printf (text, "%s%.*s", text->len > 0 ? ", " : "",
                                ASN1_STRING_length (name->d.dNSName),
                                (const char *) ASN1_STRING_get0_data (name->d.dNSName));
    }
  if (text->len == 0)
    g_string_append (text, xmpp_tlscert_get_string (certificate, XMPP_CERT_SUBJECT));
  return g_string_free (g_steal_pointer (&text), FALSE);
}

void
fd_failure_note_certificate (FdFailure *failure, const xmpp_tlscert_t *certificate, const char *reason)
{
  const char *issuer = xmpp_tlscert_get_string (certificate, XMPP_CERT_ISSUER);
  static const struct
  {
    int code;
    enum
    {
      EXPIRED,
      EARLY,
      OTHER_NAME,
      SELF_SIGNED,
      UNTRUSTED,
    } kind;
  } reasons[] = {
    { X509_V_ERR_CERT_HAS_EXPIRED, EXPIRED },
    { X509_V_ERR_CERT_NOT_YET_VALID, EARLY },
    { X509_V_ERR_HOSTNAME_MISMATCH, OTHER_NAME },
    { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, SELF_SIGNED },
    { X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, UNTRUSTED },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, UNTRUSTED },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, UNTRUSTED },
    { X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, UNTRUSTED },
  };
  g_autofree char *names = NULL;
  int kind = -1;

  if (failure->certificate)
    return; /* the first complaint is the cause of the others */
  for (guint i = 0; i < G_N_ELEMENTS (reasons); i++)
    {
      if (g_str_equal (X509_verify_cert_error_string (reasons[i].code), reason))
        kind = reasons[i].kind;
    }

  switch (kind)
    {
    case EXPIRED:
      failure->certificate = g_strdup_printf ("The certificate of %s has expired (%s)", failure->domain,
                                              xmpp_tlscert_get_string (certificate, XMPP_CERT_NOTAFTER));
      break;
    case EARLY:
      failure->certificate = g_strdup_printf (
        "The certificate of %s is not valid yet (%s); is the clock of this computer right?", failure->domain,
        xmpp_tlscert_get_string (certificate, XMPP_CERT_NOTBEFORE));
      break;
    case OTHER_NAME:
      names = list_names (certificate);
      failure->certificate = g_strdup_printf (
        "The server's certificate is not for %s but for another name: %s", failure->domain, names);
      break;
    case SELF_SIGNED:
      failure->certificate = g_strdup_printf ("The certificate of %s is self-signed and not trusted; if it "
                                              "is yours, set it as the CA file of the account",
                                              failure->domain);
      break;
    case UNTRUSTED:
      failure->certificate = g_strdup_printf (
        "The certificate of %s is not trusted: its issuer is unknown here (%s)", failure->domain, issuer);
      break;
    default:
      failure->certificate
        = g_strdup_printf ("The certificate of %s is not valid: %s", failure->domain, reason);
      break;
    }
}

static GError *
describe_stream_error (const FdFailure *failure, const xmpp_stream_error_t *stream_error, gboolean *ret_fatal)
{
  static const struct
  {
    xmpp_error_type_t type;
    FdErrorCode code;
    gboolean fatal;
    const char *text;
  } texts[] = {
    { XMPP_SE_CONFLICT, FD_ERROR_CONNECTION_FAILED, TRUE,
      "another session of the account took our resource; end it or set another resource" },
    { XMPP_SE_HOST_UNKNOWN, FD_ERROR_CONNECTION_FAILED, FALSE, "it does not serve this domain" },
    { XMPP_SE_HOST_GONE, FD_ERROR_CONNECTION_FAILED, FALSE, "it no longer serves this domain" },
    { XMPP_SE_SYSTEM_SHUTDOWN, FD_ERROR_CONNECTION_FAILED, FALSE, "it is shutting down" },
    { XMPP_SE_CONN_TIMEOUT, FD_ERROR_CONNECTION_FAILED, FALSE, "it saw no sign of life from us" },
    { XMPP_SE_RESOURCE_CONSTRAINT, FD_ERROR_CONNECTION_FAILED, FALSE, "it is overloaded" },
    { XMPP_SE_NOT_AUTHORIZED, FD_ERROR_AUTHENTICATION_FAILED, TRUE, "it does not authorize the account" },
    { XMPP_SE_POLICY_VIOLATION, FD_ERROR_PROTOCOL, FALSE, "it says that we violate its policy" },
  };
  const char *more = stream_error->text;
  g_autofree char *shown
    = more ? g_utf8_substring (more, 0, MIN (g_utf8_strlen (more, -1), MAX_SERVER_TEXT)) : NULL;
  const char *text = "it gave no reason that we know";
  FdErrorCode code = FD_ERROR_PROTOCOL;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      if (texts[i].type != stream_error->type)
        continue;
      text = texts[i].text;
      code = texts[i].code;
      *ret_fatal = texts[i].fatal;
    }
  return g_error_new (FD_ERROR, code, "The server of %s ended the stream: %s%s%s%s", failure->domain, text,
                      shown ? " (" : "", shown ? shown : "", shown ? ")" : "");
}

static GError *
describe_login (const FdFailure *failure, gboolean *ret_fatal)
{
  if (failure->tls_missing)
    {
      *ret_fatal = TRUE;
      return g_error_new (FD_ERROR, FD_ERROR_TLS_FAILED,
                          "The server of %s offers no TLS (STARTTLS); without it no password is sent",
                          failure->domain);
    }
  if (failure->sasl_failed && failure->sasl_passing)
    return g_error_new (FD_ERROR, FD_ERROR_AUTHENTICATION_FAILED,
                        "The server of %s cannot check passwords just now", failure->domain);
  if (failure->sasl_failed)
    {
      *ret_fatal = TRUE;
      return g_error_new (FD_ERROR, FD_ERROR_AUTHENTICATION_FAILED,
                          "The server refused the password of %s; set it again", failure->jid);
    }
  if (!failure->secured)
    return g_error_new (FD_ERROR, FD_ERROR_CONNECTION_FAILED,
                        "The server of %s broke off before or during the TLS handshake%s%s", failure->domain,
                        failure->last_log ? ": " : "", failure->last_log ? failure->last_log : "");
  return g_error_new (FD_ERROR, FD_ERROR_CONNECTION_FAILED, "The server of %s broke off the login%s%s",
                      failure->domain, failure->last_log ? ": " : "",
                      failure->last_log ? failure->last_log : "");
}

GError *
fd_failure_describe (const FdFailure *failure, const xmpp_stream_error_t *stream_error, gboolean *ret_fatal)
{
  *ret_fatal = FALSE;
  if (failure->timed_out)
    return g_error_new (FD_ERROR, FD_ERROR_TIMEOUT,
                        "The server of %s accepted the connection but did not complete the %s",
                        failure->domain, failure->secured ? "login" : "TLS handshake");
  if (failure->certificate)
    {
      *ret_fatal = TRUE;
      return g_error_new_literal (FD_ERROR, FD_ERROR_TLS_FAILED, failure->certificate);
    }
  if (stream_error)
    return describe_stream_error (failure, stream_error, ret_fatal);
  if (!failure->online)
    return describe_login (failure, ret_fatal);
  return g_error_new (FD_ERROR, FD_ERROR_CONNECTION_FAILED, "The server of %s closed the connection",
                      failure->domain);
}
