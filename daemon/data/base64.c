/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Strict base64 (RFC 4648 §4) for what peers send, as XEP-0047 §7 demands.
 */
#include "data/base64.h"

#include <string.h>

#define ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
#define SPACE " \t\r\n"

/* Counts the characters of @set in a text that may have white space between them. */
static const char *
skip (const char *text, const char *set, gsize *count)
{
  for (;;)
    {
      gsize n = strspn (text, set);

      *count += n;
      text += n;
      n = strspn (text, SPACE);
      if (n == 0)
        return text;
      text += n;
    }
}

gboolean
fd_base64_decode (const char *text, gsize max, guint8 **ret_bytes, gsize *ret_length)
{
  gsize digits = 0, padding = 0, length;
  const char *rest = skip (text, ALPHABET, &digits);

  rest = skip (rest, "=", &padding);
  if (*rest != '\0' || padding > 2 || (digits + padding) % 4 != 0)
    return FALSE;
  length = (digits + padding) / 4 * 3 - padding;
  if (length > max)
    return FALSE;

  *ret_bytes = g_base64_decode (text, ret_length);
  g_assert (*ret_length == length);
  return TRUE;
}
