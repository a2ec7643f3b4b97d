/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What notifications say; see words.h.
 */
#include "words.h"

#include <gio/gio.h>
#include <glib/gi18n.h>

/* Notification servers cut as well, but not all do it before they lay text out. */
#define MAX_NAME 80
#define MAX_TEXT 240
/* As many lines as a notification shows without being unfolded. */
#define MAX_NAMES 3

void
ntf_note_free (NtfNote *note)
{
  g_free (note->summary);
  g_free (note->body);
  g_ptr_array_unref (note->actions);
  g_free (note);
}

/* Joiners of scripts and of emoji are format characters, too, but harmless. */
static gboolean
is_plain (gunichar c)
{
  switch (g_unichar_type (c))
    {
    case G_UNICODE_CONTROL:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_SURROGATE:
      return FALSE;
    case G_UNICODE_FORMAT:
      return c == 0x200c || c == 0x200d;
    default:
      return TRUE;
    }
}

char *
ntf_words_line (const char *text, guint max_chars)
{
  GString *line = g_string_new (NULL);
  guint n = 0;

  for (const char *p = text; *p; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (++n > max_chars)
        {
          g_string_append (line, "…");
          break;
        }
      g_string_append_unichar (line, is_plain (c) ? c : ' ');
    }
  return g_strstrip (g_string_free (line, FALSE));
}

static NtfNote *
note_new (const char *icon, const char *category)
{
  NtfNote *note = g_new0 (NtfNote, 1);

  note->icon = icon;
  note->category = category;
  note->urgency = NTF_URGENCY_NORMAL;
  note->actions = g_ptr_array_new ();
  return note;
}

/* @label: of the program's own text, which lives as long as it. */
static void
add_action (NtfNote *note, const char *key, const char *label)
{
  g_ptr_array_add (note->actions, (gpointer) key);
  g_ptr_array_add (note->actions, (gpointer) label);
}

static void
add_line (GString *body, const char *line)
{
  if (!*line)
    return;
  if (body->len)
    g_string_append_c (body, '\n');
  g_string_append (body, line);
}

static char *
name_with_size (const NtfTransfer *transfer)
{
  g_autofree char *name = ntf_words_line (transfer->name, MAX_NAME);
  g_autofree char *size = NULL;

  if (transfer->size < 0)
    return g_steal_pointer (&name);
  size = g_format_size (transfer->size);
  /* Translators: a file's name and size */
  return g_strdup_printf (_ ("%s (%s)"), name, size);
}

/* --- offers --- */

static void
add_waiting_names (GString *body, const NtfGroup *group, guint waiting)
{
  guint shown = waiting > MAX_NAMES ? MAX_NAMES - 1 : waiting;
  guint n = 0;

  for (guint i = 0; i < group->members->len && n < shown; i++)
    if (ntf_transfer_is_waiting (group->members->pdata[i]))
      {
        g_autofree char *line = name_with_size (group->members->pdata[i]);

        add_line (body, line);
        n++;
      }
  if (waiting > n)
    {
      g_autofree char *more
        = g_strdup_printf (ngettext ("and %u more", "and %u more", waiting - n), waiting - n);

      add_line (body, more);
    }
}

static char *
answer_command (const NtfGroup *group, guint waiting)
{
  guint id = ntf_group_get_first_waiting (group)->id;

  if (waiting == 1)
    return g_strdup_printf (_ ("To answer: fardelctl accept %u, or fardelctl reject %u"), id, id);
  return g_strdup (_ ("To see them: fardelctl list --state=offered; to answer: fardelctl accept NUMBER"));
}

NtfNote *
ntf_words_offer (const NtfGroup *group, const NtfPeer *peer, NtfCan can)
{
  NtfNote *note = note_new ("folder-download", "transfer");
  g_autofree char *name = ntf_words_line (peer->name, MAX_NAME);
  g_autofree char *description = NULL;
  guint waiting = ntf_group_count_waiting (group);
  GString *body = g_string_new (NULL);

  /* Translators: %s is a person */
  note->summary = waiting == 1 ? g_strdup_printf (_ ("File from %s"), name)
                               : g_strdup_printf (ngettext ("%u file from %s", "%u files from %s", waiting),
                                                  waiting, name);
  note->stays = TRUE;
  add_waiting_names (body, group, waiting);
  description = ntf_words_line (ntf_group_get_first_waiting (group)->description, MAX_TEXT);
  if (waiting == 1)
    add_line (body, description);
  if (peer->stranger)
    add_line (body, _ ("The sender is not one of your contacts."));
  if (group->problem)
    {
      g_autofree char *problem = ntf_words_line (group->problem, MAX_TEXT);

      add_line (body, problem);
    }

  if (can & NTF_CAN_ACTIONS)
    {
      add_action (note, NTF_ACTION_ACCEPT, waiting == 1 ? _ ("Accept") : _ ("Accept all"));
      if (waiting == 1 && (can & NTF_CAN_SAVE_AS))
        add_action (note, NTF_ACTION_SAVE_AS, _ ("Save as…"));
      add_action (note, NTF_ACTION_DECLINE, waiting == 1 ? _ ("Decline") : _ ("Decline all"));
    }
  else
    {
      g_autofree char *command = answer_command (group, waiting);

      add_line (body, command);
    }
  note->body = g_string_free (body, FALSE);
  return note;
}

/* --- results --- */

static const NtfTransfer *
first_end (const NtfGroup *group, NtfEnd end, guint *ret_count)
{
  const NtfTransfer *first = NULL;

  *ret_count = 0;
  for (guint i = 0; i < group->members->len; i++)
    if (ntf_group_get_end (group->members->pdata[i]) == end)
      {
        if (!first)
          first = group->members->pdata[i];
        ++*ret_count;
      }
  return first;
}

static char *
result_summary (gboolean incoming, guint done, guint failed)
{
  guint all = done + failed;

  if (failed == 0)
    return g_strdup_printf (ngettext ("File received", "%u files received", all), all);
  if (done > 0)
    /* Translators: a part of all, "2 of 3" */
    return g_strdup_printf (ngettext ("%u of %u file received", "%u of %u files received", all), done, all);
  if (incoming)
    return g_strdup_printf (ngettext ("File not received", "%u files not received", all), all);
  return g_strdup_printf (ngettext ("File not sent", "%u files not sent", all), all);
}

/* "NAME" or "NAME and 2 more", "from" or "to" somebody. */
static char *
files_and_peer (const NtfTransfer *first, guint count, const NtfPeer *peer)
{
  g_autofree char *file = ntf_words_line (first->name, MAX_NAME);
  g_autofree char *person = ntf_words_line (peer->name, MAX_NAME);
  g_autofree char *files = NULL;

  if (count > 1)
    files = g_strdup_printf (ngettext ("%s and %u more", "%s and %u more", count - 1), file, count - 1);
  /* Translators: a file, or files, and a person */
  return g_strdup_printf (first->incoming ? _ ("%s from %s") : _ ("%s to %s"), files ? files : file, person);
}

NtfNote *
ntf_words_result (const NtfGroup *group, const NtfPeer *peer, NtfCan can)
{
  guint done, failed;
  const NtfTransfer *good = first_end (group, NTF_END_DONE, &done);
  const NtfTransfer *bad = first_end (group, NTF_END_FAILED, &failed);
  NtfNote *note
    = bad ? note_new ("dialog-error", "transfer.error") : note_new ("folder-download", "transfer.complete");
  GString *body = g_string_new (NULL);

  note->summary = result_summary ((good ? good : bad)->incoming, done, failed);
  if (good)
    {
      g_autofree char *line = files_and_peer (good, done, peer);

      add_line (body, line);
    }
  if (bad)
    {
      g_autofree char *line = files_and_peer (bad, failed, peer);
      g_autofree char *reason = ntf_words_line (bad->error, MAX_TEXT);

      add_line (body, line);
      add_line (body, reason);
    }
  if (good && (can & NTF_CAN_ACTIONS))
    {
      gboolean open = done == 1 && (can & NTF_CAN_OPEN);

      add_action (note, NTF_ACTION_DEFAULT, open ? _ ("Open") : _ ("Show in folder"));
      if (open)
        add_action (note, NTF_ACTION_OPEN, _ ("Open"));
      add_action (note, NTF_ACTION_SHOW, _ ("Show in folder"));
    }
  note->body = g_string_free (body, FALSE);
  return note;
}

char *
ntf_words_progress (const NtfGroup *group, const NtfPeer *peer)
{
  const NtfTransfer *first = group->members->pdata[0];
  g_autofree char *what = files_and_peer (first, group->members->len, peer);

  return g_strdup_printf (first->incoming ? _ ("Receiving %s") : _ ("Sending %s"), what);
}

/* --- accounts --- */

NtfNote *
ntf_words_account (const NtfAccount *account, NtfCan can)
{
  gboolean password = account->status == FARDEL_ACCOUNT_STATUS_WAITING_FOR_PASSWORD;
  g_autofree char *jid = ntf_words_line (account->jid, MAX_NAME);
  g_autofree char *reason = ntf_words_line (account->error, MAX_TEXT);
  g_autofree char *command = NULL;
  GString *body;
  NtfNote *note;

  if (!password && account->status != FARDEL_ACCOUNT_STATUS_FAILED
      && !(account->distrusts && account->status == FARDEL_ACCOUNT_STATUS_WAITING))
    return NULL;

  note = note_new (password ? "dialog-password" : "dialog-warning", "network.error");
  note->stays = TRUE;
  body = g_string_new (reason);
  note->summary = g_strdup_printf (password             ? _ ("%s needs its password")
                                   : account->distrusts ? _ ("The server of %s is not trusted")
                                                        : _ ("%s cannot connect"),
                                   jid);
  command = g_strdup_printf (password ? _ ("To give it: fardelctl account password %s --save")
                                      : _ ("To change its settings: fardelctl account update %s"),
                             account->id);
  add_line (body, command);
  if (can & NTF_CAN_ACTIONS)
    add_action (note, NTF_ACTION_CONNECT, _ ("Connect"));
  note->body = g_string_free (body, FALSE);
  return note;
}
