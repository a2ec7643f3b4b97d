/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Follows transfers by the daemon's signals.
 */
#include "tracker.h"

#include "events.h"
#include "transfer.h"
#include "value.h"

struct CtlTracker
{
  Ctl *ctl;
  CtlProgress *progress;
  CtlShow show; /* ALL: also what comes, and accounts */
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

static void
add_known (CtlTracker *tracker, const char *path, GVariant *properties)
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
  else if (g_str_equal (interface, CTL_ACCOUNT) && tracker->show == CTL_SHOW_ALL)
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
  if (properties && tracker->show == CTL_SHOW_ALL)
    add_known (tracker, path, properties);
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
  if (tracker->show == CTL_SHOW_ALL)
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
        return ctl_fail (tracker->ctl, CTL_NO_DAEMON, "", _ ("Cannot listen to the session bus: %s."),
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
ctl_tracker_new (Ctl *ctl, CtlShow show, CtlTracker **ret_tracker)
{
  g_autoptr (CtlTracker) tracker = NULL;
  CtlExit status;

  status = ctl_connect (ctl);
  if (status != CTL_OK)
    return status;

  tracker = g_new0 (CtlTracker, 1);
  tracker->ctl = ctl;
  tracker->show = show;
  tracker->progress = ctl_progress_new (ctl, show);
  tracker->transfers = g_ptr_array_new_with_free_func (free_transfer);
  tracker->slots = g_ptr_array_new_with_free_func (unref_slot);
  status = listen_for_signals (tracker);
  if (status == CTL_OK)
    *ret_tracker = g_steal_pointer (&tracker);
  return status;
}

void
ctl_tracker_show_totals (CtlTracker *tracker)
{
  tracker->show = CTL_SHOW_TOTALS;
  ctl_progress_show_totals (tracker->progress);
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
    add_known (tracker, path, properties);
  return status;
}

/* Those that are listed; @wanted loses them, NULL: all that have not ended. */
static CtlExit
add_listed (CtlTracker *tracker, GHashTable *wanted)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariantIter) iter = NULL;
  GVariant *properties;
  CtlExit status;

  status = ctl_call (tracker->ctl, CTL_ROOT, CTL_MANAGER, "ListTransfers", g_variant_new ("(a{sv})", NULL),
                     &reply);
  if (status != CTL_OK)
    return status;
  g_variant_get (reply, "(aa{sv})", &iter);
  while (g_variant_iter_loop (iter, "@a{sv}", &properties))
    {
      g_autoptr (CtlTransfer) transfer = ctl_transfer_new ("", properties);
      const char *path;

      if (g_variant_lookup (properties, "Path", "&o", &path)
          && (wanted ? g_hash_table_remove (wanted, path) : !ctl_transfer_is_final (transfer)))
        add_known (tracker, path, properties);
    }
  return CTL_OK;
}

CtlExit
ctl_tracker_add_running (CtlTracker *tracker)
{
  return add_listed (tracker, NULL);
}

CtlExit
ctl_tracker_add_all (CtlTracker *tracker, GPtrArray *paths)
{
  g_autoptr (GHashTable) wanted = g_hash_table_new (g_str_hash, g_str_equal);
  CtlExit status;

  for (guint i = 0; i < paths->len; i++)
    g_hash_table_add (wanted, g_ptr_array_index (paths, i));
  status = paths->len > 1 ? add_listed (tracker, wanted) : CTL_OK; /* one call for many */
  for (guint i = 0; i < paths->len && status == CTL_OK; i++)
    if (g_hash_table_contains (wanted, g_ptr_array_index (paths, i)))
      status = ctl_tracker_add (tracker, g_ptr_array_index (paths, i));
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

static gboolean
is_running (CtlTransfer *transfer)
{
  return !ctl_transfer_is_final (transfer);
}

static char *
list_ids (CtlTracker *tracker, gboolean (*fits) (CtlTransfer *transfer))
{
  GString *ids = g_string_new (NULL);

  for (guint i = 0; i < tracker->transfers->len; i++)
    {
      CtlTransfer *transfer = g_ptr_array_index (tracker->transfers, i);

      if (fits (transfer))
        g_string_append_printf (ids, "%s%u", ids->len ? " " : "", ctl_transfer_get_id (transfer));
    }
  return g_string_free (ids, FALSE);
}

char *
ctl_tracker_list_running (CtlTracker *tracker)
{
  return list_ids (tracker, is_running);
}

char *
ctl_tracker_list_resumable (CtlTracker *tracker)
{
  return list_ids (tracker, ctl_transfer_is_resumable);
}

static CtlExit
run (CtlTracker *tracker, CtlEvents *events, gint64 deadline)
{
  int r;

  for (;;)
    {
      r = sd_bus_process (tracker->ctl->bus, NULL);
      if (r < 0 || tracker->daemon_gone)
        {
          ctl_progress_clear (tracker->progress);
          return ctl_fail (tracker->ctl, CTL_NO_DAEMON, "",
                           _ ("The daemon is gone; the outcome is not known."));
        }
      if (r > 0)
        continue;
      if (tracker->show != CTL_SHOW_ALL && all_ended (tracker))
        {
          ctl_progress_sum_up (tracker->progress, tracker->transfers);
          return get_outcome (tracker);
        }
      ctl_progress_draw (tracker->progress, tracker->transfers);
      switch (ctl_events_wait (events, deadline))
        {
        case CTL_EVENT_TIMEOUT:
          return CTL_TIMEOUT;
        case CTL_EVENT_INTERRUPT:
          return CTL_INTERRUPTED;
        case CTL_EVENT_CONTINUED:
          ctl_progress_forget (tracker->progress);
          break;
        case CTL_EVENT_RESIZED:
        case CTL_EVENT_BUS:
        default:
          break;
        }
    }
}

CtlExit
ctl_tracker_run (CtlTracker *tracker, gint64 timeout_us)
{
  gint64 deadline = timeout_us < 0 ? -1 : g_get_monotonic_time () + timeout_us;
  CtlEvents events;
  CtlExit status;

  if (!ctl_events_begin (&events, tracker->ctl))
    return CTL_FAILED;
  status = run (tracker, &events, deadline);
  ctl_progress_clear (tracker->progress);
  ctl_events_end (&events);
  return status;
}
