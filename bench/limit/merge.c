/* The reference for a window's slide: the time in which one pane, a table of TEXT keys and int64 sums, is merged into
 * another table that holds the same keys, as a window without inverse does again and again. As many panes as the
 * window has are merged in turn: each has long left the cache when it comes by, as a real window's would. One thread.
 *
 * Each pane got its keys in an order of its own. As all tables hash alike and have one size, a merge still walks both
 * nearly in order: that is the fast way to merge, and the one to beat.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/args.h"
#include "bench/limit/simd-table.h"
#include "bench/usage.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIRST_SLOTS = 4096 };

typedef struct {
  SimdTable *panes;
  uint64_t n_panes;
  uint64_t n_keys;
  SimdTable window;
  uint64_t n_merges;
} Window;

static void
add_key (SimdTable *table, uint64_t key)
{
  char text[SIMD_SHORT_KEY + 1] = { 0 };
  uint64_t low, high;
  uint32_t size = (uint32_t) snprintf (text, sizeof text, "user-%llu", (unsigned long long) key);

  memcpy (&low, text, sizeof low);
  memcpy (&high, text + sizeof low, sizeof high);
  simd_table_add_short (table, simd_hash_short (low, high), low, high, size, 1);
}

static void
fill_pane (SimdTable *pane, uint64_t n_keys, uint64_t first)
{
  /* a prime that does not divide the number of keys visits them all, in an order that looks like none */
  const uint64_t stride = 2654435761u;

  simd_table_init (pane, FIRST_SLOTS, 0);
  for (uint64_t i = 0; i < n_keys; i++)
    add_key (pane, (first + i) * stride % n_keys);
}

static void
window_init (Window *w, const BenchArgs *args)
{
  w->n_panes = args->panes;
  w->n_keys = args->keys;
  w->panes = calloc (w->n_panes, sizeof *w->panes);
  if (w->panes == NULL || w->n_panes == 0)
    abort ();
  for (uint64_t i = 0; i < w->n_panes; i++)
    fill_pane (&w->panes[i], w->n_keys, i * 7919);
  simd_table_init (&w->window, w->panes[0].mask + 1, 0);
  simd_table_merge (&w->window, &w->panes[0]);
  w->n_merges = 1;
}

static void
merge_round (Window *w)
{
  for (uint64_t i = 0; i < w->n_panes; i++)
    simd_table_merge (&w->window, &w->panes[i]);
  w->n_merges += w->n_panes;
}

static void
check (const Window *w)
{
  int64_t total = simd_table_total (&w->window), expected = (int64_t) (w->n_merges * w->n_keys);

  if (total == expected && w->window.n_used == w->n_keys)
    return;
  fprintf (stderr, "merge: %lld in %llu keys instead of %lld in %llu\n", (long long) total,
           (unsigned long long) w->window.n_used, (long long) expected, (unsigned long long) w->n_keys);
  exit (1);
}

static void
window_clear (Window *w)
{
  for (uint64_t i = 0; i < w->n_panes; i++)
    simd_table_clear (&w->panes[i]);
  free (w->panes);
  simd_table_clear (&w->window);
}

int
main (int argc, char **argv)
{
  BenchArgs args;
  Window window = { .n_merges = 0 };
  double start, seconds, cpu;
  uint64_t merges = 0;

  bench_args_parse (&args, argc, argv);
  window_init (&window, &args);
  start = bench_now ();
  cpu = bench_cpu_seconds ();
  do {
    merge_round (&window);
    merges += window.n_panes;
    seconds = bench_now () - start;
  } while (seconds < args.seconds);
  cpu = bench_cpu_seconds () - cpu;
  check (&window);
  printf ("{\"program\": \"merge\", \"rate\": %.3f, \"unit\": \"us/merge\", \"seconds\": %.3f, \"cpu_seconds\": %.3f, "
          "\"merges\": %llu, \"keys\": %llu, \"panes\": %llu}\n",
          seconds / (double) merges * 1e6, seconds, cpu, (unsigned long long) merges,
          (unsigned long long) window.n_keys, (unsigned long long) window.n_panes);
  window_clear (&window);
  return 0;
}
