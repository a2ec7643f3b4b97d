/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The S5B <transport/> element to and from its struct (XEP-0260 §2.2-2.4):
 * lenient with what clients leave out, complete in what we write.
 */
#include "s5b/info.h"
#include "base/error.h"
#include "s5b/dstaddr.h"

#include <gio/gio.h>
#include <string.h>

#define DEFAULT_PORT 1080
#define MAX_CID 64 /* bytes; nobody writes more than 36 */
#define MAX_HOST 253 /* bytes of a DNS name */
#define MAX_JID 3071 /* RFC 6122 §2.1 */

static const char *const type_names[] = {
  [FD_S5B_DIRECT] = "direct",
  [FD_S5B_ASSISTED] = "assisted",
  [FD_S5B_TUNNEL] = "tunnel",
  [FD_S5B_PROXY] = "proxy",
};

static const char *const kind_names[] = {
  [FD_S5B_CANDIDATE_USED] = "candidate-used",
  [FD_S5B_CANDIDATE_ERROR] = "candidate-error",
  [FD_S5B_ACTIVATED] = "activated",
  [FD_S5B_PROXY_ERROR] = "proxy-error",
};

static const char *const mark_names[] = {
  [FD_S5B_MARK_FOLLOW] = "candidates-follow",
  [FD_S5B_MARK_DONE] = "candidates-done",
};

void
fd_s5b_candidate_free (FdS5bCandidate *candidate)
{
  if (!candidate)
    return;
  g_free (candidate->cid);
  g_free (candidate->host);
  g_free (candidate->jid);
  g_free (candidate);
}

FdS5bCandidate *
fd_s5b_candidate_copy (const FdS5bCandidate *candidate)
{
  FdS5bCandidate *copy = g_memdup2 (candidate, sizeof *candidate);

  copy->cid = g_strdup (candidate->cid);
  copy->host = g_strdup (candidate->host);
  copy->jid = g_strdup (candidate->jid);
  return copy;
}

gboolean
fd_s5b_candidate_is_at (const FdS5bCandidate *candidate, const char *host, guint16 port)
{
  g_autoptr (GInetAddress) left = g_inet_address_new_from_string (candidate->host);
  g_autoptr (GInetAddress) right = g_inet_address_new_from_string (host);

  if (candidate->port != port)
    return FALSE;
  if (left && right)
    return g_inet_address_equal (left, right);
  return g_ascii_strcasecmp (candidate->host, host) == 0;
}

FdS5bInfo *
fd_s5b_info_new (FdS5bKind kind, const char *sid)
{
  FdS5bInfo *info = g_new0 (FdS5bInfo, 1);

  info->kind = kind;
  info->sid = g_strdup (sid);
  info->candidates = g_ptr_array_new_with_free_func ((GDestroyNotify) fd_s5b_candidate_free);
  return info;
}

FdS5bInfo *
fd_s5b_info_copy (const FdS5bInfo *info)
{
  FdS5bInfo *copy = g_memdup2 (info, sizeof *info);

  copy->sid = g_strdup (info->sid);
  copy->dstaddr = g_strdup (info->dstaddr);
  copy->cid = g_strdup (info->cid);
  copy->candidates = g_ptr_array_new_with_free_func ((GDestroyNotify) fd_s5b_candidate_free);
  for (guint i = 0; i < info->candidates->len; i++)
    g_ptr_array_add (copy->candidates, fd_s5b_candidate_copy (info->candidates->pdata[i]));
  return copy;
}

void
fd_s5b_info_free (FdS5bInfo *info)
{
  if (!info)
    return;
  g_free (info->sid);
  g_free (info->dstaddr);
  g_free (info->cid);
  g_ptr_array_unref (info->candidates);
  g_free (info);
}

static FdS5bType
parse_type (const char *text)
{
  for (guint i = 0; text && i < G_N_ELEMENTS (type_names); i++)
    {
      if (g_str_equal (text, type_names[i]))
        return i;
    }
  return FD_S5B_DIRECT;
}

static char *
parse_dstaddr (const char *text)
{
  if (!text || strlen (text) != FD_S5B_DSTADDR_LENGTH
      || strspn (text, "0123456789abcdefABCDEF") != FD_S5B_DSTADDR_LENGTH)
    return NULL;
  return g_ascii_strdown (text, -1);
}

/* "[::1]" and "::1" mean the same; an address with a scope is of no use to us. */
static char *
parse_host (const char *text)
{
  gsize length = text ? strlen (text) : 0;

  if (length == 0 || length > MAX_HOST || strpbrk (text, "% \t\r\n/"))
    return NULL;
  if (text[0] == '[' && text[length - 1] == ']')
    return length > 2 ? g_strndup (text + 1, length - 2) : NULL;
  return g_strdup (text);
}

static FdS5bCandidate *
parse_candidate (xmpp_stanza_t *element)
{
  const char *cid = fd_xml_attr (element, "cid");
  const char *jid = fd_xml_attr (element, "jid");
  g_autofree char *host = parse_host (fd_xml_attr (element, "host"));
  guint64 port = DEFAULT_PORT, priority = 0;
  FdS5bCandidate *candidate;

  if (!cid || !*cid || strlen (cid) > MAX_CID || !host || (jid && strlen (jid) > MAX_JID))
    return NULL;
  if (fd_xml_attr (element, "port") && !fd_xml_attr_uint (element, "port", 1, G_MAXUINT16, &port))
    return NULL;
  fd_xml_attr_uint (element, "priority", 0, G_MAXUINT32, &priority);

  candidate = g_new0 (FdS5bCandidate, 1);
  candidate->cid = g_strdup (cid);
  candidate->host = g_steal_pointer (&host);
  candidate->jid = jid && *jid ? g_strdup (jid) : NULL;
  candidate->port = port;
  candidate->priority = priority;
  candidate->type = parse_type (fd_xml_attr (element, "type"));
  return candidate;
}

static gboolean
has_cid (const FdS5bInfo *info, const char *cid)
{
  for (guint i = 0; i < info->candidates->len; i++)
    {
      if (g_str_equal (((FdS5bCandidate *) info->candidates->pdata[i])->cid, cid))
        return TRUE;
    }
  return FALSE;
}

static void
add_candidate (FdS5bInfo *info, xmpp_stanza_t *element)
{
  FdS5bCandidate *candidate = parse_candidate (element);

  if (candidate && info->candidates->len < FD_S5B_MAX_CANDIDATES && !has_cid (info, candidate->cid))
    {
      g_ptr_array_add (info->candidates, candidate);
      return;
    }
  g_debug ("Ignoring a candidate of the peer: it is malformed, repeated or one too many");
  fd_s5b_candidate_free (candidate);
}

static void
parse_child (FdS5bInfo *info, xmpp_stanza_t *child)
{
  if (fd_xml_is (child, mark_names[FD_S5B_MARK_DONE], FD_NS_EOC))
    info->mark = FD_S5B_MARK_DONE;
  else if (fd_xml_is (child, mark_names[FD_S5B_MARK_FOLLOW], FD_NS_EOC))
    info->mark = MAX (info->mark, FD_S5B_MARK_FOLLOW);
  else if (fd_xml_is (child, "cid-dst", FD_NS_CID_DST))
    info->cid_dst = TRUE;
  else if (fd_xml_is (child, "candidate", NULL))
    add_candidate (info, child);
  else if (info->kind == FD_S5B_CANDIDATES)
    {
      for (FdS5bKind kind = FD_S5B_CANDIDATE_USED; kind <= FD_S5B_PROXY_ERROR; kind++)
        {
          const char *cid = fd_xml_attr (child, "cid");

          if (!fd_xml_is (child, kind_names[kind], NULL))
            continue;
          info->kind = kind;
          info->cid = cid && strlen (cid) <= MAX_CID ? g_strdup (cid) : NULL;
        }
    }
}

FdS5bInfo *
fd_s5b_info_parse (xmpp_stanza_t *transport, GError **error)
{
  FdS5bInfo *info;

  if (!fd_xml_is (transport, "transport", FD_NS_S5B))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_PROTOCOL, "Not a SOCKS5 bytestream transport");
      return NULL;
    }

  info = fd_s5b_info_new (FD_S5B_CANDIDATES, fd_xml_attr (transport, "sid"));
  info->dstaddr = parse_dstaddr (fd_xml_attr (transport, "dstaddr"));
  info->udp = g_strcmp0 (fd_xml_attr (transport, "mode"), "udp") == 0;
  FD_XML_FOREACH (child, transport)
    parse_child (info, child);
  return info;
}

xmpp_stanza_t *
fd_s5b_info_build (const FdS5bInfo *info)
{
  xmpp_stanza_t *transport
    = fd_xml_new ("transport", FD_NS_S5B, "sid", info->sid, "dstaddr", info->dstaddr, NULL);

  for (guint i = 0; i < info->candidates->len; i++)
    {
      const FdS5bCandidate *candidate = info->candidates->pdata[i];
      g_autofree char *port = g_strdup_printf ("%u", candidate->port);
      g_autofree char *priority = g_strdup_printf ("%u", candidate->priority);

      fd_xml_add (transport, "candidate", NULL, "cid", candidate->cid, "host", candidate->host, "jid",
                  candidate->jid, "port", port, "priority", priority, "type", type_names[candidate->type],
                  NULL);
    }
  if (info->kind != FD_S5B_CANDIDATES)
    fd_xml_add (transport, kind_names[info->kind], NULL, "cid", info->cid, NULL);
  if (info->mark != FD_S5B_MARK_NONE)
    fd_xml_add (transport, mark_names[info->mark], FD_NS_EOC, NULL);
  if (info->cid_dst)
    fd_xml_add (transport, "cid-dst", FD_NS_CID_DST, NULL);
  return transport;
}
