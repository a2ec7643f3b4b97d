/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What many runs have reached.
 */
#pragma once

#include "world.h"

void sim_coverage_add (SimCoverage *sum, const SimCoverage *part);

/* Returns how many rows of the state table were reached. */
guint sim_coverage_print (const SimCoverage *coverage);
