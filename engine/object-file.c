/* Owns the form of object files. A block is checked as a whole before any of it is used, and says which one it is; the
 * last one says how many values there are, so that a file that was cut off anywhere is told from a whole one. Must not
 * know where files are. Any thread, each with its own.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/object-file.h"

#include <string.h>

#include <xxhash.h>

#include "engine/frame.h"
#include "engine/wire.h"

/* Header: magic and version (8), size of the payload (8), checksum of the payload (8), checksum of the header up to here
 * (8). Payload: number of the block (8), of its values (4), the values; in the last block the number of all (8). */
#define MAGIC         "weirobj\1"
#define AT_SIZE       8
#define AT_SUM        16
#define AT_HEADER_SUM 24
#define AT_COUNT      (WEIR_OBJECT_HEADER + 8)

static void
store_u64 (guint8 *at, guint64 value)
{
  value = GUINT64_TO_LE (value);
  memcpy (at, &value, sizeof value);
}

static guint64
load_u64 (const guint8 *at)
{
  guint64 value;

  memcpy (&value, at, sizeof value);
  return GUINT64_FROM_LE (value);
}

static void
begin_block (WeirObjectWriter *writer)
{
  static const guint8 room[WEIR_OBJECT_HEADER];

  writer->n = 0;
  g_byte_array_set_size (writer->block, 0);
  g_byte_array_append (writer->block, room, sizeof room);
  weir_put_u64 (writer->block, writer->number);
  weir_put_u32 (writer->block, 0);
}

void
weir_object_writer_init (WeirObjectWriter *writer)
{
  *writer = (WeirObjectWriter){ .block = g_byte_array_sized_new (WEIR_OBJECT_BLOCK + 4096) };
  begin_block (writer);
}

void
weir_object_writer_clear (WeirObjectWriter *writer)
{
  g_clear_pointer (&writer->block, g_byte_array_unref);
}

gboolean
weir_object_writer_add (WeirObjectWriter *writer, WeirValue value)
{
  if (!weir_encode_bounded (value, writer->block))
    return FALSE;
  writer->n++;
  return TRUE;
}

gboolean
weir_object_writer_is_full (const WeirObjectWriter *writer)
{
  return writer->block->len >= WEIR_OBJECT_BLOCK;
}

GByteArray *
weir_object_writer_seal (WeirObjectWriter *writer)
{
  guint32 n = GUINT32_TO_LE (writer->n);
  guint8 *header;

  if (writer->n == 0)
    weir_put_u64 (writer->block, writer->n_values);
  header = writer->block->data;
  memcpy (header + AT_COUNT, &n, sizeof n);
  memcpy (header, MAGIC, 8);
  store_u64 (header + AT_SIZE, writer->block->len - WEIR_OBJECT_HEADER);
  store_u64 (header + AT_SUM, XXH3_64bits (header + WEIR_OBJECT_HEADER, writer->block->len - WEIR_OBJECT_HEADER));
  store_u64 (header + AT_HEADER_SUM, XXH3_64bits (header, AT_HEADER_SUM));
  return writer->block;
}

void
weir_object_writer_next (WeirObjectWriter *writer)
{
  writer->n_values += writer->n;
  writer->number++;
  begin_block (writer);
}

const char *
weir_object_head_open (const guint8 header[WEIR_OBJECT_HEADER], WeirObjectHead *head)
{
  if (memcmp (header, MAGIC, 7) != 0)
    return "no block of an object file begins there";
  if (load_u64 (header + AT_HEADER_SUM) != XXH3_64bits (header, AT_HEADER_SUM))
    return "the checksum of a block's header is wrong";
  if (header[7] != (guint8) MAGIC[7])
    return "it is in a version of the format that this weir does not read";
  *head = (WeirObjectHead){ load_u64 (header + AT_SIZE), load_u64 (header + AT_SUM) };
  return NULL;
}

const char *
weir_object_block_open (const WeirObjectHead *head, const guint8 *payload, WeirObjectBlock *block)
{
  WeirTaker taker;

  if (XXH3_64bits (payload, head->size) != head->sum)
    return "the checksum of a block is wrong";
  weir_taker_init (&taker, payload, head->size);
  *block = (WeirObjectBlock){ .number = weir_take_u64 (&taker), .n_left = weir_take_u32 (&taker) };
  if (block->n_left == 0)
    block->n_values = weir_take_u64 (&taker);
  block->at = taker.data;
  block->end = taker.end;
  return taker.has_failed || (block->n_left == 0 && !weir_taker_is_done (&taker)) ? "a block has an impossible size"
                                                                                  : NULL;
}
