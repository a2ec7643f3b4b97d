/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The one error domain of the daemon and its D-Bus names.
 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>

G_DEFINE_QUARK (fd - error, fd_error)

#define FARDEL(name) "org.fardel.Fardel1.Error." name
#define DBUS(name) "org.freedesktop.DBus.Error." name

static const char *const names[] = {
  [FD_ERROR_NO_SUCH_ACCOUNT] = FARDEL ("NoSuchAccount"),
  [FD_ERROR_ACCOUNT_EXISTS] = FARDEL ("AccountExists"),
  [FD_ERROR_NOT_CONNECTED] = FARDEL ("NotConnected"),
  [FD_ERROR_CONNECTION_FAILED] = FARDEL ("ConnectionFailed"),
  [FD_ERROR_AUTHENTICATION_FAILED] = FARDEL ("AuthenticationFailed"),
  [FD_ERROR_TLS_FAILED] = FARDEL ("TlsFailed"),
  [FD_ERROR_PEER_OFFLINE] = FARDEL ("PeerOffline"),
  [FD_ERROR_PEER_UNSUPPORTED] = FARDEL ("PeerUnsupported"),
  [FD_ERROR_NOT_PENDING] = FARDEL ("NotPending"),
  [FD_ERROR_FINISHED] = FARDEL ("Finished"),
  [FD_ERROR_INVALID_JID] = FARDEL ("InvalidJid"),
  [FD_ERROR_INVALID_PATH] = FARDEL ("InvalidPath"),
  [FD_ERROR_INVALID_FD] = FARDEL ("InvalidFd"),
  [FD_ERROR_UNKNOWN_OPTION] = FARDEL ("UnknownOption"),
  [FD_ERROR_INVALID_OPTION] = FARDEL ("InvalidOption"),
  [FD_ERROR_LIMIT_EXCEEDED] = FARDEL ("LimitExceeded"),
  [FD_ERROR_NO_SPACE] = FARDEL ("NoSpace"),
  [FD_ERROR_READ_FAILED] = FARDEL ("ReadFailed"),
  [FD_ERROR_WRITE_FAILED] = FARDEL ("WriteFailed"),
  [FD_ERROR_SOURCE_CHANGED] = FARDEL ("SourceChanged"),
  [FD_ERROR_REJECTED] = FARDEL ("Rejected"),
  [FD_ERROR_CANCELLED] = FARDEL ("Cancelled"),
  [FD_ERROR_REMOTE_CANCELLED] = FARDEL ("RemoteCancelled"),
  [FD_ERROR_REMOTE_FAILED] = FARDEL ("RemoteFailed"),
  [FD_ERROR_NO_TRANSPORT] = FARDEL ("NoTransport"),
  [FD_ERROR_HASH_MISMATCH] = FARDEL ("HashMismatch"),
  [FD_ERROR_TIMEOUT] = FARDEL ("Timeout"),
  [FD_ERROR_BUSY] = FARDEL ("Busy"),
  [FD_ERROR_BLOCKED] = FARDEL ("Blocked"),
  [FD_ERROR_PROTOCOL] = FARDEL ("Protocol"),
  [FD_ERROR_ACCESS_DENIED] = DBUS ("AccessDenied"),
  [FD_ERROR_FILE_NOT_FOUND] = DBUS ("FileNotFound"),
  [FD_ERROR_INVALID_ARGS] = DBUS ("InvalidArgs"),
  [FD_ERROR_UNKNOWN_OBJECT] = DBUS ("UnknownObject"),
  [FD_ERROR_FAILED] = DBUS ("Failed"),
};
G_STATIC_ASSERT (G_N_ELEMENTS (names) == FD_N_ERRORS);

const char *
fd_error_name (FdErrorCode code)
{
  g_return_val_if_fail (code < FD_N_ERRORS, names[FD_ERROR_FAILED]);
  return names[code];
}

const char *
fd_error_dbus_name (const GError *error)
{
  return error->domain == FD_ERROR ? fd_error_name (error->code) : names[FD_ERROR_FAILED];
}

void
fd_error_set_errno (GError **error, int errnum, FdErrorCode fallback, const char *format, ...)
{
  g_autofree char *text = NULL;
  FdErrorCode code = fallback;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);

  switch (errnum)
    {
    case ENOSPC:
    case EDQUOT:
      code = FD_ERROR_NO_SPACE;
      break;
    case ENOENT:
      code = FD_ERROR_FILE_NOT_FOUND;
      break;
    case EACCES:
    case EPERM:
      code = FD_ERROR_ACCESS_DENIED;
      break;
    default:
      break;
    }
  g_set_error (error, FD_ERROR, code, "%s: %s", text, g_strerror (errnum));
}
