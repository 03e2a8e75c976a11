/* Values: constructors and accessors, and what values are to each other.
 * Must not know the engine. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <string.h>

#include <weir/weir.h>

#include "tests/engine/random-value.h"
#include "tests/engine/task-fixture.h"

static void
layout_is_sixteen_bytes_and_frozen (void)
{
  g_assert_cmpuint (sizeof (WeirValue), ==, 16);
  g_assert_cmpuint (G_STRUCT_OFFSET (WeirValue, bits), ==, 0);
  g_assert_cmpuint (G_STRUCT_OFFSET (WeirValue, size), ==, 8);
  g_assert_cmpuint (G_STRUCT_OFFSET (WeirValue, kind), ==, 12);
  g_assert_cmpuint (G_STRUCT_OFFSET (WeirValue, flags), ==, 13);
  g_assert_cmpuint (WEIR_LIST, ==, 7);
}

static void
constructors_keep_what_they_are_given (void)
{
  WeirValue pair = WEIR_PAIR_OF (weir_text ("k"), weir_int (7));
  WeirValue list = WEIR_LIST_OF (weir_int (1), weir_nil (), weir_bool (42));

  g_assert_true (weir_is_nil (weir_nil ()));
  g_assert_cmpint (weir_as_int (weir_int (G_MININT64)), ==, G_MININT64);
  g_assert_cmpfloat (weir_as_float (weir_float (-2.5)), ==, -2.5);
  g_assert_cmpmem (weir_data (weir_text ("abc")), weir_size (weir_text ("abc")), "abc", 3);
  g_assert_cmpuint (weir_size (weir_text_n ("a\0b", 3)), ==, 3);
  g_assert_cmpint (weir_kind (weir_bytes ("x", 1)), ==, WEIR_BYTES);
  g_assert_cmpint (weir_as_int (weir_val (pair)), ==, 7);
  g_assert_true (weir_equal (weir_key (pair), weir_text ("k")));
  g_assert_cmpuint (weir_size (list), ==, 3);
  g_assert_true (weir_as_bool (weir_item (list, 2)));
}

static void
accessors_answer_nothing_for_other_kinds (void)
{
  WeirValue text = weir_text ("12"), list = WEIR_LIST_OF (weir_int (1));

  g_assert_cmpint (weir_as_int (text), ==, 0);
  g_assert_cmpfloat (weir_as_float (text), ==, 0.0);
  g_assert_false (weir_as_bool (weir_int (1)));
  g_assert_cmpstr (weir_data (weir_int (1)), ==, "");
  g_assert_cmpuint (weir_size (weir_int (1)), ==, 0);
  g_assert_true (weir_is_nil (weir_key (list)));
  g_assert_true (weir_is_nil (weir_val (text)));
  g_assert_true (weir_is_nil (weir_item (list, 1)));
  g_assert_true (weir_is_nil (weir_item (text, 0)));
}

static void
float_as_int_truncates_and_saturates (void)
{
  g_assert_cmpint (weir_as_int (weir_float (-1.9)), ==, -1);
  g_assert_cmpint (weir_as_int (weir_float (1e300)), ==, G_MAXINT64);
  g_assert_cmpint (weir_as_int (weir_float (9223372036854775808.0)), ==, G_MAXINT64);
  g_assert_cmpint (weir_as_int (weir_float (-1e300)), ==, G_MININT64);
  g_assert_cmpint (weir_as_int (weir_float (NAN)), ==, 0);
  g_assert_cmpfloat (weir_as_float (weir_int (3)), ==, 3.0);
}

static void
what_is_too_large_is_named_and_nil (void)
{
  g_test_expect_message ("weir", G_LOG_LEVEL_CRITICAL, "*4294967296*");
  g_assert_true (weir_is_nil (weir_text_n ("", (gsize) G_MAXUINT32 + 1)));
  g_test_assert_expected_messages ();
}

static void
kinds_are_never_equal (void)
{
  g_assert_false (weir_equal (weir_int (1), weir_float (1.0)));
  g_assert_false (weir_equal (weir_int (1), weir_bool (TRUE)));
  g_assert_false (weir_equal (weir_text ("a"), weir_bytes ("a", 1)));
  g_assert_false (weir_equal (WEIR_PAIR_OF (weir_int (1), weir_int (2)), WEIR_LIST_OF (weir_int (1), weir_int (2))));
  g_assert_false (weir_equal (weir_nil (), weir_int (0)));
  g_assert_true (weir_equal (weir_nil (), weir_nil ()));
}

static void
nan_equals_nan_and_minus_zero_equals_zero (void)
{
  g_assert_true (weir_equal (weir_float (NAN), weir_float (-NAN)));
  g_assert_true (weir_equal (weir_float (-0.0), weir_float (0.0)));
  g_assert_cmpuint (weir_hash (weir_float (NAN)), ==, weir_hash (weir_float (-NAN)));
  g_assert_cmpuint (weir_hash (weir_float (-0.0)), ==, weir_hash (weir_float (0.0)));
  g_assert_cmpint (weir_compare (weir_float (NAN), weir_float (INFINITY)), ==, 1);
}

/* Each comes before all that follow. */
static void
order_is_kind_then_value (void)
{
  const WeirValue in_order[] = {
    weir_nil (),
    weir_bool (FALSE),
    weir_bool (TRUE),
    weir_int (G_MININT64),
    weir_int (-1),
    weir_int (G_MAXINT64),
    weir_float (-INFINITY),
    weir_float (0.0),
    weir_float (INFINITY),
    weir_float (NAN),
    weir_text (""),
    weir_text_n ("a\0", 2),
    weir_text ("ab"),
    weir_text ("b"),
    weir_text ("\xff"),
    weir_bytes ("a", 1),
    WEIR_PAIR_OF (weir_int (1), weir_int (9)),
    WEIR_PAIR_OF (weir_int (2), weir_int (0)),
    WEIR_PAIR_OF (weir_int (2), weir_int (1)),
    weir_list_at (NULL, 0),
    WEIR_LIST_OF (weir_int (1)),
    WEIR_LIST_OF (weir_int (1), weir_nil ()),
    WEIR_LIST_OF (weir_int (2)),
  };

  for (guint i = 0; i < G_N_ELEMENTS (in_order); i++)
    for (guint j = 0; j < G_N_ELEMENTS (in_order); j++)
      g_assert_cmpint (weir_compare (in_order[i], in_order[j]), ==, (i > j) - (i < j));
}

static void
order_of_random_values_is_total (void)
{
  TaskFixture fixture;
  WeirTask *task = task_fixture_init (&fixture);

  for (guint i = 0; i < 50000; i++) {
    WeirValue a = random_value (task, 2), b = random_value (task, 2), c = random_value (task, 2);

    g_assert_cmpint (weir_compare (a, a), ==, 0);
    g_assert_cmpint (weir_compare (a, b), ==, -weir_compare (b, a));
    if (weir_compare (a, b) <= 0 && weir_compare (b, c) <= 0)
      g_assert_cmpint (weir_compare (a, c), <=, 0);
    weir_arena_reset (&fixture.task_run.scratch);
  }
  task_fixture_clear (&fixture);
}

static void
equal_random_values_compare_as_zero_and_hash_equal (void)
{
  TaskFixture fixture;
  WeirTask *task = task_fixture_init (&fixture);
  guint n_equal = 0;

  for (guint i = 0; i < 50000; i++) {
    WeirValue a = random_value (task, 1), b = random_value (task, 1);
    gboolean equal = weir_equal (a, b);

    n_equal += equal;
    g_assert_cmpint (equal, ==, weir_compare (a, b) == 0);
    if (equal)
      g_assert_cmpuint (weir_hash (a), ==, weir_hash (b));
    weir_arena_reset (&fixture.task_run.scratch);
  }
  g_assert_cmpuint (n_equal, >, 500);
  task_fixture_clear (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/value/layout-is-sixteen-bytes-and-frozen", layout_is_sixteen_bytes_and_frozen);
  g_test_add_func ("/value/constructors-keep-what-they-are-given", constructors_keep_what_they_are_given);
  g_test_add_func ("/value/accessors-answer-nothing-for-other-kinds", accessors_answer_nothing_for_other_kinds);
  g_test_add_func ("/value/float-as-int-truncates-and-saturates", float_as_int_truncates_and_saturates);
  g_test_add_func ("/value/what-is-too-large-is-named-and-nil", what_is_too_large_is_named_and_nil);
  g_test_add_func ("/value/kinds-are-never-equal", kinds_are_never_equal);
  g_test_add_func ("/value/nan-equals-nan-and-minus-zero-equals-zero", nan_equals_nan_and_minus_zero_equals_zero);
  g_test_add_func ("/value/order-is-kind-then-value", order_is_kind_then_value);
  g_test_add_func ("/value/order-of-random-values-is-total", order_of_random_values_is_total);
  g_test_add_func ("/value/equal-random-values-compare-as-zero-and-hash-equal",
                   equal_random_values_compare_as_zero_and_hash_equal);
  return g_test_run ();
}
