/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One file on its way.
 */
#pragma once

#include <fardel/fardel-enums.h>

G_BEGIN_DECLS

#define FARDEL_TYPE_TRANSFER (fardel_transfer_get_type ())
FARDEL_API
G_DECLARE_FINAL_TYPE (FardelTransfer, fardel_transfer, FARDEL, TRANSFER, GObject)

FARDEL_API
guint fardel_transfer_get_id (FardelTransfer *self);
FARDEL_API
const char *fardel_transfer_get_name (FardelTransfer *self);
FARDEL_API
gint64 fardel_transfer_get_size (FardelTransfer *self);
FARDEL_API
const char *fardel_transfer_get_peer (FardelTransfer *self);
FARDEL_API
FardelState fardel_transfer_get_state (FardelTransfer *self);
FARDEL_API
guint64 fardel_transfer_get_transferred (FardelTransfer *self);
FARDEL_API
guint64 fardel_transfer_get_rate (FardelTransfer *self);
FARDEL_API
gint64 fardel_transfer_get_remaining (FardelTransfer *self);
FARDEL_API
const GError *fardel_transfer_get_error (FardelTransfer *self);
FARDEL_API
GFile *fardel_transfer_get_local_file (FardelTransfer *self);
FARDEL_API
gboolean fardel_transfer_is_incoming (FardelTransfer *self);

FARDEL_API
void fardel_transfer_accept_async (FardelTransfer *self, GFile *destination, GVariant *options,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data);
FARDEL_API
gboolean fardel_transfer_accept_finish (FardelTransfer *self, GAsyncResult *result, GError **error);
FARDEL_API
gboolean fardel_transfer_accept_sync (FardelTransfer *self, GFile *destination, GVariant *options,
                                      GCancellable *cancellable, GError **error);

FARDEL_API
void fardel_transfer_accept_fd_async (FardelTransfer *self, int fd, GVariant *options,
                                      GCancellable *cancellable, GAsyncReadyCallback callback,
                                      gpointer user_data);
FARDEL_API
gboolean fardel_transfer_accept_fd_finish (FardelTransfer *self, GAsyncResult *result, GError **error);
FARDEL_API
gboolean fardel_transfer_accept_fd_sync (FardelTransfer *self, int fd, GVariant *options,
                                         GCancellable *cancellable, GError **error);

FARDEL_API
void fardel_transfer_reject_async (FardelTransfer *self, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
FARDEL_API
gboolean fardel_transfer_reject_finish (FardelTransfer *self, GAsyncResult *result, GError **error);
FARDEL_API
gboolean fardel_transfer_reject_sync (FardelTransfer *self, GCancellable *cancellable, GError **error);

FARDEL_API
void fardel_transfer_cancel_async (FardelTransfer *self, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
FARDEL_API
gboolean fardel_transfer_cancel_finish (FardelTransfer *self, GAsyncResult *result, GError **error);
FARDEL_API
gboolean fardel_transfer_cancel_sync (FardelTransfer *self, GCancellable *cancellable, GError **error);

FARDEL_API
void fardel_transfer_resume_async (FardelTransfer *self, GVariant *options, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
FARDEL_API
FardelTransfer *fardel_transfer_resume_finish (FardelTransfer *self, GAsyncResult *result, GError **error);
FARDEL_API
FardelTransfer *fardel_transfer_resume_sync (FardelTransfer *self, GVariant *options,
                                             GCancellable *cancellable, GError **error);

FARDEL_API
void fardel_transfer_forget_async (FardelTransfer *self, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
FARDEL_API
gboolean fardel_transfer_forget_finish (FardelTransfer *self, GAsyncResult *result, GError **error);
FARDEL_API
gboolean fardel_transfer_forget_sync (FardelTransfer *self, GCancellable *cancellable, GError **error);

FARDEL_API
void fardel_transfer_wait_async (FardelTransfer *self, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);
FARDEL_API
gboolean fardel_transfer_wait_finish (FardelTransfer *self, GAsyncResult *result, GError **error);
FARDEL_API
gboolean fardel_transfer_wait_sync (FardelTransfer *self, GCancellable *cancellable, GError **error);

G_END_DECLS
