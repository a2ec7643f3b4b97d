/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * <jingle/> as real clients write it, and as we do.
 */
#include "base/error.h"
#include "jingle/message.h"

static FdJingleMessage *
parse (const char *xml)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FdXml) element = fd_xml_parse (xml, &error);
  FdJingleMessage *message;

  g_assert_no_error (error);
  message = fd_jingle_message_parse (element, &error);
  g_assert_no_error (error);
  return message;
}

static char *
build (const FdJingleMessage *message)
{
  g_autoptr (FdXml) element = fd_jingle_message_build (message);

  return fd_xml_to_string (element);
}

/* Builds, serializes and parses again. */
static FdJingleMessage *
round_trip (const FdJingleMessage *message)
{
  g_autofree char *xml = build (message);

  return parse (xml);
}

static const FdFile *
first_file (const FdJingleMessage *message)
{
  FdJingleContent *content = fd_jingle_message_get_content (message);

  g_assert_nonnull (content);
  g_assert_nonnull (content->file);
  return content->file;
}

#define INITIATE(contents) \
  "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s1' initiator='a@x/r'>" contents \
  "</jingle>"
/* one content with these children of <file/> */
#define OFFER(children) \
  INITIATE ("<content creator='initiator' name='f' senders='initiator'>" \
            "<description xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file>" children \
            "</file></description><transport xmlns='urn:xmpp:jingle:transports:ibb:1' sid='t'/></content>")
#define HASH(algo, text) "<hash xmlns='urn:xmpp:hashes:2' algo='" algo "'>" text "</hash>"
#define EMPTY_SHA256 "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define EMPTY_SHA1 "2jmj7l5rSw0yVb/vlWAYkK/YBwk="

#define DINO_INITIATE \
  "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s1' initiator='a@x/r'>" \
  "<content creator='initiator' name='a-file-offer' senders='initiator'>" \
  "<description " \
  "xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file><name>b.bin</name><size>7</size></file></description>" \
  "<transport xmlns='urn:xmpp:jingle:transports:s5b:1' sid='t1' mode='tcp' " \
  "dstaddr='972b7bf47291ca609517f67f86b5081086052dad'>" \
  "<candidate cid='c1' host='192.0.2.1' jid='a@x/r' port='5086' priority='8257636' " \
  "type='direct'/></transport>" \
  "</content></jingle>"

static void
test_dino_initiate (void)
{
  g_autoptr (FdJingleMessage) message = parse (DINO_INITIATE);
  FdJingleContent *content = fd_jingle_message_get_content (message);

  g_assert_cmpint (message->action, ==, FD_JINGLE_SESSION_INITIATE);
  g_assert_cmpstr (message->sid, ==, "s1");
  g_assert_cmpstr (content->name, ==, "a-file-offer");
  g_assert_cmpint (content->senders, ==, FD_SENDERS_INITIATOR);
  g_assert_cmpint (content->transport.kind, ==, FD_TRANSPORT_KIND_S5B);
  g_assert_cmpstr (fd_transport_info_get_sid (&content->transport), ==, "t1");
  g_assert_cmpuint (content->transport.s5b->candidates->len, ==, 1);
  g_assert_cmpstr (first_file (message)->name, ==, "b.bin");
  g_assert_cmpint (first_file (message)->size, ==, 7);
  g_assert_cmpint (first_file (message)->mtime, ==, -1);
}

static void
test_gajim_file (void)
{
  g_autoptr (FdJingleMessage) message = parse (
    "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s1'><content creator='initiator' "
    "name='f'>"
    "<description xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file><name>x</name>"
    "<date>2026-02-01T09:26:45.408407+00:00Z</date><size>0</size><desc/>"
    "<hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=</hash>"
    "<hash xmlns='urn:xmpp:hashes:2' algo='whirlpool'>AAAA</hash></file></description>"
    "<transport xmlns='urn:xmpp:jingle:transports:ibb:1' block-size='4096' sid='None'/></content></jingle>");
  const FdFile *file = first_file (message);

  g_assert_cmpint (fd_jingle_message_get_content (message)->senders, ==, FD_SENDERS_MISSING);
  g_assert_cmpint (file->mtime, ==, 1769938005);
  g_assert_cmpint (file->size, ==, 0);
  g_assert_cmpuint (file->n_hashes, ==, 1);
  g_assert_nonnull (fd_file_get_hash (file, FD_HASH_SHA256));
  g_assert_cmpstr (fd_transport_info_get_sid (&fd_jingle_message_get_content (message)->transport), ==,
                   "None");
}

static void
test_file_details (void)
{
  g_autoptr (FdJingleMessage) message = parse (
    "<jingle xmlns='urn:xmpp:jingle:1' action='session-accept' sid='s1'><content creator='initiator' "
    "name='f'>"
    "<description "
    "xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file><name>x</name><mediaType>image/png</mediaType>"
    "<date>2026-02-01T09:26:45</date><size>-3</size><desc>hi</desc><range offset='5' length='6'/>"
    "<hash-used xmlns='urn:xmpp:hashes:2' algo='sha-512'/></file></description></content></jingle>");
  const FdFile *file = first_file (message);

  g_assert_cmpstr (file->media_type, ==, "image/png");
  g_assert_cmpstr (file->description, ==, "hi");
  g_assert_cmpint (file->mtime, ==, 1769938005);
  g_assert_cmpint (file->size, ==, -1);
  g_assert_true (file->ranged);
  g_assert_cmpuint (file->range_offset, ==, 5);
  g_assert_cmpint (file->range_length, ==, 6);
  g_assert_cmpint (file->hash_used, ==, FD_HASH_SHA512);
  g_assert_cmpint (fd_file_choose_algo (file), ==, FD_HASH_SHA512);
  g_assert_cmpint (fd_jingle_message_get_content (message)->transport.kind, ==, FD_TRANSPORT_KIND_NONE);
}

/* A number that cannot be read must not become another one. */
static void
test_ranges (void)
{
  static const struct
  {
    const char *xml;
    gboolean ranged;
    guint64 offset;
    gint64 length;
  } cases[] = {
    { "", FALSE, 0, -1 },
    { "<range/>", TRUE, 0, -1 },
    { "<range offset='7'/>", TRUE, 7, -1 },
    { "<range length='7'/>", TRUE, 0, 7 },
    { "<range offset='0' length='0'/>", TRUE, 0, 0 },
    { "<range offset='9223372036854775807' length='1'/>", TRUE, G_MAXINT64, 1 },
    { "<range offset='9223372036854775808'/>", TRUE, G_MAXUINT64, -1 },
    { "<range offset='99999999999999999999999'/>", TRUE, G_MAXUINT64, -1 },
    { "<range offset='-1'/>", TRUE, G_MAXUINT64, -1 },
    { "<range offset='+1'/>", TRUE, G_MAXUINT64, -1 },
    { "<range offset='0x10'/>", TRUE, G_MAXUINT64, -1 },
    { "<range offset='1.5'/>", TRUE, G_MAXUINT64, -1 },
    { "<range offset=''/>", TRUE, G_MAXUINT64, -1 },
    { "<range length='-1'/>", TRUE, 0, G_MAXINT64 },
    { "<range offset='1' length='18446744073709551615'/>", TRUE, 1, G_MAXINT64 },
    { "<range offset='1' length='all'/>", TRUE, 1, G_MAXINT64 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *xml = g_strconcat (
        "<jingle xmlns='urn:xmpp:jingle:1' action='session-accept' sid='s1'><content creator='initiator' "
        "name='f'><description xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file>",
        cases[i].xml, "</file></description></content></jingle>", NULL);
      g_autoptr (FdJingleMessage) message = parse (xml);
      const FdFile *file = first_file (message);

      g_test_message ("%s", cases[i].xml);
      g_assert_cmpint (file->ranged, ==, cases[i].ranged);
      g_assert_cmpuint (file->range_offset, ==, cases[i].offset);
      g_assert_cmpint (file->range_length, ==, cases[i].length);
    }
}

#define LONGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* What is no id counts as none. */
static void
test_resume_ids (void)
{
  static const struct
  {
    const char *xml;
    const char *id;
  } cases[] = {
    { "<resume xmlns='urn:x-fardel:resume:0' id='" LONGEST "'/>", LONGEST },
    { "<resume xmlns='urn:x-fardel:resume:0' id='A-z_0.9'/>", "A-z_0.9" },
    { "<resume xmlns='urn:x-fardel:resume:0' id='a'/><resume xmlns='urn:x-fardel:resume:0' id='b'/>", "a" },
    { "<resume xmlns='urn:x-fardel:resume:0' id='" LONGEST "0'/>", NULL },
    { "<resume xmlns='urn:x-fardel:resume:0' id=''/>", NULL },
    { "<resume xmlns='urn:x-fardel:resume:0'/>", NULL },
    { "<resume xmlns='urn:x-fardel:resume:0' id='a b'/>", NULL },
    { "<resume xmlns='urn:x-fardel:resume:0' id='../a'/>", NULL },
    { "<resume xmlns='urn:x-fardel:resume:0' id='a&#10;'/>", NULL },
    { "<resume xmlns='urn:x-fardel:resume:0' id='ä'/>", NULL },
    { "<resume xmlns='urn:x-fardel:resume:1' id='a'/>", NULL },
    { "<resume id='a'/>", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *xml = g_strconcat (
        "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s1'><content creator='initiator' "
        "name='f'><description xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file>",
        cases[i].xml, "</file></description></content></jingle>", NULL);
      g_autoptr (FdJingleMessage) message = parse (xml);

      g_test_message ("%s", cases[i].xml);
      g_assert_cmpstr (first_file (message)->resume_id, ==, cases[i].id);
    }
}

/* In both versions of file transfer. */
static void
test_resume_round_trip (void)
{
  for (guint version = FD_FT_5; version <= FD_FT_4; version++)
    {
      g_autoptr (FdJingleMessage) message = fd_jingle_message_new (FD_JINGLE_SESSION_ACCEPT, "s1");
      FdJingleContent *content = fd_jingle_message_add_content (message, TRUE, "file");
      g_autoptr (FdJingleMessage) back = NULL;
      const FdFile *file;

      content->version = (FdFtVersion) version;
      content->file = fd_file_new ("x", 100);
      content->file->resume_id = g_strdup ("id-1");
      content->file->ranged = TRUE;
      content->file->range_offset = 100;
      content->file->range_length = 0;
      back = round_trip (message);
      file = first_file (back);
      g_assert_cmpstr (file->resume_id, ==, "id-1");
      g_assert_cmpuint (file->range_offset, ==, 100);
      g_assert_cmpint (file->range_length, ==, 0);
    }
}

static void
test_terminate (void)
{
  g_autoptr (FdJingleMessage) ours = fd_jingle_message_new (FD_JINGLE_SESSION_TERMINATE, "s2");
  g_autoptr (FdJingleMessage) back = NULL;

  ours->reason = g_strdup ("media-error");
  ours->reason_detail = g_strdup ("file-too-large");
  back = round_trip (ours);
  g_assert_cmpstr (back->reason, ==, "media-error");
  g_assert_cmpstr (back->reason_detail, ==, "file-too-large");
  g_assert_null (back->reason_text);
}

/* Dino's. */
static void
test_underscore_reason (void)
{
  g_autoptr (FdJingleMessage) message = parse (
    "<jingle xmlns='urn:xmpp:jingle:1' action='session-terminate' sid='s1'><reason><failed_transport/>"
    "<text>Exception has been thrown</text></reason></jingle>");

  g_assert_cmpstr (message->reason, ==, "failed-transport");
  g_assert_cmpstr (message->reason_text, ==, "Exception has been thrown");
  g_assert_null (message->reason_detail);
}

static void
test_session_info (void)
{
  g_autoptr (FdJingleMessage) ping
    = parse ("<jingle xmlns='urn:xmpp:jingle:1' action='session-info' sid='s1'/>");
  g_autoptr (FdJingleMessage) other = parse (
    "<jingle xmlns='urn:xmpp:jingle:1' action='session-info' sid='s1'><ringing xmlns='urn:x'/></jingle>");
  g_autoptr (FdJingleMessage) checksum = fd_jingle_message_new (FD_JINGLE_SESSION_INFO, "s1");
  g_autoptr (FdJingleMessage) received = fd_jingle_message_new (FD_JINGLE_SESSION_INFO, "s1");
  g_autoptr (FdJingleMessage) back = NULL;
  FdDigest digest = { .algo = FD_HASH_SHA256, .length = 32, .bytes = { 1, 2, 3 } };

  g_assert_cmpint (ping->info, ==, FD_SESSION_INFO_PING);
  g_assert_cmpint (other->info, ==, FD_SESSION_INFO_OTHER);

  checksum->info = FD_SESSION_INFO_CHECKSUM;
  checksum->info_content = g_strdup ("file");
  checksum->checksum = fd_file_new (NULL, -1);
  fd_file_set_hash (checksum->checksum, &digest);
  back = round_trip (checksum);
  g_assert_cmpint (back->info, ==, FD_SESSION_INFO_CHECKSUM);
  g_assert_cmpstr (back->info_content, ==, "file");
  g_assert_true (fd_digest_equal (fd_file_get_hash (back->checksum, FD_HASH_SHA256), &digest));

  received->info = FD_SESSION_INFO_RECEIVED;
  received->info_content = g_strdup ("file");
  g_clear_pointer (&back, fd_jingle_message_free);
  back = round_trip (received);
  g_assert_cmpint (back->info, ==, FD_SESSION_INFO_RECEIVED);
}

static void
test_initiate_round_trip (void)
{
  g_autoptr (FdJingleMessage) message = fd_jingle_message_new (FD_JINGLE_SESSION_INITIATE, "s1");
  FdJingleContent *content = fd_jingle_message_add_content (message, TRUE, "file");
  g_autoptr (FdJingleMessage) back = NULL;
  const FdFile *file;

  message->initiator = g_strdup ("a@x/r");
  content->senders = FD_SENDERS_INITIATOR;
  content->file = fd_file_new ("a <&> \"ü\".txt", 0);
  content->file->mtime = 1769938005;
  content->file->hash_used = FD_HASH_SHA256;
  content->file->ranged = TRUE;
  content->transport.kind = FD_TRANSPORT_KIND_IBB;
  content->transport.ibb = fd_ibb_info_new ("t1", 8192);

  back = round_trip (message);
  g_assert_cmpstr (back->initiator, ==, "a@x/r");
  file = first_file (back);
  g_assert_cmpstr (file->name, ==, "a <&> \"ü\".txt");
  g_assert_cmpint (file->size, ==, 0);
  g_assert_cmpint (file->mtime, ==, 1769938005);
  g_assert_true (file->ranged);
  g_assert_cmpint (file->hash_used, ==, FD_HASH_SHA256);
  g_assert_cmpuint (fd_jingle_message_get_content (back)->transport.ibb->block_size, ==, 8192);
}

/* Alternatives share a name: the choice is not the codec's. */
static void
test_dup_names (void)
{
#define ALTERNATIVE(extra) \
  "<content creator='initiator' name='f' senders='initiator'>" \
  "<description xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file><size>7</size></file></description>" \
  "<transport xmlns='urn:xmpp:jingle:transports:s5b:1' sid='t'/>" extra "</content>"
  g_autoptr (FdJingleMessage) message
    = parse (INITIATE (ALTERNATIVE ("<security xmlns='urn:xmpp:jingle:jet:0' name='f'/>") ALTERNATIVE ("")));
  const FdJingleContent *const *contents = (gconstpointer) message->contents->pdata;

  g_assert_cmpuint (message->contents->len, ==, 2);
  g_assert_cmpstr (contents[0]->name, ==, contents[1]->name);
  g_assert_true (contents[0]->secured);
  g_assert_false (contents[1]->secured);
  g_assert_cmpint (contents[0]->file->size, ==, 7);
}

/* Every action as some client needs it: Swift finds its sessions by the
 * initiator, Psi refuses a content without senders. */
static void
test_initiator_attr (void)
{
  for (FdJingleAction action = 0; action < FD_N_JINGLE_ACTIONS; action++)
    for (guint by_initiator = 0; by_initiator < 2; by_initiator++)
      {
        g_autoptr (FdJingleMessage) message = fd_jingle_message_new (action, "s1");
        g_autoptr (FdXml) element = NULL;
        xmpp_stanza_t *content;

        message->initiator = g_strdup ("a@x/r");
        if (action == FD_JINGLE_SESSION_ACCEPT)
          message->responder = g_strdup ("b@y/s");
        fd_jingle_message_add_content (message, by_initiator, "f");
        element = fd_jingle_message_build (message);
        g_assert_cmpstr (fd_xml_attr (element, "action"), ==, fd_jingle_action_name (action));
        g_assert_cmpstr (fd_xml_attr (element, "sid"), ==, "s1");
        g_assert_cmpstr (fd_xml_attr (element, "initiator"), ==, "a@x/r");
        g_assert_cmpstr (fd_xml_attr (element, "responder"), ==, message->responder);
        content = fd_xml_child (element, "content", NULL);
        g_assert_cmpstr (fd_xml_attr (content, "creator"), ==, by_initiator ? "initiator" : "responder");
        g_assert_cmpstr (fd_xml_attr (content, "senders"), ==, by_initiator ? "initiator" : "responder");
      }
}

/* As Swift 4 writes it. */
#define SWIFT_INITIATE \
  INITIATE ("<content creator='initiator' name='c1'>" \
            "<description xmlns='urn:xmpp:jingle:apps:file-transfer:4'><file>" \
            "<date>2015-06-11T20:55:50Z</date><name>a.png</name><size>513</size>" \
            "<hash algo='sha-1' xmlns='urn:xmpp:hashes:1'/><hash algo='md5' xmlns='urn:xmpp:hashes:1'/>" \
            "</file></description>" \
            "<transport xmlns='urn:xmpp:jingle:transports:s5b:1' mode='tcp' sid='t1'/></content>")

static void
test_senders_missing (void)
{
  g_autoptr (FdJingleMessage) message = parse (SWIFT_INITIATE);

  g_assert_cmpint (fd_jingle_message_get_content (message)->senders, ==, FD_SENDERS_MISSING);
  g_assert_cmpstr (first_file (message)->name, ==, "a.png");
  g_assert_cmpint (first_file (message)->size, ==, 513);
}

/* An answer to file-transfer:4 is in file-transfer:4, and so are the hashes. */
static void
test_ns4 (void)
{
  g_autoptr (FdJingleMessage) message = parse (SWIFT_INITIATE);
  FdJingleContent *content = fd_jingle_message_get_content (message);
  FdDigest digest;
  g_autofree char *xml = NULL;

  g_assert_cmpint (content->version, ==, FD_FT_4);
  g_assert_cmpint (content->file->hash_used, ==, FD_HASH_SHA1);
  g_assert_cmpint (fd_file_choose_algo (content->file), ==, FD_HASH_SHA1);

  message->action = FD_JINGLE_SESSION_ACCEPT;
  xml = build (message);
  g_assert_nonnull (strstr (xml, "<description xmlns=\"urn:xmpp:jingle:apps:file-transfer:4\">"));
  g_assert_nonnull (strstr (xml, "urn:xmpp:hashes:1")); /* an empty hash: there is no hash-used in :4 */
  g_assert_null (strstr (xml, "hash-used"));
  g_assert_null (strstr (xml, "urn:xmpp:hashes:2"));
  g_assert_null (strstr (xml, "file-transfer:5"));

  g_assert_true (fd_digest_from_base64 (FD_HASH_SHA1, EMPTY_SHA1, &digest));
  fd_file_set_hash (content->file, &digest);
  g_clear_pointer (&xml, g_free);
  xml = build (message);
  g_assert_nonnull (strstr (xml, EMPTY_SHA1));
}

static void
test_ns4_session_info (void)
{
  g_autoptr (FdJingleMessage) checksum
    = parse ("<jingle xmlns='urn:xmpp:jingle:1' action='session-info' sid='s1' initiator='a@x/r'>"
             "<checksum xmlns='urn:xmpp:jingle:apps:file-transfer:4'><file><size>0</size>"
             "<hash xmlns='urn:xmpp:hashes:1' algo='sha-1'>" EMPTY_SHA1 "</hash></file></checksum></jingle>");
  g_autoptr (FdJingleMessage) received = fd_jingle_message_new (FD_JINGLE_SESSION_INFO, "s1");
  g_autoptr (FdJingleMessage) back = NULL;
  g_autofree char *xml = NULL;

  g_assert_cmpint (checksum->info, ==, FD_SESSION_INFO_CHECKSUM);
  g_assert_cmpint (checksum->version, ==, FD_FT_4);
  g_assert_null (checksum->info_content);
  g_assert_nonnull (fd_file_get_hash (checksum->checksum, FD_HASH_SHA1));
  xml = build (checksum);
  g_assert_nonnull (strstr (xml, "urn:xmpp:hashes:1"));
  g_assert_null (strstr (xml, "urn:xmpp:hashes:2"));

  received->info = FD_SESSION_INFO_RECEIVED;
  received->info_content = g_strdup ("c1");
  received->version = FD_FT_4;
  back = round_trip (received);
  g_assert_cmpint (back->info, ==, FD_SESSION_INFO_RECEIVED);
  g_assert_cmpint (back->version, ==, FD_FT_4);
}

static void
test_no_size (void)
{
  static const char *const sizes[] = { "", "<size/>", "<size>-1</size>", "<size>9223372036854775808</size>" };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *xml = g_strdup_printf (OFFER ("<name>x</name>%s"), sizes[i]);
      g_autoptr (FdJingleMessage) message = parse (xml);
      g_autofree char *built = build (message);

      g_assert_cmpint (first_file (message)->size, ==, -1);
      g_assert_null (strstr (built, "<size>"));
    }
}

static void
test_mediatype_spelling (void)
{
  static const char *const names[] = { "media-type", "mediaType" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *xml = g_strdup_printf (OFFER ("<%s>image/png</%s>"), names[i], names[i]);
      g_autoptr (FdJingleMessage) message = parse (xml);
      g_autofree char *built = build (message);

      g_assert_cmpstr (first_file (message)->media_type, ==, "image/png");
      g_assert_nonnull (strstr (built, "<media-type>image/png</media-type>"));
    }
}

/* Seconds since the epoch, whatever the client made of XEP-0082. */
static void
test_dates (void)
{
  static const struct
  {
    const char *text;
    gint64 mtime;
  } dates[] = {
    { "2026-02-01T09:26:45Z", 1769938005 },
    { "2026-02-01T10:26:45+01:00", 1769938005 },
    { "2026-02-01T09:26:45.408407+00:00Z", 1769938005 }, /* Gajim */
    { "2026-02-01T04:26:45-05:00Z", 1769938005 },
    { "2026-02-01T09:26:45", 1769938005 }, /* Psi: no zone */
    { "", -1 },
    { "Z", -1 },
    { "yesterday", -1 },
    { "2026-13-01T09:26:45Z", -1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (dates); i++)
    {
      g_autofree char *xml = g_strdup_printf (OFFER ("<name>x</name><date>%s</date>"), dates[i].text);
      g_autoptr (FdJingleMessage) message = parse (xml);

      g_assert_cmpint (first_file (message)->mtime, ==, dates[i].mtime);
    }
}

static void
test_hashes (void)
{
  g_autoptr (FdJingleMessage) many = parse (OFFER (HASH ("md5", "1B2M2Y8AsgTpgAmY7PhCfg==") HASH (
    "sha-1", EMPTY_SHA1) HASH ("sha-256", "AAAA") HASH ("sha-256", EMPTY_SHA256)));
  g_autoptr (FdJingleMessage) used
    = parse (OFFER (HASH ("sha-256", "") HASH ("sha-512", "") HASH ("whirlpool", "")));
  g_autoptr (FdJingleMessage) later = parse (OFFER ("<hash-used xmlns='urn:xmpp:hashes:2' algo='sha-512'/>"
                                                    "<hash-used xmlns='urn:xmpp:hashes:2' algo='new'/>"));
  g_autofree char *built = build (used);

  g_assert_cmpuint (first_file (many)->n_hashes, ==, 2);
  g_assert_nonnull (fd_file_get_hash (first_file (many), FD_HASH_SHA1));
  g_assert_cmpint (fd_file_choose_algo (first_file (many)), ==, FD_HASH_SHA256);
  g_assert_cmpint (first_file (used)->hash_used, ==, FD_HASH_SHA256);
  g_assert_cmpuint (first_file (used)->n_hashes, ==, 0);
  g_assert_nonnull (strstr (built, "<hash-used"));
  g_assert_cmpint (first_file (later)->hash_used, ==, FD_HASH_SHA512);
}

/* Whatever the element says: we cannot read what it secures. */
static void
test_jet_unknown (void)
{
  g_autoptr (FdJingleMessage) unknown = parse (
    INITIATE ("<content creator='initiator' name='f' senders='initiator'><description "
              "xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file><size>7</size></file></description>"
              "<transport xmlns='urn:xmpp:jingle:transports:s5b:1' sid='t'/>"
              "<security xmlns='urn:example:new' cipher='c' type='t'/></content>"));
  g_autoptr (FdJingleMessage) old
    = parse (OFFER ("<size>7</size><encrypted xmlns='eu.siacs.conversations.axolotl'/>"));

  g_assert_true (fd_jingle_message_get_content (unknown)->secured);
  g_assert_nonnull (fd_jingle_message_get_content (unknown)->file);
  g_assert_true (fd_jingle_message_get_content (old)->secured);
}

static void
test_extensions (void)
{
  for (guint bits = 0; bits < 4; bits++)
    {
      g_autoptr (FdJingleMessage) message = fd_jingle_message_new (FD_JINGLE_SESSION_INITIATE, "s1");
      g_autoptr (FdJingleMessage) back = NULL;

      message->batch = bits & 1;
      message->batch_id = message->batch ? g_strdup ("batch-1") : NULL;
      message->early_accept = bits >> 1;
      fd_jingle_message_add_content (message, TRUE, "f");
      back = round_trip (message);
      g_assert_cmpint (back->batch, ==, message->batch);
      g_assert_cmpstr (back->batch_id, ==, message->batch_id);
      g_assert_cmpint (back->early_accept, ==, message->early_accept);
      g_assert_cmpuint (back->contents->len, ==, 1);
    }
}

/* One that is no id counts as missing: the files belong together all the same. */
static void
test_batch_ids (void)
{
  static const char *const ids[]
    = { "", "a b", "\xc3\xa9", "12345678901234567890123456789012345678901234567890123456789012345" };

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autoptr (FdJingleMessage) message = fd_jingle_message_new (FD_JINGLE_SESSION_INITIATE, "s1");
      g_autoptr (FdJingleMessage) back = NULL;

      message->batch = TRUE;
      message->batch_id = g_strdup (ids[i]);
      back = round_trip (message);
      g_assert_true (back->batch);
      g_assert_null (back->batch_id);
    }
}

static void
test_copy_transport (void)
{
  g_autoptr (FdJingleMessage) message = parse (DINO_INITIATE);
  FdTransportInfo *original = &fd_jingle_message_get_content (message)->transport;
  FdTransportInfo copy = { 0 }, ibb = { .kind = FD_TRANSPORT_KIND_IBB, .ibb = fd_ibb_info_new ("t2", 1024) };
  FdTransportInfo ibb_copy = { 0 };
  const FdS5bCandidate *candidate;

  original->s5b->mark = FD_S5B_MARK_FOLLOW;
  original->s5b->cid_dst = TRUE;
  original->s5b->cid = g_strdup ("c9");
  fd_transport_info_copy (&copy, original);
  fd_transport_info_clear (original);
  g_assert_cmpint (copy.kind, ==, FD_TRANSPORT_KIND_S5B);
  g_assert_cmpstr (fd_transport_info_get_sid (&copy), ==, "t1");
  g_assert_cmpstr (copy.s5b->dstaddr, ==, "972b7bf47291ca609517f67f86b5081086052dad");
  g_assert_cmpstr (copy.s5b->cid, ==, "c9");
  g_assert_cmpint (copy.s5b->mark, ==, FD_S5B_MARK_FOLLOW);
  g_assert_true (copy.s5b->cid_dst);
  candidate = copy.s5b->candidates->pdata[0];
  g_assert_cmpstr (candidate->host, ==, "192.0.2.1");
  fd_transport_info_clear (&copy);

  fd_transport_info_copy (&ibb_copy, &ibb);
  fd_transport_info_clear (&ibb);
  g_assert_cmpstr (fd_transport_info_get_sid (&ibb_copy), ==, "t2");
  g_assert_cmpuint (ibb_copy.ibb->block_size, ==, 1024);
  fd_transport_info_clear (&ibb_copy);
}

static void
test_foreign_parts (void)
{
  g_autoptr (FdJingleMessage) message
    = parse ("<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s1'><content "
             "creator='initiator' name='v'>"
             "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/><transport "
             "xmlns='urn:xmpp:jingle:transports:ice-udp:1'/>"
             "<security xmlns='urn:xmpp:jingle:jet:0'/></content></jingle>");
  FdJingleContent *content = fd_jingle_message_get_content (message);

  g_assert_null (content->file);
  g_assert_cmpstr (content->application, ==, "urn:xmpp:jingle:apps:rtp:1");
  g_assert_cmpint (content->transport.kind, ==, FD_TRANSPORT_KIND_OTHER);
  g_assert_true (content->secured);
}

static void
test_malformed (void)
{
  static const char *const bad[] = {
    "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate'/>",
    "<jingle xmlns='urn:xmpp:jingle:1' sid='s1'/>",
    "<jingle xmlns='urn:xmpp:jingle:1' action='foo' sid='s1'/>",
    "<jingle xmlns='urn:xmpp:jingle:0' action='session-info' sid='s1'/>",
    "<jingle xmlns='urn:xmpp:jingle:1' action='session-accept' sid='s1'><content "
    "creator='initiator'/></jingle>",
    "<jingle xmlns='urn:xmpp:jingle:1' action='transport-replace' sid='s1'><content creator='initiator' "
    "name='f'>"
    "<transport xmlns='urn:xmpp:jingle:transports:ibb:1' block-size='65536' sid='t'/></content></jingle>",
  };
  g_autoptr (GString) many
    = g_string_new ("<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s1'>");

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (FdXml) element = fd_xml_parse (bad[i], NULL);

      g_assert_null (fd_jingle_message_parse (element, &error));
      g_assert_error (error, FD_ERROR, FD_ERROR_PROTOCOL);
    }
  for (guint i = 0; i <= FD_JINGLE_MAX_CONTENTS; i++)
    g_string_append_printf (many, "<content creator='initiator' name='%u'/>", i);
  g_string_append (many, "</jingle>");
  {
    g_autoptr (GError) error = NULL;
    g_autoptr (FdXml) element = fd_xml_parse (many->str, NULL);

    g_assert_null (fd_jingle_message_parse (element, &error));
    g_assert_error (error, FD_ERROR, FD_ERROR_PROTOCOL);
  }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/jingle-message/dino-initiate", test_dino_initiate);
  g_test_add_func ("/jingle-message/gajim-file", test_gajim_file);
  g_test_add_func ("/jingle-message/file-details", test_file_details);
  g_test_add_func ("/jingle-message/ranges", test_ranges);
  g_test_add_func ("/jingle-message/resume-ids", test_resume_ids);
  g_test_add_func ("/jingle-message/resume-round-trip", test_resume_round_trip);
  g_test_add_func ("/jingle-message/terminate", test_terminate);
  g_test_add_func ("/jingle-message/underscore-reason", test_underscore_reason);
  g_test_add_func ("/jingle-message/session-info", test_session_info);
  g_test_add_func ("/jingle-message/initiate-round-trip", test_initiate_round_trip);
  g_test_add_func ("/jingle-message/dup-names", test_dup_names);
  g_test_add_func ("/jingle-message/senders-missing", test_senders_missing);
  g_test_add_func ("/jingle-message/initiator-attr", test_initiator_attr);
  g_test_add_func ("/jingle-message/no-size", test_no_size);
  g_test_add_func ("/jingle-message/mediatype-spelling", test_mediatype_spelling);
  g_test_add_func ("/jingle-message/dates", test_dates);
  g_test_add_func ("/jingle-message/hashes", test_hashes);
  g_test_add_func ("/jingle-message/ns4", test_ns4);
  g_test_add_func ("/jingle-message/ns4-session-info", test_ns4_session_info);
  g_test_add_func ("/jingle-message/jet-unknown", test_jet_unknown);
  g_test_add_func ("/jingle-message/extensions", test_extensions);
  g_test_add_func ("/jingle-message/batch-ids", test_batch_ids);
  g_test_add_func ("/jingle-message/copy-transport", test_copy_transport);
  g_test_add_func ("/jingle-message/foreign-parts", test_foreign_parts);
  g_test_add_func ("/jingle-message/malformed", test_malformed);
  return g_test_run ();
}
