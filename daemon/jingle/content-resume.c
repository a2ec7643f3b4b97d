/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What of a file outlives its session: where the next one starts (XEP-0234 §7), and
 * whether there is to be one (urn:x-fardel:resume:0).
 */
#include "jingle/machine-private.h"

#include <string.h>

/* --- where to start --- */

void
fd_content_name_for_resume (FdContentMachine *content)
{
  FdFile *file = content->file;

  /* What cannot be read twice, or has no known end, cannot be taken up again. */
  if ((content->session->extensions & FD_EXT_RESUME) && file->ranged && file->size >= 0)
    return;
  g_clear_pointer (&file->resume_id, g_free);
}

gboolean
fd_content_machine_can_range (FdContentMachine *content)
{
  const FdFile *file = content->file;
  gboolean asked_for = file->ranged && (fd_content_machine_get_quirks (content) & FD_QUIRK_RANGES);

  return !content->session->initiator && file->size >= 0 && (file->resume_id || asked_for);
}

void
fd_content_ask_range (FdContentMachine *content, guint64 offset)
{
  FdFile *file = content->file;

  content->resumable = fd_content_machine_can_range (content);
  if (offset == 0)
    return;
  g_return_if_fail (content->resumable && offset <= (guint64) file->size);

  content->offset = offset;
  content->length = file->size - (gint64) offset;
  file->ranged = TRUE;
  file->range_offset = offset;
  file->range_length = content->length; /* iris takes none for nothing */
}

const char *
fd_content_take_range (FdContentMachine *content, const FdFile *answer)
{
  const FdFile *file = content->file;
  guint64 size = file->size >= 0 ? (guint64) file->size : 0;

  content->resumable = answer && file->resume_id && g_strcmp0 (answer->resume_id, file->resume_id) == 0;
  if (!answer || !answer->ranged || (answer->range_offset == 0 && answer->range_length <= 0))
    return NULL;
  if (!file->ranged)
    return "A range was accepted, but the file can only be sent as a whole";
  if (answer->range_offset > size
      || (answer->range_length >= 0 && (guint64) answer->range_length > size - answer->range_offset))
    return "The accepted range lies outside the file";
  content->offset = answer->range_offset;
  /* None means all that is left, for iris also when it is written. */
  content->length = answer->range_length > 0 ? answer->range_length : (gint64) (size - content->offset);
  return NULL;
}

gboolean
fd_content_is_nothing (const FdContentMachine *content)
{
  return content->file->size >= 0 && content->offset == (guint64) content->file->size;
}

gboolean
fd_content_ends_whole (const FdContentMachine *content)
{
  return content->length < 0 || content->offset + (guint64) content->length == (guint64) content->file->size;
}

gint64
fd_content_get_hash_time (const FdContentMachine *content)
{
  return (gint64) (content->offset / FD_HASH_RATE);
}

/* --- whether to go on --- */

typedef enum
{
  ALWAYS,
  IF_STARTED, /* there was a way */
  IF_SENDER,
  IF_RANGED, /* a fresh start may help */
} Condition;

/* What may pass, or be another thing at the next try. */
static const struct
{
  FdErrorCode code;
  const char *said; /* by the peer; NULL: or not */
  Condition condition;
} passing[] = {
  { FD_ERROR_CONNECTION_FAILED, NULL, ALWAYS },
  { FD_ERROR_NOT_CONNECTED, NULL, ALWAYS },
  { FD_ERROR_TIMEOUT, NULL, ALWAYS },
  { FD_ERROR_PEER_OFFLINE, NULL, ALWAYS },
  { FD_ERROR_CANCELLED, NULL, ALWAYS }, /* by no user: the daemon goes down */
  { FD_ERROR_NO_TRANSPORT, NULL, IF_STARTED },
  { FD_ERROR_REMOTE_FAILED, FD_SAID_NOTHING, ALWAYS }, /* it was started anew */
  { FD_ERROR_REMOTE_FAILED, "general-error", ALWAYS },
  { FD_ERROR_REMOTE_FAILED, "media-error", IF_RANGED },
  { FD_ERROR_REMOTE_FAILED, "success", IF_SENDER }, /* of a batch: its word on this one was lost */
  { FD_ERROR_HASH_MISMATCH, NULL, IF_RANGED },
};

static gboolean
holds (const FdContentMachine *content, Condition condition)
{
  gboolean sender = content->session->initiator;

  switch (condition)
    {
    case IF_STARTED:
      return content->offset > 0 || content->started; /* whether bytes came, only one side could tell */
    case IF_SENDER:
      return sender;
    case IF_RANGED:
      return content->offset > 0;
    default:
      return TRUE;
    }
}

void
fd_content_judge (FdContentMachine *content)
{
  FdContentEnd *end = &content->end;

  /* As receiver from our user's word on, be it on the wire or not. */
  if (end->outcome != FD_OUTCOME_FAILED || !content->resumable)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (passing) && !end->interrupted; i++)
    if (g_error_matches (end->error, FD_ERROR, passing[i].code)
        && (!passing[i].said || g_strcmp0 (passing[i].said, content->said) == 0)
        && holds (content, passing[i].condition))
      {
        end->interrupted = TRUE;
        end->restart = passing[i].condition == IF_RANGED;
      }
}
