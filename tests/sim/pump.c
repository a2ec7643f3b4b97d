/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A pump thread, seen from the main loop.
 */
#include "pump.h"

struct SimPump
{
  SimWorld *world;
  SimPumpParams params;
  SimTimer step;
  guint64 bytes;
  gboolean stopped;
  gboolean unequal; /* what came is not what the file has there */
};

static void
wake (gpointer data)
{
  SimPump *pump = data;

  if (!sim_timer_is_armed (&pump->step))
    sim_timer_arm (&pump->world->clock, &pump->step,
                   SIM_NOW (pump->world) + sim_range (pump->world, 0, 2 * SIM_MSEC));
}

static void
finish (SimPump *pump, gboolean complete, FdErrorCode code)
{
  const SimFile *file = pump->params.file;
  FdPumpResult result
    = { .bytes = pump->bytes, .complete = complete, .error = complete ? NULL : sim_error (code) };
  SimPumpParams params = pump->params;

  if (complete)
    sim_file_digest (params.algo, file->tag, params.offset + pump->bytes, pump->unequal, &result.digest);
  sim_pump_free (pump);
  params.done (params.data, &result);
}

static guint64
remaining (const SimPump *pump)
{
  const SimPumpParams *params = &pump->params;
  guint64 length = params->length >= 0 ? (guint64) params->length
                   : params->sending   ? params->file->size - params->offset
                                       : G_MAXUINT64;

  return length - pump->bytes;
}

/* TRUE if it is to be called again. */
static gboolean
send_some (SimPump *pump)
{
  SimStream *stream = pump->params.stream;
  const SimFile *file = pump->params.file;
  guint64 left = remaining (pump), room = stream->ops->room (stream);
  guint64 offset = pump->params.offset + pump->bytes;
  gboolean changed = file->source_changes_at >= 0 && offset >= (guint64) file->source_changes_at;

  if (left == 0 && (changed || file->source_changes_at == 0))
    {
      pump->world->hits |= SIM_HIT_SOURCE;
      finish (pump, FALSE, FD_ERROR_SOURCE_CHANGED);
    }
  else if (left == 0 && pump->params.half_close && stream->broken)
    finish (pump, FALSE, FD_ERROR_CONNECTION_FAILED);
  else if (left == 0)
    {
      if (pump->params.half_close)
        stream->ops->shut (stream);
      finish (pump, TRUE, 0);
    }
  else if (stream->broken)
    finish (pump, FALSE, FD_ERROR_CONNECTION_FAILED);
  else if (room > 0)
    {
      SimSegment segment = { .offset = offset, .tag = changed ? file->tag + 1 : file->tag };
      guint64 read = 1 + sim_below (pump->world, 2 * SIM_BLOCK);

      segment.bytes = MIN (MIN (left, room), read);
      pump->bytes += segment.bytes;
      stream->ops->write (stream, &segment);
      return TRUE;
    }
  return FALSE; /* the stream wakes us */
}

static gboolean
take (SimPump *pump, const SimSegment *segment)
{
  SimFile *file = pump->params.file;
  guint64 bytes = MIN (segment->bytes, remaining (pump));

  if (segment->tag != file->tag || segment->corrupt || segment->offset != pump->params.offset + pump->bytes)
    pump->unequal = TRUE;
  pump->bytes += bytes;
  file->moved = file->moved_now = TRUE;
  file->part = pump->params.offset + pump->bytes;
  file->part_unequal = pump->unequal;
  return file->disk_full_at < 0 || pump->params.offset + pump->bytes <= (guint64) file->disk_full_at;
}

static gboolean
receive_some (SimPump *pump)
{
  SimStream *stream = pump->params.stream;
  SimSegment *segment;
  gboolean fits;

  if (remaining (pump) == 0)
    {
      finish (pump, TRUE, 0);
      return FALSE;
    }
  segment = sim_stream_read (stream);
  if (segment && segment->bytes > 0)
    {
      fits = take (pump, segment);
      sim_segment_free (pump->world, segment);
      if (fits)
        return TRUE;
      pump->params.file->hits |= SIM_HIT_DISK;
      finish (pump, FALSE, FD_ERROR_NO_SPACE);
    }
  else if (segment && pump->params.length < 0)
    finish (pump, TRUE, 0);
  else if (segment || stream->broken)
    finish (pump, FALSE, FD_ERROR_CONNECTION_FAILED);
  return FALSE;
}

static void
on_step (gpointer data)
{
  SimPump *pump = data;

  if (pump->stopped)
    finish (pump, FALSE, FD_ERROR_CANCELLED);
  else if (pump->params.sending ? send_some (pump) : receive_some (pump))
    wake (pump);
}

SimPump *
sim_pump_new (const SimPumpParams *params)
{
  SimPump *pump = g_new0 (SimPump, 1);

  pump->world = params->stream->world;
  pump->params = *params;
  if (!params->sending)
    {
      params->file->part = params->offset;
      params->file->part_unequal &= params->offset > 0;
      pump->unequal = params->file->part_unequal;
    }
  sim_timer_init (&pump->step, on_step, pump);
  params->stream->wake = wake;
  params->stream->wake_data = pump;
  wake (pump);
  return pump;
}

void
sim_pump_free (SimPump *pump)
{
  if (!pump)
    return;
  sim_timer_disarm (&pump->world->clock, &pump->step);
  pump->params.stream->wake = NULL;
  g_free (pump);
}

void
sim_pump_stop (SimPump *pump)
{
  pump->stopped = TRUE;
  wake (pump);
}

guint64
sim_pump_get_bytes (const SimPump *pump)
{
  return pump->bytes;
}
