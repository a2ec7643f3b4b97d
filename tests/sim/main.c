/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs seeds in several processes and says what they reached, or prints the
 * sequence of one.
 */
#include "coverage.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_JOBS 64
#define SHOWN 40 /* violations */

/* Of one process; shared with the parent. */
typedef struct
{
  SimCoverage coverage;
  guint64 seed; /* the one it runs */
  guint64 done, violations;
  guint n_shown;
  struct
  {
    guint64 seed;
    char text[200];
  } shown[SHOWN];
} Job;

static gint64 n_seeds = 0, first_seed = 1;
static gint64 one_seed = -1;
static gint n_jobs = 0;
static gboolean expect_violation, keep_going;

static const GOptionEntry entries[] = {
  { "seeds", 0, 0, G_OPTION_ARG_INT64, &n_seeds,
    "how many (FARDEL_SIM_SEEDS, or " G_STRINGIFY (DEFAULT_SEEDS) ")", "N" },
  { "first", 0, 0, G_OPTION_ARG_INT64, &first_seed, "the first one (1)", "N" },
  { "seed", 0, 0, G_OPTION_ARG_INT64, &one_seed, "run this one and print its sequence", "S" },
  { "jobs", 0, 0, G_OPTION_ARG_INT, &n_jobs, "processes (one per processor)", "N" },
  { "keep-going", 0, 0, G_OPTION_ARG_NONE, &keep_going, "run all seeds, whatever they show", NULL },
  { "expect-violation", 0, 0, G_OPTION_ARG_NONE, &expect_violation, "fail if there is none", NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

/* The daemon's own log is not wanted, what should not happen is the end. */
static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING))
    {
      g_log_writer_standard_streams (level, fields, n_fields, NULL);
      abort ();
    }
  return G_LOG_WRITER_HANDLED;
}

static void
note_violation (Job *job, const SimWorld *world)
{
  job->violations++;
  if (job->n_shown == SHOWN)
    return;
  job->shown[job->n_shown].seed = world->seed;
  g_strlcpy (job->shown[job->n_shown].text, world->violation, sizeof job->shown[0].text);
  job->n_shown++;
}

static void
run_job (Job *job, guint index)
{
  SimWorld *world = sim_world_new (&job->coverage);

  for (gint64 i = index; i < n_seeds && (keep_going || job->violations < SHOWN); i += n_jobs)
    {
      job->seed = first_seed + i;
      if (!sim_world_run (world, job->seed, FALSE))
        note_violation (job, world);
      job->done++;
      if (expect_violation && job->violations > 0)
        break;
    }
  sim_world_free (world);
}

static int
run_one (void)
{
  g_autofree SimCoverage *coverage = g_new0 (SimCoverage, 1);
  SimWorld *world = sim_world_new (coverage);
  gboolean right;

  setvbuf (stdout, NULL, _IOLBF, 0); /* it may not come to the end */
  right = sim_world_run (world, one_seed, TRUE);
  printf ("seed %" G_GINT64_FORMAT ": ours and %s, %u files, %s sends: %s\n", one_seed,
          sim_kind_names[world->sides[1].plan.kind], world->n_files, world->sides[world->sender].jid,
          right ? "no violation" : world->violation);
  sim_world_free (world);
  return right ? 0 : 1;
}

static int
report (const Job *jobs, guint crashed)
{
  g_autofree SimCoverage *coverage = g_new0 (SimCoverage, 1);
  guint64 done = 0, violations = crashed;
  guint rows;

  for (gint i = 0; i < n_jobs; i++)
    {
      sim_coverage_add (coverage, &jobs[i].coverage);
      done += jobs[i].done;
      violations += jobs[i].violations;
    }
  rows = sim_coverage_print (coverage);
  for (gint i = 0; i < n_jobs; i++)
    for (guint j = 0; j < jobs[i].n_shown; j++)
      printf ("violation, seed %" G_GUINT64_FORMAT ": %s\n  see tests/sim/run --seed %" G_GUINT64_FORMAT "\n",
              jobs[i].shown[j].seed, jobs[i].shown[j].text, jobs[i].shown[j].seed);
  printf ("sim: %" G_GUINT64_FORMAT " seeds, %" G_GUINT64_FORMAT " violations, rows %u/%u\n", done,
          violations, rows, FD_ROWS);
  if (expect_violation)
    return violations > 0 ? 0 : 1;
  return violations > 0 ? 1 : 0;
}

static int
run_all (void)
{
  Job *jobs = mmap (NULL, n_jobs * sizeof *jobs, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t pids[MAX_JOBS];
  guint crashed = 0;
  int result;

  if (jobs == MAP_FAILED)
    g_error ("no memory for %d jobs", n_jobs);
  for (gint i = 0; i < n_jobs; i++)
    {
      pids[i] = fork ();
      if (pids[i] < 0)
        g_error ("cannot fork");
      if (pids[i] == 0)
        {
          run_job (&jobs[i], i);
          exit (0); /* with the leak check of a sanitizer */
        }
    }
  for (gint i = 0; i < n_jobs; i++)
    {
      int status;

      if (waitpid (pids[i], &status, 0) == pids[i] && status == 0)
        continue;
      crashed++;
      printf ("violation, seed %" G_GUINT64_FORMAT ": the process died\n", jobs[i].seed);
    }
  result = report (jobs, crashed);
  munmap (jobs, n_jobs * sizeof *jobs);
  return result;
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("- transfers in virtual time");
  g_autoptr (GError) error = NULL;
  const char *seeds = g_getenv ("FARDEL_SIM_SEEDS");

  setlocale (LC_ALL, "C");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      fprintf (stderr, "%s\n", error->message);
      return 2;
    }
  g_log_set_writer_func (write_log, NULL, NULL);
  if (n_seeds <= 0)
    n_seeds = seeds ? g_ascii_strtoll (seeds, NULL, 10) : DEFAULT_SEEDS;
  if (n_jobs <= 0)
    n_jobs = (gint) g_get_num_processors ();
  n_jobs = MIN (n_jobs, MAX_JOBS);
  return one_seed >= 0 ? run_one () : run_all ();
}
