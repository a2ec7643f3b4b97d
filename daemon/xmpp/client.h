/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One XMPP connection of one account and everything that lives on it: stream,
 * iq router, disco, caps, presence, ping, peers, proxies' discovery is built on
 * top. It connects, stays connected (back-off) and says truthfully what it is
 * doing. It outlives its streams; the iq router and peers do too.
 */
#pragma once

#include "xmpp/iq.h"
#include "xmpp/peers.h"

typedef struct FdClient FdClient;

typedef enum
{
  FD_TLS_STARTTLS,
  FD_TLS_DIRECT,
} FdTlsMode;

typedef struct
{
  char *jid; /* bare, prepared */
  char *server; /* NULL: SRV records of the domain */
  guint16 port; /* 0: SRV, else 5222/5223 */
  FdTlsMode tls; /* where no SRV record tells; DIRECT also leaves the records for STARTTLS out */
  char *ca_file; /* NULL: the system's */
  char *pin; /* SHA-256 of the server's certificate in lowercase hex; NULL: none */
  char *client_certificate; /* to log in with (SASL EXTERNAL); NULL: none */
  char *client_key; /* NULL: in the same file */
  char *resource; /* NULL: "fardel-" and random characters, kept */
} FdClientSettings;

void fd_client_settings_clear (FdClientSettings *settings);
void fd_client_settings_copy (FdClientSettings *dest, const FdClientSettings *src);

typedef enum
{
  FD_CLIENT_OFFLINE,
  FD_CLIENT_CONNECTING,
  FD_CLIENT_ONLINE,
  FD_CLIENT_WAITING, /* lost or failed for a passing reason; retries by itself */
  FD_CLIENT_FAILED, /* will not retry without a change: password, certificate */
} FdClientStatus;

typedef struct
{
  /* The status changed; fd_client_get_error() tells why for WAITING and FAILED. */
  void (*status) (FdClient *client, FdClientStatus status, gpointer data);
} FdClientHooks;

FdClient *fd_client_new (const FdClientSettings *settings, const FdClientHooks *hooks, gpointer data);
/* Must be called from outside the client's own callbacks; closes at once. */
void fd_client_free (FdClient *client);

/* Starts connecting, or does nothing if it is. @password is copied into wiped
 * memory and kept for reconnects; NULL: there is only the client certificate. */
void fd_client_connect (FdClient *client, const char *password);

/* Sends unavailable presence and closes the stream; status OFFLINE follows,
 * at the latest after 2 s. Pending iqs end with NOT_CONNECTED. */
void fd_client_disconnect (FdClient *client);

/* The network changed, or the machine woke up: retries at once, or looks whether
 * the connection is still there. */
void fd_client_wake (FdClient *client);

FdClientStatus fd_client_get_status (FdClient *client);

/* Why it is not online: AUTHENTICATION_FAILED, TLS_FAILED, CONNECTION_FAILED,
 * TIMEOUT, PROTOCOL…; NULL if there is nothing to say. Each cause has its own
 * text: unknown host, refused, certificate expired, not trusted, for another
 * name (and which), TLS not offered, wrong password, conflict. */
const GError *fd_client_get_error (FdClient *client);

/* "" while not bound. */
const char *fd_client_get_full_jid (FdClient *client);

/* {protocol, cipher, certificate SHA-256 in lowercase hex} of the current
 * stream; all "" when offline, but for a certificate that was refused. Borrowed until the next turn of the
 * loop. */
typedef struct
{
  const char *protocol;
  const char *cipher;
  const char *certificate_sha256;
} FdClientTls;
void fd_client_get_tls (FdClient *client, FdClientTls *ret_tls);

FdIq *fd_client_get_iq (FdClient *client);
FdPeers *fd_client_get_peers (FdClient *client);
