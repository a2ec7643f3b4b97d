/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Progress in Plasma; see job.h.
 */
#include "job.h"

#define SERVER "org.kde.JobViewServer"
#define SERVER_PATH "/JobViewServer"
#define SERVER_INTERFACE "org.kde.JobViewServerV2"
#define VIEW_INTERFACE "org.kde.JobViewV3"

#define DESKTOP_ENTRY "org.fardel.Fardel"
#define CAN_BE_CANCELLED 1
/* KJob's error for a job that was killed quietly: the view goes without a word. */
#define ENDED_QUIETLY 1

struct NtfJobs
{
  GDBusConnection *bus;
  char *owner; /* of the name, NULL if there is none */
  GPtrArray *jobs;
  guint name;
};

/* For a view. The job may have ended before it comes. */
typedef struct
{
  NtfJobs *jobs;
  NtfJob *job; /* NULL: not wanted any more */
} Request;

struct NtfJob
{
  NtfJobs *jobs;
  void (*cancelled) (gpointer data);
  gpointer data;
  Request *request; /* the view is asked for */
  char *view; /* object path */
  guint signal;
  GVariant *properties; /* what it shows */
};

/* --- one job --- */

static void
on_cancelled (GDBusConnection *bus, const char *sender, const char *path, const char *interface,
              const char *member, GVariant *args, gpointer data)
{
  NtfJob *job = data;

  job->cancelled (job->data);
}

static void
call_view (NtfJobs *jobs, const char *view, const char *method, GVariant *args)
{
  g_dbus_connection_call (jobs->bus, jobs->owner, view, VIEW_INTERFACE, method, args, NULL,
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, NULL, NULL);
}

static void
terminate (NtfJobs *jobs, const char *view)
{
  if (jobs->owner)
    call_view (jobs, view, "terminate", g_variant_new ("(usa{sv})", ENDED_QUIETLY, "", NULL));
}

static void
take_view (NtfJob *job, const char *view)
{
  job->view = g_strdup (view);
  job->signal
    = g_dbus_connection_signal_subscribe (job->jobs->bus, job->jobs->owner, VIEW_INTERFACE, "cancelRequested",
                                          view, NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_cancelled, job, NULL);
  call_view (job->jobs, view, "update", g_variant_new ("(@a{sv})", job->properties));
}

static void
on_view (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Request *request = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  const char *view = NULL;

  if (reply)
    g_variant_get (reply, "(&o)", &view);
  else
    g_message ("The desktop does not show the progress: %s", error->message);
  if (request->job)
    request->job->request = NULL;
  if (view && request->job)
    take_view (request->job, view);
  else if (view)
    terminate (request->jobs, view);
}

static void
request_view (NtfJob *job, const char *title)
{
  GVariantBuilder hints;

  job->request = g_new (Request, 1);
  *job->request = (Request){ job->jobs, job };
  g_variant_builder_init (&hints, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&hints, "{sv}", "title", g_variant_new_string (title));
  g_variant_builder_add (&hints, "{sv}", "transient", g_variant_new_boolean (TRUE));
  g_dbus_connection_call (job->jobs->bus, job->jobs->owner, SERVER_PATH, SERVER_INTERFACE, "requestView",
                          g_variant_new ("(sia{sv})", DESKTOP_ENTRY, CAN_BE_CANCELLED, &hints),
                          G_VARIANT_TYPE ("(o)"), G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, on_view,
                          job->request);
}

static GVariant *
make_properties (const char *title, const NtfProgress *progress, guint files)
{
  GVariantBuilder properties;

  g_variant_builder_init (&properties, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&properties, "{sv}", "title", g_variant_new_string (title));
  g_variant_builder_add (&properties, "{sv}", "processedBytes", g_variant_new_uint64 (progress->done));
  g_variant_builder_add (&properties, "{sv}", "speed", g_variant_new_uint64 (progress->rate));
  if (progress->total)
    {
      guint percent = MIN (100, 100.0 * progress->done / progress->total);

      g_variant_builder_add (&properties, "{sv}", "totalBytes", g_variant_new_uint64 (progress->total));
      g_variant_builder_add (&properties, "{sv}", "percent", g_variant_new_uint32 (percent));
    }
  if (files > 1)
    {
      g_variant_builder_add (&properties, "{sv}", "processedFiles",
                             g_variant_new_uint64 (progress->files_done));
      g_variant_builder_add (&properties, "{sv}", "totalFiles", g_variant_new_uint64 (files));
    }
  return g_variant_ref_sink (g_variant_builder_end (&properties));
}

void
ntf_job_update (NtfJob *job, const char *title, const NtfProgress *progress, guint files)
{
  g_autoptr (GVariant) properties = NULL;

  if (!job->jobs->owner)
    return;
  properties = make_properties (title, progress, files);
  if (job->properties && g_variant_equal (properties, job->properties))
    return;
  g_clear_pointer (&job->properties, g_variant_unref);
  job->properties = g_steal_pointer (&properties);
  if (job->view)
    call_view (job->jobs, job->view, "update", g_variant_new ("(@a{sv})", job->properties));
  else if (!job->request)
    request_view (job, title);
}

/* The view, as far as we know of it, is gone. */
static void
forget_view (NtfJob *job)
{
  if (job->signal)
    g_dbus_connection_signal_unsubscribe (job->jobs->bus, job->signal);
  job->signal = 0;
  g_clear_pointer (&job->view, g_free);
  g_clear_pointer (&job->properties, g_variant_unref);
  if (job->request)
    job->request->job = NULL;
  job->request = NULL;
}

void
ntf_job_end (NtfJob *job)
{
  if (job->view)
    terminate (job->jobs, job->view);
  forget_view (job);
}

NtfJob *
ntf_job_new (NtfJobs *jobs, void (*cancelled) (gpointer data), gpointer data)
{
  NtfJob *job = g_new0 (NtfJob, 1);

  job->jobs = jobs;
  job->cancelled = cancelled;
  job->data = data;
  g_ptr_array_add (jobs->jobs, job);
  return job;
}

void
ntf_job_free (NtfJob *job)
{
  ntf_job_end (job);
  g_ptr_array_remove (job->jobs->jobs, job);
  g_free (job);
}

/* --- the server --- */

static void
on_server_there (GDBusConnection *bus, const char *name, const char *owner, gpointer data)
{
  NtfJobs *jobs = data;

  jobs->owner = g_strdup (owner);
}

static void
on_server_gone (GDBusConnection *bus, const char *name, gpointer data)
{
  NtfJobs *jobs = data;

  for (guint i = 0; i < jobs->jobs->len; i++)
    forget_view (jobs->jobs->pdata[i]);
  g_clear_pointer (&jobs->owner, g_free);
}

NtfJobs *
ntf_jobs_new (GDBusConnection *bus)
{
  NtfJobs *jobs = g_new0 (NtfJobs, 1);

  jobs->bus = g_object_ref (bus);
  jobs->jobs = g_ptr_array_new ();
  jobs->name = g_bus_watch_name_on_connection (bus, SERVER, G_BUS_NAME_WATCHER_FLAGS_NONE, on_server_there,
                                               on_server_gone, jobs, NULL);
  return jobs;
}

void
ntf_jobs_free (NtfJobs *jobs)
{
  g_bus_unwatch_name (jobs->name);
  g_ptr_array_unref (jobs->jobs);
  g_free (jobs->owner);
  g_object_unref (jobs->bus);
  g_free (jobs);
}

gboolean
ntf_jobs_is_there (const NtfJobs *jobs)
{
  return jobs->owner != NULL;
}
