/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The way to the daemon, and what it has.
 */
#pragma once

#include <fardel/fardel-account.h>
#include <fardel/fardel-transfer.h>

G_BEGIN_DECLS

#define FARDEL_TYPE_CLIENT (fardel_client_get_type ())
FARDEL_API
G_DECLARE_FINAL_TYPE (FardelClient, fardel_client, FARDEL, CLIENT, GObject)

FARDEL_API
void fardel_client_new_async (GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
FARDEL_API
FardelClient *fardel_client_new_finish (GAsyncResult *result, GError **error);
FARDEL_API
FardelClient *fardel_client_new_sync (GCancellable *cancellable, GError **error);

FARDEL_API
gboolean fardel_client_is_running (FardelClient *self);
FARDEL_API
GListModel *fardel_client_get_transfers (FardelClient *self);
FARDEL_API
GListModel *fardel_client_get_accounts (FardelClient *self);

FARDEL_API
void fardel_client_offer_file_async (FardelClient *self, const char *peer, GFile *file, GVariant *options,
                                     GCancellable *cancellable, GAsyncReadyCallback callback,
                                     gpointer user_data);
FARDEL_API
FardelTransfer *fardel_client_offer_file_finish (FardelClient *self, GAsyncResult *result, GError **error);
FARDEL_API
FardelTransfer *fardel_client_offer_file_sync (FardelClient *self, const char *peer, GFile *file,
                                               GVariant *options, GCancellable *cancellable, GError **error);

FARDEL_API
void fardel_client_offer_files_async (FardelClient *self, const char *peer, GFile **files, gsize n_files,
                                      GVariant *options, GCancellable *cancellable,
                                      GAsyncReadyCallback callback, gpointer user_data);
FARDEL_API
GPtrArray *fardel_client_offer_files_finish (FardelClient *self, GAsyncResult *result, GError **error);
FARDEL_API
GPtrArray *fardel_client_offer_files_sync (FardelClient *self, const char *peer, GFile **files, gsize n_files,
                                           GVariant *options, GCancellable *cancellable, GError **error);

FARDEL_API
void fardel_client_offer_fd_async (FardelClient *self, const char *peer, int fd, const char *name,
                                   GVariant *options, GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data);
FARDEL_API
FardelTransfer *fardel_client_offer_fd_finish (FardelClient *self, GAsyncResult *result, GError **error);
FARDEL_API
FardelTransfer *fardel_client_offer_fd_sync (FardelClient *self, const char *peer, int fd, const char *name,
                                             GVariant *options, GCancellable *cancellable, GError **error);

FARDEL_API
void fardel_client_query_peer_async (FardelClient *self, const char *peer, GVariant *options,
                                     GCancellable *cancellable, GAsyncReadyCallback callback,
                                     gpointer user_data);
FARDEL_API
GVariant *fardel_client_query_peer_finish (FardelClient *self, GAsyncResult *result, GError **error);
FARDEL_API
GVariant *fardel_client_query_peer_sync (FardelClient *self, const char *peer, GVariant *options,
                                         GCancellable *cancellable, GError **error);

FARDEL_API
void fardel_client_add_account_async (FardelClient *self, const char *id, GVariant *settings,
                                      GCancellable *cancellable, GAsyncReadyCallback callback,
                                      gpointer user_data);
FARDEL_API
FardelAccount *fardel_client_add_account_finish (FardelClient *self, GAsyncResult *result, GError **error);
FARDEL_API
FardelAccount *fardel_client_add_account_sync (FardelClient *self, const char *id, GVariant *settings,
                                               GCancellable *cancellable, GError **error);

G_END_DECLS
