/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An allocator for libstrophe that wipes what it frees: the library copies the
 * password freely and never wipes a copy.
 */
#pragma once

#include <strophe.h>

extern const xmpp_mem_t fd_wiping_memory;
