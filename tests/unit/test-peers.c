/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "xmpp/caps.h"
#include "xmpp/peers.h"

#define OWN "romeo@montague.lit/fardel"
#define JINGLE "urn:xmpp:jingle:1"
#define FT "urn:xmpp:jingle:apps:file-transfer:5"
#define FT4 "urn:xmpp:jingle:apps:file-transfer:4"
#define S5B "urn:xmpp:jingle:transports:s5b:1"
#define IBB "urn:xmpp:jingle:transports:ibb:1"

typedef struct
{
  FdIq *iq;
  FdPeers *peers;
  GHashTable *asked; /* full JID -> id of the disco#info request */
  char *roster_id;
  guint calls;
  char *chosen;
  FdTransports transports;
  GError *error;
  GString *available; /* JIDs that the callback named */
  guint changes;
  guint presences; /* that we sent */
} Fixture;

static GArray *timeouts; /* ids of sources that were added */
static guint last_timeout; /* ms */

guint
g_timeout_add (guint interval, GSourceFunc function, gpointer data)
{
  guint id = g_timeout_add_full (G_PRIORITY_DEFAULT, interval, function, data, NULL);

  g_array_append_val (timeouts, id);
  last_timeout = interval;
  return id;
}

static void
pass_timeouts (void)
{
  for (guint i = 0; i < timeouts->len; i++)
    {
      GSource *source = g_main_context_find_source_by_id (NULL, g_array_index (timeouts, guint, i));

      if (source)
        g_source_set_ready_time (source, 0);
    }
}

static void
on_write (const char *xml, gsize length, gpointer data)
{
  Fixture *f = data;
  g_autoptr (FdXml) stanza = fd_xml_parse (xml, NULL);
  const char *to = fd_xml_attr (stanza, "to");

  if (fd_xml_is (stanza, "presence", NULL))
    f->presences++;
  else if (fd_xml_child (stanza, "query", FD_NS_DISCO_INFO) && g_strcmp0 (to, "montague.lit") != 0)
    g_hash_table_insert (f->asked, g_strdup (to), g_strdup (fd_xml_attr (stanza, "id")));
  else if (fd_xml_child (stanza, "query", "jabber:iq:roster"))
    {
      g_free (f->roster_id);
      f->roster_id = g_strdup (fd_xml_attr (stanza, "id"));
    }
}

static void
on_available (const char *bare_jid, gpointer data)
{
  Fixture *f = data;

  g_string_append_printf (f->available, "%s ", bare_jid);
}

static void
on_changed (gboolean blocklist, gpointer data)
{
  ((Fixture *) data)->changes++;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  timeouts = g_array_new (FALSE, FALSE, sizeof (guint));
  f->iq = fd_iq_new (on_write, f);
  f->peers = fd_peers_new (f->iq);
  f->asked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  f->available = g_string_new (NULL);
  fd_peers_set_available_callback (f->peers, on_available, f);
  fd_peers_set_changed_callback (f->peers, on_changed, f);
  fd_iq_set_own_jid (f->iq, OWN);
  fd_peers_stream_up (f->peers, FALSE, NULL, NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  fd_peers_free (f->peers);
  fd_iq_free (f->iq);
  g_hash_table_unref (f->asked);
  g_free (f->roster_id);
  g_free (f->chosen);
  g_clear_error (&f->error);
  g_string_free (f->available, TRUE);
  g_array_unref (timeouts);
}

static void
presence (Fixture *f, const char *from, const char *content)
{
  g_autofree char *xml = g_strdup_printf ("<presence from='%s'>%s</presence>", from, content);
  g_autoptr (FdXml) stanza = fd_xml_parse (xml, NULL);

  g_assert_nonnull (stanza);
  fd_peers_presence (f->peers, stanza);
}

static void
unavailable (Fixture *f, const char *from)
{
  g_autoptr (FdXml) stanza = fd_xml_new ("presence", NULL, "from", from, "type", "unavailable", NULL);

  fd_peers_presence (f->peers, stanza);
}

static void
iq (Fixture *f, const char *type, const char *id, const char *from, const char *content)
{
  g_autofree char *xml = g_strdup_printf ("<iq type='%s' id='%s' from='%s'>%s</iq>", type, id, from, content);
  g_autoptr (FdXml) stanza = fd_xml_parse (xml, NULL);

  g_assert_nonnull (stanza);
  fd_iq_receive (f->iq, stanza);
}

static char *
new_info (const char *const *features)
{
  g_autoptr (FdXml) query = fd_xml_new ("query", FD_NS_DISCO_INFO, NULL);

  fd_xml_add (query, "identity", NULL, "category", "client", "type", "pc", NULL);
  for (; *features; features++)
    fd_xml_add (query, "feature", NULL, "var", *features, NULL);
  return fd_xml_to_string (query);
}

static char *
ver_of (const char *const *features)
{
  g_autofree char *xml = new_info (features);
  g_autoptr (FdXml) query = fd_xml_parse (xml, NULL);

  return fd_caps_ver (query, "sha-1");
}

/* The id of the disco#info request to @jid, which must be there. */
static char *
take_id (Fixture *f, const char *jid)
{
  char *id = g_strdup (g_hash_table_lookup (f->asked, jid));

  g_assert_nonnull (id);
  g_hash_table_remove (f->asked, jid);
  return id;
}

static void
tell (Fixture *f, const char *jid, const char *const *features)
{
  g_autofree char *info = new_info (features);
  g_autofree char *id = take_id (f, jid);

  iq (f, "result", id, jid, info);
}

static void
on_chosen (const FdPeerInfo *info, const GError *error, gpointer data)
{
  Fixture *f = data;

  f->calls++;
  g_free (f->chosen);
  g_clear_error (&f->error);
  f->chosen = g_strdup (info ? info->full_jid : NULL);
  f->transports = info ? info->transports : 0;
  f->error = fd_error_copy (error);
}

static void
spin (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static const char *
choose (Fixture *f, const char *jid)
{
  fd_peers_query (f->peers, jid, on_chosen, f);
  spin ();
  return f->chosen;
}

static const char *const both[] = { JINGLE, FT, S5B, IBB, NULL };
static const char *const only_ibb[] = { JINGLE, FT, IBB, NULL };
static const char *const only_s5b[] = { JINGLE, FT, S5B, NULL };
static const char *const ft4[] = { JINGLE, FT4, S5B, IBB, NULL };
static const char *const ours[] = { JINGLE, FT, FT4, S5B, IBB, "urn:x-fardel:batch:0", NULL };
static const char *const no_ft[] = { JINGLE, S5B, IBB, NULL };
static const char *const no_transport[] = { JINGLE, FT, NULL };

static void
set_roster (Fixture *f)
{
  iq (f, "result", f->roster_id, "romeo@montague.lit",
      "<query xmlns='jabber:iq:roster'>"
      "<item jid='juliet@capulet.lit' name='Juliet' subscription='both'><group>Friends</group></item>"
      "<item jid='tybalt@capulet.lit' subscription='to'/>"
      "<item jid='nurse@capulet.lit' subscription='from'/>"
      "<item subscription='both'/></query>");
}

static void
test_roster (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) contacts = NULL;
  const FdContact *juliet;

  set_roster (f);
  presence (f, "juliet@capulet.lit/a", "");
  contacts = fd_peers_list_contacts (f->peers);
  g_assert_cmpuint (contacts->len, ==, 3);
  juliet = contacts->pdata[0];
  g_assert_cmpstr (juliet->jid, ==, "juliet@capulet.lit");
  g_assert_cmpstr (juliet->name, ==, "Juliet");
  g_assert_cmpstr (juliet->groups[0], ==, "Friends");
  g_assert_true (juliet->online);
  g_assert_false (juliet->can_receive);

  g_assert_true (fd_peers_is_contact (f->peers, "juliet@capulet.lit/x"));
  g_assert_true (fd_peers_is_contact (f->peers, "nurse@capulet.lit"));
  g_assert_false (fd_peers_is_contact (f->peers, "tybalt@capulet.lit"));
  g_assert_false (fd_peers_is_contact (f->peers, "mallory@evil.example"));
  g_assert_true (fd_peers_is_contact (f->peers, "romeo@montague.lit/other"));
}

/* The server's push. */
static void
block (Fixture *f, const char *what, const char *jid)
{
  g_autofree char *content
    = g_strdup_printf ("<%s xmlns='urn:xmpp:blocking'><item jid='%s'/></%s>", what, jid, what);

  iq (f, "set", "b", "romeo@montague.lit", content);
}

static void
test_resources (Fixture *f, gconstpointer data)
{
  static const char *const features[] = { JINGLE, FT, S5B, IBB, "urn:test:resources", NULL };
  g_autofree char *ver = ver_of (features);
  g_autofree char *caps = g_strdup_printf ("<c xmlns='" FD_NS_CAPS "' hash='sha-1' node='n' ver='%s'/>", ver);
  g_autoptr (GPtrArray) contacts = NULL;
  const FdContact *juliet;
  const FdPeerInfo *info;

  set_roster (f);
  g_assert_cmpuint (f->changes, ==, 1);
  presence (f, "juliet@capulet.lit/b", "<show>away</show>");
  presence (f, "juliet@capulet.lit/a", caps);
  g_assert_cmpuint (f->changes, ==, 3);
  tell (f, "juliet@capulet.lit/a", features);
  g_assert_cmpuint (f->changes, ==, 4);
  f->changes = 0;
  presence (f, "mallory@evil.example/x", "");
  unavailable (f, "mallory@evil.example/x");
  g_assert_cmpuint (f->changes, ==, 0);

  contacts = fd_peers_list_contacts (f->peers);
  juliet = contacts->pdata[0];
  g_assert_true (juliet->can_receive);
  g_assert_cmpuint (juliet->resources->len, ==, 2);
  info = &g_array_index (juliet->resources, FdPeerInfo, 0);
  g_assert_cmpstr (info->full_jid, ==, "juliet@capulet.lit/a");
  g_assert_cmpint (info->transports, ==, FD_TRANSPORT_S5B | FD_TRANSPORT_IBB);
  g_assert_cmpstr (info->show, ==, "");
  g_assert_cmpstr (info->caps_node, ==, "n");
  g_assert_cmpstr (info->client_type, ==, "pc");
  info = &g_array_index (juliet->resources, FdPeerInfo, 1);
  g_assert_cmpstr (info->show, ==, "away");
  g_assert_false (info->can_receive);
  g_assert_cmpstr (info->client_type, ==, "");
}

static void
test_blocked (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) contacts = NULL;

  set_roster (f);
  f->changes = 0;
  block (f, "block", "juliet@capulet.lit");
  g_assert_cmpuint (f->changes, ==, 1);
  g_assert_true (fd_peers_is_blocked (f->peers, "juliet@capulet.lit/a"));
  g_assert_false (fd_peers_is_contact (f->peers, "juliet@capulet.lit/a"));
  contacts = fd_peers_list_contacts (f->peers);
  g_assert_true (((FdContact *) contacts->pdata[0])->blocked);
  g_assert_false (((FdContact *) contacts->pdata[1])->blocked);
  presence (f, "juliet@capulet.lit/a", "<c xmlns='" FD_NS_CAPS "' hash='sha-1' node='n' ver='unheard-of'/>");
  g_assert_cmpuint (g_hash_table_size (f->asked), ==, 0);
  block (f, "unblock", "juliet@capulet.lit");
  g_assert_true (fd_peers_is_contact (f->peers, "juliet@capulet.lit/a"));
}

/* Contacts find room, however many strangers there are. */
static void
test_many_strangers (Fixture *f, gconstpointer data)
{
  set_roster (f);
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *jid = g_strdup_printf ("%u@evil.example/x", i);

      presence (f, jid, "");
    }
  g_assert_true (fd_peers_is_online (f->peers, "0@evil.example"));
  g_assert_false (fd_peers_is_online (f->peers, "999@evil.example"));
  presence (f, "juliet@capulet.lit/a", "");
  g_assert_true (fd_peers_is_online (f->peers, "juliet@capulet.lit"));
}

/* Those that were only asked about make room. */
static void
test_many_queries (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *jid = g_strdup_printf ("%u@example.org/x", i);

      choose (f, jid);
      tell (f, jid, both);
      spin ();
      g_assert_cmpstr (f->chosen, ==, jid);
    }
}

static void
test_directed_presence (Fixture *f, gconstpointer data)
{
  set_roster (f);
  fd_peers_show_presence (f->peers, "nurse@capulet.lit/x"); /* subscribed to ours */
  fd_peers_hide_presence (f->peers, "nurse@capulet.lit/x");
  block (f, "block", "evil.example");
  fd_peers_show_presence (f->peers, "mallory@evil.example/x");
  fd_peers_hide_presence (f->peers, "mallory@evil.example/x");
  g_assert_cmpuint (f->presences, ==, 0);
  fd_peers_show_presence (f->peers, "tybalt@capulet.lit/x");
  g_assert_cmpuint (f->presences, ==, 1);
  fd_peers_stream_up (f->peers, FALSE, NULL, NULL);
  g_assert_cmpuint (f->presences, ==, 2);
  fd_peers_hide_presence (f->peers, "tybalt@capulet.lit/x");
  g_assert_cmpuint (f->presences, ==, 3);
}

static void
test_roster_push (Fixture *f, gconstpointer data)
{
  static const char push[] = "<query xmlns='jabber:iq:roster'><item jid='%s' subscription='%s'/></query>";
  g_autofree char *add = g_strdup_printf (push, "mallory@evil.example", "both");
  g_autofree char *drop = g_strdup_printf (push, "juliet@capulet.lit", "remove");

  set_roster (f);
  iq (f, "set", "1", "mallory@evil.example/x", add);
  iq (f, "set", "2", "romeo@montague.lit/other", add);
  g_assert_false (fd_peers_is_contact (f->peers, "mallory@evil.example"));
  iq (f, "set", "3", "romeo@montague.lit", add);
  g_assert_true (fd_peers_is_contact (f->peers, "mallory@evil.example"));
  iq (f, "set", "4", "romeo@montague.lit", drop);
  g_assert_false (fd_peers_is_contact (f->peers, "juliet@capulet.lit"));
}

static void
test_offline (Fixture *f, gconstpointer data)
{
  g_assert_null (choose (f, "juliet@capulet.lit"));
  g_assert_error (f->error, FD_ERROR, FD_ERROR_PEER_OFFLINE);
  g_assert_cmpuint (f->calls, ==, 1);
}

static void
test_unsupported (Fixture *f, gconstpointer data)
{
  presence (f, "juliet@capulet.lit/a", "");
  choose (f, "juliet@capulet.lit");
  g_assert_cmpuint (f->calls, ==, 0);
  tell (f, "juliet@capulet.lit/a", no_ft);
  spin ();
  g_assert_error (f->error, FD_ERROR, FD_ERROR_PEER_UNSUPPORTED);
  g_assert_nonnull (strstr (f->error->message, FT));

  presence (f, "nurse@capulet.lit/a", "");
  choose (f, "nurse@capulet.lit");
  tell (f, "nurse@capulet.lit/a", no_transport);
  spin ();
  g_assert_error (f->error, FD_ERROR, FD_ERROR_PEER_UNSUPPORTED);
  g_assert_nonnull (strstr (f->error->message, "transport"));
}

#define JULIET "juliet@capulet.lit"

/* Ranked: transports, version, extensions, show, priority, newest; the worst first. */
static void
test_rank (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *content;
    const char *const *features;
  } resources[] = {
    { "<show>chat</show><priority>100</priority>", only_ibb },
    { "<show>chat</show><priority>100</priority>", only_s5b },
    { "<show>chat</show><priority>100</priority>", ft4 },
    { "<show>dnd</show><priority>10</priority>", both },
    { "<show>xa</show>", both },
    { "<show>away</show><priority>100</priority>", both },
    { "<priority>-1</priority>", both },
    { "<priority>5</priority>", both },
    { "<show>chat</show><priority>5</priority>", both },
    { "<show>dnd</show><priority>-1</priority>", ours },
    { "<priority>127</priority>", no_ft },
  };
  const guint best = G_N_ELEMENTS (resources) - 2;

  for (guint i = 0; i < G_N_ELEMENTS (resources); i++)
    {
      g_autofree char *jid = g_strdup_printf (JULIET "/%u", i);

      presence (f, jid, resources[i].content);
    }
  choose (f, JULIET);
  for (guint i = 0; i < G_N_ELEMENTS (resources); i++)
    {
      g_autofree char *jid = g_strdup_printf (JULIET "/%u", i);

      spin ();
      g_assert_cmpuint (f->calls, ==, 0); /* not before all have answered */
      tell (f, jid, resources[i].features);
    }
  spin ();
  for (guint i = 0; i <= best; i++)
    {
      g_autofree char *jid = g_strdup_printf (JULIET "/%u", best - i);

      g_assert_cmpstr (f->chosen, ==, jid);
      unavailable (f, jid);
      choose (f, JULIET);
    }
  g_assert_error (f->error, FD_ERROR, FD_ERROR_PEER_UNSUPPORTED);
}

/* Swift's version is enough, and known as such. */
static void
test_file_transfer_4 (Fixture *f, gconstpointer data)
{
  FdPeerInfo info;

  presence (f, JULIET "/a", "");
  presence (f, JULIET "/b", "");
  choose (f, JULIET);
  tell (f, JULIET "/a", ft4);
  tell (f, JULIET "/b", both);
  spin ();
  g_assert_cmpstr (f->chosen, ==, JULIET "/b");
  g_assert_true (fd_peers_lookup (f->peers, JULIET "/b", &info));
  g_assert_true (info.file_transfer_5);
  g_assert_true (fd_peers_lookup (f->peers, JULIET "/a", &info));
  g_assert_true (info.can_receive);
  g_assert_false (info.file_transfer_5);
  g_assert_cmpuint (info.transports, ==, FD_TRANSPORT_S5B | FD_TRANSPORT_IBB);
}

static void
test_software (Fixture *f, gconstpointer data)
{
  g_autofree char *id = NULL;
  FdPeerInfo info;

  presence (f, JULIET "/a", "<c xmlns='" FD_NS_CAPS "' hash='sha-1' node='https://psi-plus.com' ver='v'/>");
  choose (f, JULIET);
  id = take_id (f, JULIET "/a");
  iq (f, "result", id, JULIET "/a",
      "<query xmlns='" FD_NS_DISCO_INFO "'><x xmlns='jabber:x:data' type='result'>"
      "<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>"
      "<field var='software'><value>Psi+</value></field>"
      "<field var='software_version'><value>1.4.1456</value></field></x></query>");
  g_assert_true (fd_peers_lookup (f->peers, JULIET "/a", &info));
  g_assert_cmpstr (info.caps_node, ==, "https://psi-plus.com");
  g_assert_cmpstr (info.software, ==, "Psi+");
  g_assert_cmpstr (info.software_version, ==, "1.4.1456");
}

/* No caps: asked by disco#info, and not for ever. */
static void
test_unknown_caps (Fixture *f, gconstpointer data)
{
  set_roster (f);
  presence (f, JULIET "/mute", "<show>chat</show>");
  presence (f, JULIET "/slow", "");
  g_assert_cmpuint (g_hash_table_size (f->asked), ==, 0); /* only when it is needed */
  choose (f, JULIET);
  g_assert_cmpuint (g_hash_table_size (f->asked), ==, 2);
  tell (f, JULIET "/slow", both);
  spin ();
  g_assert_cmpuint (f->calls, ==, 0);
  g_assert_cmpuint (last_timeout, ==, 5000);
  pass_timeouts ();
  spin ();
  g_assert_cmpuint (f->calls, ==, 1);
  g_assert_cmpstr (f->chosen, ==, JULIET "/slow");

  unavailable (f, JULIET "/slow");
  choose (f, JULIET);
  pass_timeouts ();
  spin ();
  g_assert_error (f->error, FD_ERROR, FD_ERROR_TIMEOUT);
}

static void
test_own_resources (Fixture *f, gconstpointer data)
{
  presence (f, OWN, "");
  g_assert_false (fd_peers_is_online (f->peers, "romeo@montague.lit"));
  g_assert_null (choose (f, "romeo@montague.lit"));
  g_assert_error (f->error, FD_ERROR, FD_ERROR_PEER_OFFLINE);

  presence (f, "romeo@montague.lit/phone", "");
  choose (f, "romeo@montague.lit");
  tell (f, "romeo@montague.lit/phone", both);
  spin ();
  g_assert_cmpstr (f->chosen, ==, "romeo@montague.lit/phone");
}

static void
test_full (Fixture *f, gconstpointer data)
{
  g_autofree char *id = NULL;
  FdPeerInfo info;

  g_assert_false (fd_peers_lookup (f->peers, "a@b/c", &info));
  choose (f, "a@b/c");
  tell (f, "a@b/c", both);
  spin ();
  g_assert_cmpstr (f->chosen, ==, "a@b/c");
  g_assert_true (fd_peers_lookup (f->peers, "a@b/c", &info));
  g_assert_true (info.can_receive);
  g_assert_false (fd_peers_is_online (f->peers, "a@b"));

  /* nothing tells when it leaves, so it is asked each time; and a server's
   * answer for it means that it is not there */
  choose (f, "a@b/c");
  id = take_id (f, "a@b/c");
  iq (f, "error", id, "a@b/c",
      "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
  spin ();
  g_assert_error (f->error, FD_ERROR, FD_ERROR_PEER_OFFLINE);
}

static void
test_leaves_while_asked (Fixture *f, gconstpointer data)
{
  presence (f, "juliet@capulet.lit/a", "");
  choose (f, "juliet@capulet.lit");
  unavailable (f, "juliet@capulet.lit/a");
  spin ();
  g_assert_error (f->error, FD_ERROR, FD_ERROR_PEER_OFFLINE);
  g_assert_cmpuint (f->calls, ==, 1);
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  guint id = fd_peers_query (f->peers, "juliet@capulet.lit", on_chosen, f);

  fd_peers_cancel_query (f->peers, id);
  spin ();
  g_assert_cmpuint (f->calls, ==, 0);
}

static void
test_stream_lost (Fixture *f, gconstpointer data)
{
  presence (f, "juliet@capulet.lit/a", "");
  choose (f, "juliet@capulet.lit");
  fd_iq_stream_lost (f->iq);
  fd_peers_stream_lost (f->peers);
  spin ();
  g_assert_error (f->error, FD_ERROR, FD_ERROR_NOT_CONNECTED);
  g_assert_false (fd_peers_is_online (f->peers, "juliet@capulet.lit"));
}

static void
present_caps (Fixture *f, const char *jid, const char *ver)
{
  g_autofree char *c
    = g_strdup_printf ("<c xmlns='" FD_NS_CAPS "' hash='sha-1' node='https://a.example' ver='%s'/>", ver);

  presence (f, jid, c);
}

/* A contact's new version is asked once and then known of everybody. */
static void
test_caps (Fixture *f, gconstpointer data)
{
  g_autofree char *ver = ver_of (both);

  set_roster (f);
  present_caps (f, "mallory@evil.example/x", ver);
  g_assert_cmpuint (g_hash_table_size (f->asked), ==, 0);
  present_caps (f, "juliet@capulet.lit/a", ver);
  present_caps (f, "nurse@capulet.lit/a", ver);
  g_assert_cmpuint (g_hash_table_size (f->asked), ==, 1);
  g_string_truncate (f->available, 0);
  tell (f, "juliet@capulet.lit/a", both);
  g_assert_nonnull (strstr (f->available->str, "juliet@capulet.lit "));
  g_assert_nonnull (strstr (f->available->str, "nurse@capulet.lit "));
  g_assert_nonnull (strstr (f->available->str, "mallory@evil.example "));
  g_assert_cmpstr (choose (f, "nurse@capulet.lit"), ==, "nurse@capulet.lit/a");
  g_assert_cmpstr (choose (f, "mallory@evil.example"), ==, "mallory@evil.example/x");

  g_hash_table_remove_all (f->asked);
  present_caps (f, "juliet@capulet.lit/b", ver);
  g_assert_cmpuint (g_hash_table_size (f->asked), ==, 0);
  g_assert_cmpstr (choose (f, "juliet@capulet.lit/b"), ==, "juliet@capulet.lit/b");
}

/* Whoever lies about his caps lies for himself only. */
static void
test_poisoning (Fixture *f, gconstpointer data)
{
  g_autofree char *ver = ver_of (only_ibb);
  FdPeerInfo info;

  set_roster (f);
  present_caps (f, "juliet@capulet.lit/a", ver);
  present_caps (f, "nurse@capulet.lit/a", ver);
  tell (f, "juliet@capulet.lit/a", no_ft);
  g_assert_null (fd_caps_cache_lookup ("sha-1", ver));
  g_assert_true (fd_peers_lookup (f->peers, "juliet@capulet.lit/a", &info));
  g_assert_false (info.can_receive);
  g_assert_false (fd_peers_lookup (f->peers, "nurse@capulet.lit/a", &info));
  choose (f, "nurse@capulet.lit");
  tell (f, "nurse@capulet.lit/a", only_ibb);
  g_assert_true (fd_peers_lookup (f->peers, "nurse@capulet.lit/a", &info));
  g_assert_cmpstr (info.caps_node, ==, "https://a.example");
}

static void
test_limits (Fixture *f, gconstpointer data)
{
  guint online = 0;

  for (guint i = 0; i < 50; i++)
    {
      g_autofree char *jid = g_strdup_printf ("juliet@capulet.lit/%u", i);

      presence (f, jid, "");
      online += fd_peers_is_online (f->peers, jid);
    }
  g_assert_cmpuint (online, ==, 24);
  unavailable (f, "juliet@capulet.lit");
  g_assert_false (fd_peers_is_online (f->peers, "juliet@capulet.lit"));
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/peers/roster", test_roster);
  ADD ("/peers/resources", test_resources);
  ADD ("/peers/blocked", test_blocked);
  ADD ("/peers/many-strangers", test_many_strangers);
  ADD ("/peers/many-queries", test_many_queries);
  ADD ("/peers/directed-presence", test_directed_presence);
  ADD ("/peers/roster-push", test_roster_push);
  ADD ("/peers/offline", test_offline);
  ADD ("/peers/unsupported", test_unsupported);
  ADD ("/peers/rank", test_rank);
  ADD ("/peers/file-transfer-4", test_file_transfer_4);
  ADD ("/peers/software", test_software);
  ADD ("/peers/unknown-caps", test_unknown_caps);
  ADD ("/peers/own-resources", test_own_resources);
  ADD ("/peers/full", test_full);
  ADD ("/peers/leaves-while-asked", test_leaves_while_asked);
  ADD ("/peers/cancel", test_cancel);
  ADD ("/peers/stream-lost", test_stream_lost);
  ADD ("/peers/caps", test_caps);
  ADD ("/peers/poisoning", test_poisoning);
  ADD ("/peers/limits", test_limits);
  return g_test_run ();
}
