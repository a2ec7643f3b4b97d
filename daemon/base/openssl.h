/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What every module says whose threads use OpenSSL.
 */
#pragma once

#include <openssl/crypto.h>

/* Such a thread may still run when the process exits. By default OpenSSL takes down at
 * exit what the thread uses, or leaks what it holds. That cannot be undone once
 * OpenSSL is in use, hence before main(). */
#define FD_KEEP_OPENSSL \
  __attribute__ ((constructor)) static void keep_openssl (void) \
  { \
    OPENSSL_init_crypto (OPENSSL_INIT_NO_ATEXIT, NULL); \
  }
