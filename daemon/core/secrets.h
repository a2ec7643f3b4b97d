/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where an account's password comes from. It is never in our configuration and
 * never on the bus; every copy is wiped.
 */
#pragma once

#include "core/config.h"
#include "core/secret-service.h"

#define FD_SECRET_MAX 4096 /* bytes, of a password and what surrounds it */
#define FD_SECRET_COMMAND_SECONDS 30 /* the command may ask the user to touch a key */
#define FD_SECRET_PIPE_SECONDS 10

typedef enum
{
  FD_SECRET_NONE,
  FD_SECRET_CREDENTIAL,
  FD_SECRET_SERVICE,
  FD_SECRET_COMMAND,
  FD_SECRET_MEMORY,
} FdSecretSource;

const char *fd_secret_source_name (FdSecretSource source);

/* A copy of the first line of @length bytes; NULL if that is empty. */
char *fd_secret_new (const char *bytes, gsize length);
void fd_secret_free (char *secret); /* wipes it */

/* A request that is under way; cancelling it means no callback. Both end with
 * one callback from the main loop, after which the request is gone. @secret is
 * borrowed. Neither a secret nor an error: there is no password. */
typedef struct FdSecretRequest FdSecretRequest;
typedef void (*FdSecretDone) (const char *secret, FdSecretSource source, const GError *error, gpointer data);

/* Asks, in this order, the systemd credential "fardel.ID.password", the Secret
 * Service and PasswordCommand. Where there is a command, the service is asked
 * quickly only: nobody waits for it or has to unlock it in vain. */
FdSecretRequest *fd_secret_lookup (const FdAccountConfig *config, FdSecretManners manners, FdSecretDone done,
                                   gpointer data);

/* Stores @secret in the Secret Service for the account; @done gets no secret. NULL
 * if the daemon is built without that. */
FdSecretRequest *fd_secret_save (const FdAccountConfig *config, const char *secret, FdSecretDone done,
                                 gpointer data);

/* Removes what fd_secret_save() stored, if the service runs and is unlocked. */
void fd_secret_forget (const FdAccountConfig *config);

/* Reads one line from @fd (taken), a pipe of the user's. */
FdSecretRequest *fd_secret_read (int fd, FdSecretDone done, gpointer data);

void fd_secret_request_cancel (FdSecretRequest *request);
