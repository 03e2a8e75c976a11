/* Owns the keys and panes of one slice of a sliding window. Must not know batches, streams or where panes come from.
 *
 * Pane k of a window of W panes leaves at step k + W. A key whose hash gives it the phase p is rebuilt at the steps
 * k = p (mod W), after pane k - W has left and pane k has entered: then every entry of the key is raw, and becomes what
 * remains of the window once that entry has left. It will have left before the next rebuild, W steps on.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/window-panes.h"

#include <string.h>

/* A value that is not there; NIL is a value like others. */
#define NONE(v) ((v).kind == WEIR_NIL && (v).flags == 0x80)

#define INDEX_STRIDE (sizeof (WeirKey) + sizeof (guint64))

/* Panes, slots and bytes that are asked for before they are needed. */
#define PREFETCH_AHEAD 2
#define PREFETCH_SLOTS 16
#define PREFETCH_MOST  1024

typedef struct {
  WeirValue front; /* of the panes before the last rebuild; NONE: empty */
  WeirValue back;  /* of those since */
  guint32 hash;
  guint32 n_panes; /* that hold the key; of a free key: the next free one */
} Key;

typedef struct {
  guint32 key;
  guint32 hash;
  WeirValue value; /* raw until the rebuild, then what remains when this entry has left */
} Entry;

typedef struct {
  gint64 number;
  WeirBlock *block;
  Entry *entries; /* in the order of their hashes */
  gsize n;
  gsize next; /* where the next phase begins */
} Pane;

struct _WeirPanes {
  WeirMemory *memory;
  WeirTable index; /* key -> number in `keys` */
  WeirCells cells; /* of values that are not scalars */
  WeirBlock *keys_block;
  Key *keys;
  guint32 n_keys; /* numbers handed out */
  guint32 capacity;
  guint32 free_key; /* a list through n_panes; G_MAXUINT32: empty */
  guint64 from, until;
  gint64 last; /* the newest step */
  guint length;
  GArray *panes;  /* of Pane, oldest first */
  WeirArena mark; /* task memory as a step found it */
};

static const WeirValue none = { .kind = WEIR_NIL, .flags = 0x80 };

WeirPanes *
weir_panes_new (WeirMemory *memory, guint n_panes, guint64 from, guint64 until)
{
  WeirPanes *panes = g_new0 (WeirPanes, 1);

  panes->memory = memory;
  panes->length = n_panes;
  panes->from = from;
  panes->until = until;
  panes->free_key = G_MAXUINT32;
  panes->last = G_MININT64;
  weir_table_init (&panes->index, memory, sizeof (guint32), from, until - from);
  g_assert (panes->index.stride == INDEX_STRIDE);
  weir_cells_init (&panes->cells, memory);
  panes->panes = g_array_new (FALSE, FALSE, sizeof (Pane));
  return panes;
}

void
weir_panes_free (WeirPanes *panes)
{
  for (guint i = 0; i < panes->panes->len; i++)
    weir_block_unref (g_array_index (panes->panes, Pane, i).block);
  if (panes->keys_block != NULL)
    weir_block_unref (panes->keys_block);
  g_array_unref (panes->panes);
  weir_cells_clear (&panes->cells);
  weir_table_clear (&panes->index);
  g_free (panes);
}

gsize
weir_panes_n_keys (const WeirPanes *panes)
{
  return panes->index.n;
}

static gboolean
store (WeirPanes *panes, WeirTask *task, WeirValue *kept, WeirValue value)
{
  if (G_LIKELY (weir_cells_replace (&panes->cells, kept, value)))
    return TRUE;
  weir_task_fail_memory (task);
  return FALSE;
}

static inline void
drop (WeirPanes *panes, WeirValue *kept)
{
  if (G_UNLIKELY (kept->kind >= WEIR_TEXT))
    weir_cells_drop (&panes->cells, kept);
  *kept = none;
}

/* *into = *into ⊕ later, either of which may be NONE. */
static inline gboolean
append (WeirPanes *panes, WeirTask *task, WeirValue *into, WeirValue later)
{
  if (NONE (*into))
    return store (panes, task, into, later);
  return weir_reduce_into (task, &panes->cells, into, *into, later, &panes->mark);
}

static inline gboolean
prepend (WeirPanes *panes, WeirTask *task, WeirValue *into, WeirValue earlier)
{
  if (NONE (*into))
    return store (panes, task, into, earlier);
  return weir_reduce_into (task, &panes->cells, into, earlier, *into, &panes->mark);
}

static gboolean
grow_keys (WeirPanes *panes)
{
  guint32 capacity = MAX (panes->capacity * 2, 64);
  WeirBlock *block = weir_block_new (panes->memory, capacity * sizeof (Key));

  if (block == NULL)
    return FALSE;
  if (panes->n_keys > 0)
    memcpy (block->data, panes->keys, panes->n_keys * sizeof (Key));
  if (panes->keys_block != NULL)
    weir_block_unref (panes->keys_block);
  panes->keys_block = block;
  panes->keys = (Key *) block->data;
  panes->capacity = capacity;
  return TRUE;
}

/* A number for a key that was not there; G_MAXUINT32: memory limit. */
static guint32
add_key (WeirPanes *panes, const WeirKey *key, WeirKey *slot)
{
  guint32 number = panes->free_key;

  if (number == G_MAXUINT32 && panes->n_keys == panes->capacity && !grow_keys (panes))
    return G_MAXUINT32;
  slot = weir_table_insert (&panes->index, key, slot);
  if (slot == NULL)
    return G_MAXUINT32;
  if (number != G_MAXUINT32)
    panes->free_key = panes->keys[number].n_panes;
  else
    number = panes->n_keys++;
  *(guint32 *) weir_slot_value (slot) = number;
  panes->keys[number] = (Key){ .front = none, .back = none, .hash = key->hash };
  return number;
}

static void
remove_key (WeirPanes *panes, guint32 number)
{
  Key *key = &panes->keys[number];
  WeirKey *slot = weir_table_home (&panes->index, key->hash, panes->index.stride);

  while (*(guint32 *) weir_slot_value (slot) != number || slot->meta == 0)
    slot = (WeirKey *) ((char *) slot + panes->index.stride);
  weir_table_remove (&panes->index, slot);
  drop (panes, &key->front);
  drop (panes, &key->back);
  key->n_panes = panes->free_key;
  panes->free_key = number;
}

/* The entry's key loses its oldest pane. */
static void
leave_entry (WeirPanes *panes, Entry *entry)
{
  Key *key = &panes->keys[entry->key];

  if (--key->n_panes == 0) {
    drop (panes, &entry->value);
    remove_key (panes, entry->key);
    return;
  }
  drop (panes, &key->front);
  key->front = entry->value; /* which owns its cell */
}

static void
leave (WeirPanes *panes, gint64 until)
{
  guint n = 0;

  for (; n < panes->panes->len && g_array_index (panes->panes, Pane, n).number <= until; n++) {
    Pane *pane = &g_array_index (panes->panes, Pane, n);

    for (gsize i = 0; i < pane->n; i++)
      leave_entry (panes, &pane->entries[i]);
    weir_block_unref (pane->block);
  }
  if (n > 0)
    g_array_remove_range (panes->panes, 0, n);
}

static gboolean
enter_slot (WeirPanes *panes, WeirTask *task, Pane *pane, const WeirKey *from, WeirValue value)
{
  WeirKey *slot = weir_table_find (&panes->index, from, INDEX_STRIDE);
  Entry *entry = &pane->entries[pane->n];
  guint32 number;
  Key *key;

  if (slot->meta != 0)
    number = *(guint32 *) weir_slot_value (slot);
  else
    number = add_key (panes, from, slot);
  if (number == G_MAXUINT32) {
    weir_task_fail_memory (task);
    return FALSE;
  }
  *entry = (Entry){ .key = number, .hash = from->hash, .value = none };
  if (!store (panes, task, &entry->value, value))
    return FALSE;
  pane->n++;
  key = &panes->keys[number];
  key->n_panes++;
  return append (panes, task, &key->back, value);
}

static inline guint64
phase_end (const WeirPanes *panes, guint64 phase)
{
  return panes->from + (panes->until - panes->from) * (phase + 1) / panes->length;
}

/* Where the phase that is rebuilt next begins. */
static void
find_phase (const WeirPanes *panes, Pane *pane, guint64 phase)
{
  guint64 start = phase == 0 ? 0 : phase_end (panes, phase - 1);
  gsize low = 0, high = pane->n;

  while (low < high) {
    gsize middle = (low + high) / 2;

    if (pane->entries[middle].hash < start)
      low = middle + 1;
    else
      high = middle;
  }
  pane->next = low;
}

/* The keys of @table that belong here; FALSE: memory limit, and what has entered so far is in @pane. */
static gboolean
enter_slots (WeirPanes *panes, WeirTask *task, Pane *pane, const WeirTable *table, const WeirFold *fold)
{
  WeirTableCursor cursor;
  WeirKey *slots[WEIR_CHUNK_SIZE];
  guint n;

  weir_table_cursor_init (&cursor, table, panes->from, panes->until);
  while ((n = weir_table_cursor_next (&cursor, slots, WEIR_CHUNK_SIZE)) > 0)
    for (guint i = 0; i < n; i++) {
      guint32 ahead = slots[MIN (i + PREFETCH_SLOTS, n - 1)]->hash;

      __builtin_prefetch (weir_table_home (&panes->index, ahead, INDEX_STRIDE));
      if (!enter_slot (panes, task, pane, slots[i], fold->result (task, slots[i])))
        return FALSE;
    }
  return TRUE;
}

static gboolean
enter (WeirPanes *panes, WeirTask *task, gint64 number, const WeirTable *table, const WeirFold *fold)
{
  gsize n = weir_table_count (table, panes->from, panes->until);
  Pane pane = { .number = number };
  gboolean ok;

  if (n == 0)
    return TRUE;
  pane.block = weir_block_new (panes->memory, n * sizeof (Entry));
  if (pane.block == NULL) {
    weir_task_fail_memory (task);
    return FALSE;
  }
  pane.entries = (Entry *) pane.block->data;
  weir_table_reserve (&panes->index, n); /* a hint: it grows just as well */
  ok = enter_slots (panes, task, &pane, table, fold);
  find_phase (panes, &pane, (guint64) (number % panes->length));
  g_array_append_val (panes->panes, pane);
  return ok && weir_task_is_going (task);
}

/* The entry becomes what remains of its key's window after it, and is put before what `front` has gathered. */
static gboolean
rebuild_entry (WeirPanes *panes, WeirTask *task, Entry *entry)
{
  Key *key = &panes->keys[entry->key];
  WeirValue raw = entry->value;

  entry->value = none;
  if (!NONE (key->front) && !store (panes, task, &entry->value, key->front))
    return FALSE;
  if (!prepend (panes, task, &key->front, raw))
    return FALSE;
  drop (panes, &raw);
  drop (panes, &key->back);
  return TRUE;
}

/* What is rebuilt of a pane has not been looked at for a window length: as many cache lines as it is likely to have. */
static inline void
prefetch_phase (const WeirPanes *panes, const Pane *pane)
{
  const char *first = (const char *) &pane->entries[pane->next];
  gsize size = MIN (pane->n / panes->length * sizeof (Entry), PREFETCH_MOST);

  for (gsize at = 0; at <= size; at += 64)
    __builtin_prefetch (first + at, 1);
}

/* Newest pane first, so that each entry finds the aggregate of all that came after it in `front`. */
static gboolean
rebuild (WeirPanes *panes, WeirTask *task, guint64 phase)
{
  guint64 end = phase_end (panes, phase);

  for (guint i = panes->panes->len; i > 0; i--) {
    Pane *pane = &g_array_index (panes->panes, Pane, i - 1);

    if (i > PREFETCH_AHEAD)
      prefetch_phase (panes, pane - PREFETCH_AHEAD);
    for (; pane->next < pane->n && pane->entries[pane->next].hash < end; pane->next++)
      if (!rebuild_entry (panes, task, &pane->entries[pane->next]))
        return FALSE;
    if (phase + 1 == panes->length)
      pane->next = 0;
  }
  return weir_task_is_going (task);
}

gboolean
weir_panes_enter (WeirPanes *panes, WeirTask *task, gint64 number, const WeirTable *pane, const WeirFold *fold)
{
  gint64 step = panes->last;

  g_assert (number > step);
  panes->mark = task->task_run->scratch;
  if (step == G_MININT64 || number - step > panes->length) {
    leave (panes, number - panes->length);
    step = number - 1;
  }
  while (step < number) {
    step++;
    leave (panes, step - panes->length);
    if (step == number && pane != NULL && pane->n > 0 && !enter (panes, task, number, pane, fold))
      return FALSE;
    if (!rebuild (panes, task, (guint64) (step % panes->length)))
      return FALSE;
  }
  panes->last = number;
  return TRUE;
}

void
weir_panes_cursor_init (const WeirPanes *panes, WeirTableCursor *cursor)
{
  weir_table_cursor_init (cursor, &panes->index, panes->from, panes->until);
}

static WeirValue
result (const WeirPanes *panes, WeirTask *task, const WeirKey *slot)
{
  const WeirReduceParams *params = task->op->params;
  const Key *key = &panes->keys[*(guint32 *) weir_slot_value (slot)];
  WeirValue value = NONE (key->front) ? key->back : key->front;

  if (!NONE (key->front) && !NONE (key->back))
    value = weir_reduce_two (task, params, key->front, key->back);
  return params->finish != NULL ? params->finish (task, value, params->user_data) : value;
}

gboolean
weir_panes_emit (const WeirPanes *panes, WeirTask *task, WeirTableCursor *cursor)
{
  WeirKey *slots[WEIR_CHUNK_SIZE];
  guint n = weir_table_cursor_next (cursor, slots, WEIR_CHUNK_SIZE);

  weir_task_reserve (task, TRUE);
  for (guint i = 0; i < n && weir_task_is_going (task); i++) {
    task->head.keys[i] = weir_key_value (slots[i]);
    task->head.values[i] = result (panes, task, slots[i]);
    task->head.n_elements = i + 1;
  }
  weir_task_flush (task);
  return n > 0;
}
