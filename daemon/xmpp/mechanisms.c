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

gboolean
fd_mechanisms_check_challenge (const char *base64, GError **error)
{
  gsize length;
  g_autofree guchar *decoded = g_base64_decode (base64, &length);
  g_autofree char *text = g_strndup ((const char *) decoded, length);
  g_auto (GStrv) attributes = g_strsplit (text, ",", 8);

  for (guint i = 0; attributes[i]; i++)
    {
      guint64 iterations;

      if (!g_str_has_prefix (attributes[i], "i="))
        continue;
      if (g_ascii_string_to_unsigned (attributes[i] + 2, 10, 1, MAX_ITERATIONS, &iterations, NULL))
        return TRUE;
      g_set_error (error, FD_ERROR, FD_ERROR_PROTOCOL,
                   "a SCRAM challenge of more than %d iterations, or of no number", MAX_ITERATIONS);
      return FALSE;
    }
  g_set_error_literal (error, FD_ERROR, FD_ERROR_PROTOCOL, "a SCRAM challenge without iterations");
  return FALSE;
}
