/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * For tests: an FdIq whose stanzas are kept, and that is fed by hand.
 */
#pragma once

#include "xmpp/iq.h"

#define TAPE_OWN "romeo@montague.lit/fardel"
#define TAPE_BARE "romeo@montague.lit"

typedef struct
{
  FdIq *iq;
  GPtrArray *sent; /* stanzas, oldest first */
} Tape;

static inline void
tape_write (const char *xml, gsize length, gpointer data)
{
  Tape *tape = data;
  xmpp_stanza_t *stanza = fd_xml_parse (xml, NULL);

  g_assert_nonnull (stanza);
  g_ptr_array_add (tape->sent, stanza);
}

static inline void
tape_init (Tape *tape)
{
  tape->sent = g_ptr_array_new_with_free_func ((GDestroyNotify) fd_xml_free);
  tape->iq = fd_iq_new (tape_write, tape);
  fd_iq_set_own_jid (tape->iq, TAPE_OWN);
}

static inline void
tape_clear (Tape *tape)
{
  fd_iq_free (tape->iq);
  g_ptr_array_unref (tape->sent);
}

/* The newest stanza, borrowed. */
static inline xmpp_stanza_t *
tape_last (Tape *tape)
{
  g_assert_cmpuint (tape->sent->len, >, 0);
  return tape->sent->pdata[tape->sent->len - 1];
}

/* Answers the newest request. */
static inline void
tape_answer (Tape *tape, const char *content)
{
  xmpp_stanza_t *request = tape_last (tape);
  const char *to = fd_xml_attr (request, "to");
  g_autofree char *xml = g_strdup_printf ("<iq type='result' id='%s' from='%s'>%s</iq>",
                                          fd_xml_attr (request, "id"), to ? to : TAPE_BARE, content);
  g_autoptr (FdXml) answer = fd_xml_parse (xml, NULL);

  g_assert_nonnull (answer);
  fd_iq_receive (tape->iq, answer);
}

/* A set request of @from (NULL: the server); returns the type of our answer. */
static inline const char *
tape_push (Tape *tape, const char *from, const char *content)
{
  g_autofree char *xml = g_strdup_printf ("<iq type='set' id='push'>%s</iq>", content);
  g_autoptr (FdXml) push = fd_xml_parse (xml, NULL);

  g_assert_nonnull (push);
  if (from)
    xmpp_stanza_set_from (push, from);
  fd_iq_receive (tape->iq, push);
  return fd_xml_attr (tape_last (tape), "type");
}
