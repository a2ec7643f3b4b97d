/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/json.h"
#include "ctl/rate.h"
#include "ctl/text.h"

#include <locale.h>
#include <math.h>
#include <string.h>

static const struct
{
  const char *value; /* GVariant text */
  const char *json;
} values[] = {
  { "'plain'", "\"plain\"" },
  { "''", "\"\"" },
  { "'quote \" and \\\\ back'", "\"quote \\\" and \\\\ back\"" },
  { "'line\\nand\\ttab'", "\"line\\nand\\ttab\"" },
  /* what a terminal would obey: escape, C1 controls, text direction */
  { "'\\u001b[31m'", "\"\\u001b[31m\"" },
  { "'\\u009b1m'", "\"\\u009b1m\"" },
  { "'\\u202egpj.exe'", "\"\\u202egpj.exe\"" },
  { "'\\u007f'", "\"\\u007f\"" },
  { "'Übergröße – 報告 😀'", "\"Übergröße – 報告 😀\"" },
  { "true", "true" },
  { "byte 0x1f", "31" },
  { "uint16 65535", "65535" },
  { "uint32 4294967295", "4294967295" },
  { "int64 -9223372036854775808", "-9223372036854775808" },
  { "uint64 18446744073709551615", "18446744073709551615" },
  { "0.25", "0.25" },
  { "-1.0", "-1" },
  { "objectpath '/org/fardel/Fardel1/transfer/1'", "\"/org/fardel/Fardel1/transfer/1\"" },
  { "@as []", "[]" },
  { "['a', 'b']", "[\"a\",\"b\"]" },
  { "('a', 1)", "[\"a\",1]" },
  { "@a{sv} {}", "{}" },
  { "{'Id': <uint32 3>, 'Hashes': <{'sha-256': '00'}>}", "{\"Id\":3,\"Hashes\":{\"sha-256\":\"00\"}}" },
  { "[{'Id': <uint32 3>}, {}]", "[{\"Id\":3},{}]" },
  { "{objectpath '/a': <<'deep'>>}", "{\"/a\":\"deep\"}" },
  { "{uint32 1: 'no object'}", "[[1,\"no object\"]]" },
};

static void
test_json (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) value = g_variant_parse (NULL, values[i].value, NULL, NULL, &error);
      g_autoptr (GString) json = g_string_new (NULL);

      g_assert_no_error (error);
      ctl_json_append (json, value);
      g_assert_cmpstr (json->str, ==, values[i].json);
    }
}

static void
test_json_not_a_number (void)
{
  g_autoptr (GString) json = g_string_new (NULL);
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_double (NAN));

  ctl_json_append (json, value);
  g_assert_cmpstr (json->str, ==, "null");
}

static void
test_json_prepend (void)
{
  g_autoptr (GVariant) dict
    = g_variant_ref_sink (g_variant_new_parsed ("{'State': <'done'>, 'Id': <uint32 1>}"));
  g_autoptr (GVariant) with_id = g_variant_ref_sink (ctl_json_prepend (dict, "Id", g_variant_new_uint32 (7)));
  g_autoptr (GString) json = g_string_new (NULL);

  ctl_json_append (json, with_id);
  g_assert_cmpstr (json->str, ==, "{\"Id\":7,\"State\":\"done\"}");
}

static const struct
{
  gint64 bytes;
  const char *text;
} sizes[] = {
  { -1, "?" },
  { 0, "0 B" },
  { 999, "999 B" },
  { 1000, "1.0 kB" },
  { 999949, "999.9 kB" },
  { 999950, "1.0 MB" },
  { 12345678, "12.3 MB" },
  { 5000000000, "5.0 GB" },
  { G_MAXINT64, "9.2 EB" },
};

static void
test_size (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *text = ctl_text_size (sizes[i].bytes);

      g_assert_cmpstr (text, ==, sizes[i].text);
    }
}

static const struct
{
  guint64 seconds;
  const char *text;
} durations[] = {
  { 0, "0:00" }, { 7, "0:07" }, { 3599, "59:59" }, { 3600, "1:00:00" }, { 360000, "100:00:00" },
};

static void
test_duration (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (durations); i++)
    {
      g_autofree char *text = ctl_text_duration (durations[i].seconds);

      g_assert_cmpstr (text, ==, durations[i].text);
    }
}

static const struct
{
  guint64 part;
  gint64 total;
  const char *text;
} percents[] = {
  { 0, 10, "0 %" },
  { 999, 1000, "99 %" }, /* 100 only when it is all */
  { 10, 10, "100 %" },
  { 11, 10, "100 %" },
  { 0, 0, "100 %" },
  { 5, -1, "" },
  { G_MAXINT64 - 1, G_MAXINT64, "99 %" },
};

static void
test_percent (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (percents); i++)
    {
      g_autofree char *text = ctl_text_percent (percents[i].part, percents[i].total);

      g_assert_cmpstr (text, ==, percents[i].text);
    }
}

static const struct
{
  const char *string;
  guint columns;
  const char *fitted;
} fits[] = {
  { "abc", 5, "abc  " },    { "abc", 3, "abc" },     { "abcd", 3, "ab…" },
  { "abcd", 1, "…" },       { "abcd", 0, "" },       { "報告書", 6, "報告書" },
  { "報告書", 5, "報告…" }, { "報告書", 4, "報… " }, { "e\u0301e\u0301", 2, "e\u0301e\u0301" },
};

static void
test_fit (void)
{
  if (!g_get_charset (NULL))
    {
      g_test_skip ("There is no UTF-8 locale");
      return;
    }
  for (guint i = 0; i < G_N_ELEMENTS (fits); i++)
    {
      g_autofree char *fitted = ctl_text_fit (fits[i].string, fits[i].columns);

      g_assert_cmpstr (fitted, ==, fits[i].fitted);
      g_assert_cmpuint (ctl_text_width (fitted), ==, fits[i].columns);
    }
}

static const struct
{
  const char *string, *safe;
} strangers[] = {
  { "Übergröße – 報告.pdf", "Übergröße – 報告.pdf" },
  { "\033]0;title\a", "?]0;title?" },
  { "\302\2331m", "?1m" }, /* CSI as one character */
  { "two\nlines\r", "two?lines?" },
  { "\u202egpj.exe", "?gpj.exe" },
  { "\u2066x\u2069\u200f", "?x??" },
};

static void
test_safe (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (strangers); i++)
    {
      g_autofree char *safe = ctl_text_safe (strangers[i].string);

      g_assert_cmpstr (safe, ==, strangers[i].safe);
    }
}

static void
test_wrap (void)
{
  static const struct
  {
    const char *string;
    guint columns;
    const char *wrapped;
  } rows[] = {
    { "", 10, "" },
    { "one two three", 80, "one two three" },
    { "one two three", 9, "one two\nthree" },
    { "one two three", 8, "one two\nthree" },
    { "one two three", 7, "one\ntwo\nthree" },
    { "averyverylongword two", 7, "averyverylongword\ntwo" },
    { "報告 報告", 9, "報告\n報告" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *wrapped = ctl_text_wrap_at (rows[i].string, rows[i].columns);

      g_assert_cmpstr (wrapped, ==, rows[i].wrapped);
    }
}

static void
test_table (void)
{
  static const char *const headings[] = { "ID", "NAME", "", NULL };
  g_autoptr (CtlTable) table = ctl_table_new (headings);
  g_autofree char *text = NULL;
  size_t length;
  FILE *out;

  ctl_table_add (table, (const char *[]){ "1", "報告", "x", NULL });
  ctl_table_add (table, (const char *[]){ "10", "a\nb", "", NULL });
  out = tmpfile ();
  g_assert_nonnull (out);
  ctl_table_print (table, out);
  length = ftell (out);
  rewind (out);
  text = g_malloc0 (length + 1);
  g_assert_cmpuint (fread (text, 1, length, out), ==, length);
  fclose (out);
  g_assert_cmpstr (text, ==, "ID  NAME\n1   報告  x\n10  a?b\n");
}

static void
test_rate (void)
{
  static const struct
  {
    const char *text;
    guint64 rate;
  } rows[] = {
    { "none", 0 },      { "0", 0 },          { "1024", 1024 },     { "500k", 500000 },
    { "500K", 500000 }, { "2.5M", 2500000 }, { "1G", 1000000000 }, { "1.5", 2 },
  };
  static const char *const bad[] = { "", "k", "-1", "1 M", "1MB", "1T", "1e30", "inf", "nan", "nonesuch" };
  g_autofree char *text = ctl_rate_text (2500000);
  g_autofree char *none = ctl_rate_text (0);
  guint64 rate;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_assert_true (ctl_rate_parse (rows[i].text, &rate));
      g_assert_cmpuint (rate, ==, rows[i].rate);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (ctl_rate_parse (bad[i], &rate));
  g_assert_true (g_str_has_suffix (text, "/s"));
  g_assert_cmpstr (none, ==, "none");
}

int
main (int argc, char **argv)
{
  setlocale (LC_CTYPE, "C.UTF-8");
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ctl-format/json", test_json);
  g_test_add_func ("/ctl-format/json/not-a-number", test_json_not_a_number);
  g_test_add_func ("/ctl-format/json/prepend", test_json_prepend);
  g_test_add_func ("/ctl-format/size", test_size);
  g_test_add_func ("/ctl-format/duration", test_duration);
  g_test_add_func ("/ctl-format/percent", test_percent);
  g_test_add_func ("/ctl-format/fit", test_fit);
  g_test_add_func ("/ctl-format/safe", test_safe);
  g_test_add_func ("/ctl-format/rate", test_rate);
  g_test_add_func ("/ctl-format/wrap", test_wrap);
  g_test_add_func ("/ctl-format/table", test_table);
  return g_test_run ();
}
