/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SRV records of a domain, looked up by GIO.
 */
#include "xmpp/targets.h"

#include <string.h>

#define MAX_TARGETS 8 /* that are tried; each may take its time */

FdTarget *
fd_target_new (const char *host, guint16 port, gboolean direct_tls)
{
  FdTarget *target = g_new (FdTarget, 1);

  *target = (FdTarget){ g_strdup (host), port, direct_tls };
  return target;
}

void
fd_target_free (FdTarget *target)
{
  if (!target)
    return;
  g_free (target->host);
  g_free (target);
}

FdTarget *
fd_target_parse (const char *text, guint16 default_port, gboolean direct_tls)
{
  g_autoptr (GSocketConnectable) address = g_network_address_parse (text, default_port, NULL);
  const char *host = address ? g_network_address_get_hostname (G_NETWORK_ADDRESS (address)) : NULL;

  if (!host || !*host)
    return NULL;
  return fd_target_new (host, g_network_address_get_port (G_NETWORK_ADDRESS (address)), direct_tls);
}

/* -- RFC 2782 ------------------------------------------------------------- */

typedef struct
{
  guint16 priority;
  guint16 weight;
  FdTarget *target;
} Record;

static void
record_clear (gpointer data)
{
  Record *record = data;

  g_clear_pointer (&record->target, fd_target_free);
}

static void
add_records (GArray *records, GList *answer, gboolean direct_tls)
{
  for (; answer; answer = answer->next)
    {
      Record record = { 0 };
      guint16 port;
      const char *host;

      g_variant_get (answer->data, "(qqq&s)", &record.priority, &record.weight, &port, &host);
      if (*host == '\0' || g_str_equal (host, "."))
        continue;
      record.target = fd_target_new (host, port, direct_tls);
      g_array_append_val (records, record);
    }
}

static int
compare_priorities (gconstpointer a, gconstpointer b)
{
  return ((const Record *) a)->priority - ((const Record *) b)->priority;
}

/* One of the records that share the first one's priority. */
static guint
draw (const GArray *records)
{
  const Record *all = (const Record *) records->data;
  guint n = 0, sum = 0;
  gint32 mark;

  for (; n < records->len && all[n].priority == all[0].priority; n++)
    sum += all[n].weight;
  if (sum == 0)
    return g_random_int_range (0, n);
  mark = g_random_int_range (0, sum);
  for (guint i = 0; i < n; i++)
    {
      if (mark < all[i].weight)
        return i;
      mark -= all[i].weight;
    }
  return 0;
}

GQueue *
fd_targets_merge (GList *starttls, GList *direct)
{
  g_autoptr (GArray) records = g_array_new (FALSE, TRUE, sizeof (Record));
  GQueue *targets = g_queue_new ();

  g_array_set_clear_func (records, record_clear);
  add_records (records, starttls, FALSE);
  add_records (records, direct, TRUE);
  g_array_sort (records, compare_priorities);
  while (records->len > 0 && targets->length < MAX_TARGETS)
    {
      guint drawn = draw (records);

      g_queue_push_tail (targets, g_steal_pointer (&g_array_index (records, Record, drawn).target));
      g_array_remove_index (records, drawn);
    }
  return targets;
}

/* -- asking --------------------------------------------------------------- */

typedef struct
{
  FdTargetsLookup *lookup;
  GList *records; /* GVariant */
} Question;

struct FdTargetsLookup
{
  FdTargetsFound found; /* NULL: cancelled */
  gpointer data;
  GCancellable *cancellable;
  Question starttls, direct;
  guint open; /* questions without an answer */
  gboolean answered; /* there are records */
};

static void
free_records (GList *records)
{
  g_list_free_full (records, (GDestroyNotify) g_variant_unref);
}

static void
finish (FdTargetsLookup *lookup)
{
  if (lookup->found)
    lookup->found (lookup->answered ? fd_targets_merge (lookup->starttls.records, lookup->direct.records)
                                    : NULL,
                   lookup->data);
  free_records (lookup->starttls.records);
  free_records (lookup->direct.records);
  g_object_unref (lookup->cancellable);
  g_free (lookup);
}

static void
on_records (GObject *resolver, GAsyncResult *result, gpointer data)
{
  Question *question = data;
  FdTargetsLookup *lookup = question->lookup;
  g_autoptr (GError) error = NULL;

  question->records = g_resolver_lookup_records_finish (G_RESOLVER (resolver), result, &error);
  if (error)
    g_debug ("SRV: %s", error->message);
  lookup->answered |= question->records != NULL;
  if (--lookup->open == 0)
    finish (lookup);
}

static void
ask (FdTargetsLookup *lookup, Question *question, const char *service, const char *domain)
{
  g_autoptr (GResolver) resolver = g_resolver_get_default ();
  g_autofree char *ascii = g_hostname_to_ascii (domain);
  g_autofree char *name = g_strdup_printf ("_%s._tcp.%s", service, ascii ? ascii : domain);

  question->lookup = lookup;
  lookup->open++;
  g_resolver_lookup_records_async (resolver, name, G_RESOLVER_RECORD_SRV, lookup->cancellable, on_records,
                                   question);
}

FdTargetsLookup *
fd_targets_lookup (const char *domain, gboolean direct_only, FdTargetsFound found, gpointer data)
{
  FdTargetsLookup *lookup = g_new0 (FdTargetsLookup, 1);

  lookup->found = found;
  lookup->data = data;
  lookup->cancellable = g_cancellable_new ();
  ask (lookup, &lookup->direct, "xmpps-client", domain);
  if (!direct_only)
    ask (lookup, &lookup->starttls, "xmpp-client", domain);
  return lookup;
}

void
fd_targets_lookup_cancel (FdTargetsLookup *lookup)
{
  lookup->found = NULL;
  g_cancellable_cancel (lookup->cancellable);
}
