/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "data/name.h"

#include <string.h>

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct
{
  const char *from_peer, *safe;
} hostile[] = {
  { NULL, "file" },
  { "", "file" },
  { "report.pdf", "report.pdf" },
  { "Übergröße – 報告.pdf", "Übergröße – 報告.pdf" },
  { "100% sure.txt", "100% sure.txt" },
  /* paths */
  { "../../x", "x" },
  { "a/b", "b" },
  { "a/b/", "b" },
  { "/etc/passwd", "passwd" },
  { "/", "file" },
  { "..", "file" },
  { "../", "file" },
  { "a/..", "file" },
  { "C:\\Users\\me\\x.txt", "C:%5CUsers%5Cme%5Cx.txt" },
  { "..\\..\\x", "%5C..%5Cx" },
  /* hidden, or losing its end on Windows */
  { ".bashrc", "bashrc" },
  { "...x", "x" },
  { "name. . .", "name" },
  { " . . ", "file" },
  { "   ", "file" },
  { ".part", "part" },
  /* control, line and bidirectional characters */
  { "a\nb\tc\x7f", "a%0Ab%09c%7F" },
  { "a\x1b[31mb", "a%1B[31mb" },
  { "a\xc2\x85"
    "b",
    "a%C2%85b" },
  { "a\xe2\x80\xa8"
    "b",
    "a%E2%80%A8b" },
  { "photo\xe2\x80\xaegpj.exe", "photo%E2%80%AEgpj.exe" },
  { "a\xe2\x81\xa6"
    "b\xe2\x81\xa9"
    "c",
    "a%E2%81%A6b%E2%81%A9c" },
  { "\xd8\x9cx", "%D8%9Cx" },
  /* not UTF-8 */
  { "caf\xe9.txt", "caf\xef\xbf\xbd.txt" },
  { "\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd" },
  { "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" }, /* an overlong slash */
  /* devices */
  { "CON", "_CON" },
  { "con.txt", "_con.txt" },
  { "nul .tar.gz", "_nul .tar.gz" },
  { "LPT1", "_LPT1" },
  { "com9.log", "_com9.log" },
  { ".aux", "_aux" },
  { "CONIN$", "_CONIN$" },
  { "console", "console" },
  { "com10", "com10" },
  { "COM", "COM" },
};

static void
test_hostile (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (hostile); i++)
    {
      g_autofree char *safe = fd_name_sanitize (hostile[i].from_peer);
      g_autofree char *again = fd_name_sanitize (safe);

      g_assert_cmpstr (safe, ==, hostile[i].safe);
      g_assert_cmpstr (again, ==, safe);
    }
}

static void
assert_cut (const char *name, const char *end, gsize length)
{
  g_autofree char *safe = fd_name_sanitize (name);

  g_assert_true (g_utf8_validate (safe, -1, NULL));
  g_assert_true (g_str_has_suffix (safe, end));
  g_assert_cmpuint (strlen (safe), ==, length);
}

static void
test_long (void)
{
  g_autofree char *slashes = g_strnfill (300, '\\');
  GString *umlauts = g_string_new (NULL);

  for (guint i = 0; i < 150; i++)
    g_string_append (umlauts, "ü");

  assert_cut (HUNDRED HUNDRED HUNDRED, "9", 200);
  assert_cut (HUNDRED HUNDRED ".jpeg", "4.jpeg", 200);
  assert_cut (HUNDRED HUNDRED ".tar.zst", "1.tar.zst", 200);
  assert_cut (HUNDRED HUNDRED "." HUNDRED, "9", 200);
  assert_cut (HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN "012345678. and on", "8", 199);
  assert_cut (slashes, "%5", 200);
  assert_cut (umlauts->str, "ü", 200);
  g_string_append (umlauts, ".jpg");
  assert_cut (umlauts->str, "ü.jpg", 200);
  g_string_prepend (umlauts, "o");
  assert_cut (umlauts->str, "ü.jpg", 199);
  g_string_free (umlauts, TRUE);
}

static const struct
{
  const char *name;
  guint n;
  const char *numbered;
} numbers[] = {
  { "name.ext", 0, "name.ext" },
  { "name.ext", 1, "name.ext" },
  { "name.ext", 2, "name (2).ext" },
  { "name", 3, "name (3)" },
  { "a.tar.gz", 2, "a (2).tar.gz" },
  { "a.TAR.bz2", 2, "a (2).TAR.bz2" },
  { ".tar.gz", 2, ".tar (2).gz" },
  { ".bashrc", 2, ".bashrc (2)" },
  { "v1. a final word", 2, "v1. a final word (2)" },
  { "ends.", 2, "ends. (2)" },
  { "a.b.c", 4294967295, "a.b (4294967295).c" },
};

static void
test_numbered (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      g_autofree char *numbered = fd_name_numbered (numbers[i].name, numbers[i].n);

      g_assert_cmpstr (numbered, ==, numbers[i].numbered);
    }
}

static void
test_numbered_fits (void)
{
  g_autofree char *numbered = fd_name_numbered (HUNDRED HUNDRED TEN TEN TEN TEN TEN "x.jpg", 2);
  g_autofree char *whole = fd_name_numbered (HUNDRED HUNDRED TEN TEN TEN TEN TEN "x.jpg", 1);

  g_assert_cmpstr (numbered, ==, HUNDRED HUNDRED TEN TEN TEN TEN "0123456 (2).jpg");
  g_assert_cmpuint (strlen (numbered), ==, 255);
  g_assert_cmpstr (whole, ==, HUNDRED HUNDRED TEN TEN TEN TEN TEN "x.jpg");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/name/hostile", test_hostile);
  g_test_add_func ("/name/long", test_long);
  g_test_add_func ("/name/numbered", test_numbered);
  g_test_add_func ("/name/numbered-fits", test_numbered_fits);
  return g_test_run ();
}
