/* Owns the ready-made reduce functions. Operators that know them run SUM without a call; the others are cheap enough to
 * be called. Pure but for errors; any worker.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/pairs.h"

static gboolean
is_number (WeirValue v)
{
  return v.kind == WEIR_INT || v.kind == WEIR_FLOAT;
}

static WeirValue
fail_overflow (WeirTask *task, WeirValue a, WeirValue b)
{
  weir_task_fail_record (task, WEIR_ERROR_OVERFLOW,
                         "the sum of %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT
                         " does not fit an INT: sum FLOATs instead, or smaller numbers",
                         a.integer, b.integer);
  return weir_nil ();
}

/**
 * weir_reduce_sum:
 * @task: the task
 * @a: an INT or a FLOAT
 * @b: an INT or a FLOAT
 * @user_data: not used
 *
 * Adds; known as %WEIR_SUM, which the engine runs without a call per record. INT with FLOAT gives FLOAT. Called from
 * user functions, on the thread of @task. A sum that does not fit an INT fails the batch with %WEIR_ERROR_OVERFLOW, any
 * other kind with %WEIR_ERROR_KIND.
 *
 * Returns: the sum; NIL where the batch failed
 */
WeirValue
weir_reduce_sum (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  gint64 sum;

  if (G_LIKELY (a.kind == WEIR_INT && b.kind == WEIR_INT))
    return __builtin_add_overflow (a.integer, b.integer, &sum) ? fail_overflow (task, a, b) : weir_int (sum);
  if (is_number (a) && is_number (b))
    return weir_float (weir_as_float (a) + weir_as_float (b));
  weir_task_fail_kind (task, "INT and FLOAT in WEIR_SUM", is_number (a) ? b : a, "map to numbers first");
  return weir_nil ();
}

/* The one of @a and @b that comes first, or last with @sign -1; @a where neither does. */
static WeirValue
choose (WeirTask *task, WeirValue a, WeirValue b, gint sign)
{
  if (a.kind != b.kind && is_number (a) && is_number (b)) {
    a = weir_float (weir_as_float (a));
    b = weir_float (weir_as_float (b));
  }
  if (G_LIKELY (a.kind == b.kind))
    return sign * weir_compare (b, a) < 0 ? b : a;
  weir_task_fail_kind (task, "elements of one kind in WEIR_MIN and WEIR_MAX", b, "map to one kind first");
  return weir_nil ();
}

/**
 * weir_reduce_min:
 * @task: the task
 * @a: any value
 * @b: a value of the same kind, or a number beside a number
 * @user_data: not used
 *
 * Takes the lesser in weir_compare()'s order, in which NaN is the greatest FLOAT; known as %WEIR_MIN. INT with FLOAT
 * gives FLOAT. Called from user functions, on the thread of @task. Values of different kinds fail the batch with
 * %WEIR_ERROR_KIND.
 *
 * Returns: @a or @b; NIL where the batch failed
 */
WeirValue
weir_reduce_min (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  return choose (task, a, b, 1);
}

/**
 * weir_reduce_max:
 * @task: the task
 * @a: any value
 * @b: a value of the same kind, or a number beside a number
 * @user_data: not used
 *
 * Takes the greater in weir_compare()'s order, in which NaN is the greatest FLOAT; known as %WEIR_MAX. INT with FLOAT
 * gives FLOAT. Called from user functions, on the thread of @task. Values of different kinds fail the batch with
 * %WEIR_ERROR_KIND.
 *
 * Returns: @a or @b; NIL where the batch failed
 */
WeirValue
weir_reduce_max (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  return choose (task, a, b, -1);
}

/**
 * weir_reduce_first:
 * @task: the task
 * @a: any value
 * @b: any value
 * @user_data: not used
 *
 * Takes what came first, by partition and position; known as %WEIR_FIRST.
 *
 * Returns: @a
 */
WeirValue
weir_reduce_first (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  return a;
}

/**
 * weir_reduce_last:
 * @task: the task
 * @a: any value
 * @b: any value
 * @user_data: not used
 *
 * Takes what came last, by partition and position; known as %WEIR_LAST.
 *
 * Returns: @b
 */
WeirValue
weir_reduce_last (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  return b;
}
