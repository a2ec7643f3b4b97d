/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Preparation and parts of JIDs (RFC 6122, which is what servers implement).
 * libstrophe 0.12.2 neither validates JIDs nor splits them in the right order.
 */
#include "xmpp/jid.h"

#include "base/error.h"

#include <idn-free.h>
#include <idna.h>
#include <string.h>
#include <stringprep.h>

#define MAX_PART 1023 /* bytes, RFC 6122 §2.1 */
#define MAX_JID (3 * MAX_PART + 2)

static char *
prepare_part (const char *jid, const char *part, const char *what, const Stringprep_profile *profile,
              GError **error)
{
  char buffer[4 * MAX_PART + 1];
  gsize length = strlen (part);

  if (length == 0 || length > MAX_PART)
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_JID, "“%s” is not a JID: its %s is %s", jid, what,
                   length == 0 ? "empty" : "longer than 1023 bytes");
      return NULL;
    }

  memcpy (buffer, part, length + 1);
  if (stringprep (buffer, sizeof buffer, 0, profile) != STRINGPREP_OK || buffer[0] == '\0'
      || strlen (buffer) > MAX_PART)
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_JID,
                   "“%s” is not a JID: its %s has characters that are not allowed there", jid, what);
      return NULL;
    }
  return g_strdup (buffer);
}

/* nameprep alone lets through what no host name has. */
static gboolean
is_host (const char *domain)
{
  g_autofree char *inner = NULL;
  char *ascii = NULL;
  gboolean valid;

  if (domain[0] == '[' && g_str_has_suffix (domain, "]"))
    {
      inner = g_strndup (domain + 1, strlen (domain) - 2);
      return g_hostname_is_ip_address (inner);
    }
  if (strpbrk (domain, " !\"#$%&'()*+,/:;<=>?@[\\]^`{|}~"))
    return FALSE;
  valid = idna_to_ascii_8z (domain, &ascii, 0) == IDNA_SUCCESS;
  idn_free (ascii);
  return valid;
}

static char *
prepare_domain (const char *jid, const char *part, GError **error)
{
  g_autofree char *domain = prepare_part (jid, part, "domain", stringprep_nameprep, error);

  if (!domain)
    return NULL;
  if (domain[1] != '\0' && g_str_has_suffix (domain, "."))
    domain[strlen (domain) - 1] = '\0';
  if (!is_host (domain))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_JID, "“%s” is not a JID: its domain is not a host name",
                   jid);
      return NULL;
    }
  return g_steal_pointer (&domain);
}

char *
fd_jid_prepare (const char *jid, GError **error)
{
  const char *slash = strchr (jid, '/');
  g_autofree char *bare = slash ? g_strndup (jid, slash - jid) : g_strdup (jid);
  char *at = strchr (bare, '@');
  g_autofree char *node = NULL, *domain = NULL, *resource = NULL;

  if (strlen (jid) > MAX_JID || !g_utf8_validate (jid, -1, NULL))
    {
      g_set_error_literal (error, FD_ERROR, FD_ERROR_INVALID_JID, "The JID is too long or not valid UTF-8");
      return NULL;
    }
  if (at)
    {
      *at = '\0';
      node = prepare_part (jid, bare, "part before the @", stringprep_xmpp_nodeprep, error);
      if (!node)
        return NULL;
    }
  domain = prepare_domain (jid, at ? at + 1 : bare, error);
  if (!domain)
    return NULL;
  if (slash)
    {
      resource = prepare_part (jid, slash + 1, "resource", stringprep_xmpp_resourceprep, error);
      if (!resource)
        return NULL;
    }
  return g_strconcat (node ? node : "", node ? "@" : "", domain, resource ? "/" : "", resource, NULL);
}

char *
fd_jid_prepare_bare (const char *jid, GError **error)
{
  g_autofree char *prepared = fd_jid_prepare (jid, error);

  if (!prepared)
    return NULL;
  if (!strchr (prepared, '@') || fd_jid_resource (prepared))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_JID, "“%s” is not an address like user@example.org",
                   jid);
      return NULL;
    }
  return g_steal_pointer (&prepared);
}

char *
fd_jid_bare (const char *jid)
{
  return g_strndup (jid, strcspn (jid, "/"));
}

char *
fd_jid_node (const char *jid)
{
  gsize length = strcspn (jid, "@/");

  return jid[length] == '@' ? g_strndup (jid, length) : NULL;
}

char *
fd_jid_domain (const char *jid)
{
  gsize node = strcspn (jid, "@/");
  const char *domain = jid[node] == '@' ? jid + node + 1 : jid;

  return fd_jid_bare (domain);
}

const char *
fd_jid_resource (const char *jid)
{
  const char *slash = strchr (jid, '/');

  return slash ? slash + 1 : NULL;
}

gboolean
fd_jid_same_bare (const char *a, const char *b)
{
  gsize length = strcspn (a, "/");

  return length == strcspn (b, "/") && strncmp (a, b, length) == 0;
}
