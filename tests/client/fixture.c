/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fixture.h"

#include "loop.h"

#include <glib/gstdio.h>

void
fixture_set_up (Fixture *fixture, gconstpointer data)
{
  fixture->fake = fake_new ();
  fake_add_transfer (fixture->fake, 1, "{'Direction': <'incoming'>, 'State': <'offered'>}");
  fake_add_account (fixture->fake, "home", "{}");
  fake_appear (fixture->fake);
  fixture->client = fardel_client_new_sync (NULL, NULL);
  g_assert_true (fardel_client_is_running (fixture->client));
  fixture->folder = g_dir_make_tmp ("fardel-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->folder, "a.txt", NULL);
  g_assert_true (g_file_set_contents (fixture->path, "content", -1, NULL));
  fixture->file = g_file_new_for_path (fixture->path);
}

static void
remove_tree (const char *path)
{
  GDir *dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir)))
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  g_clear_pointer (&dir, g_dir_close);
  g_remove (path);
}

/* No call leaves a reference behind. */
void
fixture_tear_down (Fixture *fixture, gconstpointer data)
{
  g_object_add_weak_pointer (G_OBJECT (fixture->client), (gpointer *) &fixture->client);
  g_object_unref (fixture->client);
  loop_until (!fixture->client);
  fake_free (fixture->fake);
  g_object_unref (fixture->file);
  remove_tree (fixture->folder);
  g_free (fixture->folder);
  g_free (fixture->path);
}

FardelTransfer *
fixture_first (FardelClient *client)
{
  g_autoptr (FardelTransfer) transfer = g_list_model_get_item (fardel_client_get_transfers (client), 0);

  return transfer;
}

FardelTransfer *
fixture_last (FardelClient *client)
{
  GListModel *list = fardel_client_get_transfers (client);
  g_autoptr (FardelTransfer) transfer = g_list_model_get_item (list, g_list_model_get_n_items (list) - 1);

  return transfer;
}

FardelTransfer *
fixture_offer (Fixture *fixture, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  fardel_client_offer_file_async (fixture->client, "bob@x", fixture->file, NULL, NULL, loop_store, &result);
  loop_result (result);
  return fardel_client_offer_file_finish (fixture->client, result, error);
}
