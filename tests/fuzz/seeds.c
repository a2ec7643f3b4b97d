/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Hands libFuzzer the seeds of the target: they are written to the directory
 * $FUZZ_SEEDS before it reads its corpus.
 */
#include "fuzz.h"

#include <glib.h>

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  const char *directory = g_getenv ("FUZZ_SEEDS");

  for (guint i = 0; directory && fuzz_seeds[i]; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/seed-%u", directory, i);

      g_file_set_contents (path, fuzz_seeds[i], -1, NULL);
    }
  return 0;
}
