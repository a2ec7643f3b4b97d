/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Does the server know the password too (RFC 5802 §3)? The library never looks.
 */
#pragma once

#include <glib.h>

/* @mechanism: "SCRAM-SHA-1", "-256" or "-512". @client_first, @server_first,
 * @client_final: the three messages as they were said, decoded. @server_final: what
 * came with success, decoded. TRUE if its signature is the one that they and @password give. */
gboolean fd_scram_verify (const char *mechanism, const char *password, const char *client_first,
                          const char *server_first, const char *client_final, const char *server_final);
