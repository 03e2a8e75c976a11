/* Tests of engine/memory: what is used is counted, limits hold, blocks come back, arenas hand out what nobody else has.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/memory.h"

#include <pthread.h>
#include <string.h>

#define MIB ((gsize) 1024 * 1024)

/* AddressSanitizer aborts where the system says no. */
#ifdef WEIR_MEMORY_IS_WATCHED
#define TOO_MUCH (G_MAXSIZE / 4)
#else
#define TOO_MUCH ((gsize) 1 << 50)
#endif

typedef struct {
  WeirMemory *memory;
  WeirArena arena;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->memory = weir_memory_new (64 * MIB);
  weir_arena_init (&f->arena, f->memory);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_arena_clear (&f->arena);
  g_assert_cmpuint (weir_memory_used (f->memory), ==, 0);
  weir_memory_free (f->memory);
}

static void
a_block_holds_what_was_asked_for_and_little_more (Fixture *f, gconstpointer data)
{
  for (gsize size = 0; size < 8 * MIB; size += 1 + size / 7) {
    WeirBlock *block = weir_block_new (f->memory, size);

    g_assert_nonnull (block);
    g_assert_cmpuint (weir_block_capacity (block), >=, size);
    g_assert_cmpuint (block->size, <=, MAX (WEIR_BLOCK_MIN, (size + sizeof (WeirBlock)) * 9 / 8));
    g_assert_cmpuint (weir_memory_used (f->memory), ==, block->size);
    memset (block->data, 0x5a, weir_block_capacity (block));
    weir_block_unref (block);
    g_assert_cmpuint (weir_memory_used (f->memory), ==, 0);
  }
}

static void
a_block_lives_as_long_as_its_last_reference (Fixture *f, gconstpointer data)
{
  WeirBlock *block = weir_block_new (f->memory, 1000);

  g_assert_true (weir_block_ref (block) == block);
  weir_block_unref (block);
  memset (block->data, 1, 1000);
  g_assert_cmpuint (weir_memory_used (f->memory), ==, block->size);
  weir_block_unref (block);
}

static void
the_limit_holds_to_the_byte (Fixture *f, gconstpointer data)
{
  WeirBlock *block = weir_block_new (f->memory, 100 * 1000), *other;

  weir_memory_set_limit (f->memory, 2 * block->size - 1);
  g_assert_null (weir_block_new (f->memory, 100 * 1000));
  g_assert_cmpuint (weir_memory_used (f->memory), ==, block->size);
  weir_memory_set_limit (f->memory, 2 * block->size);
  other = weir_block_new (f->memory, 100 * 1000);
  g_assert_nonnull (other);
  g_assert_null (weir_block_new (f->memory, 0));
  weir_memory_set_limit (f->memory, 0);
  g_assert_cmpuint (weir_memory_limit (f->memory), ==, 0);
  weir_block_unref (other);
  g_assert_null (weir_block_new (f->memory, 0));
  weir_block_unref (block);
}

static void
sizes_beyond_reason_are_refused (Fixture *f, gconstpointer data)
{
  weir_memory_set_limit (f->memory, G_MAXSIZE);
  for (gsize size = G_MAXSIZE; size > TOO_MUCH; size = size / 3 * 2) {
    g_assert_null (weir_block_new (f->memory, size));
    g_assert_null (weir_arena_alloc (&f->arena, size));
  }
  for (gsize less = 0; less < 100; less++)
    g_assert_null (weir_arena_alloc (&f->arena, G_MAXSIZE - less));
}

static void
the_peak_counts_from_the_last_question (Fixture *f, gconstpointer data)
{
  WeirBlock *small = weir_block_new (f->memory, 1000);
  WeirBlock *large = weir_block_new (f->memory, MIB);
  gsize both = small->size + large->size;

  weir_block_unref (large);
  g_assert_cmpuint (weir_memory_peak (f->memory), ==, both);
  g_assert_cmpuint (weir_memory_peak (f->memory), ==, small->size);
  weir_block_unref (small);
}

/* Blocks that wait to be used again don't count, and give way where the limit needs it. */
static void
what_waits_gives_way_to_what_is_needed (Fixture *f, gconstpointer data)
{
  WeirBlock *blocks[12], *block;

  for (guint i = 0; i < G_N_ELEMENTS (blocks); i++)
    blocks[i] = weir_block_new (f->memory, MIB);
  for (guint i = 0; i < G_N_ELEMENTS (blocks); i++)
    weir_block_unref (blocks[i]);
  g_assert_cmpuint (weir_memory_used (f->memory), ==, 0);
  block = weir_block_new (f->memory, 63 * MIB);
  g_assert_nonnull (block);
  weir_block_unref (block);
  weir_memory_trim (f->memory);
}

#ifndef WEIR_MEMORY_IS_WATCHED
static void
a_block_that_was_given_back_is_used_again (Fixture *f, gconstpointer data)
{
  for (gsize size = 100; size < 10 * MIB; size *= 5) {
    WeirBlock *block = weir_block_new (f->memory, size), *again;

    weir_block_unref (block);
    again = weir_block_new (f->memory, size - 1);
    g_assert_true (again == block);
    weir_block_unref (again);
  }
}
#endif

static gpointer
take_and_give (gpointer data)
{
  WeirMemory *memory = data;
  WeirBlock *blocks[8] = { NULL };

  for (guint i = 0; i < 20000; i++) {
    WeirBlock **block = &blocks[i * 7 % 8];

    if (*block != NULL)
      weir_block_unref (*block);
    *block = weir_block_new (memory, i % 13 * 3000);
    if (*block != NULL)
      memset ((*block)->data, (int) i, 100);
  }
  for (guint i = 0; i < 8; i++)
    if (blocks[i] != NULL)
      weir_block_unref (blocks[i]);
  return NULL;
}

static void
threads_share_it (Fixture *f, gconstpointer data)
{
  pthread_t threads[4];

  weir_memory_set_limit (f->memory, 300 * 1000);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_assert_cmpint (pthread_create (&threads[i], NULL, take_and_give, f->memory), ==, 0);
  for (guint i = 0; i < 1000; i++)
    g_assert_cmpuint (weir_memory_used (f->memory), <=, 300 * 1000);
  weir_memory_trim (f->memory);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    pthread_join (threads[i], NULL);
  g_assert_cmpuint (weir_memory_peak (f->memory), <=, 300 * 1000);
}

/* Each piece keeps what was written to it while others are handed out. */
static void
arenas_hand_out_what_nobody_else_has (Fixture *f, gconstpointer data)
{
  enum { N = 3000 };
  static guint8 *pieces[N];

  for (guint i = 0; i < N; i++) {
    gsize size = i % 97 == 0 ? i * 10 : i % 300;

    pieces[i] = weir_arena_alloc (&f->arena, size);
    g_assert_nonnull (pieces[i]);
    g_assert_cmpuint ((guintptr) pieces[i] % 8, ==, 0);
    memset (pieces[i], (int) i, size);
  }
  for (guint i = 0; i < N; i++)
    for (gsize k = 0, size = i % 97 == 0 ? i * 10 : i % 300; k < size; k++)
      g_assert_cmpuint (pieces[i][k], ==, (guint8) i);
}

static void
nothing_is_something_too (Fixture *f, gconstpointer data)
{
  gpointer first = weir_arena_alloc (&f->arena, 0);

  g_assert_nonnull (first);
  g_assert_true (weir_arena_alloc (&f->arena, 0) != first);
}

/* Whether there was anything in the arena before, the block lives until it is reset, and what is handed out is not in it. */
static void
a_block_that_was_adopted_lives_as_long_as_what_was_allocated (Fixture *f, gconstpointer data)
{
  for (guint round = 0; round < 4; round++) {
    WeirBlock *block = weir_block_new (f->memory, 10000);
    char *before = round % 2 == 0 ? weir_arena_alloc (&f->arena, 10) : NULL, *after;

    memset (block->data, 7, 10000);
    weir_arena_adopt (&f->arena, block);
    g_assert_cmpuint (f->arena.used, >=, 10000);
    after = weir_arena_alloc (&f->arena, 10);
    g_assert_true (after + 10 <= block->data || after >= block->data + 10000);
    memset (after, 1, 10);
    if (before != NULL)
      memset (before, 1, 10);
    for (guint i = 0; i < 10000; i++)
      g_assert_cmpint (block->data[i], ==, 7);
    if (round < 2)
      weir_arena_reset (&f->arena);
    else
      weir_arena_clear (&f->arena);
  }
}

static void
an_arena_that_was_reset_does_not_grow (Fixture *f, gconstpointer data)
{
  gsize used = 0;

  for (guint round = 0; round < 100; round++) {
    for (guint i = 0; i < 1000; i++)
      memset (weir_arena_alloc (&f->arena, 100), 1, 100);
    g_assert_cmpuint (f->arena.used, ==, 1000 * 104);
    if (round < 5)
      used = MAX (used, weir_memory_used (f->memory));
    g_assert_cmpuint (weir_memory_used (f->memory), <=, MIN (used, MIB));
    weir_arena_reset (&f->arena);
    g_assert_cmpuint (f->arena.used, ==, 0);
  }
  weir_arena_clear (&f->arena);
  weir_arena_reset (&f->arena);
  g_assert_cmpuint (weir_memory_used (f->memory), ==, 0);
}

static void
rewinding_takes_back_what_came_since (Fixture *f, gconstpointer data)
{
  for (guint before = 0; before < 50000; before = before * 3 + 1) {
    WeirArena mark;
    char *kept, *first;
    gsize used;

    weir_arena_clear (&f->arena);
    kept = weir_arena_alloc (&f->arena, before);
    memset (kept, 'k', before);
    mark = f->arena;
    used = weir_memory_used (f->memory);
    first = weir_arena_alloc (&f->arena, 16);
    for (guint i = 0; i < 30; i++)
      memset (weir_arena_alloc (&f->arena, i * 1000), 'x', i * 1000);
    weir_arena_rewind (&f->arena, &mark);
    g_assert_cmpuint (weir_memory_used (f->memory), ==, used);
    g_assert_cmpuint (f->arena.used, ==, mark.used);
    if (f->arena.end - f->arena.next >= 16)
      g_assert_true (weir_arena_alloc (&f->arena, 16) == first);
    for (guint i = 0; i < before; i++)
      g_assert_cmpint (kept[i], ==, 'k');
  }
}

static void
rewinding_to_the_beginning_frees_all (Fixture *f, gconstpointer data)
{
  WeirArena mark = f->arena;

  weir_arena_alloc (&f->arena, 100 * 1000);
  weir_arena_alloc (&f->arena, 100 * 1000);
  weir_arena_rewind (&f->arena, &mark);
  g_assert_cmpuint (weir_memory_used (f->memory), ==, 0);
}

static void
at_the_limit_an_arena_keeps_what_it_has (Fixture *f, gconstpointer data)
{
  guint n = 0;
  char *first = weir_arena_alloc (&f->arena, 8);

  memcpy (first, "unharmed", 8);
  weir_memory_set_limit (f->memory, MIB);
  while (weir_arena_alloc (&f->arena, 1000) != NULL)
    n++;
  g_assert_cmpuint (n, >, 700);
  g_assert_null (weir_arena_alloc (&f->arena, 2 * MIB));
  g_assert_cmpmem (first, 8, "unharmed", 8);
  g_assert_cmpuint (weir_memory_used (f->memory), <=, MIB);
}

#define ADD(test) g_test_add ("/memory/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (a_block_holds_what_was_asked_for_and_little_more);
  ADD (a_block_lives_as_long_as_its_last_reference);
  ADD (the_limit_holds_to_the_byte);
  ADD (sizes_beyond_reason_are_refused);
  ADD (the_peak_counts_from_the_last_question);
  ADD (what_waits_gives_way_to_what_is_needed);
#ifndef WEIR_MEMORY_IS_WATCHED
  ADD (a_block_that_was_given_back_is_used_again);
#endif
  ADD (threads_share_it);
  ADD (arenas_hand_out_what_nobody_else_has);
  ADD (nothing_is_something_too);
  ADD (a_block_that_was_adopted_lives_as_long_as_what_was_allocated);
  ADD (an_arena_that_was_reset_does_not_grow);
  ADD (rewinding_takes_back_what_came_since);
  ADD (rewinding_to_the_beginning_frees_all);
  ADD (at_the_limit_an_arena_keeps_what_it_has);
  return g_test_run ();
}
