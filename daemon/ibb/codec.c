/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The IBB <transport/> element of Jingle (XEP-0261 §2).
 */
#include "base/error.h"
#include "ibb/transport.h"

/* What XEP-0047 §5 recommends, and Gajim uses whatever was agreed. */
#define DEFAULT_BLOCK_SIZE 4096

FdIbbInfo *
fd_ibb_info_new (const char *sid, guint block_size)
{
  FdIbbInfo *info = g_new0 (FdIbbInfo, 1);

  info->sid = g_strdup (sid);
  info->block_size = block_size ? block_size : DEFAULT_BLOCK_SIZE;
  return info;
}

void
fd_ibb_info_free (FdIbbInfo *info)
{
  if (!info)
    return;
  g_free (info->sid);
  g_free (info);
}

FdIbbInfo *
fd_ibb_info_parse (xmpp_stanza_t *transport, GError **error)
{
  guint64 block_size = 0;

  if (!fd_xml_is (transport, "transport", FD_NS_JINGLE_IBB))
    {
      g_set_error_literal (error, FD_ERROR, FD_ERROR_PROTOCOL, "This is not an in-band transport");
      return NULL;
    }
  if (fd_xml_attr (transport, "block-size")
      && !fd_xml_attr_uint (transport, "block-size", 0, FD_IBB_BLOCK_SIZE_MAX, &block_size))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_PROTOCOL, "The block size “%s” is not one of 1 to %u",
                   fd_xml_attr (transport, "block-size"), FD_IBB_BLOCK_SIZE_MAX);
      return NULL;
    }
  return fd_ibb_info_new (fd_xml_attr (transport, "sid"), block_size);
}

xmpp_stanza_t *
fd_ibb_info_build (const FdIbbInfo *info)
{
  g_autofree char *block_size = g_strdup_printf ("%u", info->block_size);

  return fd_xml_new ("transport", FD_NS_JINGLE_IBB, "block-size", block_size, "sid", info->sid, NULL);
}
