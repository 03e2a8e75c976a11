/* Tests of joins that keep all keys of a dataset of the context, against a count of what must come.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/join-job.h"

static WeirDataset *
small_table (Job *job)
{
  const WeirValue values[] = {
    WEIR_PAIR_OF (weir_text ("a"), weir_text ("x")),
    WEIR_PAIR_OF (weir_text ("b"), weir_nil ()),
    WEIR_PAIR_OF (weir_text ("a"), weir_text ("w")),
    WEIR_PAIR_OF (weir_text ("ten bytes!"), weir_text ("ten")),
    WEIR_PAIR_OF (weir_bytes ("a", 1), weir_int (5)),
    WEIR_PAIR_OF (weir_nil (), weir_int (6)),
    WEIR_PAIR_OF (weir_float (1.5), weir_int (7)),
    WEIR_PAIR_OF (weir_text ("a key that is longer than sixteen bytes"), weir_int (8)),
    WEIR_PAIR_OF (WEIR_LIST_OF (weir_int (1), weir_int (2)), weir_int (9)),
  };

  return weir_context_dataset (job->ctx, values, G_N_ELEMENTS (values), 2);
}

static void
expect (Job *job, JoinSpec spec, const char *expected, const char *expected_of_nothing)
{
  WeirCollected *collected;

  spec.table = small_table (job);
  collected = job_join (job, &spec, "a=1 z=0 a=4");
  job_expect_sorted (collected, 0, expected);
  job_expect_sorted (collected, 1, expected_of_nothing);
  job_expect_sorted (collected, 2, expected);
}

static void
a_full_join_keeps_the_keys_of_both (Job *job)
{
  expect (job, (JoinSpec){ .join = weir_dataset_full_outer_join },
          "(null,(null,6)) (1.5,(null,7)) (a,(1,w)) (a,(1,x)) (a,(4,w)) (a,(4,x)) "
          "(a key that is longer than sixteen bytes,(null,8)) (b,(null,null)) (ten bytes!,(null,ten)) "
          "(z,(0,null)) (0x61,(null,5)) ([1,2],(null,9))",
          "(null,(null,6)) (1.5,(null,7)) (a,(null,w)) (a,(null,x)) "
          "(a key that is longer than sixteen bytes,(null,8)) (b,(null,null)) (ten bytes!,(null,ten)) "
          "(0x61,(null,5)) ([1,2],(null,9))");
}

static void
a_right_join_keeps_the_tables_keys (Job *job)
{
  expect (job, (JoinSpec){ .join = weir_dataset_right_outer_join },
          "(null,(null,6)) (1.5,(null,7)) (a,(1,w)) (a,(1,x)) (a,(4,w)) (a,(4,x)) "
          "(a key that is longer than sixteen bytes,(null,8)) (b,(null,null)) (ten bytes!,(null,ten)) "
          "(0x61,(null,5)) ([1,2],(null,9))",
          "(null,(null,6)) (1.5,(null,7)) (a,(null,w)) (a,(null,x)) "
          "(a key that is longer than sixteen bytes,(null,8)) (b,(null,null)) (ten bytes!,(null,ten)) "
          "(0x61,(null,5)) ([1,2],(null,9))");
}

static void
a_left_join_does_with_the_table_first (Job *job)
{
  expect (job, (JoinSpec){ .join = weir_dataset_left_outer_join, .table_is_first = TRUE },
          "(null,(6,null)) (1.5,(7,null)) (a,(w,1)) (a,(w,4)) (a,(x,1)) (a,(x,4)) "
          "(a key that is longer than sixteen bytes,(8,null)) (b,(null,null)) (ten bytes!,(ten,null)) "
          "(0x61,(5,null)) ([1,2],(9,null))",
          "(null,(6,null)) (1.5,(7,null)) (a,(w,null)) (a,(x,null)) "
          "(a key that is longer than sixteen bytes,(8,null)) (b,(null,null)) (ten bytes!,(ten,null)) "
          "(0x61,(5,null)) ([1,2],(9,null))");
}

static void
cogroup_has_the_keys_of_both (Job *job)
{
  expect (job, (JoinSpec){ .join = weir_dataset_cogroup },
          "(null,([],[6])) (1.5,([],[7])) (a,([1,4],[x,w])) "
          "(a key that is longer than sixteen bytes,([],[8])) (b,([],[null])) (ten bytes!,([],[ten])) "
          "(z,([0],[])) (0x61,([],[5])) ([1,2],([],[9]))",
          "(null,([],[6])) (1.5,([],[7])) (a,([],[x,w])) "
          "(a key that is longer than sixteen bytes,([],[8])) (b,([],[null])) (ten bytes!,([],[ten])) "
          "(0x61,([],[5])) ([1,2],([],[9]))");
}

static void
cogroup_takes_the_table_first (Job *job)
{
  expect (job, (JoinSpec){ .join = weir_dataset_cogroup, .table_is_first = TRUE },
          "(null,([6],[])) (1.5,([7],[])) (a,([x,w],[1,4])) "
          "(a key that is longer than sixteen bytes,([8],[])) (b,([null],[])) (ten bytes!,([ten],[])) "
          "(z,([],[0])) (0x61,([5],[])) ([1,2],([9],[]))",
          "(null,([6],[])) (1.5,([7],[])) (a,([x,w],[])) "
          "(a key that is longer than sixteen bytes,([8],[])) (b,([null],[])) (ten bytes!,([ten],[])) "
          "(0x61,([5],[])) ([1,2],([9],[]))");
}

enum { N_TABLE = 30000, N_DATA = 50021 };

/* Key i has 1 + i % 3 values, 10 i and on. */
static WeirDataset *
large_table (Job *job)
{
  g_autofree WeirValue *cells = g_new (WeirValue, 6 * N_TABLE), *values = g_new (WeirValue, 3 * N_TABLE);
  gsize n = 0;

  for (guint i = 0; i < N_TABLE; i++)
    for (guint k = 0; k < 1 + i % 3; k++, n++) {
      cells[2 * n] = weir_int (i);
      cells[2 * n + 1] = weir_int (10 * i + k);
      values[n] = weir_pair_at (&cells[2 * n]);
    }
  return weir_context_dataset (job->ctx, values, n, 3);
}

/* Every other key up to N_DATA, twice. */
static WeirValue
by_key (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_pair (task, weir_int (weir_as_int (value) * 7919 % N_DATA & ~(gint64) 1), value);
}

/* Each key of the table that the data does not have comes with NIL, once for each of its values; all others with each of
 * theirs. */
static void
check_key (const guint *with_data, const guint *alone, guint key, guint n_data)
{
  guint n_table = key < N_TABLE ? 1 + key % 3 : 0;

  g_assert_cmpuint (with_data[key], ==, n_data * MAX (n_table, 1));
  g_assert_cmpuint (alone[key], ==, n_data > 0 ? 0 : n_table);
}

static void
of_many_keys_each_comes_as_often_as_it_must (Job *job)
{
  JoinSpec spec = { .join = weir_dataset_full_outer_join, .table = large_table (job) };
  WeirStream *pairs = weir_map (job->input, by_key, NULL);
  WeirCollected *collected = weir_collect (join_stream (pairs, &spec));
  g_autofree guint *with_data = g_new0 (guint, N_DATA + 1), *alone = g_new0 (guint, N_DATA + 1);
  const WeirValue *values;
  gsize n;

  job_push_range (job, N_DATA);
  job_run (job);
  values = weir_collected_values (collected, 0, &n);
  for (gsize i = 0; i < n; i++) {
    gint64 key = weir_as_int (weir_key (values[i]));
    WeirValue both = weir_val (values[i]);

    g_assert_cmpint (key, <=, N_DATA);
    (weir_is_nil (weir_key (both)) ? alone : with_data)[key]++;
    if (!weir_is_nil (weir_val (both)))
      g_assert_cmpint (weir_as_int (weir_val (both)) / 10, ==, key);
  }
  for (guint key = 0; key < N_DATA; key++)
    check_key (with_data, alone, key, key % 2 != 0 ? 0 : key == N_DATA - 1 ? 1 : 2);
}

enum { N_SIZES = 50, N_THIRDS = 20 };

static WeirDataset *
table_of (Job *job, guint n)
{
  WeirValue cells[2 * N_SIZES], values[N_SIZES];

  for (guint i = 0; i < n; i++) {
    cells[2 * i] = weir_int (i);
    cells[2 * i + 1] = weir_int (10 * i);
    values[i] = weir_pair_at (&cells[2 * i]);
  }
  return weir_context_dataset (job->ctx, values, n, 2);
}

static WeirValue
by_third_key (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_pair (task, weir_int (3 * weir_as_int (value)), value);
}

/* What came of a table of @n keys: each key once, with what both sides have of it. Returns: how many. */
static gsize
check_joined (WeirCollected *collected, guint n)
{
  gsize n_values;
  const WeirValue *values = weir_collected_values (collected, 0, &n_values);
  gboolean seen[3 * N_THIRDS + N_SIZES] = { FALSE };

  for (gsize i = 0; i < n_values; i++) {
    gint64 key = weir_as_int (weir_key (values[i]));
    WeirValue of_data = weir_key (weir_val (values[i])), of_table = weir_val (weir_val (values[i]));

    g_assert_true (key >= 0 && key < (gint64) G_N_ELEMENTS (seen) && !seen[key]);
    seen[key] = TRUE;
    g_assert_cmpint (weir_is_nil (of_data), ==, key % 3 != 0 || key >= 3 * N_THIRDS);
    g_assert_cmpint (weir_is_nil (of_table), ==, key >= n);
    g_assert_true (weir_is_nil (of_data) || weir_as_int (of_data) == key / 3);
    g_assert_true (weir_is_nil (of_table) || weir_as_int (of_table) == 10 * key);
  }
  return n_values;
}

/* Few keys lie close together, the last of them behind the last home. */
static void
tables_of_every_size_are_searched_to_the_end (Job *job)
{
  WeirStream *pairs = weir_map (job->input, by_third_key, NULL);
  WeirCollected *of_full[N_SIZES], *of_inner[N_SIZES];
  JoinSpec full[N_SIZES], inner[N_SIZES];

  for (guint n = 0; n < N_SIZES; n++) {
    full[n] = (JoinSpec){ .join = weir_dataset_full_outer_join, .table = table_of (job, n) };
    inner[n] = (JoinSpec){ .join = weir_dataset_join, .table = full[n].table };
    of_full[n] = weir_collect (join_stream (pairs, &full[n]));
    of_inner[n] = weir_collect (join_stream (pairs, &inner[n]));
  }
  job_push_range (job, N_THIRDS);
  job_run (job);
  for (guint n = 0; n < N_SIZES; n++) {
    guint n_both = (n + 2) / 3;

    g_assert_cmpuint (check_joined (of_inner[n], n), ==, n_both);
    g_assert_cmpuint (check_joined (of_full[n], n), ==, N_THIRDS + n - n_both);
  }
}

static void
elements_that_are_no_pairs_fail (Job *job)
{
  const WeirValue one = weir_int (1);
  JoinSpec spec = { .join = weir_dataset_cogroup, .table = weir_context_dataset (job->ctx, &one, 1, 1) };
  g_autoptr (GError) error = NULL;

  weir_collect (join_stream (job->input, &spec));
  job_push (job, "a=1");
  g_assert_false (weir_test_advance (job->ctx, 1, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_KIND);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/table-join/a-full-join-keeps-the-keys-of-both", a_full_join_keeps_the_keys_of_both);
  job_add_test ("/table-join/a-right-join-keeps-the-tables-keys", a_right_join_keeps_the_tables_keys);
  job_add_test ("/table-join/a-left-join-does-with-the-table-first", a_left_join_does_with_the_table_first);
  job_add_test ("/table-join/cogroup-has-the-keys-of-both", cogroup_has_the_keys_of_both);
  job_add_test ("/table-join/cogroup-takes-the-table-first", cogroup_takes_the_table_first);
  job_add_test ("/table-join/of-many-keys-each-comes-as-often-as-it-must", of_many_keys_each_comes_as_often_as_it_must);
  job_add_test ("/table-join/tables-of-every-size-are-searched-to-the-end",
                tables_of_every_size_are_searched_to_the_end);
  job_add_test ("/table-join/elements-that-are-no-pairs-fail", elements_that_are_no_pairs_fail);
  return g_test_run ();
}
