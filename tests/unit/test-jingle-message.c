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

/* Builds, serializes and parses again. */
static FdJingleMessage *
round_trip (const FdJingleMessage *message)
{
  g_autoptr (FdXml) element = fd_jingle_message_build (message);
  g_autofree char *xml = fd_xml_to_string (element);

  return parse (xml);
}

static const FdFile *
first_file (const FdJingleMessage *message)
{
  FdContent *content = fd_jingle_message_get_content (message);

  g_assert_nonnull (content);
  g_assert_nonnull (content->file);
  return content->file;
}

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
  FdContent *content = fd_jingle_message_get_content (message);

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

static void
test_terminate (void)
{
  g_autoptr (FdJingleMessage) message = parse (
    "<jingle xmlns='urn:xmpp:jingle:1' action='session-terminate' sid='s1'><reason><failed_transport/>"
    "<text>Exception has been thrown</text></reason></jingle>");
  g_autoptr (FdJingleMessage) ours = fd_jingle_message_new (FD_JINGLE_SESSION_TERMINATE, "s2");
  g_autoptr (FdJingleMessage) back = NULL;

  g_assert_cmpstr (message->reason, ==, "failed-transport");
  g_assert_cmpstr (message->reason_text, ==, "Exception has been thrown");
  g_assert_null (message->reason_detail);

  ours->reason = g_strdup ("media-error");
  ours->reason_detail = g_strdup ("file-too-large");
  back = round_trip (ours);
  g_assert_cmpstr (back->reason, ==, "media-error");
  g_assert_cmpstr (back->reason_detail, ==, "file-too-large");
  g_assert_null (back->reason_text);
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
  FdContent *content = fd_jingle_message_add_content (message, TRUE, "file");
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

static void
test_foreign_parts (void)
{
  g_autoptr (FdJingleMessage) message
    = parse ("<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s1'><content "
             "creator='initiator' name='v'>"
             "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/><transport "
             "xmlns='urn:xmpp:jingle:transports:ice-udp:1'/>"
             "<security xmlns='urn:xmpp:jingle:jet:0'/></content></jingle>");
  FdContent *content = fd_jingle_message_get_content (message);

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
  g_test_add_func ("/jingle-message/terminate", test_terminate);
  g_test_add_func ("/jingle-message/session-info", test_session_info);
  g_test_add_func ("/jingle-message/initiate-round-trip", test_initiate_round_trip);
  g_test_add_func ("/jingle-message/foreign-parts", test_foreign_parts);
  g_test_add_func ("/jingle-message/malformed", test_malformed);
  return g_test_run ();
}
