/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * New outgoing transfers: options become a queued transfer.
 */
#include "base/error.h"
#include "core/manager-private.h"
#include "core/policy.h"
#include "core/walk.h"
#include "data/name.h"
#include "xmpp/jid.h"

#define DEFAULT_TIMEOUT_SECONDS (24 * 60 * 60)
/* A process has 1024 descriptors by default, and sockets need some too. Paths can
 * be opened again when their turn comes, descriptors of callers cannot. */
#define MAX_OPEN_PATHS 128
#define MAX_OPEN_SOURCES 384

/* Where and how an offer goes, checked. */
typedef struct
{
  FdAccount *account;
  char *target;
} Route;

static void
route_clear (Route *route)
{
  g_free (route->target);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Route, route_clear)

static gboolean
find_route (FdManager *manager, const FdOfferOptions *options, Route *ret_route, GError **error)
{
  g_autofree char *peer = fd_jid_prepare (options->peer, error);
  FdAccount *account;

  if (!peer)
    return FALSE;
  if (options->resource && *options->resource)
    {
      g_autofree char *bare = fd_jid_bare (peer);
      g_autofree char *full = g_strconcat (bare, "/", options->resource, NULL);
      g_autofree char *prepared = fd_jid_prepare (full, error);

      if (!prepared)
        return FALSE;
      if (fd_jid_resource (peer) && !g_str_equal (peer, prepared))
        {
          g_set_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION,
                       "The peer %s and the option resource \"%s\" say different things", peer,
                       options->resource);
          return FALSE;
        }
      g_free (peer);
      peer = g_steal_pointer (&prepared);
    }
  account = fd_manager_choose_account (manager, options->caller, options->account, peer, error);
  if (!account || !fd_transfer_check_blocked (account, peer, error)
      || !fd_policy_check_paths (fd_account_get_config (account), options->paths, error))
    return FALSE;
  ret_route->account = account;
  ret_route->target = g_steal_pointer (&peer);
  return TRUE;
}

static guint
count_of_app (FdManager *manager, const char *app_id)
{
  guint n = 0;

  for (guint i = 0; i < manager->transfers->len; i++)
    n += g_str_equal (fd_transfer_get_info (manager->transfers->pdata[i])->app_id, app_id);
  return n;
}

/* Of all (@owner ANYBODY) or of one. */
static guint
count_open (FdManager *manager, guint32 owner)
{
  guint n = 0;

  for (guint i = 0; i < manager->transfers->len; i++)
    {
      const FdTransfer *transfer = manager->transfers->pdata[i];

      n += transfer->source && (owner == FD_OWNER_ANYBODY || owner == transfer->info.owner);
    }
  return n;
}

static gboolean
check_open (FdManager *manager, FdAccount *account, guint max)
{
  return count_open (manager, FD_OWNER_ANYBODY) < max
         && count_open (manager, fd_account_get_config (account)->owner) < fd_manager_share (manager, max);
}

static char *
display_path (const char *path)
{
  return path ? g_utf8_make_valid (path, -1) : NULL;
}

/* May @account have @n transfers more? */
static gboolean
check_number (FdManager *manager, FdAccount *account, guint n, const FdOfferOptions *options, GError **error)
{
  const char *app_id = options->app_id ? options->app_id : "";
  guint32 owner = fd_account_get_config (account)->owner;
  guint of_owner = 0;

  for (guint i = 0; i < manager->transfers->len; i++)
    of_owner += fd_transfer_get_info (manager->transfers->pdata[i])->owner == owner;
  return fd_policy_outgoing (manager->transfers->len + n - 1, count_of_app (manager, app_id) + n - 1, app_id,
                             error)
         && (!manager->shared || fd_policy_share (of_owner + n - 1, error));
}

/* What can be said of a file before it is a transfer. */
typedef struct
{
  char *path; /* NULL: a descriptor */
  char *mime_type;
  char *stamp;
  gint64 size;
  gint64 modified;
} Description;

static char *
wire_name (const char *path, const FdOfferOptions *options)
{
  g_autofree char *base = NULL;
  g_autofree char *valid = NULL;

  if (options->name && *options->name)
    base = g_strdup (options->name);
  else
    base = path ? g_path_get_basename (path) : g_strdup ("file");
  valid = g_utf8_make_valid (base, -1);
  return g_utf8_normalize (valid, -1, G_NORMALIZE_NFC);
}

static Description *
description_new (FdSource *source, const FdOfferOptions *options)
{
  Description *description = g_new0 (Description, 1);
  const char *path = fd_source_get_path (source);
  const char *type = options->mime_type;

  description->path = *path ? g_strdup (path) : NULL;
  if (!type || !*type)
    {
      g_autofree char *name = wire_name (description->path, options);

      type = fd_source_get_media_type (source, name);
    }
  description->mime_type = g_strdup (type);
  description->stamp = fd_source_get_stamp (source);
  description->size = fd_source_get_size (source);
  description->modified = fd_source_get_mtime (source);
  return description;
}

static void
description_free (Description *description)
{
  g_free (description->path);
  g_free (description->mime_type);
  g_free (description->stamp);
  g_free (description);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Description, description_free)

static FdTransfer *
enqueue (FdManager *manager, const Route *route, const Description *description, FdSource *source,
         const FdOfferOptions *options, const char *resume_id)
{
  g_autofree char *wire = wire_name (description->path, options);
  FdTransferInfo info = {
    .id = fd_ids_next (manager->ids),
    .account = g_strdup (fd_account_get_id (route->account)),
    .owner = fd_account_get_config (route->account)->owner,
    .name = fd_name_sanitize (wire),
    .size = description->size,
    .mime_type = g_strdup (description->mime_type),
    .description = g_strdup (options->description),
    .modified = description->modified,
    .batch = g_strdup (options->batch),
    .app_id = g_strdup (options->app_id),
    .peer = g_strdup (route->target),
    .local_path = display_path (description->path),
    .rate_limit = options->rate_limit,
    .remaining = -1,
  };
  FdTransfer *transfer = fd_transfer_new (manager, route->account, &info);

  transfer->target = g_strdup (route->target);
  transfer->wire_name = g_steal_pointer (&wire);
  transfer->path = g_strdup (description->path);
  transfer->source = source ? fd_source_ref (source) : NULL;
  transfer->paths = options->paths;
  transfer->hash_always = options->hash;
  transfer->source_stamp = g_strdup (description->stamp);
  transfer->resume_id = resume_id ? g_strdup (resume_id) : g_uuid_string_random ();
  transfer->timeout_s = options->timeout_s ? options->timeout_s : DEFAULT_TIMEOUT_SECONDS;
  fd_manager_adopt (manager, transfer);
  fd_retry_watch_deadline (transfer, TRUE);
  fd_transfer_note (transfer);
  fd_queue_wake (manager);
  return transfer;
}

static FdTransfer *
offer (FdManager *manager, FdSource *source, const FdOfferOptions *options, const char *resume_id,
       GError **error)
{
  g_auto (Route) route = { 0 };
  g_autoptr (Description) description = NULL;

  if (!find_route (manager, options, &route, error)
      || !check_number (manager, route.account, 1, options, error))
    return NULL;
  description = description_new (source, options);
  if (!description->path && !check_open (manager, route.account, MAX_OPEN_SOURCES))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_LIMIT_EXCEEDED,
                   "%u open files wait to be sent already: wait for some to end, or offer paths",
                   fd_manager_share (manager, MAX_OPEN_SOURCES));
      return NULL;
    }
  if (description->path && !check_open (manager, route.account, MAX_OPEN_PATHS))
    source = NULL;
  return enqueue (manager, &route, description, source, options, resume_id);
}

FdTransfer *
fd_manager_offer (FdManager *manager, FdSource *source, const FdOfferOptions *options, GError **error)
{
  return offer (manager, source, options, NULL, error);
}

/* Opens each file once, to see that it can be. */
static GPtrArray *
describe_all (GPtrArray *paths, const FdOfferOptions *options, GError **error)
{
  g_autoptr (GPtrArray) descriptions = g_ptr_array_new_with_free_func ((GDestroyNotify) description_free);

  for (guint i = 0; i < paths->len; i++)
    {
      g_autoptr (FdSource) source = fd_source_open (paths->pdata[i], error);

      if (!source)
        return NULL;
      g_ptr_array_add (descriptions, description_new (source, options));
    }
  return g_steal_pointer (&descriptions);
}

GPtrArray *
fd_manager_offer_many (FdManager *manager, const char *const *paths, const FdOfferOptions *options,
                       GError **error)
{
  g_auto (Route) route = { 0 };
  g_autoptr (GPtrArray) files = NULL;
  g_autoptr (GPtrArray) descriptions = NULL;
  g_autofree char *batch = NULL;
  FdOfferOptions each = *options;
  GPtrArray *transfers;

  each.name = NULL; /* it cannot be the name of all */
  if (!find_route (manager, options, &route, error))
    return NULL;
  files = fd_walk (paths, FD_MAX_BATCH, error);
  if (!files || !check_number (manager, route.account, files->len, options, error))
    return NULL;
  descriptions = describe_all (files, &each, error);
  if (!descriptions)
    return NULL;
  if (!each.batch || !*each.batch)
    each.batch = batch = g_uuid_string_random ();
  transfers = g_ptr_array_sized_new (descriptions->len);
  for (guint i = 0; i < descriptions->len; i++)
    g_ptr_array_add (transfers, enqueue (manager, &route, descriptions->pdata[i], NULL, &each, NULL));
  return transfers;
}

/* --- again --- */

static gboolean
check_resumable (FdTransfer *transfer, GError **error)
{
  const FdTransferInfo *info = &transfer->info;

  if (info->incoming && info->state != FD_STATE_DONE)
    g_set_error (error, FD_ERROR, FD_ERROR_PEER_UNSUPPORTED,
                 "Transfer %u is received: only the sender can go on with it, ask %s to resume it", info->id,
                 info->peer);
  else if (info->state != FD_STATE_FAILED && info->state != FD_STATE_CANCELLED)
    g_set_error (error, FD_ERROR, FD_ERROR_NOT_PENDING,
                 "Transfer %u is %s: only one that is interrupted, failed or cancelled can be resumed",
                 info->id, fd_transfer_state_name (info->state));
  else if (!transfer->source && !transfer->path)
    g_set_error (error, FD_ERROR, FD_ERROR_PEER_UNSUPPORTED,
                 "Transfer %u was sent from a descriptor that is gone: offer the file again", info->id);
  else
    return TRUE;
  return FALSE;
}

static FdSource *
get_source (FdTransfer *transfer, GError **error)
{
  if (!transfer->source)
    return fd_offer_reopen (transfer, error);
  return fd_source_check (transfer->source, error) ? fd_source_ref (transfer->source) : NULL;
}

gboolean
fd_transfer_resume (FdTransfer *transfer, FdTransfer **ret_transfer, GError **error)
{
  const FdTransferInfo *info = &transfer->info;
  g_autoptr (FdSource) source = NULL;
  const FdOfferOptions options = {
    .caller = info->owner,
    .account = info->account,
    .peer = transfer->target ? transfer->target : info->peer,
    .name = transfer->wire_name ? transfer->wire_name : info->name,
    .description = info->description,
    .mime_type = info->mime_type,
    .batch = info->batch,
    .app_id = info->app_id,
    .paths = transfer->paths,
    .hash = transfer->hash_always,
    .timeout_s = transfer->timeout_s,
    .rate_limit = info->rate_limit,
  };
  FdTransfer *again;

  if (info->state == FD_STATE_INTERRUPTED && !info->incoming)
    {
      fd_retry_now (transfer);
      *ret_transfer = transfer;
      return TRUE;
    }
  if (!check_resumable (transfer, error))
    return FALSE;
  source = get_source (transfer, error);
  again = source ? offer (transfer->manager, source, &options, transfer->resume_id, error) : NULL;
  if (!again)
    return FALSE;
  fd_journal_remove (transfer->manager->journal, info->id);
  *ret_transfer = again;
  return TRUE;
}
