/* Owns the copying of values: what makes a value outlive the call that it was handed to. Cells and bytes are 8-aligned
 * in the copy, so that a C struct kept as BYTES can be read in place. Must not know where task memory comes from. Runs
 * on the thread of the task; recursion goes as deep as the value does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/value-copy.h"

#include <string.h>

static gsize
n_cells (WeirValue v)
{
  return v.kind == WEIR_PAIR ? 2 : v.size;
}

static gboolean
is_text (WeirValue v)
{
  return v.kind == WEIR_TEXT || v.kind == WEIR_BYTES;
}

static gsize
round_up (gsize size)
{
  return size > G_MAXSIZE - 8 ? G_MAXSIZE : (size + 7) & ~(gsize) 7;
}

static WeirValue
keep_text (WeirTask *task, WeirValue v)
{
  char *copy = v.size > 0 ? weir_alloc (task, v.size) : (char *) "";

  if (copy == NULL)
    return weir_nil ();
  if (v.size > 0)
    memcpy (copy, v.data, v.size);
  return WEIR_VALUE_INIT (data, copy, v.size, v.kind, 0);
}

static WeirValue
keep_cells (WeirTask *task, const WeirValue *cells, guint32 size, WeirKind kind)
{
  gsize n = kind == WEIR_PAIR ? 2 : size;
  guint8 flags = kind == WEIR_PAIR ? WEIR_VALUE_CELLS : 0;
  WeirValue *copy;

  if (n == 0)
    return WEIR_VALUE_INIT (cells, NULL, 0, kind, flags);
  copy = weir_alloc (task, n * sizeof *copy);
  if (copy == NULL)
    return weir_nil ();
  for (gsize i = 0; i < n; i++)
    copy[i] = weir_keep (task, cells[i]);
  return WEIR_VALUE_INIT (cells, copy, size, kind, flags);
}

WeirValue
weir_keep (WeirTask *task, WeirValue v)
{
  if ((v.flags & WEIR_VALUE_BORROWED) == 0)
    return v;
  return is_text (v) ? keep_text (task, v) : keep_cells (task, v.cells, v.size, weir_kind (v));
}

gsize
weir_value_memory (WeirValue v)
{
  gsize size;

  if (is_text (v))
    return round_up (v.size);
  if (v.kind < WEIR_PAIR)
    return 0;
  size = n_cells (v) * sizeof (WeirValue);
  for (gsize i = 0; i < n_cells (v); i++) {
    gsize member = weir_value_memory (v.cells[i]);

    if (G_UNLIKELY (__builtin_add_overflow (size, member, &size)))
      return G_MAXSIZE;
  }
  return size;
}

static WeirValue
copy_text_to (WeirValue v, char **at)
{
  char *copy = *at;

  if (v.size == 0)
    return WEIR_VALUE_INIT (data, "", 0, v.kind, 0);
  memcpy (copy, v.data, v.size);
  *at += round_up (v.size);
  return WEIR_VALUE_INIT (data, copy, v.size, v.kind, 0);
}

WeirValue
weir_value_copy_to (WeirValue v, char **at)
{
  WeirValue *cells = (WeirValue *) *at;
  gsize n = n_cells (v);

  if (is_text (v))
    return copy_text_to (v, at);
  if (v.kind < WEIR_PAIR)
    return v;
  if (n == 0)
    return WEIR_VALUE_INIT (cells, NULL, 0, WEIR_LIST, 0);
  *at += n * sizeof *cells;
  for (gsize i = 0; i < n; i++)
    cells[i] = weir_value_copy_to (v.cells[i], at);
  return WEIR_VALUE_INIT (cells, cells, v.size, v.kind, v.flags & WEIR_VALUE_CELLS);
}

/**
 * weir_pair:
 * @task: the task whose memory the pair is made in
 * @key: any value
 * @value: any value
 *
 * Makes a pair that a function may return: what @key and @value borrow is copied, what the engine holds is not.
 * To emit a pair, weir_emit_pair() is cheaper, since it makes none.
 *
 * Called from user functions, on the thread of @task. Doesn't block.
 *
 * Returns: a PAIR in task memory; NIL if the task has no memory left, and then the batch fails
 */
WeirValue
weir_pair (WeirTask *task, WeirValue key, WeirValue value)
{
  const WeirValue cells[2] = { key, value };

  g_return_val_if_fail (task != NULL, weir_nil ());
  return keep_cells (task, cells, 0, WEIR_PAIR);
}

/**
 * weir_list:
 * @task: the task whose memory the list is made in
 * @items: (array length=n_items): any values; may be %NULL if there are none
 * @n_items: how many, at most 4294967295
 *
 * Makes a list that a function may return: the items are copied, and so is what they borrow.
 *
 * Called from user functions, on the thread of @task. Doesn't block.
 *
 * Returns: a LIST in task memory; NIL if the task has no memory left, and then the batch fails
 */
WeirValue
weir_list (WeirTask *task, const WeirValue *items, gsize n_items)
{
  g_return_val_if_fail (task != NULL, weir_nil ());
  g_return_val_if_fail (items != NULL || n_items == 0, weir_nil ());

  if (G_UNLIKELY (n_items > G_MAXUINT32))
    return weir_value_oversized (n_items);
  return keep_cells (task, items, (guint32) n_items, WEIR_LIST);
}

/**
 * weir_copy:
 * @task: the task whose memory the copy is made in
 * @value: any value
 *
 * Copies a value with all that it points to, so that it lives as long as task memory does: for what a partition
 * function holds on to while it asks its iterator for more. Nothing needs to be copied in order to be emitted.
 *
 * Called from user functions, on the thread of @task. Doesn't block. Recurses as deep as @value is nested.
 *
 * Returns: a deep copy in task memory; NIL if the task has no memory left, and then the batch fails
 */
WeirValue
weir_copy (WeirTask *task, WeirValue value)
{
  gsize size = weir_value_memory (value);
  char *at;

  g_return_val_if_fail (task != NULL, weir_nil ());

  at = size > 0 ? weir_alloc (task, size) : NULL;
  if (size > 0 && at == NULL)
    return weir_nil ();
  return weir_value_copy_to (value, &at);
}
