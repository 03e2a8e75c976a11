/* Owns the one instance of every inline function of value.h, value-access.h, text.h and task.h, with their
 * documentation, and what values are to each other: equal, before, after. Must not know tasks beyond their head.
 * Pure functions, any thread, unless said otherwise; comparing and hashing recurse as deep as a value is nested.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <glib.h>

/* The instances are part of the library's interface; a definition's visibility cannot be changed afterwards. */
#pragma GCC visibility push(default)
#include <weir/task.h>
#pragma GCC visibility pop

#include "engine/hash.h"

/**
 * weir_nil:
 *
 * Returns: the value that stands for none: an absent key, an absent side of an outer join, a null of Kafka's
 */
extern inline WeirValue weir_nil (void);

/**
 * weir_bool:
 * @b: any number but 0 is true
 *
 * Returns: a BOOL
 */
extern inline WeirValue weir_bool (gboolean b);

/**
 * weir_int:
 * @i: any number
 *
 * Returns: an INT
 */
extern inline WeirValue weir_int (gint64 i);

/**
 * weir_float:
 * @f: any number, NaN and the infinities too
 *
 * Returns: a FLOAT, which is never equal to an INT
 */
extern inline WeirValue weir_float (gdouble f);

/**
 * weir_value_sized:
 * @data: bytes or items that are borrowed
 * @size: how many, at most 4294967295
 * @kind: %WEIR_TEXT, %WEIR_BYTES or %WEIR_LIST
 *
 * What the constructors of texts, bytes and lists are made of; jobs have no need to.
 *
 * Returns: the value; NIL if @size is too great
 */
extern inline WeirValue weir_value_sized (gconstpointer data, gsize size, WeirKind kind);

/**
 * weir_text_n:
 * @data: (array length=size): bytes that are borrowed; NULs and invalid UTF-8 are kept as they are
 * @size: how many bytes, at most 4294967295
 *
 * Returns: a TEXT that points to @data, without a copy
 */
extern inline WeirValue weir_text_n (const char *data, gsize size);

/**
 * weir_text:
 * @nul_terminated: a string that is borrowed, at most 4294967295 bytes
 *
 * Returns: a TEXT that points to the string, without a copy
 */
extern inline WeirValue weir_text (const char *nul_terminated);

/**
 * weir_bytes:
 * @data: (array length=size): bytes that are borrowed
 * @size: how many bytes, at most 4294967295
 *
 * Returns: a BYTES that points to @data, without a copy; never equal to a TEXT
 */
extern inline WeirValue weir_bytes (gconstpointer data, gsize size);

/**
 * weir_pair_at:
 * @key_and_value: (array fixed-size=2): two values that are borrowed
 *
 * Most jobs call WEIR_PAIR_OF(), which makes the array on the caller's stack, or weir_pair().
 *
 * Returns: a PAIR that points to the array, without a copy
 */
extern inline WeirValue weir_pair_at (const WeirValue *key_and_value);

/**
 * weir_list_at:
 * @items: (array length=n_items): values that are borrowed
 * @n_items: how many, at most 4294967295
 *
 * Most jobs call WEIR_LIST_OF(), which makes the array on the caller's stack, or weir_list().
 *
 * Returns: a LIST that points to the array, without a copy
 */
extern inline WeirValue weir_list_at (const WeirValue *items, gsize n_items);

/**
 * weir_kind:
 * @v: any value
 *
 * Returns: which of the eight kinds it is
 */
extern inline WeirKind weir_kind (WeirValue v);

/**
 * weir_is_nil:
 * @v: any value
 *
 * Returns: whether it is NIL
 */
extern inline gboolean weir_is_nil (WeirValue v);

/**
 * weir_as_bool:
 * @v: any value
 *
 * Returns: the truth of a BOOL; %FALSE for every other kind, numbers too
 */
extern inline gboolean weir_as_bool (WeirValue v);

/**
 * weir_as_int:
 * @v: any value
 *
 * Returns: an INT's number; a FLOAT's without its fraction, no further than the range of gint64, 0 if NaN; else 0
 */
extern inline gint64 weir_as_int (WeirValue v);

/**
 * weir_as_float:
 * @v: any value
 *
 * Returns: a FLOAT's number; an INT's, rounded beyond 2^53; else 0
 */
extern inline gdouble weir_as_float (WeirValue v);

/**
 * weir_data:
 * @v: any value
 *
 * Returns: (transfer none): the first of the weir_size() bytes of a TEXT or BYTES, without a NUL behind the last; else
 *   an empty string. It lives as long as the value's memory does. The engine keeps BYTES 8-aligned where it copies them
 */
extern inline const char *weir_data (WeirValue v);

/**
 * weir_size:
 * @v: any value
 *
 * Returns: bytes of a TEXT or BYTES, items of a LIST, else 0
 */
extern inline gsize weir_size (WeirValue v);

/**
 * weir_key:
 * @pair: any value
 *
 * Returns: the key of a PAIR, else NIL
 */
extern inline WeirValue weir_key (WeirValue pair);

/**
 * weir_val:
 * @pair: any value
 *
 * Returns: the value of a PAIR, else NIL
 */
extern inline WeirValue weir_val (WeirValue pair);

/**
 * weir_item:
 * @list: any value
 * @index: counts from 0
 *
 * Returns: an item of a LIST; NIL beyond its end and for every other kind
 */
extern inline WeirValue weir_item (WeirValue list, gsize index);

/**
 * weir_text_span:
 * @p: (array length=size): any bytes
 * @size: how many
 * @separator: the byte that is looked for, which may be NUL
 *
 * Returns: the bytes before the first @separator, or @size where there is none
 */
extern inline gsize weir_text_span (const char *p, gsize size, char separator);

/**
 * weir_text_next_token:
 * @rest: (inout): a TEXT or BYTES; becomes what follows the token and its separator
 * @separator: the byte between tokens; 0 = any ASCII blank
 * @token: (out): the next token, of the same kind; it points into @rest, and lives as long as that does. Untouched at
 * the end
 *
 * Takes tokens off a text one by one, skipping empty ones: a loop over it sees each word once. Nothing is copied.
 *
 * Returns: %FALSE when there is no token any more, or @rest is neither TEXT nor BYTES
 */
extern inline gboolean weir_text_next_token (WeirValue *rest, char separator, WeirValue *token);

/**
 * weir_emit:
 * @task: the task that a function was given
 * @value: any value; taken before the call returns, so it may point anywhere
 *
 * Adds a value to the function's results. What the engine holds is passed on without a copy, what is borrowed is
 * copied.
 *
 * Called from user functions, on the thread of @task. Doesn't block.
 */
extern inline void weir_emit (WeirTask *task, WeirValue value);

/**
 * weir_emit_pair:
 * @task: the task that a function was given
 * @key: any value; taken before the call returns
 * @value: any value; taken before the call returns
 *
 * Adds a pair to the function's results: weir_emit() of a PAIR, without making one.
 *
 * Called from user functions, on the thread of @task. Doesn't block.
 */
extern inline void weir_emit_pair (WeirTask *task, WeirValue key, WeirValue value);

/**
 * weir_value_oversized:
 * @size: bytes or items
 *
 * What the constructors call when asked for more than a value can hold, which is a mistake of the caller's. Logs a
 * critical message; there is no shorter text that would not be a wrong one.
 *
 * Returns: NIL
 */
WeirValue
weir_value_oversized (gsize size)
{
  g_critical ("a value of %" G_GSIZE_FORMAT
              " bytes or items was asked for; a value holds at most %u: it is NIL instead."
              " Cut the data into several values",
              size, G_MAXUINT32);
  return weir_nil ();
}

static gint
order_ints (gint64 a, gint64 b)
{
  return (a > b) - (a < b);
}

static gint
order_floats (gdouble a, gdouble b)
{
  gint a_is_nan = a != a, b_is_nan = b != b;

  if (a_is_nan || b_is_nan)
    return a_is_nan - b_is_nan;
  return (a > b) - (a < b);
}

static gint
order_texts (WeirValue a, WeirValue b)
{
  guint32 n = MIN (a.size, b.size);
  gint order = n > 0 ? memcmp (a.data, b.data, n) : 0;

  return order != 0 ? (order > 0) - (order < 0) : order_ints (a.size, b.size);
}

static gint
order_cells (WeirValue a, WeirValue b)
{
  gsize n = a.kind == WEIR_PAIR ? 2 : MIN (a.size, b.size);

  for (gsize i = 0; i < n; i++) {
    gint order = weir_compare (a.cells[i], b.cells[i]);

    if (order != 0)
      return order;
  }
  return order_ints (a.size, b.size);
}

/**
 * weir_compare:
 * @a: any value
 * @b: any value
 *
 * The total order of values: kinds in the order of #WeirKind, then within a kind numbers by size with NaN last and -0
 * equal to 0, %FALSE before %TRUE, TEXT and BYTES byte by byte and then the shorter first, pairs by key and then value,
 * lists item by item and then the shorter first.
 *
 * Any thread. Recurses as deep as the values are nested.
 *
 * Returns: -1 if @a comes before @b, 1 if after, 0 if weir_equal()
 */
gint
weir_compare (WeirValue a, WeirValue b)
{
  if (a.kind != b.kind)
    return a.kind < b.kind ? -1 : 1;
  switch (weir_kind (a)) {
  case WEIR_NIL:
    return 0;
  case WEIR_BOOL:
  case WEIR_INT:
    return order_ints (a.integer, b.integer);
  case WEIR_FLOAT:
    return order_floats (a.number, b.number);
  case WEIR_TEXT:
  case WEIR_BYTES:
    return order_texts (a, b);
  case WEIR_PAIR:
  case WEIR_LIST:
    return order_cells (a, b);
  }
  g_return_val_if_reached (0);
}

/**
 * weir_equal:
 * @a: any value
 * @b: any value
 *
 * Two kinds are never equal: 1 is not 1.0, a TEXT is not a BYTES. NaN equals NaN, -0 equals 0.
 *
 * Any thread. Recurses as deep as the values are nested.
 *
 * Returns: whether the values are equal
 */
gboolean
weir_equal (WeirValue a, WeirValue b)
{
  if (a.kind != b.kind || a.size != b.size)
    return FALSE;
  if (a.kind == WEIR_TEXT || a.kind == WEIR_BYTES)
    return a.size == 0 || memcmp (a.data, b.data, a.size) == 0;
  return weir_compare (a, b) == 0;
}

/**
 * weir_hash:
 * @v: any value
 *
 * A hash for tables of your own. Its seed is fixed, so don't feed it keys from strangers who would like them to
 * collide; the engine's own tables use a secret seed.
 *
 * Any thread. Recurses as deep as the value is nested.
 *
 * Returns: 64 bits that are the same for equal values
 */
guint64
weir_hash (WeirValue v)
{
  WeirSeed seed;

  weir_seed_init (&seed, 0);
  return weir_hash_value (v, &seed);
}
