/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What daemon/data/pump.c does with a stream and a file, in virtual time.
 */
#pragma once

#include "world.h"

typedef struct SimPump SimPump;
typedef void (*SimPumped) (gpointer data, const FdPumpResult *result);

typedef struct
{
  SimFile *file;
  SimStream *stream;
  gboolean sending;
  gboolean half_close;
  guint64 offset;
  gint64 length; /* -1: to the end */
  FdHashAlgo algo;
  SimPumped done; /* once; the pump is gone then */
  gpointer data;
} SimPumpParams;

SimPump *sim_pump_new (const SimPumpParams *params);
void sim_pump_free (SimPump *pump); /* without a word */
void sim_pump_stop (SimPump *pump); /* done follows */
guint64 sim_pump_get_bytes (const SimPump *pump);
