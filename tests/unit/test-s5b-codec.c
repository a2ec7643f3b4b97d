/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The S5B <transport/> and the DST.ADDR: what other clients write and leave
 * out, and what they need from us.
 */
#include "base/error.h"
#include "s5b/dstaddr.h"
#include "s5b/info.h"

#define S5B(attributes, children) \
  "<transport xmlns='urn:xmpp:jingle:transports:s5b:1' " attributes ">" children "</transport>"

static FdS5bInfo *
parse (const char *xml)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FdXml) element = fd_xml_parse (xml, &error);
  FdS5bInfo *info;

  g_assert_no_error (error);
  info = fd_s5b_info_parse (element, &error);
  g_assert_no_error (error);
  return info;
}

static const FdS5bCandidate *
candidate (const FdS5bInfo *info, guint i)
{
  g_assert_cmpuint (i, <, info->candidates->len);
  return info->candidates->pdata[i];
}

static void
test_xep_example (void)
{
  g_autoptr (FdS5bInfo) info
    = parse (S5B ("dstaddr='972B7bf47291ca609517f67f86b5081086052dad' mode='tcp' sid='vj3hs98y'",
                  "<candidate cid='hft54dqy' host='192.168.4.1' jid='romeo@montague.lit/orchard' port='5086' "
                  "priority='8257636' type='direct'/>"
                  "<candidate cid='xmdh4b7i' host='proxy.example' jid='streamer.shakespeare.lit' port='7625' "
                  "priority='7878787' type='proxy'/>"));

  g_assert_cmpint (info->kind, ==, FD_S5B_CANDIDATES);
  g_assert_cmpstr (info->sid, ==, "vj3hs98y");
  g_assert_cmpstr (info->dstaddr, ==, "972b7bf47291ca609517f67f86b5081086052dad");
  g_assert_false (info->udp);
  g_assert_cmpint (info->mark, ==, FD_S5B_MARK_NONE);
  g_assert_false (info->cid_dst);
  g_assert_cmpuint (info->candidates->len, ==, 2);
  g_assert_cmpstr (candidate (info, 0)->cid, ==, "hft54dqy");
  g_assert_cmpstr (candidate (info, 0)->host, ==, "192.168.4.1");
  g_assert_cmpstr (candidate (info, 0)->jid, ==, "romeo@montague.lit/orchard");
  g_assert_cmpuint (candidate (info, 0)->port, ==, 5086);
  g_assert_cmpuint (candidate (info, 0)->priority, ==, 8257636);
  g_assert_cmpint (candidate (info, 0)->type, ==, FD_S5B_DIRECT);
  g_assert_cmpint (candidate (info, 1)->type, ==, FD_S5B_PROXY);
}

static void
test_cand_lenient (void)
{
  g_autoptr (FdS5bInfo) info = parse (
    S5B ("dstaddr='nonsense'", "<candidate cid='a' host='[2001:db8::1]'/>"
                               "<candidate cid='b' host='192.0.2.1' type='carrier-pigeon' priority='-1'/>"
                               "<candidate cid='c' host='192.0.2.1' type='assisted' priority='5'/>"
                               "<candidate cid='d' host='192.0.2.1' type='tunnel'/><unknown/>"));

  g_assert_null (info->sid);
  g_assert_null (info->dstaddr);
  g_assert_cmpuint (info->candidates->len, ==, 4);
  g_assert_cmpstr (candidate (info, 0)->host, ==, "2001:db8::1");
  g_assert_null (candidate (info, 0)->jid);
  g_assert_cmpuint (candidate (info, 0)->port, ==, 1080);
  g_assert_cmpuint (candidate (info, 0)->priority, ==, 0);
  g_assert_cmpint (candidate (info, 1)->type, ==, FD_S5B_DIRECT);
  g_assert_cmpuint (candidate (info, 1)->priority, ==, 0);
  g_assert_cmpint (candidate (info, 2)->type, ==, FD_S5B_ASSISTED);
  g_assert_cmpint (candidate (info, 3)->type, ==, FD_S5B_TUNNEL);
}

static void
test_cand_onebad (void)
{
  g_autoptr (FdS5bInfo) info = parse (S5B ("sid='s'", "<candidate cid='a' host='192.0.2.1' port='99999'/>"
                                                      "<candidate cid='b' host='192.0.2.1' port='0'/>"
                                                      "<candidate cid='c' host='fe80::1%eth0' port='1'/>"
                                                      "<candidate host='192.0.2.1' port='1'/>"
                                                      "<candidate cid='d' port='1'/>"
                                                      "<candidate cid='e' host='' port='1'/>"
                                                      "<candidate cid='f' host='[]' port='1'/>"
                                                      "<candidate cid='good' host='192.0.2.9' port='1'/>"
                                                      "<candidate cid='good' host='192.0.2.8' port='1'/>"));

  g_assert_cmpuint (info->candidates->len, ==, 1);
  g_assert_cmpstr (candidate (info, 0)->host, ==, "192.0.2.9");
}

static void
test_too_many (void)
{
  g_autoptr (GString) xml = g_string_new ("<transport xmlns='" FD_NS_S5B "' sid='s'>");
  g_autoptr (FdS5bInfo) info = NULL;

  for (guint i = 0; i < 40; i++)
    g_string_append_printf (xml, "<candidate cid='c%u' host='192.0.2.1' port='1'/>", i);
  g_string_append (xml, "</transport>");
  info = parse (xml->str);
  g_assert_cmpuint (info->candidates->len, ==, FD_S5B_MAX_CANDIDATES);
}

static void
test_notifications (void)
{
  static const struct
  {
    const char *child;
    FdS5bKind kind;
    const char *cid;
  } cases[] = {
    { "<candidate-used cid='c1'/>", FD_S5B_CANDIDATE_USED, "c1" },
    { "<candidate-used/>", FD_S5B_CANDIDATE_USED, NULL },
    { "<candidate-error/>", FD_S5B_CANDIDATE_ERROR, NULL },
    { "<activated cid='c1'/>", FD_S5B_ACTIVATED, "c1" },
    { "<proxy-error/>", FD_S5B_PROXY_ERROR, NULL },
    { "<proxy-error cid='c1'/>", FD_S5B_PROXY_ERROR, "c1" },
    { "<proxy-error cid='c1'/><candidate-used cid='c2'/>", FD_S5B_PROXY_ERROR, "c1" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *xml = g_strdup_printf (S5B ("sid='s'", "%s"), cases[i].child);
      g_autoptr (FdS5bInfo) info = parse (xml);

      g_test_message ("%s", xml);
      g_assert_cmpint (info->kind, ==, cases[i].kind);
      g_assert_cmpstr (info->cid, ==, cases[i].cid);
    }
}

static void
test_marks (void)
{
  g_autoptr (FdS5bInfo) done = parse (S5B ("sid='s'", "<candidates-done xmlns='urn:x-fardel:eoc:0'/>"));
  g_autoptr (FdS5bInfo) alien = parse (S5B ("sid='s' mode='udp'", "<candidates-done/>"));

  g_autoptr (FdS5bInfo) follow = parse (S5B ("sid='s'", "<candidates-follow xmlns='urn:x-fardel:eoc:0'/>"));
  g_autoptr (FdS5bInfo) both = parse (S5B ("sid='s'", "<candidates-done xmlns='urn:x-fardel:eoc:0'/>"
                                                      "<cid-dst xmlns='urn:x-fardel:cid-dst:0'/>"
                                                      "<candidates-follow xmlns='urn:x-fardel:eoc:0'/>"));

  g_assert_cmpint (done->mark, ==, FD_S5B_MARK_DONE);
  g_assert_cmpint (follow->mark, ==, FD_S5B_MARK_FOLLOW);
  g_assert_cmpint (both->mark, ==, FD_S5B_MARK_DONE);
  g_assert_true (both->cid_dst);
  g_assert_false (done->cid_dst);
  g_assert_cmpint (alien->mark, ==, FD_S5B_MARK_NONE);
  g_assert_true (alien->udp);
}

static void
test_not_a_transport (void)
{
  static const char *const cases[] = { "<transport xmlns='urn:xmpp:jingle:transports:ibb:1' sid='s'/>",
                                       "<candidate xmlns='" FD_NS_S5B "'/>" };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (FdXml) element = fd_xml_parse (cases[i], NULL);

      g_assert_null (fd_s5b_info_parse (element, &error));
      g_assert_error (error, FD_ERROR, FD_ERROR_PROTOCOL);
    }
}

/* Dino refuses a whole offer for one missing attribute. */
static void
test_build (void)
{
  g_autoptr (FdS5bInfo) info = fd_s5b_info_new (FD_S5B_CANDIDATES, "s<1>");
  FdS5bCandidate proxy = { .cid = (char *) "c1",
                           .host = (char *) "2001:db8::1",
                           .jid = (char *) "proxy.example",
                           .port = 7777,
                           .priority = 655361,
                           .type = FD_S5B_PROXY };
  g_autoptr (FdXml) element = NULL;
  g_autoptr (FdS5bInfo) back = NULL;
  xmpp_stanza_t *child;

  info->dstaddr = fd_s5b_dstaddr ("s<1>", "a@b/c", "d@e/f");
  info->mark = FD_S5B_MARK_DONE;
  info->cid_dst = TRUE;
  g_ptr_array_add (info->candidates, fd_s5b_candidate_copy (&proxy));
  element = fd_s5b_info_build (info);

  child = fd_xml_child (element, "candidate", FD_NS_S5B);
  g_assert_nonnull (child);
  g_assert_cmpstr (fd_xml_attr (child, "cid"), ==, "c1");
  g_assert_cmpstr (fd_xml_attr (child, "host"), ==, "2001:db8::1");
  g_assert_cmpstr (fd_xml_attr (child, "jid"), ==, "proxy.example");
  g_assert_cmpstr (fd_xml_attr (child, "port"), ==, "7777");
  g_assert_cmpstr (fd_xml_attr (child, "priority"), ==, "655361");
  g_assert_cmpstr (fd_xml_attr (child, "type"), ==, "proxy");

  g_autofree char *xml = fd_xml_to_string (element);
  back = parse (xml);
  g_assert_cmpstr (back->sid, ==, "s<1>");
  g_assert_cmpstr (back->dstaddr, ==, info->dstaddr);
  g_assert_cmpint (back->mark, ==, FD_S5B_MARK_DONE);
  g_assert_true (back->cid_dst);
  g_assert_cmpuint (candidate (back, 0)->priority, ==, 655361);
}

static void
test_build_notifications (void)
{
  for (FdS5bKind kind = FD_S5B_CANDIDATE_USED; kind <= FD_S5B_PROXY_ERROR; kind++)
    {
      g_autoptr (FdS5bInfo) info = fd_s5b_info_new (kind, "s");
      g_autoptr (FdXml) element = NULL;
      g_autofree char *xml = NULL;
      g_autoptr (FdS5bInfo) back = NULL;

      info->cid = kind == FD_S5B_CANDIDATE_ERROR ? NULL : g_strdup ("c");
      element = fd_s5b_info_build (info);
      xml = fd_xml_to_string (element);
      back = parse (xml);
      g_assert_cmpint (back->kind, ==, kind);
      g_assert_cmpstr (back->cid, ==, info->cid);
    }
}

/* The vectors of XEP-0260, recomputed. */
#define I_R "972b7bf47291ca609517f67f86b5081086052dad"
#define R_I "1a12fb7bc625e55f3ed5b29a53dbe0e4aa7d80ba"
#define D "0123456789012345678901234567890123456789"

static void
test_dstaddr (void)
{
  static const struct
  {
    gboolean initiator, proxy, ini_first;
    const char *announced;
    const char *dialed; /* by the party, in this order */
    const char *accepted;
  } cases[] = {
    { FALSE, FALSE, FALSE, NULL, I_R, R_I " " I_R }, { FALSE, TRUE, FALSE, I_R, I_R, R_I " " I_R },
    { TRUE, FALSE, FALSE, NULL, R_I " " I_R, I_R },  { TRUE, FALSE, FALSE, D, D " " R_I " " I_R, I_R },
    { TRUE, FALSE, FALSE, R_I, R_I " " I_R, I_R },   { TRUE, FALSE, TRUE, R_I, I_R " " R_I, I_R },
    { TRUE, TRUE, FALSE, NULL, R_I, I_R },           { TRUE, TRUE, TRUE, D, D, I_R },
  };
  static const char *const romeo = "romeo@montague.lit/orchard", *const juliet = "juliet@capulet.lit/balcony";

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const FdS5bNames names = { .sid = "vj3hs98y",
                                 .me = cases[i].initiator ? romeo : juliet,
                                 .peer = cases[i].initiator ? juliet : romeo,
                                 .initiator = cases[i].initiator };
      g_auto (GStrv) dialed
        = fd_s5b_dstaddrs_dialed (&names, NULL, cases[i].announced, cases[i].proxy, cases[i].ini_first);
      g_auto (GStrv) accepted = fd_s5b_dstaddrs_accepted (&names);
      g_autofree char *dialed_text = g_strjoinv (" ", dialed), *accepted_text = g_strjoinv (" ", accepted);

      g_test_message ("case %u", i);
      g_assert_cmpstr (dialed_text, ==, cases[i].dialed);
      g_assert_cmpstr (accepted_text, ==, cases[i].accepted);
    }
}

/* The hash of one candidate comes first, but a proxy knows only that of the stream. */
static void
test_dstaddr_of_candidate (void)
{
  static const char *const romeo = "romeo@montague.lit/orchard", *const juliet = "juliet@capulet.lit/balcony";
  /* printf %s SID CID ROMEO JULIET | sha1sum */
  static const char wanted[] = "c95f65ba2d7a74b6afcb92a92301844a7add2185";

  for (int initiator = 0; initiator < 2; initiator++)
    {
      const FdS5bNames names = { .sid = "vj3hs98y",
                                 .me = initiator ? romeo : juliet,
                                 .peer = initiator ? juliet : romeo,
                                 .initiator = initiator };
      g_autofree char *got = fd_s5b_dstaddr_of (&names, "hft54dqy");
      g_auto (GStrv) direct = fd_s5b_dstaddrs_dialed (&names, "hft54dqy", D, FALSE, FALSE);
      g_auto (GStrv) proxy = fd_s5b_dstaddrs_dialed (&names, "hft54dqy", D, TRUE, FALSE);

      g_assert_cmpstr (got, ==, wanted);
      g_assert_cmpstr (direct[0], ==, wanted);
      g_assert_cmpstr (direct[1], ==, D);
      g_assert_cmpstr (proxy[0], ==, D);
      g_assert_null (proxy[1]);
    }
}

static void
test_is_at (void)
{
  static const struct
  {
    const char *host;
    guint16 port;
    gboolean same;
  } cases[] = { { "2001:db8::1", 1, TRUE },
                { "2001:DB8:0:0::1", 1, TRUE },
                { "2001:db8::1", 2, FALSE },
                { "2001:db8::2", 1, FALSE },
                { "proxy.example", 1, FALSE } };
  const FdS5bCandidate literal = { .host = (char *) "2001:db8::1", .port = 1 };
  const FdS5bCandidate name = { .host = (char *) "Proxy.Example", .port = 1 };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (fd_s5b_candidate_is_at (&literal, cases[i].host, cases[i].port), ==, cases[i].same);
  g_assert_true (fd_s5b_candidate_is_at (&name, "proxy.example", 1));
  g_assert_false (fd_s5b_candidate_is_at (&name, "192.0.2.1", 1));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/s5b-codec/xep-example", test_xep_example);
  g_test_add_func ("/s5b-codec/cand-lenient", test_cand_lenient);
  g_test_add_func ("/s5b-codec/cand-onebad", test_cand_onebad);
  g_test_add_func ("/s5b-codec/too-many", test_too_many);
  g_test_add_func ("/s5b-codec/notifications", test_notifications);
  g_test_add_func ("/s5b-codec/marks", test_marks);
  g_test_add_func ("/s5b-codec/not-a-transport", test_not_a_transport);
  g_test_add_func ("/s5b-codec/build", test_build);
  g_test_add_func ("/s5b-codec/build-notifications", test_build_notifications);
  g_test_add_func ("/s5b-codec/dstaddr", test_dstaddr);
  g_test_add_func ("/s5b-codec/dstaddr-of-candidate", test_dstaddr_of_candidate);
  g_test_add_func ("/s5b-codec/is-at", test_is_at);
  return g_test_run ();
}
