/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * STARTTLS, a step at a time.
 */
#include "xmpp/starttls.h"

#include "base/error.h"
#include "xmpp/guard.h"
#include "xmpp/ns.h"

struct FdStarttls
{
  char *domain;
  FdGuard *guard;
  char *output;
  gboolean fresh; /* the output was not taken */
  gboolean asked;
};

FdStarttls *
fd_starttls_new (const char *domain)
{
  FdStarttls *starttls = g_new0 (FdStarttls, 1);

  starttls->domain = g_strdup (domain);
  starttls->guard = fd_guard_new (FD_GUARD_MAX_CLEAR);
  starttls->output
    = g_markup_printf_escaped ("<?xml version='1.0'?><stream:stream to='%s' version='1.0' xmlns='" NS_CLIENT
                               "' xmlns:stream='" NS_STREAMS "'>",
                               domain);
  starttls->fresh = TRUE;
  return starttls;
}

void
fd_starttls_free (FdStarttls *starttls)
{
  if (!starttls)
    return;
  fd_guard_free (starttls->guard);
  g_free (starttls->output);
  g_free (starttls->domain);
  g_free (starttls);
}

const char *
fd_starttls_take_output (FdStarttls *starttls)
{
  gboolean fresh = starttls->fresh;

  starttls->fresh = FALSE;
  return fresh ? starttls->output : NULL;
}

static FdStarttlsState
take_features (FdStarttls *starttls, xmpp_stanza_t *features, FdFailure *failure)
{
  if (!fd_xml_child (features, "starttls", NS_TLS))
    {
      fd_failure_set (failure, TRUE, FD_ERROR_TLS_FAILED,
                      "The server of %s offers no TLS (STARTTLS); without it no password is sent",
                      starttls->domain);
      return FD_STARTTLS_FAILED;
    }
  g_free (starttls->output);
  starttls->output = g_strdup ("<starttls xmlns='" NS_TLS "'/>");
  starttls->fresh = starttls->asked = TRUE;
  return FD_STARTTLS_GOES_ON;
}

static FdStarttlsState
take_element (FdStarttls *starttls, xmpp_stanza_t *element, FdFailure *failure)
{
  if (fd_xml_is (element, "stream", NS_STREAMS))
    return FD_STARTTLS_GOES_ON;
  if (fd_xml_is (element, "error", NS_STREAMS))
    {
      fd_failure_from_stream_error (failure, element, starttls->domain);
      failure->fatal = FALSE; /* anybody on the way can say it */
      return FD_STARTTLS_FAILED;
    }
  if (fd_xml_is (element, "features", NS_STREAMS) && !starttls->asked)
    return take_features (starttls, element, failure);
  if (fd_xml_is (element, "proceed", NS_TLS) && starttls->asked)
    return FD_STARTTLS_PROCEED;
  if (fd_xml_is (element, "failure", NS_TLS))
    fd_failure_set (failure, FALSE, FD_ERROR_TLS_FAILED,
                    "The server of %s cannot do TLS just now, though it offers it", starttls->domain);
  else
    fd_failure_set (failure, FALSE, FD_ERROR_PROTOCOL,
                    "The server of %s sent something else where TLS should begin", starttls->domain);
  return FD_STARTTLS_FAILED;
}

FdStarttlsState
fd_starttls_feed (FdStarttls *starttls, const char *bytes, gsize length, FdFailure *failure)
{
  FdStarttlsState state = FD_STARTTLS_GOES_ON;
  g_autoptr (GError) error = NULL;
  gboolean fine = fd_guard_feed (starttls->guard, bytes, length, &error);

  /* what came before the fault counts: it may be the server's reason */
  while (state == FD_STARTTLS_GOES_ON)
    {
      g_autoptr (FdXml) element = fd_guard_take (starttls->guard);

      if (!element)
        break;
      state = take_element (starttls, element, failure);
    }
  /* who puts something behind <proceed/> wants it to be read as if it came through TLS */
  if (state == FD_STARTTLS_FAILED || (state == FD_STARTTLS_PROCEED && fine))
    return state;
  if (!fine)
    fd_failure_set (failure, FALSE, FD_ERROR_PROTOCOL, "The server of %s sent %s", starttls->domain,
                    error->message);
  else if (length == 0 || fd_guard_is_closed (starttls->guard))
    fd_failure_set (failure, FALSE, FD_ERROR_CONNECTION_FAILED,
                    "The server of %s broke off before or during the TLS handshake", starttls->domain);
  else
    return FD_STARTTLS_GOES_ON;
  return FD_STARTTLS_FAILED;
}
