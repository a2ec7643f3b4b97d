/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * <jingle/> to and from FdJingleMessage (XEP-0166 §7, XEP-0234 §8). Every
 * attribute that some client insists on is written: full-JID initiator, creator,
 * senders.
 */
#include "jingle/message.h"

#include "base/error.h"
#include "jingle/description.h"
#include "jingle/quirks.h"

#include <string.h>

static const char *const action_names[] = {
  [FD_JINGLE_CONTENT_ACCEPT] = "content-accept",       [FD_JINGLE_CONTENT_ADD] = "content-add",
  [FD_JINGLE_CONTENT_MODIFY] = "content-modify",       [FD_JINGLE_CONTENT_REJECT] = "content-reject",
  [FD_JINGLE_CONTENT_REMOVE] = "content-remove",       [FD_JINGLE_DESCRIPTION_INFO] = "description-info",
  [FD_JINGLE_SECURITY_INFO] = "security-info",         [FD_JINGLE_SESSION_ACCEPT] = "session-accept",
  [FD_JINGLE_SESSION_INFO] = "session-info",           [FD_JINGLE_SESSION_INITIATE] = "session-initiate",
  [FD_JINGLE_SESSION_TERMINATE] = "session-terminate", [FD_JINGLE_TRANSPORT_ACCEPT] = "transport-accept",
  [FD_JINGLE_TRANSPORT_INFO] = "transport-info",       [FD_JINGLE_TRANSPORT_REJECT] = "transport-reject",
  [FD_JINGLE_TRANSPORT_REPLACE] = "transport-replace",
};
G_STATIC_ASSERT (G_N_ELEMENTS (action_names) == FD_N_JINGLE_ACTIONS);

static const char *const senders_names[] = {
  [FD_SENDERS_INITIATOR] = "initiator",
  [FD_SENDERS_RESPONDER] = "responder",
  [FD_SENDERS_BOTH] = "both",
  [FD_SENDERS_NONE] = "none",
};

const char *
fd_jingle_action_name (FdJingleAction action)
{
  return action_names[action];
}

void
fd_transport_info_clear (FdTransportInfo *info)
{
  g_clear_pointer (&info->s5b, fd_s5b_info_free);
  g_clear_pointer (&info->ibb, fd_ibb_info_free);
  info->kind = FD_TRANSPORT_KIND_NONE;
}

void
fd_transport_info_copy (FdTransportInfo *dest, const FdTransportInfo *src)
{
  dest->kind = src->kind;
  dest->s5b = src->s5b ? fd_s5b_info_copy (src->s5b) : NULL;
  dest->ibb = src->ibb ? fd_ibb_info_new (src->ibb->sid, src->ibb->block_size) : NULL;
}

const char *
fd_transport_info_get_sid (const FdTransportInfo *info)
{
  return info->s5b ? info->s5b->sid : info->ibb ? info->ibb->sid : NULL;
}

FdJingleContent *
fd_jingle_content_new (gboolean by_initiator, const char *name)
{
  FdJingleContent *content = g_new0 (FdJingleContent, 1);

  content->by_initiator = by_initiator;
  content->name = g_strdup (name);
  return content;
}

void
fd_jingle_content_free (FdJingleContent *content)
{
  g_free (content->name);
  g_clear_pointer (&content->file, fd_file_free);
  g_free (content->application);
  fd_transport_info_clear (&content->transport);
  g_free (content);
}

FdJingleMessage *
fd_jingle_message_new (FdJingleAction action, const char *sid)
{
  FdJingleMessage *message = g_new0 (FdJingleMessage, 1);

  message->action = action;
  message->sid = g_strdup (sid);
  message->contents = g_ptr_array_new_with_free_func ((GDestroyNotify) fd_jingle_content_free);
  return message;
}

void
fd_jingle_message_free (FdJingleMessage *message)
{
  if (!message)
    return;
  g_free (message->sid);
  g_free (message->initiator);
  g_free (message->responder);
  g_ptr_array_unref (message->contents);
  g_free (message->reason);
  g_free (message->reason_text);
  g_free (message->reason_detail);
  g_clear_pointer (&message->checksum, fd_file_free);
  g_free (message->info_content);
  g_free (message->batch_id);
  g_free (message);
}

FdJingleContent *
fd_jingle_message_add_content (FdJingleMessage *message, gboolean by_initiator, const char *name)
{
  FdJingleContent *content = fd_jingle_content_new (by_initiator, name);

  g_ptr_array_add (message->contents, content);
  return content;
}

FdJingleContent *
fd_jingle_message_get_content (const FdJingleMessage *message)
{
  return message->contents->len > 0 ? message->contents->pdata[0] : NULL;
}

/* --- parsing --- */

/* The index of @name in a table that may have holes; -1 if it is not there. */
static int
find_name (const char *const *names, gsize n_names, const char *name)
{
  for (gsize i = 0; name && i < n_names; i++)
    if (names[i] && strcmp (names[i], name) == 0)
      return (int) i;
  return -1;
}

static gboolean
parse_transport (FdTransportInfo *info, xmpp_stanza_t *transport, GError **error)
{
  info->kind = FD_TRANSPORT_KIND_OTHER;
  if (fd_xml_is (transport, "transport", FD_NS_S5B))
    {
      info->kind = FD_TRANSPORT_KIND_S5B;
      info->s5b = fd_s5b_info_parse (transport, error);
      return info->s5b != NULL;
    }
  if (fd_xml_is (transport, "transport", FD_NS_JINGLE_IBB))
    {
      info->kind = FD_TRANSPORT_KIND_IBB;
      info->ibb = fd_ibb_info_parse (transport, error);
      return info->ibb != NULL;
    }
  return TRUE;
}

static void
parse_description (FdJingleContent *content, xmpp_stanza_t *description)
{
  xmpp_stanza_t *file = fd_xml_child (description, "file", NULL);

  content->application = g_strdup (xmpp_stanza_get_ns (description));
  if (!file || !fd_description_find_version (content->application, &content->version))
    return;
  content->file = fd_description_parse_file (file);
  if (fd_xml_child (file, "encrypted", NULL)) /* old Conversations, before there was <security/> */
    content->secured = TRUE;
}

static gboolean
parse_content (FdJingleMessage *message, xmpp_stanza_t *element, GError **error)
{
  const char *creator = fd_xml_attr (element, "creator");
  const char *name = fd_xml_attr (element, "name");
  int senders = find_name (senders_names, G_N_ELEMENTS (senders_names), fd_xml_attr (element, "senders"));
  xmpp_stanza_t *description = fd_xml_child (element, "description", NULL);
  xmpp_stanza_t *transport = fd_xml_child (element, "transport", NULL);
  FdJingleContent *content;

  if (!name || message->contents->len == FD_JINGLE_MAX_CONTENTS)
    {
      g_set_error (error, FD_ERROR, FD_ERROR_PROTOCOL, "A content has no name, or there are more than %d",
                   FD_JINGLE_MAX_CONTENTS);
      return FALSE;
    }
  content = fd_jingle_message_add_content (message, g_strcmp0 (creator, "responder") != 0, name);
  content->senders = senders < 0 ? FD_SENDERS_MISSING : (FdSenders) senders;
  content->secured = fd_xml_child (element, "security", NULL) != NULL;
  if (description)
    parse_description (content, description);
  return !transport || parse_transport (&content->transport, transport, error);
}

static void
parse_reason (FdJingleMessage *message, xmpp_stanza_t *reason)
{
  FD_XML_FOREACH (child, reason)
    {
      const char *ns = xmpp_stanza_get_ns (child);

      if (fd_xml_is (child, "text", NULL))
        {
          g_free (message->reason_text);
          message->reason_text = fd_xml_text (child);
        }
      else if (ns && strcmp (ns, FD_NS_JINGLE) != 0)
        {
          g_free (message->reason_detail);
          message->reason_detail = g_strdup (xmpp_stanza_get_name (child));
        }
      else if (!message->reason)
        {
          message->reason = g_strdup (xmpp_stanza_get_name (child));
          g_strdelimit (message->reason, "_", '-'); /* Dino writes failed_transport */
        }
    }
}

static void
parse_info (FdJingleMessage *message, xmpp_stanza_t *jingle)
{
  FD_XML_FOREACH (child, jingle)
    {
      xmpp_stanza_t *file = fd_xml_child (child, "file", NULL);
      gboolean ours = fd_description_find_version (xmpp_stanza_get_ns (child), &message->version);

      message->info = FD_SESSION_INFO_OTHER;
      if (ours && fd_xml_is (child, "received", NULL))
        message->info = FD_SESSION_INFO_RECEIVED;
      else if (ours && file && fd_xml_is (child, "checksum", NULL))
        {
          message->info = FD_SESSION_INFO_CHECKSUM;
          message->checksum = fd_description_parse_file (file);
        }
      message->info_content = g_strdup (fd_xml_attr (child, "name"));
      return; /* exactly one payload, XEP-0166 §7.2.8 */
    }
  message->info = FD_SESSION_INFO_PING;
}

static void
parse_batch (FdJingleMessage *message, xmpp_stanza_t *batch)
{
  const char *id = fd_xml_attr (batch, "id");

  message->batch = TRUE;
  if (!message->batch_id && id && fd_file_is_id (id))
    message->batch_id = g_strdup (id);
}

FdJingleMessage *
fd_jingle_message_parse (xmpp_stanza_t *jingle, GError **error)
{
  g_autoptr (FdJingleMessage) message = NULL;
  const char *sid = fd_xml_attr (jingle, "sid");
  int action = find_name (action_names, G_N_ELEMENTS (action_names), fd_xml_attr (jingle, "action"));

  if (!fd_xml_is (jingle, "jingle", FD_NS_JINGLE) || !sid || action < 0)
    {
      g_set_error_literal (error, FD_ERROR, FD_ERROR_PROTOCOL, "Not a Jingle action with a session id");
      return NULL;
    }
  message = fd_jingle_message_new ((FdJingleAction) action, sid);
  message->initiator = g_strdup (fd_xml_attr (jingle, "initiator"));
  message->responder = g_strdup (fd_xml_attr (jingle, "responder"));
  if (message->action == FD_JINGLE_SESSION_INFO)
    {
      parse_info (message, jingle);
      return g_steal_pointer (&message);
    }
  FD_XML_FOREACH (child, jingle)
    {
      if (fd_xml_is (child, "reason", NULL))
        parse_reason (message, child);
      else if (fd_xml_is (child, "batch", FD_NS_BATCH))
        parse_batch (message, child);
      else if (fd_xml_is (child, "early-accept", FD_NS_EARLY_ACCEPT))
        message->early_accept = TRUE;
      else if (fd_xml_is (child, "content", NULL) && !parse_content (message, child, error))
        return NULL;
    }
  return g_steal_pointer (&message);
}

/* --- building --- */

/* Psi refuses a content without senders; where we do not know, its creator sends. */
static const char *
get_senders (const FdJingleContent *content)
{
  if (content->senders == FD_SENDERS_MISSING)
    return content->by_initiator ? "initiator" : "responder";
  return senders_names[content->senders];
}

static void
build_content (xmpp_stanza_t *jingle, const FdJingleContent *content)
{
  xmpp_stanza_t *element
    = fd_xml_add (jingle, "content", NULL, "creator", content->by_initiator ? "initiator" : "responder",
                  "name", content->name, "senders", get_senders (content), NULL);
  xmpp_stanza_t *transport = NULL;

  if (content->file)
    fd_description_add_file (fd_xml_add (element, "description", fd_description_ns (content->version), NULL),
                             content->file, content->version);
  if (content->transport.s5b)
    transport = fd_s5b_info_build (content->transport.s5b);
  else if (content->transport.ibb)
    transport = fd_ibb_info_build (content->transport.ibb);
  if (transport)
    xmpp_stanza_add_child_ex (element, transport, FALSE);
}

static void
build_reason (xmpp_stanza_t *jingle, const FdJingleMessage *message)
{
  xmpp_stanza_t *reason = fd_xml_add (jingle, "reason", NULL, NULL);

  fd_xml_add (reason, message->reason, NULL, NULL);
  if (message->reason_text)
    fd_xml_add_text (reason, "text", message->reason_text);
  if (message->reason_detail)
    fd_xml_add (reason, message->reason_detail, FD_NS_FILE_TRANSFER_ERRORS, NULL);
}

static void
build_info (xmpp_stanza_t *jingle, const FdJingleMessage *message)
{
  const char *element = message->info == FD_SESSION_INFO_CHECKSUM ? "checksum" : "received";
  xmpp_stanza_t *child;

  if (message->info == FD_SESSION_INFO_PING)
    return;
  child = fd_xml_add (jingle, element, fd_description_ns (message->version), "creator", "initiator", "name",
                      message->info_content, NULL);
  if (message->info == FD_SESSION_INFO_CHECKSUM)
    fd_description_add_checksum (child, message->checksum, message->version);
}

xmpp_stanza_t *
fd_jingle_message_build (const FdJingleMessage *message)
{
  xmpp_stanza_t *jingle
    = fd_xml_new ("jingle", FD_NS_JINGLE, "action", action_names[message->action], "sid", message->sid,
                  "initiator", message->initiator, "responder", message->responder, NULL);

  for (guint i = 0; i < message->contents->len; i++)
    build_content (jingle, message->contents->pdata[i]);
  if (message->batch)
    fd_xml_add (jingle, "batch", FD_NS_BATCH, "id", message->batch_id, NULL);
  if (message->early_accept)
    fd_xml_add (jingle, "early-accept", FD_NS_EARLY_ACCEPT, NULL);
  if (message->reason)
    build_reason (jingle, message);
  if (message->action == FD_JINGLE_SESSION_INFO)
    build_info (jingle, message);
  return jingle;
}
