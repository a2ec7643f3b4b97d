/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The words for each way a stream can end.
 */
#include "xmpp/failure.h"

#include "xmpp/ns.h"

#include <string.h>

#define MAX_SERVER_TEXT 200 /* characters of the server's own words that are shown */
#define MAX_REDIRECT 300 /* a host name has 253 */

void
fd_failure_clear (FdFailure *failure)
{
  g_clear_error (&failure->error);
  g_clear_pointer (&failure->refused, g_free);
  g_clear_pointer (&failure->redirect, g_free);
  failure->fatal = FALSE;
}

void
fd_failure_set (FdFailure *failure, gboolean fatal, FdErrorCode code, const char *format, ...)
{
  va_list args;

  if (failure->error)
    return;
  va_start (args, format);
  failure->error = g_error_new_valist (FD_ERROR, (gint) code, format, args);
  va_end (args);
  failure->fatal = fatal;
}

typedef struct
{
  const char *condition;
  gboolean fatal;
  FdErrorCode code;
  const char *text;
} Words;

/* The defined condition is the first child that is not the text. */
static const char *
get_condition (xmpp_stanza_t *element, const char *ns)
{
  FD_XML_FOREACH (child, element)
    {
      if (fd_xml_is (child, xmpp_stanza_get_name (child), ns) && !fd_xml_is (child, "text", ns))
        return xmpp_stanza_get_name (child);
    }
  return "";
}

static const Words *
find_words (const Words *words, guint n_words, const char *condition)
{
  for (guint i = 0; i + 1 < n_words; i++)
    {
      if (g_str_equal (words[i].condition, condition))
        return &words[i];
    }
  return &words[n_words - 1];
}

/* Marks that change the direction of what follows. */
static gboolean
is_bidi_control (gunichar c)
{
  return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* Line ends make lines of their own in logs, and control characters, which XML
 * allows above 0x7f, move the cursors of terminals. */
static char *
make_plain (const char *text)
{
  g_autoptr (GString) plain = g_string_new (NULL);

  for (; *text; text = g_utf8_next_char (text))
    {
      gunichar c = g_utf8_get_char (text);

      g_string_append_unichar (plain, g_unichar_iscntrl (c) || is_bidi_control (c) ? ' ' : c);
    }
  return g_string_free (g_steal_pointer (&plain), FALSE);
}

/* What the server says about it, " (…)" or "". */
static char *
quote_text (xmpp_stanza_t *element, const char *condition, gboolean known)
{
  g_autofree char *text = fd_xml_child_text (element, "text");
  const char *shown = text && *text ? text : known ? "" : condition;
  g_autofree char *cut = g_utf8_substring (shown, 0, MIN (g_utf8_strlen (shown, -1), MAX_SERVER_TEXT));

  g_autofree char *plain = make_plain (cut);

  return *plain ? g_strdup_printf (" (%s)", plain) : g_strdup ("");
}

void
fd_failure_from_stream_error (FdFailure *failure, xmpp_stanza_t *element, const char *domain)
{
  static const Words words[] = {
    { "conflict", TRUE, FD_ERROR_CONNECTION_FAILED,
      "another session of the account took our resource; end it or set another resource" },
    { "host-unknown", FALSE, FD_ERROR_CONNECTION_FAILED, "it does not serve this domain" },
    { "host-gone", FALSE, FD_ERROR_CONNECTION_FAILED, "it no longer serves this domain" },
    { "see-other-host", FALSE, FD_ERROR_CONNECTION_FAILED, "it says that another host serves us" },
    { "system-shutdown", FALSE, FD_ERROR_CONNECTION_FAILED, "it is shutting down" },
    { "reset", FALSE, FD_ERROR_CONNECTION_FAILED, "it wants us to connect anew" },
    { "connection-timeout", FALSE, FD_ERROR_CONNECTION_FAILED, "it saw no sign of life from us" },
    { "remote-connection-failed", FALSE, FD_ERROR_CONNECTION_FAILED, "it lacks a service that it needs" },
    { "internal-server-error", FALSE, FD_ERROR_CONNECTION_FAILED, "it has a fault" },
    { "resource-constraint", FALSE, FD_ERROR_BUSY, "it is overloaded" },
    { "not-authorized", TRUE, FD_ERROR_AUTHENTICATION_FAILED, "it does not authorize the account" },
    { "policy-violation", FALSE, FD_ERROR_PROTOCOL, "it says that we violate its policy" },
    { "", FALSE, FD_ERROR_PROTOCOL, "it gave no reason that we know" },
  };
  const char *condition = get_condition (element, NS_STREAM_ERRORS);
  const Words *found = find_words (words, G_N_ELEMENTS (words), condition);
  g_autofree char *more = quote_text (element, condition, *found->condition);

  fd_failure_set (failure, found->fatal, found->code, "The server of %s ended the stream: %s%s", domain,
                  found->text, more);
  if (g_str_equal (condition, "see-other-host") && !failure->redirect)
    {
      g_autofree char *host = fd_xml_child_text (element, condition);

      if (host && *host && strlen (host) <= MAX_REDIRECT)
        failure->redirect = g_steal_pointer (&host);
    }
}

void
fd_failure_from_sasl (FdFailure *failure, xmpp_stanza_t *element, const char *credential, const char *jid,
                      const char *domain)
{
  static const Words words[] = {
    { "not-authorized", TRUE, FD_ERROR_AUTHENTICATION_FAILED, "refused the CREDENTIAL of JID; set it again" },
    { "credentials-expired", TRUE, FD_ERROR_AUTHENTICATION_FAILED,
      "says that the CREDENTIAL of JID has expired; set a new one" },
    { "account-disabled", TRUE, FD_ERROR_AUTHENTICATION_FAILED, "says that the account JID is disabled" },
    { "temporary-auth-failure", FALSE, FD_ERROR_AUTHENTICATION_FAILED,
      "cannot check the CREDENTIAL of JID just now" },
    { "", TRUE, FD_ERROR_AUTHENTICATION_FAILED, "did not log JID in" },
  };
  const char *condition = get_condition (element, NS_SASL);
  const Words *found = find_words (words, G_N_ELEMENTS (words), condition);
  g_autofree char *more = quote_text (element, condition, *found->condition);
  g_autoptr (GString) text = g_string_new (found->text);

  g_string_replace (text, "CREDENTIAL", credential, 1);
  g_string_replace (text, "JID", jid, 1);
  fd_failure_set (failure, found->fatal, found->code, "The server of %s %s%s", domain, text->str, more);
}
