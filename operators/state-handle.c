/* Owns the functions on the state of a key, for functions of map_with_state. Misuse fails the batch, which names the
 * operator. Threads: the task's.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/state-handle.h"

#include <string.h>

#include "engine/keyed-state-save.h"
#include "engine/value-copy.h"
#include "operators/pairs.h"

static gboolean
commit_value (WeirState *st, const WeirKey *key)
{
  if (st->entry == WEIR_NO_ENTRY)
    st->entry = weir_entry_insert (st->state, st->group, key);
  if (st->entry == WEIR_NO_ENTRY || !weir_entry_set (st->state, st->group, st->entry, st->pending)) {
    weir_keyed_state_fail_memory (st->task, st->state);
    return FALSE;
  }
  return TRUE;
}

gboolean
weir_state_commit (WeirState *st, const WeirKey *key)
{
  if (G_UNLIKELY (!weir_task_is_going (st->task)))
    return FALSE;
  if (st->is_removed || st->is_timing_out) {
    if (st->entry != WEIR_NO_ENTRY)
      weir_entry_remove (st->state, st->group, st->entry);
    return TRUE;
  }
  if (st->is_updated && !commit_value (st, key))
    return FALSE;
  if (st->is_edited)
    weir_entry_mark (st->state, st->group, st->entry);
  if (st->entry != WEIR_NO_ENTRY && (st->is_updated || st->is_edited || st->state->has_timeout))
    weir_entry_touch (st->state, st->group, st->entry);
  return TRUE;
}

/**
 * weir_state_exists:
 * @st: the state of the key that the function was called for
 *
 * Called from functions of weir_map_with_state().
 *
 * Returns: %TRUE if the key has a state: one from before, or one that this call has given it and not removed
 */
gboolean
weir_state_exists (WeirState *st)
{
  return !st->is_removed && (st->is_updated || st->entry != WEIR_NO_ENTRY);
}

/**
 * weir_state_get:
 * @st: the state of the key that the function was called for
 *
 * Called from functions of weir_map_with_state(). Doesn't copy: the value is valid until the function returns, and may be
 * emitted.
 *
 * Returns: the state; NIL if there is none
 */
WeirValue
weir_state_get (WeirState *st)
{
  WeirValue value;

  if (!weir_state_exists (st))
    return weir_nil ();
  if (st->is_updated)
    return st->pending;
  value = weir_entry_at (st->group, st->entry)->value;
  if (value.kind >= WEIR_TEXT)
    value.flags |= WEIR_VALUE_BORROWED;
  return value;
}

/* May the function change the state? */
static gboolean
may_change (WeirState *st, const char *how)
{
  if (st->is_removed)
    weir_task_fail (st->task, WEIR_ERROR_USER,
                    "its function called %s () after weir_state_remove (): a removed state is gone until the key's "
                    "next record",
                    how);
  else if (st->is_timing_out)
    weir_task_fail (st->task, WEIR_ERROR_USER,
                    "its function called %s () on a state that is timing out, and is removed anyway: ask "
                    "weir_state_is_timing_out () first",
                    how);
  return !st->is_removed && !st->is_timing_out;
}

/**
 * weir_state_update:
 * @st: the state of the key that the function was called for
 * @v: the new state, any value; copied
 *
 * Called from functions of weir_map_with_state(). Fails the batch (%WEIR_ERROR_USER) after weir_state_remove() in the
 * same call, and while the state is timing out.
 */
void
weir_state_update (WeirState *st, WeirValue v)
{
  if (!may_change (st, "weir_state_update"))
    return;
  st->pending = v.kind >= WEIR_TEXT ? weir_copy (st->task, v) : v;
  st->is_updated = TRUE;
}

static gpointer
zeroed (WeirTask *task, gsize size)
{
  gpointer p = weir_alloc (task, size);

  return p != NULL ? memset (p, 0, size) : NULL;
}

/* The bytes to be edited of a state that exists; NULL: it is something else. */
static gpointer
existing_bytes (WeirState *st, gsize size)
{
  WeirValue value = weir_state_get (st);
  g_autofree char *found = NULL;

  if (value.kind == WEIR_BYTES && value.size == size && !st->task->is_shielded)
    return (gpointer) value.data;
  if (value.kind == WEIR_BYTES && value.size == size) { /* the function may fail: it edits a copy */
    weir_state_update (st, value);
    return (gpointer) st->pending.data;
  }
  found = value.kind == WEIR_BYTES ? g_strdup_printf ("BYTES of %u", value.size) : weir_value_describe (value);
  weir_task_fail (st->task, WEIR_ERROR_KIND,
                  "its function edits a state of %" G_GSIZE_FORMAT " bytes, and the key's state is %s: states of "
                  "another size are older ones, which weir_stream_set_state_version () upgrades",
                  size, found);
  return NULL;
}

static gboolean
is_size_of_state (WeirState *st, gsize size)
{
  if (size > 0 && size <= G_MAXUINT32)
    return TRUE;
  weir_task_fail (st->task, WEIR_ERROR_USER,
                  "its function called weir_state_edit () for %" G_GSIZE_FORMAT
                  " bytes: give the size of its struct, 1 "
                  "to 4294967295",
                  size);
  return FALSE;
}

/**
 * weir_state_edit:
 * @st: the state of the key that the function was called for
 * @size: of a C struct without pointers, at least 1; the same for all keys
 *
 * A C struct as state, kept as BYTES and edited in place: what is written to it until the function returns is the state.
 * It is zeroed where the key had none. Called from functions of weir_map_with_state(). Fails the batch as
 * weir_state_update() does, with %WEIR_ERROR_USER if @size is no size of a struct (0, or above 4294967295), and with
 * %WEIR_ERROR_KIND if the state is something else than @size BYTES.
 *
 * Returns: (transfer none): the struct, 8-aligned, until the function returns; %NULL if there is no memory left, or none
 *   of that size
 */
gpointer
weir_state_edit (WeirState *st, gsize size)
{
  gpointer bytes;

  g_return_val_if_fail (st != NULL, NULL);
  if (!is_size_of_state (st, size))
    return NULL;
  if (!may_change (st, "weir_state_edit"))
    return zeroed (st->task, size);
  if (weir_state_exists (st)) {
    bytes = existing_bytes (st, size);
    st->is_edited |= bytes != NULL && !st->is_updated;
    return bytes != NULL ? bytes : zeroed (st->task, size);
  }
  bytes = zeroed (st->task, size);
  if (bytes != NULL) {
    st->pending = WEIR_VALUE_INIT (data, bytes, (guint32) size, WEIR_BYTES, WEIR_VALUE_BORROWED);
    st->is_updated = TRUE;
  }
  return bytes;
}

/**
 * weir_state_remove:
 * @st: the state of the key that the function was called for
 *
 * Drops the state; the key's next record finds none. In the batch of a timeout, removing comes first: the function is not
 * called again. Called from functions of weir_map_with_state(). Fails the batch as weir_state_update() does.
 */
void
weir_state_remove (WeirState *st)
{
  if (may_change (st, "weir_state_remove"))
    st->is_removed = TRUE;
}

/**
 * weir_state_is_timing_out:
 * @st: the state of the key that the function was called for
 *
 * Called from functions of weir_map_with_state().
 *
 * Returns: %TRUE if the function is called because nothing came for the key for too long: its value is NIL then, and the
 * state goes when it returns
 */
gboolean
weir_state_is_timing_out (WeirState *st)
{
  return st->is_timing_out;
}
