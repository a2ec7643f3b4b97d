/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is seen of transfers while they run.
 */
#include "progress.h"

#include "json.h"
#include "text.h"

struct CtlProgress
{
  Ctl *ctl;
  gboolean live;
  gboolean verbose;
  guint n_drawn; /* lines of bars above the cursor */
};

CtlProgress *
ctl_progress_new (Ctl *ctl, gboolean verbose)
{
  CtlProgress *progress = g_new0 (CtlProgress, 1);

  progress->ctl = ctl;
  progress->live = !ctl->json && ctl_is_live (ctl->out);
  progress->verbose = verbose;
  return progress;
}

void
ctl_progress_free (CtlProgress *progress)
{
  ctl_progress_clear (progress);
  g_free (progress);
}

void
ctl_progress_clear (CtlProgress *progress)
{
  if (progress->n_drawn > 0)
    fprintf (progress->ctl->out, "\033[%uA\033[J",
             progress->n_drawn); /* up, and clear to the end of the screen */
  progress->n_drawn = 0;
  fflush (progress->ctl->out);
}

/* @properties with the object's Path and @id. */
static void
print_json (CtlProgress *progress, const char *path, GVariant *id, GVariant *properties)
{
  g_autoptr (GVariant) with_path
    = g_variant_ref_sink (ctl_json_prepend (properties, "Path", g_variant_new_object_path (path)));

  ctl_json_print (progress->ctl->out, ctl_json_prepend (with_path, "Id", id));
}

static gboolean
has_property (GVariant *properties, const char *name)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (properties, name, NULL);

  return value != NULL;
}

void
ctl_progress_transfer (CtlProgress *progress, CtlTransfer *transfer, GVariant *properties)
{
  g_autofree char *line = NULL;

  if (progress->ctl->json)
    {
      print_json (progress, ctl_transfer_get_path (transfer),
                  g_variant_new_uint32 (ctl_transfer_get_id (transfer)), properties);
      return;
    }
  if (has_property (properties, "State")
      && (!progress->live || progress->verbose || ctl_transfer_is_final (transfer)))
    {
      ctl_progress_clear (progress);
      ctl_transfer_print_state (transfer, progress->ctl->out);
    }
  else if (!progress->live && progress->verbose && has_property (properties, "Transferred"))
    {
      line = ctl_transfer_progress_line (transfer, 0);
      fprintf (progress->ctl->out, "%s\n", line);
    }
  fflush (progress->ctl->out);
}

void
ctl_progress_transfer_removed (CtlProgress *progress, CtlTransfer *transfer)
{
  g_autoptr (GVariant) removed = g_variant_ref_sink (g_variant_new_parsed ("{'Removed': <true>}"));

  if (progress->ctl->json) /* people need not be told: it ended long ago, or they asked to forget it */
    print_json (progress, ctl_transfer_get_path (transfer),
                g_variant_new_uint32 (ctl_transfer_get_id (transfer)), removed);
}

void
ctl_progress_account (CtlProgress *progress, const char *path, GVariant *properties)
{
  const char *id = strrchr (path, '/') + 1;
  const char *status, *message = "";
  g_autofree char *safe = NULL;

  if (progress->ctl->json)
    {
      print_json (progress, path, g_variant_new_string (id), properties);
      return;
    }
  if (!g_variant_lookup (properties, "Status", "&s", &status))
    return;
  g_variant_lookup (properties, "ErrorMessage", "&s", &message);
  safe = ctl_text_safe (message);
  ctl_progress_clear (progress);
  fprintf (progress->ctl->out, "account %s: %s%s%s\n", id, status, *safe ? ", " : "", safe);
  fflush (progress->ctl->out);
}

void
ctl_progress_draw (CtlProgress *progress, GPtrArray *transfers)
{
  guint columns, rows, n_left = 0;
  FILE *out = progress->ctl->out;

  if (!progress->live)
    return;
  ctl_progress_clear (progress);
  ctl_terminal_size (out, &columns, &rows);

  for (guint i = 0; i < transfers->len; i++)
    {
      CtlTransfer *transfer = g_ptr_array_index (transfers, i);
      g_autofree char *line = NULL;

      if (ctl_transfer_is_final (transfer))
        continue;
      if (progress->n_drawn + 2 >= rows) /* what scrolls off cannot be drawn again */
        {
          n_left++;
          continue;
        }
      line = ctl_transfer_progress_line (transfer, columns);
      fprintf (out, "%s\n", line);
      progress->n_drawn++;
    }
  if (n_left > 0)
    {
      fprintf (out, "and %u more\n", n_left);
      progress->n_drawn++;
    }
  fflush (out);
}
