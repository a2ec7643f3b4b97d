/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The D-Bus face: its life, and what changes in the model as signals.
 */
#include "bus/bus.h"

#include "base/error.h"
#include "base/timer.h"
#include "bus/object.h"
#include "bus/source.h"

#include <errno.h>

/* Whoever owns this name shows the user incoming offers, and accounts that need them. */
#define OFFER_UI "org.fardel.Fardel1.OfferUI"

/* --- the model's hooks --- */

/* Before the start nothing is exported; the start shows what is there then. */
static gboolean
is_started (const FdBus *bus)
{
  return bus->manager != NULL;
}

static void
on_account_added (FdAccount *account, gpointer data)
{
  FdBus *bus = data;

  if (is_started (bus))
    fd_bus_export_account (bus, account);
}

typedef struct
{
  guint field;
  const char *property;
} FieldProperty;

static const FieldProperty account_properties[] = {
  { FD_ACCOUNT_JID, "Jid" },
  { FD_ACCOUNT_JID, "AutoAccept" },
  { FD_ACCOUNT_JID, "AutoAcceptMaxSize" },
  { FD_ACCOUNT_JID, "AutoAcceptFolder" },
  { FD_ACCOUNT_JID, "Strangers" },
  { FD_ACCOUNT_JID, "RelayOnly" },
  { FD_ACCOUNT_JID, "Enabled" },
  { FD_ACCOUNT_STATUS, "Status" },
  { FD_ACCOUNT_STATUS, "Error" },
  { FD_ACCOUNT_STATUS, "ErrorMessage" },
  { FD_ACCOUNT_STATUS, "FullJid" },
  { FD_ACCOUNT_STATUS, "Tls" },
  { FD_ACCOUNT_PASSWORD, "PasswordSource" },
};

/* A change of state carries the numbers; numbers alone wait for the next round. */
static const FieldProperty transfer_properties[] = {
  { FD_TRANSFER_STATE, "State" },          { FD_TRANSFER_STATE, "Error" },
  { FD_TRANSFER_STATE, "ErrorMessage" },   { FD_TRANSFER_STATE, "EndedBy" },
  { FD_TRANSFER_STATE, "Started" },        { FD_TRANSFER_STATE, "Ended" },
  { FD_TRANSFER_STATE, "Verified" },       { FD_TRANSFER_STATE, "Hashes" },
  { FD_TRANSFER_STATE, "Transferred" },    { FD_TRANSFER_STATE, "Rate" },
  { FD_TRANSFER_STATE, "Remaining" },      { FD_TRANSFER_PEER, "Peer" },
  { FD_TRANSFER_PATH, "Transport" },       { FD_TRANSFER_PATH, "Offset" },
  { FD_TRANSFER_PATH, "Encryption" },      { FD_TRANSFER_LOCAL_PATH, "LocalPath" },
  { FD_TRANSFER_RATE_LIMIT, "RateLimit" },
};

static const FieldProperty manager_properties[] = {
  { FD_MANAGER_MAX_ACTIVE, "MaxActiveTransfers" },
  { FD_MANAGER_FOLDER, "DownloadFolder" },
  { FD_MANAGER_UPLOAD_LIMIT, "UploadLimit" },
  { FD_MANAGER_DOWNLOAD_LIMIT, "DownloadLimit" },
};

static void
emit_fields (FdBus *bus, gconstpointer model, guint fields, const FieldProperty *properties,
             guint n_properties)
{
  g_autofree const char **changed = g_new0 (const char *, n_properties + 1);
  guint n = 0;

  for (guint i = 0; i < n_properties; i++)
    if (fields & properties[i].field)
      changed[n++] = properties[i].property;
  fd_bus_emit_changed (bus, model, changed);
}

/* --- who speaks to the user --- */

static int
on_offer_ui_started (sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
  const sd_bus_error *error = sd_bus_message_get_error (reply);

  if (error)
    g_debug ("Nothing speaks to the user: %s", error->message);
  return 1;
}

static void
start_offer_ui (FdBus *bus)
{
  int r = sd_bus_call_method_async (bus->sd, NULL, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                    "org.freedesktop.DBus", "StartServiceByName", on_offer_ui_started, NULL,
                                    "su", OFFER_UI, 0);

  if (r < 0)
    g_debug ("Cannot call %s: %s", OFFER_UI, g_strerror (-r));
}

/* At each new offer, since the one that showed the last may have left. */
static void
call_offer_ui (FdBus *bus)
{
  guint pending = fd_manager_get_pending (bus->manager, FD_OWNER_ANYBODY);

  if (pending > bus->pending)
    start_offer_ui (bus);
  bus->pending = pending;
}

/* It does not go on without them. */
static gboolean
needs_user (FdAccount *account)
{
  static const char *const stuck[] = { "waiting-for-password", "failed", NULL };

  return g_strv_contains (stuck, fd_account_get_status (account));
}

/* --- accounts and transfers --- */

static void
on_account_changed (FdAccount *account, FdAccountFields fields, gpointer data)
{
  FdBus *bus = data;

  emit_fields (bus, account, fields, account_properties, G_N_ELEMENTS (account_properties));
  if (fields & FD_ACCOUNT_CONTACTS)
    fd_contacts_changed (bus, account);
  if (is_started (bus) && !bus->shared && (fields & FD_ACCOUNT_STATUS) && needs_user (account))
    start_offer_ui (bus);
}

static void
on_account_removed (FdAccount *account, gpointer data)
{
  fd_bus_unexport (data, account);
}

static void
on_transfer_added (FdTransfer *transfer, gpointer data)
{
  FdBus *bus = data;

  if (is_started (bus))
    fd_bus_export_transfer (bus, transfer);
}

static void
on_transfer_changed (FdTransfer *transfer, FdTransferFields fields, gpointer data)
{
  FdBus *bus = data;

  emit_fields (bus, transfer, fields, transfer_properties, G_N_ELEMENTS (transfer_properties));
  if (is_started (bus) && (fields & FD_TRANSFER_STATE))
    fd_progress_transfer_told (bus, transfer);
}

static void
on_transfer_finished (FdTransfer *transfer, gpointer data)
{
  FdBus *bus = data;

  fd_bus_emit_finished (bus, transfer);
  fd_binds_remove (bus->binds, fd_transfer_get_info (transfer)->id);
}

static void
on_transfer_removed (FdTransfer *transfer, gpointer data)
{
  FdBus *bus = data;

  fd_progress_transfer_gone (bus, transfer);
  fd_binds_remove (bus->binds, fd_transfer_get_info (transfer)->id);
  fd_bus_unexport (bus, transfer);
}

/* --- the manager --- */

static void
on_changed (FdManagerFields fields, gpointer data)
{
  FdBus *bus = data;

  if (!is_started (bus))
    return;
  emit_fields (bus, bus->manager, fields, manager_properties, G_N_ELEMENTS (manager_properties));
  if (fields & FD_MANAGER_PENDING && !bus->shared)
    call_offer_ui (bus);
  fd_progress_manager_changed (bus, fields & (FD_MANAGER_ACTIVE | FD_MANAGER_PENDING));
}

const FdManagerHooks *
fd_bus_get_hooks (void)
{
  static const FdManagerHooks hooks = {
    .account_added = on_account_added,
    .account_changed = on_account_changed,
    .account_removed = on_account_removed,
    .transfer_added = on_transfer_added,
    .transfer_changed = on_transfer_changed,
    .transfer_finished = on_transfer_finished,
    .transfer_removed = on_transfer_removed,
    .changed = on_changed,
  };

  return &hooks;
}

/* --- life --- */

static void
on_lost (gpointer data)
{
  FdBus *bus = data;

  g_message ("Lost the connection to the bus");
  if (bus->lost)
    bus->lost (bus->lost_data);
}

static void
on_woke (gpointer data)
{
  FdBus *bus = data;

  fd_manager_wake (bus->manager);
}

static void
on_caller_left (guint32 id, gpointer data)
{
  FdBus *bus = data;
  FdTransfer *transfer = fd_manager_find_transfer (bus->manager, id);
  g_autoptr (GError) error = NULL;

  if (transfer && !fd_transfer_cancel (transfer, &error))
    g_debug ("The caller that transfer %u was bound to has left: %s", id, error->message);
}

FdBus *
fd_bus_new (gboolean shared, GError **error)
{
  g_autoptr (sd_bus) sd = NULL;
  FdBus *bus;
  int r = shared ? sd_bus_open_system (&sd) : sd_bus_open_user (&sd);

  if (r < 0)
    {
      g_set_error (error, FD_ERROR, FD_ERROR_CONNECTION_FAILED, "Cannot connect to the %s: %s",
                   shared ? "system bus" : "session bus; is DBUS_SESSION_BUS_ADDRESS set?", g_strerror (-r));
      return NULL;
    }

  bus = g_new0 (FdBus, 1);
  bus->shared = shared;
  bus->sd = g_steal_pointer (&sd);
  bus->objects = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) fd_object_free);
  bus->paths = g_hash_table_new (g_str_hash, g_str_equal);
  bus->callers = fd_callers_new (bus->sd, shared);
  bus->binds = fd_binds_new (bus->sd, on_caller_left, bus);
  fd_progress_init (bus);
  bus->source = fd_bus_source_new (bus->sd, on_lost, bus);
  return bus;
}

void
fd_bus_free (FdBus *bus)
{
  if (!bus)
    return;
  fd_timer_free (bus->timer);
  fd_sleep_free (bus->sleep);
  g_source_destroy (bus->source);
  g_source_unref (bus->source);
  fd_binds_free (bus->binds);
  fd_callers_free (bus->callers);
  if (bus->listeners)
    g_ptr_array_unref (bus->listeners);
  g_hash_table_unref (bus->paths);
  g_hash_table_unref (bus->objects);
  fd_budget_free (bus->budget);
  sd_bus_flush_close_unref (bus->sd);
  g_free (bus);
}

static void
export_model (FdBus *bus)
{
  GPtrArray *accounts = fd_manager_get_accounts (bus->manager);
  GPtrArray *transfers = fd_manager_get_transfers (bus->manager);

  for (guint i = 0; i < accounts->len; i++)
    fd_bus_export_account (bus, accounts->pdata[i]);
  for (guint i = 0; i < transfers->len; i++)
    {
      fd_bus_export_transfer (bus, transfers->pdata[i]);
      fd_progress_transfer_told (bus, transfers->pdata[i]);
    }
}

gboolean
fd_bus_start (FdBus *bus, FdManager *manager, GError **error)
{
  int r;

  bus->manager = manager;
  if (!fd_sd_check (fd_listeners_init (bus), error) || !fd_bus_export_manager (bus, error))
    return FALSE;
  export_model (bus);
  if (!bus->shared)
    call_offer_ui (bus);

  r = sd_bus_request_name (bus->sd, FD_BUS_NAME, 0);
  if (r >= 0)
    {
      bus->sleep = fd_sleep_new (on_woke, bus);
      return TRUE;
    }
  if (r == -EEXIST)
    g_set_error (error, FD_ERROR, FD_ERROR_FAILED, "Another program has the name %s: fardeld runs already",
                 FD_BUS_NAME);
  else
    g_set_error (error, FD_ERROR, FD_ERROR_FAILED, "Cannot take the name %s: %s", FD_BUS_NAME,
                 g_strerror (-r));
  return FALSE;
}

void
fd_bus_set_lost_callback (FdBus *bus, void (*lost) (gpointer data), gpointer data)
{
  bus->lost = lost;
  bus->lost_data = data;
}
