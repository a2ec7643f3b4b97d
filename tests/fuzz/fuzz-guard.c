/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Anything a server may send, to the guard: it must not crash, and how the bytes are cut must
 * not make it more lenient, or hand out something else.
 */
#include "fuzz.h"
#include "xmpp/guard.h"

#include <string.h>

#define OPEN \
  "<?xml version='1.0'?><stream:stream xmlns='jabber:client' " \
  "xmlns:stream='http://etherx.jabber.org/streams' from='example.org' version='1.0'>"

const char *const fuzz_seeds[] = {
  OPEN "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>"
       "</mechanisms></stream:features><success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>dj0=</success>",
  OPEN "<stream:error/></stream:stream>",
  OPEN "<iq type='set' id='1' from='a@b/c'><data xmlns='http://jabber.org/protocol/ibb' seq='65535' sid='s'>"
       "AAAA\nBBBB&#10;&amp;</data></iq> \n<presence xml:lang='de'/><message><![CDATA[<]]></message>",
  OPEN "<a:b xmlns:a='urn:a' a:c='1' c=\"2\"><c/><a:d/></a:b><!-- --><?x y?>",
  "<!DOCTYPE x [<!ENTITY a 'b'><!ENTITY b '&a;&a;'>]>" OPEN "<x>&b;</x>",
  "<?xml version='1.0' encoding='UTF-16'?><a>\xc3\xa4\xff</a>",
  NULL,
};

/* What passes, one element a line, and whether all did. */
static char *
digest (const char *bytes, gsize size, gsize step, gboolean *ret_fine)
{
  g_autoptr (FdGuard) guard = fd_guard_new (FD_GUARD_MAX_CLEAR);
  GString *text = g_string_new (NULL);
  gboolean fine = TRUE;

  for (gsize done = 0; done < size && fine; done += step)
    {
      g_autoptr (GError) error = NULL;
      xmpp_stanza_t *element;

      fine = fd_guard_feed (guard, bytes + done, MIN (step, size - done), &error);
      if (!fine && !g_utf8_validate (error->message, -1, NULL))
        g_error ("The message is not UTF-8");
      while ((element = fd_guard_take (guard)))
        {
          g_autofree char *one = fd_xml_to_string (element);

          g_string_append_printf (text, "%s\n", one);
          xmpp_stanza_release (element);
        }
    }
  *ret_fine = fine;
  return g_string_free (text, FALSE);
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
  gboolean whole_fine, cut_fine;
  g_autofree char *whole = digest ((const char *) bytes, size, MAX (size, 1), &whole_fine);
  g_autofree char *cut
    = digest ((const char *) bytes, size, 1 + (size ? bytes[size - 1] % 16 : 0), &cut_fine);

  if (cut_fine && (!whole_fine || !g_str_equal (whole, cut)))
    g_error ("In pieces it passes differently:\n%s\n%s", whole, cut);
  if (!cut_fine && !whole_fine && !g_str_equal (whole, cut))
    g_error ("The fault is not where it was:\n%s\n%s", whole, cut);
  return 0;
}
