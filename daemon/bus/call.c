/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The way of every method call: who is it, may it, do it, answer. A sandboxed
 * program, or another user of the system bus, must not make us open what it could not
 * open itself, nor touch what is not its own.
 */
#include "base/error.h"
#include "bus/object.h"

#include <errno.h>
#include <fcntl.h>

static gboolean
deny (const FdCall *call, const char *member, const char *hint, GError **error)
{
  if (call->caller->confined)
    g_set_error (error, FD_ERROR, FD_ERROR_ACCESS_DENIED,
                 "Sandboxed programs may not use %s here (the caller is %s)%s%s", member,
                 call->caller->app_id, hint ? ": " : "", hint ? hint : "");
  else
    g_set_error (error, FD_ERROR, FD_ERROR_ACCESS_DENIED,
                 "On the system bus only root may use %s (the caller is uid %u)%s%s", member,
                 call->caller->uid, hint ? ": " : "", hint ? hint : "");
  return FALSE;
}

gboolean
fd_call_is_of_host (const FdCall *call)
{
  const FdCaller *caller = call->caller;

  return !caller->confined && (caller->uid == FD_OWNER_ANYBODY || caller->uid == FD_OWNER_ROOT);
}

static gboolean
is_listed (const FdCall *call)
{
  const FdConfig *config = fd_manager_get_config (call->manager);

  return g_strv_contains ((const char *const *) config->allow_apps, call->caller->app_id);
}

static gboolean
check_access (const FdCall *call, const FdMethod *method, GError **error)
{
  gboolean allowed = !call->caller->confined;

  switch (method->allow)
    {
    case FD_ALLOW_ANYBODY:
      allowed = TRUE;
      break;
    case FD_ALLOW_OWNER:
      allowed = fd_caller_owns (call->caller, fd_transfer_get_info (call->transfer)->app_id);
      break;
    case FD_ALLOW_LISTED:
      allowed = allowed || is_listed (call);
      break;
    case FD_ALLOW_UNCONFINED:
      break;
    case FD_ALLOW_HOST:
      allowed = fd_call_is_of_host (call);
      break;
    }
  return allowed || deny (call, method->member, method->hint, error);
}

static void
make_call (FdCall *call, FdObject *object, sd_bus_message *message)
{
  *call = (FdCall){
    .bus = object->bus,
    .manager = object->bus->manager,
    .account = object->account,
    .transfer = object->transfer,
    .caller = fd_callers_lookup (object->bus->callers, message),
    .message = message,
  };
}

int
fd_bus_run (const FdMethod *methods, guint n_methods, sd_bus_message *message, FdObject *object,
            sd_bus_error *ret_error)
{
  const char *member = sd_bus_message_get_member (message);
  g_autoptr (GError) error = NULL;
  const FdMethod *method = NULL;
  FdCall call;

  for (guint i = 0; i < n_methods && !method; i++)
    if (g_str_equal (methods[i].member, member))
      method = &methods[i];
  g_return_val_if_fail (method, -ENOSYS);

  make_call (&call, object, message);
  if (check_access (&call, method, &error) && method->run (&call, &error))
    return 1;
  g_debug ("%s of %s fails for %s: %s", member, sd_bus_message_get_path (message),
           sd_bus_message_get_sender (message), error->message);
  return fd_sd_error_set (ret_error, error);
}

gboolean
fd_bus_check_setter (FdObject *object, sd_bus_message *message, GError **error)
{
  gboolean has_owner = object->account || object->transfer;
  FdCall call;

  make_call (&call, object, message);
  return (has_owner ? !call.caller->confined : fd_call_is_of_host (&call))
         || deny (&call, "Properties.Set", NULL, error);
}

gboolean
fd_call_send (const FdCall *call, sd_bus_message *reply, int r)
{
  if (r >= 0)
    r = sd_bus_send (NULL, reply, NULL);
  if (r < 0)
    {
      g_warning ("Cannot answer %s: %s", sd_bus_message_get_member (call->message), g_strerror (-r));
      sd_bus_reply_method_errno (call->message, r, NULL);
    }
  return TRUE;
}

gboolean
fd_call_reply (const FdCall *call, const char *types, ...)
{
  g_autoptr (sd_bus_message) reply = NULL;
  va_list args;
  int r = sd_bus_message_new_method_return (call->message, &reply);

  va_start (args, types);
  if (r >= 0 && types)
    r = sd_bus_message_appendv (reply, types, args);
  va_end (args);
  return fd_call_send (call, reply, r);
}

int
fd_call_read_fd (const FdCall *call, GError **error)
{
  int theirs, ours;

  if (!fd_sd_check (sd_bus_message_read_basic (call->message, 'h', &theirs), error))
    return -1;
  ours = fcntl (theirs, F_DUPFD_CLOEXEC, 3);
  if (ours < 0)
    fd_error_set_errno (error, errno, FD_ERROR_LIMIT_EXCEEDED, "The descriptor cannot be taken");
  return ours;
}
