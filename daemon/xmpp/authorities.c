/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Certificate authorities, read by a thread.
 */
#include "xmpp/authorities.h"

#include "base/error.h"
#include "base/openssl.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

FD_KEEP_OPENSSL

struct FdAuthoritiesLoad
{
  char *ca_file;
  FdAuthoritiesLoaded loaded; /* NULL: cancelled */
  gpointer data;
};

/* Is there a file for each authority, named by its hash? Then those are read
 * that are needed. */
static gboolean
has_hashed_directory (void)
{
  const char *path = g_getenv (X509_get_default_cert_dir_env ());
  g_autoptr (GDir) dir = g_dir_open (path ? path : X509_get_default_cert_dir (), 0, NULL);
  gboolean found = FALSE;
  const char *name;

  while (dir && !found && (name = g_dir_read_name (dir)))
    found = strspn (name, "0123456789abcdef") == 8 && g_str_equal (name + 8, ".0");
  return found;
}

/* Threads may ask at the same time: one reads, and the others wait for it. */
static X509_STORE *
get_bundle (void)
{
  static GMutex mutex;
  static X509_STORE *bundle;
  static struct timespec read_at;
  const char *path = g_getenv (X509_get_default_cert_file_env ());
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);
  struct stat info = { 0 };

  if (stat (path ? path : X509_get_default_cert_file (), &info) < 0 || !bundle
      || info.st_mtim.tv_sec != read_at.tv_sec || info.st_mtim.tv_nsec != read_at.tv_nsec)
    {
      X509_STORE_free (bundle);
      bundle = X509_STORE_new ();
      X509_STORE_set_default_paths (bundle);
      read_at = info.st_mtim;
    }
  X509_STORE_up_ref (bundle);
  return bundle;
}

static X509_STORE *
load_system (void)
{
  X509_STORE *store;

  if (g_getenv (X509_get_default_cert_file_env ()) || !has_hashed_directory ())
    return get_bundle ();
  store = X509_STORE_new ();
  X509_LOOKUP_add_dir (X509_STORE_add_lookup (store, X509_LOOKUP_hash_dir ()), NULL, X509_FILETYPE_DEFAULT);
  return store;
}

static X509_STORE *
load_file (const char *path, GError **error)
{
  X509_STORE *store = X509_STORE_new ();

  if (access (path, R_OK) < 0)
    g_set_error (error, FD_ERROR, FD_ERROR_TLS_FAILED, "The CA file %s cannot be read: %s", path,
                 g_strerror (errno));
  else if (X509_STORE_load_file (store, path) != 1)
    {
      const char *reason = ERR_reason_error_string (ERR_peek_error ());

      g_set_error (error, FD_ERROR, FD_ERROR_TLS_FAILED, "The CA file %s holds no certificates in PEM: %s",
                   path, reason ? reason : "no reason is known");
    }
  else
    return store;
  X509_STORE_free (store);
  return NULL;
}

static void
run (GTask *task, gpointer object, gpointer data, GCancellable *cancellable)
{
  const FdAuthoritiesLoad *load = data;
  GError *error = NULL;
  X509_STORE *store = load->ca_file ? load_file (load->ca_file, &error) : load_system ();

  /* a store tells of the certificates that it has twice */
  ERR_clear_error ();
  if (store)
    g_task_return_pointer (task, store, (GDestroyNotify) X509_STORE_free);
  else
    g_task_return_error (task, error);
}

static void
on_done (GObject *object, GAsyncResult *result, gpointer data)
{
  FdAuthoritiesLoad *load = data;
  g_autoptr (GError) error = NULL;
  X509_STORE *store = g_task_propagate_pointer (G_TASK (result), &error);

  if (load->loaded)
    load->loaded (store, error, load->data);
  else
    X509_STORE_free (store);
  g_free (load->ca_file);
  g_free (load);
}

FdAuthoritiesLoad *
fd_authorities_load (const char *ca_file, FdAuthoritiesLoaded loaded, gpointer data)
{
  FdAuthoritiesLoad *load = g_new0 (FdAuthoritiesLoad, 1);
  g_autoptr (GTask) task = g_task_new (NULL, NULL, on_done, load);

  load->ca_file = g_strdup (ca_file);
  load->loaded = loaded;
  load->data = data;
  g_task_set_task_data (task, load, NULL);
  g_task_run_in_thread (task, run);
  return load;
}

void
fd_authorities_load_cancel (FdAuthoritiesLoad *load)
{
  load->loaded = NULL;
}
