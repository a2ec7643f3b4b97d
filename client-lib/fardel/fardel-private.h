/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the library share and nobody else sees: names, the
 * properties of a D-Bus object, calls, descriptors from files.
 */
#pragma once

#include "fardel-account.h"
#include "fardel-client.h"
#include "fardel-contact.h"
#include "fardel-error.h"
#include "fardel-transfer.h"

#include <gio/gunixfdlist.h>

#define FARDEL_NAME "org.fardel.Fardel1"
#define FARDEL_PATH "/org/fardel/Fardel1"
#define FARDEL_MANAGER FARDEL_NAME ".Manager"
#define FARDEL_ACCOUNT_INTERFACE FARDEL_NAME ".Account"
#define FARDEL_TRANSFER_INTERFACE FARDEL_NAME ".Transfer"
#define FARDEL_PROPERTIES "org.freedesktop.DBus.Properties"

/* An error as the daemon tells it; NULL if @name is empty. */
GError *fardel_error_new (const char *name, const char *message);

/* 0 if there is none. */
int fardel_enum_from_nick (GType type, const char *nick);

/* Properties: the values as they came, by number of the GObject property.
 * Numbers without a D-Bus name are computed from others. */
typedef struct
{
  const char *name; /* on D-Bus; NULL if it is computed */
  const char *type; /* signature; another one is as if it were absent */
  guint derived; /* a computed property that changes with it, or 0 */
} FardelField;

typedef struct
{
  const FardelField *fields;
  GParamSpec **pspecs; /* NULL for what only others are made of */
  guint n; /* of both; number 0 is not used */
  GVariant **values;
} FardelValues;

void fardel_values_init (FardelValues *values, const FardelField *fields, GParamSpec **pspecs, guint n);
void fardel_values_clear (FardelValues *values);

/* Takes over what is known in @changed (a{sv}) and notifies of what differs. A
 * NULL @changed forgets everything. */
void fardel_values_update (FardelValues *values, GObject *object, GVariant *changed);

/* Defaults, that is "", 0 and FALSE, where there is no value. */
const char *fardel_values_string (const FardelValues *values, guint id);
guint fardel_values_uint (const FardelValues *values, guint id);
guint64 fardel_values_uint64 (const FardelValues *values, guint id);
gint64 fardel_values_int64 (const FardelValues *values, guint id, gint64 absent);
gboolean fardel_values_boolean (const FardelValues *values, guint id);
/* The property as its D-Bus type says. */
void fardel_values_get (const FardelValues *values, guint id, GValue *value);

/* Calls. The arguments are those of g_dbus_connection_call(); the descriptor, if
 * not -1, is argument handle 0. */
typedef struct
{
  GDBusConnection *bus;
  const char *path;
  const char *interface;
  const char *method;
  GVariant *arguments; /* floating or NULL */
  const char *reply; /* signature */
  int fd;
  int timeout_ms; /* 0 is the default */
} FardelCall;

/* Asynchronous calls are known by the function that began them. */
#define FARDEL_TAG(function) ((gpointer) (gsize) (function))

/* Until disconnected, a cancel in any thread wakes @context. Not a GCancellableSource:
 * one that is destroyed while another thread cancels is leaked. */
gulong fardel_cancellable_wake (GCancellable *cancellable, GMainContext *context);

/* g_dbus_connection_call_with_unix_fd_list_sync(), but a cancel in another thread leaks nothing. */
GVariant *fardel_call_wait (GDBusConnection *bus, const char *name, const char *path, const char *interface,
                            const char *method, GVariant *arguments, const GVariantType *reply,
                            GDBusCallFlags flags, int timeout_ms, GUnixFDList *fds, GCancellable *cancellable,
                            GError **error);
GVariant *fardel_call_sync (const FardelCall *call, GCancellable *cancellable, GError **error);
gboolean fardel_call_sync_void (const FardelCall *call, GCancellable *cancellable, GError **error);
void fardel_call_async (const FardelCall *call, gpointer self, gpointer tag, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data);
gpointer fardel_call_finish (gpointer self, GAsyncResult *result, gpointer tag, GError **error);
gboolean fardel_call_finish_void (gpointer self, GAsyncResult *result, gpointer tag, GError **error);

/* Sets a property and does not wait; a failure is logged. */
void fardel_call_set (GDBusConnection *bus, const char *path, const char *interface, const char *name,
                      GVariant *value);

/* Of the type a{sv}, or NULL; taken they are neither NULL nor floating. */
gboolean fardel_options_valid (GVariant *options);
GVariant *fardel_options_take (GVariant *options);

/* Jobs: what opens files or makes several calls, and so runs in a thread unless
 * the caller wants to wait. */
typedef struct FardelJob FardelJob;
typedef gpointer (*FardelJobFunc) (gpointer self, FardelJob *job, GCancellable *cancellable, GError **error);

struct FardelJob
{
  FardelJobFunc run;
  GDestroyNotify free_result;
  GVariant *options;
  char *text; /* a peer, or the id of an account */
  char *name;
  GPtrArray *files;
  int fd; /* owned; -1 for none */
  GError *error; /* failed before it began */
};

FardelJob *fardel_job_new (FardelJobFunc run, GDestroyNotify free_result, GVariant *options);
void fardel_job_free (FardelJob *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FardelJob, fardel_job_free)

/* A copy of the caller's @fd, or the error for later. */
void fardel_job_dup_fd (FardelJob *job, int fd);

/* Both take @job. */
gpointer fardel_job_run (FardelJob *job, gpointer self, GCancellable *cancellable, GError **error);
void fardel_job_start (FardelJob *job, gpointer self, gpointer tag, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer user_data);

/* Files as descriptors. */
/* A new file. With @overwrite it is to be renamed to *ret_replaces, once it may replace that. */
int fardel_target_open (GFile *destination, const char *name, gboolean overwrite, char **ret_path,
                        char **ret_replaces, GError **error);

typedef struct FardelSource FardelSource;

/* Opens a regular file, or a stream of one that has no path. */
FardelSource *fardel_source_open (GFile *file, GCancellable *cancellable, GError **error);
void fardel_source_free (FardelSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FardelSource, fardel_source_free)

int fardel_source_get_fd (FardelSource *source);
const char *fardel_source_get_name (FardelSource *source);

/* To be told with the offer; -1 if the descriptor itself tells, or nobody knows. */
gint64 fardel_source_get_size (FardelSource *source);

/* Takes @source, and feeds the offer that was made with it from a thread of its
 * own. If the stream breaks the transfer is cancelled. */
void fardel_source_feed (FardelSource *source, GDBusConnection *bus, const char *transfer);

/* The regular files in @files (GFile) and the folders there, as the daemon's
 * OfferMany finds them. */
GPtrArray *fardel_source_walk (GPtrArray *files, GCancellable *cancellable, GError **error);

/* The client as its objects see it. They are made in any thread, but change and
 * are listed in the client's only. */
#define FARDEL_IS_TRANSFER_PATH(path) g_str_has_prefix ((path), FARDEL_PATH "/transfer/")
#define FARDEL_IS_ACCOUNT_PATH(path) g_str_has_prefix ((path), FARDEL_PATH "/account/")

GDBusConnection *fardel_client_get_bus (FardelClient *self);

/* The object at a path, if it is known. */
gpointer fardel_client_lookup (FardelClient *self, const char *path);

/* A call that returns an object path, and the object there; from any thread. It is
 * listed soon after. */
gpointer fardel_client_call_for_object (FardelClient *self, const FardelCall *call, GCancellable *cancellable,
                                        GError **error);

/* Takes over properties (a{sv}, or NULL) of an object, lists it, and says what
 * happened to it. invoke() does it in the thread that runs the client's context: at
 * once if that is this one. */
void fardel_client_update_object (FardelClient *self, GObject *object, GVariant *changed);
void fardel_client_invoke (FardelClient *self, GObject *object, GVariant *changed);

FardelTransfer *fardel_transfer_new (FardelClient *client, const char *path, GVariant *properties);
FardelCall fardel_transfer_call (FardelTransfer *self, const char *method, GVariant *arguments);

/* A reference, or NULL and @error if the client is gone. */
FardelClient *fardel_transfer_ref_client (FardelTransfer *self, GError **error);
void fardel_transfer_update (FardelTransfer *self, GVariant *changed);

/* The daemon does not have it any more. */
void fardel_transfer_lose (FardelTransfer *self);

/* TRUE the first time that it waits for the user's answer, or has ended. */
gboolean fardel_transfer_take_offer (FardelTransfer *self);
gboolean fardel_transfer_take_end (FardelTransfer *self);

FardelAccount *fardel_account_new (FardelClient *client, const char *path, GVariant *properties);
FardelCall fardel_account_call (FardelAccount *self, const char *method, GVariant *arguments);
void fardel_account_update (FardelAccount *self, GVariant *changed);
void fardel_account_refresh_contacts (FardelAccount *self);

FardelContact *fardel_contact_new (GVariant *properties);
void fardel_contact_update (FardelContact *self, GVariant *properties);
