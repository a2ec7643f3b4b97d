/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sequence of one run as text: the first side on the left, the second on
 * the right, stanzas between them.
 */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>

#define COLUMN 58

static void
print_line (SimSide *side, const char *text)
{
  SimWorld *world = side->world;
  gint64 ms = (SIM_NOW (world) - SIM_START) / 1000;

  printf ("%6" G_GINT64_FORMAT ".%03" G_GINT64_FORMAT " %*s%s\n", ms / 1000, ms % 1000,
          side->index == 0 ? 1 : COLUMN, "", text);
}

void
sim_chart (SimSide *side, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  print_line (side, text);
}

static void
describe_s5b (GString *text, const FdS5bInfo *info)
{
  static const char *const kinds[] = { "", "used", "error", "activated", "proxy-error" };
  static const char *const marks[] = { "", " follow", " done" };

  g_string_append_printf (text, " s5b:%s%s%s%s", info->sid ? info->sid : "-", *kinds[info->kind] ? " " : "",
                          kinds[info->kind], marks[info->mark]);
  if (info->cid)
    g_string_append_printf (text, "(%s)", info->cid);
  for (guint i = 0; i < info->candidates->len; i++)
    {
      const FdS5bCandidate *candidate = info->candidates->pdata[i];

      g_string_append_printf (text, " %s%s/%x", candidate->type == FD_S5B_PROXY ? "p" : "", candidate->cid,
                              candidate->priority);
    }
}

static void
describe_content (GString *text, const FdJingleContent *content)
{
  g_string_append_printf (text, " [%s", content->name);
  if (content->file && content->file->name)
    g_string_append_printf (text, " %s", content->file->name);
  if (content->transport.s5b)
    describe_s5b (text, content->transport.s5b);
  else if (content->transport.ibb)
    g_string_append_printf (text, " ibb:%s/%u",
                            content->transport.ibb->sid ? content->transport.ibb->sid : "-",
                            content->transport.ibb->block_size);
  g_string_append_c (text, ']');
}

static void
describe_message (GString *text, const FdJingleMessage *message)
{
  static const char *const infos[] = { "ping", "checksum", "received", "other" };

  g_string_append_printf (text, "%s %s", fd_jingle_action_name (message->action), message->sid);
  if (message->action == FD_JINGLE_SESSION_INFO)
    g_string_append_printf (text, " %s %s", infos[message->info],
                            message->info_content ? message->info_content : "");
  if (message->batch)
    g_string_append (text, " batch");
  if (message->early_accept)
    g_string_append (text, " early");
  for (guint i = 0; i < message->contents->len; i++)
    describe_content (text, message->contents->pdata[i]);
  if (message->reason)
    g_string_append_printf (text, " %s", message->reason);
}

static const char *
describe_error (const SimStanza *stanza)
{
  static const char *const refusals[] = {
    [FD_REPLY_BAD_REQUEST] = "bad-request",       [FD_REPLY_OUT_OF_ORDER] = "out-of-order",
    [FD_REPLY_TIE_BREAK] = "tie-break",           [FD_REPLY_UNSUPPORTED_INFO] = "unsupported-info",
    [FD_REPLY_ITEM_NOT_FOUND] = "item-not-found",
  };

  if (stanza->unknown_session)
    return "unknown-session";
  return refusals[stanza->refusal] ? refusals[stanza->refusal] : "error";
}

void
sim_chart_stanza (SimSide *from, const SimStanza *stanza)
{
  g_autoptr (GString) text = g_string_new (from->index == 0 ? "-> " : "<- ");

  g_string_append_printf (text, "#%u ", stanza->id);
  switch (stanza->kind)
    {
    case SIM_STANZA_JINGLE:
      describe_message (text, stanza->message->message);
      break;
    case SIM_STANZA_OPEN:
      g_string_append_printf (text, "open %s/%u", stanza->sid, stanza->block_size);
      break;
    case SIM_STANZA_DATA:
      g_string_append_printf (text, "data %s %" G_GUINT64_FORMAT " (%u)", stanza->sid, stanza->seq,
                              stanza->bytes.bytes);
      break;
    case SIM_STANZA_CLOSE:
      g_string_append_printf (text, "close %s", stanza->sid);
      break;
    case SIM_STANZA_RESULT:
      g_string_append (text, "result");
      break;
    case SIM_STANZA_ERROR:
    default:
      g_string_append (text, describe_error (stanza));
      break;
    }
  print_line (from, text->str);
}

void
sim_chart_arrival (SimSide *to, const SimStanza *stanza, const char *what)
{
  sim_chart (to, "   (#%u arrives%s)", stanza->id, what);
}
