/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The client as programs see it: properties, signals, lists. What can be asked
 * of the daemon is in fardel-client-calls.c.
 */
#include "fardel-client-private.h"

/**
 * FardelClient:
 *
 * The way to the daemon of the user, `fardeld`.
 *
 * A client is made with [ctor@Client.new_sync] or [func@Client.new_async], once per program. It lists the
 * transfers and accounts that there are, keeps the lists up to date while the main context runs in which it
 * was made (see [method@GLib.MainContext.push_thread_default]), and offers files.
 *
 * The daemon is started by the bus when it is needed. It may be away: [property@Client:running] is %FALSE
 * then, the lists keep what was there, and when it is back they are brought up to date. A transfer that it
 * does not know any more ends as %FARDEL_STATE_FAILED.
 *
 * Functions that end in `_async` are for programs with a main loop, and are called in the thread that runs
 * it. Those that end in `_sync` block, can be called from any thread, and never run the main loop. Properties
 * of objects change in the client's thread only.
 *
 * Since: 0.1
 */
G_DEFINE_FINAL_TYPE_WITH_CODE (FardelClient, fardel_client, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE, fardel_client_initable_init)
                                 G_IMPLEMENT_INTERFACE (G_TYPE_ASYNC_INITABLE,
                                                        fardel_client_async_initable_init))

enum
{
  PROP_CONNECTION = 1,
  PROP_AUTOSTART,
  PROP_RUNNING,
  PROP_TRANSFERS,
  PROP_ACCOUNTS,
  PROP_VERSION,
  PROP_FEATURES,
  PROP_PROGRESS,
  PROP_ACTIVE_TRANSFERS,
  PROP_PENDING_OFFERS,
  PROP_MAX_ACTIVE_TRANSFERS,
  PROP_UPLOAD_LIMIT,
  PROP_DOWNLOAD_LIMIT,
  PROP_DOWNLOAD_FOLDER,
  N_PROPS
};

static GParamSpec *pspecs[N_PROPS];

static const FardelField fields[N_PROPS] = {
  [PROP_VERSION] = { "Version", "s" },
  [PROP_FEATURES] = { "Features", "as" },
  [PROP_PROGRESS] = { "Progress", "d" },
  [PROP_ACTIVE_TRANSFERS] = { "ActiveTransfers", "u" },
  [PROP_PENDING_OFFERS] = { "PendingOffers", "u" },
  [PROP_MAX_ACTIVE_TRANSFERS] = { "MaxActiveTransfers", "u" },
  [PROP_UPLOAD_LIMIT] = { "UploadLimit", "t" },
  [PROP_DOWNLOAD_LIMIT] = { "DownloadLimit", "t" },
  [PROP_DOWNLOAD_FOLDER] = { "DownloadFolder", "s" },
};

enum
{
  SIGNAL_OFFER_RECEIVED,
  SIGNAL_FINISHED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

void
fardel_client_emit_offer_received (FardelClient *self, FardelTransfer *transfer)
{
  g_signal_emit (self, signals[SIGNAL_OFFER_RECEIVED], 0, transfer);
}

void
fardel_client_emit_finished (FardelClient *self, FardelTransfer *transfer)
{
  g_signal_emit (self, signals[SIGNAL_FINISHED], 0, transfer);
}

GDBusConnection *
fardel_client_get_bus (FardelClient *self)
{
  return self->bus;
}

void
fardel_client_set_running (FardelClient *self, gboolean running)
{
  if (self->running == running)
    return;
  self->running = running;
  g_object_notify_by_pspec (G_OBJECT (self), pspecs[PROP_RUNNING]);
}

void
fardel_client_take_values (FardelClient *self, GVariant *reply)
{
  g_autoptr (GVariant) values = reply ? g_variant_get_child_value (reply, 0) : NULL;

  fardel_values_update (&self->values, G_OBJECT (self), values);
}

static void
fardel_client_init (FardelClient *self)
{
  fardel_values_init (&self->values, fields, pspecs, N_PROPS);
  g_mutex_init (&self->lock);
  self->context = g_main_context_ref_thread_default ();
  self->thread = g_thread_self ();
  self->objects = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->transfers = g_list_store_new (FARDEL_TYPE_TRANSFER);
  self->accounts = g_list_store_new (FARDEL_TYPE_ACCOUNT);
}

static void
fardel_client_finalize (GObject *object)
{
  FardelClient *self = FARDEL_CLIENT (object);

  g_cancellable_cancel (self->loading);
  g_clear_object (&self->loading);
  if (self->name_id)
    g_dbus_connection_signal_unsubscribe (self->bus, self->name_id);
  if (self->signals_id)
    g_dbus_connection_signal_unsubscribe (self->bus, self->signals_id);
  g_clear_object (&self->transfers);
  g_clear_object (&self->accounts);
  g_hash_table_unref (self->objects);
  g_mutex_clear (&self->lock);
  fardel_values_clear (&self->values);
  g_clear_object (&self->bus);
  g_main_context_unref (self->context);
  g_free (self->owner);
  G_OBJECT_CLASS (fardel_client_parent_class)->finalize (object);
}

static void
fardel_client_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  FardelClient *self = FARDEL_CLIENT (object);

  switch (id)
    {
    case PROP_CONNECTION:
      g_value_set_object (value, self->bus);
      break;
    case PROP_AUTOSTART:
      g_value_set_boolean (value, self->autostart);
      break;
    case PROP_RUNNING:
      g_value_set_boolean (value, self->running);
      break;
    case PROP_TRANSFERS:
      g_value_set_object (value, self->transfers);
      break;
    case PROP_ACCOUNTS:
      g_value_set_object (value, self->accounts);
      break;
    default:
      fardel_values_get (&self->values, id, value);
    }
}

static void
fardel_client_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  FardelClient *self = FARDEL_CLIENT (object);
  GVariant *variant = NULL;

  switch (id)
    {
    case PROP_CONNECTION:
      self->bus = g_value_dup_object (value);
      return;
    case PROP_AUTOSTART:
      self->autostart = g_value_get_boolean (value);
      return;
    case PROP_MAX_ACTIVE_TRANSFERS:
      variant = g_variant_new_uint32 (g_value_get_uint (value));
      break;
    case PROP_UPLOAD_LIMIT:
    case PROP_DOWNLOAD_LIMIT:
      variant = g_variant_new_uint64 (g_value_get_uint64 (value));
      break;
    case PROP_DOWNLOAD_FOLDER:
      variant = g_variant_new_string (g_value_get_string (value) ? g_value_get_string (value) : "");
      break;
    default:
      g_assert_not_reached ();
    }
  fardel_call_set (self->bus, FARDEL_PATH, FARDEL_MANAGER, fields[id].name, variant);
}

static void
install_client (const GParamFlags flags)
{
  const GParamFlags construct = flags | G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY;

  /**
   * FardelClient:connection:
   *
   * The connection to the bus where the daemon is; the session bus unless it was given to the constructor.
   *
   * Since: 0.1
   */
  pspecs[PROP_CONNECTION] = g_param_spec_object ("connection", NULL, NULL, G_TYPE_DBUS_CONNECTION, construct);
  /**
   * FardelClient:autostart:
   *
   * Whether the daemon is started when the client is made. What is asked of the daemon later starts it in any
   * case.
   *
   * Since: 0.1
   */
  pspecs[PROP_AUTOSTART] = g_param_spec_boolean ("autostart", NULL, NULL, TRUE, construct);
  /**
   * FardelClient:running: (getter is_running)
   *
   * Whether the daemon runs and the lists are up to date.
   *
   * Since: 0.1
   */
  pspecs[PROP_RUNNING] = g_param_spec_boolean ("running", NULL, NULL, FALSE, flags);
  /**
   * FardelClient:transfers: (getter get_transfers)
   *
   * The transfers, by their number.
   *
   * Since: 0.1
   */
  pspecs[PROP_TRANSFERS] = g_param_spec_object ("transfers", NULL, NULL, G_TYPE_LIST_MODEL, flags);
  /**
   * FardelClient:accounts: (getter get_accounts)
   *
   * The accounts, by their name.
   *
   * Since: 0.1
   */
  pspecs[PROP_ACCOUNTS] = g_param_spec_object ("accounts", NULL, NULL, G_TYPE_LIST_MODEL, flags);
}

static void
install_daemon (const GParamFlags flags)
{
  /**
   * FardelClient:version:
   *
   * The version of the daemon; empty while it does not run.
   *
   * Since: 0.1
   */
  pspecs[PROP_VERSION] = g_param_spec_string ("version", NULL, NULL, "", flags);
  /**
   * FardelClient:features:
   *
   * What the daemon can do, see `Features` in `org.fardel.Fardel1.Manager.xml`.
   *
   * Since: 0.1
   */
  pspecs[PROP_FEATURES] = g_param_spec_boxed ("features", NULL, NULL, G_TYPE_STRV, flags);
  /**
   * FardelClient:progress:
   *
   * All active transfers of known size together, from 0 to 1; -1 if there is none.
   *
   * Since: 0.1
   */
  pspecs[PROP_PROGRESS] = g_param_spec_double ("progress", NULL, NULL, -1, 1, -1, flags);
  /**
   * FardelClient:active-transfers:
   *
   * How many transfers are under way.
   *
   * Since: 0.1
   */
  pspecs[PROP_ACTIVE_TRANSFERS] = g_param_spec_uint ("active-transfers", NULL, NULL, 0, G_MAXUINT, 0, flags);
  /**
   * FardelClient:pending-offers:
   *
   * How many incoming offers wait for an answer.
   *
   * Since: 0.1
   */
  pspecs[PROP_PENDING_OFFERS] = g_param_spec_uint ("pending-offers", NULL, NULL, 0, G_MAXUINT, 0, flags);
}

/* Setting these asks the daemon, and does not wait. */
static void
install_settings (const GParamFlags flags)
{
  /**
   * FardelClient:max-active-transfers:
   *
   * How many transfers may be under way at once, 1 to 64.
   *
   * This and the other settings are the daemon's and shared by all programs. Setting one asks the daemon and
   * returns at once. The property changes when the daemon says so; what it refuses is told in the log.
   *
   * Since: 0.1
   */
  pspecs[PROP_MAX_ACTIVE_TRANSFERS]
    = g_param_spec_uint ("max-active-transfers", NULL, NULL, 0, G_MAXUINT, 0, flags);
  /**
   * FardelClient:upload-limit:
   *
   * The bytes per second that all outgoing transfers together may send; 0 is no limit.
   *
   * Since: 0.1
   */
  pspecs[PROP_UPLOAD_LIMIT] = g_param_spec_uint64 ("upload-limit", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  /**
   * FardelClient:download-limit:
   *
   * The bytes per second that all incoming transfers together may take; 0 is no limit.
   *
   * Since: 0.1
   */
  pspecs[PROP_DOWNLOAD_LIMIT] = g_param_spec_uint64 ("download-limit", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  /**
   * FardelClient:download-folder:
   *
   * The path of the folder for files that are accepted without a destination; empty is the default.
   *
   * Since: 0.1
   */
  pspecs[PROP_DOWNLOAD_FOLDER] = g_param_spec_string ("download-folder", NULL, NULL, "", flags);
}

static void
fardel_client_class_init (FardelClientClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->finalize = fardel_client_finalize;
  object_class->get_property = fardel_client_get_property;
  object_class->set_property = fardel_client_set_property;
  install_client (flags);
  install_daemon (flags);
  install_settings (flags | G_PARAM_WRITABLE);
  g_object_class_install_properties (object_class, N_PROPS, pspecs);

  /**
   * FardelClient::offer-received:
   * @self: the client
   * @transfer: the offer
   *
   * Somebody offers a file, and the offer waits for an answer: [method@Transfer.accept_async] or
   * [method@Transfer.reject_async].
   *
   * It is emitted once for each such transfer, also for those that wait already when the client is made: for
   * them soon after, from the main loop.
   *
   * Since: 0.1
   */
  signals[SIGNAL_OFFER_RECEIVED] = g_signal_new ("offer-received", FARDEL_TYPE_CLIENT, G_SIGNAL_RUN_LAST, 0,
                                                 NULL, NULL, NULL, G_TYPE_NONE, 1, FARDEL_TYPE_TRANSFER);
  /**
   * FardelClient::finished:
   * @self: the client
   * @transfer: the transfer
   *
   * A transfer ended, well or not. It is emitted once for each that was not at its end when the client saw it
   * first.
   *
   * Since: 0.1
   */
  signals[SIGNAL_FINISHED] = g_signal_new ("finished", FARDEL_TYPE_CLIENT, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                           NULL, G_TYPE_NONE, 1, FARDEL_TYPE_TRANSFER);
}

/**
 * fardel_client_is_running: (get-property running)
 * @self: a client
 *
 * Tells whether the daemon runs and the lists are up to date.
 *
 * Returns: %TRUE if it does
 *
 * Since: 0.1
 */
gboolean
fardel_client_is_running (FardelClient *self)
{
  g_return_val_if_fail (FARDEL_IS_CLIENT (self), FALSE);
  return self->running;
}

/**
 * fardel_client_get_transfers: (get-property transfers)
 * @self: a client
 *
 * Gets the list of transfers, by rising number. Those that ended stay listed for some time.
 *
 * Returns: (transfer none): a list of [class@Transfer]
 *
 * Since: 0.1
 */
GListModel *
fardel_client_get_transfers (FardelClient *self)
{
  g_return_val_if_fail (FARDEL_IS_CLIENT (self), NULL);
  return G_LIST_MODEL (self->transfers);
}

/**
 * fardel_client_get_accounts: (get-property accounts)
 * @self: a client
 *
 * Gets the list of accounts, by name.
 *
 * Returns: (transfer none): a list of [class@Account]
 *
 * Since: 0.1
 */
GListModel *
fardel_client_get_accounts (FardelClient *self)
{
  g_return_val_if_fail (FARDEL_IS_CLIENT (self), NULL);
  return G_LIST_MODEL (self->accounts);
}
