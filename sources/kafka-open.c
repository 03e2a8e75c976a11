/* Opens and closes the direct source: brokers, topics, handles, and where each partition begins. Must not know batches
 * nor what a checkpoint holds. Threads: whoever opens; nothing else runs then.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/options.h"
#include "sources/kafka-keeper.h"
#include "sources/kafka-reader.h"
#include "sources/kafka-slots.h"

#define MOST_READERS 4

/* A broker that does not answer at the first start is a mistake, mostly; later it is a broker that is away. */
#define FIRST_PATIENCE WEIR_SECONDS (10)
#define LATER_PATIENCE WEIR_SECONDS (60)
#define LIST_MS        5000

static gboolean
make_readers (WeirKafkaSource *self, guint n, GError **error)
{
  self->n_readers = n;
  self->readers = g_renew (WeirKafkaReader *, self->readers, n);
  for (guint i = 0; i < n; i++) {
    self->readers[i] = weir_kafka_reader_new (self, error);
    if (self->readers[i] == NULL) {
      self->n_readers = i;
      return FALSE;
    }
  }
  return TRUE;
}

static void
free_readers (WeirKafkaSource *self)
{
  for (guint i = 0; i < self->n_readers; i++)
    weir_kafka_reader_free (self->readers[i]);
  self->n_readers = 0;
  g_clear_pointer (&self->readers, g_free);
}

static gboolean
refuse_missing (const GPtrArray *missing, GError **error)
{
  if (missing->len == 0)
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_SOURCE, "there is no topic %s: create it, or check the name",
               (const char *) g_ptr_array_index (missing, 0));
  return FALSE;
}

static void
add_partition (WeirKafkaSource *self, const char *topic, gint32 number)
{
  WeirKafkaPartition *partition = weir_kafka_partition_new (self, topic, number);

  g_ptr_array_add (self->all, partition);
  g_ptr_array_add (self->partitions, partition);
}

/* Those that the job names itself must be there: nobody would ever miss one that is not. */
static gboolean
check_assigned (WeirKafkaSource *self, rd_kafka_t *rk, GError **error)
{
  gint64 low, high;

  for (guint i = 0; self->topics.assigned != NULL && i < self->partitions->len; i++)
    if (!weir_kafka_ask_bounds (rk, weir_kafka_partition_at (self, i), &low, &high, error))
      return FALSE;
  return TRUE;
}

static gboolean
list_partitions (WeirKafkaSource *self, GError **error)
{
  rd_kafka_t *rk = weir_kafka_reader_handle (self->readers[0]);
  g_autoptr (GArray) found = weir_kafka_partition_names_new ();
  g_autoptr (GPtrArray) missing = g_ptr_array_new_with_free_func (g_free);

  if (!weir_kafka_topics_list (&self->topics, rk, LIST_MS, found, missing, error) || !refuse_missing (missing, error))
    return FALSE;
  for (guint i = 0; i < found->len; i++) {
    const WeirKafkaPartitionName *name = &g_array_index (found, WeirKafkaPartitionName, i);

    add_partition (self, name->topic, name->partition);
  }
  return check_assigned (self, rk, error);
}

/* One handle parses on one thread: two read twice as much, where there are partitions and CPUs for both. */
static gboolean
add_readers (WeirKafkaSource *self, GError **error)
{
  guint n_workers = weir_options_integer (weir_engine_options (self->source.engine), WEIR_OPTION_WORKERS);
  guint n = CLAMP (MIN (self->partitions->len, n_workers), 1, MOST_READERS);

  if (n > 1) {
    free_readers (self);
    if (!make_readers (self, n, error))
      return FALSE;
  }
  for (guint i = 0; i < self->partitions->len; i++)
    ((WeirKafkaPartition *) g_ptr_array_index (self->partitions, i))->reader = self->readers[i % n];
  return TRUE;
}

static gboolean
connect_to_cluster (WeirKafkaSource *self, GError **error)
{
  gint64 patience = self->was_open ? LATER_PATIENCE : FIRST_PATIENCE;
  rd_kafka_t *rk;

  self->n_readers = 1;
  if (!make_readers (self, 1, error))
    return FALSE;
  rk = weir_kafka_reader_handle (self->readers[0]);
  if (!weir_kafka_handle_reach (rk, self->kafka, patience, error))
    return FALSE;
  g_free (self->cluster);
  self->cluster = weir_kafka_handle_cluster (rk);
  return TRUE;
}

static void
init_open (WeirKafkaSource *self)
{
  WeirEngine *engine = self->source.engine;

  self->generation++;
  self->is_stopping = self->waits_for_room = FALSE;
  self->quit = self->is_awaited = FALSE;
  self->hold_above = G_MAXSIZE;
  self->left_bytes = 0;
  self->staging = (WeirKafkaStaging){ .memory = weir_engine_memory (engine), .has_extras = self->f != NULL };
  self->on_loss =
      (WeirKafkaLossPolicy) weir_options_choice (weir_engine_options (engine), WEIR_OPTION_KAFKA_ON_DATA_LOSS);
  self->all = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_kafka_partition_free);
  self->partitions = g_ptr_array_new ();
  weir_backlog_init (&self->backlog);
}

static void
commit_ranges (const WeirOffsetRange *ranges, gsize n, gpointer data)
{
  WeirKafkaSource *self = data;

  for (gsize i = 0; i < n; i++)
    weir_kafka_keeper_commit (self->keeper, ranges[i].topic, ranges[i].partition, ranges[i].until);
}

static void
note_starts (WeirKafkaSource *self)
{
  for (guint i = 0; i < self->partitions->len; i++) {
    WeirKafkaPartition *partition = g_ptr_array_index (self->partitions, i);

    partition->expected = partition->next;
    partition->check = partition->witness;
    weir_kafka_stage_reset (&partition->stage, MAX (partition->next, 0));
  }
}

/* Where nothing is known yet, a checkpoint may know: then it does not matter that nobody else does. */
gboolean
weir_kafka_source_find_starts (WeirKafkaSource *self, gboolean is_new, GError **error)
{
  rd_kafka_t *rk = weir_kafka_reader_handle (self->readers[0]);
  GError *failure = NULL;

  g_clear_error (&self->unresolved);
  if (weir_kafka_resolve_starts (self, rk, is_new, &failure)) {
    note_starts (self);
    return TRUE;
  }
  if (!weir_engine_is_durable (self->source.engine) || is_new) {
    g_propagate_error (error, failure);
    return FALSE;
  }
  self->unresolved = failure;
  return TRUE;
}

gboolean
weir_kafka_source_open (WeirSource *source, GError **error)
{
  WeirKafkaSource *self = (WeirKafkaSource *) source;
  const char *path = weir_options_string (weir_engine_options (source->engine), WEIR_OPTION_KAFKA_PROPERTIES);

  init_open (self);
  self->keeper = weir_kafka_keeper_new (self);
  weir_kafka_add_committer (self->kafka, commit_ranges, self);
  if (!weir_kafka_read_file (self->kafka, path, error) || !connect_to_cluster (self, error) ||
      !list_partitions (self, error) || !add_readers (self, error) ||
      !weir_kafka_source_find_starts (self, FALSE, error))
    return FALSE;
  self->was_open = TRUE;
  return TRUE;
}

void
weir_kafka_source_close (WeirSource *source)
{
  WeirKafkaSource *self = (WeirKafkaSource *) source;

  if (self->keeper == NULL)
    return;
  weir_kafka_remove_committer (self->kafka, self);
  __atomic_store_n (&self->quit, TRUE, __ATOMIC_RELEASE);
  weir_kafka_keeper_stop (self->keeper);
  free_readers (self);
  g_clear_pointer (&self->keeper, weir_kafka_keeper_free);
  g_clear_pointer (&self->partitions, g_ptr_array_unref);
  g_clear_pointer (&self->all, g_ptr_array_unref);
  g_clear_pointer (&self->cluster, g_free);
  g_clear_error (&self->unresolved);
  weir_backlog_clear (&self->backlog);
  self->generation++;
}
