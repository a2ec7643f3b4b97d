/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A file over several sessions, with real part files: what one session left is where
 * the next one begins.
 */
#include "jingle-pair.h"

#include <sys/socket.h>

#define PREFIX "/jingle-parts/"
#define SIZE 1000000
#define CUT 600000

typedef struct
{
  int feed; /* what of the file is written into it has been sent; -1: closed */
  File *sent;
  File *taken;
  FdSink *sink;
} Try;

/* Ends every TCP connection of this process. */
static void
cut_connections (void)
{
  for (int fd = 3; fd < 256; fd++)
    {
      int domain = 0;
      socklen_t length = sizeof domain;

      if (getsockopt (fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain != AF_UNIX)
        shutdown (fd, SHUT_RDWR);
    }
}

static FdSink *
reopen (Fixture *f, FdSink *sink)
{
  g_autofree char *stamp = fd_sink_get_stamp (sink);
  g_autoptr (GError) error = NULL;
  FdSink *again = fd_sink_reopen (f->folder, "f", FALSE, fd_sink_get_part_path (sink), stamp, &error);

  g_assert_no_error (error);
  return again;
}

static void
accept_into (File *file, FdSink *sink, guint64 offset, FdPath paths)
{
  const FdContentParams params = { .paths = paths, .loopback = TRUE, .offset = offset };
  g_autoptr (GError) error = NULL;

  if (offset > 0)
    {
      g_assert_true (fd_content_can_range (file->content));
      fd_sink_hash (sink, fd_file_choose_algo (fd_content_get_file (file->content)), offset, NULL, &error);
      g_assert_no_error (error);
    }
  fd_content_accept (file->content, sink, &params);
}

static gpointer
feed (gpointer data)
{
  g_autofree char *bytes = bytes_of ("f", SIZE);
  int fd = GPOINTER_TO_INT (data);

  for (gsize done = 0; done < CUT;)
    {
      gssize n = write (fd, bytes + done, CUT - done);

      g_assert_cmpint (n, >, 0);
      done += n;
    }
  return NULL;
}

/* The first CUT bytes come, and no more. */
static Try
begin (Fixture *f, FdPath paths)
{
  Try try = { .sink = fd_sink_new_file (f->folder, "f", FALSE, NULL) };
  guint n = f->bob.files->len;
  GThread *feeder;
  int fds[2];

  f->resume_id = "id";
  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  try.feed = fds[1];
  try.sent = offer_fd (&f->alice, "f", fds[0], SIZE, NULL, paths);
  try.taken = offered (f, n);
  accept_into (try.taken, try.sink, 0, FD_PATH_ANY);
  WAIT_FOR (try.taken->active && try.sent->active);
  feeder = g_thread_new ("feeder", feed, GINT_TO_POINTER (try.feed));
  while (fd_content_get_bytes (try.taken->content) < CUT)
    settle ();
  g_thread_join (feeder);
  return try;
}

static void
end_try (Try *try)
{
  fd_close (&try->feed);
  g_clear_pointer (&try->sink, fd_sink_unref);
}

static void
wait_interrupted (File *file)
{
  WAIT_FOR (!file->content);
  g_assert_cmpint (file->outcome, ==, FD_OUTCOME_FAILED);
  g_assert_true (file->interrupted);
}

/* The same file once more, whole this time. */
static void
go_on (Fixture *f, FdSink *sink, guint64 offset, FdPath paths)
{
  guint n = f->bob.files->len;
  File *sent = offer_by (&f->alice, "f", SIZE, NULL, paths);
  File *taken = offered (f, n);

  accept_into (taken, sink, offset, paths);
  WAIT_FOR (taken->active);
  wait_done (sent);
  wait_done (taken);
  g_assert_cmpint (taken->verified, ==, FD_VERIFIED_OK);
  assert_arrived (f, "f", SIZE);
}

static void
test_resume_own (Fixture *f, gconstpointer data)
{
  Try try = begin (f, FD_PATH_ANY);
  g_autoptr (FdSink) again = NULL;

  cut_connections ();
  wait_interrupted (try.sent);
  wait_interrupted (try.taken);
  g_assert_false (try.taken->restart);
  again = reopen (f, try.sink);
  g_assert_cmpuint (fd_sink_get_size (again), ==, CUT);
  go_on (f, again, CUT, FD_PATH_ANY);
  end_try (&try);
}

static void
test_resume_in_band (Fixture *f, gconstpointer data)
{
  Try try = begin (f, FD_PATH_IBB);
  g_autoptr (FdSink) again = NULL;

  fd_jingle_stream_lost (f->alice.jingle);
  fd_jingle_stream_lost (f->bob.jingle);
  wait_interrupted (try.sent);
  wait_interrupted (try.taken);
  fd_jingle_stream_up (f->alice.jingle);
  fd_jingle_stream_up (f->bob.jingle);
  again = reopen (f, try.sink);
  go_on (f, again, fd_sink_get_size (again), FD_PATH_IBB);
  end_try (&try);
}

/* The receiver goes down in order: the sender is told that it is no last word. */
static void
test_stop (Fixture *f, gconstpointer data)
{
  Try try = begin (f, FD_PATH_ANY);
  g_autoptr (FdSink) again = NULL;

  fd_content_stop (try.taken->content);
  wait_interrupted (try.taken);
  wait_interrupted (try.sent);
  again = reopen (f, try.sink);
  go_on (f, again, CUT, FD_PATH_ANY);
  end_try (&try);
}

/* Somebody wrote into the part: the end shows it, and the next try begins anew. */
static void
test_damaged (Fixture *f, gconstpointer data)
{
  Try try = begin (f, FD_PATH_ANY);
  g_autoptr (FdSink) again = NULL;
  g_autoptr (FdSink) fresh = NULL;
  File *sent, *taken;

  cut_connections ();
  wait_interrupted (try.sent);
  wait_interrupted (try.taken);
  g_assert_cmpint (pwrite (fd_sink_get_fd (try.sink), "?", 1, CUT / 2), ==, 1);
  again = reopen (f, try.sink);
  sent = offer (f, "f", SIZE, NULL);
  taken = offered (f, 1);
  accept_into (taken, again, CUT, FD_PATH_ANY);
  wait_interrupted (sent);
  wait_interrupted (taken);
  g_assert_true (taken->restart && sent->restart);
  end_try (&try);
  g_clear_pointer (&again, fd_sink_unref);
  settle ();
  assert_nothing_arrived (f); /* the part is gone, too */
  fresh = fd_sink_new_file (f->folder, "f", FALSE, NULL);
  go_on (f, fresh, 0, FD_PATH_ANY);
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  Try try = begin (f, FD_PATH_ANY);
  g_autoptr (FdSink) again = NULL;
  File *taken;

  cut_connections ();
  wait_interrupted (try.sent);
  wait_interrupted (try.taken);
  again = reopen (f, try.sink);
  end_try (&try);
  (void) offer_by (&f->alice, "f", SIZE, NULL, FD_PATH_ANY);
  taken = offered (f, 1);
  accept_into (taken, again, CUT, FD_PATH_ANY);
  fd_content_cancel (taken->content, NULL);
  wait_end (taken, FD_OUTCOME_CANCELLED, FD_BY_LOCAL, FD_ERROR_CANCELLED);
  g_assert_false (taken->interrupted);
  g_clear_pointer (&again, fd_sink_unref);
  settle ();
  assert_nothing_arrived (f);
}

/* The receiver has it all, but its last word was lost: it says it again, and no file
 * is made. */
static FdSink *published;

static gboolean
take_again (Fixture *f, FdContent *content)
{
  const FdContentParams params = { .paths = FD_PATH_ANY, .loopback = TRUE, .offset = SIZE };

  g_assert_true (fd_sink_hash (published, FD_HASH_SHA256, SIZE, NULL, NULL));
  fd_content_accept (content, published, &params);
  return TRUE;
}

static void
test_published (Fixture *f, gconstpointer data)
{
  FdPath paths = GPOINTER_TO_INT (data);
  g_autoptr (FdSink) sink = fd_sink_new_file (f->folder, "f", FALSE, NULL);
  g_autofree char *path = NULL;
  File *again;

  f->resume_id = "id";
  go_on (f, sink, 0, paths);
  g_assert_true (fd_sink_is_published (sink));
  path = g_strdup (fd_sink_get_path (sink));
  published = sink;
  f->taker = take_again;
  again = offer_by (&f->alice, "f", SIZE, NULL, paths);
  wait_done (again);
  g_assert_cmpint (again->verified, ==, FD_VERIFIED_OK);
  settle ();
  g_assert_cmpuint (f->bob.files->len, ==, 1);
  g_assert_cmpstr (fd_sink_get_path (sink), ==, path);
  assert_arrived (f, "f", SIZE);
  g_assert_true (g_unlink (path) == 0);
  assert_nothing_arrived (f); /* else */
}

/* Crashed without a word and offered again while the receiver waits in the old session. */
static Try *superseded;

static gboolean
supersede (Fixture *f, FdContent *content)
{
  if (superseded->taken->content)
    fd_content_stop (superseded->taken->content);
  return FALSE;
}

static void
test_superseded (Fixture *f, gconstpointer data)
{
  Try try = begin (f, FD_PATH_ANY);
  g_autoptr (FdSink) again = NULL;
  File *sent;

  superseded = &try;
  f->taker = supersede;
  sent = offer (f, "f", SIZE, NULL);
  wait_interrupted (try.taken);
  f->taker = NULL;
  again = reopen (f, try.sink);
  accept_into (offered (f, 1), again, CUT, FD_PATH_ANY);
  wait_done (sent);
  wait_done (offered (f, 1));
  assert_arrived (f, "f", SIZE);
  wait_interrupted (try.sent);
  end_try (&try);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("resume-own", test_resume_own);
  ADD ("resume-in-band", test_resume_in_band);
  ADD ("stop", test_stop);
  ADD ("damaged", test_damaged);
  ADD ("cancel", test_cancel);
  ADD ("superseded", test_superseded);
  g_test_add (PREFIX "published", Fixture, GINT_TO_POINTER (FD_PATH_ANY), set_up, test_published, tear_down);
  g_test_add (PREFIX "published-in-band", Fixture, GINT_TO_POINTER (FD_PATH_IBB), set_up, test_published,
              tear_down);
  return g_test_run ();
}
