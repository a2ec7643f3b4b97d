/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ibb-pair.h"

#include <sys/resource.h>

static void
transfer_sizes (guint sender)
{
  static const gsize sizes[] = { 0, 1, 4095, 4096, 4097, 3 * 4096, 200001 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      Fixture f = { 0 };
      Side *from = &f.sides[sender];

      set_up (&f, NULL);
      open_both (&f, 4096, 4096);
      transfer (&f, from, sizes[i]);
      g_assert_cmpuint (f.sides[0].opens, ==, 1);
      g_assert_cmpuint (f.sides[1].opens, ==, 0);
      g_assert_cmpuint (from->datas, >=, (sizes[i] + 4095) / 4096);
      tear_down (&f, NULL);
    }
}

static void
test_opener_sends (void)
{
  transfer_sizes (0);
}

static void
test_opener_receives (void)
{
  transfer_sizes (1);
}

/* --- opening --- */

/* The size that was agreed is in <open/>, and no block is larger. */
static gboolean
check_block_size (Fixture *f, Side *from, xmpp_stanza_t *stanza)
{
  xmpp_stanza_t *open = fd_xml_child (stanza, "open", FD_NS_IBB);
  xmpp_stanza_t *data = fd_xml_child (stanza, "data", FD_NS_IBB);
  guint64 opened = 0;

  if (open)
    {
      g_assert_true (fd_xml_attr_uint (open, "block-size", 1, FD_IBB_BLOCK_SIZE_MAX, &opened));
      f->tampered = opened;
      g_assert_cmpstr (fd_xml_attr (open, "stanza"), ==, "iq");
    }
  if (data)
    {
      g_autofree char *text = fd_xml_text (data);
      gsize length;

      g_free (g_base64_decode (text, &length));
      g_assert_cmpuint (length, <=, f->tampered);
    }
  return FALSE;
}

/* What was offered, and what the other side has at most. */
static void
test_block_min (void)
{
  static const struct
  {
    const char *offer;
    guint agreed;
  } cases[] = {
    { "block-size='1'", 1 },        { "block-size='4096'", 4096 }, { "block-size='8192'", 8192 },
    { "block-size='65535'", 8192 }, { "block-size='0'", 4096 },    { "", 4096 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint sender = 0; sender < 2; sender++)
      {
        Fixture f = { 0 };
        g_autofree char *xml
          = g_strdup_printf ("<transport xmlns='" FD_NS_JINGLE_IBB "' sid='s' %s/>", cases[i].offer);
        g_autoptr (FdXml) element = fd_xml_parse (xml, NULL);
        g_autoptr (FdIbbInfo) offer = fd_ibb_info_parse (element, NULL);
        guint agreed = MIN (offer->block_size, FD_IBB_BLOCK_SIZE);
        gsize size = MIN (3 * agreed + 1, 20000);

        g_assert_cmpuint (agreed, ==, cases[i].agreed);
        set_up (&f, NULL);
        f.tamper = check_block_size;
        open_both (&f, agreed, agreed);
        g_assert_cmpuint (f.tampered, ==, agreed);
        transfer (&f, &f.sides[sender], size);
        g_assert_cmpuint (f.sides[sender].datas, >=, (size + agreed - 1) / agreed);
        tear_down (&f, NULL);
      }
}

/* An open with less than what was agreed is in order, and counts both ways. */
static void
test_smaller_open (Fixture *f, gconstpointer data)
{
  f->tamper = check_block_size;
  open_both (f, 1000, 4096);
  transfer (f, &f->sides[1], 5000);
  g_assert_cmpuint (f->sides[1].datas, >=, 5);
}

static void
test_open_too_big (Fixture *f, gconstpointer data)
{
  new_transport (&f->sides[0], 8192);
  new_transport (&f->sides[1], 4096);
  fd_ibb_transport_start (f->sides[0].transport);
  wait_failed (&f->sides[0], FD_ERROR_PROTOCOL);
  g_assert_cmpstr (f->sides[1].last_error, ==, "modify resource-constraint");
  g_assert_cmpuint (f->sides[0].closes, ==, 0);
  g_assert_cmpuint (f->sides[0].connected, ==, 0);
}

static void
test_open_unknown (Fixture *f, gconstpointer data)
{
  new_transport (&f->sides[0], 8192);
  fd_ibb_transport_start (f->sides[0].transport);
  wait_failed (&f->sides[0], FD_ERROR_PROTOCOL);
  g_assert_cmpstr (f->sides[1].last_error, ==, "cancel not-acceptable");
}

/* Who knows the sid of another's stream does not reach it. */
static void
test_open_from_stranger (Fixture *f, gconstpointer data)
{
  static const char *const others[] = {
    "<data xmlns='" FD_NS_IBB "' sid='s&amp;1' seq='0'>AAAA</data>",
    "<close xmlns='" FD_NS_IBB "' sid='s&amp;1'/>",
  };
  FdIbbTransport *for_other
    = fd_ibb_transport_new (f->sides[1].ibb, "a@one.example/other", SID, 4096, FALSE, &hooks, NULL);

  new_transport (&f->sides[0], 4096);
  fd_ibb_transport_start (f->sides[0].transport);
  wait_failed (&f->sides[0], FD_ERROR_PROTOCOL);
  g_assert_cmpstr (f->sides[1].last_error, ==, "cancel not-acceptable");
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      inject (&f->sides[0], others[i]);
      WAIT_FOR (f->sides[1].errors == i + 2);
      g_assert_cmpstr (f->sides[1].last_error, ==, "cancel item-not-found");
    }
  fd_ibb_transport_free (for_other);
  g_assert_cmpuint (f->sides[1].closes, ==, 0);
}

static void
test_open_unanswered (Fixture *f, gconstpointer data)
{
  new_transport (&f->sides[0], 4096);
  fd_iq_set_own_jid (f->sides[0].iq, "");
  fd_ibb_transport_start (f->sides[0].transport);
  wait_failed (&f->sides[0], FD_ERROR_NOT_CONNECTED);
}

static void
test_never_opened (Fixture *f, gconstpointer data)
{
  hurry_iqs = TRUE;
  new_transport (&f->sides[1], 4096);
  fd_ibb_transport_start (f->sides[1].transport);
  wait_failed (&f->sides[1], FD_ERROR_TIMEOUT);
  g_assert_cmpuint (f->sides[1].closes, ==, 0);
}

/* The peer is quick: its open and first bytes come before our start. */
static void
test_open_early (Fixture *f, gconstpointer data)
{
  new_transport (&f->sides[0], 4096);
  new_transport (&f->sides[1], 4096);
  fd_ibb_transport_start (f->sides[0].transport);
  WAIT_FOR (f->sides[0].connected);
  write_bytes (&f->sides[0], "early");
  g_assert_cmpint (shutdown (f->sides[0].fd, SHUT_WR), ==, 0);
  WAIT_FOR (f->sides[0].drained && f->sides[0].closes);
  settle ();
  g_assert_cmpuint (f->sides[1].connected, ==, 0);

  fd_ibb_transport_start (f->sides[1].transport);
  WAIT_FOR (f->sides[1].connected);
  assert_reads (&f->sides[1], "early");
  assert_eof (&f->sides[1]);
}

/* Blocks in messages: nothing would tell us when to send the next. */
static void
test_open_message (Fixture *f, gconstpointer data)
{
  new_transport (&f->sides[0], 4096);
  new_transport (&f->sides[1], 4096);
  inject (&f->sides[0], "<open xmlns='" FD_NS_IBB "' sid='s&amp;1' block-size='4096' stanza='message'/>");
  WAIT_FOR (f->sides[1].errors);
  g_assert_cmpstr (f->sides[1].last_error, ==, "cancel feature-not-implemented");

  fd_ibb_transport_start (f->sides[1].transport);
  fd_ibb_transport_start (f->sides[0].transport);
  WAIT_FOR (f->sides[0].connected && f->sides[1].connected); /* it may try again as it should */
}

static void
test_bad_requests (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *payload, *error;
  } cases[] = {
    { "<open xmlns='" FD_NS_IBB "' sid='s&amp;1' block-size='4096' stanza='presence'/>",
      "cancel bad-request" },
    { "<open xmlns='" FD_NS_IBB "' sid='s&amp;1'/>", "cancel bad-request" },
    { "<open xmlns='" FD_NS_IBB "' sid='s&amp;1' block-size='0'/>", "cancel bad-request" },
    { "<open xmlns='" FD_NS_IBB "' sid='s&amp;1' block-size='65536'/>", "cancel bad-request" },
    { "<open xmlns='" FD_NS_IBB "' sid='s&amp;1' block-size='big'/>", "cancel bad-request" },
    { "<open xmlns='" FD_NS_IBB "' sid='s&amp;1' block-size='4097'/>", "modify resource-constraint" },
    { "<open xmlns='" FD_NS_IBB "' block-size='4096'/>", "modify bad-request" },
    { "<open xmlns='" FD_NS_IBB "' sid='other' block-size='4096'/>", "cancel not-acceptable" },
    { "<data xmlns='" FD_NS_IBB "' sid='s&amp;1' seq='0'>AAAA</data>", "cancel item-not-found" },
    { "<data xmlns='" FD_NS_IBB "' sid='other' seq='0'>AAAA</data>", "cancel item-not-found" },
    { "<close xmlns='" FD_NS_IBB "' sid='s&amp;1'/>", "cancel item-not-found" },
    { "<close xmlns='" FD_NS_IBB "' sid='other'/>", "cancel item-not-found" },
    { "<frob xmlns='" FD_NS_IBB "' sid='s&amp;1'/>", "modify bad-request" },
  };

  new_transport (&f->sides[0], 4096);
  new_transport (&f->sides[1], 4096);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      inject (&f->sides[0], cases[i].payload);
      WAIT_FOR (f->sides[1].errors == i + 1);
      g_assert_cmpstr (f->sides[1].last_error, ==, cases[i].error);
    }

  /* None of that hurt, and an opener is not opened to. */
  fd_ibb_transport_start (f->sides[1].transport);
  fd_ibb_transport_start (f->sides[0].transport);
  WAIT_FOR (f->sides[0].connected && f->sides[1].connected);
  inject (&f->sides[1], "<open xmlns='" FD_NS_IBB "' sid='s&amp;1' block-size='4096'/>");
  WAIT_FOR (f->sides[0].errors == 1);
  g_assert_cmpstr (f->sides[0].last_error, ==, "cancel not-acceptable");
  inject (&f->sides[0], "<open xmlns='" FD_NS_IBB "' sid='s&amp;1' block-size='4096'/>");
  WAIT_FOR (f->sides[1].errors == G_N_ELEMENTS (cases) + 1);
  g_assert_cmpstr (f->sides[1].last_error, ==, "cancel not-acceptable");
  write_bytes (&f->sides[0], "abc");
  assert_reads (&f->sides[1], "abc");
}

static void
test_limits (Fixture *f, gconstpointer data)
{
  FdIbbTransport *streams[64];

  new_transport (&f->sides[0], 4096);
  streams[0] = f->sides[0].transport;
  new_transport (&f->sides[0], 4096);
  fd_ibb_transport_start (f->sides[0].transport);
  wait_failed (&f->sides[0], FD_ERROR_LIMIT_EXCEEDED); /* the same again */
  g_clear_pointer (&f->sides[0].transport, fd_ibb_transport_free);
  g_clear_error (&f->sides[0].error);
  f->sides[0].failed = 0;

  for (guint i = 1; i < G_N_ELEMENTS (streams); i++)
    {
      g_autofree char *sid = g_strdup_printf ("%u", i);

      streams[i] = fd_ibb_transport_new (f->sides[0].ibb, "x@y/z", sid, 4096, TRUE, &hooks, NULL);
    }
  f->sides[0].transport
    = fd_ibb_transport_new (f->sides[0].ibb, "x@y/z", "more", 4096, TRUE, &hooks, &f->sides[0]);
  fd_ibb_transport_start (f->sides[0].transport);
  wait_failed (&f->sides[0], FD_ERROR_LIMIT_EXCEEDED);
  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    fd_ibb_transport_free (streams[i]);
}

/* The open arrives when the process has no descriptor left. */
static gboolean
starve (Fixture *f, Side *from, xmpp_stanza_t *stanza)
{
  struct rlimit old, none;

  if (!fd_xml_child (stanza, "open", FD_NS_IBB))
    return FALSE;
  getrlimit (RLIMIT_NOFILE, &old);
  none = old;
  none.rlim_cur = 0;
  setrlimit (RLIMIT_NOFILE, &none);
  fd_iq_receive (other_of (from)->iq, stanza);
  setrlimit (RLIMIT_NOFILE, &old);
  return TRUE;
}

static void
test_no_descriptors (Fixture *f, gconstpointer data)
{
  f->tamper = starve;
  new_transport (&f->sides[0], 4096);
  new_transport (&f->sides[1], 4096);
  fd_ibb_transport_start (f->sides[1].transport);
  fd_ibb_transport_start (f->sides[0].transport);
  wait_failed (&f->sides[1], FD_ERROR_LIMIT_EXCEEDED);
  wait_failed (&f->sides[0], FD_ERROR_PROTOCOL);
  g_assert_cmpstr (f->sides[1].last_error, ==, "wait resource-constraint");
}

/* --- closing --- */

static void
test_receiver_closes_early (Fixture *f, gconstpointer data)
{
  open_both (f, 4096, 4096);
  write_bytes (&f->sides[0], "abc");
  assert_reads (&f->sides[1], "abc");
  g_clear_pointer (&f->sides[1].transport, fd_ibb_transport_free);
  WAIT_FOR (f->sides[0].results == 1); /* the answer to the close */
  settle ();
  g_assert_cmpuint (f->sides[0].failed, ==, 0); /* was it early? */
  write_bytes (&f->sides[0], "more");
  wait_failed (&f->sides[0], FD_ERROR_CONNECTION_FAILED);
  g_assert_cmpuint (f->sides[0].closes, ==, 0);
}

/* A receiver that counts bytes may end everything before our pump has said that it is done. */
static void
test_receiver_closes_in_time (Fixture *f, gconstpointer data)
{
  open_both (f, 4096, 4096);
  write_bytes (&f->sides[0], "abc");
  assert_reads (&f->sides[1], "abc");
  g_clear_pointer (&f->sides[1].transport, fd_ibb_transport_free);
  WAIT_FOR (f->sides[0].results == 1);
  settle ();
  shutdown (f->sides[0].fd, SHUT_WR);
  WAIT_FOR (f->sides[0].drained);
  settle ();
  g_assert_cmpuint (f->sides[0].failed + f->sides[0].closes, ==, 0);
}

static void
test_sender_closes_early (Fixture *f, gconstpointer data)
{
  open_both (f, 4096, 4096);
  write_bytes (&f->sides[0], "abc");
  assert_reads (&f->sides[1], "abc");
  write_bytes (&f->sides[0], "def");
  g_clear_pointer (&f->sides[0].transport, fd_ibb_transport_free);
  assert_broken (&f->sides[0]);
  WAIT_FOR (f->sides[1].results == 3); /* to open, data and close */
  assert_eof (&f->sides[1]);
  g_assert_cmpuint (f->sides[1].failed, ==, 0);
}

/* A receiver that drops with <close/> what it has not read gets the time to read, and to end the session as
 * it should be. */
static void
test_late_close (Fixture *f, gconstpointer data)
{
  open_both (f, 4096, 4096);
  write_bytes (&f->sides[0], "abc");
  shutdown (f->sides[0].fd, SHUT_WR);
  WAIT_FOR (f->sides[0].drained); /* everything was acknowledged, nothing was read */
  g_assert_cmpuint (f->sides[0].closes, ==, 0);
  assert_reads (&f->sides[1], "abc");
  g_clear_pointer (&f->sides[0].transport, fd_ibb_transport_free);
  settle ();
  g_assert_cmpuint (f->sides[0].closes, ==, 1);
  assert_eof (&f->sides[1]);
}

/* A receiver that is done only with <close/> gets it soon. */
static void
test_close_needed (Fixture *f, gconstpointer data)
{
  open_both (f, 4096, 4096);
  write_bytes (&f->sides[0], "abc");
  shutdown (f->sides[0].fd, SHUT_WR);
  WAIT_FOR (f->sides[0].closes);
  g_assert_cmpuint (last_delay, ==, 2000);
  settle ();
  assert_reads (&f->sides[1], "abc");
  assert_eof (&f->sides[1]);
  g_assert_cmpuint (f->sides[1].results, ==, 3); /* to open, data and close */
  g_assert_cmpuint (f->sides[0].drained, ==, 1);
  g_assert_cmpuint (f->sides[0].failed + f->sides[1].failed, ==, 0);
}

/* The peer's close after ours, and before it saw ours: answered, and nothing else. */
static void
test_close_twice (Fixture *f, gconstpointer data)
{
  open_both (f, 4096, 4096);
  g_clear_pointer (&f->sides[1].transport, fd_ibb_transport_free);
  inject (&f->sides[0], "<close xmlns='" FD_NS_IBB "' sid='s&amp;1'/>");
  WAIT_FOR (f->sides[1].errors);
  g_assert_cmpstr (f->sides[1].last_error, ==, "cancel item-not-found");
  settle ();
  g_assert_cmpuint (f->sides[0].failed, ==, 0);
}

/* Both at once: each has forgotten the stream when the other's close comes. */
static void
test_close_crossed (Fixture *f, gconstpointer data)
{
  open_both (f, 4096, 4096);
  g_clear_pointer (&f->sides[0].transport, fd_ibb_transport_free);
  g_clear_pointer (&f->sides[1].transport, fd_ibb_transport_free);
  settle ();
  for (guint i = 0; i < 2; i++)
    {
      g_assert_cmpuint (f->sides[i].closes, ==, 1);
      g_assert_cmpstr (f->sides[i].last_error, ==, "cancel item-not-found");
      g_assert_cmpuint (f->sides[i].failed, ==, 0);
    }
}

static gboolean
hold_data (Fixture *f, Side *from, xmpp_stanza_t *stanza)
{
  return fd_xml_child (stanza, "data", FD_NS_IBB) && ++f->tampered > 1;
}

/* The peer closes while our block is on its way: it may yet be taken, but no more. */
static void
test_close_in_flight (Fixture *f, gconstpointer data)
{
  f->tamper = hold_data;
  open_both (f, 3, 3);
  write_bytes (&f->sides[0], "abcdef");
  assert_reads (&f->sides[1], "abc");
  WAIT_FOR (f->sides[0].datas == 2);
  inject (&f->sides[1], "<close xmlns='" FD_NS_IBB "' sid='s&amp;1'/>");
  WAIT_FOR (f->sides[0].results == 1);
  settle ();
  g_assert_cmpuint (f->sides[0].failed, ==, 0);
  assert_eof (&f->sides[0]);
  fd_iq_stream_lost (f->sides[0].iq); /* the block's fate */
  wait_failed (&f->sides[0], FD_ERROR_NOT_CONNECTED);
  g_assert_cmpuint (f->sides[0].closes, ==, 0);
}

/* The program that reads has gone: its peer hears it. */
static void
test_reader_gone (Fixture *f, gconstpointer data)
{
  open_both (f, 4096, 4096);
  write_bytes (&f->sides[0], "abc");
  assert_reads (&f->sides[1], "abc");
  fd_close (&f->sides[1].fd);
  write_bytes (&f->sides[0], "def");
  wait_failed (&f->sides[0], FD_ERROR_CONNECTION_FAILED);
  g_assert_cmpuint (f->sides[1].failed, ==, 0);
}

/* --- freed at any time --- */

static void
test_free_any_time (void)
{
  gboolean ended = FALSE;

  for (guint steps = 0; !ended; steps++)
    for (guint order = 0; order < 4; order++)
      {
        Fixture f = { 0 };
        Side *first = &f.sides[order & 1];
        g_autofree char *bytes = g_strnfill (2000, 'x');

        set_up (&f, NULL);
        new_transport (&f.sides[0], 300);
        new_transport (&f.sides[1], 300);
        fd_ibb_transport_start (f.sides[order >> 1].transport);
        fd_ibb_transport_start (f.sides[!(order >> 1)].transport);
        for (guint i = 0; i < steps; i++)
          {
            ended = !g_main_context_iteration (NULL, FALSE);
            if (f.sides[0].connected && bytes)
              {
                write_bytes (&f.sides[0], bytes);
                shutdown (f.sides[0].fd, SHUT_WR);
                g_clear_pointer (&bytes, g_free);
              }
          }
        g_clear_pointer (&first->transport, fd_ibb_transport_free);
        settle ();
        tear_down (&f, NULL);
      }
}

static void
test_free_in_hooks (Fixture *f, gconstpointer data)
{
  f->sides[1].free_in_connected = TRUE;
  f->sides[0].free_in_failed = TRUE;
  open_both (f, 4096, 4096);
  write_bytes (&f->sides[0], "abc");
  wait_failed (&f->sides[0], FD_ERROR_CONNECTION_FAILED);
  g_assert_null (f->sides[0].transport);
  g_assert_null (f->sides[1].transport);
  assert_eof (&f->sides[0]);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*run) (Fixture *, gconstpointer);
  } tests[] = {
    { "/ibb-transport/smaller-open", test_smaller_open },
    { "/ibb-transport/open-too-big", test_open_too_big },
    { "/ibb-transport/open-message", test_open_message },
    { "/ibb-transport/open-unknown", test_open_unknown },
    { "/ibb-transport/open-from-stranger", test_open_from_stranger },
    { "/ibb-transport/open-unanswered", test_open_unanswered },
    { "/ibb-transport/never-opened", test_never_opened },
    { "/ibb-transport/open-early", test_open_early },
    { "/ibb-transport/bad-requests", test_bad_requests },
    { "/ibb-transport/limits", test_limits },
    { "/ibb-transport/no-descriptors", test_no_descriptors },
    { "/ibb-transport/receiver-closes-early", test_receiver_closes_early },
    { "/ibb-transport/receiver-closes-in-time", test_receiver_closes_in_time },
    { "/ibb-transport/sender-closes-early", test_sender_closes_early },
    { "/ibb-transport/late-close", test_late_close },
    { "/ibb-transport/close-needed", test_close_needed },
    { "/ibb-transport/close-twice", test_close_twice },
    { "/ibb-transport/close-crossed", test_close_crossed },
    { "/ibb-transport/close-in-flight", test_close_in_flight },
    { "/ibb-transport/reader-gone", test_reader_gone },
    { "/ibb-transport/free-in-hooks", test_free_in_hooks },
  };

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ibb-transport/opener-sends", test_opener_sends);
  g_test_add_func ("/ibb-transport/block-min", test_block_min);
  g_test_add_func ("/ibb-transport/opener-receives", test_opener_receives);
  g_test_add_func ("/ibb-transport/free-any-time", test_free_any_time);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
  return g_test_run ();
}
