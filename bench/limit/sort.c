/* The references for sort_by and top. --by sort: qsort_r of a copy of the numbers. --by top: a heap of the first ten, to
 * which each number is compared. One thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/limit/passes.h"
#include "bench/pairs.h"

#include <stdlib.h>
#include <string.h>

enum { N_TOP = 10 };

typedef struct {
  const BenchCell *ints;
  uint64_t n;
  int64_t *room;
} Sort;

static int
compare (const void *a, const void *b, void *data)
{
  int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;

  return (x > y) - (x < y);
}

static uint64_t
sort (void *data)
{
  Sort *self = data;

  for (uint64_t i = 0; i < self->n; i++)
    self->room[i] = self->ints[i].integer;
  qsort_r (self->room, self->n, sizeof *self->room, compare, NULL);
  return (uint64_t) self->room[self->n / 2];
}

static void
sift_down (int64_t *heap, unsigned n)
{
  int64_t value = heap[0];
  unsigned i = 0;

  for (unsigned child = 1; child < n; child = 2 * i + 1) {
    child += child + 1 < n && heap[child + 1] > heap[child];
    if (heap[child] <= value)
      break;
    heap[i] = heap[child];
    i = child;
  }
  heap[i] = value;
}

static uint64_t
top (void *data)
{
  const Sort *self = data;
  int64_t heap[N_TOP];
  uint64_t sum = 0;

  for (unsigned i = 0; i < N_TOP; i++)
    heap[i] = INT64_MAX;
  for (uint64_t i = 0; i < self->n; i++)
    if (self->ints[i].integer < heap[0]) {
      heap[0] = self->ints[i].integer;
      sift_down (heap, N_TOP);
    }
  for (unsigned i = 0; i < N_TOP; i++)
    sum += (uint64_t) heap[i];
  return sum;
}

int
main (int argc, char **argv)
{
  Passes passes = { .program = "sort" };
  Sort self = { 0 };
  BenchArgs args;

  bench_args_parse (&args, argc, argv);
  passes.pass = strcmp (args.by, "top") == 0 ? top : sort;
  self.n = passes.items = args.items;
  self.ints = bench_ints_new (args.items, 1);
  self.room = calloc (args.items, sizeof *self.room);
  if (self.room == NULL)
    abort ();
  passes.data = &self;
  passes_run (&passes, &args);
  return 0;
}
