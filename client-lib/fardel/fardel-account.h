/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One XMPP account of the user.
 */
#pragma once

#include <fardel/fardel-enums.h>

G_BEGIN_DECLS

#define FARDEL_TYPE_ACCOUNT (fardel_account_get_type ())
FARDEL_API
G_DECLARE_FINAL_TYPE (FardelAccount, fardel_account, FARDEL, ACCOUNT, GObject)

FARDEL_API
const char *fardel_account_get_id (FardelAccount *self);
FARDEL_API
const char *fardel_account_get_jid (FardelAccount *self);
FARDEL_API
FardelAccountStatus fardel_account_get_status (FardelAccount *self);
FARDEL_API
GListModel *fardel_account_get_contacts (FardelAccount *self);

FARDEL_API
void fardel_account_connect_async (FardelAccount *self, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
FARDEL_API
gboolean fardel_account_connect_finish (FardelAccount *self, GAsyncResult *result, GError **error);
FARDEL_API
gboolean fardel_account_connect_sync (FardelAccount *self, GCancellable *cancellable, GError **error);

FARDEL_API
void fardel_account_update_async (FardelAccount *self, GVariant *settings, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);
FARDEL_API
gboolean fardel_account_update_finish (FardelAccount *self, GAsyncResult *result, GError **error);
FARDEL_API
gboolean fardel_account_update_sync (FardelAccount *self, GVariant *settings, GCancellable *cancellable,
                                     GError **error);

FARDEL_API
void fardel_account_set_password_async (FardelAccount *self, const char *password, GVariant *options,
                                        GCancellable *cancellable, GAsyncReadyCallback callback,
                                        gpointer user_data);
FARDEL_API
gboolean fardel_account_set_password_finish (FardelAccount *self, GAsyncResult *result, GError **error);
FARDEL_API
gboolean fardel_account_set_password_sync (FardelAccount *self, const char *password, GVariant *options,
                                           GCancellable *cancellable, GError **error);

FARDEL_API
void fardel_account_remove_async (FardelAccount *self, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);
FARDEL_API
gboolean fardel_account_remove_finish (FardelAccount *self, GAsyncResult *result, GError **error);
FARDEL_API
gboolean fardel_account_remove_sync (FardelAccount *self, GCancellable *cancellable, GError **error);

G_END_DECLS
