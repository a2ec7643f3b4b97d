/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The errors of the daemon as a GError domain.
 */
#pragma once

#include <fardel/fardel-enums.h>

G_BEGIN_DECLS

/**
 * FardelError:
 * @FARDEL_ERROR_NO_SUCH_ACCOUNT: There is no account of this name, or none at all.
 * @FARDEL_ERROR_ACCOUNT_EXISTS: The name of the account is taken.
 * @FARDEL_ERROR_NOT_CONNECTED: The account is not online.
 * @FARDEL_ERROR_CONNECTION_FAILED: A connection was not made or broke.
 * @FARDEL_ERROR_AUTHENTICATION_FAILED: The server refused the password or certificate.
 * @FARDEL_ERROR_TLS_FAILED: The server's certificate or its TLS cannot be trusted.
 * @FARDEL_ERROR_PEER_OFFLINE: The peer is not online.
 * @FARDEL_ERROR_PEER_UNSUPPORTED: The peer's program, or this kind of transfer, cannot do it.
 * @FARDEL_ERROR_NOT_PENDING: The transfer is not in a state where this is possible.
 * @FARDEL_ERROR_FINISHED: The transfer has ended.
 * @FARDEL_ERROR_INVALID_JID: This is no XMPP address.
 * @FARDEL_ERROR_INVALID_PATH: The path is relative, or names something that is not of use here.
 * @FARDEL_ERROR_INVALID_FD: The descriptor is neither a regular file nor a pipe nor a stream socket, or is
 * open the wrong way.
 * @FARDEL_ERROR_UNKNOWN_OPTION: The daemon does not know an option; the message names it.
 * @FARDEL_ERROR_INVALID_OPTION: An option has a wrong type or value; the message names it.
 * @FARDEL_ERROR_LIMIT_EXCEEDED: There are too many of these.
 * @FARDEL_ERROR_NO_SPACE: The disk is full.
 * @FARDEL_ERROR_READ_FAILED: A file cannot be read.
 * @FARDEL_ERROR_WRITE_FAILED: A file cannot be written.
 * @FARDEL_ERROR_SOURCE_CHANGED: The file changed while it was offered or sent.
 * @FARDEL_ERROR_REJECTED: The offer was declined.
 * @FARDEL_ERROR_CANCELLED: This side ended the transfer.
 * @FARDEL_ERROR_REMOTE_CANCELLED: The peer ended the transfer.
 * @FARDEL_ERROR_REMOTE_FAILED: Something failed at the peer's.
 * @FARDEL_ERROR_NO_TRANSPORT: No way for the bytes was found.
 * @FARDEL_ERROR_HASH_MISMATCH: What arrived is not what was sent.
 * @FARDEL_ERROR_TIMEOUT: Nobody answered in time.
 * @FARDEL_ERROR_BUSY: The other side has too much to do; later it may work.
 * @FARDEL_ERROR_BLOCKED: The user blocks this peer.
 * @FARDEL_ERROR_PROTOCOL: A peer or server did what XMPP forbids.
 *
 * What the daemon answers, and why transfers and accounts fail.
 *
 * Each is the D-Bus error `org.fardel.Fardel1.Error.NAME`. The names that belong to D-Bus itself, such as
 * access denied or file not found, come as [error@Gio.DBusError], failures to open local files as
 * [error@Gio.IOErrorEnum]. The message is an English sentence that says what happened and what to do.
 *
 * Since: 0.1
 */
typedef enum
{
  FARDEL_ERROR_NO_SUCH_ACCOUNT,
  FARDEL_ERROR_ACCOUNT_EXISTS,
  FARDEL_ERROR_NOT_CONNECTED,
  FARDEL_ERROR_CONNECTION_FAILED,
  FARDEL_ERROR_AUTHENTICATION_FAILED,
  FARDEL_ERROR_TLS_FAILED,
  FARDEL_ERROR_PEER_OFFLINE,
  FARDEL_ERROR_PEER_UNSUPPORTED,
  FARDEL_ERROR_NOT_PENDING,
  FARDEL_ERROR_FINISHED,
  FARDEL_ERROR_INVALID_JID,
  FARDEL_ERROR_INVALID_PATH,
  FARDEL_ERROR_INVALID_FD,
  FARDEL_ERROR_UNKNOWN_OPTION,
  FARDEL_ERROR_INVALID_OPTION,
  FARDEL_ERROR_LIMIT_EXCEEDED,
  FARDEL_ERROR_NO_SPACE,
  FARDEL_ERROR_READ_FAILED,
  FARDEL_ERROR_WRITE_FAILED,
  FARDEL_ERROR_SOURCE_CHANGED,
  FARDEL_ERROR_REJECTED,
  FARDEL_ERROR_CANCELLED,
  FARDEL_ERROR_REMOTE_CANCELLED,
  FARDEL_ERROR_REMOTE_FAILED,
  FARDEL_ERROR_NO_TRANSPORT,
  FARDEL_ERROR_HASH_MISMATCH,
  FARDEL_ERROR_TIMEOUT,
  FARDEL_ERROR_BUSY,
  FARDEL_ERROR_BLOCKED,
  FARDEL_ERROR_PROTOCOL,
} FardelError;

/**
 * FARDEL_ERROR:
 *
 * The domain of [error@Error].
 *
 * Since: 0.1
 */
#define FARDEL_ERROR (fardel_error_quark ())
FARDEL_API
GQuark fardel_error_quark (void);

G_END_DECLS
