/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Dictionaries of options into structs: each type, and each way to be wrong.
 */
#include "base/error.h"
#include "bus/options.h"
#include "jingle/jingle.h"

#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct
{
  const char *text;
  char *string;
  char **strv;
  gboolean flag;
  guint number;
  guint16 port;
  gint64 size;
  FdPath paths;
  int choice;
} Target;

static const char *const choices[] = { "", "red", "blue", NULL };

static const FdOption options[] = {
  { "text", FD_OPTION_TEXT, G_STRUCT_OFFSET (Target, text), NULL },
  { "string", FD_OPTION_STRING, G_STRUCT_OFFSET (Target, string), NULL },
  { "strv", FD_OPTION_STRV, G_STRUCT_OFFSET (Target, strv), NULL },
  { "flag", FD_OPTION_BOOL, G_STRUCT_OFFSET (Target, flag), NULL },
  { "number", FD_OPTION_UINT, G_STRUCT_OFFSET (Target, number), NULL },
  { "port", FD_OPTION_UINT16, G_STRUCT_OFFSET (Target, port), NULL },
  { "size", FD_OPTION_INT64, G_STRUCT_OFFSET (Target, size), NULL },
  { "paths", FD_OPTION_PATHS, G_STRUCT_OFFSET (Target, paths), NULL },
  { "choice", FD_OPTION_CHOICE, G_STRUCT_OFFSET (Target, choice), choices },
};

/* A message must belong to a bus; this one has nobody at the other end. */
typedef struct
{
  sd_bus *sd;
  int other;
  sd_bus_message *message;
  Target target;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  f->other = fds[1];
  g_assert_cmpint (sd_bus_new (&f->sd), >=, 0);
  g_assert_cmpint (sd_bus_set_fd (f->sd, fds[0], fds[0]), >=, 0);
  g_assert_cmpint (sd_bus_start (f->sd), >=, 0);
  f->target = (Target){ .string = g_strdup ("old"), .number = 7, .size = -1, .paths = FD_PATH_ANY };
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_free (f->target.string);
  g_strfreev (f->target.strv);
  sd_bus_message_unref (f->message);
  sd_bus_close_unref (f->sd);
  close (f->other);
}

/* The arguments of sd_bus_message_append(). */
static gboolean
read_options (Fixture *f, GError **error, const char *types, ...)
{
  va_list args;

  f->message = sd_bus_message_unref (f->message);
  g_assert_cmpint (sd_bus_message_new_method_call (f->sd, &f->message, NULL, "/x", NULL, "X"), >=, 0);
  va_start (args, types);
  g_assert_cmpint (sd_bus_message_appendv (f->message, types, args), >=, 0);
  va_end (args);
  g_assert_cmpint (sd_bus_message_seal (f->message, 1, 0), >=, 0);
  return fd_options_read (f->message, options, G_N_ELEMENTS (options), &f->target, error);
}

static void
test_empty (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (read_options (f, &error, "a{sv}", 0));
  g_assert_no_error (error);
  g_assert_cmpstr (f->target.string, ==, "old");
  g_assert_cmpuint (f->target.number, ==, 7);
}

static void
test_all (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (read_options (f, &error, "a{sv}", 9, "text", "s", "hello", "string", "s", "new", "strv",
                               "as", 2, "a", "b", "flag", "b", 1, "number", "u", 4000000000u, "port", "q",
                               5222, "size", "x", (gint64) 1 << 40, "paths", "as", 2, "ibb", "socks5-proxy",
                               "choice", "s", "blue"));
  g_assert_no_error (error);
  g_assert_cmpstr (f->target.text, ==, "hello");
  g_assert_cmpstr (f->target.string, ==, "new");
  g_assert_cmpstrv (f->target.strv, ((const char *const[]){ "a", "b", NULL }));
  g_assert_true (f->target.flag);
  g_assert_cmpuint (f->target.number, ==, 4000000000u);
  g_assert_cmpuint (f->target.port, ==, 5222);
  g_assert_cmpint (f->target.size, ==, (gint64) 1 << 40);
  g_assert_cmpuint (f->target.paths, ==, FD_PATH_IBB | FD_PATH_SOCKS5_PROXY);
  g_assert_cmpint (f->target.choice, ==, 2);
}

/* An empty value stands for the default. */
static void
test_empty_values (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->target.paths = FD_PATH_IBB;
  f->target.choice = 1;
  g_assert_true (read_options (f, &error, "a{sv}", 4, "string", "s", "", "strv", "as", 0, "paths", "as", 0,
                               "choice", "s", ""));
  g_assert_no_error (error);
  g_assert_null (f->target.string);
  g_assert_cmpuint (g_strv_length (f->target.strv), ==, 0);
  g_assert_cmpuint (f->target.paths, ==, FD_PATH_ANY);
  g_assert_cmpint (f->target.choice, ==, 0);
}

static void
test_unknown (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (read_options (f, &error, "a{sv}", 2, "flag", "b", 1, "flog", "b", 1));
  g_assert_error (error, FD_ERROR, FD_ERROR_UNKNOWN_OPTION);
  g_assert_nonnull (strstr (error->message, "'flog'"));
  g_assert_nonnull (strstr (error->message, "text, string, strv, flag, number, port, size, paths, choice"));
}

static void
test_twice (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (read_options (f, &error, "a{sv}", 2, "number", "u", 1, "number", "u", 2));
  g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION);
  g_assert_nonnull (strstr (error->message, "'number'"));
}

static void
assert_wrong_type (Fixture *f, GError *error, const char *key, const char *expected, const char *given)
{
  g_autofree char *text = g_strdup_printf ("'%s' must have the type %s, not %s", key, expected, given);

  g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION);
  g_assert_nonnull (strstr (error->message, text));
  g_error_free (error);
}

static void
test_wrong_type (Fixture *f, gconstpointer data)
{
  GError *error = NULL;

  g_assert_false (read_options (f, &error, "a{sv}", 1, "text", "u", 1));
  assert_wrong_type (f, g_steal_pointer (&error), "text", "s", "u");
  g_assert_false (read_options (f, &error, "a{sv}", 1, "text", "o", "/x"));
  assert_wrong_type (f, g_steal_pointer (&error), "text", "s", "o");
  g_assert_false (read_options (f, &error, "a{sv}", 1, "number", "i", 1));
  assert_wrong_type (f, g_steal_pointer (&error), "number", "u", "i");
  g_assert_false (read_options (f, &error, "a{sv}", 1, "strv", "s", "a"));
  assert_wrong_type (f, g_steal_pointer (&error), "strv", "as", "s");
  g_assert_false (read_options (f, &error, "a{sv}", 1, "paths", "ao", 0));
  assert_wrong_type (f, g_steal_pointer (&error), "paths", "as", "ao");
  g_assert_false (read_options (f, &error, "a{sv}", 1, "flag", "v", "b", 1));
  assert_wrong_type (f, g_steal_pointer (&error), "flag", "b", "v");
}

static void
test_wrong_value (Fixture *f, gconstpointer data)
{
  GError *error = NULL;

  g_assert_false (read_options (f, &error, "a{sv}", 1, "choice", "s", "green"));
  g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION);
  g_assert_cmpstr (error->message, ==, "Option 'choice' must be of: red, blue");
  g_clear_error (&error);

  g_assert_false (read_options (f, &error, "a{sv}", 1, "paths", "as", 2, "ibb", "tcp"));
  g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION);
  g_assert_cmpstr (error->message, ==, "Option 'paths' must be of: socks5-direct, socks5-proxy, ibb");
  g_clear_error (&error);
}

static void
test_too_long (Fixture *f, gconstpointer data)
{
  g_autofree char *text = g_strnfill (FD_OPTION_MAX_TEXT + 1, 'x');
  GError *error = NULL;

  for (guint i = 0; i < 2; i++)
    {
      g_assert_false (read_options (f, &error, "a{sv}", 1, i ? "text" : "string", "s", text));
      g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION);
      g_clear_error (&error);
    }
  g_assert_true (read_options (f, &error, "a{sv}", 1, "text", "s", text + 1));
  g_assert_false (read_options (f, &error, "a{sv}", 1, "strv", "as", 2, "y", text + 1));
  g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION);
  g_clear_error (&error);
}

/* The table may be empty, and then only an empty dictionary fits. */
static void
test_no_options (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (read_options (f, NULL, "a{sv}", 0));
  g_assert_cmpint (sd_bus_message_rewind (f->message, TRUE), >=, 0);
  g_assert_true (fd_options_read (f->message, NULL, 0, NULL, NULL));

  g_assert_true (read_options (f, NULL, "a{sv}", 1, "flag", "b", 1));
  g_assert_cmpint (sd_bus_message_rewind (f->message, TRUE), >=, 0);
  g_assert_false (fd_options_read (f->message, NULL, 0, NULL, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_UNKNOWN_OPTION);
}

static void
test_path_names (void)
{
  const char *names[FD_N_PATHS + 1];

  g_assert_cmpstr (fd_path_name (FD_PATH_IBB), ==, "ibb");
  g_assert_cmpstr (fd_path_name (FD_PATH_NONE), ==, "");
  fd_path_names (FD_PATH_ANY, names);
  g_assert_cmpstrv (names, ((const char *const[]){ "socks5-direct", "socks5-proxy", "ibb", NULL }));
  fd_path_names (FD_PATH_NONE, names);
  g_assert_null (names[0]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add ("/options/" path, Fixture, NULL, set_up, func, tear_down)
  ADD ("empty", test_empty);
  ADD ("all", test_all);
  ADD ("empty-values", test_empty_values);
  ADD ("unknown", test_unknown);
  ADD ("twice", test_twice);
  ADD ("wrong-type", test_wrong_type);
  ADD ("wrong-value", test_wrong_value);
  ADD ("too-long", test_too_long);
  ADD ("no-options", test_no_options);
  g_test_add_func ("/options/path-names", test_path_names);
  return g_test_run ();
}
