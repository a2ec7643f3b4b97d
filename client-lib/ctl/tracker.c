/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Follows transfers by the daemon's signals.
 */
#include "tracker.h"

#include "progress.h"
#include "transfer.h"
#include "value.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct CtlTracker
{
  Ctl *ctl;
  CtlProgress *progress;
  gboolean follow_all;
  gboolean daemon_gone;
  GPtrArray *transfers; /* in the order they came */
  GPtrArray *slots;
};

static CtlTransfer *
find_transfer (CtlTracker *tracker, const char *path)
{
  for (guint i = 0; i < tracker->transfers->len; i++)
    {
      CtlTransfer *transfer = g_ptr_array_index (tracker->transfers, i);

      if (g_str_equal (ctl_transfer_get_path (transfer), path))
        return transfer;
    }
  return NULL;
}

/* Final states never change; what still comes in then was sent before the
 * properties were read. */
static void
update_transfer (CtlTracker *tracker, const char *path, GVariant *properties)
{
  CtlTransfer *transfer = find_transfer (tracker, path);

  if (!transfer || ctl_transfer_is_final (transfer))
    return;
  ctl_transfer_update (transfer, properties);
  ctl_progress_transfer (tracker->progress, transfer, properties);
}

void
ctl_tracker_add_known (CtlTracker *tracker, const char *path, GVariant *properties)
{
  CtlTransfer *transfer;

  if (find_transfer (tracker, path))
    return;
  transfer = ctl_transfer_new (path, properties);
  g_ptr_array_add (tracker->transfers, transfer);
  ctl_progress_transfer (tracker->progress, transfer, properties);
}

static int
on_properties_changed (sd_bus_message *message, void *data, sd_bus_error *error)
{
  CtlTracker *tracker = data;
  g_autoptr (GVariant) body = NULL;
  g_autoptr (GVariant) properties = NULL;
  const char *interface;

  if (ctl_value_read_body (message, &body) < 0 || !g_variant_is_of_type (body, G_VARIANT_TYPE ("(sa{sv}as)")))
    return 0;
  g_variant_get (body, "(&s@a{sv}@as)", &interface, &properties, NULL);
  if (g_str_equal (interface, CTL_TRANSFER))
    update_transfer (tracker, sd_bus_message_get_path (message), properties);
  else if (g_str_equal (interface, CTL_ACCOUNT) && tracker->follow_all)
    ctl_progress_account (tracker->progress, sd_bus_message_get_path (message), properties);
  return 0;
}

static int
on_interfaces_added (sd_bus_message *message, void *data, sd_bus_error *error)
{
  CtlTracker *tracker = data;
  g_autoptr (GVariant) body = NULL;
  g_autoptr (GVariant) interfaces = NULL;
  g_autoptr (GVariant) properties = NULL;
  const char *path;

  if (ctl_value_read_body (message, &body) < 0
      || !g_variant_is_of_type (body, G_VARIANT_TYPE ("(oa{sa{sv}})")))
    return 0;
  g_variant_get (body, "(&o@a{sa{sv}})", &path, &interfaces);
  properties = g_variant_lookup_value (interfaces, CTL_TRANSFER, G_VARIANT_TYPE_VARDICT);
  if (properties && tracker->follow_all)
    ctl_tracker_add_known (tracker, path, properties);
  return 0;
}

static int
on_interfaces_removed (sd_bus_message *message, void *data, sd_bus_error *error)
{
  CtlTracker *tracker = data;
  g_autoptr (GVariant) lost = g_variant_ref_sink (g_variant_new_parsed (
    "{'State': <'failed'>, 'ErrorMessage': <'The daemon dropped it without telling its end'>}"));
  CtlTransfer *transfer;
  const char *path;

  if (sd_bus_message_read (message, "o", &path) < 0)
    return 0;
  transfer = find_transfer (tracker, path);
  if (!transfer)
    return 0;
  ctl_progress_transfer_removed (tracker->progress, transfer);
  if (tracker->follow_all)
    g_ptr_array_remove (tracker->transfers, transfer);
  else /* its outcome counts although it is forgotten */
    update_transfer (tracker, path, lost);
  return 0;
}

static int
on_name_owner_changed (sd_bus_message *message, void *data, sd_bus_error *error)
{
  CtlTracker *tracker = data;
  const char *name, *old_owner, *new_owner;

  /* A new daemon numbers its transfers from where the old one ended, but those
   * that ran are not running any more. */
  if (sd_bus_message_read (message, "sss", &name, &old_owner, &new_owner) >= 0 && *old_owner)
    tracker->daemon_gone = TRUE;
  return 0;
}

/* Everything that can be heard of transfers. Finished tells nothing that the
 * change of State has not told before. */
static const struct
{
  const char *rule;
  sd_bus_message_handler_t handler;
} matches[] = {
  { "type='signal',sender='" CTL_SERVICE "',path_namespace='" CTL_ROOT
    "',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged'",
    on_properties_changed },
  { "type='signal',sender='" CTL_SERVICE "',path='" CTL_ROOT
    "',interface='org.freedesktop.DBus.ObjectManager',member='InterfacesAdded'",
    on_interfaces_added },
  { "type='signal',sender='" CTL_SERVICE "',path='" CTL_ROOT
    "',interface='org.freedesktop.DBus.ObjectManager',member='InterfacesRemoved'",
    on_interfaces_removed },
  { "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
    "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" CTL_SERVICE "'",
    on_name_owner_changed },
};

static CtlExit
listen_for_signals (CtlTracker *tracker)
{
  for (guint i = 0; i < G_N_ELEMENTS (matches); i++)
    {
      sd_bus_slot *slot;
      int r = sd_bus_add_match (tracker->ctl->bus, &slot, matches[i].rule, matches[i].handler, tracker);

      if (r < 0)
        return ctl_fail (tracker->ctl, CTL_NO_DAEMON, "", "Cannot listen to the session bus: %s.",
                         g_strerror (-r));
      g_ptr_array_add (tracker->slots, slot);
    }
  return CTL_OK;
}

static void
unref_slot (gpointer slot)
{
  sd_bus_slot_unref (slot);
}

static void
free_transfer (gpointer transfer)
{
  ctl_transfer_free (transfer);
}

CtlExit
ctl_tracker_new (Ctl *ctl, gboolean follow_all, CtlTracker **ret_tracker)
{
  g_autoptr (CtlTracker) tracker = NULL;
  CtlExit status;

  status = ctl_connect (ctl);
  if (status != CTL_OK)
    return status;

  tracker = g_new0 (CtlTracker, 1);
  tracker->ctl = ctl;
  tracker->follow_all = follow_all;
  tracker->progress = ctl_progress_new (ctl, follow_all);
  tracker->transfers = g_ptr_array_new_with_free_func (free_transfer);
  tracker->slots = g_ptr_array_new_with_free_func (unref_slot);
  status = listen_for_signals (tracker);
  if (status == CTL_OK)
    *ret_tracker = g_steal_pointer (&tracker);
  return status;
}

void
ctl_tracker_free (CtlTracker *tracker)
{
  g_ptr_array_unref (tracker->slots);
  ctl_progress_free (tracker->progress);
  g_ptr_array_unref (tracker->transfers);
  g_free (tracker);
}

CtlExit
ctl_tracker_add (CtlTracker *tracker, const char *path)
{
  g_autoptr (GVariant) properties = NULL;
  CtlExit status;

  status = ctl_get_all (tracker->ctl, path, CTL_TRANSFER, &properties);
  if (status == CTL_OK)
    ctl_tracker_add_known (tracker, path, properties);
  return status;
}

static gboolean
all_ended (CtlTracker *tracker)
{
  for (guint i = 0; i < tracker->transfers->len; i++)
    if (!ctl_transfer_is_final (g_ptr_array_index (tracker->transfers, i)))
      return FALSE;
  return TRUE;
}

/* A failure says more than a rejection, and that more than a cancellation: in
 * the order of the exit codes. */
static CtlExit
get_outcome (CtlTracker *tracker)
{
  CtlExit worst = CTL_OK;

  for (guint i = 0; i < tracker->transfers->len; i++)
    {
      CtlExit status = ctl_transfer_get_exit (g_ptr_array_index (tracker->transfers, i));

      if (status != CTL_OK && (worst == CTL_OK || status < worst))
        worst = status;
    }
  return worst;
}

char *
ctl_tracker_list_running (CtlTracker *tracker)
{
  GString *ids = g_string_new (NULL);

  for (guint i = 0; i < tracker->transfers->len; i++)
    {
      CtlTransfer *transfer = g_ptr_array_index (tracker->transfers, i);

      if (!ctl_transfer_is_final (transfer))
        g_string_append_printf (ids, "%s%u", ids->len ? " " : "", ctl_transfer_get_id (transfer));
    }
  return g_string_free (ids, FALSE);
}

/* Waits for the bus or a signal, until @deadline (monotonic µs, -1 never).
 * CTL_OK: the bus has something to do. */
static CtlExit
wait_for_events (CtlTracker *tracker, int signal_fd, gint64 deadline)
{
  struct pollfd fds[] = {
    { .fd = sd_bus_get_fd (tracker->ctl->bus), .events = sd_bus_get_events (tracker->ctl->bus) },
    { .fd = signal_fd, .events = POLLIN },
  };
  gint64 left = deadline < 0 ? -1 : MAX (0, deadline - g_get_monotonic_time ());
  struct timespec timeout = { left / G_USEC_PER_SEC, left % G_USEC_PER_SEC * 1000 };
  int n;

  n = ppoll (fds, G_N_ELEMENTS (fds), left < 0 ? NULL : &timeout, NULL);
  if (n < 0 && errno != EINTR)
    return ctl_fail (tracker->ctl, CTL_FAILED, "", "Cannot wait for the session bus: %s.",
                     g_strerror (errno));
  if (n > 0 && fds[1].revents)
    return CTL_INTERRUPTED;
  return n == 0 ? CTL_TIMEOUT : CTL_OK;
}

static CtlExit
run (CtlTracker *tracker, int signal_fd, gint64 deadline)
{
  CtlExit status = CTL_OK;
  int r;

  while (status == CTL_OK)
    {
      r = sd_bus_process (tracker->ctl->bus, NULL);
      if (r < 0 || tracker->daemon_gone)
        {
          ctl_progress_clear (tracker->progress);
          return ctl_fail (tracker->ctl, CTL_NO_DAEMON, "", "The daemon is gone; the outcome is not known.");
        }
      if (r > 0)
        continue;
      if (!tracker->follow_all && all_ended (tracker))
        return get_outcome (tracker);
      ctl_progress_draw (tracker->progress, tracker->transfers);
      status = wait_for_events (tracker, signal_fd, deadline);
    }
  ctl_progress_clear (tracker->progress);
  return status;
}

CtlExit
ctl_tracker_run (CtlTracker *tracker, gint64 timeout_us)
{
  gint64 deadline = timeout_us < 0 ? -1 : g_get_monotonic_time () + timeout_us;
  sigset_t interrupts, before;
  CtlExit status;
  int signal_fd;

  /* Blocked and read from a descriptor, since a handler could come in between
   * the last check and the wait. */
  sigemptyset (&interrupts);
  sigaddset (&interrupts, SIGINT);
  sigaddset (&interrupts, SIGTERM);
  sigprocmask (SIG_BLOCK, &interrupts, &before);
  signal_fd = signalfd (-1, &interrupts, SFD_CLOEXEC);
  status = signal_fd < 0 ? ctl_fail (tracker->ctl, CTL_FAILED, "", "signalfd: %s", g_strerror (errno))
                         : run (tracker, signal_fd, deadline);
  if (signal_fd >= 0)
    {
      struct signalfd_siginfo info;

      if (status == CTL_INTERRUPTED && read (signal_fd, &info, sizeof info) < 0)
        status = CTL_FAILED;
      close (signal_fd);
    }
  sigprocmask (SIG_SETMASK, &before, NULL);
  return status;
}
