/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * xoshiro256++ seeded by splitmix64: everything random in the simulator comes
 * from one seed.
 */
#pragma once

#include <glib.h>

typedef struct
{
  guint64 s[4];
} SimPrng;

static inline void
sim_prng_seed (SimPrng *prng, guint64 seed)
{
  for (guint i = 0; i < 4; i++)
    {
      guint64 z = (seed += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15));

      z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
      z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
      prng->s[i] = z ^ (z >> 31);
    }
}

static inline guint64
sim_prng_next (SimPrng *prng)
{
  guint64 *s = prng->s;
  guint64 sum = s[0] + s[3], result = ((sum << 23) | (sum >> 41)) + s[0], t = s[1] << 17;

  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = (s[3] << 45) | (s[3] >> 19);
  return result;
}

/* 0 … n-1 */
static inline guint
sim_prng_below (SimPrng *prng, guint n)
{
  return (guint) (((sim_prng_next (prng) >> 32) * n) >> 32);
}

/* TRUE once in @n times. */
static inline gboolean
sim_prng_once_in (SimPrng *prng, guint n)
{
  return sim_prng_below (prng, n) == 0;
}

static inline gint64
sim_prng_range (SimPrng *prng, gint64 low, gint64 high)
{
  return low + (gint64) (sim_prng_next (prng) % (guint64) (high - low + 1));
}
