/* Owns the blocks that a context's data lives in. Eight sizes a doubling, so that at most an eighth is wasted; freed
 * blocks wait in a list of their size, because a batch wants tomorrow what it wanted today. Large blocks come from mmap
 * with huge pages asked for: hash tables miss the TLB otherwise.
 *
 * One lock guards lists and figures; it is taken per block. Must not know what is in a block.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

/* AddressSanitizer sees what is used after it was given back only if it really was. */
#ifdef WEIR_MEMORY_IS_WATCHED
#define RECYCLE  0
#define MAP_FROM G_MAXSIZE
#else
#define RECYCLE  1
#define MAP_FROM ((gsize) 256 * 1024)
#endif

#define HUGE_FROM   ((gsize) 4 * 1024 * 1024)
#define ARENA_FIRST ((gsize) 16 * 1024)
#define ARENA_MOST  ((gsize) 256 * 1024)
#define N_CLASSES   (64 * 8)

struct _WeirMemory {
  pthread_mutex_t lock;
  gsize limit;
  gsize used; /* in blocks that somebody holds */
  gsize peak;
  gsize cached; /* in free lists */
  WeirBlock *free_blocks[N_CLASSES];
};

/* Rounds up to the next eighth of a power of two. */
static gsize
class_size (gsize size, guint *class)
{
  guint log2 = 63 - (guint) __builtin_clzll (size);
  gsize step = (gsize) 1 << (log2 - 3);
  gsize rounded = (size + step - 1) & ~(step - 1);

  log2 = 63 - (guint) __builtin_clzll (rounded);
  *class = log2 * 8 + (guint) ((rounded >> (log2 - 3)) & 7);
  return rounded;
}

static WeirBlock *
block_from_system (gsize size)
{
  void *p;

  if (size < MAP_FROM)
    return malloc (size);
  p = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED)
    return NULL;
  if (size >= HUGE_FROM)
    madvise (p, size, MADV_HUGEPAGE);
  return p;
}

static void
block_to_system (WeirBlock *block)
{
  if (block->size < MAP_FROM)
    free (block);
  else
    munmap (block, block->size);
}

WeirMemory *
weir_memory_new (gsize limit)
{
  WeirMemory *memory = g_new0 (WeirMemory, 1);

  pthread_mutex_init (&memory->lock, NULL);
  memory->limit = limit;
  return memory;
}

static WeirBlock *
take_cached (WeirMemory *memory)
{
  WeirBlock *all = NULL;

  for (guint i = 0; i < N_CLASSES && memory->cached > 0; i++)
    while (memory->free_blocks[i] != NULL) {
      WeirBlock *block = memory->free_blocks[i];

      memory->free_blocks[i] = block->next;
      memory->cached -= block->size;
      block->next = all;
      all = block;
    }
  return all;
}

void
weir_memory_trim (WeirMemory *memory)
{
  WeirBlock *all;

  pthread_mutex_lock (&memory->lock);
  all = take_cached (memory);
  pthread_mutex_unlock (&memory->lock);
  while (all != NULL) {
    WeirBlock *next = all->next;

    block_to_system (all);
    all = next;
  }
}

void
weir_memory_free (WeirMemory *memory)
{
  if (memory == NULL)
    return;
  weir_memory_trim (memory);
  g_assert (memory->used == 0);
  pthread_mutex_destroy (&memory->lock);
  g_free (memory);
}

void
weir_memory_set_limit (WeirMemory *memory, gsize limit)
{
  pthread_mutex_lock (&memory->lock);
  __atomic_store_n (&memory->limit, limit, __ATOMIC_RELAXED);
  pthread_mutex_unlock (&memory->lock);
}

gsize
weir_memory_limit (const WeirMemory *memory)
{
  return __atomic_load_n (&memory->limit, __ATOMIC_RELAXED);
}

gsize
weir_memory_used (WeirMemory *memory)
{
  return __atomic_load_n (&memory->used, __ATOMIC_RELAXED);
}

gsize
weir_memory_peak (WeirMemory *memory)
{
  gsize peak;

  pthread_mutex_lock (&memory->lock);
  peak = memory->peak;
  memory->peak = memory->used;
  pthread_mutex_unlock (&memory->lock);
  return peak;
}

/* Counts @size and takes a block of the class if one waits. FALSE: over the limit. */
static gboolean
reserve (WeirMemory *memory, guint class, gsize size, WeirBlock **block)
{
  gboolean ok;

  pthread_mutex_lock (&memory->lock);
  ok = size <= memory->limit && memory->used <= memory->limit - size;
  if (ok) {
    __atomic_store_n (&memory->used, memory->used + size, __ATOMIC_RELAXED);
    memory->peak = MAX (memory->peak, memory->used);
    *block = memory->free_blocks[class];
    if (*block != NULL) {
      memory->free_blocks[class] = (*block)->next;
      memory->cached -= size;
    }
  }
  pthread_mutex_unlock (&memory->lock);
  return ok;
}

static void
unreserve (WeirMemory *memory, gsize size)
{
  pthread_mutex_lock (&memory->lock);
  __atomic_store_n (&memory->used, memory->used - size, __ATOMIC_RELAXED);
  pthread_mutex_unlock (&memory->lock);
}

/* What waits and what is used, which counts the new block already, together stay below the limit. */
static void
make_room (WeirMemory *memory)
{
  gboolean over;

  pthread_mutex_lock (&memory->lock);
  over = memory->cached > 0 && memory->used + memory->cached > memory->limit;
  pthread_mutex_unlock (&memory->lock);
  if (over)
    weir_memory_trim (memory);
}

WeirBlock *
weir_block_new (WeirMemory *memory, gsize payload)
{
  WeirBlock *block = NULL;
  guint class;
  gsize size;

  if (payload > G_MAXSIZE / 4)
    return NULL;
  size = class_size (MAX (payload + sizeof (WeirBlock), WEIR_BLOCK_MIN), &class);
  if (!reserve (memory, class, size, &block))
    return NULL;
  if (block == NULL) {
    make_room (memory);
    block = block_from_system (size);
  }
  if (block == NULL) {
    unreserve (memory, size);
    return NULL;
  }
  block->memory = memory;
  block->next = NULL;
  block->size = size;
  block->refs = 1;
  return block;
}

WeirBlock *
weir_block_ref (WeirBlock *block)
{
  __atomic_add_fetch (&block->refs, 1, __ATOMIC_RELAXED);
  return block;
}

void
weir_block_unref (WeirBlock *block)
{
  WeirMemory *memory = block->memory;
  gboolean keep;
  guint class;

  if (__atomic_sub_fetch (&block->refs, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  class_size (block->size, &class);
  pthread_mutex_lock (&memory->lock);
  __atomic_store_n (&memory->used, memory->used - block->size, __ATOMIC_RELAXED);
  keep = RECYCLE && memory->cached + block->size <= memory->limit / 4;
  if (keep) {
    block->next = memory->free_blocks[class];
    memory->free_blocks[class] = block;
    memory->cached += block->size;
  }
  pthread_mutex_unlock (&memory->lock);
  if (!keep)
    block_to_system (block);
}

void
weir_arena_init (WeirArena *arena, WeirMemory *memory)
{
  *arena = (WeirArena){ .memory = memory };
}

static void
drop_blocks (WeirBlock *block)
{
  while (block != NULL) {
    WeirBlock *next = block->next;

    weir_block_unref (block);
    block = next;
  }
}

void
weir_arena_clear (WeirArena *arena)
{
  drop_blocks (arena->blocks);
  weir_arena_init (arena, arena->memory);
}

void
weir_arena_reset (WeirArena *arena)
{
  if (!RECYCLE)
    weir_arena_clear (arena);
  if (arena->blocks == NULL)
    return;
  drop_blocks (arena->blocks->next);
  arena->blocks->next = NULL;
  arena->next = arena->blocks->data;
  arena->end = arena->blocks->data + weir_block_capacity (arena->blocks);
  arena->used = 0;
}

void
weir_arena_rewind (WeirArena *arena, const WeirArena *mark)
{
  while (arena->blocks != mark->blocks) {
    WeirBlock *block = arena->blocks;

    arena->blocks = block->next;
    weir_block_unref (block);
  }
  *arena = *mark;
}

/* Behind the newest, out of which memory is handed. */
void
weir_arena_adopt (WeirArena *arena, WeirBlock *block)
{
  WeirBlock **place = arena->blocks != NULL ? &arena->blocks->next : &arena->blocks;

  g_assert (__atomic_load_n (&block->refs, __ATOMIC_ACQUIRE) == 1);
  if (arena->blocks == NULL)
    arena->next = arena->end = block->data + weir_block_capacity (block);
  block->next = *place;
  *place = block;
  arena->used += block->size;
}

gpointer
weir_arena_alloc_slow (WeirArena *arena, gsize size)
{
  gsize wanted = arena->blocks == NULL ? ARENA_FIRST : MIN (arena->blocks->size * 2, ARENA_MOST);
  WeirBlock *block;

  if (size > G_MAXSIZE / 4)
    return NULL;
  block = weir_block_new (arena->memory, MAX (size, wanted - sizeof (WeirBlock)));
  if (block == NULL)
    return NULL;
  block->next = arena->blocks;
  arena->blocks = block;
  arena->next = block->data;
  arena->end = block->data + weir_block_capacity (block);
  return weir_arena_alloc (arena, size);
}
