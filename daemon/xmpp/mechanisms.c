/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The choice of the SASL mechanism, and what a challenge may cost.
 */
#include "xmpp/mechanisms.h"

#include "base/error.h"
#include "xmpp/ns.h"

#include <string.h>

/* About a microsecond each, in the main loop. Servers use 4096, the least that
 * RFC 5802 §5.1 would have, to 10000. Fewer make the password cheap to guess. */
#define MIN_ITERATIONS 4096
#define MAX_ITERATIONS 20000

#define MAX_SALT 64 /* bytes; servers use 16 to 32, and the library aborts above 124 */
#define BASE64 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

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
fd_mechanisms_choose (xmpp_stanza_t *features, gboolean certificate)
{
  static const char *const ours[] = { "EXTERNAL", "SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN" };
  xmpp_stanza_t *mechanisms = fd_xml_child (features, "mechanisms", NS_SASL);

  for (guint i = certificate ? 0 : 1; mechanisms && i < G_N_ELEMENTS (ours); i++)
    {
      if (offers (mechanisms, ours[i]))
        return ours[i];
    }
  return NULL;
}

/* "x=value" of this name, or NULL. */
static const char *
get_value (const char *attribute, char name)
{
  return attribute && attribute[0] == name && attribute[1] == '=' ? attribute + 2 : NULL;
}

static gboolean
check_salt (const char *base64)
{
  g_autofree guchar *salt = NULL;
  gsize length = 0;

  /* GLib passes over what is not base64, the library does not */
  if (strspn (base64, BASE64) != strlen (base64) || strlen (base64) % 4 != 0)
    return FALSE;
  salt = g_base64_decode (base64, &length);
  return length > 0 && length <= MAX_SALT;
}

/* The library takes the last one of a name and stops at no strange one. */
static gboolean
check_extensions (char **extensions)
{
  for (; *extensions; extensions++)
    {
      if (!(*extensions)[0] || (*extensions)[1] != '=' || strchr ("rsim", (*extensions)[0]))
        return FALSE;
    }
  return TRUE;
}

gboolean
fd_mechanisms_check_challenge (const char *base64, const char *our_nonce, GError **error)
{
  gsize length;
  g_autofree guchar *decoded = g_base64_decode (base64, &length);
  g_autofree char *text = g_strndup ((const char *) decoded, length);
  g_auto (GStrv) attributes = g_strsplit (text, ",", -1);
  const char *nonce = get_value (attributes[0], 'r');
  const char *salt = nonce ? get_value (attributes[1], 's') : NULL;
  const char *iterations = salt ? get_value (attributes[2], 'i') : NULL;

  if (!iterations || !our_nonce || !g_str_has_prefix (nonce, our_nonce) || g_str_equal (nonce, our_nonce)
      || strlen (text) != length || !check_salt (salt) || !check_extensions (attributes + 3))
    {
      g_set_error_literal (error, FD_ERROR, FD_ERROR_PROTOCOL, "a SCRAM challenge that is none");
      return FALSE;
    }
  if (g_ascii_string_to_unsigned (iterations, 10, MIN_ITERATIONS, MAX_ITERATIONS, NULL, NULL))
    return TRUE;
  g_set_error (error, FD_ERROR, FD_ERROR_PROTOCOL, "a SCRAM challenge of not between %d and %d iterations",
               MIN_ITERATIONS, MAX_ITERATIONS);
  return FALSE;
}
