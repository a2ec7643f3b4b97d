/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ibb-pair.h"

/* --- rules broken by the peer --- */

static void
test_bad_base64 (void)
{
  static const struct
  {
    const char *data, *error;
  } cases[] = {
    { "seq='-1'>AAAA", "cancel bad-request" },
    { "seq='x'>AAAA", "cancel bad-request" },
    { ">AAAA", "cancel bad-request" },
    { "seq='65536'>AAA", "cancel unexpected-request" },
    { "seq='0'>=AAA", "cancel bad-request" },
    { "seq='0'>BBBB=CCC", "cancel bad-request" },
    { "seq='0'>AAA", "cancel bad-request" },
    { "seq='0'>AA\xc2\xa0==", "cancel bad-request" }, /* white space, but not of ASCII */
    { "seq='0'>AAAA\n-\nAAAA", "cancel bad-request" },
    { "seq='0'>AA=\n=\n=", "cancel bad-request" },
    { "seq='0'>AAAAAAAA", "cancel bad-request" }, /* 6 bytes of at most 5 */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Fixture f = { 0 };
      g_autofree char *payload
        = g_strdup_printf ("<data xmlns='" FD_NS_IBB "' sid='s&amp;1' %s</data>", cases[i].data);

      set_up (&f, NULL);
      open_both (&f, 5, 5);
      inject (&f.sides[0], payload);
      wait_failed (&f.sides[1], FD_ERROR_PROTOCOL);
      g_assert_cmpstr (f.sides[1].last_error, ==, cases[i].error);
      g_assert_cmpuint (f.sides[1].closes, ==, 1);
      assert_eof (&f.sides[1]);
      tear_down (&f, NULL);
    }
}

static gboolean
drop_third (Fixture *f, Side *from, xmpp_stanza_t *stanza)
{
  return fd_xml_child (stanza, "data", FD_NS_IBB) && ++f->tampered == 3;
}

/* The receiver says so at the next block, closes, and takes nothing more. */
static void
test_seq_gap (Fixture *f, gconstpointer data)
{
  f->tamper = drop_third;
  open_both (f, 1, 1);
  write_bytes (&f->sides[0], "abc");
  WAIT_FOR (f->tampered == 3);
  inject (&f->sides[0], "<data xmlns='" FD_NS_IBB "' sid='s&amp;1' seq='3'>ZA==</data>");
  wait_failed (&f->sides[1], FD_ERROR_PROTOCOL);
  g_assert_cmpstr (f->sides[1].last_error, ==, "cancel unexpected-request");
  g_assert_cmpuint (f->sides[1].closes, ==, 1);
  inject (&f->sides[0], "<data xmlns='" FD_NS_IBB "' sid='s&amp;1' seq='2'>Yw==</data>");
  WAIT_FOR (f->sides[1].errors == 2);
  g_assert_cmpstr (f->sides[1].last_error, ==, "cancel item-not-found");
  assert_reads (&f->sides[1], "ab");
  assert_eof (&f->sides[1]);
}

/* White space, empty blocks and both directions at once are fine. */
static void
test_unusual_data (Fixture *f, gconstpointer data)
{
  open_both (f, 5, 5);
  inject (&f->sides[0], "<data xmlns='" FD_NS_IBB "' sid='s&amp;1' seq='0'>\n YWJj\n ZGU=\n</data>");
  inject (&f->sides[0], "<data xmlns='" FD_NS_IBB "' sid='s&amp;1' seq='1'/>");
  inject (&f->sides[0], "<data xmlns='" FD_NS_IBB "' sid='s&amp;1' seq='2'>Zg==</data>");
  write_bytes (&f->sides[1], "back");
  assert_reads (&f->sides[1], "abcdef");
  assert_reads (&f->sides[0], "back");
  assert_open (&f->sides[0]);
  assert_open (&f->sides[1]);
}

/* Thousands of blocks at once, without waiting for an answer. */
static void
test_flood (Fixture *f, gconstpointer data)
{
  g_autofree char *block = g_strnfill (65532 / 3 * 4, 'A');

  open_both (f, 65535, 65535);
  for (guint i = 0; i < 40; i++)
    {
      g_autofree char *payload
        = g_strdup_printf ("<data xmlns='" FD_NS_IBB "' sid='s&amp;1' seq='%u'>%s</data>", i, block);

      inject (&f->sides[0], payload);
    }
  wait_failed (&f->sides[1], FD_ERROR_PROTOCOL);
  g_assert_nonnull (strstr (f->sides[1].error->message, "acknowledgements"));
  g_assert_cmpuint (f->sides[1].results, <, 10);
  g_assert_cmpuint (f->sides[1].results + f->sides[1].errors, ==, 40 + 1); /* everything is answered */
}

/* A reader that does not read holds the peer up, and loses nothing. */
static void
test_back_pressure (Fixture *f, gconstpointer data)
{
  g_autofree char *bytes = g_strnfill (60000, 'x');
  gsize written = 0, got = 0;
  guint64 acked;

  open_both (f, 4096, 4096);
  for (guint idle = 0; idle < 3; idle++)
    {
      gssize n = send (f->sides[0].fd, bytes, 60000, MSG_DONTWAIT);

      settle ();
      if (n > 0)
        written += n, idle = 0;
    }
  acked = fd_ibb_transport_get_bytes (f->sides[0].transport);
  g_assert_cmpuint (acked, <, 256 * 1024);
  g_assert_cmpuint (acked, <, written);
  g_assert_cmpuint (acked, ==, fd_ibb_transport_get_bytes (f->sides[1].transport));

  shutdown (f->sides[0].fd, SHUT_WR);
  for (gssize n; got < written; got += MAX (n, 0))
    {
      n = recv (f->sides[1].fd, bytes, 60000, MSG_DONTWAIT);
      settle ();
    }
  WAIT_FOR (f->sides[0].drained);
  g_assert_cmpuint (got, ==, written);
}

/* --- errors on the way --- */

static gboolean
refuse_third (Fixture *f, Side *from, xmpp_stanza_t *stanza)
{
  if (!fd_xml_child (stanza, "data", FD_NS_IBB) || ++f->tampered != 3)
    return FALSE;
  answer_error (from, stanza, "cancel", "service-unavailable");
  return TRUE;
}

static void
test_refused_midway (Fixture *f, gconstpointer data)
{
  f->tamper = refuse_third;
  open_both (f, 1, 1);
  write_bytes (&f->sides[0], "abcdef");
  wait_failed (&f->sides[0], FD_ERROR_CONNECTION_FAILED);
  g_assert_cmpuint (f->sides[0].closes, ==, 1);
  g_assert_cmpuint (fd_ibb_transport_get_bytes (f->sides[0].transport), <=, 2);
  assert_broken (&f->sides[0]);
  assert_reads (&f->sides[1], "ab");
  assert_eof (&f->sides[1]);
  g_assert_cmpuint (f->sides[1].failed, ==, 1); /* the blocks behind the third were on their way */
}

/* From the 40th block on, when several are on the way, nothing comes through until it is tried again. */
static gboolean
away_for_a_while (Fixture *f, Side *from, xmpp_stanza_t *stanza)
{
  xmpp_stanza_t *data = fd_xml_child (stanza, "data", FD_NS_IBB);
  guint64 seq = 0;

  if (!data)
    return FALSE;
  g_assert_true (fd_xml_attr_uint (data, "seq", 0, 65535, &seq));
  if (seq == 40 && f->tampered > 0)
    f->tamper = NULL;
  if (seq < 40 || !f->tamper)
    return FALSE;
  f->tampered++;
  answer_error (from, stanza, "wait", "recipient-unavailable");
  return TRUE;
}

static void
test_retry (Fixture *f, gconstpointer data)
{
  f->tamper = away_for_a_while;
  open_both (f, 100, 100);
  transfer (f, &f->sides[0], 20000);
  g_assert_cmpuint (f->tampered, >, 0);
  g_assert_cmpuint (f->sides[0].datas, >=, 200 + f->tampered);
}

/* The second time is the last: the next attempt is another session, which goes on where this one ended. */
static gboolean
away_for_ever (Fixture *f, Side *from, xmpp_stanza_t *stanza)
{
  if (!fd_xml_child (stanza, "data", FD_NS_IBB) || ++f->tampered < 3)
    return FALSE;
  answer_error (from, stanza, "wait", f->tampered == 3 ? "recipient-unavailable" : "remote-server-timeout");
  return TRUE;
}

static void
test_wait_error (Fixture *f, gconstpointer data)
{
  f->tamper = away_for_ever;
  open_both (f, 1, 1);
  write_bytes (&f->sides[0], "abcdef");
  wait_failed (&f->sides[0], FD_ERROR_PEER_OFFLINE);
  g_assert_cmpuint (f->sides[0].datas, ==, 6 + 4);
  g_assert_cmpuint (last_delay, ==, 10000);
  g_assert_cmpuint (fd_ibb_transport_get_bytes (f->sides[0].transport), ==, 2); /* where to resume */
}

/* One block is bounced and the next taken: by a peer that does not look at the numbers. */
static gboolean
lose_one (Fixture *f, Side *from, xmpp_stanza_t *stanza)
{
  xmpp_stanza_t *data = fd_xml_child (stanza, "data", FD_NS_IBB);
  g_autofree char *seq = g_strdup_printf ("%u", f->tampered - (f->tampered > 40));

  if (!data)
    return FALSE;
  if (f->tampered++ == 40)
    {
      answer_error (from, stanza, "wait", "recipient-unavailable");
      return TRUE;
    }
  xmpp_stanza_set_attribute (data, "seq", seq);
  return FALSE;
}

static void
test_lost_block (Fixture *f, gconstpointer data)
{
  g_autofree char *bytes = g_strnfill (5000, 'x');

  f->tamper = lose_one;
  open_both (f, 100, 100);
  write_bytes (&f->sides[0], bytes);
  wait_failed (&f->sides[0], FD_ERROR_CONNECTION_FAILED);
  g_assert_nonnull (strstr (f->sides[0].error->message, "lost"));
}

static gboolean
drop_data (Fixture *f, Side *from, xmpp_stanza_t *stanza)
{
  return fd_xml_child (stanza, "data", FD_NS_IBB) != NULL;
}

static void
test_stream_lost (Fixture *f, gconstpointer data)
{
  f->tamper = drop_data;
  open_both (f, 4096, 4096);
  write_bytes (&f->sides[0], "abc");
  WAIT_FOR (f->sides[0].datas);
  fd_iq_stream_lost (f->sides[0].iq);
  wait_failed (&f->sides[0], FD_ERROR_NOT_CONNECTED);
}

static void
test_block_timeout (Fixture *f, gconstpointer data)
{
  f->tamper = drop_data;
  open_both (f, 4096, 4096);
  hurry_iqs = TRUE;
  write_bytes (&f->sides[0], "abc");
  wait_failed (&f->sides[0], FD_ERROR_TIMEOUT);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*run) (Fixture *, gconstpointer);
  } tests[] = {
    { "/ibb-errors/seq-gap", test_seq_gap },
    { "/ibb-errors/unusual-data", test_unusual_data },
    { "/ibb-errors/flood", test_flood },
    { "/ibb-errors/back-pressure", test_back_pressure },
    { "/ibb-errors/refused-midway", test_refused_midway },
    { "/ibb-errors/retry", test_retry },
    { "/ibb-errors/wait-error", test_wait_error },
    { "/ibb-errors/lost-block", test_lost_block },
    { "/ibb-errors/stream-lost", test_stream_lost },
    { "/ibb-errors/block-timeout", test_block_timeout },
  };

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ibb-errors/bad-base64", test_bad_base64);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
  return g_test_run ();
}
