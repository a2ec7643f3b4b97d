/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a fuzz target has: the function that libFuzzer calls, and inputs that it
 * is good to start from.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

extern const char *const fuzz_seeds[]; /* ends with NULL */
int LLVMFuzzerInitialize (int *argc, char ***argv);
int LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size);
