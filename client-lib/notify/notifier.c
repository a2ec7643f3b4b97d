/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The notifier; see notifier.h. It stays while a transfer is unfinished, an account
 * is in trouble or a card is shown: then it waits for signals, without any timer.
 */
#include "notifier.h"

#include "card.h"
#include "chooser.h"
#include "contacts.h"
#include "job.h"
#include "open.h"
#include "trouble.h"
#include "watch.h"

#include <glib/gi18n.h>

struct NtfNotifier
{
  GDBusConnection *bus;
  NtfTimes times;
  void (*leave) (gpointer data);
  gpointer data;
  NtfServer *server;
  NtfChooser *chooser;
  NtfContacts *contacts;
  NtfJobs *jobs;
  NtfTroubles *troubles;
  NtfWatch *watch;
  GPtrArray *topics;
  gboolean loading; /* what there is when we come is shown as a whole */
  gboolean shows_progress; /* in the launcher */
  guint linger;
};

/* A group of transfers and where it is shown. Answers hold it until they are in. */
typedef struct
{
  NtfNotifier *notifier;
  NtfGroup *group;
  NtfCard *card;
  NtfJob *job;
  NtfTransfer *saving; /* for which a file chooser is open, or NULL */
} Topic;

static void update_topic (Topic *topic);

/* --- when to leave --- */

static gboolean
is_needed (NtfNotifier *notifier)
{
  return notifier->loading || notifier->topics->len > 0 || ntf_troubles_is_needed (notifier->troubles);
}

static gboolean
on_idle (gpointer data)
{
  NtfNotifier *notifier = data;

  notifier->linger = 0;
  notifier->leave (notifier->data);
  return G_SOURCE_REMOVE;
}

static void
check_needed (gpointer data)
{
  NtfNotifier *notifier = data;

  if (is_needed (notifier))
    g_clear_handle_id (&notifier->linger, g_source_remove);
  else if (!notifier->linger)
    notifier->linger = g_timeout_add (notifier->times.linger_ms, on_idle, notifier);
}

/* --- answers --- */

static void
take_answer (Topic *topic, const GError *error)
{
  NtfGroup *group = topic->group;

  group->busy--;
  if (error && !group->problem)
    {
      group->problem = g_strdup (error->message);
      group->dismissed = FALSE;
    }
  update_topic (topic);
}

static void
on_accepted (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  fardel_transfer_accept_finish (FARDEL_TRANSFER (source), result, &error);
  take_answer (data, error);
}

static void
on_rejected (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  fardel_transfer_reject_finish (FARDEL_TRANSFER (source), result, &error);
  take_answer (data, error);
}

/* @file: NULL for the download folder. */
static void
accept_one (Topic *topic, const NtfTransfer *transfer, GFile *file, GVariant *options)
{
  topic->group->busy++;
  fardel_transfer_accept_async (transfer->remote, file, options, NULL, on_accepted, topic);
}

static void
reject_one (Topic *topic, const NtfTransfer *transfer)
{
  topic->group->busy++;
  fardel_transfer_reject_async (transfer->remote, NULL, on_rejected, topic);
}

static void
answer_all (Topic *topic, gboolean yes)
{
  NtfGroup *group = topic->group;

  g_clear_pointer (&group->problem, g_free);
  for (guint i = 0; i < group->members->len; i++)
    if (!ntf_transfer_is_waiting (group->members->pdata[i]))
      continue;
    else if (yes)
      accept_one (topic, group->members->pdata[i], NULL, NULL);
    else
      reject_one (topic, group->members->pdata[i]);
}

static void
stop_saving (Topic *topic)
{
  g_clear_pointer (&topic->saving, ntf_transfer_unref);
  topic->group->busy--;
}

/* A file that is there already may be replaced: the chooser has asked. */
static void
on_chosen (const char *path, gpointer data)
{
  Topic *topic = data;
  g_autoptr (GFile) file = path ? g_file_new_for_path (path) : NULL;

  if (file)
    {
      g_clear_pointer (&topic->group->problem, g_free);
      accept_one (topic, topic->saving, file, g_variant_new_parsed ("{'overwrite': <true>}"));
    }
  stop_saving (topic);
  update_topic (topic);
}

static void
save_as (Topic *topic)
{
  NtfNotifier *notifier = topic->notifier;
  NtfTransfer *transfer = ntf_group_get_first_waiting (topic->group);
  g_autofree char *folder = NULL;

  if (!transfer || topic->saving)
    return;
  topic->saving = ntf_transfer_ref (transfer);
  topic->group->busy++;
  folder = ntf_watch_dup_download_folder (notifier->watch);
  ntf_chooser_save (notifier->chooser, _ ("Save file"), transfer->name, folder, on_chosen, topic);
}

/* --- results --- */

static GPtrArray *
list_received (const NtfGroup *group)
{
  GPtrArray *paths = g_ptr_array_new ();

  for (guint i = 0; i < group->members->len; i++)
    {
      const NtfTransfer *transfer = group->members->pdata[i];

      if (ntf_group_get_end (transfer) == NTF_END_DONE)
        g_ptr_array_add (paths, transfer->local_path);
    }
  return paths;
}

static gboolean
can_open (const NtfGroup *group)
{
  g_autoptr (GPtrArray) paths = list_received (group);

  return paths->len == 1 && ntf_can_open (paths->pdata[0]);
}

static void
show_received (Topic *topic, const char *token)
{
  g_autoptr (GPtrArray) paths = list_received (topic->group);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) uris = NULL;

  for (guint i = 0; i < paths->len; i++)
    {
      g_autofree char *uri = g_filename_to_uri (paths->pdata[i], NULL, NULL);

      if (uri)
        g_strv_builder_add (builder, uri);
    }
  uris = g_strv_builder_end (builder);
  if (uris[0])
    ntf_show (topic->notifier->bus, uris, token);
}

static void
open_received (Topic *topic, const char *token)
{
  g_autoptr (GPtrArray) paths = list_received (topic->group);

  if (paths->len == 1)
    ntf_open (paths->pdata[0], token);
}

/* --- cards --- */

static void
on_action (NtfCard *card, const char *key, const char *token, gpointer data)
{
  Topic *topic = data;

  if (g_str_equal (key, NTF_ACTION_ACCEPT))
    answer_all (topic, TRUE);
  else if (g_str_equal (key, NTF_ACTION_DECLINE))
    answer_all (topic, FALSE);
  else if (g_str_equal (key, NTF_ACTION_SAVE_AS))
    save_as (topic);
  else if (g_str_equal (key, NTF_ACTION_SHOW))
    show_received (topic, token);
  else if (g_str_equal (key, NTF_ACTION_OPEN) || can_open (topic->group))
    open_received (topic, token);
  else
    show_received (topic, token);
}

/* Also after an action: then the answer is under way, and what the user thinks of
 * the question is known. */
static void
on_closed (NtfCard *card, gpointer data)
{
  Topic *topic = data;

  if (!topic->group->busy)
    topic->group->dismissed = TRUE;
  update_topic (topic);
}

static void
on_cancelled (gpointer data)
{
  Topic *topic = data;
  NtfGroup *group = topic->group;

  for (guint i = 0; i < group->members->len; i++)
    {
      NtfTransfer *transfer = group->members->pdata[i];

      if (!ntf_transfer_is_over (transfer) && !ntf_transfer_is_waiting (transfer))
        fardel_transfer_cancel_async (transfer->remote, NULL, NULL, NULL);
    }
}

/* --- groups --- */

static Topic *
topic_new (NtfNotifier *notifier, const NtfTransfer *first)
{
  static const NtfCardHooks hooks = { .action = on_action, .closed = on_closed };
  Topic *topic = g_new0 (Topic, 1);

  topic->notifier = notifier;
  topic->group = ntf_group_new (first);
  topic->card = ntf_card_new (notifier->server, &hooks, topic);
  topic->job = ntf_job_new (notifier->jobs, on_cancelled, topic);
  g_ptr_array_add (notifier->topics, topic);
  return topic;
}

static void
topic_free (gpointer data)
{
  Topic *topic = data;

  g_clear_pointer (&topic->saving, ntf_transfer_unref);
  ntf_job_free (topic->job);
  ntf_card_free (topic->card);
  ntf_group_free (topic->group);
  g_free (topic);
}

/* FALSE: who they are is not known yet. */
static gboolean
find_peer (Topic *topic, NtfPeer *ret_peer)
{
  const NtfTransfer *first = topic->group->members->pdata[0];
  g_autofree char *jid = ntf_transfer_dup_peer (first);

  return ntf_contacts_find (topic->notifier->contacts, first->account, jid, ret_peer);
}

static void
show_due (Topic *topic, NtfDue due, const NtfPeer *peer)
{
  NtfNotifier *notifier = topic->notifier;
  NtfCan can = ntf_server_get_can (notifier->server);
  g_autoptr (NtfNote) note = NULL;

  if (due == NTF_DUE_OFFER)
    note = ntf_words_offer (topic->group, peer,
                            can | (ntf_chooser_is_there (notifier->chooser) ? NTF_CAN_SAVE_AS : 0));
  else
    {
      note = ntf_words_result (topic->group, peer, can | (can_open (topic->group) ? NTF_CAN_OPEN : 0));
      topic->group->told = TRUE;
    }
  ntf_card_show (topic->card, note);
}

static void
show_progress (Topic *topic, const NtfPeer *peer)
{
  g_autofree char *title = ntf_words_progress (topic->group, peer);
  NtfProgress progress;

  ntf_group_get_progress (topic->group, &progress);
  ntf_job_update (topic->job, title, &progress, topic->group->members->len);
}

/* What is shown follows from what is; this is the only place that shows anything.
 * Frees a group that is over. */
static void
update_topic (Topic *topic)
{
  NtfNotifier *notifier = topic->notifier;
  NtfGroup *group = topic->group;
  NtfDue due = ntf_group_get_due (group);
  gboolean active = ntf_group_is_active (group) && ntf_jobs_is_there (notifier->jobs);
  g_autofree char *name = NULL;
  NtfPeer peer;

  if (notifier->loading || !ntf_server_is_known (notifier->server))
    return;
  if (topic->saving && !ntf_transfer_is_waiting (topic->saving))
    {
      ntf_chooser_cancel (notifier->chooser, topic);
      stop_saving (topic);
      due = ntf_group_get_due (group);
    }
  if (due != NTF_DUE_OFFER && ntf_group_count_waiting (group) == 0 && !group->told)
    ntf_card_close (topic->card);
  if (!active)
    ntf_job_end (topic->job);
  if (due == NTF_DUE_NOTHING && !ntf_group_is_open (group) && !ntf_card_is_shown (topic->card))
    g_ptr_array_remove (notifier->topics, topic);
  else if ((due != NTF_DUE_NOTHING || active) && find_peer (topic, &peer))
    {
      name = peer.name;
      if (due != NTF_DUE_NOTHING)
        show_due (topic, due, &peer);
      if (active)
        show_progress (topic, &peer);
    }
  check_needed (notifier);
}

static void
update_all (gpointer data)
{
  NtfNotifier *notifier = data;

  for (guint i = notifier->topics->len; i > 0; i--)
    update_topic (notifier->topics->pdata[i - 1]);
  check_needed (notifier);
}

/* --- what the daemon tells --- */

static Topic *
find_topic (NtfNotifier *notifier, const NtfTransfer *transfer)
{
  Topic *fits = NULL;

  for (guint i = 0; i < notifier->topics->len; i++)
    {
      Topic *topic = notifier->topics->pdata[i];

      if (ntf_group_has (topic->group, transfer))
        return topic;
      if (!topic->group->told && ntf_group_fits (topic->group, transfer))
        fits = topic;
    }
  return fits;
}

/* What had ended when we came was told to others, or to nobody. */
static void
on_transfer_changed (NtfTransfer *transfer, gpointer data)
{
  NtfNotifier *notifier = data;
  Topic *topic = find_topic (notifier, transfer);

  if (!topic || !ntf_group_has (topic->group, transfer))
    {
      if (ntf_transfer_is_over (transfer))
        return;
      if (!topic)
        topic = topic_new (notifier, transfer);
      ntf_group_add (topic->group, transfer);
    }
  update_topic (topic);
}

/* Forgotten by the user or, if it had not ended, by the daemon. */
static void
on_transfer_removed (NtfTransfer *transfer, gpointer data)
{
  NtfNotifier *notifier = data;
  Topic *topic = find_topic (notifier, transfer);

  if (!topic || !ntf_group_has (topic->group, transfer))
    return;
  if (!ntf_transfer_is_over (transfer))
    ntf_transfer_withdraw (transfer);
  update_topic (topic);
}

static void
on_account_changed (NtfAccount *account, gpointer data)
{
  NtfNotifier *notifier = data;

  ntf_troubles_update (notifier->troubles, account);
}

static void
on_account_removed (NtfAccount *account, gpointer data)
{
  NtfNotifier *notifier = data;

  ntf_troubles_remove (notifier->troubles, account);
}

/* Docks show it on our icon (com.canonical.Unity.LauncherEntry). The daemon tells
 * at most once a second. */
static void
on_progress_changed (gpointer data)
{
  NtfNotifier *notifier = data;
  double progress = ntf_watch_get_progress (notifier->watch);
  gboolean visible = progress >= 0;
  GVariantBuilder properties;

  if (!visible && !notifier->shows_progress)
    return;
  notifier->shows_progress = visible;
  g_variant_builder_init (&properties, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&properties, "{sv}", "progress-visible", g_variant_new_boolean (visible));
  if (visible)
    g_variant_builder_add (&properties, "{sv}", "progress", g_variant_new_double (progress));
  g_dbus_connection_emit_signal (
    notifier->bus, NULL, "/org/fardel/Fardel1/OfferUI", "com.canonical.Unity.LauncherEntry", "Update",
    g_variant_new ("(sa{sv})", "application://org.fardel.Fardel.desktop", &properties), NULL);
}

static void
on_loaded (gpointer data)
{
  NtfNotifier *notifier = data;

  notifier->loading = FALSE;
  update_all (notifier);
}

static void
on_lost (gpointer data)
{
  NtfNotifier *notifier = data;

  notifier->loading = FALSE;
  ntf_contacts_forget (notifier->contacts);
  for (guint i = 0; i < notifier->topics->len; i++)
    {
      Topic *topic = notifier->topics->pdata[i];

      ntf_group_daemon_lost (topic->group);
    }
  ntf_troubles_clear (notifier->troubles);
  on_progress_changed (notifier);
  update_all (notifier);
}

/* --- life --- */

static void
on_server_ready (gpointer data)
{
  NtfNotifier *notifier = data;

  ntf_troubles_show_again (notifier->troubles);
  update_all (notifier);
}

static void
on_server_missing (gpointer data)
{
  NtfNotifier *notifier = data;

  g_message ("Nothing shows notifications here (org.freedesktop.Notifications), so there is nothing to do");
  notifier->leave (notifier->data);
}

NtfNotifier *
ntf_notifier_new (GDBusConnection *bus, const NtfTimes *times, void (*leave) (gpointer data), gpointer data)
{
  static const NtfServerHooks server_hooks = { .ready = on_server_ready, .missing = on_server_missing };
  static const NtfWatchHooks watch_hooks = {
    .transfer_changed = on_transfer_changed,
    .transfer_removed = on_transfer_removed,
    .account_changed = on_account_changed,
    .account_removed = on_account_removed,
    .progress_changed = on_progress_changed,
    .loaded = on_loaded,
    .lost = on_lost,
  };
  NtfNotifier *notifier = g_new0 (NtfNotifier, 1);

  notifier->bus = g_object_ref (bus);
  notifier->times = *times;
  notifier->leave = leave;
  notifier->data = data;
  notifier->loading = TRUE;
  notifier->topics = g_ptr_array_new_with_free_func (topic_free);
  notifier->chooser = ntf_chooser_new (bus, update_all, notifier);
  notifier->server = ntf_server_new (bus, &server_hooks, notifier);
  notifier->contacts = ntf_contacts_new (bus, update_all, notifier);
  notifier->jobs = ntf_jobs_new (bus);
  notifier->troubles = ntf_troubles_new (notifier->server, times->patience_ms, check_needed, notifier);
  notifier->watch = ntf_watch_new (bus, &watch_hooks, notifier);
  return notifier;
}

void
ntf_notifier_free (NtfNotifier *notifier)
{
  g_clear_handle_id (&notifier->linger, g_source_remove);
  ntf_chooser_free (notifier->chooser);
  g_ptr_array_unref (notifier->topics);
  ntf_troubles_free (notifier->troubles);
  ntf_watch_free (notifier->watch);
  ntf_jobs_free (notifier->jobs);
  ntf_contacts_free (notifier->contacts);
  ntf_server_free (notifier->server);
  g_object_unref (notifier->bus);
  g_free (notifier);
}
