/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The choice of the SASL mechanism, and what a challenge may cost.
 */
#include "xmpp/mechanisms.h"

#include "base/error.h"
#include "xmpp/ns.h"

#include <string.h>

/* About a microsecond each, in the main loop. Servers use 4096 (RFC 5802) to 10000, some 50000. */
#define MAX_ITERATIONS 100000
#define MIN_ITERATIONS 4096 /* fewer make a password cheap to guess (RFC 5802 §5.1) */
#define MAX_CHALLENGE 2048 /* in base64: a nonce and a salt; libstrophe aborts at long ones */

static gboolean
offers (xmpp_stanza_t *mechanisms, const char *name)
{
  FD_XML_FOREACH (child, mechanisms)
    {
      g_autofree char *text = fd_xml_text (child);

      if (fd_xml_is (child, "mechanism", NS_SASL) && g_str_equal (text, name))
        return TRUE;
    }
  return FALSE;
}

const char *
fd_mechanisms_choose (xmpp_stanza_t *features)
{
  static const char *const ours[] = { "SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN" };
  xmpp_stanza_t *mechanisms = fd_xml_child (features, "mechanisms", NS_SASL);

  for (guint i = 0; mechanisms && i < G_N_ELEMENTS (ours); i++)
    {
      if (offers (mechanisms, ours[i]))
        return ours[i];
    }
  return NULL;
}

static gboolean
is_base64 (const char *text)
{
  gsize digits = strspn (text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

  return digits > 0 && strlen (text) % 4 == 0 && digits + strspn (text + digits, "=") == strlen (text)
         && strlen (text) - digits <= 2;
}

/* "r=…,s=…,i=…" and nothing before it. */
static const char *
find_fault (char **attributes, const char *nonce)
{
  guint64 iterations;

  for (guint i = 0; i < 3; i++)
    {
      if (!attributes[i] || attributes[i][0] != "rsi"[i] || attributes[i][1] != '=')
        return "that is none";
    }
  if (!g_str_has_prefix (attributes[0] + 2, nonce) || strlen (attributes[0] + 2) <= strlen (nonce))
    return "that is not for our nonce";
  if (!is_base64 (attributes[1] + 2))
    return "without a salt";
  if (!g_ascii_string_to_unsigned (attributes[2] + 2, 10, MIN_ITERATIONS, MAX_ITERATIONS, &iterations, NULL))
    return "whose iterations are too few, too many or no number";
  return NULL;
}

gboolean
fd_mechanisms_check_challenge (const char *base64, const char *nonce, GError **error)
{
  const char *fault = "that is none";

  if (strlen (base64) <= MAX_CHALLENGE && is_base64 (base64))
    {
      gsize length;
      g_autofree guchar *decoded = g_base64_decode (base64, &length);
      g_autofree char *text = g_strndup ((const char *) decoded, length);
      g_auto (GStrv) attributes = g_strsplit (text, ",", 4);

      if (strlen (text) == length)
        fault = find_fault (attributes, nonce);
    }
  if (fault)
    g_set_error (error, FD_ERROR, FD_ERROR_AUTHENTICATION_FAILED, "a SCRAM challenge %s", fault);
  return !fault;
}
