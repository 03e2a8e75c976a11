/* Owns the entries of keyed state: their places, index, and the order of their ages. Must not know where state comes from or
 * goes to. Threads: see keyed-state.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/keyed-state.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 8
#define FIRST_PLACES   16
#define MOST_ENTRIES   ((guint32) 1 << 30)
#define MOST_PLACES    ((guint32) 1 << 24)
#define CACHE_LINE     ((gsize) 64)

G_STATIC_ASSERT (sizeof (WeirStateEntry) <= CACHE_LINE);

WeirKeyedState *
weir_keyed_state_new (WeirMemory *memory, guint slice, guint n_slices, gboolean is_dated, gboolean has_timeout)
{
  static const guint64 nowhere[2];
  guint first = (guint) (weir_slice_start (slice, n_slices) >> 24);
  guint n = (guint) (weir_slice_start (slice + 1, n_slices) >> 24) - first;
  WeirKeyedState *state = g_malloc0 (sizeof *state + n * sizeof (WeirStateGroup));

  state->memory = memory;
  state->first = first;
  state->n_groups = n;
  state->is_dated = is_dated;
  state->has_timeout = has_timeout;
  weir_cells_init (&state->cells, memory);
  for (guint i = 0; i < n; i++) {
    WeirStateGroup *group = &state->groups[i];

    group->entries = (char *) nowhere;
    group->index = (guint64 *) nowhere; /* nobody writes to them: limit and capacity are 0 */
    group->stride = is_dated ? CACHE_LINE : offsetof (WeirStateEntry, age);
    group->mask = 1;
    group->shift = 31;
    group->oldest = group->newest = WEIR_NO_ENTRY;
  }
  return state;
}

void
weir_keyed_state_free (WeirKeyedState *state)
{
  if (state == NULL)
    return;
  for (guint i = 0; i < state->n_groups; i++) {
    if (state->groups[i].block != NULL)
      weir_block_unref (state->groups[i].block);
    if (state->groups[i].index_block != NULL)
      weir_block_unref (state->groups[i].index_block);
  }
  weir_cells_clear (&state->cells);
  g_free (state);
}

/* Groups grow at different sizes, since all of them have about the same number of keys: no batch has to pay for the
 * growth of many. */
static guint
phase_of (const WeirKeyedState *state, const WeirStateGroup *group)
{
  return (guint) (group - state->groups) % FIRST_CAPACITY;
}

typedef struct {
  gsize used, changed, bases; /* where they begin */
  gsize size;
} Layout;

static Layout
lay_out (const WeirStateGroup *group, guint32 capacity)
{
  gsize words = (capacity + 63) / 64;
  Layout at;

  at.used = capacity * group->stride;
  at.changed = at.used + words * sizeof (guint64);
  at.bases = at.changed + words * sizeof (guint64);
  at.size = at.bases + (capacity + WEIR_STATE_PAGE - 1) / WEIR_STATE_PAGE * sizeof (guint64);
  return at;
}

static void
copy_entries (WeirStateGroup *group, const WeirStateGroup *from)
{
  guint32 capacity = MIN (from->capacity, group->capacity);

  memcpy (group->entries, from->entries, MIN (from->n, group->capacity) * group->stride);
  memcpy (group->used, from->used, (capacity + 63) / 64 * sizeof *group->used);
  memcpy (group->changed, from->changed, (capacity + 63) / 64 * sizeof *group->changed);
  memcpy (group->bases, from->bases, (capacity + WEIR_STATE_PAGE - 1) / WEIR_STATE_PAGE * sizeof *group->bases);
}

static gpointer
align_to_cache_line (gpointer p)
{
  return (gpointer) (((guintptr) p + CACHE_LINE - 1) & ~(guintptr) (CACHE_LINE - 1));
}

/* Numbers from n on are free: zeroed. */
static gboolean
resize (WeirKeyedState *state, WeirStateGroup *group, guint32 capacity)
{
  const WeirStateGroup old = *group;
  gsize n_kept = MIN (old.n, capacity);
  Layout at = lay_out (group, capacity);
  WeirBlock *block = capacity > MOST_ENTRIES ? NULL : weir_block_new (state->memory, at.size + CACHE_LINE);

  if (block == NULL)
    return FALSE;
  group->block = block;
  group->capacity = capacity;
  group->entries = align_to_cache_line (block->data);
  group->used = (guint64 *) (gpointer) (group->entries + at.used);
  group->changed = (guint64 *) (gpointer) (group->entries + at.changed);
  group->bases = (guint64 *) (gpointer) (group->entries + at.bases);
  memset (group->entries + n_kept * group->stride, 0, at.size - n_kept * group->stride);
  if (old.block == NULL)
    return TRUE;
  copy_entries (group, &old);
  weir_block_unref (old.block);
  return TRUE;
}

static gboolean
ensure_capacity (WeirKeyedState *state, WeirStateGroup *group, guint32 entry)
{
  guint32 capacity = group->capacity > 0 ? group->capacity * 2 : FIRST_CAPACITY + phase_of (state, group);

  if (G_LIKELY (entry < group->capacity))
    return TRUE;
  return resize (state, group, MAX (capacity, entry + 1));
}

static inline void
add_to_index (WeirStateGroup *group, guint32 hash, guint32 entry)
{
  guint32 at = (guint32) (hash << 8) >> group->shift;

  while (group->index[at] != 0)
    at = (at + 1) & group->mask;
  group->index[at] = (guint64) hash << 32 | (entry + 1);
}

/* Makes an empty index for @n entries in the place of the old one, which the caller holds. */
static gboolean
make_index (WeirKeyedState *state, WeirStateGroup *group, guint32 n)
{
  guint log2 = g_bit_storage (FIRST_PLACES - 1);
  WeirBlock *block;

  while (((guint32) 1 << log2) / 2 <= n && ((guint32) 1 << log2) < MOST_PLACES)
    log2++;
  block = weir_block_new (state->memory, sizeof (guint64) << log2);
  if (block == NULL)
    return FALSE;
  memset (block->data, 0, sizeof (guint64) << log2);
  group->index_block = block;
  group->index = (guint64 *) block->data;
  group->mask = ((guint32) 1 << log2) - 1;
  group->shift = 32 - log2;
  group->limit = (group->mask + 1) / 32 * (16 + phase_of (state, group));
  return TRUE;
}

static gboolean
grow_index (WeirKeyedState *state, WeirStateGroup *group)
{
  const WeirStateGroup old = *group;

  if (group->mask + 1 == MOST_PLACES)
    return group->n_used < group->mask;
  if (!make_index (state, group, MAX (old.limit, group->n_used)))
    return FALSE;
  if (old.index_block == NULL)
    return TRUE;
  for (guint32 i = 0; i <= old.mask; i++)
    if (old.index[i] != 0)
      add_to_index (group, (guint32) (old.index[i] >> 32), (guint32) old.index[i] - 1);
  weir_block_unref (old.index_block);
  return TRUE;
}

static void
take_from_index (WeirStateGroup *group, guint32 hash, guint32 entry)
{
  guint32 at = (guint32) (hash << 8) >> group->shift, hole;

  while ((guint32) group->index[at] != entry + 1)
    at = (at + 1) & group->mask;
  hole = at;
  for (;;) {
    guint32 home;

    at = (at + 1) & group->mask;
    if (group->index[at] == 0)
      break;
    home = (guint32) ((guint32) (group->index[at] >> 32) << 8) >> group->shift;
    if (((at - home) & group->mask) < ((at - hole) & group->mask))
      continue;
    group->index[hole] = group->index[at];
    hole = at;
  }
  group->index[hole] = 0;
}

static guint32
lowest_free (WeirStateGroup *group)
{
  guint32 word = group->first_free / 64;

  if (group->n == group->n_used)
    return group->n;
  while (group->used[word] == G_MAXUINT64)
    word++;
  return word * 64 + (guint32) __builtin_ctzll (~group->used[word]);
}

static void
set_used (WeirKeyedState *state, WeirStateGroup *group, guint32 entry)
{
  group->used[entry / 64] |= (guint64) 1 << entry % 64;
  group->n = MAX (group->n, entry + 1);
  group->n_used++;
  state->n_used++;
}

static void
set_free (WeirKeyedState *state, WeirStateGroup *group, guint32 entry)
{
  group->used[entry / 64] &= ~((guint64) 1 << entry % 64);
  weir_entry_at (group, entry)->key.meta = 0;
  group->first_free = MIN (group->first_free, entry);
  group->n_used--;
  state->n_used--;
  while (group->n > 0 && (group->used[(group->n - 1) / 64] >> (group->n - 1) % 64 & 1) == 0)
    group->n--;
}

static void
link_newest (WeirStateGroup *group, guint32 entry)
{
  weir_entry_at (group, entry)->age.older = group->newest;
  weir_entry_at (group, entry)->age.newer = WEIR_NO_ENTRY;
  if (group->newest != WEIR_NO_ENTRY)
    weir_entry_at (group, group->newest)->age.newer = entry;
  else
    group->oldest = entry;
  group->newest = entry;
}

static void
unlink_age (WeirStateGroup *group, guint32 entry)
{
  const WeirStateAge *age = &weir_entry_at (group, entry)->age;

  if (age->older != WEIR_NO_ENTRY)
    weir_entry_at (group, age->older)->age.newer = age->newer;
  else
    group->oldest = age->newer;
  if (age->newer != WEIR_NO_ENTRY)
    weir_entry_at (group, age->newer)->age.older = age->older;
  else
    group->newest = age->older;
}

guint32
weir_entry_insert (WeirKeyedState *state, WeirStateGroup *group, const WeirKey *key)
{
  guint32 entry = lowest_free (group);
  WeirKey own = *key;

  if (!ensure_capacity (state, group, entry) || (group->n_used >= group->limit && !grow_index (state, group)))
    return WEIR_NO_ENTRY;
  own.meta &= WEIR_KEY_BITS;
  if (!weir_key_own (&state->cells, &own))
    return WEIR_NO_ENTRY;
  weir_entry_at (group, entry)->key = own;
  weir_entry_at (group, entry)->value = weir_nil ();
  set_used (state, group, entry);
  group->first_free = entry + 1;
  add_to_index (group, own.hash, entry);
  if (state->is_dated)
    weir_entry_at (group, entry)->age.time = state->now;
  if (state->has_timeout)
    link_newest (group, entry);
  weir_entry_mark (state, group, entry);
  return entry;
}

static void
drop_content (WeirKeyedState *state, WeirStateGroup *group, guint32 entry)
{
  weir_key_drop (&state->cells, &weir_entry_at (group, entry)->key);
  if (weir_entry_at (group, entry)->value.kind >= WEIR_TEXT)
    weir_cells_drop (&state->cells, &weir_entry_at (group, entry)->value);
}

void
weir_entry_remove (WeirKeyedState *state, WeirStateGroup *group, guint32 entry)
{
  weir_entry_mark (state, group, entry);
  take_from_index (group, weir_entry_at (group, entry)->key.hash, entry);
  if (state->has_timeout)
    unlink_age (group, entry);
  drop_content (state, group, entry);
  set_free (state, group, entry);
}

/* What is read out of a container and emitted is copied then, since the container may change. */
static void
lend_members (WeirValue value)
{
  gsize n = value.kind == WEIR_PAIR ? 2 : value.kind == WEIR_LIST ? value.size : 0;
  WeirValue *cells = (WeirValue *) value.cells;

  for (gsize i = 0; i < n; i++) {
    if (cells[i].kind >= WEIR_TEXT)
      cells[i].flags |= WEIR_VALUE_BORROWED;
    lend_members (cells[i]);
  }
}

gboolean
weir_entry_set (WeirKeyedState *state, WeirStateGroup *group, guint32 entry, WeirValue value)
{
  WeirValue *kept = &weir_entry_at (group, entry)->value;

  value.flags &= (guint8) ~WEIR_VALUE_BORROWED;
  if (!weir_cells_replace (&state->cells, kept, value))
    return FALSE;
  if (G_UNLIKELY (kept->kind >= WEIR_PAIR))
    lend_members (*kept);
  weir_entry_mark (state, group, entry);
  return TRUE;
}

void
weir_entry_touch (WeirKeyedState *state, WeirStateGroup *group, guint32 entry)
{
  if (weir_entry_at (group, entry)->age.time == state->now)
    return;
  weir_entry_at (group, entry)->age.time = state->now;
  weir_entry_mark (state, group, entry);
  if (!state->has_timeout || group->newest == entry)
    return;
  unlink_age (group, entry);
  link_newest (group, entry);
}

gboolean
weir_state_is_same_slow (WeirValue a, WeirValue b)
{
  gsize n = a.kind == WEIR_PAIR ? 2 : a.size;

  if (a.kind != b.kind || a.size != b.size || a.kind < WEIR_TEXT)
    return a.kind == b.kind && a.size == b.size && a.bits == b.bits;
  if (a.kind == WEIR_TEXT || a.kind == WEIR_BYTES)
    return memcmp (a.data, b.data, n) == 0;
  for (gsize i = 0; i < n; i++)
    if (!weir_state_is_same_slow (a.cells[i], b.cells[i]))
      return FALSE;
  return TRUE;
}

gboolean
weir_entry_put (WeirKeyedState *state, WeirStateGroup *group, guint32 entry, const WeirKey *key, WeirValue value)
{
  gboolean is_new;
  WeirKey own = *key;

  if (!ensure_capacity (state, group, entry) || !weir_key_own (&state->cells, &own))
    return FALSE;
  is_new = entry >= group->n || weir_entry_at (group, entry)->key.meta == 0;
  if (is_new)
    set_used (state, group, entry);
  else
    drop_content (state, group, entry);
  weir_entry_at (group, entry)->key = own;
  weir_entry_at (group, entry)->value = weir_nil ();
  state->is_unsettled = TRUE;
  return weir_entry_set (state, group, entry, value);
}

void
weir_entry_drop (WeirKeyedState *state, WeirStateGroup *group, guint32 entry)
{
  if (entry >= group->n || weir_entry_at (group, entry)->key.meta == 0)
    return;
  drop_content (state, group, entry);
  set_free (state, group, entry);
  state->is_unsettled = TRUE;
}

typedef struct {
  WeirTime time;
  guint32 entry;
} Aged;

static int
compare_ages (const void *a, const void *b)
{
  const Aged *one = a, *other = b;

  if (one->time != other->time)
    return one->time < other->time ? -1 : 1;
  return one->entry < other->entry ? -1 : 1;
}

static gboolean
order_ages (WeirKeyedState *state, WeirStateGroup *group)
{
  WeirBlock *block = weir_block_new (state->memory, group->n_used * sizeof (Aged));
  Aged *aged = block != NULL ? (Aged *) block->data : NULL;
  guint32 n = 0;

  if (block == NULL)
    return FALSE;
  for (guint32 i = 0; i < group->n; i++)
    if (weir_entry_at (group, i)->key.meta != 0)
      aged[n++] = (Aged){ weir_entry_at (group, i)->age.time, i };
  qsort (aged, n, sizeof *aged, compare_ages);
  group->oldest = group->newest = WEIR_NO_ENTRY;
  for (guint32 i = 0; i < n; i++)
    link_newest (group, aged[i].entry);
  weir_block_unref (block);
  return TRUE;
}

static gboolean
settle_group (WeirKeyedState *state, WeirStateGroup *group)
{
  if (group->index_block != NULL)
    weir_block_unref (group->index_block);
  group->index_block = NULL;
  if (!make_index (state, group, group->n_used))
    return FALSE;
  for (guint32 i = 0; i < group->n; i++)
    if (weir_entry_at (group, i)->key.meta != 0)
      add_to_index (group, weir_entry_at (group, i)->key.hash, i);
  return !state->has_timeout || order_ages (state, group);
}

gboolean
weir_keyed_state_settle (WeirKeyedState *state)
{
  if (!state->is_unsettled)
    return TRUE;
  for (guint i = 0; i < state->n_groups; i++)
    if (state->groups[i].capacity > 0 && !settle_group (state, &state->groups[i]))
      return FALSE;
  state->is_unsettled = FALSE;
  return TRUE;
}

/* What was saved without a time counts from the first batch on. */
static void
date_all (WeirKeyedState *state)
{
  for (guint i = 0; i < state->n_groups; i++) {
    WeirStateGroup *group = &state->groups[i];

    for (guint32 entry = 0; entry < group->n; entry++)
      if (weir_entry_at (group, entry)->age.time == WEIR_STATE_UNDATED)
        weir_entry_at (group, entry)->age.time = state->now;
  }
  state->is_unsettled = TRUE;
}

gboolean
weir_keyed_state_begin (WeirKeyedState *state, WeirTime now)
{
  state->now = now;
  if (state->is_undated && state->is_dated)
    date_all (state);
  state->is_undated = FALSE;
  return weir_keyed_state_settle (state);
}
