/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * More blocks than 'seq' can count: 70000 of one byte, to and from each half of a
 * stream alone, since two streams with all their stanzas would take their time.
 */
#include "base/error.h"
#include "base/fd.h"
#include "ibb/inbound.h"
#include "ibb/outbound.h"
#include "ibb/transport.h"

#include <string.h>
#include <sys/socket.h>

#define BLOCKS 70000
#define LOOP 65536
#define PEER "b@two.example/2"

typedef struct
{
  FdIq *iq;
  FdIbbShare share;
  GQueue ids; /* of requests that are to be answered */
  guint requests, results;
  gsize length; /* of the last request */
  int ours, theirs; /* the pump's */
  GError *error;
  gboolean over; /* closed, or drained */
} Fixture;

/* The value of an attribute, without a parser: there are many of them. */
static char *
attribute (const char *xml, const char *start)
{
  const char *found = strstr (xml, start);

  g_assert_nonnull (found);
  found += strlen (start);
  return g_strndup (found, strcspn (found, "\""));
}

static void
on_write (const char *xml, gsize length, gpointer data)
{
  Fixture *f = data;

  if (strstr (xml, "type=\"set\""))
    {
      g_autofree char *seq = attribute (xml, " seq=\"");

      g_assert_cmpint (atoi (seq), ==, f->requests++ % LOOP); /* we wrap, as XEP-0047 says */
      g_queue_push_tail (&f->ids, attribute (xml, " id=\""));
      f->length = length;
    }
  else
    {
      g_assert_nonnull (strstr (xml, "type=\"result\""));
      f->results++;
    }
}

static void
on_over (gpointer data)
{
  ((Fixture *) data)->over = TRUE;
}

static void
on_failed (const GError *error, gpointer data)
{
  ((Fixture *) data)->error = g_error_copy (error);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  int ends[2];

  fd_ibb_share_init (&f->share);
  f->iq = fd_iq_new (on_write, f);
  fd_iq_set_own_jid (f->iq, "a@one.example/1");
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  f->ours = ends[0];
  f->theirs = ends[1];
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  fd_ibb_share_clear (&f->share);
  fd_iq_free (f->iq);
  g_queue_clear_full (&f->ids, g_free);
  fd_close (&f->ours);
  fd_close (&f->theirs);
  g_clear_error (&f->error);
}

/* @loop: where the sender starts at 0 again; Conversations and Swift count on. */
static void
receive (Fixture *f, guint loop)
{
  static const FdIbbInboundHooks hooks = { .closed = on_over, .failed = on_failed };
  FdIbbInbound *inbound = fd_ibb_inbound_new (f->iq, 1, f->ours, &hooks, f);
  g_autoptr (FdXml) request = fd_xml_new ("iq", NULL, "type", "set", "id", "1", "from", PEER, NULL);

  for (guint i = 0; i < BLOCKS; i++)
    {
      g_autofree char *seq = g_strdup_printf ("%u", i % loop);
      g_autoptr (FdXml) block = fd_xml_new ("data", FD_NS_IBB, "sid", "s", "seq", seq, NULL);
      char byte;

      fd_xml_set_text (block, "eA==");
      fd_ibb_inbound_data (inbound, request, block);
      g_assert_cmpuint (f->results, ==, i + 1);
      g_assert_cmpint (recv (f->theirs, &byte, 1, MSG_DONTWAIT), ==, 1);
    }
  fd_ibb_inbound_close (inbound, request);
  g_assert_true (f->over);
  g_assert_no_error (f->error);
  g_assert_cmpuint (fd_ibb_inbound_get_bytes (inbound), ==, BLOCKS);
  fd_ibb_inbound_free (inbound);
}

static void
test_wrap (Fixture *f, gconstpointer data)
{
  receive (f, LOOP);
}

static void
test_wrap_raw (Fixture *f, gconstpointer data)
{
  receive (f, BLOCKS);
}

static void
wait_for_request (Fixture *f)
{
  while (f->ids.length == 0 && !f->error)
    g_main_context_iteration (NULL, TRUE);
}

static void
answer (Fixture *f, const char *condition)
{
  g_autofree char *id = g_queue_pop_head (&f->ids);
  g_autoptr (FdXml) reply
    = fd_xml_new ("iq", NULL, "type", condition ? "error" : "result", "id", id, "from", PEER, NULL);

  if (condition)
    fd_xml_add (fd_xml_add (reply, "error", NULL, "type", "cancel", NULL), condition,
                "urn:ietf:params:xml:ns:xmpp-stanzas", NULL);
  fd_iq_receive (f->iq, reply);
}

static FdIbbOutbound *
start_sending (Fixture *f, guint blocks)
{
  static const FdIbbOutboundHooks hooks = { .drained = on_over, .failed = on_failed };
  FdIbbOutbound *outbound = fd_ibb_outbound_new (f->iq, &f->share, PEER, "s", 1, f->ours, &hooks, f);

  for (guint i = 0; i < blocks; i++)
    {
      if (i % 64 == 0)
        {
          gsize n = MIN (64, blocks - i);

          g_assert_cmpint (send (f->theirs, (char[64]){ 0 }, n, MSG_DONTWAIT), ==, n);
        }
      wait_for_request (f);
      answer (f, NULL);
    }
  g_assert_no_error (f->error);
  g_assert_cmpuint (fd_ibb_outbound_get_bytes (outbound), ==, blocks);
  return outbound;
}

/* A full block is a stanza of a size that servers read at once. */
static void
test_padding (Fixture *f, gconstpointer data)
{
  static const FdIbbOutboundHooks hooks = { .drained = on_over, .failed = on_failed };
  FdIbbOutbound *outbound = fd_ibb_outbound_new (f->iq, &f->share, PEER, "s", 8192, f->ours, &hooks, f);

  g_assert_cmpint (send (f->theirs, (char[5000]){ 0 }, 5000, MSG_DONTWAIT), ==, 5000);
  wait_for_request (f);
  g_assert_cmpuint (f->length, ==, 4096);
  fd_ibb_outbound_free (outbound);
}

static void
test_send (Fixture *f, gconstpointer data)
{
  FdIbbOutbound *outbound = start_sending (f, BLOCKS);

  shutdown (f->theirs, SHUT_WR);
  while (!f->over)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (f->requests, ==, BLOCKS);
  g_assert_no_error (f->error);
  fd_ibb_outbound_free (outbound);
}

/* Gajim and Swift as receivers refuse the block after 65535, or just close (no @condition): the error says
 * why, and what would help. */
static void
test_refused (Fixture *f, gconstpointer condition)
{
  FdIbbOutbound *outbound = start_sending (f, LOOP);

  if (!condition)
    fd_ibb_outbound_set_closed (outbound);
  g_assert_cmpint (send (f->theirs, "x", 1, MSG_DONTWAIT), ==, 1);
  wait_for_request (f);
  if (condition)
    answer (f, condition);
  g_assert_error (f->error, FD_ERROR, FD_ERROR_PEER_UNSUPPORTED);
  g_assert_nonnull (strstr (f->error->message, "65536 blocks"));
  fd_ibb_outbound_free (outbound);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/ibb-seq/seq-wrap", Fixture, NULL, set_up, test_wrap, tear_down);
  g_test_add ("/ibb-seq/seq-wrap-raw", Fixture, NULL, set_up, test_wrap_raw, tear_down);
  g_test_add ("/ibb-seq/seq-wrap-send", Fixture, NULL, set_up, test_send, tear_down);
  g_test_add ("/ibb-seq/padding", Fixture, NULL, set_up, test_padding, tear_down);
  g_test_add ("/ibb-seq/seq-refused", Fixture, "unexpected-request", set_up, test_refused, tear_down);
  g_test_add ("/ibb-seq/seq-refused-by-close", Fixture, NULL, set_up, test_refused, tear_down);
  return g_test_run ();
}
