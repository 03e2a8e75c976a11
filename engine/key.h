/* A key as a table's slot holds it: up to 16 bytes by themselves, with kind and size; what is longer by a pointer.
 *
 * Inline because it runs once per record; what is rare is in engine/table.c. Must not know where slots lie. Pure
 * functions, any thread, but for cells, which belong to a table. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/cells.h"
#include "engine/hash.h"

#if G_BYTE_ORDER != G_LITTLE_ENDIAN
#error "short keys are kept as little-endian words and read back as bytes"
#endif

/* meta: size of a short text, flags, kind, eight bits for the owner of the slot; 0: the slot is free. */
#define WEIR_KEY_SIZE       0x0000001fu
#define WEIR_KEY_LONG       0x00000020u /* lo is a pointer to hi bytes */
#define WEIR_KEY_CELLS      0x00000040u /* lo is a pointer to a WeirValue */
#define WEIR_KEY_KIND_SHIFT 8
#define WEIR_KEY_NOTE_SHIFT 16
#define WEIR_KEY_NOTE       0x00ff0000u
#define WEIR_KEY_USED       0x80000000u
#define WEIR_KEY_BITS       (~WEIR_KEY_NOTE)

typedef struct {
  guint64 lo, hi;
  guint32 hash; /* the top half: place, key group, and a tag for long keys */
  guint32 meta;
} WeirKey;

void weir_key_of_slow (WeirValue value, const WeirSeed *seed, WeirKey *key, WeirValue *cell);
WeirValue weir_key_value_slow (const WeirKey *key);
gboolean weir_key_equal_slow (const WeirKey *slot, const WeirKey *key);

static inline guint32
weir_key_meta_of_short (guint kind, gsize size)
{
  return WEIR_KEY_USED | kind << WEIR_KEY_KIND_SHIFT | (guint32) size;
}

static inline void
weir_key_of_text (const char *data, gsize size, guint kind, const WeirSeed *seed, WeirKey *key)
{
  guint64 lo, hi;

  if (G_LIKELY (size <= WEIR_HASH_SHORT)) {
    weir_key_words (data, size, &lo, &hi);
    key->hash = (guint32) (weir_hash_words (lo, hi, size, seed) >> 32);
    key->meta = weir_key_meta_of_short (kind, size);
    key->lo = lo;
    key->hi = hi;
    return;
  }
  key->lo = (guint64) (guintptr) data;
  key->hi = size;
  key->hash = (guint32) (weir_hash_long (data, size, seed) >> 32);
  key->meta = WEIR_KEY_USED | WEIR_KEY_LONG | kind << WEIR_KEY_KIND_SHIFT;
}

/* @cell holds a container while the key is in use. */
static inline void
weir_key_of (WeirValue value, const WeirSeed *seed, WeirKey *key, WeirValue *cell)
{
  if (G_LIKELY (value.kind == WEIR_TEXT || value.kind == WEIR_BYTES))
    weir_key_of_text (value.data, value.size, value.kind, seed, key);
  else if (G_LIKELY (value.kind == WEIR_INT))
    *key = (WeirKey){ value.bits, 0, (guint32) (weir_hash_words (value.bits, 0, WEIR_HASH_KIND (WEIR_INT), seed) >> 32),
                      WEIR_KEY_USED | WEIR_INT << WEIR_KEY_KIND_SHIFT };
  else
    weir_key_of_slow (value, seed, key, cell);
}

/* The value that a slot's key stands for; it points into the slot or the table's cells. */
static inline WeirValue
weir_key_value (const WeirKey *key)
{
  const guint32 what = (guint32) 15 << WEIR_KEY_KIND_SHIFT | WEIR_KEY_LONG;
  guint64 size_and_tag; /* as one word, as weir_value_sized () has it */
  WeirValue value;

  if (G_UNLIKELY ((key->meta & what) != WEIR_TEXT << WEIR_KEY_KIND_SHIFT))
    return weir_key_value_slow (key);
  size_and_tag = (key->meta & WEIR_KEY_SIZE) | (guint64) WEIR_TEXT << 32;
  value.data = (const char *) &key->lo;
  memcpy (&value.size, &size_and_tag, sizeof size_and_tag);
  return value;
}

gboolean weir_key_own_slow (WeirCells *cells, WeirKey *key);
void weir_key_drop_slow (WeirCells *cells, const WeirKey *key);

/* Makes a copy of a key stand on its own: what does not fit into it is copied into @cells. FALSE: memory limit. */
static inline gboolean
weir_key_own (WeirCells *cells, WeirKey *key)
{
  return G_LIKELY ((key->meta & (WEIR_KEY_LONG | WEIR_KEY_CELLS)) == 0) || weir_key_own_slow (cells, key);
}

static inline void
weir_key_drop (WeirCells *cells, const WeirKey *key)
{
  if (G_UNLIKELY ((key->meta & (WEIR_KEY_LONG | WEIR_KEY_CELLS)) != 0))
    weir_key_drop_slow (cells, key);
}

static inline gboolean
weir_key_equal (const WeirKey *a, const WeirKey *b)
{
  if (a->lo == b->lo && a->hi == b->hi && ((a->meta ^ b->meta) & WEIR_KEY_BITS) == 0)
    return TRUE;
  return G_UNLIKELY ((b->meta & (WEIR_KEY_LONG | WEIR_KEY_CELLS)) != 0) && weir_key_equal_slow (a, b);
}
