/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * malloc() with a wiping free().
 */
#include "xmpp/wiping.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static void *
wiping_alloc (size_t size, void *data)
{
  return malloc (size);
}

static void
wiping_free (void *p, void *data)
{
  if (p)
    explicit_bzero (p, malloc_usable_size (p));
  free (p);
}

/* realloc() would leave the old copy behind when it moves. */
static void *
wiping_realloc (void *p, size_t size, void *data)
{
  size_t old_size = p ? malloc_usable_size (p) : 0;
  void *moved = malloc (size);

  if (!moved)
    return NULL;
  if (p)
    memcpy (moved, p, old_size < size ? old_size : size);
  wiping_free (p, data);
  return moved;
}

const xmpp_mem_t fd_wiping_memory = { wiping_alloc, wiping_free, wiping_realloc, NULL };
