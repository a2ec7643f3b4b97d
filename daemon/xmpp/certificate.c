/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a certificate says and what is wrong with it (RFC 6120 §13.7.2).
 */
#include "xmpp/certificate.h"

#define MAX_NAMES 8 /* that are shown */
#define MAX_TEXT 300 /* bytes of a name that are shown */

typedef BIO Bio;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Bio, BIO_free_all)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GENERAL_NAMES, GENERAL_NAMES_free)

char *
fd_certificate_get_sha256 (X509 *certificate)
{
  guchar digest[EVP_MAX_MD_SIZE];
  guint length = 0;
  GString *hex = g_string_new (NULL);

  X509_digest (certificate, EVP_sha256 (), digest, &length);
  for (guint i = 0; i < length; i++)
    g_string_append_printf (hex, "%02x", digest[i]);
  return g_string_free (hex, FALSE);
}

/* What was printed into @bio, fit to be shown. */
static char *
take_text (BIO *bio)
{
  char *bytes = NULL;
  long length = BIO_get_mem_data (bio, &bytes);
  g_autofree char *text = g_utf8_make_valid (bytes, MIN (length, MAX_TEXT));

  return g_strdelimit (g_steal_pointer (&text), "\r\n", ' ');
}

static char *
print_name (const X509_NAME *name)
{
  g_autoptr (Bio) bio = BIO_new (BIO_s_mem ());

  X509_NAME_print_ex (bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  return take_text (bio);
}

static char *
print_time (const ASN1_TIME *when)
{
  g_autoptr (Bio) bio = BIO_new (BIO_s_mem ());

  ASN1_TIME_print (bio, when);
  return take_text (bio);
}

/* The DNS names, or else the subject. */
static char *
list_names (X509 *certificate)
{
  g_autoptr (GENERAL_NAMES) names = X509_get_ext_d2i (certificate, NID_subject_alt_name, NULL, NULL);
  g_autoptr (GString) text = g_string_new (NULL);

  for (int i = 0; names && i < MIN (sk_GENERAL_NAME_num (names), MAX_NAMES); i++)
    {
      const GENERAL_NAME *name = sk_GENERAL_NAME_value (names, i);
      g_autofree char *valid = NULL;

      if (name->type != GEN_DNS)
        continue;
      valid = g_utf8_make_valid ((const char *) ASN1_STRING_get0_data (name->d.dNSName),
                                 MIN (ASN1_STRING_length (name->d.dNSName), MAX_TEXT));
      g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", valid);
    }
  if (text->len == 0)
    return print_name (X509_get_subject_name (certificate));
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static char *
with_facts (char *reason, X509 *certificate)
{
  g_autofree char *taken = reason;
  g_autofree char *names = list_names (certificate);
  g_autofree char *issuer = print_name (X509_get_issuer_name (certificate));
  g_autofree char *from = print_time (X509_get0_notBefore (certificate));
  g_autofree char *until = print_time (X509_get0_notAfter (certificate));
  g_autofree char *sha256 = fd_certificate_get_sha256 (certificate);

  return g_strdup_printf ("%s. It is for %s, issued by %s, valid from %s to %s, SHA-256 %s", taken, names,
                          issuer, from, until, sha256);
}

char *
fd_certificate_describe (X509 *certificate, int code, const char *domain)
{
  char *reason;

  switch (code)
    {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      reason = g_strdup_printf ("The certificate of %s has expired; its administrator must renew it", domain);
      break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      reason = g_strdup_printf (
        "The certificate of %s is not valid yet; is the clock of this computer right?", domain);
      break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      reason = g_strdup_printf ("The server's certificate is not for %s but for another name; check the JID",
                                domain);
      break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      reason
        = g_strdup_printf ("The certificate of %s is self-signed and not trusted; if it is yours, set it "
                           "as the CA file of the account, or its SHA-256 as the pin",
                           domain);
      break;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      reason = g_strdup_printf ("The certificate of %s is not trusted: its issuer is unknown here; if you "
                                "trust the issuer, set its certificate as the CA file of the account",
                                domain);
      break;
    default:
      reason = g_strdup_printf ("The certificate of %s is not valid: %s", domain,
                                X509_verify_cert_error_string (code));
      break;
    }
  return with_facts (reason, certificate);
}

char *
fd_certificate_describe_unpinned (X509 *certificate, const char *domain)
{
  return with_facts (
    g_strdup_printf ("The certificate of %s is not the one that is pinned; if it was renewed, "
                     "change or empty the pin",
                     domain),
    certificate);
}
