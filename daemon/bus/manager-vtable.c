/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * org.fardel.Fardel1.Manager.
 */
#include "base/error.h"
#include "base/fd.h"
#include "bus/object.h"
#include "bus/options.h"
#include "config.h"
#include "core/secret-service.h"
#include "xmpp/jid.h"

#include <string.h>

/* --- offers --- */

typedef struct
{
  FdOfferOptions offer;
  gint64 size;
  gboolean bind;
} OfferArgs;

#define OFFER(field) G_STRUCT_OFFSET (OfferArgs, field)

/* Each kind of offer takes a range of these. */
static const FdOption offer_options[] = {
  { "size", FD_OPTION_INT64, OFFER (size), NULL },
  { "account", FD_OPTION_TEXT, OFFER (offer.account), NULL },
  { "description", FD_OPTION_TEXT, OFFER (offer.description), NULL },
  { "mime-type", FD_OPTION_TEXT, OFFER (offer.mime_type), NULL },
  { "resource", FD_OPTION_TEXT, OFFER (offer.resource), NULL },
  { "batch", FD_OPTION_TEXT, OFFER (offer.batch), NULL },
  { "timeout", FD_OPTION_UINT, OFFER (offer.timeout_s), NULL },
  { "transports", FD_OPTION_PATHS, OFFER (offer.paths), NULL },
  { "hash", FD_OPTION_BOOL, OFFER (offer.hash), NULL },
  { "rate-limit", FD_OPTION_UINT64, OFFER (offer.rate_limit), NULL },
  { "bind", FD_OPTION_BOOL, OFFER (bind), NULL },
  { "name", FD_OPTION_TEXT, OFFER (offer.name), NULL },
};
#define N_COMMON (G_N_ELEMENTS (offer_options) - 2)
#define FOR_OFFER offer_options + 1, N_COMMON + 1
#define FOR_OFFER_FD offer_options, N_COMMON + 1
#define FOR_OFFER_MANY offer_options + 1, N_COMMON

/* The model takes 0 for its default; here it stands for no limit. */
#define NO_TIMEOUT G_MAXUINT

static gboolean
read_offer (const FdCall *call, const char *peer, const FdOption *options, guint n_options, OfferArgs *args,
            GError **error)
{
  const guint absent = 24 * 60 * 60;

  *args = (OfferArgs) {
    .offer = {
      .caller = call->caller->uid,
      .account = "",
      .peer = peer,
      .name = "",
      .description = "",
      .mime_type = "",
      .resource = "",
      .batch = "",
      .app_id = call->caller->app_id,
      .timeout_s = absent,
      .paths = FD_PATH_ANY,
    },
    .size = -1,
  };
  if (!fd_options_read (call->message, options, n_options, args, error))
    return FALSE;
  if (args->offer.timeout_s == 0)
    args->offer.timeout_s = NO_TIMEOUT;
  return fd_config_check_rate (args->offer.rate_limit, error);
}

static gboolean
offer (const FdCall *call, FdSource *source, const OfferArgs *args, GError **error)
{
  FdTransfer *transfer = fd_manager_offer (call->manager, source, &args->offer, error);
  g_autofree char *path = NULL;
  guint32 id;

  if (!transfer)
    return FALSE;
  id = fd_transfer_get_info (transfer)->id;
  path = fd_bus_transfer_path (id);
  if (args->bind)
    fd_binds_add (call->bus->binds, call->message, id);
  return fd_call_reply (call, "o", path);
}

static gboolean
run_offer (const FdCall *call, GError **error)
{
  g_autoptr (FdSource) source = NULL;
  const char *peer, *path;
  OfferArgs args;

  if (!fd_sd_check (sd_bus_message_read (call->message, "ss", &peer, &path), error)
      || !read_offer (call, peer, FOR_OFFER, &args, error))
    return FALSE;
  source = fd_source_open (path, error);
  return source && offer (call, source, &args, error);
}

static gboolean
run_offer_fd (const FdCall *call, GError **error)
{
  g_autoptr (FdSource) source = NULL;
  fd_autoclose fd = -1;
  const char *peer, *name;
  OfferArgs args;

  if (!fd_sd_check (sd_bus_message_read_basic (call->message, 's', &peer), error))
    return FALSE;
  fd = fd_call_read_fd (call, error);
  if (fd < 0 || !fd_sd_check (sd_bus_message_read_basic (call->message, 's', &name), error)
      || !read_offer (call, peer, FOR_OFFER_FD, &args, error))
    return FALSE;
  if (!*name)
    {
      g_set_error_literal (error, FD_ERROR, FD_ERROR_INVALID_ARGS,
                           "A descriptor has no name: say which the peer shall see");
      return FALSE;
    }
  if (args.size < -1)
    {
      g_set_error_literal (error, FD_ERROR, FD_ERROR_INVALID_OPTION,
                           "Option 'size' must be a number of bytes, or -1");
      return FALSE;
    }
  if (!fd_option_check_length ("name", strlen (name), error))
    return FALSE;
  args.offer.name = name;
  source = fd_source_new_fd (fd_take (&fd), args.size, error);
  if (source && args.size >= 0 && fd_source_is_seekable (source))
    {
      g_set_error_literal (error, FD_ERROR, FD_ERROR_INVALID_OPTION,
                           "Option 'size' is for pipes and sockets: a file has its size");
      return FALSE;
    }
  if (source && fd_call_is_of_host (call))
    fd_source_find_path (source);
  return source && offer (call, source, &args, error);
}

static gboolean
run_offer_many (const FdCall *call, GError **error)
{
  g_autoptr (GPtrArray) transfers = NULL;
  g_autoptr (GPtrArray) objects = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (sd_bus_message) reply = NULL;
  g_auto (GStrv) paths = NULL;
  const char *peer;
  OfferArgs args;
  int r;

  if (!fd_sd_check (sd_bus_message_read_basic (call->message, 's', &peer), error)
      || !fd_sd_check (fd_sd_read_strv (call->message, &paths), error)
      || !read_offer (call, peer, FOR_OFFER_MANY, &args, error))
    return FALSE;
  transfers = fd_manager_offer_many (call->manager, (const char *const *) paths, &args.offer, error);
  if (!transfers)
    return FALSE;

  for (guint i = 0; i < transfers->len; i++)
    g_ptr_array_add (objects, fd_bus_transfer_path (fd_transfer_get_info (transfers->pdata[i])->id));
  for (guint i = 0; args.bind && i < transfers->len; i++)
    fd_binds_add (call->bus->binds, call->message, fd_transfer_get_info (transfers->pdata[i])->id);

  r = sd_bus_message_new_method_return (call->message, &reply);
  if (r >= 0)
    r = sd_bus_message_open_container (reply, 'a', "o");
  for (guint i = 0; r >= 0 && i < objects->len; i++)
    r = sd_bus_message_append (reply, "o", objects->pdata[i]);
  if (r >= 0)
    r = sd_bus_message_close_container (reply);
  return fd_call_send (call, reply, r);
}

/* --- lists and questions --- */

typedef struct
{
  int state;
  int direction;
  const char *account;
  const char *peer;
  const char *app_id;
  const char *batch;
} Filter;

/* The first choice is any. */
static const char *const states[]
  = { "", "queued", "offered", "negotiating", "active", "done", "rejected", "cancelled", "failed", NULL };
static const char *const directions[] = { "", "incoming", "outgoing", NULL };

static const FdOption filter_options[] = {
  { "state", FD_OPTION_CHOICE, G_STRUCT_OFFSET (Filter, state), states },
  { "direction", FD_OPTION_CHOICE, G_STRUCT_OFFSET (Filter, direction), directions },
  { "account", FD_OPTION_TEXT, G_STRUCT_OFFSET (Filter, account), NULL },
  { "peer", FD_OPTION_TEXT, G_STRUCT_OFFSET (Filter, peer), NULL },
  { "app-id", FD_OPTION_TEXT, G_STRUCT_OFFSET (Filter, app_id), NULL },
  { "batch", FD_OPTION_TEXT, G_STRUCT_OFFSET (Filter, batch), NULL },
};

static gboolean
text_fits (const char *wanted, const char *text)
{
  return !wanted || g_str_equal (wanted, text);
}

static gboolean
transfer_fits (const FdTransferInfo *info, const Filter *filter)
{
  return (!filter->state || g_str_equal (states[filter->state], fd_transfer_state_name (info->state)))
         && (!filter->direction
             || g_str_equal (directions[filter->direction], info->incoming ? "incoming" : "outgoing"))
         && text_fits (filter->account, info->account) && text_fits (filter->app_id, info->app_id)
         && text_fits (filter->batch, info->batch)
         && (!filter->peer || g_str_equal (filter->peer, info->peer)
             || (!fd_jid_resource (filter->peer) && fd_jid_same_bare (filter->peer, info->peer)));
}

static int
append_listed (sd_bus_message *reply, FdTransfer *transfer)
{
  g_autofree char *path = fd_bus_transfer_path (fd_transfer_get_info (transfer)->id);
  int r = sd_bus_message_open_container (reply, 'a', "{sv}");

  if (r >= 0)
    r = sd_bus_message_append (reply, "{sv}", "Path", "o", path);
  if (r >= 0)
    r = fd_bus_transfer_append (reply, transfer);
  return r < 0 ? r : sd_bus_message_close_container (reply);
}

static gboolean
run_list_transfers (const FdCall *call, GError **error)
{
  GPtrArray *transfers = fd_manager_get_transfers (call->manager);
  g_autoptr (sd_bus_message) reply = NULL;
  g_autofree char *peer = NULL;
  Filter filter = { 0 };
  int r;

  if (!fd_options_read (call->message, filter_options, G_N_ELEMENTS (filter_options), &filter, error))
    return FALSE;
  if (filter.peer && !(filter.peer = peer = fd_jid_prepare (filter.peer, error)))
    return FALSE;

  r = sd_bus_message_new_method_return (call->message, &reply);
  if (r >= 0)
    r = sd_bus_message_open_container (reply, 'a', "a{sv}");
  for (guint i = 0; r >= 0 && i < transfers->len; i++)
    if (fd_owner_is_seen (fd_transfer_get_info (transfers->pdata[i])->owner, call->caller->uid)
        && transfer_fits (fd_transfer_get_info (transfers->pdata[i]), &filter))
      r = append_listed (reply, transfers->pdata[i]);
  if (r >= 0)
    r = sd_bus_message_close_container (reply);
  return fd_call_send (call, reply, r);
}

/* Answers QueryPeer, up to 20 s after the question. */
static void
on_queried (const FdPeerSummary *summary, const GError *error, gpointer data)
{
  g_autoptr (sd_bus_message) message = data;
  g_autoptr (sd_bus_message) reply = NULL;
  const char *paths[FD_N_PATHS + 1];
  int r;

  if (error)
    {
      sd_bus_reply_method_errorf (message, fd_error_dbus_name (error), "%s", error->message);
      return;
    }

  fd_path_names (summary->paths, paths);
  r = sd_bus_message_new_method_return (message, &reply);
  if (r >= 0)
    r = sd_bus_message_open_container (reply, 'a', "{sv}");
  if (r >= 0)
    r = sd_bus_message_append (reply, "{sv}{sv}{sv}{sv}{sv}", "jid", "s", summary->jid, "online", "b",
                               summary->online, "can-receive", "b", summary->can_receive, "resource", "s",
                               summary->resource, "client", "s", summary->client);
  if (r >= 0)
    r = fd_sd_append_strv_entry (reply, "transports", paths);
  if (r >= 0)
    r = sd_bus_message_close_container (reply);
  if (r >= 0)
    r = sd_bus_send (NULL, reply, NULL);
  if (r < 0)
    sd_bus_reply_method_errno (message, r, NULL);
}

static gboolean
run_query_peer (const FdCall *call, GError **error)
{
  static const FdOption options[] = { { "account", FD_OPTION_TEXT, 0, NULL } };
  const char *account = "";
  const char *peer;

  if (!fd_sd_check (sd_bus_message_read_basic (call->message, 's', &peer), error)
      || !fd_options_read (call->message, options, G_N_ELEMENTS (options), &account, error))
    return FALSE;
  fd_manager_query_peer (call->manager, call->caller->uid, peer, account, on_queried,
                         sd_bus_message_ref (call->message));
  return TRUE;
}

/* --- the rest --- */

/* What users of the system bus call their accounts must not tell which ids others have. */
static void
name_account (const FdCaller *caller, const char *id, FdAccountConfig *config)
{
  if (caller->uid == FD_OWNER_ANYBODY || caller->uid == FD_OWNER_ROOT)
    {
      config->id = g_strdup (id);
      return;
    }
  config->id = g_strdup_printf ("u%u_%s", caller->uid, id);
  config->owner = caller->uid;
}

static gboolean
run_add_account (const FdCall *call, GError **error)
{
  g_autoptr (FdAccountConfig) config = g_new0 (FdAccountConfig, 1);
  g_autofree char *path = NULL;
  const char *id;

  config->enabled = TRUE;
  config->proxy_jids = g_new0 (char *, 1);
  config->auto_accept = g_new0 (char *, 1);
  if (!fd_sd_check (sd_bus_message_read_basic (call->message, 's', &id), error))
    return FALSE;
  name_account (call->caller, id, config);
  if (!fd_bus_read_settings (call, config, error) || !fd_manager_add_account (call->manager, config, error))
    return FALSE;
  path = fd_bus_account_path (config->id);
  return fd_call_reply (call, "o", path);
}

/* All of the user, or those of a sandboxed caller only. */
static gboolean
run_forget_finished (const FdCall *call, GError **error)
{
  GPtrArray *transfers = fd_manager_get_transfers (call->manager);
  guint count = 0;

  if (!call->caller->confined)
    return fd_call_reply (call, "u", fd_manager_forget_finished (call->manager, call->caller->uid));

  for (guint i = transfers->len; i > 0; i--)
    {
      FdTransfer *transfer = transfers->pdata[i - 1];
      const FdTransferInfo *info = fd_transfer_get_info (transfer);

      if (fd_transfer_state_is_final (info->state) && fd_caller_owns (call->caller, info->app_id)
          && fd_transfer_forget (transfer, NULL))
        count++;
    }
  return fd_call_reply (call, "u", count);
}

static gboolean
run_reload (const FdCall *call, GError **error)
{
  return fd_manager_reload (call->manager, error) && fd_call_reply (call, NULL);
}

/* --- properties --- */

static int
get_features (sd_bus *sd, const char *path, const char *interface, const char *name, sd_bus_message *reply,
              void *userdata, sd_bus_error *ret_error)
{
  const char *const features[] = {
    "ibb", "socks5-direct", "socks5-proxy", fd_secret_service_is_there () ? "secret-service" : NULL, NULL,
  };

  return sd_bus_message_append_strv (reply, (char **) features);
}

static int
get_property (sd_bus *sd, const char *path, const char *interface, const char *name, sd_bus_message *reply,
              void *userdata, sd_bus_error *ret_error)
{
  FdBus *bus = ((FdObject *) userdata)->bus;
  FdManager *manager = bus->manager;

  if (g_str_equal (name, "Version"))
    return sd_bus_message_append (reply, "s", FD_VERSION);
  if (!bus->telling)
    fd_progress_numbers_read (bus);
  if (g_str_equal (name, "ActiveTransfers"))
    return sd_bus_message_append (reply, "u", fd_manager_get_active (manager, fd_bus_get_viewer (bus)));
  if (g_str_equal (name, "PendingOffers"))
    return sd_bus_message_append (reply, "u", fd_manager_get_pending (manager, fd_bus_get_viewer (bus)));
  if (g_str_equal (name, "Progress"))
    return sd_bus_message_append (reply, "d", fd_manager_get_progress (manager, fd_bus_get_viewer (bus)));
  if (g_str_equal (name, "MaxActiveTransfers"))
    return sd_bus_message_append (reply, "u", fd_manager_get_config (manager)->max_active);
  if (g_str_equal (name, "UploadLimit"))
    return sd_bus_message_append (reply, "t", fd_manager_get_config (manager)->upload_limit);
  if (g_str_equal (name, "DownloadLimit"))
    return sd_bus_message_append (reply, "t", fd_manager_get_config (manager)->download_limit);
  return sd_bus_message_append (reply, "s", fd_manager_get_config (manager)->download_folder);
}

static int
set_max_active (sd_bus *sd, const char *path, const char *interface, const char *name, sd_bus_message *value,
                void *userdata, sd_bus_error *ret_error)
{
  g_autoptr (GError) error = NULL;
  FdObject *object = userdata;
  guint32 max;

  if (fd_bus_check_setter (object, value, &error)
      && fd_sd_check (sd_bus_message_read_basic (value, 'u', &max), &error)
      && fd_manager_set_max_active (object->bus->manager, max, &error))
    return 0;
  return fd_sd_error_set (ret_error, error);
}

static int
set_limit (sd_bus *sd, const char *path, const char *interface, const char *name, sd_bus_message *value,
           void *userdata, sd_bus_error *ret_error)
{
  g_autoptr (GError) error = NULL;
  FdObject *object = userdata;
  guint64 rate;

  if (fd_bus_check_setter (object, value, &error)
      && fd_sd_check (sd_bus_message_read_basic (value, 't', &rate), &error)
      && fd_manager_set_limit (object->bus->manager, g_str_equal (name, "DownloadLimit"), rate, &error))
    return 0;
  return fd_sd_error_set (ret_error, error);
}

static int
set_download_folder (sd_bus *sd, const char *path, const char *interface, const char *name,
                     sd_bus_message *value, void *userdata, sd_bus_error *ret_error)
{
  g_autoptr (GError) error = NULL;
  FdObject *object = userdata;
  const char *folder;

  if (fd_bus_check_setter (object, value, &error)
      && fd_sd_check (sd_bus_message_read_basic (value, 's', &folder), &error)
      && fd_manager_set_download_folder (object->bus->manager, folder, &error))
    return 0;
  return fd_sd_error_set (ret_error, error);
}

/* --- the interface --- */

static const FdMethod methods[] = {
  { "Offer", FD_ALLOW_HOST, "open the file and use OfferFd", run_offer },
  { "OfferFd", FD_ALLOW_ANYBODY, NULL, run_offer_fd },
  { "OfferMany", FD_ALLOW_HOST, "open the files and use OfferFd", run_offer_many },
  { "ListTransfers", FD_ALLOW_ANYBODY, NULL, run_list_transfers },
  { "QueryPeer", FD_ALLOW_ANYBODY, NULL, run_query_peer },
  { "AddAccount", FD_ALLOW_UNCONFINED, NULL, run_add_account },
  { "ForgetFinished", FD_ALLOW_ANYBODY, NULL, run_forget_finished },
  { "Reload", FD_ALLOW_HOST, NULL, run_reload },
};

static int
on_call (sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
  return fd_bus_run (methods, G_N_ELEMENTS (methods), message, userdata, ret_error);
}

#define METHOD(member, in, in_names, out, out_names) \
  SD_BUS_METHOD_WITH_NAMES (member, in, in_names, out, out_names, on_call, SD_BUS_VTABLE_UNPRIVILEGED)
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define WRITABLE (SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

const sd_bus_vtable fd_bus_manager_vtable[] = {
  SD_BUS_VTABLE_START (0),
  METHOD ("Offer", "ssa{sv}", SD_BUS_PARAM (peer) SD_BUS_PARAM (path) SD_BUS_PARAM (options), "o",
          SD_BUS_PARAM (transfer)),
  METHOD ("OfferFd", "shsa{sv}",
          SD_BUS_PARAM (peer) SD_BUS_PARAM (fd) SD_BUS_PARAM (name) SD_BUS_PARAM (options), "o",
          SD_BUS_PARAM (transfer)),
  METHOD ("OfferMany", "sasa{sv}", SD_BUS_PARAM (peer) SD_BUS_PARAM (paths) SD_BUS_PARAM (options), "ao",
          SD_BUS_PARAM (transfers)),
  METHOD ("ListTransfers", "a{sv}", SD_BUS_PARAM (filter), "aa{sv}", SD_BUS_PARAM (transfers)),
  METHOD ("QueryPeer", "sa{sv}", SD_BUS_PARAM (peer) SD_BUS_PARAM (options), "a{sv}", SD_BUS_PARAM (info)),
  METHOD ("AddAccount", "sa{sv}", SD_BUS_PARAM (id) SD_BUS_PARAM (settings), "o", SD_BUS_PARAM (account)),
  METHOD ("ForgetFinished", "", "", "u", SD_BUS_PARAM (count)),
  METHOD ("Reload", "", "", "", ""),
  SD_BUS_PROPERTY ("Version", "s", get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
  SD_BUS_PROPERTY ("Features", "as", get_features, 0, SD_BUS_VTABLE_PROPERTY_CONST),
  SD_BUS_PROPERTY ("ActiveTransfers", "u", get_property, 0, CHANGES),
  SD_BUS_PROPERTY ("PendingOffers", "u", get_property, 0, CHANGES),
  SD_BUS_PROPERTY ("Progress", "d", get_property, 0, CHANGES),
  SD_BUS_WRITABLE_PROPERTY ("MaxActiveTransfers", "u", get_property, set_max_active, 0, WRITABLE),
  SD_BUS_WRITABLE_PROPERTY ("UploadLimit", "t", get_property, set_limit, 0, WRITABLE),
  SD_BUS_WRITABLE_PROPERTY ("DownloadLimit", "t", get_property, set_limit, 0, WRITABLE),
  SD_BUS_WRITABLE_PROPERTY ("DownloadFolder", "s", get_property, set_download_folder, 0, WRITABLE),
  SD_BUS_VTABLE_END,
};
