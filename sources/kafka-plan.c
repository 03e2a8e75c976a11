/* Owns what a batch has of Kafka: pieces of blocks, which workers turn into chunks where they lie; and the ranges of
 * offsets that a job may ask for. Must not know how records came there. Threads: made and freed on the loop's, read by
 * workers in between.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sources/kafka-plan.h"

#include "engine/dataset.h"
#include "engine/task.h"

WeirKafkaPlan *
weir_kafka_plan_new (guint n)
{
  WeirKafkaPlan *plan = g_malloc0 (sizeof *plan + n * sizeof plan->slices[0]);

  plan->n = n;
  return plan;
}

void
weir_kafka_plan_free (WeirKafkaPlan *plan)
{
  for (guint i = 0; i < plan->n; i++)
    weir_kafka_taken_clear (&plan->slices[i].taken);
  g_free (plan);
}

void
weir_kafka_plan_describe (const WeirKafkaPlan *kafka_plan, WeirPlan *plan)
{
  plan->n_partitions = kafka_plan->n;
  plan->n_records = 0;
  plan->n_bytes = 0;
  for (guint i = 0; i < kafka_plan->n; i++) {
    plan->n_records += (gint64) kafka_plan->slices[i].taken.n;
    plan->n_bytes += kafka_plan->slices[i].taken.n_bytes;
  }
}

/* --- reading; workers --- */

static inline WeirValue
text_at (const char *data, guint32 size)
{
  if (size == WEIR_KAFKA_NO_BYTES)
    return weir_nil ();
  return WEIR_VALUE_INIT (data, data, size, WEIR_TEXT, 0);
}

/* The piece that the cursor stands in; NULL: the end. */
static const WeirKafkaPiece *
piece_of (const WeirKafkaSlice *slice, WeirKafkaCursor *cursor)
{
  const WeirKafkaPiece *piece;

  if (slice->taken.pieces == NULL)
    return NULL;
  if (!cursor->is_begun || cursor->at >= g_array_index (slice->taken.pieces, WeirKafkaPiece, cursor->piece).to) {
    cursor->piece += cursor->is_begun;
    cursor->is_begun = TRUE;
    if (cursor->piece >= slice->taken.pieces->len)
      return NULL;
    piece = &g_array_index (slice->taken.pieces, WeirKafkaPiece, cursor->piece);
    cursor->at = piece->from;
  }
  return &g_array_index (slice->taken.pieces, WeirKafkaPiece, cursor->piece);
}

static void
read_pairs (WeirTask *task, const WeirKafkaPiece *piece, WeirKafkaCursor *cursor)
{
  guint32 at = cursor->at;
  guint n = 0;

  weir_task_reserve (task, TRUE);
  for (; n < task->head.capacity && at < piece->to; n++) {
    const WeirKafkaHead *head = weir_kafka_head_at (piece, at);
    const char *key = (const char *) (head + 1);

    task->head.keys[n] = text_at (key, head->key_size);
    task->head.values[n] = text_at (key + weir_kafka_size_of (head->key_size), head->value_size);
    at += head->size;
  }
  cursor->at = at;
  task->head.n_elements = n;
  weir_task_flush (task);
}

/* --- for functions that want to know more --- */

static gboolean
read_headers (WeirTask *task, const char *at, guint n, WeirKafkaMessage *message)
{
  WeirKafkaHeader *headers = weir_alloc (task, n * sizeof *headers);

  if (headers == NULL)
    return FALSE;
  for (guint i = 0; i < n; i++) {
    const guint32 *sizes = (const guint32 *) (gconstpointer) at;
    const char *name = at + 2 * sizeof *sizes, *value = name + sizes[0] + 1;
    gsize size = 2 * sizeof *sizes + sizes[0] + 1 + weir_kafka_size_of (sizes[1]);

    headers[i].name = name;
    headers[i].data = sizes[1] != WEIR_KAFKA_NO_BYTES ? value : NULL;
    headers[i].size = weir_kafka_size_of (sizes[1]);
    at += (size + 3) & ~(gsize) 3;
  }
  message->headers = headers;
  message->n_headers = n;
  return TRUE;
}

static gboolean
hand_message (WeirTask *task, const WeirKafkaSlice *slice, const WeirKafkaPiece *piece, const WeirKafkaHead *head)
{
  const WeirKafkaSource *source = (const WeirKafkaSource *) ((const WeirPlan *) task->task_run->reader.plan)->source;
  const WeirKafkaExtras *extras = (const WeirKafkaExtras *) (head + 1);
  const char *key = weir_kafka_key_of (head, TRUE);
  const char *value = key + weir_kafka_size_of (head->key_size);
  const char *end = (const char *) head + head->size;
  WeirKafkaMessage message = { .topic = slice->partition->topic,
                               .partition = slice->partition->number,
                               .offset = weir_kafka_offset_at (piece, head),
                               .timestamp_ms = extras->timestamp_ms,
                               .key = text_at (key, head->key_size),
                               .value = text_at (value, head->value_size) };
  WeirTaskMark mark;

  if (extras->n_headers > 0 &&
      !read_headers (task, end - ((extras->headers_size + 7) & ~(guint32) 7), extras->n_headers, &message))
    return FALSE;
  mark = weir_task_begin_record (task);
  source->f (task, &message, source->user_data);
  weir_task_end_record (task, mark, message.value);
  return weir_task_is_going (task);
}

static void
read_messages (WeirTask *task, const WeirKafkaSlice *slice, const WeirKafkaPiece *piece, WeirKafkaCursor *cursor)
{
  weir_task_shield (task);
  for (guint n = 0; n < WEIR_CHUNK_SIZE && cursor->at < piece->to; n++) {
    const WeirKafkaHead *head = weir_kafka_head_at (piece, cursor->at);

    if (!hand_message (task, slice, piece, head))
      return;
    cursor->at += head->size;
  }
  weir_task_unshield (task);
}

gboolean
weir_kafka_read (WeirTask *task, WeirReader *reader)
{
  const WeirPlan *plan = reader->plan;
  const WeirKafkaSource *source = (const WeirKafkaSource *) plan->source;
  const WeirKafkaSlice *slice = &((const WeirKafkaPlan *) plan->data)->slices[reader->partition];
  WeirKafkaCursor *cursor = reader->state;
  const WeirKafkaPiece *piece = piece_of (slice, cursor);

  if (piece == NULL)
    return FALSE;
  if (source->f != NULL)
    read_messages (task, slice, piece, cursor);
  else
    read_pairs (task, piece, cursor);
  return TRUE;
}

/* --- ranges of offsets --- */

static void
add_ranges (const WeirKafkaPlan *plan, GArray *ranges)
{
  for (guint i = 0; i < plan->n; i++) {
    const WeirKafkaSlice *slice = &plan->slices[i];
    WeirOffsetRange range = { slice->partition->topic, slice->partition->number, slice->taken.from,
                              slice->taken.until };

    g_array_append_val (ranges, range);
  }
}

/* Each source once, in order of the first way to it. */
static void
collect (WeirDataset *dataset, GPtrArray *seen, GArray *ranges)
{
  if (dataset->op == NULL || g_ptr_array_find (seen, dataset, NULL))
    return;
  g_ptr_array_add (seen, dataset);
  if (dataset->op->klass->read == weir_kafka_read && dataset->plan != NULL)
    add_ranges (((const WeirPlan *) dataset->plan)->data, ranges);
  for (guint i = 0; i < dataset->n_parents; i++)
    collect (dataset->parents[i], seen, ranges);
}

/**
 * weir_dataset_offset_ranges:
 * @data: a dataset that a function of the job was given
 * @n: (out): how many
 *
 * Which records of Kafka's topics the batch has, of every Kafka source above @data: for each partition the first offset
 * and the one behind the last, equal where it has none. A range may hold fewer records than offsets: those of aborted
 * transactions, compacted ones and marks of transactions are no records. For a window this is its newest batch.
 *
 * On the thread of the function that was given @data, which is the runner. Doesn't block.
 *
 * Returns: (transfer none) (array length=n) (nullable): the ranges, valid as long as @data; %NULL if there is none, or
 * no memory below `memory.limit` for them
 */
const WeirOffsetRange *
weir_dataset_offset_ranges (WeirDataset *data, gsize *n)
{
  g_autoptr (GPtrArray) seen = g_ptr_array_new ();
  g_autoptr (GArray) ranges = g_array_new (FALSE, FALSE, sizeof (WeirOffsetRange));
  WeirOffsetRange *copy = NULL;

  g_return_val_if_fail (data != NULL && n != NULL, NULL);
  *n = 0;
  if (!weir_dataset_is_valid (data, NULL))
    return NULL;
  collect (data, seen, ranges);
  if (ranges->len > 0)
    copy = weir_arena_alloc (&weir_dataset_run_of (data)->results, ranges->len * sizeof *copy);
  if (copy == NULL)
    return NULL;
  for (guint i = 0; i < ranges->len; i++)
    copy[i] = g_array_index (ranges, WeirOffsetRange, i);
  *n = ranges->len;
  return copy;
}
