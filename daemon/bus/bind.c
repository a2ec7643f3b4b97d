/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The option "bind": one sd_bus_track per caller, and who is bound to it.
 */
#include "bus/bind.h"

typedef struct
{
  FdBinds *binds;
  char *name; /* unique */
  sd_bus_track *track;
  GArray *ids; /* guint32 */
} Bind;

struct FdBinds
{
  sd_bus *sd;
  GHashTable *callers; /* Bind.name -> Bind */
  void (*left) (guint32 id, gpointer data);
  gpointer data;
};

static void
bind_free (gpointer data)
{
  Bind *self = data;

  sd_bus_track_unref (self->track);
  g_array_unref (self->ids);
  g_free (self->name);
  g_free (self);
}

/* The track is alive while it calls this. A return of 0 would have it call again
 * and again. */
static int
on_left (sd_bus_track *track, void *data)
{
  Bind *self = data;
  FdBinds *binds = self->binds;
  g_autoptr (GArray) ids = g_array_ref (self->ids);

  g_hash_table_remove (binds->callers, self->name);
  for (guint i = 0; i < ids->len; i++)
    binds->left (g_array_index (ids, guint32, i), binds->data);
  return 1;
}

FdBinds *
fd_binds_new (sd_bus *sd, void (*left) (guint32 id, gpointer data), gpointer data)
{
  FdBinds *binds = g_new0 (FdBinds, 1);

  binds->sd = sd;
  binds->left = left;
  binds->data = data;
  binds->callers = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, bind_free);
  return binds;
}

void
fd_binds_free (FdBinds *binds)
{
  g_hash_table_unref (binds->callers);
  g_free (binds);
}

static Bind *
watch (FdBinds *binds, sd_bus_message *message)
{
  Bind *self = g_new0 (Bind, 1);
  int r;

  self->binds = binds;
  self->name = g_strdup (sd_bus_message_get_sender (message));
  self->ids = g_array_new (FALSE, FALSE, sizeof (guint32));
  r = sd_bus_track_new (binds->sd, &self->track, on_left, self);
  if (r >= 0)
    r = sd_bus_track_add_sender (self->track, message);
  if (r < 0)
    {
      g_debug ("Cannot watch %s: %s", self->name, g_strerror (-r));
      bind_free (self);
      return NULL;
    }
  g_hash_table_insert (binds->callers, self->name, self);
  return self;
}

void
fd_binds_add (FdBinds *binds, sd_bus_message *message, guint32 id)
{
  Bind *self = g_hash_table_lookup (binds->callers, sd_bus_message_get_sender (message));

  if (!self)
    self = watch (binds, message);
  if (self)
    g_array_append_val (self->ids, id);
  else
    binds->left (id, binds->data);
}

void
fd_binds_remove (FdBinds *binds, guint32 id)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, binds->callers);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Bind *self = value;

      for (guint i = self->ids->len; i > 0; i--)
        if (g_array_index (self->ids, guint32, i - 1) == id)
          g_array_remove_index_fast (self->ids, i - 1);
      if (self->ids->len == 0)
        g_hash_table_iter_remove (&iter);
    }
}
