/* Streams by hand: a source that a test describes, operators without a context, runs with workers and a memory limit.
 *
 * Belongs to one test; the figures of a Script are added to by workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <string.h>

#include "engine/dataset.h"
#include "engine/source.h"
#include "engine/workers.h"

typedef enum { PLAIN_INTS, PLAIN_TEXTS, PAIRS, MIXED } Shape;

/* What a source gives: element i of partition p stands for p * 1000000 + i. */
typedef struct {
  guint n_partitions;
  gint64 n;    /* elements in partition 0; partition p has p more */
  gint64 step; /* elements a reading */
  Shape shape;
  gint64 fails_at;  /* > 0: the element that fails the batch */
  guint64 n_read;   /* elements; atomic */
  guint n_read_end; /* calls; atomic */
} Script;

typedef struct {
  WeirMemory *memory;
  WeirWorkers *workers;
  WeirRun run;
  WeirPlan plan;
  WeirOp source;
} StageFixture;

static inline gint64
script_id (guint partition, gint64 i)
{
  return (gint64) partition * 1000000 + i;
}

static inline gint64
script_size (const Script *script, guint partition)
{
  return script->n + partition;
}

static inline gint64
script_total (const Script *script)
{
  gint64 n = 0;

  for (guint i = 0; i < script->n_partitions; i++)
    n += script_size (script, i);
  return n;
}

static inline gboolean
is_pair_in (Shape shape, gint64 id)
{
  return shape == PAIRS || (shape == MIXED && id / 7 % 2 == 1);
}

static inline void
emit_element (WeirTask *task, Shape shape, gint64 id)
{
  if (is_pair_in (shape, id))
    weir_emit_pair (task, weir_int (id), weir_format (task, "value-%d", (int) id));
  else if (shape == PLAIN_INTS)
    weir_emit (task, weir_int (id));
  else
    weir_emit (task, weir_format (task, "value-%d", (int) id));
}

static inline gboolean
script_read (WeirTask *task, WeirReader *reader)
{
  Script *script = ((const WeirPlan *) reader->plan)->data;
  gint64 *at = reader->state;
  gint64 end = MIN (script_size (script, reader->partition), *at + script->step), n = end - *at;

  for (; *at < end; ++*at) {
    gint64 id = script_id (reader->partition, *at);

    if (id == script->fails_at && id > 0)
      weir_fail (task, "element %d", (int) id);
    emit_element (task, script->shape, id);
  }
  __atomic_add_fetch (&script->n_read, (guint64) n, __ATOMIC_RELAXED);
  return *at < script_size (script, reader->partition);
}

static inline void
script_read_end (WeirTask *task, WeirReader *reader)
{
  Script *script = ((const WeirPlan *) reader->plan)->data;

  __atomic_add_fetch (&script->n_read_end, 1, __ATOMIC_RELAXED);
}

static const WeirOpClass script_class = {
  .verb = "script",
  .kind = WEIR_OP_SOURCE,
  .reader_size = sizeof (gint64),
  .read = script_read,
  .read_end = script_read_end,
};

static inline void
stage_fixture_begin (StageFixture *f, guint n_workers)
{
  *f = (StageFixture){ .memory = weir_memory_new (G_MAXSIZE), .workers = weir_workers_new (n_workers) };
  f->source = (WeirOp){ .klass = &script_class, .name = "source" };
}

static inline void
stage_fixture_end (StageFixture *f)
{
  weir_workers_free (f->workers);
  g_assert_cmpuint (weir_memory_used (f->memory), ==, 0);
  weir_memory_free (f->memory);
}

/* A batch: the source's dataset. */
static inline WeirDataset *
stage_fixture_run (StageFixture *f, Script *script)
{
  WeirDataset *dataset;

  weir_run_init (&f->run, f->memory, f->workers);
  weir_seed_init (&f->run.seed, 0);
  f->run.time = WEIR_SECONDS (1);
  f->plan = (WeirPlan){ .n_partitions = script->n_partitions, .n_records = script_total (script), .data = script };
  dataset = weir_dataset_new_node (&f->run, &f->source, NULL, 0);
  dataset->n_uses = 1;
  dataset->plan = &f->plan;
  return dataset;
}

static inline WeirDataset *
derive (StageFixture *f, const WeirOp *op, WeirDataset *parent)
{
  WeirDataset *dataset = weir_dataset_new_node (&f->run, op, &parent, parent != NULL ? 1 : 0);

  dataset->n_uses = 1;
  return dataset;
}

/* Element by element, whatever the chunks are. */
typedef struct {
  WeirPartition *const *partitions;
  guint n_partitions;
  guint partition, chunk, at;
} Walk;

static inline gboolean
walk_next (Walk *walk, WeirValue cells[2], WeirValue *value)
{
  for (; walk->partition < walk->n_partitions; walk->partition++, walk->chunk = 0) {
    GArray *chunks = walk->partitions[walk->partition]->chunks;

    for (; walk->chunk < chunks->len; walk->chunk++, walk->at = 0) {
      const WeirChunk *chunk = &g_array_index (chunks, WeirChunk, walk->chunk);

      if (walk->at == chunk->n)
        continue;
      *value = weir_chunk_element (chunk, walk->at++, cells);
      return TRUE;
    }
  }
  return FALSE;
}

static inline void
expect_element (WeirValue value, Shape shape, gint64 id)
{
  char text[32];
  gint n = g_snprintf (text, sizeof text, "value-%d", (int) id);

  if (is_pair_in (shape, id)) {
    g_assert_cmpint (weir_as_int (weir_key (value)), ==, id);
    value = weir_val (value);
  }
  if (shape == PLAIN_INTS)
    g_assert_cmpint (weir_as_int (value), ==, id);
  else
    g_assert_cmpmem (weir_data (value), weir_size (value), text, n);
}

static inline void
free_partitions (WeirPartition **partitions, guint n)
{
  for (guint i = 0; i < n; i++)
    weir_partition_unref (partitions[i]);
  g_free (partitions);
}
