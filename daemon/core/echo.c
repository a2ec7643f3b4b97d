/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A file that is here already is offered by a sender that did not hear so: it is
 * accepted with nothing left to send, and then confirmed once more. Nobody is shown
 * anything.
 */
#include "base/error.h"
#include "core/manager-private.h"
#include "core/policy.h"

struct FdEcho
{
  FdManager *manager;
  FdAccount *account;
  FdContent *content;
  FdSink *sink;
  FdRehash *rehash;
  guint32 id; /* of the transfer that it came by */
};

void
fd_echo_free (FdEcho *echo)
{
  g_clear_pointer (&echo->rehash, fd_rehash_cancel);
  fd_sink_unref (echo->sink);
  g_free (echo);
}

static void
on_ended (FdContent *content, const FdContentEnd *end, gpointer data)
{
  FdEcho *echo = data;

  /* The user works on it: the next offer of it is one of a new file. */
  if (end->restart)
    fd_kept_forget_id (echo->manager, echo->id);
  g_ptr_array_remove (echo->manager->echoes, echo);
}

static void
on_hashed (const GError *error, gpointer data)
{
  FdEcho *echo = data;
  const FdAccountConfig *account = fd_account_get_config (echo->account);
  const FdContentParams params = {
    .paths = fd_policy_paths (account, FD_PATH_ANY, TRUE),
    .loopback = account->allow_loopback,
    .hidden = fd_policy_hides (account, FD_PATH_ANY, TRUE),
    .offset = fd_content_get_file (echo->content)->size,
  };

  echo->rehash = NULL;
  if (error)
    fd_content_cancel (echo->content, error);
  else
    fd_content_accept (echo->content, echo->sink, &params);
}

gboolean
fd_echo_start (FdManager *manager, FdAccount *account, const FdJournalEntry *entry, FdContent *content)
{
  static const FdContentHooks hooks = { .ended = on_ended };
  const FdFile *file = fd_content_get_file (content);
  g_autoptr (GError) error = NULL;
  FdSink *sink = fd_part_reopen (entry, &error);
  FdEcho *echo;

  if (!sink || !fd_sink_is_published (sink) || fd_sink_get_size (sink) != (guint64) file->size)
    {
      g_info ("%s is offered again, and not here any more: %s", file->name,
              error ? error->message : "it has changed");
      g_clear_pointer (&sink, fd_sink_unref);
      return FALSE;
    }
  g_info ("%s, which %s offers again, is here: it is told so", entry->info.local_path,
          fd_content_get_peer (content));
  echo = g_new0 (FdEcho, 1);
  echo->manager = manager;
  echo->account = account;
  echo->content = content;
  echo->sink = sink;
  echo->id = entry->info.id;
  echo->rehash = fd_rehash_start (sink, fd_file_choose_algo (file), file->size, on_hashed, echo);
  fd_content_set_hooks (content, &hooks, echo);
  g_ptr_array_add (manager->echoes, echo);
  return TRUE;
}

void
fd_echo_drop (FdManager *manager, FdAccount *account)
{
  for (guint i = manager->echoes->len; i-- > 0;)
    if (((FdEcho *) manager->echoes->pdata[i])->account == account)
      g_ptr_array_remove_index (manager->echoes, i);
}
