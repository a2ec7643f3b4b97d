/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The examples of RFC 5802 §5 and RFC 7677 §3, and what is nearly one.
 */
#include "xmpp/scram.h"

typedef struct
{
  const char *mechanism, *client_first, *server_first, *client_final, *server_final;
} Dialogue;

static const Dialogue sha1 = {
  "SCRAM-SHA-1",
  "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
  "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
  "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
  "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
};

static const Dialogue sha256 = {
  "SCRAM-SHA-256",
  "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
  "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
  "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+"
  "Ute9ytag9zjfMHgsqmmiz7AndVQ=",
  "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
};

static gboolean
verify (Dialogue dialogue, const char *password)
{
  return fd_scram_verify (dialogue.mechanism, password, dialogue.client_first, dialogue.server_first,
                          dialogue.client_final, dialogue.server_final);
}

static void
test_examples (void)
{
  g_assert_true (verify (sha1, "pencil"));
  g_assert_true (verify (sha256, "pencil"));
}

static void
test_forged (void)
{
  static const char *const finals[] = {
    "", "v=", "v=AAAA", "v=smF9pqV8S7suAoZWja4dJRkFsKQ=", "e=other-error", "rmF9pqV8S7suAoZWja4dJRkFsKQ=",
  };
  Dialogue changed = sha1;

  g_assert_false (verify (sha1, "Pencil"));
  for (guint i = 0; i < G_N_ELEMENTS (finals); i++)
    {
      changed.server_final = finals[i];
      g_assert_false (verify (changed, "pencil"));
    }
  changed = sha1;
  changed.mechanism = "SCRAM-SHA-256";
  g_assert_false (verify (changed, "pencil"));
  changed = sha1;
  changed.client_first = "n,,n=root,r=fyko+d2lbbFgONRv9qkxdawL";
  g_assert_false (verify (changed, "pencil"));
  changed = sha1;
  changed.server_first = "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4097";
  g_assert_false (verify (changed, "pencil"));
}

/* Nothing was asked, or nothing answered. */
static void
test_incomplete (void)
{
  g_assert_false (fd_scram_verify ("SCRAM-SHA-1", "pencil", "", "", "", sha1.server_final));
  g_assert_false (
    fd_scram_verify ("SCRAM-SHA-1", "pencil", sha1.client_first, "", sha1.client_final, "v=AAAA"));
  g_assert_false (fd_scram_verify ("SCRAM-WHAT", "pencil", sha1.client_first, sha1.server_first,
                                   sha1.client_final, sha1.server_final));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/scram/examples", test_examples);
  g_test_add_func ("/scram/forged", test_forged);
  g_test_add_func ("/scram/incomplete", test_incomplete);
  return g_test_run ();
}
