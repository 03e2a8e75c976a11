/* Keyed state in slices beside a plain model of it: the same things are done to both.
 *
 * Belongs to one test, one thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/keyed-state-save.h"
#include "tests/engine/table-fixture.h"

#define MOST_KEYS 6000

/* Slices that make one state. */
typedef struct {
  guint n;
  WeirKeyedState *slices[16];
} Slices;

typedef struct {
  WeirMemory *memory;
  WeirRun run;
  WeirArena frame;
  WeirTaskRun task_run;
  WeirOp op;
  WeirTask *task;
  WeirTime now;
  gboolean has_timeout;
  Slices state;
  /* The model, by key: */
  gboolean is_there[MOST_KEYS];
  guint versions[MOST_KEYS]; /* what the value is made of */
  WeirTime times[MOST_KEYS];
} StateFixture;

static const WeirOpClass state_fixture_class = { .verb = "keeper", .kind = WEIR_OP_WIDE };

static inline void
slices_open (StateFixture *f, Slices *slices, guint n)
{
  slices->n = n;
  for (guint i = 0; i < n; i++)
    slices->slices[i] = weir_keyed_state_new (f->memory, i, n, TRUE, f->has_timeout);
}

static inline void
slices_close (Slices *slices)
{
  for (guint i = 0; i < slices->n; i++)
    weir_keyed_state_free (slices->slices[i]);
  slices->n = 0;
}

static inline void
state_fixture_begin (StateFixture *f, guint n_slices, gboolean has_timeout)
{
  memset (f, 0, sizeof *f);
  f->memory = weir_memory_new ((gsize) 512 * 1024 * 1024);
  f->has_timeout = has_timeout;
  f->op = (WeirOp){ .klass = &state_fixture_class, .name = "keeper", .n_slices = n_slices };
  weir_run_init (&f->run, f->memory, NULL);
  weir_seed_init (&f->run.seed, 0);
  weir_arena_init (&f->frame, f->memory);
  f->task_run = (WeirTaskRun){ .run = &f->run, .frame = &f->frame };
  weir_arena_init (&f->task_run.scratch, f->memory);
  f->task = weir_task_link_new (&f->task_run, &f->op, &state_fixture_class, NULL);
  slices_open (f, &f->state, n_slices);
}

static inline void
state_fixture_end (StateFixture *f)
{
  slices_close (&f->state);
  weir_arena_clear (&f->task_run.scratch);
  weir_arena_clear (&f->frame);
  weir_run_clear (&f->run);
  g_assert_cmpuint (weir_memory_used (f->memory), ==, 0);
  weir_memory_free (f->memory);
}

/* Keys that fit a slot, keys that do not, containers, numbers. */
static inline WeirValue
fixture_key (StateFixture *f, guint i)
{
  switch (i % 4) {
  case 0:
    return weir_format (f->task, "k%u", i);
  case 1:
    return weir_int (i);
  case 2:
    return weir_format (f->task, "a-key-that-is-longer-than-sixteen-%u", i);
  default:
    return weir_pair (f->task, weir_int (i), weir_format (f->task, "in-a-pair-%u", i));
  }
}

/* Scalars, texts of all sizes, containers. */
static inline WeirValue
fixture_value (StateFixture *f, guint i, guint version)
{
  guint mix = i * 31 + version * 7;
  WeirValue items[2] = { weir_int (mix), weir_nil () };

  switch (mix % 5) {
  case 0:
    return weir_int (version);
  case 1:
    return weir_format (f->task, "%0*u", (int) (mix % 90), version);
  case 2:
    return weir_float (mix / 8.0);
  case 3:
    items[1] = weir_format (f->task, "%0*u", (int) (mix % 40), version);
    return weir_list (f->task, items, 2);
  default:
    return weir_format (f->task, "%0*u", (int) (mix % 5000), version);
  }
}

static inline WeirKeyedState *
slice_with (const Slices *slices, guint32 hash)
{
  return slices->slices[weir_slice_of (hash, slices->n)];
}

/* The entry of a key; @group: it belongs there. */
static inline guint32
slices_find (StateFixture *f, const Slices *slices, guint i, WeirStateGroup **group)
{
  WeirValue cell;
  WeirKey key;

  weir_key_of (fixture_key (f, i), &f->task->seed, &key, &cell);
  *group = weir_keyed_state_group (slice_with (slices, key.hash), key.hash);
  return weir_entry_find (*group, &key);
}

static inline void
slices_set (StateFixture *f, const Slices *slices, guint i, WeirValue value)
{
  WeirStateGroup *group;
  WeirKeyedState *state;
  WeirValue cell;
  WeirKey key;
  guint32 entry;

  weir_key_of (fixture_key (f, i), &f->task->seed, &key, &cell);
  state = slice_with (slices, key.hash);
  group = weir_keyed_state_group (state, key.hash);
  entry = weir_entry_find (group, &key);
  if (entry == WEIR_NO_ENTRY)
    entry = weir_entry_insert (state, group, &key);
  g_assert_cmpuint (entry, !=, WEIR_NO_ENTRY);
  g_assert_true (weir_entry_set (state, group, entry, value));
  weir_entry_touch (state, group, entry);
}

static inline void
slices_remove (StateFixture *f, const Slices *slices, guint i)
{
  WeirStateGroup *group;
  guint32 entry = slices_find (f, slices, i, &group);

  if (entry != WEIR_NO_ENTRY)
    weir_entry_remove (slice_with (slices, weir_entry_at (group, entry)->key.hash), group, entry);
}

/* The same to the model, and to one or two states. */
static inline void
state_fixture_set (StateFixture *f, const Slices *other, guint i)
{
  guint version = (guint) g_test_rand_int_range (0, 100000);

  slices_set (f, &f->state, i, fixture_value (f, i, version));
  if (other != NULL)
    slices_set (f, other, i, fixture_value (f, i, version));
  f->is_there[i] = TRUE;
  f->versions[i] = version;
  f->times[i] = f->now;
  weir_arena_reset (&f->task_run.scratch);
}

static inline void
state_fixture_remove (StateFixture *f, const Slices *other, guint i)
{
  slices_remove (f, &f->state, i);
  if (other != NULL)
    slices_remove (f, other, i);
  f->is_there[i] = FALSE;
  weir_arena_reset (&f->task_run.scratch);
}

static inline void
state_fixture_tick (StateFixture *f, Slices *other)
{
  f->now += WEIR_SECONDS (1);
  for (guint i = 0; i < f->state.n; i++)
    g_assert_true (weir_keyed_state_begin (f->state.slices[i], f->now));
  for (guint i = 0; other != NULL && i < other->n; i++)
    g_assert_true (weir_keyed_state_begin (other->slices[i], f->now));
}

static inline void
expect_slices (StateFixture *f, const Slices *slices)
{
  gsize n = 0, n_there = 0;

  for (guint i = 0; i < slices->n; i++)
    n += slices->slices[i]->n_used;
  for (guint i = 0; i < MOST_KEYS; i++) {
    WeirStateGroup *group;
    guint32 entry = slices_find (f, slices, i, &group);

    n_there += f->is_there[i];
    g_assert_cmpint (entry != WEIR_NO_ENTRY, ==, f->is_there[i]);
    if (entry == WEIR_NO_ENTRY)
      continue;
    g_assert_true (weir_equal (weir_key_value (&weir_entry_at (group, entry)->key), fixture_key (f, i)));
    g_assert_true (weir_equal (weir_entry_at (group, entry)->value, fixture_value (f, i, f->versions[i])));
    g_assert_cmpint (weir_entry_at (group, entry)->age.time, ==, f->times[i]);
    weir_arena_reset (&f->task_run.scratch);
  }
  g_assert_cmpuint (n, ==, n_there);
}

/* The oldest comes first, each entry once. */
static inline void
expect_ages (const Slices *slices)
{
  for (guint i = 0; i < slices->n; i++)
    for (guint k = 0; k < slices->slices[i]->n_groups; k++) {
      const WeirStateGroup *group = &slices->slices[i]->groups[k];
      WeirTime last = G_MININT64;
      guint32 n = 0;

      for (guint32 e = group->oldest; e != WEIR_NO_ENTRY; e = weir_entry_at (group, e)->age.newer, n++) {
        g_assert_cmpint (weir_entry_at (group, e)->age.time, >=, last);
        last = weir_entry_at (group, e)->age.time;
      }
      g_assert_cmpuint (n, ==, group->n_used);
    }
}
