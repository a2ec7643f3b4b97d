/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * org.fardel.Fardel1.Transfer: its methods, and its properties as a table that
 * also serves Manager.ListTransfers.
 */
#include "base/fd.h"
#include "bus/object.h"
#include "bus/options.h"

#include <errno.h>

/* --- properties --- */

typedef struct
{
  const char *name;
  const char *signature;
  gsize offset; /* in FdTransferInfo, of what is shown as it is */
  int (*append) (sd_bus_message *message, const FdTransferInfo *info); /* if not NULL, of the rest */
} Property;

static int
append_account (sd_bus_message *message, const FdTransferInfo *info)
{
  g_autofree char *path = fd_bus_account_path (info->account);

  return sd_bus_message_append (message, "o", path);
}

static int
append_direction (sd_bus_message *message, const FdTransferInfo *info)
{
  return sd_bus_message_append (message, "s", info->incoming ? "incoming" : "outgoing");
}

static int
append_modified (sd_bus_message *message, const FdTransferInfo *info)
{
  return sd_bus_message_append (message, "x", info->modified < 0 ? -1 : info->modified * G_USEC_PER_SEC);
}

static int
append_state (sd_bus_message *message, const FdTransferInfo *info)
{
  return sd_bus_message_append (message, "s", fd_transfer_state_name (info->state));
}

static int
append_ended_by (sd_bus_message *message, const FdTransferInfo *info)
{
  static const char *const names[] = {
    [FD_BY_NOBODY] = "",
    [FD_BY_LOCAL] = "local",
    [FD_BY_REMOTE] = "remote",
    [FD_BY_NETWORK] = "network",
  };

  return sd_bus_message_append (message, "s", names[info->ended_by]);
}

static int
append_transport (sd_bus_message *message, const FdTransferInfo *info)
{
  return sd_bus_message_append (message, "s", fd_path_name (info->path));
}

/* No encryption of the bytestream itself is spoken yet. */
static int
append_encryption (sd_bus_message *message, const FdTransferInfo *info)
{
  return sd_bus_message_append (message, "s", "");
}

static int
append_hashes (sd_bus_message *message, const FdTransferInfo *info)
{
  g_autofree char *hex = NULL;

  if (info->digest.algo == FD_HASH_NONE)
    return sd_bus_message_append (message, "a{ss}", 0);
  hex = fd_digest_to_hex (&info->digest);
  return sd_bus_message_append (message, "a{ss}", 1, fd_hash_name (info->digest.algo), hex);
}

static int
append_verified (sd_bus_message *message, const FdTransferInfo *info)
{
  static const char *const names[] = {
    [FD_VERIFIED_NONE] = "none",
    [FD_VERIFIED_OK] = "ok",
    [FD_VERIFIED_MISMATCH] = "mismatch",
  };

  return sd_bus_message_append (message, "s", names[info->verified]);
}

static int
append_started (sd_bus_message *message, const FdTransferInfo *info)
{
  return sd_bus_message_append (message, "t", info->started * G_USEC_PER_SEC);
}

static int
append_ended (sd_bus_message *message, const FdTransferInfo *info)
{
  return sd_bus_message_append (message, "t", info->ended * G_USEC_PER_SEC);
}

#define FIELD(field) G_STRUCT_OFFSET (FdTransferInfo, field), NULL

static const Property properties[] = {
  { "Id", "u", FIELD (id) },
  { "Account", "o", 0, append_account },
  { "Direction", "s", 0, append_direction },
  { "Name", "s", FIELD (name) },
  { "Size", "x", FIELD (size) },
  { "MimeType", "s", FIELD (mime_type) },
  { "Description", "s", FIELD (description) },
  { "Modified", "x", 0, append_modified },
  { "Batch", "s", FIELD (batch) },
  { "AppId", "s", FIELD (app_id) },
  { "Peer", "s", FIELD (peer) },
  { "State", "s", 0, append_state },
  { "Error", "s", FIELD (error) },
  { "ErrorMessage", "s", FIELD (error_message) },
  { "EndedBy", "s", 0, append_ended_by },
  { "Transferred", "t", FIELD (transferred) },
  { "Rate", "t", FIELD (rate) },
  { "Remaining", "x", FIELD (remaining) },
  { "Offset", "t", FIELD (offset) },
  { "RateLimit", "t", FIELD (rate_limit) },
  { "Transport", "s", 0, append_transport },
  { "Encryption", "s", 0, append_encryption },
  { "Hashes", "a{ss}", 0, append_hashes },
  { "Verified", "s", 0, append_verified },
  { "LocalPath", "s", FIELD (local_path) },
  { "Started", "t", 0, append_started },
  { "Ended", "t", 0, append_ended },
};

static int
append_property (sd_bus_message *message, const Property *property, const FdTransferInfo *info)
{
  gconstpointer field = (const guint8 *) info + property->offset;

  if (property->append)
    return property->append (message, info);
  if (*property->signature == 's')
    field = *(const char *const *) field;
  return sd_bus_message_append_basic (message, *property->signature, field);
}

static int
get_property (sd_bus *sd, const char *path, const char *interface, const char *name, sd_bus_message *reply,
              void *userdata, sd_bus_error *ret_error)
{
  FdObject *object = userdata;

  fd_transfer_sample (object->transfer);
  for (guint i = 0; i < G_N_ELEMENTS (properties); i++)
    if (g_str_equal (properties[i].name, name))
      return append_property (reply, &properties[i], fd_transfer_get_info (object->transfer));
  return -ENOENT;
}

static int
set_rate_limit (sd_bus *sd, const char *path, const char *interface, const char *name, sd_bus_message *value,
                void *userdata, sd_bus_error *ret_error)
{
  g_autoptr (GError) error = NULL;
  FdObject *object = userdata;
  guint64 rate;

  if (fd_bus_check_setter (object, value, &error)
      && fd_sd_check (sd_bus_message_read_basic (value, 't', &rate), &error)
      && fd_transfer_set_rate_limit (object->transfer, rate, &error))
    return 0;
  return fd_sd_error_set (ret_error, error);
}

int
fd_bus_transfer_append (sd_bus_message *message, FdTransfer *transfer)
{
  const FdTransferInfo *info = fd_transfer_get_info (transfer);
  int r = 0;

  fd_transfer_sample (transfer);
  for (guint i = 0; r >= 0 && i < G_N_ELEMENTS (properties); i++)
    {
      r = sd_bus_message_open_container (message, 'e', "sv");
      if (r >= 0)
        r = sd_bus_message_append (message, "s", properties[i].name);
      if (r >= 0)
        r = sd_bus_message_open_container (message, 'v', properties[i].signature);
      if (r >= 0)
        r = append_property (message, &properties[i], info);
      if (r >= 0)
        r = sd_bus_message_close_container (message);
      if (r >= 0)
        r = sd_bus_message_close_container (message);
    }
  return r;
}

/* --- methods --- */

typedef struct
{
  FdAcceptOptions accept;
  gboolean resume;
  gboolean bind;
} AcceptOptions;

#define ACCEPT_OPTIONS_INIT \
  { \
    .accept = { .paths = FD_PATH_ANY }, .resume = TRUE \
  }

static const FdOption accept_options[] = {
  { "bind", FD_OPTION_BOOL, G_STRUCT_OFFSET (AcceptOptions, bind), NULL },
  { "transports", FD_OPTION_PATHS, G_STRUCT_OFFSET (AcceptOptions, accept.paths), NULL },
  { "rate-limit", FD_OPTION_UINT64, G_STRUCT_OFFSET (AcceptOptions, accept.rate_limit), NULL },
  /* from here on not for AcceptFd */
  { "resume", FD_OPTION_BOOL, G_STRUCT_OFFSET (AcceptOptions, resume), NULL },
  { "overwrite", FD_OPTION_BOOL, G_STRUCT_OFFSET (AcceptOptions, accept.overwrite), NULL },
};
#define N_ACCEPT_FD_OPTIONS 3

static gboolean
read_accept (const FdCall *call, guint n_options, AcceptOptions *options, GError **error)
{
  if (!fd_options_read (call->message, accept_options, n_options, options, error)
      || !fd_config_check_rate (options->accept.rate_limit, error))
    return FALSE;
  options->accept.fresh = !options->resume;
  return TRUE;
}

static void
bind_if (const FdCall *call, gboolean wanted, FdTransfer *transfer)
{
  if (wanted)
    fd_binds_add (call->bus->binds, call->message, fd_transfer_get_info (transfer)->id);
}

static gboolean
run_accept (const FdCall *call, GError **error)
{
  AcceptOptions options = ACCEPT_OPTIONS_INIT;
  g_autofree char *path = NULL;
  const char *destination;

  if (!fd_sd_check (sd_bus_message_read_basic (call->message, 's', &destination), error)
      || !read_accept (call, G_N_ELEMENTS (accept_options), &options, error)
      || !fd_transfer_accept (call->transfer, destination, &options.accept, &path, error))
    return FALSE;
  bind_if (call, options.bind, call->transfer);
  return fd_call_reply (call, "s", path);
}

static gboolean
run_accept_fd (const FdCall *call, GError **error)
{
  AcceptOptions options = ACCEPT_OPTIONS_INIT;
  fd_autoclose fd = fd_call_read_fd (call, error);

  if (fd < 0 || !read_accept (call, N_ACCEPT_FD_OPTIONS, &options, error)
      || !fd_transfer_accept_fd (call->transfer, fd_take (&fd), &options.accept, error))
    return FALSE;
  bind_if (call, options.bind, call->transfer);
  return fd_call_reply (call, NULL);
}

static gboolean
run_reject (const FdCall *call, GError **error)
{
  return fd_transfer_reject (call->transfer, error) && fd_call_reply (call, NULL);
}

static gboolean
run_cancel (const FdCall *call, GError **error)
{
  return fd_transfer_cancel (call->transfer, error) && fd_call_reply (call, NULL);
}

static gboolean
run_resume (const FdCall *call, GError **error)
{
  static const FdOption options[] = { { "bind", FD_OPTION_BOOL, 0, NULL } };
  g_autofree char *path = NULL;
  FdTransfer *transfer;
  gboolean bind = FALSE;

  if (!fd_options_read (call->message, options, G_N_ELEMENTS (options), &bind, error)
      || !fd_transfer_resume (call->transfer, &transfer, error))
    return FALSE;
  path = fd_bus_transfer_path (fd_transfer_get_info (transfer)->id);
  bind_if (call, bind, transfer);
  return fd_call_reply (call, "o", path);
}

/* The transfer and this object are gone afterwards. */
static gboolean
run_forget (const FdCall *call, GError **error)
{
  return fd_transfer_forget (call->transfer, error) && fd_call_reply (call, NULL);
}

static const FdMethod methods[] = {
  { "Accept", FD_ALLOW_HOST, "open the file and use AcceptFd", run_accept },
  { "AcceptFd", FD_ALLOW_LISTED, "the user may allow it with AllowApps= in fardel.conf", run_accept_fd },
  { "Reject", FD_ALLOW_LISTED, "the user may allow it with AllowApps= in fardel.conf", run_reject },
  { "Cancel", FD_ALLOW_OWNER, "the transfer was not made by it", run_cancel },
  { "Resume", FD_ALLOW_OWNER, "the transfer was not made by it", run_resume },
  { "Forget", FD_ALLOW_OWNER, "the transfer was not made by it", run_forget },
};

static int
on_call (sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
  return fd_bus_run (methods, G_N_ELEMENTS (methods), message, userdata, ret_error);
}

#define METHOD(member, in, in_names, out, out_names) \
  SD_BUS_METHOD_WITH_NAMES (member, in, in_names, out, out_names, on_call, SD_BUS_VTABLE_UNPRIVILEGED)
#define CONST(name, signature) \
  SD_BUS_PROPERTY (name, signature, get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST)
#define CHANGES(name, signature) \
  SD_BUS_PROPERTY (name, signature, get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

const sd_bus_vtable fd_bus_transfer_vtable[] = {
  SD_BUS_VTABLE_START (0),
  METHOD ("Accept", "sa{sv}", SD_BUS_PARAM (destination) SD_BUS_PARAM (options), "s", SD_BUS_PARAM (path)),
  METHOD ("AcceptFd", "ha{sv}", SD_BUS_PARAM (fd) SD_BUS_PARAM (options), "", ""),
  METHOD ("Reject", "", "", "", ""),
  METHOD ("Cancel", "", "", "", ""),
  METHOD ("Resume", "a{sv}", SD_BUS_PARAM (options), "o", SD_BUS_PARAM (transfer)),
  METHOD ("Forget", "", "", "", ""),
  SD_BUS_SIGNAL_WITH_NAMES ("Finished", "sss",
                            SD_BUS_PARAM (state) SD_BUS_PARAM (error) SD_BUS_PARAM (message), 0),
  CONST ("Id", "u"),
  CONST ("Account", "o"),
  CONST ("Direction", "s"),
  CONST ("Name", "s"),
  CONST ("Size", "x"),
  CONST ("MimeType", "s"),
  CONST ("Description", "s"),
  CONST ("Modified", "x"),
  CONST ("Batch", "s"),
  CONST ("AppId", "s"),
  CHANGES ("Peer", "s"),
  CHANGES ("State", "s"),
  CHANGES ("Error", "s"),
  CHANGES ("ErrorMessage", "s"),
  CHANGES ("EndedBy", "s"),
  CHANGES ("Transferred", "t"),
  CHANGES ("Rate", "t"),
  CHANGES ("Remaining", "x"),
  CHANGES ("Offset", "t"),
  SD_BUS_WRITABLE_PROPERTY ("RateLimit", "t", get_property, set_rate_limit, 0,
                            SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  CHANGES ("Transport", "s"),
  CHANGES ("Encryption", "s"),
  CHANGES ("Hashes", "a{ss}"),
  CHANGES ("Verified", "s"),
  CHANGES ("LocalPath", "s"),
  CHANGES ("Started", "t"),
  CHANGES ("Ended", "t"),
  SD_BUS_VTABLE_END,
};
