/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The one error domain of the daemon. A code is the last part of a D-Bus error
 * name of the contract; the message says what happened and what to do, since
 * it is all that busctl shows.
 */
#pragma once

#include <glib.h>

#define FD_ERROR (fd_error_quark ())
GQuark fd_error_quark (void);

typedef enum
{
  FD_ERROR_NO_SUCH_ACCOUNT,
  FD_ERROR_ACCOUNT_EXISTS,
  FD_ERROR_NOT_CONNECTED,
  FD_ERROR_CONNECTION_FAILED, /* name not found, refused, unreachable, closed */
  FD_ERROR_AUTHENTICATION_FAILED,
  FD_ERROR_TLS_FAILED,
  FD_ERROR_PEER_OFFLINE,
  FD_ERROR_PEER_UNSUPPORTED,
  FD_ERROR_NOT_PENDING,
  FD_ERROR_FINISHED,
  FD_ERROR_INVALID_JID,
  FD_ERROR_INVALID_PATH,
  FD_ERROR_INVALID_FD,
  FD_ERROR_UNKNOWN_OPTION,
  FD_ERROR_INVALID_OPTION,
  FD_ERROR_LIMIT_EXCEEDED,
  FD_ERROR_NO_SPACE,
  FD_ERROR_READ_FAILED,
  FD_ERROR_WRITE_FAILED,
  FD_ERROR_SOURCE_CHANGED,
  FD_ERROR_REJECTED,
  FD_ERROR_CANCELLED,
  FD_ERROR_REMOTE_CANCELLED,
  FD_ERROR_REMOTE_FAILED,
  FD_ERROR_NO_TRANSPORT,
  FD_ERROR_HASH_MISMATCH,
  FD_ERROR_TIMEOUT,
  FD_ERROR_BUSY,
  FD_ERROR_BLOCKED, /* the user blocks the peer */
  FD_ERROR_PROTOCOL, /* a peer or server sent what the XEPs forbid */
  /* the bus's own names */
  FD_ERROR_ACCESS_DENIED,
  FD_ERROR_FILE_NOT_FOUND,
  FD_ERROR_INVALID_ARGS,
  FD_ERROR_UNKNOWN_OBJECT,
  FD_ERROR_FAILED,
  FD_N_ERRORS
} FdErrorCode;

/* The D-Bus error name of a code, e.g. "org.fardel.Fardel1.Error.NoTransport". */
const char *fd_error_name (FdErrorCode code);

/* The same for any GError: errors of other domains are "…DBus.Error.Failed". */
const char *fd_error_dbus_name (const GError *error);

/* Sets @error from an errno of a file operation: ENOSPC and EDQUOT become
 * NoSpace, ENOENT FileNotFound, EACCES/EPERM AccessDenied, others @fallback.
 * The message is the formatted text, ": " and strerror(). */
void fd_error_set_errno (GError **error, int errnum, FdErrorCode fallback, const char *format, ...)
  G_GNUC_PRINTF (4, 5);

static inline GError *
fd_error_copy (const GError *error)
{
  return error ? g_error_copy (error) : NULL;
}
