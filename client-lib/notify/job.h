/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Progress in Plasma (org.kde.JobViewServer), where it runs: one job for each
 * group of transfers while bytes move, which can be cancelled there.
 */
#pragma once

#include "group.h"

#include <gio/gio.h>

typedef struct NtfJobs NtfJobs;
typedef struct NtfJob NtfJob;

NtfJobs *ntf_jobs_new (GDBusConnection *bus);
void ntf_jobs_free (NtfJobs *jobs);
gboolean ntf_jobs_is_there (const NtfJobs *jobs);

NtfJob *ntf_job_new (NtfJobs *jobs, void (*cancelled) (gpointer data), gpointer data);
void ntf_job_free (NtfJob *job);
/* Shows how far it is, where there is such a server. */
void ntf_job_update (NtfJob *job, const char *title, const NtfProgress *progress, guint files);
/* Nothing moves now. It tells no result: the notification does. */
void ntf_job_end (NtfJob *job);
