/* Owns the stable sorting of values: runs are merge-sorted by one worker each, then merged in pairs, each merge divided
 * among workers (Odeh et al., Merge Path, 2012). Must not know datasets.
 * Threads: see sort.h; a task writes its own range only.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/sort.h"

#include <string.h>

#define SHORT_RUN  12             /* sorted by insertion */
#define ALONE_MOST ((gsize) 4096) /* sorted before another thread has woken up */

typedef struct {
  const WeirOrder *order;
  WeirValue *from, *to;
  gsize n;
  guint n_runs; /* of `from`, in a round of merging: all but the last phase have more than one */
  guint n_parts;
} Sort;

typedef struct {
  const WeirValue *a, *a_end, *b, *b_end;
} Runs;

guint
weir_sort_n_runs (WeirWorkers *workers, gsize n)
{
  guint n_runs = 1;

  while (n > ALONE_MOST && n_runs < weir_workers_count (workers))
    n_runs *= 2;
  return n_runs;
}

static inline gint
compare (const WeirOrder *order, const WeirValue *a, const WeirValue *b)
{
  return order->compare != NULL ? order->compare (*a, *b, order->user_data) : weir_compare (*a, *b);
}

static void
sort_short (const WeirOrder *order, WeirValue *values, gsize n)
{
  for (gsize i = 1; i < n; i++) {
    WeirValue value = values[i];
    gsize k = i;

    for (; k > 0 && compare (order, &value, &values[k - 1]) < 0; k--)
      values[k] = values[k - 1];
    values[k] = value;
  }
}

/* The first @n_out elements of a merge of two runs. Of equal ones those of @a come first. */
static void
merge (const WeirOrder *order, Runs runs, WeirValue *out, gsize n_out)
{
  const WeirValue *a = runs.a, *a_end = runs.a_end, *b = runs.b, *b_end = runs.b_end;
  WeirValue *end = out + n_out;

  while (out < end && a < a_end && b < b_end)
    *out++ = compare (order, b, a) < 0 ? *b++ : *a++;
  if (a == a_end)
    a = b;
  if (out < end)
    memcpy (out, a, (gsize) (end - out) * sizeof *out);
}

static void
merge_neighbours (const WeirOrder *order, const WeirValue *from, WeirValue *to, gsize n, gsize n_left)
{
  if (n_left >= n || compare (order, &from[n_left], &from[n_left - 1]) >= 0)
    memcpy (to, from, n * sizeof *to);
  else
    merge (order, (Runs){ from, from + n_left, from + n_left, from + n }, to, n);
}

/* The result is in @values. */
static void
sort_run (const WeirOrder *order, WeirValue *values, WeirValue *room, gsize n)
{
  WeirValue *from = values, *to = room;

  for (gsize i = 0; i < n; i += SHORT_RUN)
    sort_short (order, values + i, MIN (SHORT_RUN, n - i));
  for (gsize width = SHORT_RUN; width < n; width *= 2) {
    WeirValue *swap = from;

    for (gsize i = 0; i < n; i += 2 * width)
      merge_neighbours (order, from + i, to + i, MIN (2 * width, n - i), width);
    from = to;
    to = swap;
  }
  if (from != values)
    memcpy (values, from, n * sizeof *values);
}

static void
sort_task (guint task, guint worker, gpointer data)
{
  const Sort *sort = data;
  gsize start = weir_sort_cut (sort->n, task, sort->n_runs);
  gsize end = weir_sort_cut (sort->n, task + 1, sort->n_runs);

  sort_run (sort->order, sort->from + start, sort->to + start, end - start);
}

/* How many of the first @n_out elements of a merge come from @a. */
static gsize
find_split (const WeirOrder *order, const WeirValue *a, gsize n_a, const WeirValue *b, gsize n_b, gsize n_out)
{
  gsize low = n_out > n_b ? n_out - n_b : 0, high = MIN (n_out, n_a);

  while (low < high) {
    gsize middle = low + (high - low) / 2;

    if (compare (order, &b[n_out - 1 - middle], &a[middle]) < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/* Runs 2 p and 2 p + 1 become run p of the next round, by n_parts tasks. However the job's function answers, a task
 * stays within its ranges. */
static void
merge_task (guint task, guint worker, gpointer data)
{
  const Sort *sort = data;
  guint pair = task / sort->n_parts, part = task % sort->n_parts;
  gsize start = weir_sort_cut (sort->n, 2 * pair, sort->n_runs);
  gsize middle = weir_sort_cut (sort->n, 2 * pair + 1, sort->n_runs);
  gsize end = weir_sort_cut (sort->n, 2 * pair + 2, sort->n_runs);
  gsize from = weir_sort_cut (end - start, part, sort->n_parts);
  gsize until = weir_sort_cut (end - start, part + 1, sort->n_parts);
  const WeirValue *a = sort->from + start, *b = sort->from + middle;
  gsize n_from_a = find_split (sort->order, a, middle - start, b, end - middle, from);

  merge (sort->order, (Runs){ a + n_from_a, b, b + (from - n_from_a), sort->from + end }, sort->to + start + from,
         until - from);
}

WeirValue *
weir_sort_values (WeirWorkers *workers, const WeirOrder *order, WeirValue *values, WeirValue *room, gsize n)
{
  Sort sort = { order, values, room, n, weir_sort_n_runs (workers, n), 1 };

  weir_workers_run (workers, sort.n_runs, FALSE, sort_task, &sort);
  for (; sort.n_runs > 1; sort.n_runs /= 2) {
    WeirValue *to = sort.to;

    sort.n_parts *= 2;
    weir_workers_run (workers, sort.n_runs / 2 * sort.n_parts, FALSE, merge_task, &sort);
    sort.to = sort.from;
    sort.from = to;
  }
  return sort.from;
}
