/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The commands about the daemon itself.
 */
#include "ctl.h"

#include "json.h"
#include "rate.h"
#include "text.h"
#include "value.h"

static CtlExit
show_status (Ctl *ctl, int argc, char **argv)
{
  g_autoptr (GVariant) properties = NULL;
  g_autofree char *features = NULL, *safe_folder = NULL;
  g_autofree char *up = NULL, *down = NULL, *percent = NULL;
  guint32 active = 0, pending = 0, max = 0;
  guint64 upload = 0, download = 0;
  double progress = -1;
  CtlExit status;

  if (!ctl_parse (ctl, NULL, &argc, &argv, 0, 0))
    return CTL_USAGE;
  status = ctl_get_all (ctl, CTL_ROOT, CTL_MANAGER, &properties);
  if (status != CTL_OK)
    return status;
  if (ctl->json)
    {
      ctl_json_print (ctl->out, properties);
      return CTL_OK;
    }

  features = ctl_value_lookup_list (properties, "Features");
  safe_folder = ctl_text_safe (ctl_value_lookup_string (properties, "DownloadFolder"));
  g_variant_lookup (properties, "ActiveTransfers", "u", &active);
  g_variant_lookup (properties, "PendingOffers", "u", &pending);
  g_variant_lookup (properties, "MaxActiveTransfers", "u", &max);
  g_variant_lookup (properties, "UploadLimit", "t", &upload);
  g_variant_lookup (properties, "DownloadLimit", "t", &download);
  g_variant_lookup (properties, "Progress", "d", &progress);
  if (progress >= 0)
    percent = g_strdup_printf (", %d %%", (int) (100 * progress));
  up = ctl_rate_text (upload);
  down = ctl_rate_text (download);
  fprintf (ctl->out, _ ("%16s: %s\n%16s: %s\n%16s: %u of %u%s\n%16s: %u\n%16s: %s\n%16s: %s up, %s down\n"),
           "fardeld", ctl_value_lookup_string (properties, "Version"), _ ("Features"), features,
           _ ("Active transfers"), active, max, percent ? percent : "", _ ("Pending offers"), pending,
           _ ("Download folder"), safe_folder, _ ("Limits"), up, down);
  return CTL_OK;
}

static CtlExit
set (Ctl *ctl, int argc, char **argv)
{
  g_autofree char *folder = NULL, *absolute = NULL;
  int max = -1;
  const GOptionEntry entries[] = {
    { "download-folder", 0, 0, G_OPTION_ARG_FILENAME, &folder,
      N_ ("Where files go that are accepted without a destination; \"\": the user's download directory"),
      N_ ("DIRECTORY") },
    { "max-active", 0, 0, G_OPTION_ARG_INT, &max, N_ ("Transfers under way at once, 1 to 64"),
      N_ ("NUMBER") },
    { NULL },
  };
  CtlExit status = CTL_OK;

  if (!ctl_parse (ctl, entries, &argc, &argv, 0, 0))
    return CTL_USAGE;
  if (!folder && max == -1)
    return ctl_fail (ctl, CTL_USAGE, "", _ ("What shall be set? Try \"fardelctl set --help\"."));
  if (max < -1)
    return ctl_fail (ctl, CTL_USAGE, "", _ ("--max-active: %d is not a number of transfers."), max);
  if (folder)
    {
      absolute = *folder ? ctl_absolute_path (folder) : g_strdup ("");
      status
        = ctl_set_property (ctl, CTL_ROOT, CTL_MANAGER, "DownloadFolder", g_variant_new_string (absolute));
    }
  if (max >= 0 && status == CTL_OK)
    status = ctl_set_property (ctl, CTL_ROOT, CTL_MANAGER, "MaxActiveTransfers", g_variant_new_uint32 (max));
  return status;
}

static CtlExit
reload (Ctl *ctl, int argc, char **argv)
{
  return ctl_parse (ctl, NULL, &argc, &argv, 0, 0)
           ? ctl_call (ctl, CTL_ROOT, CTL_MANAGER, "Reload", NULL, NULL)
           : CTL_USAGE;
}

const CtlCommand ctl_daemon_commands[] = {
  { "status", "", N_ ("Show the daemon's version, settings and what it does"), show_status, "MANAGER" },
  { "set", "", N_ ("Change settings of the daemon; see also limit"), set, NULL },
  { "reload", "", N_ ("Let the daemon read its configuration again"), reload, NULL },
  { NULL },
};
