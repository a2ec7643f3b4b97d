/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs a fuzz target without libFuzzer: its seeds, each mutated some thousand
 * times in a way that is the same every time; or the files that are named, as
 * libFuzzer writes them when it finds something.
 */
#include "fuzz.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUTATIONS 2000 /* of each seed */
#define MAX_CHANGES 4 /* in each */

/* Turns a byte into another, takes some out, or says some twice. */
static void
mutate (GByteArray *input, GRand *random)
{
  guint at = g_rand_int_range (random, 0, input->len);
  guint length = g_rand_int_range (random, 1, MIN (input->len - at, 32) + 1);

  switch (g_rand_int_range (random, 0, 4))
    {
    case 0:
      input->data[at] = g_rand_int_range (random, 0, 256);
      break;
    case 1:
      input->data[at] = "<>/'\"=&;!?:x \n"[g_rand_int_range (random, 0, 14)];
      break;
    case 2:
      if (length < input->len)
        g_byte_array_remove_range (input, at, length);
      break;
    default:
      {
        g_autofree guint8 *copy = g_memdup2 (input->data + at, length);

        g_byte_array_append (input, copy, length);
      }
    }
}

static void
replay_seed (const char *seed, GRand *random)
{
  LLVMFuzzerTestOneInput ((const uint8_t *) seed, strlen (seed));
  for (guint i = 0; i < MUTATIONS; i++)
    {
      g_autoptr (GByteArray) input = g_byte_array_new ();

      g_byte_array_append (input, (const guint8 *) seed, strlen (seed));
      for (gint32 n = g_rand_int_range (random, 1, MAX_CHANGES + 1); n > 0; n--)
        mutate (input, random);
      LLVMFuzzerTestOneInput (input->data, input->len);
    }
}

int
main (int argc, char **argv)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  guint n_seeds = 0;

  for (int i = 1; i < argc; i++)
    {
      g_autofree char *bytes = NULL;
      g_autoptr (GError) error = NULL;
      gsize length;

      if (!g_file_get_contents (argv[i], &bytes, &length, &error))
        {
          fprintf (stderr, "%s\n", error->message);
          return EXIT_FAILURE;
        }
      LLVMFuzzerTestOneInput ((const uint8_t *) bytes, length);
    }
  for (; argc == 1 && fuzz_seeds[n_seeds]; n_seeds++)
    replay_seed (fuzz_seeds[n_seeds], random);
  printf ("%u seeds with %d mutations each, %d files\n", n_seeds, MUTATIONS, argc - 1);
  return EXIT_SUCCESS;
}
