/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The error domain and the D-Bus names in it.
 */
#include "fardel-private.h"

#define NAME(name) "org.fardel.Fardel1.Error." name

static const GDBusErrorEntry entries[] = {
  { FARDEL_ERROR_NO_SUCH_ACCOUNT, NAME ("NoSuchAccount") },
  { FARDEL_ERROR_ACCOUNT_EXISTS, NAME ("AccountExists") },
  { FARDEL_ERROR_NOT_CONNECTED, NAME ("NotConnected") },
  { FARDEL_ERROR_CONNECTION_FAILED, NAME ("ConnectionFailed") },
  { FARDEL_ERROR_AUTHENTICATION_FAILED, NAME ("AuthenticationFailed") },
  { FARDEL_ERROR_TLS_FAILED, NAME ("TlsFailed") },
  { FARDEL_ERROR_PEER_OFFLINE, NAME ("PeerOffline") },
  { FARDEL_ERROR_PEER_UNSUPPORTED, NAME ("PeerUnsupported") },
  { FARDEL_ERROR_NOT_PENDING, NAME ("NotPending") },
  { FARDEL_ERROR_FINISHED, NAME ("Finished") },
  { FARDEL_ERROR_INVALID_JID, NAME ("InvalidJid") },
  { FARDEL_ERROR_INVALID_PATH, NAME ("InvalidPath") },
  { FARDEL_ERROR_INVALID_FD, NAME ("InvalidFd") },
  { FARDEL_ERROR_UNKNOWN_OPTION, NAME ("UnknownOption") },
  { FARDEL_ERROR_INVALID_OPTION, NAME ("InvalidOption") },
  { FARDEL_ERROR_LIMIT_EXCEEDED, NAME ("LimitExceeded") },
  { FARDEL_ERROR_NO_SPACE, NAME ("NoSpace") },
  { FARDEL_ERROR_READ_FAILED, NAME ("ReadFailed") },
  { FARDEL_ERROR_WRITE_FAILED, NAME ("WriteFailed") },
  { FARDEL_ERROR_SOURCE_CHANGED, NAME ("SourceChanged") },
  { FARDEL_ERROR_REJECTED, NAME ("Rejected") },
  { FARDEL_ERROR_CANCELLED, NAME ("Cancelled") },
  { FARDEL_ERROR_REMOTE_CANCELLED, NAME ("RemoteCancelled") },
  { FARDEL_ERROR_REMOTE_FAILED, NAME ("RemoteFailed") },
  { FARDEL_ERROR_NO_TRANSPORT, NAME ("NoTransport") },
  { FARDEL_ERROR_HASH_MISMATCH, NAME ("HashMismatch") },
  { FARDEL_ERROR_TIMEOUT, NAME ("Timeout") },
  { FARDEL_ERROR_BUSY, NAME ("Busy") },
  { FARDEL_ERROR_BLOCKED, NAME ("Blocked") },
  { FARDEL_ERROR_PROTOCOL, NAME ("Protocol") },
};
G_STATIC_ASSERT (G_N_ELEMENTS (entries) == FARDEL_ERROR_PROTOCOL + 1);

/**
 * fardel_error_quark:
 *
 * Gets the domain of [error@Error]. The first call makes its D-Bus names known to GIO.
 *
 * Returns: the domain
 *
 * Since: 0.1
 */
GQuark
fardel_error_quark (void)
{
  static gsize quark;

  g_dbus_error_register_error_domain ("fardel-error-quark", &quark, entries, G_N_ELEMENTS (entries));
  return (GQuark) quark;
}

GError *
fardel_error_new (const char *name, const char *message)
{
  GError *error;

  if (!*name)
    return NULL;
  fardel_error_quark ();
  error = g_dbus_error_new_for_dbus_error (name, message);
  g_dbus_error_strip_remote_error (error);
  return error;
}
