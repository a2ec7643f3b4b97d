/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The order of SRV records, and host names with ports.
 */
#include "xmpp/targets.h"

static GList *
add (GList *records, guint16 priority, guint16 weight, guint16 port, const char *host)
{
  return g_list_append (records, g_variant_ref_sink (g_variant_new ("(qqqs)", priority, weight, port, host)));
}

static void
records_free (GList *records)
{
  g_list_free_full (records, (GDestroyNotify) g_variant_unref);
}

static void
targets_free (GQueue *targets)
{
  g_queue_free_full (targets, (GDestroyNotify) fd_target_free);
}

static char *
show (GQueue *targets)
{
  GString *text = g_string_new (NULL);

  for (GList *i = targets->head; i; i = i->next)
    {
      const FdTarget *target = i->data;

      g_string_append_printf (text, "%s%s:%u%s", i->prev ? " " : "", target->host, target->port,
                              target->direct_tls ? "!" : "");
    }
  return g_string_free (text, FALSE);
}

static void
test_priorities (void)
{
  GList *starttls = add (add (NULL, 20, 0, 5222, "c"), 5, 0, 5222, "a");
  GList *direct = add (add (NULL, 30, 0, 443, "d"), 10, 0, 5223, "b");
  GQueue *targets = fd_targets_merge (starttls, direct);
  g_autofree char *text = show (targets);

  g_assert_cmpstr (text, ==, "a:5222 b:5223! c:5222 d:443!");
  targets_free (targets);
  records_free (starttls);
  records_free (direct);
}

/* Of two equal hosts the one with three times the weight is the first three
 * times out of four. */
static void
test_weights (void)
{
  GList *starttls = add (NULL, 1, 30, 5222, "heavy");
  GList *direct = add (NULL, 1, 10, 5223, "light");
  guint heavy = 0;

  for (guint i = 0; i < 4000; i++)
    {
      GQueue *targets = fd_targets_merge (starttls, direct);
      const FdTarget *first = g_queue_peek_head (targets);

      g_assert_cmpuint (targets->length, ==, 2);
      heavy += g_str_equal (first->host, "heavy");
      targets_free (targets);
    }
  /* 3000 expected, the standard deviation is 27 */
  g_assert_cmpuint (heavy, >, 2800);
  g_assert_cmpuint (heavy, <, 3200);
  records_free (starttls);
  records_free (direct);
}

static void
test_no_weights (void)
{
  GList *records = add (add (add (NULL, 1, 0, 1, "a"), 1, 0, 2, "b"), 1, 0, 3, "c");
  guint first = 0;

  for (guint i = 0; i < 100; i++)
    {
      GQueue *targets = fd_targets_merge (records, NULL);
      const FdTarget *head = g_queue_peek_head (targets);

      g_assert_cmpuint (targets->length, ==, 3);
      first |= 1u << head->port;
      targets_free (targets);
    }
  g_assert_cmpuint (first, ==, 1u << 1 | 1u << 2 | 1u << 3);
  records_free (records);
}

static void
test_no_service (void)
{
  GList *none = add (NULL, 0, 0, 0, ".");
  GList *some = add (NULL, 0, 0, 5223, "a");
  GQueue *targets = fd_targets_merge (none, NULL);

  g_assert_cmpuint (targets->length, ==, 0);
  targets_free (targets);
  targets = fd_targets_merge (none, some);
  g_assert_cmpuint (targets->length, ==, 1);
  targets_free (targets);
  records_free (none);
  records_free (some);
}

static void
test_many (void)
{
  GList *records = NULL;
  GQueue *targets;

  for (guint i = 0; i < 100; i++)
    records = add (records, i, 65535, 5222, "host");
  targets = fd_targets_merge (records, records);
  g_assert_cmpuint (targets->length, ==, 8);
  targets_free (targets);
  records_free (records);
}

static void
test_parse (void)
{
  static const struct
  {
    const char *text, *host;
    guint16 port;
  } cases[] = {
    { "b.example.org", "b.example.org", 0 },
    { "b.example.org:5333", "b.example.org", 5333 },
    { "192.0.2.1:5222", "192.0.2.1", 5222 },
    { "[2001:db8::1]:5222", "2001:db8::1", 5222 },
    { "[2001:db8::1]", "2001:db8::1", 0 },
    { "", NULL, 0 },
    { "a:b", NULL, 0 },
    { "a:99999", NULL, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (FdTarget) target = fd_target_parse (cases[i].text, 0, FALSE);

      g_assert_cmpint (target != NULL, ==, cases[i].host != NULL);
      if (!target)
        continue;
      g_assert_cmpstr (target->host, ==, cases[i].host);
      g_assert_cmpuint (target->port, ==, cases[i].port);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/targets/priorities", test_priorities);
  g_test_add_func ("/targets/weights", test_weights);
  g_test_add_func ("/targets/no-weights", test_no_weights);
  g_test_add_func ("/targets/no-service", test_no_service);
  g_test_add_func ("/targets/many", test_many);
  g_test_add_func ("/targets/parse", test_parse);
  return g_test_run ();
}
