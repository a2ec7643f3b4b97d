/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who calls. The bus daemon knows the process behind a connection; its root
 * directory has /.flatpak-info in a Flatpak sandbox, its cgroup is named after
 * the Snap. Whoever cannot be looked at counts as confined.
 *
 * On the system bus the sandbox does not matter: files of others cannot be reached by any
 * path there, and processes of others cannot be looked at.
 */
#include "bus/caller.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Unique names are never used twice on a bus, so an entry never becomes wrong;
 * it only becomes useless when its owner leaves. */
#define MAX_CALLERS 512

#define CREDENTIALS_TIMEOUT (1 * G_USEC_PER_SEC)

/* .flatpak-info and /proc files have a few KiB; more is none of them. */
#define MAX_FILE (256 * 1024)

#define UNKNOWN "unknown"

struct FdCallers
{
  sd_bus *sd;
  gboolean shared;
  GHashTable *known; /* unique name -> FdCaller */
  FdCaller *unknown;
};

void
fd_caller_free (FdCaller *caller)
{
  g_free (caller->app_id);
  g_free (caller);
}

gboolean
fd_caller_owns (const FdCaller *caller, const char *app_id)
{
  return !caller->confined || (g_str_equal (caller->app_id, app_id) && !g_str_equal (app_id, UNKNOWN));
}

/* --- /proc --- */

static char *
read_all (int fd)
{
  g_autoptr (GString) text = g_string_new (NULL);
  char buffer[4096];
  ssize_t n;

  while ((n = read (fd, buffer, sizeof buffer)) > 0 && text->len <= MAX_FILE)
    g_string_append_len (text, buffer, n);
  return n == 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}

gboolean
fd_caller_read_flatpak (int root, char **ret_app_id)
{
  fd_autoclose fd = openat (root, ".flatpak-info", O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
  g_autoptr (GKeyFile) info = g_key_file_new ();
  g_autofree char *text = NULL;
  char *id;
  struct stat st;

  if (fd < 0 && errno == ENOENT)
    {
      *ret_app_id = NULL;
      return TRUE;
    }
  if (fd < 0 || fstat (fd, &st) < 0 || !S_ISREG (st.st_mode) || !(text = read_all (fd))
      || !g_key_file_load_from_data (info, text, strlen (text), G_KEY_FILE_NONE, NULL))
    return FALSE;

  id = g_key_file_get_string (info, "Application", "name", NULL);
  if (!id)
    id = g_key_file_get_string (info, "Runtime", "runtime", NULL);
  if (!id)
    return FALSE;
  *ret_app_id = id;
  return TRUE;
}

char *
fd_caller_parse_cgroup (const char *cgroup)
{
  /* The last part of the path: snap.NAME.APP.UUID.scope or snap.NAME.SERVICE.service */
  const char *start = strstr (cgroup, "/snap.");
  gsize length;

  if (!start)
    return NULL;
  start++;
  length = strlen ("snap.");
  length += strcspn (start + length, "./\n");
  return g_strndup (start, length);
}

static gboolean
read_snap (int proc, char **ret_app_id)
{
  fd_autoclose fd = openat (proc, "cgroup", O_RDONLY | O_CLOEXEC);
  g_autofree char *text = fd < 0 ? NULL : read_all (fd);

  if (!text)
    return FALSE;
  *ret_app_id = fd_caller_parse_cgroup (text);
  return TRUE;
}

static gboolean
process_has_ended (int pidfd)
{
  struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };

  return poll (&poll_fd, 1, 0) != 0;
}

/* The process cannot have been another one while @pidfd says that it still runs. */
static FdCaller *
identify (pid_t pid, int pidfd)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d", (int) pid);
  g_autofree char *app_id = NULL;
  fd_autoclose proc = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  fd_autoclose root = openat (proc, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  FdCaller *caller;

  if (proc < 0 || root < 0 || !fd_caller_read_flatpak (root, &app_id)
      || (!app_id && !read_snap (proc, &app_id)) || process_has_ended (pidfd))
    return NULL;

  caller = g_new0 (FdCaller, 1);
  caller->confined = app_id != NULL;
  caller->uid = FD_OWNER_ANYBODY;
  caller->app_id = app_id ? g_steal_pointer (&app_id) : g_strdup ("");
  return caller;
}

/* --- the bus daemon --- */

static int
ask (sd_bus *sd, const char *method, const char *name, sd_bus_message **ret_reply)
{
  g_autoptr (sd_bus_message) call = NULL;
  int r;

  r = sd_bus_message_new_method_call (sd, &call, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                      "org.freedesktop.DBus", method);
  if (r >= 0)
    r = sd_bus_message_append (call, "s", name);
  if (r >= 0)
    r = sd_bus_call (sd, call, CREDENTIALS_TIMEOUT, NULL, ret_reply);
  return r;
}

/* Of the a{sv}: ProcessID and, from newer daemons, ProcessFD, which stays
 * @reply's (-1 if there is none). */
static int
parse_credentials (sd_bus_message *reply, guint32 *ret_pid, int *ret_pidfd)
{
  const char *key;
  int r = sd_bus_message_enter_container (reply, 'a', "{sv}");

  while (r >= 0 && (r = sd_bus_message_enter_container (reply, 'e', "sv")) > 0)
    {
      r = sd_bus_message_read (reply, "s", &key);
      if (r >= 0 && g_str_equal (key, "ProcessID"))
        r = sd_bus_message_read (reply, "v", "u", ret_pid);
      else if (r >= 0 && g_str_equal (key, "ProcessFD"))
        r = sd_bus_message_read (reply, "v", "h", ret_pidfd);
      else if (r >= 0)
        r = sd_bus_message_skip (reply, "v");
      if (r >= 0)
        r = sd_bus_message_exit_container (reply);
    }
  return r;
}

static gboolean
has_pid (sd_bus *sd, const char *name, guint32 pid)
{
  g_autoptr (sd_bus_message) reply = NULL;
  guint32 now;

  return ask (sd, "GetConnectionUnixProcessID", name, &reply) >= 0
         && sd_bus_message_read (reply, "u", &now) >= 0 && now == pid;
}

static FdCaller *
find_out (sd_bus *sd, const char *name)
{
  g_autoptr (sd_bus_message) reply = NULL;
  g_autoptr (FdCaller) caller = NULL;
  fd_autoclose opened = -1;
  guint32 pid = 0;
  int pidfd = -1;

  if (ask (sd, "GetConnectionCredentials", name, &reply) < 0 || parse_credentials (reply, &pid, &pidfd) < 0
      || pid == 0)
    return NULL;
  if (pidfd >= 0)
    return identify ((pid_t) pid, pidfd);

  /* A number alone may belong to another process by now: the caller must
   * still be on the bus with it after we looked. */
  opened = (int) syscall (SYS_pidfd_open, (pid_t) pid, 0);
  if (opened < 0)
    return NULL;
  caller = identify ((pid_t) pid, opened);
  return caller && has_pid (sd, name, pid) ? g_steal_pointer (&caller) : NULL;
}

static FdCaller *
find_user (sd_bus *sd, const char *name)
{
  g_autoptr (sd_bus_message) reply = NULL;
  FdCaller *caller;
  guint32 uid;

  if (ask (sd, "GetConnectionUnixUser", name, &reply) < 0 || sd_bus_message_read (reply, "u", &uid) < 0
      || uid >= FD_OWNER_NOBODY)
    return NULL;
  caller = g_new0 (FdCaller, 1);
  caller->app_id = g_strdup ("");
  caller->uid = uid;
  return caller;
}

/* --- the cache --- */

FdCallers *
fd_callers_new (sd_bus *sd, gboolean shared)
{
  FdCallers *callers = g_new0 (FdCallers, 1);

  callers->sd = sd;
  callers->shared = shared;
  callers->known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) fd_caller_free);
  callers->unknown = g_new0 (FdCaller, 1);
  callers->unknown->confined = TRUE;
  callers->unknown->app_id = g_strdup (UNKNOWN);
  callers->unknown->uid = shared ? FD_OWNER_NOBODY : FD_OWNER_ANYBODY;
  return callers;
}

void
fd_callers_free (FdCallers *callers)
{
  g_hash_table_unref (callers->known);
  fd_caller_free (callers->unknown);
  g_free (callers);
}

const FdCaller *
fd_callers_lookup (FdCallers *callers, sd_bus_message *message)
{
  const char *name = sd_bus_message_get_sender (message);
  FdCaller *caller;

  if (!name)
    return callers->unknown;
  caller = g_hash_table_lookup (callers->known, name);
  if (caller)
    return caller;

  caller = callers->shared ? find_user (callers->sd, name) : find_out (callers->sd, name);
  if (!caller)
    {
      g_debug ("Cannot find out who %s is", name);
      return callers->unknown;
    }
  if (g_hash_table_size (callers->known) >= MAX_CALLERS)
    g_hash_table_remove_all (callers->known);
  g_hash_table_insert (callers->known, g_strdup (name), caller);
  return caller;
}
