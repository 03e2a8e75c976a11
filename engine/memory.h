/* Memory of one context: blocks of few sizes, counted against memory.limit and recycled, and arenas
 * over them.
 *
 * A WeirMemory may be used from any thread (one lock, taken per block, never per record). An arena belongs to
 * one thread at a time. Nothing here knows values, batches or operators. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

typedef struct _WeirMemory WeirMemory;
typedef struct _WeirBlock WeirBlock;

#define WEIR_BLOCK_MIN ((gsize) 256)

#ifdef __SANITIZE_ADDRESS__
#define WEIR_MEMORY_IS_WATCHED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEIR_MEMORY_IS_WATCHED
#endif
#endif

struct _WeirBlock {
  WeirMemory *memory;
  WeirBlock *next; /* for whoever owns the block */
  gsize size;      /* of the whole block, header included */
  gint refs;       /* atomic */
  guint unused;
  char data[];
};

WeirMemory *weir_memory_new (gsize limit);
void weir_memory_free (WeirMemory *memory);
void weir_memory_set_limit (WeirMemory *memory, gsize limit);
gsize weir_memory_limit (const WeirMemory *memory);
gsize weir_memory_used (WeirMemory *memory);
gsize weir_memory_peak (WeirMemory *memory); /* since the last call */
void weir_memory_trim (WeirMemory *memory);  /* give back what is cached */

/* NULL when the limit would be passed or the system has none left; @payload bytes at least. */
WeirBlock *weir_block_new (WeirMemory *memory, gsize payload);
WeirBlock *weir_block_ref (WeirBlock *block);
void weir_block_unref (WeirBlock *block);
#define weir_block_capacity(block) ((block)->size - sizeof (WeirBlock))

typedef struct {
  WeirMemory *memory;
  WeirBlock *blocks; /* newest first */
  char *next, *end;
  gsize used; /* bytes handed out since the last reset */
} WeirArena;

void weir_arena_init (WeirArena *arena, WeirMemory *memory);
void weir_arena_clear (WeirArena *arena);
void weir_arena_reset (WeirArena *arena); /* all is taken back; keeps one block for what comes next */
/* Takes back all that was allocated since *mark, which is a copy of the arena as it was. */
void weir_arena_rewind (WeirArena *arena, const WeirArena *mark);
/* The block lives as long as what was allocated here so far. Transfer full: nobody else may hold a reference. */
void weir_arena_adopt (WeirArena *arena, WeirBlock *block);
gpointer weir_arena_alloc_slow (WeirArena *arena, gsize size);

/* 8-aligned, not zeroed, also for no bytes at all; NULL when the memory limit would be passed. */
static inline gpointer
weir_arena_alloc (WeirArena *arena, gsize size)
{
  gsize rounded = (size + (size == 0) + 7) & ~(gsize) 7;
  char *p = arena->next;

  if (G_UNLIKELY (rounded < size || (gsize) (arena->end - p) < rounded))
    return weir_arena_alloc_slow (arena, size);
  arena->next = p + rounded;
  arena->used += rounded;
  return p;
}
