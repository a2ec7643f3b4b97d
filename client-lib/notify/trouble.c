/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Accounts that need the user; see trouble.h.
 */
#include "trouble.h"

struct NtfTroubles
{
  NtfServer *server;
  guint patience_ms;
  void (*changed) (gpointer data);
  gpointer data;
  GHashTable *troubles; /* NtfAccount → Trouble */
};

typedef struct
{
  NtfTroubles *all;
  const NtfAccount *account;
  NtfCard *card;
  char *summary; /* of what there is to tell; another one is another trouble */
  guint timer; /* until it has lasted long enough */
  gboolean dismissed; /* the user has seen it */
  gboolean acted; /* and tried something, of which they want to know what came of it */
} Trouble;

static void
trouble_free (gpointer data)
{
  Trouble *trouble = data;

  g_clear_handle_id (&trouble->timer, g_source_remove);
  ntf_card_free (trouble->card);
  g_free (trouble->summary);
  g_free (trouble);
}

/* A keyring that is locked asks; what comes of it shows in the status. */
static void
on_action (NtfCard *card, const char *key, const char *token, gpointer data)
{
  Trouble *trouble = data;

  if (!g_str_equal (key, NTF_ACTION_CONNECT))
    return;
  trouble->acted = TRUE;
  fardel_account_connect_async (trouble->account->remote, NULL, NULL, NULL);
}

static void
on_closed (NtfCard *card, gpointer data)
{
  Trouble *trouble = data;

  trouble->dismissed = !trouble->acted;
}

static void
show (Trouble *trouble)
{
  g_autoptr (NtfNote) note = ntf_words_account (trouble->account, ntf_server_get_can (trouble->all->server));

  if (note && !trouble->timer && !trouble->dismissed && ntf_server_is_known (trouble->all->server))
    ntf_card_show (trouble->card, note);
}

static gboolean
on_lasting (gpointer data)
{
  Trouble *trouble = data;

  trouble->timer = 0;
  show (trouble);
  return G_SOURCE_REMOVE;
}

static Trouble *
trouble_new (NtfTroubles *troubles, const NtfAccount *account)
{
  static const NtfCardHooks hooks = { .action = on_action, .closed = on_closed };
  Trouble *trouble = g_new0 (Trouble, 1);

  trouble->all = troubles;
  trouble->account = account;
  trouble->card = ntf_card_new (troubles->server, &hooks, trouble);
  trouble->timer = g_timeout_add (troubles->patience_ms, on_lasting, trouble);
  return trouble;
}

/* On the way from one try to the next it is neither over nor another one. */
static gboolean
is_settled (const NtfAccount *account)
{
  return account->status == FARDEL_ACCOUNT_STATUS_ONLINE || account->status == FARDEL_ACCOUNT_STATUS_OFFLINE;
}

void
ntf_troubles_update (NtfTroubles *troubles, const NtfAccount *account)
{
  g_autoptr (NtfNote) note = ntf_words_account (account, ntf_server_get_can (troubles->server));
  Trouble *trouble = g_hash_table_lookup (troubles->troubles, account);

  if (!note)
    {
      if (trouble && is_settled (account))
        ntf_troubles_remove (troubles, account);
      return;
    }
  if (!trouble)
    {
      trouble = trouble_new (troubles, account);
      g_hash_table_insert (troubles->troubles, (gpointer) account, trouble);
    }
  else if (!g_str_equal (trouble->summary, note->summary))
    trouble->dismissed = FALSE;
  trouble->acted = FALSE;
  g_free (trouble->summary);
  trouble->summary = g_strdup (note->summary);
  show (trouble);
  troubles->changed (troubles->data);
}

void
ntf_troubles_remove (NtfTroubles *troubles, const NtfAccount *account)
{
  if (g_hash_table_remove (troubles->troubles, account))
    troubles->changed (troubles->data);
}

void
ntf_troubles_clear (NtfTroubles *troubles)
{
  g_hash_table_remove_all (troubles->troubles);
}

void
ntf_troubles_show_again (NtfTroubles *troubles)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, troubles->troubles);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    show (value);
}

gboolean
ntf_troubles_is_needed (const NtfTroubles *troubles)
{
  return g_hash_table_size (troubles->troubles) > 0;
}

NtfTroubles *
ntf_troubles_new (NtfServer *server, guint patience_ms, void (*changed) (gpointer data), gpointer data)
{
  NtfTroubles *troubles = g_new0 (NtfTroubles, 1);

  troubles->server = server;
  troubles->patience_ms = patience_ms;
  troubles->changed = changed;
  troubles->data = data;
  troubles->troubles = g_hash_table_new_full (NULL, NULL, NULL, trouble_free);
  return troubles;
}

void
ntf_troubles_free (NtfTroubles *troubles)
{
  g_hash_table_unref (troubles->troubles);
  g_free (troubles);
}
