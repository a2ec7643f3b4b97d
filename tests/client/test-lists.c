/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a client knows: a daemon that comes and goes, lists that change as little
 * as they must, news that are told once.
 */
#include "fake.h"
#include "loop.h"

#define HOME "/org/fardel/Fardel1/account/home"

/* The changes of a list, as "position,removed,added;". */
static void
on_items_changed (GListModel *list, guint position, guint removed, guint added, gpointer data)
{
  g_string_append_printf (data, "%u,%u,%u;", position, removed, added);
}

static void
assert_changes (GString *changes, const char *expected)
{
  g_assert_cmpstr (changes->str, ==, expected);
  g_string_truncate (changes, 0);
}

static void
on_news (FardelClient *client, FardelTransfer *transfer, gpointer data)
{
  g_string_append_printf (data, "%u;", fardel_transfer_get_id (transfer));
}

static void
on_notify (GObject *object, GParamSpec *pspec, gpointer data)
{
  g_string_append_printf (data, "%s;", pspec->name);
}

static FardelClient *
make_client (void)
{
  g_autoptr (GError) error = NULL;
  FardelClient *client = fardel_client_new_sync (NULL, &error);

  g_assert_no_error (error);
  return client;
}

/* Nobody but the test refers to it. */
static void
assert_last (gpointer object)
{
  gpointer alive = object;

  g_object_add_weak_pointer (object, &alive);
  g_object_unref (object);
  loop_drain ();
  g_assert_null (alive);
}

static guint
count (GListModel *list)
{
  return g_list_model_get_n_items (list);
}

static FardelTransfer *
get (FardelClient *client, guint position)
{
  FardelTransfer *transfer = g_list_model_get_item (fardel_client_get_transfers (client), position);

  g_assert_nonnull (transfer);
  g_object_unref (transfer);
  return transfer;
}

static void
test_absent (void)
{
  g_autoptr (Fake) fake = fake_new ();
  FardelClient *client = make_client ();
  g_autoptr (GString) notified = g_string_new (NULL);
  g_autofree char *version = NULL;

  g_assert_false (fardel_client_is_running (client));
  g_assert_cmpuint (count (fardel_client_get_transfers (client)), ==, 0);
  fake_add_transfer (fake, 1, "{}");
  fake_add_account (fake, "home", "{}");
  g_signal_connect (client, "notify::running", G_CALLBACK (on_notify), notified);
  fake_appear (fake);
  loop_until (fardel_client_is_running (client));
  g_assert_cmpstr (notified->str, ==, "running;");
  g_assert_cmpuint (count (fardel_client_get_transfers (client)), ==, 1);
  g_assert_cmpuint (count (fardel_client_get_accounts (client)), ==, 1);
  g_object_get (client, "version", &version, NULL);
  g_assert_cmpstr (version, ==, "9.9");
  assert_last (client);
}

static void
test_many (void)
{
  g_autoptr (Fake) fake = fake_new ();
  g_autoptr (GString) changes = g_string_new (NULL);
  g_autoptr (GString) notified = g_string_new (NULL);
  g_autoptr (GObject) object = NULL;
  FardelClient *client;
  GListModel *list;

  g_assert_nonnull ((client = g_initable_new (FARDEL_TYPE_CLIENT, NULL, NULL, "autostart", FALSE, NULL)));
  list = fardel_client_get_transfers (client);
  g_signal_connect (list, "items-changed", G_CALLBACK (on_items_changed), changes);
  for (guint id = 1000; id >= 1; id--)
    fake_add_transfer (fake, id * 2, "{}");
  fake_appear (fake);
  loop_until (fardel_client_is_running (client));
  assert_changes (changes, "0,0,1000;");
  for (guint i = 0; i < 1000; i++)
    g_assert_cmpuint (fardel_transfer_get_id (get (client, i)), ==, i * 2 + 2);

  fake_add_transfer (fake, 7, "{}");
  loop_until (count (list) == 1001);
  assert_changes (changes, "3,0,1;");
  fake_remove (fake, TRANSFER (8));
  loop_until (count (list) == 1000);
  assert_changes (changes, "4,1,0;");

  g_signal_connect (get (client, 3), "notify", G_CALLBACK (on_notify), notified);
  fake_change (fake, TRANSFER (7), "{'Transferred': <uint64 5>, 'Name': <'a.txt'>}");
  loop_until (fardel_transfer_get_transferred (get (client, 3)) == 5);
  g_assert_cmpstr (notified->str, ==, "transferred;");
  fake_change (fake, TRANSFER (7), "{'State': <'active'>}");
  loop_until (fardel_transfer_get_state (get (client, 3)) == FARDEL_STATE_ACTIVE);
  assert_changes (changes, "");
  assert_last (client);
}

static void
test_restart (void)
{
  g_autoptr (Fake) fake = fake_new ();
  g_autoptr (GString) changes = g_string_new (NULL);
  g_autoptr (GString) finished = g_string_new (NULL);
  g_autoptr (FardelTransfer) kept = NULL;
  g_autoptr (FardelTransfer) lost = NULL;
  FardelClient *client;
  GListModel *list;

  for (guint id = 1; id <= 4; id++)
    fake_add_transfer (fake, id, id == 4 ? "{'State': <'done'>}" : "{'State': <'active'>}");
  fake_appear (fake);
  client = make_client ();
  g_assert_true (fardel_client_is_running (client));
  list = fardel_client_get_transfers (client);
  kept = g_object_ref (get (client, 0));
  lost = g_object_ref (get (client, 1));
  g_signal_connect (list, "items-changed", G_CALLBACK (on_items_changed), changes);
  g_signal_connect (client, "finished", G_CALLBACK (on_news), finished);

  fake_vanish (fake);
  loop_until (!fardel_client_is_running (client));
  g_assert_cmpuint (count (list), ==, 4);
  fake_remove (fake, TRANSFER (2));
  fake_remove (fake, TRANSFER (4));
  fake_add_transfer (fake, 5, "{}");
  fake_change (fake, TRANSFER (3), "{'State': <'done'>}");
  fake_appear (fake);
  loop_until (fardel_client_is_running (client));
  assert_changes (changes, "4,0,1;3,1,0;1,1,0;");
  g_assert_true (get (client, 0) == kept);
  g_assert_cmpint (fardel_transfer_get_state (kept), ==, FARDEL_STATE_ACTIVE);
  g_assert_cmpint (fardel_transfer_get_state (lost), ==, FARDEL_STATE_FAILED);
  g_assert_error (fardel_transfer_get_error (lost), G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT);
  loop_until (finished->len >= 4);
  g_assert_cmpstr (finished->str, ==, "2;3;");
  assert_last (client);
}

/* One daemon in place of another, without a moment between. */
static void
test_replaced (void)
{
  g_autoptr (Fake) old = fake_new ();
  g_autoptr (Fake) new = fake_new ();
  FardelClient *client;

  fake_add_transfer (old, 1, "{}");
  fake_add_transfer (new, 2, "{}");
  fake_appear (old);
  client = make_client ();
  fake_appear (new); /* in the queue */
  fake_vanish (old);
  loop_until (fardel_client_is_running (client) && fardel_transfer_get_id (get (client, 0)) == 2);
  g_assert_cmpuint (count (fardel_client_get_transfers (client)), ==, 1);
  /* What the old one says is nothing to us. */
  fake_add_transfer (old, 3, "{}");
  fake_add_transfer (new, 4, "{}");
  loop_until (count (fardel_client_get_transfers (client)) == 2);
  g_assert_cmpuint (fardel_transfer_get_id (get (client, 1)), ==, 4);
  assert_last (client);
}

static void
test_vanishes_while_asked (void)
{
  g_autoptr (Fake) fake = fake_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  FardelClient *client;

  fake_appear (fake);
  fake_hold (fake, "GetManagedObjects");
  fardel_client_new_async (NULL, loop_store, &result);
  loop_until (fake_count (fake, "GetManagedObjects") == 1);
  fake_vanish (fake);
  loop_result (result);
  client = fardel_client_new_finish (result, &error);
  g_assert_no_error (error);
  g_assert_false (fardel_client_is_running (client));
  /* The late answer is of one that is gone. */
  fake_add_transfer (fake, 1, "{}");
  fake_go_on (fake);
  fake_appear (fake);
  loop_until (fardel_client_is_running (client));
  g_assert_cmpuint (count (fardel_client_get_transfers (client)), ==, 1);
  g_clear_object (&result);
  assert_last (client);
}

static void
test_cancel_new (void)
{
  g_autoptr (Fake) fake = fake_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  fake_appear (fake);
  fake_hold (fake, "GetManagedObjects");
  fardel_client_new_async (cancellable, loop_store, &result);
  loop_until (fake_count (fake, "GetManagedObjects") == 1);
  g_cancellable_cancel (cancellable);
  loop_result (result);
  g_assert_null (fardel_client_new_finish (result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_null (fardel_client_new_sync (cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* A signal that comes before the answer about everything is not lost nor undone. */
static void
test_signal_before_answer (void)
{
  g_autoptr (Fake) fake = fake_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GString) offers = g_string_new (NULL);
  FardelClient *client;

  fake_appear (fake);
  fake_hold (fake, "GetManagedObjects");
  fardel_client_new_async (NULL, loop_store, &result);
  loop_until (fake_count (fake, "GetManagedObjects") == 1);
  fake_add_transfer (fake, 1, "{'Direction': <'incoming'>, 'State': <'offered'>}");
  fake_add_transfer (fake, 2, "{}");
  fake_remove (fake, TRANSFER (2));
  fake_change (fake, TRANSFER (1), "{'Description': <'late'>}");
  fake_go_on (fake);
  loop_result (result);
  client = fardel_client_new_finish (result, NULL);
  g_signal_connect (client, "offer-received", G_CALLBACK (on_news), offers);
  g_assert_cmpuint (count (fardel_client_get_transfers (client)), ==, 1);
  g_assert_cmpuint (fardel_transfer_get_id (get (client, 0)), ==, 1);
  g_clear_object (&result);
  assert_last (client);
}

static void
test_odd_values (void)
{
  g_autoptr (Fake) fake = fake_new ();
  FardelTransfer *transfer;
  FardelClient *client;
  g_autoptr (GDateTime) modified = NULL;
  g_autofree char *text = NULL;
  gboolean finished;

  fake_add_transfer (fake, 1,
                     "{'State': <'teleporting'>, 'Size': <'big'>, 'Modified': <int64 1500000>, 'New': <1>}");
  fake_appear (fake);
  client = make_client ();
  transfer = get (client, 0);
  g_assert_cmpint (fardel_transfer_get_state (transfer), ==, FARDEL_STATE_UNKNOWN);
  g_assert_cmpint (fardel_transfer_get_size (transfer), ==, -1);
  g_assert_null (fardel_transfer_get_error (transfer));
  g_assert_null (fardel_transfer_get_local_file (transfer));
  g_object_get (transfer, "modified", &modified, "finished", &finished, NULL);
  text = g_date_time_format_iso8601 (modified);
  g_assert_cmpstr (text, ==, "1970-01-01T00:00:01.500000Z");
  g_assert_false (finished);
  fake_change (fake, TRANSFER (1),
               "{'State': <'interrupted'>, 'Error': <'org.fardel.Fardel1.Error.ConnectionFailed'>,"
               " 'ErrorMessage': <'The network is gone'>, 'LocalPath': <'/tmp/a'>}");
  loop_until (fardel_transfer_get_error (transfer));
  g_assert_error (fardel_transfer_get_error (transfer), FARDEL_ERROR, FARDEL_ERROR_CONNECTION_FAILED);
  g_assert_cmpstr (fardel_transfer_get_error (transfer)->message, ==, "The network is gone");
  g_assert_cmpstr (g_file_peek_path (fardel_transfer_get_local_file (transfer)), ==, "/tmp/a");
  /* Of an object that nobody announced, and of nothing of ours. */
  fake_change (fake, TRANSFER (99), "{'State': <'active'>}");
  fake_emit (fake, HOME, "org.fardel.Fardel1.Account", "ContactsChanged");
  fake_emit (fake, HOME, "org.freedesktop.DBus.Properties", "PropertiesChanged");
  fake_change (fake, TRANSFER (1), "{'State': <'active'>, 'Error': <''>}");
  loop_until (fardel_transfer_get_state (transfer) == FARDEL_STATE_ACTIVE);
  g_assert_null (fardel_transfer_get_error (transfer));
  g_assert_cmpuint (count (fardel_client_get_transfers (client)), ==, 1);
  assert_last (client);
}

static void
test_news (void)
{
  g_autoptr (Fake) fake = fake_new ();
  g_autoptr (GString) offers = g_string_new (NULL);
  g_autoptr (GString) finished = g_string_new (NULL);
  FardelClient *client;

  fake_add_transfer (fake, 1, "{'Direction': <'incoming'>, 'State': <'offered'>}");
  fake_add_transfer (fake, 2, "{'State': <'offered'>}");
  fake_add_transfer (fake, 3, "{'Direction': <'incoming'>, 'State': <'failed'>}");
  fake_appear (fake);
  client = make_client ();
  g_signal_connect (client, "offer-received", G_CALLBACK (on_news), offers);
  g_signal_connect (client, "finished", G_CALLBACK (on_news), finished);
  loop_until (offers->len);
  fake_add_transfer (fake, 4, "{'Direction': <'incoming'>, 'State': <'offered'>}");
  fake_change (fake, TRANSFER (1), "{'State': <'negotiating'>}");
  fake_change (fake, TRANSFER (1), "{'State': <'done'>}");
  fake_change (fake, TRANSFER (1), "{'Verified': <'ok'>}");
  fake_remove (fake, TRANSFER (1));
  fake_remove (fake, TRANSFER (3));
  loop_until (count (fardel_client_get_transfers (client)) == 2);
  g_assert_cmpstr (offers->str, ==, "1;4;");
  g_assert_cmpstr (finished->str, ==, "1;");

  /* They still wait after a restart, but that is not new. */
  fake_vanish (fake);
  loop_until (!fardel_client_is_running (client));
  fake_appear (fake);
  loop_until (fardel_client_is_running (client));
  fake_add_transfer (fake, 5, "{'Direction': <'incoming'>, 'State': <'offered'>}");
  loop_until (count (fardel_client_get_transfers (client)) == 3);
  g_assert_cmpstr (offers->str, ==, "1;4;5;");
  assert_last (client);
}

/* What is final stays so, whatever comes late. */
static void
test_final (void)
{
  g_autoptr (Fake) fake = fake_new ();
  FardelClient *client;

  fake_add_transfer (fake, 1, "{'State': <'active'>}");
  fake_appear (fake);
  client = make_client ();
  fake_change (fake, TRANSFER (1), "{'State': <'done'>}");
  /* Learns it without the loop, which then hears of the past. */
  g_assert_true (fardel_transfer_wait_sync (get (client, 0), NULL, NULL));
  g_assert_cmpint (fardel_transfer_get_state (get (client, 0)), ==, FARDEL_STATE_DONE);
  fake_change (fake, TRANSFER (1), "{'State': <'active'>, 'Rate': <uint64 7>}");
  fake_add_transfer (fake, 2, "{}");
  loop_until (count (fardel_client_get_transfers (client)) == 2);
  g_assert_cmpint (fardel_transfer_get_state (get (client, 0)), ==, FARDEL_STATE_DONE);
  g_assert_cmpuint (fardel_transfer_get_rate (get (client, 0)), ==, 0);
  assert_last (client);
}

static const char *
contact_at (GListModel *contacts, guint position)
{
  g_autoptr (FardelContact) contact = g_list_model_get_item (contacts, position);

  return fardel_contact_get_jid (contact);
}

static void
test_contacts (void)
{
  g_autoptr (Fake) fake = fake_new ();
  g_autoptr (GString) changes = g_string_new (NULL);
  g_autoptr (GString) notified = g_string_new (NULL);
  g_autoptr (FardelAccount) account = NULL;
  g_autoptr (FardelContact) carol = NULL;
  g_autoptr (GListModel) property = NULL;
  g_auto (GStrv) groups = NULL;
  FardelClient *client;
  GListModel *contacts;
  gboolean online;

  fake_add_account (fake, "home", "{'Status': <'waiting'>, 'Error': <'org.fardel.Fardel1.Error.Busy'>}");
  fake_set_contacts (fake, "[{'jid': <'a@x'>}, {'jid': <'c@x'>, 'online': <true>, 'groups': <['g']>}]");
  fake_appear (fake);
  client = make_client ();
  account = g_list_model_get_item (fardel_client_get_accounts (client), 0);
  g_assert_cmpstr (fardel_account_get_id (account), ==, "home");
  g_assert_cmpstr (fardel_account_get_jid (account), ==, "home@example.org");
  g_assert_cmpint (fardel_account_get_status (account), ==, FARDEL_ACCOUNT_STATUS_WAITING);
  loop_drain ();
  g_assert_cmpuint (fake_count (fake, "ListContacts"), ==, 0);

  contacts = fardel_account_get_contacts (account);
  g_object_get (account, "contacts", &property, NULL);
  g_assert_true (property == contacts);
  g_signal_connect (contacts, "items-changed", G_CALLBACK (on_items_changed), changes);
  loop_until (count (contacts) == 2);
  assert_changes (changes, "0,0,1;1,0,1;");
  carol = g_list_model_get_item (contacts, 1);
  g_object_get (carol, "online", &online, "groups", &groups, NULL);
  g_assert_true (online);
  g_assert_cmpstr (groups[0], ==, "g");

  g_signal_connect (carol, "notify", G_CALLBACK (on_notify), notified);
  fake_set_contacts (fake, "[{'jid': <'b@x'>}, {'jid': <'c@x'>, 'online': <false>}, {'jid': <'d@x'>}]");
  fake_emit (fake, HOME, "org.fardel.Fardel1.Account", "ContactsChanged");
  loop_until (count (contacts) == 3);
  assert_changes (changes, "0,1,0;0,0,1;2,0,1;");
  g_assert_cmpstr (contact_at (contacts, 0), ==, "b@x");
  g_assert_cmpstr (contact_at (contacts, 1), ==, "c@x");
  g_assert_cmpstr (notified->str, ==, "online;");
  fake_set_contacts (fake, "[{'jid': <'b@x'>}]");
  fake_emit (fake, HOME, "org.fardel.Fardel1.Account", "ContactsChanged");
  loop_until (count (contacts) == 1);
  assert_changes (changes, "1,2,0;");

  /* An answer that is on its way when the account goes is nobody's. */
  fake_hold (fake, "ListContacts");
  fake_emit (fake, HOME, "org.fardel.Fardel1.Account", "ContactsChanged");
  loop_until (fake_count (fake, "ListContacts") == 4);
  g_clear_object (&property);
  assert_last (client);
  assert_last (g_steal_pointer (&account));
  fake_go_on (fake);
  loop_drain ();
}

static double
progress_of (FardelClient *client)
{
  double progress;

  g_object_get (client, "progress", &progress, NULL);
  return progress;
}

static void
test_settings (void)
{
  g_autoptr (Fake) fake = fake_new ();
  g_autofree char *text = NULL;
  FardelClient *client;

  fake_add_transfer (fake, 1, "{}");
  fake_appear (fake);
  client = make_client ();
  g_object_set (get (client, 0), "rate-limit", (guint64) 2048, NULL);
  loop_until (fake_count (fake, "Set") == 1);
  text = g_variant_print (fake_last (fake, "Set")->arguments, FALSE);
  g_assert_cmpstr (text, ==, "('org.fardel.Fardel1.Transfer', 'RateLimit', <uint64 2048>)");
  g_object_set (client, "upload-limit", (guint64) 4096, "download-folder", "/srv", NULL);
  loop_until (fake_count (fake, "Set") == 3);
  fake_change (fake, "/org/fardel/Fardel1", "{'Progress': <0.75>}");
  loop_until (progress_of (client) == 0.75);
  assert_last (client);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/lists/absent", test_absent);
  g_test_add_func ("/lists/many", test_many);
  g_test_add_func ("/lists/restart", test_restart);
  g_test_add_func ("/lists/replaced", test_replaced);
  g_test_add_func ("/lists/vanishes-while-asked", test_vanishes_while_asked);
  g_test_add_func ("/lists/cancel-new", test_cancel_new);
  g_test_add_func ("/lists/signal-before-answer", test_signal_before_answer);
  g_test_add_func ("/lists/odd-values", test_odd_values);
  g_test_add_func ("/lists/news", test_news);
  g_test_add_func ("/lists/final", test_final);
  g_test_add_func ("/lists/contacts", test_contacts);
  g_test_add_func ("/lists/settings", test_settings);
  return fake_run_tests ();
}
