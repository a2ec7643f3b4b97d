/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The client inside: fardel-client.c is its face, fardel-objects.c keeps what the
 * daemon has, fardel-follow.c finds the daemon.
 *
 * Everything but objects is touched only in the thread that runs the context.
 */
#pragma once

#include "fardel-private.h"

struct _FardelClient
{
  GObject parent_instance;
  GDBusConnection *bus;
  gboolean autostart;
  GMainContext *context;
  GThread *thread;
  GListStore *transfers, *accounts;
  FardelValues values;
  GMutex lock;
  GHashTable *objects; /* path -> FardelTransfer or FardelAccount; under the lock */
  guint name_id, signals_id;
  char *owner; /* unique name; NULL while there is none */
  guint owners; /* how many there were; read under the lock elsewhere */
  GCancellable *loading; /* of what the owner has */
  GTask *init;
  gboolean running;
};

/* Callbacks of the bus get a weak reference, since they may come from another thread
 * while the client goes. */
gpointer fardel_client_weak_new (FardelClient *self);
void fardel_client_weak_free (gpointer weak);

/* The properties of the daemon: the reply (a{sv}), or NULL without one. */
void fardel_client_take_values (FardelClient *self, GVariant *reply);
void fardel_client_set_running (FardelClient *self, gboolean running);

void fardel_client_emit_offer_received (FardelClient *self, FardelTransfer *transfer);
void fardel_client_emit_finished (FardelClient *self, FardelTransfer *transfer);

/* What the daemon has (a{oa{sa{sv}}}) becomes what is listed. */
void fardel_client_take_objects (FardelClient *self, GVariant *reply);

/* For every signal of the daemon; @weak is a weak reference. */
void fardel_client_on_signal (GDBusConnection *bus, const char *sender, const char *path,
                              const char *interface, const char *name, GVariant *parameters, gpointer weak);

void fardel_client_initable_init (GInitableIface *interface);
void fardel_client_async_initable_init (GAsyncInitableIface *interface);
