/* Values, keys and batches of sizes that nobody should have, each in a process of its own: it does what was asked within
 * `memory.limit`, or says that this cannot be done; what it holds at most is measured.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/test.h>

#include "tests/sinks/scratch.h"

#define KB ((gsize) 1024)
#define MB (1024 * KB)
#define GB (1024 * MB)

/* What a process holds besides: the library, the test, stacks, what malloc keeps. */
#define BESIDES_MB 64

typedef struct {
  const char *name;
  guint64 n_records; /* of the one batch: INTs from 0 */
  WeirStream *(*build) (WeirStream *s);
  const char *memory_limit, *state_limit;
  gint code;            /* of the error; -1: there is none */
  const char *expected; /* the batch as text, or what the error says */
  guint most_mb;        /* that the process may hold */
  const char *again;    /* with a checkpoint: the next batch, after a restart; NULL: there is none */
} Case;

static WeirValue
make_number (WeirTask *task, guint64 index, gpointer user_data)
{
  return weir_int ((gint64) index);
}

/* BYTES of 1 GB. */
static WeirValue
make_huge (WeirTask *task, WeirValue value, gpointer user_data)
{
  char *bytes = weir_alloc (task, GB);

  if (bytes == NULL)
    return weir_nil ();
  memset (bytes, 'x', GB);
  return weir_bytes (bytes, GB);
}

static WeirValue
measure (WeirTask *task, WeirValue value, gpointer user_data)
{
  WeirValue of = weir_kind (value) == WEIR_PAIR ? weir_val (value) : value;

  return weir_int ((gint64) weir_size (of));
}

static WeirValue
measure_state (WeirTask *task, WeirValue pair, gpointer user_data)
{
  return weir_int ((gint64) weir_size (weir_val (pair)));
}

/* A LIST of a million INTs, the same but for the first. */
static WeirValue
make_list (WeirTask *task, WeirValue value, gpointer user_data)
{
  gsize n = 1000 * 1000;
  WeirValue *items = weir_alloc (task, n * sizeof *items);

  for (gsize i = 0; items != NULL && i < n; i++)
    items[i] = i == 0 ? value : weir_int ((gint64) i);
  return items != NULL ? weir_list (task, items, n) : weir_nil ();
}

/* A TEXT of 64 KB that differs at its end. */
static WeirValue
make_long_key (WeirTask *task, WeirValue value, gpointer user_data)
{
  char *bytes = weir_alloc (task, 64 * KB);

  if (bytes == NULL)
    return weir_nil ();
  memset (bytes, 'k', 64 * KB);
  snprintf (bytes + 64 * KB - 24, 24, "%023" G_GINT64_FORMAT, weir_as_int (value));
  return weir_text_n (bytes, 64 * KB);
}

static WeirValue
last_value (WeirTask *task, WeirValue key, const WeirValue *values, gsize n, WeirValue state, gpointer user_data)
{
  return n > 0 ? values[n - 1] : state;
}

static WeirValue
swap (WeirTask *task, WeirValue pair, gpointer user_data)
{
  return weir_pair (task, weir_val (pair), weir_key (pair));
}

/* All elements under one key. */
static WeirStream *
under_one_key (WeirStream *s)
{
  return weir_map (weir_with_value (s, weir_int (7)), swap, NULL);
}

static WeirStream *
huge_value (WeirStream *s)
{
  return weir_map (weir_map (s, make_huge, NULL), measure, NULL);
}

static WeirStream *
huge_value_of_a_key (WeirStream *s)
{
  return weir_map (weir_reduce_by_key (under_one_key (weir_map (s, make_huge, NULL)), WEIR_LAST, NULL), measure, NULL);
}

static WeirStream *
huge_key (WeirStream *s)
{
  return weir_count (weir_count_by_value (weir_map (s, make_huge, NULL)));
}

static WeirStream *
huge_state (WeirStream *s)
{
  return weir_map (weir_update_state_by_key (under_one_key (weir_map (s, make_huge, NULL)), last_value, NULL),
                   measure_state, NULL);
}

static WeirStream *
huge_in_a_window (WeirStream *s)
{
  return weir_map (weir_window (weir_map (s, make_huge, NULL), WEIR_SECONDS (3), 0), measure, NULL);
}

static WeirStream *
lists (WeirStream *s)
{
  return weir_reduce (weir_map (weir_map (s, make_list, NULL), measure, NULL), WEIR_SUM, NULL);
}

static WeirStream *
list_keys (WeirStream *s)
{
  return weir_count (weir_count_by_value (weir_map (s, make_list, NULL)));
}

static WeirStream *
list_states (WeirStream *s)
{
  return weir_map (weir_update_state_by_key (under_one_key (weir_map (s, make_list, NULL)), last_value, NULL),
                   measure_state, NULL);
}

static WeirStream *
list_of_a_group (WeirStream *s)
{
  return weir_map (weir_group_by_key (under_one_key (s)), measure, NULL);
}

static WeirStream *
long_keys (WeirStream *s)
{
  return weir_count (
      weir_reduce_by_key (weir_with_value (weir_map (s, make_long_key, NULL), weir_int (1)), WEIR_SUM, NULL));
}

static WeirStream *
long_keys_in_a_window (WeirStream *s)
{
  return weir_count (weir_reduce_by_key_and_window (weir_with_value (weir_map (s, make_long_key, NULL), weir_int (1)),
                                                    WEIR_SUM, NULL, WEIR_SECONDS (3), 0, NULL));
}

static WeirStream *
long_keys_of_state (WeirStream *s)
{
  return weir_count (
      weir_update_state_by_key (weir_with_value (weir_map (s, make_long_key, NULL), weir_int (1)), last_value, NULL));
}

static WeirStream *
distinct_keys (WeirStream *s)
{
  return weir_count (weir_reduce_by_key (weir_with_value (s, weir_int (1)), WEIR_SUM, NULL));
}

static WeirStream *
distinct_groups (WeirStream *s)
{
  return weir_count (weir_group_by_key (weir_with_value (s, weir_int (1))));
}

static WeirStream *
distinct_joins (WeirStream *s)
{
  WeirStream *pairs = weir_with_value (s, weir_int (1));

  return weir_count (weir_join (pairs, pairs));
}

static WeirStream *
distinct_states (WeirStream *s)
{
  return weir_count (weir_update_state_by_key (weir_with_value (s, weir_int (1)), last_value, NULL));
}

static WeirStream *
distinct_in_a_window (WeirStream *s)
{
  return weir_count (
      weir_reduce_by_key_and_window (weir_with_value (s, weir_int (1)), WEIR_SUM, NULL, WEIR_SECONDS (3), 0, NULL));
}

static WeirStream *
in_a_window (WeirStream *s)
{
  return weir_count (weir_window (s, WEIR_SECONDS (3), 0));
}

static WeirStream *
repartitioned (WeirStream *s)
{
  return weir_count (weir_repartition (s, 7));
}

static WeirStream *
glommed (WeirStream *s)
{
  return weir_count (weir_glom (s));
}

static WeirDataset *
sort (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  return weir_dataset_sort_by (data, NULL, NULL);
}

static WeirStream *
sorted (WeirStream *s)
{
  return weir_count (weir_transform (s, sort, NULL));
}

static WeirDataset *
collect (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  g_autoptr (GArray) values = weir_dataset_collect (data, error);

  return values != NULL ? weir_dataset_new (data, (const WeirValue *) values->data, values->len) : NULL;
}

static WeirStream *
collected (WeirStream *s)
{
  return weir_count (weir_transform (s, collect, NULL));
}

static WeirStream *
top (WeirStream *s)
{
  return weir_top (s, 2, NULL, NULL);
}

#define NONE   -1
#define MEMORY WEIR_ERROR_MEMORY_LIMIT
#define STATE  WEIR_ERROR_STATE_LIMIT

static const Case cases[] = {
  { "value-of-1GB/refused", 1, huge_value, "256MB", NULL, MEMORY, "memory.limit", 256 },
  { "value-of-1GB/with-room", 1, huge_value, "3GB", NULL, NONE, "1073741824", 3072 },
  { "value-of-1GB/of-a-key", 1, huge_value_of_a_key, "4GB", NULL, NONE, "1073741824", 4096 },
  { "value-of-1GB/as-key", 1, huge_key, "4GB", NULL, NONE, "1", 4096 },
  { "value-of-1GB/window", 1, huge_in_a_window, "6GB", NULL, NONE, "1073741824", 6144 },
  { "value-of-1GB/state-refused", 1, huge_state, "4GB", "256MB", STATE, "state.limit", 4096 + 256 },
  { "value-of-1GB/state", 1, huge_state, "4GB", "4GB", NONE, "1073741824", 8192 },
  { "value-of-1GB/state-in-a-checkpoint", 1, huge_state, "4GB", "4GB", NONE, "1073741824", 8192, "1073741824" },
  { "list-of-1M/ten", 10, lists, "1GB", NULL, NONE, "10000000", 1024 },
  { "list-of-1M/refused", 10, list_keys, "64MB", NULL, MEMORY, "memory.limit", 64 },
  { "list-of-1M/as-key", 10, list_keys, "2GB", NULL, NONE, "10", 2048 },
  { "list-of-1M/state-in-a-checkpoint", 1, list_states, "1GB", "1GB", NONE, "1000000", 2048, "1000000" },
  { "list-of-1M/group", 1000 * 1000, list_of_a_group, "256MB", NULL, NONE, "1000000", 256 },
  { "key-of-64KB/refused", 10000, long_keys, "256MB", NULL, MEMORY, "memory.limit", 256 },
  { "key-of-64KB/with-room", 10000, long_keys, "3GB", NULL, NONE, "10000", 3072 },
  { "key-of-64KB/window", 1000, long_keys_in_a_window, "1GB", NULL, NONE, "1000", 1024 },
  { "key-of-64KB/state-refused", 10000, long_keys_of_state, "3GB", "256MB", STATE, "state.limit", 3072 + 256 },
  { "key-of-64KB/state-in-a-checkpoint", 10000, long_keys_of_state, "3GB", "2GB", NONE, "10000", 5120, "20000" },
  { "10M-keys/refused", 10000000, distinct_keys, "256MB", NULL, MEMORY, "memory.limit", 256 },
  { "10M-keys/with-room", 10000000, distinct_keys, "2GB", NULL, NONE, "10000000", 2048 },
  { "10M-keys/group", 10000000, distinct_groups, "4GB", NULL, NONE, "10000000", 4096 },
  { "10M-keys/join", 10000000, distinct_joins, "6GB", NULL, NONE, "10000000", 6144 },
  { "10M-keys/window", 10000000, distinct_in_a_window, "4GB", NULL, NONE, "10000000", 4096 },
  { "10M-keys/state-refused", 10000000, distinct_states, "3GB", "256MB", STATE, "state.limit", 3072 + 256 },
  { "10M-keys/state", 10000000, distinct_states, "3GB", "3GB", NONE, "10000000", 6144 },
  { "100M-records/count", 100000000, weir_count, "64MB", NULL, NONE, "100000000", 64 },
  { "100M-records/top", 100000000, top, "64MB", NULL, NONE, "0 1", 64 },
  { "100M-records/group", 100000000, list_of_a_group, "1GB", NULL, MEMORY, "memory.limit", 1024 },
  { "100M-records/window", 100000000, in_a_window, "1GB", NULL, MEMORY, "memory.limit", 1024 },
  { "100M-records/repartition", 100000000, repartitioned, "1GB", NULL, MEMORY, "memory.limit", 1024 },
  { "100M-records/glom", 100000000, glommed, "1GB", NULL, MEMORY, "memory.limit", 1024 },
  { "100M-records/sort", 100000000, sorted, "1GB", NULL, MEMORY, "memory.limit", 1024 },
  { "100M-records/collect", 100000000, collected, "1GB", NULL, MEMORY, "memory.limit", 1024 },
};

static guint
peak_mb (void)
{
  g_autofree char *status = NULL;
  const char *line;

  g_assert_true (g_file_get_contents ("/proc/self/status", &status, NULL, NULL));
  line = strstr (status, "VmHWM:");
  g_assert_nonnull (line);
  return (guint) (strtoull (line + strlen ("VmHWM:"), NULL, 10) / KB);
}

static void
set (WeirContext *ctx, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  weir_context_set (ctx, key, value, &error);
  g_assert_no_error (error);
}

static WeirContext *
context_of (const Case *one, const Scratch *store, WeirTime at)
{
  WeirContext *ctx = weir_test_context_new_at (WEIR_SECONDS (1), at);
  g_autofree char *uri = g_strdup_printf ("file://%s", store->path);

  set (ctx, "log.level", "error");
  set (ctx, "workers", "2");
  set (ctx, "restart.attempts", "0");
  set (ctx, "memory.limit", one->memory_limit);
  if (one->state_limit != NULL)
    set (ctx, "state.limit", one->state_limit);
  if (one->again != NULL)
    set (ctx, "checkpoint", uri);
  return ctx;
}

static void
run_batch (const Case *one, const Scratch *store, WeirTime at, const char *expected)
{
  WeirContext *ctx = context_of (one, store, at);
  WeirStream *numbers = weir_generator_stream (ctx, make_number, (gdouble) one->n_records, NULL);
  WeirCollected *collected = weir_collect (one->build (numbers));
  g_autoptr (GError) error = NULL;
  gboolean ok = weir_test_advance (ctx, 1, &error);

  if (one->code == NONE) {
    g_assert_no_error (error);
    g_assert_cmpuint (weir_collected_n_batches (collected), ==, 1);
    weir_collected_expect (collected, 0, expected, &error);
    g_assert_no_error (error);
  } else {
    g_assert_error (error, WEIR_ERROR, one->code);
    g_assert_false (ok);
    g_assert_nonnull (strstr (error->message, expected));
  }
  weir_context_free (ctx);
}

static void
run (const Case *one)
{
  Scratch store;

  scratch_init (&store);
  run_batch (one, &store, 0, one->expected);
  if (one->again != NULL)
    run_batch (one, &store, WEIR_SECONDS (1), one->again);
  scratch_clear (&store);
  g_printerr ("# %s: %u MB of %u\n", one->name, peak_mb (), one->most_mb);
  g_assert_cmpuint (peak_mb (), <=, one->most_mb + BESIDES_MB);
}

static void
what_is_too_large_is_refused_and_the_rest_is_done (gconstpointer data)
{
  if (g_test_subprocess ()) {
    run (data);
    return;
  }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = g_strdup_printf ("/heavy/%s", cases[i].name);

    g_test_add_data_func (path, &cases[i], what_is_too_large_is_refused_and_the_rest_is_done);
  }
  return g_test_run ();
}
