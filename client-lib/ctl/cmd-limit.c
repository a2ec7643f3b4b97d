/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fardelctl limit: how fast the daemon, or one transfer, may be.
 */
#include "ctl.h"

#include "json.h"
#include "rate.h"

static CtlExit
set_rate (Ctl *ctl, const char *path, const char *interface, const char *property, const char *text)
{
  guint64 rate = 0;

  if (!ctl_parse_rate (ctl, text, &rate))
    return CTL_USAGE;
  return ctl_set_property (ctl, path, interface, property, g_variant_new_uint64 (rate));
}

static CtlExit
show_limits (Ctl *ctl)
{
  g_autoptr (GVariant) properties = NULL;
  g_autofree char *up = NULL, *down = NULL;
  guint64 upload = 0, download = 0;
  CtlExit status = ctl_get_all (ctl, CTL_ROOT, CTL_MANAGER, &properties);

  if (status != CTL_OK)
    return status;
  g_variant_lookup (properties, "UploadLimit", "t", &upload);
  g_variant_lookup (properties, "DownloadLimit", "t", &download);
  up = ctl_rate_text (upload);
  down = ctl_rate_text (download);
  if (ctl->json)
    ctl_json_print (ctl->out,
                    g_variant_new_parsed ("{'UploadLimit': %t, 'DownloadLimit': %t}", upload, download));
  else
    fprintf (ctl->out, _ ("Upload:   %s\nDownload: %s\n"), up, down);
  return CTL_OK;
}

static CtlExit
limit (Ctl *ctl, int argc, char **argv)
{
  g_autofree char *up = NULL, *down = NULL, *path = NULL;
  const GOptionEntry entries[] = {
    { "up", 'u', 0, G_OPTION_ARG_STRING, &up, N_ ("Of everything that is sent, e.g. 500k, 2M or none"),
      N_ ("RATE") },
    { "down", 'd', 0, G_OPTION_ARG_STRING, &down, N_ ("Of everything that is received"), N_ ("RATE") },
    { NULL },
  };
  guint64 rate;
  CtlExit status = CTL_OK;

  if (!ctl_parse (ctl, entries, &argc, &argv, 0, 2))
    return CTL_USAGE;
  if (argc == 2 || (argc == 3 && (up || down)))
    return ctl_fail (ctl, CTL_USAGE, "",
                     _ ("Usage: fardelctl limit [--up RATE] [--down RATE], or limit ID RATE"));
  if (argc == 3)
    {
      path = ctl_transfer_path (ctl, argv[1]);
      return path ? set_rate (ctl, path, CTL_TRANSFER, "RateLimit", argv[2]) : CTL_USAGE;
    }
  if (!up && !down)
    return show_limits (ctl);
  if (!ctl_parse_rate (ctl, up, &rate) || !ctl_parse_rate (ctl, down, &rate)) /* both or none */
    return CTL_USAGE;
  if (up)
    status = set_rate (ctl, CTL_ROOT, CTL_MANAGER, "UploadLimit", up);
  if (down && status == CTL_OK)
    status = set_rate (ctl, CTL_ROOT, CTL_MANAGER, "DownloadLimit", down);
  return status;
}

const CtlCommand ctl_limit_commands[] = {
  { "limit", "[ID RATE]", N_ ("Show or set how fast the daemon or a transfer may be"), limit,
    "{UploadLimit: number, DownloadLimit: number} if nothing is set" },
  { NULL },
};
