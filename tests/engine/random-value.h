/* Random values for properties that hold for all: many are equal, empty, extreme or nested.
 *
 * Draws from g_test_rand_int(), so `--seed` repeats a run. Must not know what is tested. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <math.h>
#include <string.h>

#include <weir/task.h>

static inline guint
below (guint n)
{
  return (guint) g_test_rand_int () % n;
}

static inline guint64
random_bits (void)
{
  return (guint64) (guint32) g_test_rand_int () << 32 | (guint32) g_test_rand_int ();
}

static inline WeirValue
random_int (void)
{
  static const gint64 edges[] = { 0, 1, -1, 11, 12, -12, -13, 127, 128, G_MAXINT32, G_MAXINT64, G_MININT64 };

  if (below (2) == 0)
    return weir_int (edges[below (G_N_ELEMENTS (edges))]);
  return weir_int ((gint64) (random_bits () >> below (64)));
}

static inline WeirValue
random_float (void)
{
  const gdouble edges[] = { 0.0, -0.0, 1.0, -1.5, NAN, -NAN, INFINITY, -INFINITY, 4.9e-324, G_MAXDOUBLE };
  WeirValue v = weir_float (edges[below (G_N_ELEMENTS (edges))]);

  if (below (2) == 0)
    v.bits = random_bits ();
  return v;
}

static inline WeirValue
random_text (WeirTask *task, WeirKind kind)
{
  static const char letters[] = { 'a', 'b', '\0', (char) 0xff };
  guint n = below (4) == 0 ? below (300) : below (4);
  char *p = weir_alloc (task, n + 1);

  for (guint i = 0; i < n; i++)
    p[i] = letters[below (G_N_ELEMENTS (letters))];
  return WEIR_VALUE_INIT (data, p, n, kind, 0);
}

static inline WeirValue random_value (WeirTask *task, guint depth);

static inline WeirValue
random_cells (WeirTask *task, WeirKind kind, guint depth)
{
  guint n = kind == WEIR_PAIR ? 2 : below (30) == 0 ? 30 : below (4);
  WeirValue cells[30];

  for (guint i = 0; i < n; i++)
    cells[i] = random_value (task, depth - 1);
  return kind == WEIR_PAIR ? weir_pair (task, cells[0], cells[1]) : weir_list (task, cells, n);
}

/* In the memory of `task`; containers are nested at most `depth` deep. */
static inline WeirValue
random_value (WeirTask *task, guint depth)
{
  WeirKind kind = (WeirKind) below (depth > 0 ? WEIR_LIST + 1 : WEIR_PAIR);

  switch (kind) {
  case WEIR_BOOL:
    return weir_bool (below (2) == 1);
  case WEIR_INT:
    return random_int ();
  case WEIR_FLOAT:
    return random_float ();
  case WEIR_TEXT:
  case WEIR_BYTES:
    return random_text (task, kind);
  case WEIR_PAIR:
  case WEIR_LIST:
    return random_cells (task, kind, depth);
  case WEIR_NIL:
    break;
  }
  return weir_nil ();
}

/* The same bits all the way down: more than weir_equal(), which takes all NaNs and zeros for one. */
static inline gboolean
is_identical (WeirValue a, WeirValue b)
{
  if (a.kind != b.kind || a.size != b.size)
    return FALSE;
  if (a.kind < WEIR_TEXT)
    return a.bits == b.bits;
  if (a.kind < WEIR_PAIR)
    return a.size == 0 || memcmp (a.data, b.data, a.size) == 0;
  for (gsize i = 0, n = a.kind == WEIR_PAIR ? 2 : a.size; i < n; i++)
    if (!is_identical (a.cells[i], b.cells[i]))
      return FALSE;
  return TRUE;
}
