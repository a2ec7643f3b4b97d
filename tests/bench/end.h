/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What every reference program does at its ends: read and hash a file, or hash, write and publish one
 * as a receiver must, and tell the driver how long it took.
 */
#pragma once

#include <glib.h>
#include <openssl/evp.h>

typedef struct
{
  int fd;
  const char *path;
  char *part_path; /* of a received file */
  EVP_MD_CTX *hash;
  guint64 bytes;
  double begun, cpu_begun; /* seconds: CLOCK_MONOTONIC, of this process */
} End;

/* Ends the program with the text of errno, if that is set. */
void die (const char *what) G_GNUC_NORETURN;

/* To the driver, which waits for the line. */
void tell (const char *format, ...) G_GNUC_PRINTF (1, 2);

int end_connect (guint16 port); /* on 127.0.0.1, blocking */
int end_listen (guint16 *ret_port);

void end_open_source (End *end, const char *path);
void end_open_target (End *end, const char *path);
void end_begin (End *end); /* the clocks start */
gsize end_read (End *end, void *buffer, gsize size); /* 0 is the end */
void end_hash (End *end, const void *data, gsize length);
void end_write (End *end, const void *data, gsize length); /* and hash it */
void end_publish (End *end); /* fsync() and rename() */
/* One line for the driver: bytes, begin, end, CPU seconds, sha-256 in hex. The end is closed. */
void end_report (End *end);
