/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a Jingle file description says of a file (XEP-0234 §4).
 */
#pragma once

#include "data/hash.h"

#define FD_FILE_MAX_HASHES (FD_N_HASHES - 1) /* one of each */
#define FD_FILE_MAX_ID 64 /* bytes: as long as any hash or UUID */

typedef struct
{
  char *name; /* as on the wire: not safe as a file name; never NULL */
  gint64 size; /* bytes; -1 unknown */
  char *media_type; /* "" if none */
  char *description; /* "" if none */
  gint64 mtime; /* seconds since the epoch; -1 unknown */
  FdDigest hashes[FD_FILE_MAX_HASHES]; /* of the whole file */
  guint n_hashes;
  FdHashAlgo hash_used; /* announced, comes with a checksum later */
  char *resume_id; /* urn:x-fardel:resume:0, names this file for another try; NULL if none */
  gboolean ranged; /* <range/> is there: the sender can start elsewhere */
  guint64 range_offset; /* bytes; G_MAXUINT64: not a number */
  gint64 range_length; /* bytes; -1: to the end, G_MAXINT64: not a number */
} FdFile;

FdFile *fd_file_new (const char *name, gint64 size);
FdFile *fd_file_copy (const FdFile *file);
void fd_file_free (FdFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdFile, fd_file_free)

/* 1 to FD_FILE_MAX_ID ASCII letters, digits, '-', '.' and '_'? */
gboolean fd_file_is_id (const char *text);

/* Adds or replaces the digest of its algorithm. */
void fd_file_set_hash (FdFile *file, const FdDigest *digest);
const FdDigest *fd_file_get_hash (const FdFile *file, FdHashAlgo algo); /* NULL if none */

/* The algorithm to compute while receiving: sha-256 if a digest or hash-used
 * names it, else the first that was named, else sha-256. */
FdHashAlgo fd_file_choose_algo (const FdFile *file);
