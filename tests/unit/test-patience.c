/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The back-off of connections.
 */
#include "xmpp/patience.h"

#define NEVER (-1)

static void
expect_delay (guint *attempts, gint64 lived, guint seconds)
{
  guint delay = fd_patience_fail (attempts, lived);

  g_assert_cmpuint (delay, >=, seconds * 500);
  g_assert_cmpuint (delay, <=, seconds * 1000);
}

static void
test_never_up (void)
{
  guint attempts = 0;

  for (guint seconds = 1; seconds <= 256; seconds *= 2)
    expect_delay (&attempts, NEVER, seconds);
  for (guint i = 0; i < 100; i++)
    expect_delay (&attempts, NEVER, 300);
  expect_delay (&attempts, 61 * G_USEC_PER_SEC, 1);
}

/* A network that comes and goes, or a server that throws us out. */
static void
test_short_lived (void)
{
  guint attempts = 0;

  for (guint seconds = 1; seconds <= 16; seconds *= 2)
    expect_delay (&attempts, G_USEC_PER_SEC, seconds);
  for (guint i = 0; i < 10; i++)
    expect_delay (&attempts, G_USEC_PER_SEC, 32);
  for (guint seconds = 64; seconds <= 256; seconds *= 2)
    expect_delay (&attempts, NEVER, seconds);
  expect_delay (&attempts, G_USEC_PER_SEC, 32);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/patience/never-up", test_never_up);
  g_test_add_func ("/patience/short-lived", test_short_lived);
  return g_test_run ();
}
