/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One file on its way: its properties, and how they change.
 */
#include "fardel-private.h"

/**
 * FardelTransfer:
 *
 * A file that is sent or received.
 *
 * Transfers are made by the client: [method@Client.get_transfers] lists them, offering a file returns one,
 * and [signal@Client::offer-received] tells of those that others offer. There is only one object for a
 * transfer, and its properties change by themselves while the main context of the client runs.
 *
 * A transfer lives in the daemon and not in the program that offered it: it goes on when the program ends.
 * The object stays valid as long as there is a reference to it, but it changes only as long as its client is
 * there.
 *
 * Since: 0.1
 */
struct _FardelTransfer
{
  GObject parent_instance;
  GDBusConnection *bus;
  GWeakRef client;
  char *path;
  FardelValues values;
  /* made of the values */
  FardelState state;
  GError *error;
  GFile *local_file;
  /* news that were told */
  gboolean offer_taken, end_taken;
};

G_DEFINE_FINAL_TYPE (FardelTransfer, fardel_transfer, G_TYPE_OBJECT)

enum
{
  PROP_ID = 1,
  PROP_OBJECT_PATH,
  PROP_ACCOUNT,
  PROP_INCOMING,
  PROP_NAME,
  PROP_SIZE,
  PROP_MIME_TYPE,
  PROP_DESCRIPTION,
  PROP_MODIFIED,
  PROP_BATCH,
  PROP_APP_ID,
  PROP_PEER,
  PROP_STATE,
  PROP_FINISHED,
  PROP_ERROR,
  PROP_ENDED_BY,
  PROP_TRANSFERRED,
  PROP_RATE,
  PROP_REMAINING,
  PROP_OFFSET,
  PROP_RATE_LIMIT,
  PROP_TRANSPORT,
  PROP_ENCRYPTION,
  PROP_HASHES,
  PROP_VERIFIED,
  PROP_LOCAL_FILE,
  PROP_STARTED,
  PROP_ENDED,
  N_PROPS,
  /* What others are made of. */
  FIELD_ACCOUNT = N_PROPS,
  FIELD_DIRECTION,
  FIELD_ERROR,
  FIELD_ERROR_MESSAGE,
  FIELD_LOCAL_PATH,
  N_FIELDS
};

static GParamSpec *pspecs[N_FIELDS];

static const FardelField fields[N_FIELDS] = {
  [PROP_ID] = { "Id", "u" },
  [PROP_NAME] = { "Name", "s" },
  [PROP_SIZE] = { "Size", "x" },
  [PROP_MIME_TYPE] = { "MimeType", "s" },
  [PROP_DESCRIPTION] = { "Description", "s" },
  [PROP_MODIFIED] = { "Modified", "x" },
  [PROP_BATCH] = { "Batch", "s" },
  [PROP_APP_ID] = { "AppId", "s" },
  [PROP_PEER] = { "Peer", "s" },
  [PROP_STATE] = { "State", "s" },
  [PROP_ENDED_BY] = { "EndedBy", "s" },
  [PROP_TRANSFERRED] = { "Transferred", "t" },
  [PROP_RATE] = { "Rate", "t" },
  [PROP_REMAINING] = { "Remaining", "x" },
  [PROP_OFFSET] = { "Offset", "t" },
  [PROP_RATE_LIMIT] = { "RateLimit", "t" },
  [PROP_TRANSPORT] = { "Transport", "s" },
  [PROP_ENCRYPTION] = { "Encryption", "s" },
  [PROP_HASHES] = { "Hashes", "a{ss}" },
  [PROP_VERIFIED] = { "Verified", "s" },
  [PROP_STARTED] = { "Started", "t" },
  [PROP_ENDED] = { "Ended", "t" },
  [FIELD_ACCOUNT] = { "Account", "o", PROP_ACCOUNT },
  [FIELD_DIRECTION] = { "Direction", "s", PROP_INCOMING },
  [FIELD_ERROR] = { "Error", "s", PROP_ERROR },
  [FIELD_ERROR_MESSAGE] = { "ErrorMessage", "s", PROP_ERROR },
  [FIELD_LOCAL_PATH] = { "LocalPath", "s", PROP_LOCAL_FILE },
};

static void
fardel_transfer_init (FardelTransfer *self)
{
  fardel_values_init (&self->values, fields, pspecs, N_FIELDS);
  g_weak_ref_init (&self->client, NULL);
}

static void
fardel_transfer_finalize (GObject *object)
{
  FardelTransfer *self = FARDEL_TRANSFER (object);

  fardel_values_clear (&self->values);
  g_weak_ref_clear (&self->client);
  g_clear_object (&self->bus);
  g_clear_object (&self->local_file);
  g_clear_error (&self->error);
  g_free (self->path);
  G_OBJECT_CLASS (fardel_transfer_parent_class)->finalize (object);
}

static void
fardel_transfer_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  FardelTransfer *self = FARDEL_TRANSFER (object);
  g_autoptr (FardelClient) client = NULL;

  switch (id)
    {
    case PROP_OBJECT_PATH:
      g_value_set_string (value, self->path);
      break;
    case PROP_ACCOUNT:
      client = g_weak_ref_get (&self->client);
      if (client)
        g_value_take_object (
          value, fardel_client_lookup (client, fardel_values_string (&self->values, FIELD_ACCOUNT)));
      break;
    case PROP_INCOMING:
      g_value_set_boolean (value, fardel_transfer_is_incoming (self));
      break;
    case PROP_STATE:
      g_value_set_enum (value, self->state);
      break;
    case PROP_FINISHED:
      g_value_set_boolean (value, self->state >= FARDEL_STATE_DONE);
      break;
    case PROP_ERROR:
      g_value_set_boxed (value, self->error);
      break;
    case PROP_LOCAL_FILE:
      g_value_set_object (value, self->local_file);
      break;
    default:
      fardel_values_get (&self->values, id, value);
    }
}

static void
fardel_transfer_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  FardelTransfer *self = FARDEL_TRANSFER (object);

  g_assert (id == PROP_RATE_LIMIT);
  fardel_call_set (self->bus, self->path, FARDEL_TRANSFER_INTERFACE, fields[id].name,
                   g_variant_new_uint64 (g_value_get_uint64 (value)));
}

static void
install_what_it_is (const GParamFlags flags)
{
  /**
   * FardelTransfer:id: (getter get_id)
   *
   * The number of the transfer. It is never used again.
   *
   * Since: 0.1
   */
  pspecs[PROP_ID] = g_param_spec_uint ("id", NULL, NULL, 0, G_MAXUINT, 0, flags);
  /**
   * FardelTransfer:object-path:
   *
   * The D-Bus object path.
   *
   * Since: 0.1
   */
  pspecs[PROP_OBJECT_PATH] = g_param_spec_string ("object-path", NULL, NULL, NULL, flags);
  /**
   * FardelTransfer:account:
   *
   * The account that it belongs to; %NULL if that was removed.
   *
   * Since: 0.1
   */
  pspecs[PROP_ACCOUNT] = g_param_spec_object ("account", NULL, NULL, FARDEL_TYPE_ACCOUNT, flags);
  /**
   * FardelTransfer:incoming: (getter is_incoming)
   *
   * Whether the file comes here.
   *
   * Since: 0.1
   */
  pspecs[PROP_INCOMING] = g_param_spec_boolean ("incoming", NULL, NULL, FALSE, flags);
  /**
   * FardelTransfer:name: (getter get_name)
   *
   * The name of the file as offered, safe to show and to use as a name.
   *
   * Since: 0.1
   */
  pspecs[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, "", flags);
  /**
   * FardelTransfer:size: (getter get_size)
   *
   * The size of the whole file in bytes; -1 if it is not known.
   *
   * Since: 0.1
   */
  pspecs[PROP_SIZE] = g_param_spec_int64 ("size", NULL, NULL, -1, G_MAXINT64, -1, flags);
  /**
   * FardelTransfer:mime-type:
   *
   * The media type as offered; empty if it is not known. Of an incoming file it is only the peer's claim.
   *
   * Since: 0.1
   */
  pspecs[PROP_MIME_TYPE] = g_param_spec_string ("mime-type", NULL, NULL, "", flags);
  /**
   * FardelTransfer:description:
   *
   * The text that came with the offer; may be empty. Of an incoming file it is plain text of a stranger,
   * never markup.
   *
   * Since: 0.1
   */
  pspecs[PROP_DESCRIPTION] = g_param_spec_string ("description", NULL, NULL, "", flags);
  /**
   * FardelTransfer:modified:
   *
   * When the file was changed last; %NULL if it is not known.
   *
   * Since: 0.1
   */
  pspecs[PROP_MODIFIED] = g_param_spec_boxed ("modified", NULL, NULL, G_TYPE_DATE_TIME, flags);
  /**
   * FardelTransfer:batch:
   *
   * Transfers with the same text belong together; empty if it is alone.
   *
   * Since: 0.1
   */
  pspecs[PROP_BATCH] = g_param_spec_string ("batch", NULL, NULL, "", flags);
  /**
   * FardelTransfer:app-id:
   *
   * The sandboxed application that made the offer; empty for other programs and incoming files.
   *
   * Since: 0.1
   */
  pspecs[PROP_APP_ID] = g_param_spec_string ("app-id", NULL, NULL, "", flags);
  /**
   * FardelTransfer:peer: (getter get_peer)
   *
   * The XMPP address of the other side: bare until one of its programs is chosen, then full.
   *
   * Since: 0.1
   */
  pspecs[PROP_PEER] = g_param_spec_string ("peer", NULL, NULL, "", flags);
}

static void
install_where_it_is (const GParamFlags flags)
{
  /**
   * FardelTransfer:state: (getter get_state)
   *
   * Where it is.
   *
   * Since: 0.1
   */
  pspecs[PROP_STATE]
    = g_param_spec_enum ("state", NULL, NULL, FARDEL_TYPE_STATE, FARDEL_STATE_UNKNOWN, flags);
  /**
   * FardelTransfer:finished:
   *
   * Whether it ended, well or not.
   *
   * Since: 0.1
   */
  pspecs[PROP_FINISHED] = g_param_spec_boolean ("finished", NULL, NULL, FALSE, flags);
  /**
   * FardelTransfer:error: (getter get_error)
   *
   * Why it did not succeed, or what interrupted it; %NULL otherwise.
   *
   * Since: 0.1
   */
  pspecs[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, flags);
  /**
   * FardelTransfer:ended-by:
   *
   * Who ended it: `local`, `remote` or `network`; empty while it runs and when it is done.
   *
   * Since: 0.1
   */
  pspecs[PROP_ENDED_BY] = g_param_spec_string ("ended-by", NULL, NULL, "", flags);
  /**
   * FardelTransfer:transferred: (getter get_transferred)
   *
   * The bytes of the file that are through. It changes at most once a second.
   *
   * Since: 0.1
   */
  pspecs[PROP_TRANSFERRED] = g_param_spec_uint64 ("transferred", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  /**
   * FardelTransfer:rate: (getter get_rate)
   *
   * Bytes per second, smoothed over some seconds; 0 unless it is active.
   *
   * Since: 0.1
   */
  pspecs[PROP_RATE] = g_param_spec_uint64 ("rate", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  /**
   * FardelTransfer:remaining: (getter get_remaining)
   *
   * The microseconds that it will probably take until the end; -1 if that is not known.
   *
   * Since: 0.1
   */
  pspecs[PROP_REMAINING] = g_param_spec_int64 ("remaining", NULL, NULL, -1, G_MAXINT64, -1, flags);
  /**
   * FardelTransfer:offset:
   *
   * The bytes that an earlier transfer had done already.
   *
   * Since: 0.1
   */
  pspecs[PROP_OFFSET] = g_param_spec_uint64 ("offset", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  /**
   * FardelTransfer:rate-limit:
   *
   * The bytes per second that it may use; 0 is no limit, others are 1024 or more.
   *
   * Setting it asks the daemon and returns at once. The property changes when the daemon says so; what it
   * refuses is told in the log.
   *
   * Since: 0.1
   */
  pspecs[PROP_RATE_LIMIT]
    = g_param_spec_uint64 ("rate-limit", NULL, NULL, 0, G_MAXUINT64, 0, flags | G_PARAM_WRITABLE);
}

static void
install_how_it_went (const GParamFlags flags)
{
  /**
   * FardelTransfer:transport:
   *
   * The path of the bytes: `socks5-direct`, `socks5-proxy`, `ibb`, or empty before there is one.
   *
   * Since: 0.1
   */
  pspecs[PROP_TRANSPORT] = g_param_spec_string ("transport", NULL, NULL, "", flags);
  /**
   * FardelTransfer:encryption:
   *
   * How the bytes are protected between the two ends: `tls`, `jet`, or empty if they are not.
   *
   * Since: 0.1
   */
  pspecs[PROP_ENCRYPTION] = g_param_spec_string ("encryption", NULL, NULL, "", flags);
  /**
   * FardelTransfer:hashes:
   *
   * Checksums of the whole file, of the type `a{ss}`: name of the algorithm to lower-case hexadecimal.
   *
   * Since: 0.1
   */
  pspecs[PROP_HASHES] = g_param_spec_variant ("hashes", NULL, NULL, G_VARIANT_TYPE ("a{ss}"), NULL, flags);
  /**
   * FardelTransfer:verified:
   *
   * `none`, `ok` or `mismatch`. Of an outgoing file it is `ok` if the peer confirmed that it has the file.
   *
   * Since: 0.1
   */
  pspecs[PROP_VERIFIED] = g_param_spec_string ("verified", NULL, NULL, "", flags);
  /**
   * FardelTransfer:local-file: (getter get_local_file)
   *
   * The file here; %NULL before an incoming one is accepted and where a descriptor is used.
   *
   * Since: 0.1
   */
  pspecs[PROP_LOCAL_FILE] = g_param_spec_object ("local-file", NULL, NULL, G_TYPE_FILE, flags);
  /**
   * FardelTransfer:started:
   *
   * When the first bytes moved; %NULL before.
   *
   * Since: 0.1
   */
  pspecs[PROP_STARTED] = g_param_spec_boxed ("started", NULL, NULL, G_TYPE_DATE_TIME, flags);
  /**
   * FardelTransfer:ended:
   *
   * When it ended; %NULL before.
   *
   * Since: 0.1
   */
  pspecs[PROP_ENDED] = g_param_spec_boxed ("ended", NULL, NULL, G_TYPE_DATE_TIME, flags);
}

static void
fardel_transfer_class_init (FardelTransferClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->finalize = fardel_transfer_finalize;
  object_class->get_property = fardel_transfer_get_property;
  object_class->set_property = fardel_transfer_set_property;
  install_what_it_is (flags);
  install_where_it_is (flags);
  install_how_it_went (flags);
  g_object_class_install_properties (object_class, N_PROPS, pspecs);
}

FardelTransfer *
fardel_transfer_new (FardelClient *client, const char *path, GVariant *properties)
{
  FardelTransfer *self = g_object_new (FARDEL_TYPE_TRANSFER, NULL);

  self->bus = g_object_ref (fardel_client_get_bus (client));
  g_weak_ref_set (&self->client, client);
  self->path = g_strdup (path);
  fardel_transfer_update (self, properties);
  return self;
}

FardelCall
fardel_transfer_call (FardelTransfer *self, const char *method, GVariant *arguments)
{
  return (FardelCall){ self->bus, self->path, FARDEL_TRANSFER_INTERFACE, method, arguments, .fd = -1 };
}

FardelClient *
fardel_transfer_ref_client (FardelTransfer *self, GError **error)
{
  FardelClient *client = g_weak_ref_get (&self->client);

  if (!client)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "The client of this transfer is gone");
  return client;
}

void
fardel_transfer_update (FardelTransfer *self, GVariant *changed)
{
  const gboolean was_finished = self->state >= FARDEL_STATE_DONE;
  const char *state;

  /* Final states never change: this is a signal from before the end that was learnt otherwise. */
  if (was_finished && g_variant_lookup (changed, "State", "&s", &state)
      && !g_str_equal (state, fardel_values_string (&self->values, PROP_STATE)))
    return;

  g_object_freeze_notify (G_OBJECT (self));
  fardel_values_update (&self->values, G_OBJECT (self), changed);
  self->state = fardel_enum_from_nick (FARDEL_TYPE_STATE, fardel_values_string (&self->values, PROP_STATE));
  if (g_variant_lookup (changed, "Error", "&s", NULL)
      || g_variant_lookup (changed, "ErrorMessage", "&s", NULL))
    {
      g_clear_error (&self->error);
      self->error = fardel_error_new (fardel_values_string (&self->values, FIELD_ERROR),
                                      fardel_values_string (&self->values, FIELD_ERROR_MESSAGE));
    }
  if (g_variant_lookup (changed, "LocalPath", "&s", NULL))
    {
      const char *path = fardel_values_string (&self->values, FIELD_LOCAL_PATH);

      g_clear_object (&self->local_file);
      self->local_file = *path ? g_file_new_for_path (path) : NULL;
    }
  if (was_finished != (self->state >= FARDEL_STATE_DONE))
    g_object_notify_by_pspec (G_OBJECT (self), pspecs[PROP_FINISHED]);
  g_object_thaw_notify (G_OBJECT (self));
}

void
fardel_transfer_lose (FardelTransfer *self)
{
  g_autoptr (GVariant) end = NULL;

  if (self->state >= FARDEL_STATE_DONE)
    return;
  end = g_variant_ref_sink (
    g_variant_new_parsed ("{'State': <'failed'>, 'Error': <'org.freedesktop.DBus.Error.UnknownObject'>,"
                          " 'ErrorMessage': <'The transfer is not known any more'>, 'EndedBy': <'local'>,"
                          " 'Rate': <uint64 0>, 'Remaining': <int64 -1>}"));
  fardel_transfer_update (self, end);
}

gboolean
fardel_transfer_take_offer (FardelTransfer *self)
{
  if (self->offer_taken || self->state != FARDEL_STATE_OFFERED || !fardel_transfer_is_incoming (self))
    return FALSE;
  self->offer_taken = TRUE;
  return TRUE;
}

gboolean
fardel_transfer_take_end (FardelTransfer *self)
{
  if (self->end_taken || self->state < FARDEL_STATE_DONE)
    return FALSE;
  self->end_taken = TRUE;
  return TRUE;
}

/**
 * fardel_transfer_get_id: (get-property id)
 * @self: a transfer
 *
 * Gets the number of the transfer, as `fardelctl` and the D-Bus interface use it.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
guint
fardel_transfer_get_id (FardelTransfer *self)
{
  g_return_val_if_fail (FARDEL_IS_TRANSFER (self), 0);
  return fardel_values_uint (&self->values, PROP_ID);
}

/**
 * fardel_transfer_get_name: (get-property name)
 * @self: a transfer
 *
 * Gets the name of the file, which is safe to show and to use as a name.
 *
 * Returns: the name
 *
 * Since: 0.1
 */
const char *
fardel_transfer_get_name (FardelTransfer *self)
{
  g_return_val_if_fail (FARDEL_IS_TRANSFER (self), NULL);
  return fardel_values_string (&self->values, PROP_NAME);
}

/**
 * fardel_transfer_get_size: (get-property size)
 * @self: a transfer
 *
 * Gets the size of the whole file.
 *
 * Returns: bytes; -1 if the size is not known
 *
 * Since: 0.1
 */
gint64
fardel_transfer_get_size (FardelTransfer *self)
{
  g_return_val_if_fail (FARDEL_IS_TRANSFER (self), -1);
  return fardel_values_int64 (&self->values, PROP_SIZE, -1);
}

/**
 * fardel_transfer_get_peer: (get-property peer)
 * @self: a transfer
 *
 * Gets the XMPP address of the other side.
 *
 * Returns: the address
 *
 * Since: 0.1
 */
const char *
fardel_transfer_get_peer (FardelTransfer *self)
{
  g_return_val_if_fail (FARDEL_IS_TRANSFER (self), NULL);
  return fardel_values_string (&self->values, PROP_PEER);
}

/**
 * fardel_transfer_get_state: (get-property state)
 * @self: a transfer
 *
 * Gets where the transfer is.
 *
 * Returns: the state
 *
 * Since: 0.1
 */
FardelState
fardel_transfer_get_state (FardelTransfer *self)
{
  g_return_val_if_fail (FARDEL_IS_TRANSFER (self), FARDEL_STATE_UNKNOWN);
  return self->state;
}

/**
 * fardel_transfer_get_transferred: (get-property transferred)
 * @self: a transfer
 *
 * Gets how much of the file is through.
 *
 * Returns: bytes
 *
 * Since: 0.1
 */
guint64
fardel_transfer_get_transferred (FardelTransfer *self)
{
  g_return_val_if_fail (FARDEL_IS_TRANSFER (self), 0);
  return fardel_values_uint64 (&self->values, PROP_TRANSFERRED);
}

/**
 * fardel_transfer_get_rate: (get-property rate)
 * @self: a transfer
 *
 * Gets how fast the transfer is.
 *
 * Returns: bytes per second
 *
 * Since: 0.1
 */
guint64
fardel_transfer_get_rate (FardelTransfer *self)
{
  g_return_val_if_fail (FARDEL_IS_TRANSFER (self), 0);
  return fardel_values_uint64 (&self->values, PROP_RATE);
}

/**
 * fardel_transfer_get_remaining: (get-property remaining)
 * @self: a transfer
 *
 * Gets how long the rest of the file will probably take.
 *
 * Returns: microseconds; -1 if that is not known
 *
 * Since: 0.1
 */
gint64
fardel_transfer_get_remaining (FardelTransfer *self)
{
  g_return_val_if_fail (FARDEL_IS_TRANSFER (self), -1);
  return fardel_values_int64 (&self->values, PROP_REMAINING, -1);
}

/**
 * fardel_transfer_get_error: (get-property error)
 * @self: a transfer
 *
 * Gets why the transfer did not succeed, or what interrupted it.
 *
 * Returns: (nullable) (transfer none): the error, usually a [error@Error]; %NULL if there is none. It is
 * valid until the next change of the property.
 *
 * Since: 0.1
 */
const GError *
fardel_transfer_get_error (FardelTransfer *self)
{
  g_return_val_if_fail (FARDEL_IS_TRANSFER (self), NULL);
  return self->error;
}

/**
 * fardel_transfer_get_local_file: (get-property local-file)
 * @self: a transfer
 *
 * Gets the file on this side: where an accepted file goes to.
 *
 * Returns: (nullable) (transfer none): the file; %NULL before an incoming one is accepted and where a
 * descriptor is used, as it is for all files that this library offers
 *
 * Since: 0.1
 */
GFile *
fardel_transfer_get_local_file (FardelTransfer *self)
{
  g_return_val_if_fail (FARDEL_IS_TRANSFER (self), NULL);
  return self->local_file;
}

/**
 * fardel_transfer_is_incoming: (get-property incoming)
 * @self: a transfer
 *
 * Tells whether the file comes here.
 *
 * Returns: %TRUE if it is received, %FALSE if it is sent
 *
 * Since: 0.1
 */
gboolean
fardel_transfer_is_incoming (FardelTransfer *self)
{
  g_return_val_if_fail (FARDEL_IS_TRANSFER (self), FALSE);
  return g_str_equal (fardel_values_string (&self->values, FIELD_DIRECTION), "incoming");
}
