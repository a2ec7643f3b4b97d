/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Two accounts that offer each other files: everything below the model is real,
 * also sockets on loopback; only the two XMPP streams are a queue of stanzas in
 * between. Include in one file of a test.
 */
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "jingle/quirks.h"
#include "jingle/session.h"

#include "temp-tree.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>

typedef struct Fixture Fixture;
typedef struct FdClient Side;

/* Stands for the model: what became of one file on one side. */
typedef struct
{
  Side *side;
  char *name;
  FdContent *content; /* NULL: over */
  guint accepted;
  guint active;
  FdPath path;
  FdOutcome outcome;
  FdEndedBy by;
  int code; /* of the error, -1 none */
  char *text;
  FdVerified verified;
  gboolean interrupted;
  gboolean restart;
  char *batch;
} File;

struct FdPeers
{
  int shown; /* how often our presence is shown to the other */
  FdPeersGone gone;
  gpointer data;
};

struct FdClient
{
  Fixture *f;
  const char *jid;
  FdIq *iq;
  struct FdPeers peers;
  FdJingle *jingle;
  GQueue inbox; /* char*: what the other wrote */
  gboolean cut; /* nothing leaves any more */
  GPtrArray *files; /* File */
  gboolean strangers; /* offers are not admitted */
  const char *refusal; /* the reason for which files are refused, NULL: none */
  GString *actions; /* of Jingle, that it sent */
  guint answers; /* to injected requests */
  GString *replies; /* errors that it gave: "condition application-condition " */
};

struct Fixture
{
  Side alice;
  Side bob;
  guint delivery;
  char *sid; /* of the newest session */
  char *folder;
  const char *const *features; /* of both */
  gboolean only_4; /* they speak file-transfer:4 only */
  const char *resume_id; /* of the files that are offered, NULL: none */
  /* Sees each file that is offered first; TRUE: it was taken. */
  gboolean (*taker) (Fixture *f, FdContent *content);
  /* Looks at each Jingle request before its delivery; TRUE drops it. */
  gboolean (*tamper) (Fixture *f, Side *from, const FdJingleMessage *message);
};

static const char *const plain_features[] = { FD_NS_FILE_TRANSFER, NULL };
static const char *const all_features[]
  = { FD_NS_BATCH, FD_NS_EOC, FD_NS_CID_DST, FD_NS_RESUME, FD_NS_FILE_TRANSFER, NULL };

/* --- in place of xmpp/ --- */

FdIq *
fd_client_get_iq (FdClient *client)
{
  return client->iq;
}

FdPeers *
fd_client_get_peers (FdClient *client)
{
  return &client->peers;
}

const char *
fd_client_get_full_jid (FdClient *client)
{
  return client->jid;
}

gboolean
fd_peers_lookup (FdPeers *peers, const char *full_jid, FdPeerInfo *ret_info)
{
  return FALSE;
}

void
fd_peers_set_gone_callback (FdPeers *peers, FdPeersGone callback, gpointer data)
{
  peers->gone = callback;
  peers->data = data;
}

void
fd_peers_show_presence (FdPeers *peers, const char *full_jid)
{
  peers->shown++;
}

void
fd_peers_hide_presence (FdPeers *peers, const char *full_jid)
{
  peers->shown--;
}

/* --- the wire --- */

static inline Side *
other (Side *side)
{
  return side == &side->f->alice ? &side->f->bob : &side->f->alice;
}

static inline void
note_error (Side *from, xmpp_stanza_t *stanza)
{
  xmpp_stanza_t *error = fd_xml_child (stanza, "error", NULL);

  FD_XML_FOREACH (child, error)
    if (!fd_xml_is (child, "text", NULL))
      g_string_append_printf (from->replies, "%s ", xmpp_stanza_get_name (child));
}

static inline gboolean
is_tampered (Side *from, xmpp_stanza_t *stanza)
{
  xmpp_stanza_t *jingle = fd_xml_child (stanza, "jingle", FD_NS_JINGLE);
  g_autoptr (FdJingleMessage) message = jingle ? fd_jingle_message_parse (jingle, NULL) : NULL;

  if (g_str_equal (fd_xml_attr (stanza, "type"), "error"))
    note_error (from, stanza);
  from->answers += g_strcmp0 (fd_xml_attr (stanza, "id"), "injected") == 0
                   && !g_str_equal (fd_xml_attr (stanza, "type"), "set");
  if (!message)
    return FALSE;
  if (message->action != FD_JINGLE_TRANSPORT_INFO)
    g_string_append_printf (from->actions, "%s/%u ", fd_jingle_action_name (message->action),
                            message->contents->len);
  if (message->action == FD_JINGLE_SESSION_INITIATE)
    {
      g_free (from->f->sid);
      from->f->sid = g_strdup (message->sid);
    }
  return from->f->tamper && from->f->tamper (from->f, from, message);
}

static inline gboolean
deliver (gpointer data)
{
  Fixture *f = data;
  Side *sides[] = { &f->alice, &f->bob };

  f->delivery = 0;
  for (guint i = 0; i < 2; i++)
    for (guint n = sides[i]->inbox.length; n > 0; n--)
      {
        g_autofree char *xml = g_queue_pop_head (&sides[i]->inbox);
        g_autoptr (FdXml) stanza = fd_xml_parse (xml, NULL);

        g_assert_nonnull (stanza);
        if (!fd_xml_attr (stanza, "from"))
          xmpp_stanza_set_from (stanza, other (sides[i])->jid);
        if (!is_tampered (other (sides[i]), stanza)
            && g_strcmp0 (fd_xml_attr (stanza, "to"), sides[i]->jid) == 0) /* not for a server */
          fd_iq_receive (sides[i]->iq, stanza);
      }
  return G_SOURCE_REMOVE;
}

static inline void
on_write (const char *xml, gsize length, gpointer data)
{
  Side *side = data;

  if (side->cut)
    return;
  g_queue_push_tail (&other (side)->inbox, g_strndup (xml, length));
  if (!side->f->delivery)
    side->f->delivery = g_idle_add_full (G_PRIORITY_DEFAULT, deliver, side->f, NULL);
}

/* A request that @from's code would not make. */
static inline void
inject (Side *from, const char *from_jid, const char *payload)
{
  g_autofree char *xml = g_strdup_printf ("<iq type='set' id='injected' from='%s' to='%s'>%s</iq>",
                                          from_jid ? from_jid : from->jid, other (from)->jid, payload);

  on_write (xml, strlen (xml), from);
}

/* --- the model --- */

static inline void
on_accepted (FdContent *content, gpointer data)
{
  ((File *) data)->accepted++;
}

static inline void
on_active (FdContent *content, FdPath path, gpointer data)
{
  File *file = data;

  file->active++;
  file->path = path;
}

static inline void
on_ended (FdContent *content, const FdContentEnd *end, gpointer data)
{
  File *file = data;

  g_assert_true (file->content == content); /* and only once */
  g_assert_true ((end->error == NULL) == (end->outcome == FD_OUTCOME_DONE));
  file->content = NULL;
  file->outcome = end->outcome;
  file->by = end->by;
  file->code = end->error ? end->error->code : -1;
  file->text = end->error ? g_strdup (end->error->message) : NULL;
  file->verified = end->verified;
  file->interrupted = end->interrupted;
  file->restart = end->restart;
}

static const FdContentHooks content_hooks = { on_accepted, on_active, on_ended };

static inline void
file_free (gpointer data)
{
  File *file = data;

  g_free (file->name);
  g_free (file->text);
  g_free (file->batch);
  g_free (file);
}

static inline File *
add_file (Side *side, const char *name)
{
  File *file = g_new0 (File, 1);

  file->side = side;
  file->name = g_strdup (name);
  g_ptr_array_add (side->files, file);
  return file;
}

static inline gboolean
on_admit (const char *peer, gpointer data)
{
  Side *side = data;

  g_assert_cmpstr (peer, ==, other (side)->jid);
  return !side->strangers;
}

static inline gboolean
on_incoming (FdContent *content, const char **ret_reason, gpointer data)
{
  Side *side = data;
  File *file;

  g_assert_false (side->strangers);
  if (side->refusal)
    {
      *ret_reason = side->refusal;
      return FALSE;
    }
  if (side->f->taker && side->f->taker (side->f, content))
    return TRUE;
  file = add_file (side, fd_content_get_file (content)->name);
  file->content = content;
  file->batch = g_strdup (fd_content_get_batch (content));
  fd_content_set_hooks (content, &content_hooks, file);
  return TRUE;
}

static const FdJingleHooks jingle_hooks = { on_admit, on_incoming };

/* Bytes that tell files from each other. */
static inline char *
bytes_of (const char *name, gsize size)
{
  char *bytes = g_malloc (size + 1);

  for (gsize i = 0; i < size; i++)
    bytes[i] = name[0] + i * 7 + (i >> 8);
  return bytes;
}

/* Takes @fd. */
static inline File *
offer_fd (Side *side, const char *name, int fd, gsize size, const char *batch, FdPath paths)
{
  const FdPeerInfo peer = {
    .full_jid = other (side)->jid,
    .can_receive = TRUE,
    .file_transfer_5 = !side->f->only_4,
    .transports = FD_TRANSPORT_S5B | FD_TRANSPORT_IBB,
    .caps_node = "",
    .software = "",
    .software_version = "",
    .features = side->f->features,
  };
  const FdContentParams params = { .paths = paths, .loopback = TRUE, .timeout_s = 60, .batch = batch };
  g_autoptr (FdFile) description = fd_file_new (name, size);
  g_autoptr (FdSource) source = fd_source_new_fd (fd, (gint64) size, NULL);
  File *file = add_file (side, name);

  g_assert_nonnull (source);
  description->hash_used = FD_HASH_SHA256;
  description->ranged = side->f->resume_id != NULL;
  description->resume_id = g_strdup (side->f->resume_id);
  file->content = fd_jingle_offer (side->jingle, &peer, description, source, &params, &content_hooks, file);
  return file;
}

static inline File *
offer_by (Side *side, const char *name, gsize size, const char *batch, FdPath paths)
{
  g_autofree char *bytes = bytes_of (name, size);
  int fd = memfd_create (name, MFD_CLOEXEC);

  g_assert_cmpint (write (fd, bytes, size), ==, size);
  return offer_fd (side, name, fd, size, batch, paths);
}

static inline File *
offer (Fixture *f, const char *name, gsize size, const char *batch)
{
  return offer_by (&f->alice, name, size, batch, FD_PATH_ANY);
}

/* Until nothing is under way that could happen without us. */
static inline void
settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

#define WAIT_FOR(condition) \
  while (!(condition)) \
  g_main_context_iteration (NULL, TRUE)

/* The n-th file that bob was offered. */
static inline File *
offered (Fixture *f, guint n)
{
  WAIT_FOR (f->bob.files->len > n);
  return f->bob.files->pdata[n];
}

static inline void
accept_by (File *file, FdPath paths)
{
  const FdContentParams params = { .paths = paths, .loopback = TRUE };
  g_autoptr (FdSink) sink = fd_sink_new_file (file->side->f->folder, file->name, FALSE, NULL);

  g_assert_nonnull (sink);
  fd_content_accept (file->content, sink, &params);
}

static inline void
accept_file (File *file)
{
  accept_by (file, FD_PATH_ANY);
}

/* Into a pipe that nobody reads: it stays active until release(). */
static inline int
hold (File *file)
{
  const FdContentParams params = { .paths = FD_PATH_ANY, .loopback = TRUE };
  g_autoptr (FdSink) sink = NULL;
  int fds[2];

  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  sink = fd_sink_new_fd (fds[1], NULL);
  fd_content_accept (file->content, sink, &params);
  return fds[0];
}

static inline gpointer
read_all (gpointer data)
{
  fd_autoclose fd = GPOINTER_TO_INT (data);
  char buffer[4096];
  gssize n;

  while ((n = read (fd, buffer, sizeof buffer)) > 0)
    ;
  return NULL;
}

static inline GThread *
release (int fd)
{
  return g_thread_new ("reader", read_all, GINT_TO_POINTER (fd));
}

static inline void
wait_end (File *file, FdOutcome outcome, FdEndedBy by, int code)
{
  WAIT_FOR (!file->content);
  g_assert_cmpstr (file->code == code ? NULL : file->text, ==, NULL);
  g_assert_cmpint (file->outcome, ==, outcome);
  g_assert_cmpint (file->by, ==, by);
  g_assert_cmpint (file->code, ==, code);
}

static inline void
wait_done (File *file)
{
  wait_end (file, FD_OUTCOME_DONE, FD_BY_NOBODY, -1);
}

/* What arrived is what was sent. */
static inline void
assert_arrived (Fixture *f, const char *name, gsize size)
{
  g_autofree char *path = g_build_filename (f->folder, name, NULL);
  g_autofree char *expected = bytes_of (name, size);
  g_autofree char *found = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &found, &length, NULL));
  g_assert_cmpmem (found, length, expected, size);
}

static inline void
assert_nothing_arrived (Fixture *f)
{
  g_autoptr (GDir) dir = g_dir_open (f->folder, 0, NULL);

  g_assert_cmpstr (g_dir_read_name (dir), ==, NULL);
}

static inline guint
times (const GString *actions, const char *action)
{
  guint n = 0;

  for (const char *at = actions->str; (at = strstr (at, action)); at++)
    n++;
  return n;
}

/* --- the stage --- */

static inline void
side_init (Fixture *f, Side *side, const char *jid)
{
  side->f = f;
  side->jid = jid;
  side->iq = fd_iq_new (on_write, side);
  fd_iq_set_own_jid (side->iq, jid);
  side->files = g_ptr_array_new_with_free_func (file_free);
  side->actions = g_string_new (NULL);
  side->replies = g_string_new (NULL);
  side->jingle = fd_jingle_new (side, &jingle_hooks, side);
  g_queue_init (&side->inbox);
}

static inline void
side_clear (Side *side)
{
  fd_jingle_free (side->jingle);
  fd_iq_free (side->iq);
  g_queue_clear_full (&side->inbox, g_free);
  g_ptr_array_unref (side->files);
  g_string_free (side->actions, TRUE);
  g_string_free (side->replies, TRUE);
}

static inline void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("fardel-jingle-XXXXXX", NULL);
  f->features = all_features;
  side_init (f, &f->alice, "alice@example.org/a");
  side_init (f, &f->bob, "bob@example.net/b");
}

static inline void
tear_down (Fixture *f, gconstpointer data)
{
  side_clear (&f->alice);
  side_clear (&f->bob);
  g_clear_handle_id (&f->delivery, g_source_remove);
  settle ();
  remove_tree (f->folder);
  g_free (f->sid);
  g_free (f->folder);
}

#define ADD(name, function) g_test_add (PREFIX name, Fixture, NULL, set_up, function, tear_down)
