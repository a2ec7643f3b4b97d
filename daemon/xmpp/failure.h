/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Why a login failed or a stream ended, in words. libstrophe tells it in five
 * places (event, stream error, certificate callback, log, silence); here they
 * are put together.
 */
#pragma once

#include <glib.h>
#include <strophe.h>

/* What was seen while the stream lived. */
typedef struct
{
  const char *jid; /* bare */
  const char *domain;
  gboolean online; /* it was up */
  gboolean secured; /* the TLS handshake was completed */
  gboolean timed_out; /* the watchdog ended it */
  char *certificate; /* what is wrong with it, a whole sentence */
  gboolean tls_missing;
  gboolean sasl_failed;
  gboolean sasl_passing; /* … for a reason of the server's that will pass */
  char *last_log; /* last warning of the library */
} FdFailure;

void fd_failure_clear (FdFailure *failure);

/* For the library's log: keeps what tells a cause. */
void fd_failure_note_log (FdFailure *failure, xmpp_log_level_t level, const char *message);

/* For the certificate callback. */
void fd_failure_note_certificate (FdFailure *failure, const xmpp_tlscert_t *certificate, const char *reason);

/* The error to show; @ret_fatal: another attempt would end the same way. */
GError *fd_failure_describe (const FdFailure *failure, const xmpp_stream_error_t *stream_error,
                             gboolean *ret_fatal);
