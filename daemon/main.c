/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fardeld: options, log, signals, and the wiring of the model with the bus.
 */
#include "bus/bus.h"
#include "config.h"
#include "core/manager.h"

#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct
{
  GMainLoop *loop;
  FdManager *manager;
  gboolean stopping;
} Daemon;

/* --- log --- */

static const struct
{
  const char *name;
  GLogLevelFlags level;
} levels[] = {
  { "error", G_LOG_LEVEL_CRITICAL }, /* those above it end the process */
  { "warning", G_LOG_LEVEL_WARNING }, { "message", G_LOG_LEVEL_MESSAGE },
  { "info", G_LOG_LEVEL_INFO },       { "debug", G_LOG_LEVEL_DEBUG },
};

static const char *
level_name (GLogLevelFlags level)
{
  for (guint i = 1; i < G_N_ELEMENTS (levels); i++)
    if (level & levels[i].level)
      return levels[i].name;
  return levels[0].name;
}

static const char *
find_field (const GLogField *fields, gsize n_fields, const char *key)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, key))
      return fields[i].value;
  return "";
}

/* GLib's levels: the more important, the lower the bit. What libraries tell of
 * their inner life is not for users of this program. */
static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  const GLogLevelFlags *least = data;
  gboolean ours = g_str_equal (find_field (fields, n_fields, "GLIB_DOMAIN"), G_LOG_DOMAIN);

  if ((level & G_LOG_LEVEL_MASK) > (ours ? *least : MIN (*least, G_LOG_LEVEL_MESSAGE)))
    return G_LOG_WRITER_HANDLED;
  if (g_log_writer_is_journald (STDERR_FILENO))
    return g_log_writer_journald (level, fields, n_fields, NULL);
  fprintf (stderr, "fardeld: %s: %s\n", level_name (level), find_field (fields, n_fields, "MESSAGE"));
  return G_LOG_WRITER_HANDLED;
}

static gboolean
parse_level (const char *name, GLogLevelFlags *least, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    if (g_str_equal (name, levels[i].name))
      {
        *least = levels[i].level;
        return TRUE;
      }
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               "\"%s\" is no log level: use error, warning, message, info or debug", name);
  return FALSE;
}

/* --- options --- */

typedef struct
{
  GLogLevelFlags least;
  gboolean version;
  gboolean shared;
} Options;

static gboolean
parse_options (int argc, char **argv, Options *options, GError **error)
{
  g_autofree char *level = NULL;
  const GOptionEntry entries[] = {
    { "version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version and exit", NULL },
    { "system", 0, 0, G_OPTION_ARG_NONE, &options->shared,
      "Serve the users of the system bus, and keep everything below " FD_STATE_HOME "/fardel", NULL },
    { "log-level", 0, 0, G_OPTION_ARG_STRING, &level,
      "Least level that is logged: error, warning, message (default), info, debug", "LEVEL" },
    { 0 },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_summary (context,
                                "Sends and receives files over XMPP for the programs of this user, which "
                                "reach it as org.fardel.Fardel1 on the session bus.");
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (argc > 1)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "\"%s\" is one argument too many",
                   argv[1]);
      return FALSE;
    }
  return !level || parse_level (level, &options->least, error);
}

/* --- the end --- */

static void
on_stopped (gpointer data)
{
  Daemon *self = data;

  g_main_loop_quit (self->loop);
}

static void
begin_stop (Daemon *self)
{
  if (self->stopping)
    return;
  self->stopping = TRUE;
  fd_manager_stop (self->manager, on_stopped, self);
}

/* Who asks twice does not want to wait. */
static gboolean
on_terminate (gpointer data)
{
  Daemon *self = data;

  if (self->stopping)
    g_main_loop_quit (self->loop);
  begin_stop (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_hangup (gpointer data)
{
  Daemon *self = data;
  g_autoptr (GError) error = NULL;

  if (self->stopping)
    return G_SOURCE_CONTINUE;
  if (fd_manager_reload (self->manager, &error))
    g_message ("The configuration was read again");
  else
    g_warning ("What is wrong in the configuration stays as it was: %s", error->message);
  return G_SOURCE_CONTINUE;
}

static void
on_bus_lost (gpointer data)
{
  g_message ("The bus is gone, or the name on it: nobody can use this daemon any more");
  begin_stop (data);
}

static gboolean
run (gboolean shared, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Daemon self = { .loop = loop };
  FdBus *bus = fd_bus_new (shared, error);
  gboolean started;

  if (!bus)
    return FALSE;
  self.manager = fd_manager_new (fd_bus_get_hooks (), bus, error);
  if (self.manager && shared)
    fd_manager_set_shared (self.manager);
  started = self.manager && fd_bus_start (bus, self.manager, error);
  if (started)
    {
      fd_bus_set_lost_callback (bus, on_bus_lost, &self);
      g_unix_signal_add (SIGTERM, on_terminate, &self);
      g_unix_signal_add (SIGINT, on_terminate, &self);
      g_unix_signal_add (SIGHUP, on_hangup, &self);
      fd_manager_start (self.manager);
      g_main_loop_run (loop);
    }
  fd_bus_free (bus);
  fd_manager_free (self.manager);
  return started;
}

int
main (int argc, char **argv)
{
  Options options = { .least = G_LOG_LEVEL_MESSAGE };
  g_autoptr (GError) error = NULL;

  g_log_set_writer_func (write_log, &options.least, NULL);
  signal (SIGPIPE, SIG_IGN); /* a peer that goes away is an error of write() */
  if (!parse_options (argc, argv, &options, &error))
    {
      fprintf (stderr, "fardeld: %s\n", error->message);
      return 2;
    }
  if (options.version)
    {
      puts ("fardeld " FD_VERSION);
      return EXIT_SUCCESS;
    }
  if (options.shared)
    {
      /* A service has no home: what is kept in several places there is together here. */
      g_setenv ("XDG_CONFIG_HOME", FD_STATE_HOME, FALSE);
      g_setenv ("XDG_STATE_HOME", FD_STATE_HOME, FALSE);
    }
  if (!run (options.shared, &error))
    {
      fprintf (stderr, "fardeld: %s\n", error->message);
      return EXIT_FAILURE;
    }
  return EXIT_SUCCESS;
}
