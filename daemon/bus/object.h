/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of this directory share: the state of the bus face, the
 * objects it exports, and the way of a method call: bus.c (life, hooks of the
 * model), object.c (coming and going of objects), listener.c (who is told),
 * signal.c (what is told), call.c (who may call what), contacts.c (contacts),
 * progress.c (throttled signals), one vtable file per interface.
 */
#pragma once

#include "bus/bind.h"
#include "bus/budget.h"
#include "bus/bus.h"
#include "bus/caller.h"
#include "bus/sleep.h"

#define FD_BUS_NAME "org.fardel.Fardel1"
#define FD_BUS_PATH "/org/fardel/Fardel1"
#define FD_BUS_MANAGER "org.fardel.Fardel1.Manager"
#define FD_BUS_ACCOUNT "org.fardel.Fardel1.Account"
#define FD_BUS_TRANSFER "org.fardel.Fardel1.Transfer"

typedef struct
{
  FdBus *bus;
  char *name; /* of the connection; NULL: all of the bus */
  guint32 uid;
  sd_bus_track *track; /* NULL without a name */
  guint active; /* the numbers of the manager as last told */
  guint pending;
  double progress;
  gboolean read_others; /* and others have been read meanwhile */
} FdListener;

struct FdBus
{
  sd_bus *sd;
  gboolean shared; /* it is the system bus */
  GSource *source;
  FdManager *manager; /* NULL before fd_bus_start() */
  FdSleep *sleep; /* NULL if nobody tells of it */
  FdCallers *callers;
  FdBinds *binds;
  GHashTable *objects; /* FdManager, FdAccount or FdTransfer -> FdObject */
  GHashTable *paths; /* FdObject.path -> FdObject */
  GPtrArray *listeners; /* FdListener */
  const FdListener *telling; /* while a signal for it is made */
  FdBudget *budget;
  GSource *timer; /* of the budget's rounds */
  guint pending; /* Manager.PendingOffers as last seen */
  void (*lost) (gpointer data);
  gpointer lost_data;
};

/* An exported object: userdata of its vtable. Exactly one of account and
 * transfer is set; neither for the manager. */
typedef struct
{
  FdBus *bus;
  FdAccount *account;
  FdTransfer *transfer;
  const char *interface;
  const sd_bus_vtable *vtable;
  char *path;
  gboolean contacts_listed; /* somebody has the contacts as they are */
  GSource *contacts_timer; /* tells that they are others; NULL: was never needed */
} FdObject;

/* --- object.c --- */

char *fd_bus_account_path (const char *id);
char *fd_bus_transfer_path (guint32 id);

gboolean fd_bus_export_manager (FdBus *bus, GError **error);
void fd_bus_export_account (FdBus *bus, FdAccount *account);
void fd_bus_export_transfer (FdBus *bus, FdTransfer *transfer);
void fd_bus_unexport (FdBus *bus, gconstpointer model);
void fd_object_free (FdObject *object);
/* Is it there for this uid? The manager is for all. */
gboolean fd_object_is_seen (const FdObject *object, guint32 viewer);

/* --- listener.c --- */

/* Negative errno. */
int fd_listeners_init (FdBus *bus);
/* Whose view counts: the caller's of the message that is being handled, or the listener's of a signal. */
guint32 fd_bus_get_viewer (FdBus *bus);

/* --- signal.c --- */

void fd_bus_emit_added (FdObject *object);
void fd_bus_emit_removed (FdObject *object);
/* PropertiesChanged; nothing if @model is not exported. */
void fd_bus_emit_changed (FdBus *bus, gconstpointer model, const char *const *properties);
/* The same to one only. */
void fd_bus_tell_changed (FdBus *bus, gconstpointer model, const FdListener *listener,
                          const char *const *properties);
void fd_bus_emit_finished (FdBus *bus, FdTransfer *transfer);
void fd_bus_emit_contacts_changed (FdObject *object);

/* --- call.c --- */

typedef enum
{
  FD_ALLOW_ANYBODY,
  FD_ALLOW_OWNER, /* sandboxed ones: if the transfer's AppId is theirs */
  FD_ALLOW_LISTED, /* sandboxed ones: if AllowApps of the configuration has them */
  FD_ALLOW_UNCONFINED,
  FD_ALLOW_HOST, /* those, and on the system bus root only: they see files as the daemon does */
} FdAllow;

typedef struct
{
  FdBus *bus;
  FdManager *manager;
  FdAccount *account; /* of the object, NULL on others */
  FdTransfer *transfer;
  const FdCaller *caller;
  sd_bus_message *message;
} FdCall;

typedef struct
{
  const char *member;
  FdAllow allow;
  const char *hint; /* what a refused caller can do, or NULL */
  /* Answers, or keeps a reference on the message to answer later; or fails and
   * has changed nothing. */
  gboolean (*run) (const FdCall *call, GError **error);
} FdMethod;

/* A handler of sd-bus does nothing but this. */
int fd_bus_run (const FdMethod *methods, guint n_methods, sd_bus_message *message, FdObject *object,
                sd_bus_error *ret_error);

/* For setters of properties: of the manager for HOST, of what has an owner for UNCONFINED. */
gboolean fd_bus_check_setter (FdObject *object, sd_bus_message *message, GError **error);

/* Answers; TRUE always, since what was asked for has been done. @types NULL: with
 * nothing. */
gboolean fd_call_reply (const FdCall *call, const char *types, ...);
/* The same with a @reply that was filled with the result @r. */
gboolean fd_call_send (const FdCall *call, sd_bus_message *reply, int r);

/* Are files for the caller what they are for the daemon? */
gboolean fd_call_is_of_host (const FdCall *call);

/* A duplicate of the descriptor that comes next in the message; -1 on error. */
int fd_call_read_fd (const FdCall *call, GError **error);

/* --- contacts.c --- */

/* The method ListContacts. */
gboolean fd_contacts_list (const FdCall *call, GError **error);
/* ContactsChanged, soon, if somebody has the list as it was. */
void fd_contacts_changed (FdBus *bus, FdAccount *account);

/* --- progress.c --- */

void fd_progress_init (FdBus *bus);
/* What the manager's numbers are for @listener: it can read them by itself now. */
void fd_listener_note_numbers (FdListener *listener);
/* Somebody reads them now. */
void fd_progress_numbers_read (FdBus *bus);
/* All its numbers have just been told with a change of state. */
void fd_progress_transfer_told (FdBus *bus, FdTransfer *transfer);
void fd_progress_transfer_gone (FdBus *bus, FdTransfer *transfer);
void fd_progress_manager_changed (FdBus *bus, FdManagerFields fields);

/* --- the vtables --- */

extern const sd_bus_vtable fd_bus_manager_vtable[];
extern const sd_bus_vtable fd_bus_account_vtable[];
extern const sd_bus_vtable fd_bus_transfer_vtable[];

/* Every property of a transfer as {sv} pairs into an open a{sv}. */
int fd_bus_transfer_append (sd_bus_message *message, FdTransfer *transfer);

/* Settings of an account (a{sv}) into @config, which may have some. */
gboolean fd_bus_read_settings (const FdCall *call, FdAccountConfig *config, GError **error);
