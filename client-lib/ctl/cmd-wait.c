/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The commands that follow transfers, and how others do it.
 */
#include "ctl.h"

#include "follow.h"
#include "json.h"

#include <string.h>

static void
print_ids (Ctl *ctl, GPtrArray *paths)
{
  for (guint i = 0; i < paths->len; i++)
    {
      const char *path = g_ptr_array_index (paths, i);
      const char *id = strrchr (path, '/') + 1;

      if (ctl->json)
        ctl_json_print (ctl->out, g_variant_new_parsed ("{'Id': <%u>, 'Path': <%o>}",
                                                        (guint32) g_ascii_strtoull (id, NULL, 10), path));
      else
        fprintf (ctl->out, "%s\n", id);
    }
}

CtlExit
ctl_follow (Ctl *ctl, CtlTracker *tracker, GPtrArray *paths)
{
  g_autofree char *running = NULL, *resumable = NULL;
  CtlExit status;

  if (!tracker)
    {
      print_ids (ctl, paths);
      return CTL_OK;
    }
  if (paths->len > 1)
    ctl_tracker_show_totals (tracker);
  status = ctl_tracker_add_all (tracker, paths);
  if (status != CTL_OK)
    return status;

  status = ctl_tracker_run (tracker, -1);
  running = ctl_tracker_list_running (tracker);
  resumable = ctl_tracker_list_resumable (tracker);
  if (status == CTL_INTERRUPTED && ctl->out != stderr)
    fprintf (stderr, _ ("Still running: see \"fardelctl wait %s\", or end with \"fardelctl cancel %s\".\n"),
             running, running);
  else if (*resumable && !*running && !ctl->json)
    fprintf (stderr, _ ("To offer again what did not get through: \"fardelctl resume %s\".\n"), resumable);
  return status;
}

static CtlExit
wait_for (Ctl *ctl, int argc, char **argv)
{
  double seconds = -1;
  const GOptionEntry entries[] = {
    { "timeout", 't', 0, G_OPTION_ARG_DOUBLE, &seconds, N_ ("Wait no longer than this (exit code 7)"),
      N_ ("SECONDS") },
    { NULL },
  };
  g_autoptr (CtlTracker) tracker = NULL;
  CtlExit status;

  if (!ctl_parse (ctl, entries, &argc, &argv, 1, -1))
    return CTL_USAGE;
  status = ctl_tracker_new (ctl, CTL_SHOW_EACH, &tracker);
  for (int i = 1; i < argc && status == CTL_OK; i++)
    {
      g_autofree char *path = ctl_transfer_path (ctl, argv[i]);

      status = path ? ctl_tracker_add (tracker, path) : CTL_USAGE;
    }
  if (status != CTL_OK)
    return status;
  return ctl_tracker_run (tracker, seconds < 0 ? -1 : (gint64) (MIN (seconds, G_MAXINT32) * G_USEC_PER_SEC));
}

static CtlExit
watch (Ctl *ctl, int argc, char **argv)
{
  g_autoptr (CtlTracker) tracker = NULL;
  CtlExit status;

  if (!ctl_parse (ctl, NULL, &argc, &argv, 0, 0))
    return CTL_USAGE;
  status = ctl_tracker_new (ctl, CTL_SHOW_ALL, &tracker);
  if (status == CTL_OK)
    status = ctl_tracker_add_running (tracker);
  if (status != CTL_OK)
    return status;
  return ctl_tracker_run (tracker, -1);
}

const CtlCommand ctl_wait_commands[] = {
  { "wait", "ID...", N_ ("Wait until transfers end; the exit code tells how"), wait_for, "EVENT" },
  { "watch", "", N_ ("Follow what runs and what comes, until interrupted"), watch, "EVENT" },
  { NULL },
};
