/* Owns the sorting of INTs: runs are sorted by radix, least significant byte first, without the bytes that all have in
 * common, and merged in pairs as operators/sort.c does. Equal INTs cannot be told apart, hence nothing is compared
 * twice.
 * Threads: see sort.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "operators/sort.h"

#define DIGITS   8
#define BUCKETS  256
#define SIGN_BIT (G_GUINT64_CONSTANT (1) << 63)

typedef struct {
  gint64 *from, *to;
  gsize n;
  guint n_runs, n_parts;
} Sort;

static inline guint
digit_of (gint64 value, guint digit)
{
  return (guint) (((guint64) value ^ SIGN_BIT) >> (8 * digit) & (BUCKETS - 1));
}

static void
count_digits (const gint64 *values, gsize n, gsize counts[DIGITS][BUCKETS])
{
  memset (counts, 0, DIGITS * sizeof counts[0]);
  for (gsize i = 0; i < n; i++)
    for (guint digit = 0; digit < DIGITS; digit++)
      counts[digit][digit_of (values[i], digit)]++;
}

static gboolean
is_common (const gsize *counts, gint64 value, guint digit, gsize n)
{
  return counts[digit_of (value, digit)] == n;
}

static void
scatter (const gint64 *from, gint64 *to, gsize n, guint digit, const gsize *counts)
{
  gint64 *places[BUCKETS];

  for (guint i = 0; i < BUCKETS; i++) {
    places[i] = to;
    to += counts[i];
  }
  for (gsize i = 0; i < n; i++)
    *places[digit_of (from[i], digit)]++ = from[i];
}

/* The result is in @values. */
static void
sort_run (gint64 *values, gint64 *room, gsize n)
{
  gsize counts[DIGITS][BUCKETS];
  gint64 *from = values, *to = room;

  if (n < 2)
    return;
  count_digits (values, n, counts);
  for (guint digit = 0; digit < DIGITS; digit++) {
    gint64 *swap = from;

    if (is_common (counts[digit], values[0], digit, n))
      continue;
    scatter (from, to, n, digit, counts[digit]);
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

  sort_run (sort->from + start, sort->to + start, end - start);
}

/* How many of the first @n_out of a merge come from @a. */
static gsize
find_split (const gint64 *a, gsize n_a, const gint64 *b, gsize n_b, gsize n_out)
{
  gsize low = n_out > n_b ? n_out - n_b : 0, high = MIN (n_out, n_a);

  while (low < high) {
    gsize middle = low + (high - low) / 2;

    if (b[n_out - 1 - middle] < a[middle])
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/* Which side is next is as good as random, hence no branch on it. */
static void
merge (const gint64 *a, const gint64 *a_end, const gint64 *b, const gint64 *b_end, gint64 *out, gsize n_out)
{
  gint64 *end = out + n_out;

  while (out < end && a < a_end && b < b_end) {
    gint64 first = *a, second = *b;
    gboolean is_second = second < first;

    *out++ = is_second ? second : first;
    b += is_second;
    a += !is_second;
  }
  if (a == a_end)
    a = b;
  if (out < end)
    memcpy (out, a, (gsize) (end - out) * sizeof *out);
}

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
  const gint64 *a = sort->from + start, *b = sort->from + middle;
  gsize n_from_a = find_split (a, middle - start, b, end - middle, from);

  merge (a + n_from_a, b, b + (from - n_from_a), sort->from + end, sort->to + start + from, until - from);
}

gint64 *
weir_sort_ints (WeirWorkers *workers, gint64 *values, gint64 *room, gsize n)
{
  Sort sort = { values, room, n, weir_sort_n_runs (workers, n), 1 };

  weir_workers_run (workers, sort.n_runs, FALSE, sort_task, &sort);
  for (; sort.n_runs > 1; sort.n_runs /= 2) {
    gint64 *to = sort.to;

    sort.n_parts *= 2;
    weir_workers_run (workers, sort.n_runs / 2 * sort.n_parts, FALSE, merge_task, &sort);
    sort.to = sort.from;
    sort.from = to;
  }
  return sort.from;
}
