/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Finds the functions of dino.h in the libraries of Debian's dino-im.
 */
#include "dino.h"

#include <dlfcn.h>
#include <glob.h>

/* In the directory of the machine's architecture; it brings the others along. */
#define LIBRARY "/usr/lib/*/dino-im/libdino.so.0"

#define DEFINE(type, name, arguments) type (*name) arguments;
DINO_FUNCTIONS (DEFINE)

#define ENTRY(type, function, arguments) { #function, (void **) &function },
static const struct
{
  const char *name;
  void **address;
} functions[] = { DINO_FUNCTIONS (ENTRY) };

gboolean
dino_load (char **ret_reason)
{
  glob_t found = { 0 };
  void *library = NULL;

  if (glob (LIBRARY, 0, NULL, &found) == 0)
    library = dlopen (found.gl_pathv[0], RTLD_NOW | RTLD_GLOBAL);
  globfree (&found);
  if (!library)
    {
      *ret_reason = g_strdup ("dino-im is not installed");
      return FALSE;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (functions); i++)
    if (!(*functions[i].address = dlsym (library, functions[i].name)))
      {
        *ret_reason = g_strdup_printf ("this dino-im has no %s", functions[i].name);
        return FALSE;
      }
  if (!g_str_has_prefix (dino_get_version (), "0.4."))
    {
      *ret_reason = g_strdup_printf ("dino-im is %s, not 0.4", dino_get_version ());
      return FALSE;
    }
  return TRUE;
}
