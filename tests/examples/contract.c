/* The public interface as programs that are compiled apart from weir know it: each function, type and constant is declared
 * here once more, so that a header that says something else does not compile. Against the installed headers alone; gcc or
 * clang. What is added to weir need not stand here; what stands here is neither renamed nor dropped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stddef.h>
#include <weir/connector.h>
#include <weir/kafka.h>
#include <weir/redis.h>
#include <weir/test.h>
#include <weir/weir.h>

#define SAME_TYPE(a, b) __builtin_types_compatible_p (__typeof__ (a), __typeof__ (b))
#define SAME_FIELD(type, field)                                                                                        \
  _Static_assert(SAME_TYPE (((type *) 0)->field, ((Known##type *) 0)->field) &&                                        \
                     offsetof (type, field) == offsetof (Known##type, field),                                          \
                 #type "." #field)

/* --- functions --- */

WeirValue weir_nil (void);
WeirValue weir_bool (gboolean b);
WeirValue weir_int (gint64 i);
WeirValue weir_float (gdouble f);
WeirValue weir_text (const char *nul_terminated);
WeirValue weir_text_n (const char *data, gsize size);
WeirValue weir_bytes (gconstpointer data, gsize size);
WeirValue weir_pair_at (const WeirValue *key_and_value);
WeirValue weir_list_at (const WeirValue *items, gsize n_items);
WeirValue weir_pair (WeirTask *task, WeirValue key, WeirValue value);
WeirValue weir_list (WeirTask *task, const WeirValue *items, gsize n_items);
WeirValue weir_copy (WeirTask *task, WeirValue value);
WeirKind weir_kind (WeirValue v);
gboolean weir_is_nil (WeirValue v);
gboolean weir_as_bool (WeirValue v);
gint64 weir_as_int (WeirValue v);
gdouble weir_as_float (WeirValue v);
const char *weir_data (WeirValue v);
gsize weir_size (WeirValue v);
WeirValue weir_key (WeirValue pair);
WeirValue weir_val (WeirValue pair);
WeirValue weir_item (WeirValue list, gsize index);
gboolean weir_equal (WeirValue a, WeirValue b);
gint weir_compare (WeirValue a, WeirValue b);
guint64 weir_hash (WeirValue v);
char *weir_to_string (WeirValue v);
gboolean weir_text_next_token (WeirValue *rest, char separator, WeirValue *token);
gboolean weir_text_field (WeirValue text, char separator, gsize index, WeirValue *field);
gboolean weir_parse_int (WeirValue text, gint64 *value);
gboolean weir_parse_float (WeirValue text, gdouble *value);
const char *weir_cstr (WeirTask *task, WeirValue text);
void weir_encode (WeirValue v, GByteArray *out);
gboolean weir_decode (WeirTask *task, gconstpointer data, gsize size, WeirValue *v, GError **error);
void weir_emit (WeirTask *task, WeirValue value);
void weir_emit_pair (WeirTask *task, WeirValue key, WeirValue value);
gpointer weir_alloc (WeirTask *task, gsize size);
WeirValue weir_format (WeirTask *task, const char *format, ...) G_GNUC_PRINTF (2, 3);
WeirTime weir_task_batch_time (const WeirTask *task);
guint weir_task_partition (const WeirTask *task);
void weir_reject (WeirTask *task, WeirValue value, const char *reason);
void weir_fail (WeirTask *task, const char *format, ...) G_GNUC_PRINTF (2, 3);
WeirCounter *weir_counter_new (WeirContext *ctx, const char *name, const char *help);
void weir_counter_add (WeirTask *task, WeirCounter *c, gint64 n);
gint64 weir_counter_value (WeirCounter *c);
gboolean weir_iter_next (WeirIter *it, WeirValue *value);
WeirStream *weir_map (WeirStream *s, WeirMapFunc f, gpointer user_data);
WeirStream *weir_flat_map (WeirStream *s, WeirFlatMapFunc f, gpointer user_data);
WeirStream *weir_filter (WeirStream *s, WeirFilterFunc f, gpointer user_data);
WeirStream *weir_map_values (WeirStream *s, WeirMapFunc f, gpointer user_data);
WeirStream *weir_flat_map_values (WeirStream *s, WeirFlatMapFunc f, gpointer user_data);
WeirStream *weir_map_partitions (WeirStream *s, WeirPartitionFunc f, gpointer user_data);
WeirStream *weir_glom (WeirStream *s);
WeirStream *weir_split (WeirStream *s, char separator);
WeirStream *weir_with_value (WeirStream *s, WeirValue value);
WeirStream *weir_repartition (WeirStream *s, guint n_partitions);
WeirStream *weir_union (WeirStream *a, WeirStream *b);
WeirStream *weir_union_all (WeirStream *const *streams, gsize n);
WeirStream *weir_count (WeirStream *s);
WeirStream *weir_reduce (WeirStream *s, WeirReduceFunc f, gpointer user_data);
WeirStream *weir_count_by_value (WeirStream *s);
WeirStream *weir_top (WeirStream *s, gsize n, WeirCompareFunc f, gpointer user_data);
WeirStream *weir_transform (WeirStream *s, WeirTransformFunc f, gpointer user_data);
WeirStream *weir_transform_with (WeirStream *a, WeirStream *b, WeirTransform2Func f, gpointer user_data);
WeirStream *weir_transform_all (WeirStream *const *streams, gsize n, WeirTransformNFunc f, gpointer user_data);
WeirStream *weir_reduce_by_key (WeirStream *s, WeirReduceFunc f, gpointer user_data);
WeirStream *weir_count_by_key (WeirStream *s);
WeirStream *weir_group_by_key (WeirStream *s);
WeirStream *weir_join (WeirStream *a, WeirStream *b);
WeirStream *weir_left_outer_join (WeirStream *a, WeirStream *b);
WeirStream *weir_right_outer_join (WeirStream *a, WeirStream *b);
WeirStream *weir_full_outer_join (WeirStream *a, WeirStream *b);
WeirStream *weir_cogroup (WeirStream *a, WeirStream *b);
WeirStream *weir_window (WeirStream *s, WeirTime length, WeirTime slide);
WeirStream *weir_reduce_by_window (WeirStream *s, WeirReduceFunc f, WeirReduceFunc inverse, WeirTime length,
                                   WeirTime slide, gpointer user_data);
WeirStream *weir_reduce_by_key_and_window (WeirStream *s, WeirReduceFunc f, WeirReduceFunc inverse, WeirTime length,
                                           WeirTime slide, gpointer user_data);
WeirStream *weir_count_by_window (WeirStream *s, WeirTime length, WeirTime slide);
WeirStream *weir_count_by_value_and_window (WeirStream *s, WeirTime length, WeirTime slide);
WeirStream *weir_group_by_key_and_window (WeirStream *s, WeirTime length, WeirTime slide);
WeirStream *weir_update_state_by_key (WeirStream *s, WeirUpdateFunc f, gpointer user_data);
WeirStream *weir_state_snapshots (WeirStream *mapped);
gboolean weir_state_exists (WeirState *st);
WeirValue weir_state_get (WeirState *st);
void weir_state_update (WeirState *st, WeirValue v);
gpointer weir_state_edit (WeirState *st, gsize size);
void weir_state_remove (WeirState *st);
gboolean weir_state_is_timing_out (WeirState *st);
void weir_stream_set_initial_state (WeirStream *s, const WeirValue *pairs, gsize n_pairs);
void weir_stream_set_state_version (WeirStream *s, guint version,
                                    WeirValue (*upgrade) (WeirTask *task, guint from_version, WeirValue state,
                                                          gpointer user_data));
WeirStream *weir_stream_set_name (WeirStream *s, const char *name);
WeirStream *weir_stream_set_uid (WeirStream *s, const char *uid);
WeirStream *weir_stream_set_partitions (WeirStream *s, guint n);
WeirStream *weir_rejected (WeirStream *s);
WeirStream *weir_socket_text_stream (WeirContext *ctx, const char *host, const char *port);
WeirStream *weir_text_file_stream (WeirContext *ctx, const char *directory);
WeirStream *weir_object_file_stream (WeirContext *ctx, const char *directory);
WeirStream *weir_queue_stream (WeirContext *ctx, WeirQueue *queue, gboolean one_at_a_time);
WeirStream *
weir_generator_stream (WeirContext *ctx, WeirGeneratorFunc f, gdouble records_per_second, gpointer user_data);
WeirQueue *weir_queue_new (void);
void weir_queue_set_partitions (WeirQueue *q, guint n);
void weir_queue_push (WeirQueue *q, const WeirValue *values, gsize n);
void weir_queue_push_nothing (WeirQueue *q);
WeirKafka *weir_kafka_new (WeirContext *ctx, const char *brokers, const char *group);
gboolean weir_kafka_set (WeirKafka *k, const char *property, const char *value, GError **error);
WeirStream *weir_kafka_direct_stream (WeirKafka *k, const char *topics);
WeirStream *weir_kafka_direct_stream_with (WeirKafka *k, const char *topics, WeirKafkaFunc f, gpointer user_data);
WeirStream *weir_kafka_receiver_stream (WeirKafka *k, const char *topics);
void weir_kafka_start_at (WeirStream *s, const char *topic, gint32 partition, gint64 offset);
void weir_kafka_assign (WeirStream *s, const char *topic, gint32 partition, gint64 offset);
const WeirOffsetRange *weir_dataset_offset_ranges (WeirDataset *data, gsize *n);
void weir_kafka_commit_async (WeirKafka *k, const WeirOffsetRange *ranges, gsize n);
WeirOutput *weir_print (WeirStream *s, guint n);
WeirOutput *weir_save_as_text_files (WeirStream *s, const char *prefix, const char *suffix);
WeirOutput *weir_save_as_object_files (WeirStream *s, const char *prefix, const char *suffix);
WeirOutput *weir_foreach_batch (WeirStream *s, WeirForeachFunc f, gpointer user_data);
WeirOutput *weir_foreach_partition (WeirStream *s, WeirPartitionFunc f, gpointer user_data);
WeirOutput *weir_kafka_output (WeirStream *s, WeirKafka *k, const char *topic);
WeirOutput *weir_kafka_output_with (WeirStream *s, WeirKafka *k, WeirKafkaEncodeFunc f, gpointer user_data);
WeirOutput *weir_redis_hash_output (WeirStream *s, const char *uri, const char *hash, WeirRedisMode mode);
guint weir_dataset_n_partitions (WeirDataset *d);
gboolean weir_dataset_count (WeirDataset *d, gsize *count, GError **error);
GArray *weir_dataset_collect (WeirDataset *d, GError **error);
GArray *weir_dataset_take (WeirDataset *d, gsize n, GError **error);
gboolean weir_dataset_foreach_partition (WeirDataset *d, WeirPartitionFunc f, gpointer user_data, GError **error);
WeirDataset *weir_dataset_new (WeirDataset *near, const WeirValue *values, gsize n);
WeirDataset *weir_context_dataset (WeirContext *ctx, const WeirValue *values, gsize n, guint n_partitions);
WeirContext *weir_context_new (const char *name, WeirTime batch_interval);
void weir_context_free (WeirContext *ctx);
void weir_context_set_usage (WeirContext *ctx, const char *words);
void weir_context_add_options (WeirContext *ctx, const GOptionEntry *entries);
gboolean weir_context_parse_args (WeirContext *ctx, int *argc, char ***argv, GError **error);
gboolean weir_context_set (WeirContext *ctx, const char *key, const char *value, GError **error);
gboolean weir_context_start (WeirContext *ctx, GError **error);
WeirWait weir_context_await (WeirContext *ctx, WeirTime timeout, GError **error);
void weir_context_stop (WeirContext *ctx, gboolean graceful);
gboolean weir_context_run (WeirContext *ctx, GError **error);
WeirContextState weir_context_state (WeirContext *ctx);
void weir_context_own (WeirContext *ctx, gpointer data, GDestroyNotify destroy);
int weir_exit_with_error (const GError *error);
WeirContext *weir_test_context_new (WeirTime batch_interval);
WeirContext *weir_test_context_new_at (WeirTime batch_interval, WeirTime start);
WeirCollected *weir_collect (WeirStream *s);
gboolean weir_test_advance (WeirContext *ctx, guint n_batches, GError **error);
gsize weir_collected_n_batches (WeirCollected *c);
WeirTime weir_collected_time (WeirCollected *c, gsize batch);
const WeirValue *weir_collected_values (WeirCollected *c, gsize batch, gsize *n);
char *weir_collected_text (WeirCollected *c, gsize batch);
WeirDataset *weir_dataset_map (WeirDataset *d, WeirMapFunc f, gpointer user_data);
WeirDataset *weir_dataset_flat_map (WeirDataset *d, WeirFlatMapFunc f, gpointer user_data);
WeirDataset *weir_dataset_filter (WeirDataset *d, WeirFilterFunc f, gpointer user_data);
WeirDataset *weir_dataset_map_values (WeirDataset *d, WeirMapFunc f, gpointer user_data);
WeirDataset *weir_dataset_flat_map_values (WeirDataset *d, WeirFlatMapFunc f, gpointer user_data);
WeirDataset *weir_dataset_map_partitions (WeirDataset *d, WeirPartitionFunc f, gpointer user_data);
WeirDataset *weir_dataset_reduce_by_key (WeirDataset *d, WeirReduceFunc f, gpointer user_data);
WeirDataset *weir_dataset_group_by_key (WeirDataset *d);
WeirDataset *weir_dataset_union (WeirDataset *d, WeirDataset *b);
WeirDataset *weir_dataset_join (WeirDataset *d, WeirDataset *b);
WeirDataset *weir_dataset_left_outer_join (WeirDataset *d, WeirDataset *b);
WeirDataset *weir_dataset_right_outer_join (WeirDataset *d, WeirDataset *b);
WeirDataset *weir_dataset_full_outer_join (WeirDataset *d, WeirDataset *b);
WeirDataset *weir_dataset_cogroup (WeirDataset *d, WeirDataset *b);
WeirDataset *weir_dataset_repartition (WeirDataset *d, guint n_partitions);
WeirDataset *weir_dataset_count_by_value (WeirDataset *d);
WeirDataset *weir_dataset_top (WeirDataset *d, gsize n, WeirCompareFunc f, gpointer user_data);
WeirDataset *weir_dataset_distinct (WeirDataset *d);
WeirDataset *weir_dataset_sort_by (WeirDataset *d, WeirCompareFunc compare, gpointer user_data);
WeirOutput *weir_output_set_uid (WeirOutput *o, const char *uid);
WeirOutput *weir_output_set_name (WeirOutput *o, const char *name);
gboolean weir_error_is_retriable (const GError *error);
void weir_receiver_store (WeirReceiver *r, WeirValue value);
gboolean weir_receiver_store_block (WeirReceiver *r, const WeirValue *values, gsize n, GError **error);
void weir_receiver_restart (WeirReceiver *r, const char *why);
gpointer weir_receiver_user_data (WeirReceiver *r);
gboolean weir_receiver_is_stopping (WeirReceiver *r);

/* --- functions that are macros, which add the size of what they are given --- */

WeirStream *
call_combine_by_key (WeirStream *s, const WeirCombiner *c)
{
  return weir_combine_by_key (s, c);
}

WeirStream *
call_aggregate_by_key (WeirStream *s, const WeirAggregate *a)
{
  return weir_aggregate_by_key (s, a);
}

WeirStream *
call_aggregate_by_key_and_window (WeirStream *s, const WeirAggregate *a, WeirTime length, WeirTime slide)
{
  return weir_aggregate_by_key_and_window (s, a, length, slide);
}

WeirStream *
call_map_with_state (WeirStream *s, const WeirStateSpec *spec)
{
  return weir_map_with_state (s, spec);
}

WeirStream *
call_socket_stream (WeirContext *ctx, const char *host, const char *port, const WeirFraming *framing)
{
  return weir_socket_stream (ctx, host, port, framing);
}

WeirStream *
call_file_stream (WeirContext *ctx, const char *directory, const WeirFileSpec *spec)
{
  return weir_file_stream (ctx, directory, spec);
}

WeirStream *
call_receiver_stream (WeirContext *ctx, const WeirReceiverClass *klass, gpointer user_data)
{
  return weir_receiver_stream (ctx, klass, user_data);
}

WeirOutput *
call_output (WeirStream *s, const WeirSinkClass *klass, gpointer user_data)
{
  return weir_output (s, klass, user_data);
}

void
call_context_add_listener (WeirContext *ctx, const WeirListener *listener, gpointer user_data)
{
  weir_context_add_listener (ctx, listener, user_data);
}

WeirDataset *
call_dataset_aggregate_by_key (WeirDataset *d, const WeirAggregate *a)
{
  return weir_dataset_aggregate_by_key (d, a);
}

/* --- types of functions --- */

typedef WeirValue (*WeirMapFunc) (WeirTask *task, WeirValue value, gpointer user_data);
typedef gboolean (*WeirFilterFunc) (WeirTask *task, WeirValue value, gpointer user_data);
typedef void (*WeirFlatMapFunc) (WeirTask *task, WeirValue value, gpointer user_data);
typedef WeirValue (*WeirReduceFunc) (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data);
typedef void (*WeirPartitionFunc) (WeirTask *task, WeirIter *values, gpointer user_data);
typedef gint (*WeirCompareFunc) (WeirValue a, WeirValue b, gpointer user_data);
typedef WeirValue (*WeirGeneratorFunc) (WeirTask *task, guint64 index, gpointer user_data);
typedef WeirValue (*WeirUpdateFunc) (WeirTask *task, WeirValue key, const WeirValue *values, gsize n_values,
                                     WeirValue state, gpointer user_data);
typedef void (*WeirStateFunc) (WeirTask *task, WeirValue key, WeirValue value, WeirState *state, gpointer user_data);
typedef WeirDataset *(*WeirTransformFunc) (WeirDataset *data, WeirTime time, gpointer user_data, GError **error);
typedef WeirDataset *(*WeirTransform2Func) (WeirDataset *a, WeirDataset *b, WeirTime time, gpointer user_data,
                                            GError **error);
typedef WeirDataset *(*WeirTransformNFunc) (WeirDataset *const *data, gsize n, WeirTime time, gpointer user_data,
                                            GError **error);
typedef gboolean (*WeirForeachFunc) (WeirDataset *data, WeirTime time, gpointer user_data, GError **error);
typedef void (*WeirKafkaFunc) (WeirTask *task, const WeirKafkaMessage *message, gpointer user_data);
typedef gboolean (*WeirKafkaEncodeFunc) (WeirTask *task, WeirValue value, WeirKafkaRecord *record, gpointer user_data);

/* --- structs --- */

typedef struct {
  WeirMapFunc create;
  WeirReduceFunc merge_value, merge_combiners;
  gpointer user_data;
} KnownWeirCombiner;
SAME_FIELD (WeirCombiner, create);
SAME_FIELD (WeirCombiner, merge_value);
SAME_FIELD (WeirCombiner, merge_combiners);
SAME_FIELD (WeirCombiner, user_data);

typedef struct {
  gsize size;
  void (*add) (gpointer acc, WeirValue value, gpointer user_data);
  void (*merge) (gpointer acc, gconstpointer later, gpointer user_data);
  WeirValue (*result) (WeirTask *task, gconstpointer acc, gpointer user_data);
  gpointer user_data;
  guint version;
} KnownWeirAggregate;
SAME_FIELD (WeirAggregate, size);
SAME_FIELD (WeirAggregate, add);
SAME_FIELD (WeirAggregate, merge);
SAME_FIELD (WeirAggregate, result);
SAME_FIELD (WeirAggregate, user_data);
SAME_FIELD (WeirAggregate, version);

typedef struct {
  WeirStateFunc function;
  gpointer user_data;
  WeirTime timeout;
  const WeirValue *initial;
  gsize n_initial;
  guint version;
  WeirValue (*upgrade) (WeirTask *task, guint from_version, WeirValue state, gpointer user_data);
} KnownWeirStateSpec;
SAME_FIELD (WeirStateSpec, function);
SAME_FIELD (WeirStateSpec, user_data);
SAME_FIELD (WeirStateSpec, timeout);
SAME_FIELD (WeirStateSpec, initial);
SAME_FIELD (WeirStateSpec, n_initial);
SAME_FIELD (WeirStateSpec, version);
SAME_FIELD (WeirStateSpec, upgrade);

typedef struct {
  WeirFramingKind kind;
  char delimiter;
  gsize size, max_size;
  gboolean text;
} KnownWeirFraming;
SAME_FIELD (WeirFraming, kind);
SAME_FIELD (WeirFraming, delimiter);
SAME_FIELD (WeirFraming, size);
SAME_FIELD (WeirFraming, max_size);
SAME_FIELD (WeirFraming, text);

typedef struct {
  gboolean (*filter) (const char *name, gpointer user_data);
  gpointer user_data;
  gboolean include_existing;
  WeirFraming framing;
} KnownWeirFileSpec;
SAME_FIELD (WeirFileSpec, filter);
SAME_FIELD (WeirFileSpec, user_data);
SAME_FIELD (WeirFileSpec, include_existing);
SAME_FIELD (WeirFileSpec, framing);

typedef struct {
  const char *name;
  gconstpointer data;
  gsize size;
} KnownWeirKafkaHeader;
SAME_FIELD (WeirKafkaHeader, name);
SAME_FIELD (WeirKafkaHeader, data);
SAME_FIELD (WeirKafkaHeader, size);

typedef struct {
  const char *topic;
  gint32 partition;
  gint64 offset;
  gint64 timestamp_ms;
  WeirValue key, value;
  const WeirKafkaHeader *headers;
  gsize n_headers;
} KnownWeirKafkaMessage;
SAME_FIELD (WeirKafkaMessage, topic);
SAME_FIELD (WeirKafkaMessage, partition);
SAME_FIELD (WeirKafkaMessage, offset);
SAME_FIELD (WeirKafkaMessage, timestamp_ms);
SAME_FIELD (WeirKafkaMessage, key);
SAME_FIELD (WeirKafkaMessage, value);
SAME_FIELD (WeirKafkaMessage, headers);
SAME_FIELD (WeirKafkaMessage, n_headers);

typedef struct {
  const char *topic;
  gint32 partition;
  gint64 from;
  gint64 until;
} KnownWeirOffsetRange;
SAME_FIELD (WeirOffsetRange, topic);
SAME_FIELD (WeirOffsetRange, partition);
SAME_FIELD (WeirOffsetRange, from);
SAME_FIELD (WeirOffsetRange, until);

typedef struct {
  const char *topic;
  gint32 partition;
  gint64 timestamp_ms;
  WeirValue key, value;
  const WeirKafkaHeader *headers;
  gsize n_headers;
} KnownWeirKafkaRecord;
SAME_FIELD (WeirKafkaRecord, topic);
SAME_FIELD (WeirKafkaRecord, partition);
SAME_FIELD (WeirKafkaRecord, timestamp_ms);
SAME_FIELD (WeirKafkaRecord, key);
SAME_FIELD (WeirKafkaRecord, value);
SAME_FIELD (WeirKafkaRecord, headers);
SAME_FIELD (WeirKafkaRecord, n_headers);

typedef struct {
  void (*batch_submitted) (const WeirBatchInfo *, gpointer);
  void (*batch_started) (const WeirBatchInfo *, gpointer);
  void (*batch_completed) (const WeirBatchInfo *, gpointer);
  void (*output_started) (const WeirOutputInfo *, gpointer);
  void (*output_completed) (const WeirOutputInfo *, gpointer);
  void (*receiver_started) (const WeirReceiverInfo *, gpointer);
  void (*receiver_error) (const WeirReceiverInfo *, gpointer);
  void (*receiver_stopped) (const WeirReceiverInfo *, gpointer);
  void (*epoch_sealed) (guint64 epoch, gpointer);
} KnownWeirListener;
SAME_FIELD (WeirListener, batch_submitted);
SAME_FIELD (WeirListener, batch_started);
SAME_FIELD (WeirListener, batch_completed);
SAME_FIELD (WeirListener, output_started);
SAME_FIELD (WeirListener, output_completed);
SAME_FIELD (WeirListener, receiver_started);
SAME_FIELD (WeirListener, receiver_error);
SAME_FIELD (WeirListener, receiver_stopped);
SAME_FIELD (WeirListener, epoch_sealed);

_Static_assert(sizeof (WeirValue) == 16, "two registers");

/* --- constants --- */

_Static_assert(WEIR_NIL == 0 && WEIR_BOOL == 1 && WEIR_INT == 2 && WEIR_FLOAT == 3 && WEIR_TEXT == 4 &&
                   WEIR_BYTES == 5 && WEIR_PAIR == 6 && WEIR_LIST == 7,
               "WeirKind");
_Static_assert(WEIR_FRAMING_LINES == 0 && WEIR_FRAMING_DELIMITER == 1 && WEIR_FRAMING_FIXED == 2 &&
                   WEIR_FRAMING_LENGTH32 == 3,
               "WeirFramingKind");
_Static_assert(WEIR_MILLISECONDS (1) == 1000 && WEIR_SECONDS (1) == 1000000 && WEIR_MINUTES (1) == 60000000,
               "microseconds");
_Static_assert(SAME_TYPE (WeirTime, gint64), "WeirTime");

static const WeirWait waits[] = { WEIR_WAIT_STOPPED, WEIR_WAIT_TIMEOUT, WEIR_WAIT_FAILED };
static const WeirContextState states[] = { WEIR_INITIALIZED, WEIR_ACTIVE, WEIR_STOPPED };
static const WeirRedisMode modes[] = { WEIR_REDIS_MERGE, WEIR_REDIS_REPLACE };
static const int errors[] = {
  WEIR_ERROR_HELP,
  WEIR_ERROR_GRAPH,
  WEIR_ERROR_OPTION,
  WEIR_ERROR_SOURCE,
  WEIR_ERROR_SINK,
  WEIR_ERROR_DATA_LOSS,
  WEIR_ERROR_CHECKPOINT_CORRUPT,
  WEIR_ERROR_CHECKPOINT_LOCKED,
  WEIR_ERROR_CHECKPOINT_BEHIND,
  WEIR_ERROR_ORPHAN_STATE,
  WEIR_ERROR_STATE_LIMIT,
  WEIR_ERROR_MEMORY_LIMIT,
  WEIR_ERROR_KIND,
  WEIR_ERROR_OVERFLOW,
  WEIR_ERROR_USER,
  WEIR_ERROR_FENCED,
  WEIR_ERROR_TIMEOUT,
  WEIR_ERROR_CLOSED,
  WEIR_ERROR_FAILED,
};
static const WeirReduceFunc reductions[] = { WEIR_SUM, WEIR_MIN, WEIR_MAX, WEIR_FIRST, WEIR_LAST };

/* The classes of connectors have these members, and may have more. */
static const WeirReceiverClass receiver = {
  .name = NULL, .instance_size = 0, .start = NULL, .run = NULL, .stop = NULL
};
static const WeirSourceClass source = { .plan = NULL, .fetch = NULL };
static const WeirSinkClass sink = { .begin = NULL, .write = NULL, .prepare = NULL, .commit = NULL, .abort = NULL };

/* What is declared above and nowhere else does not link. */
/* clang-format off */
static const gpointer linked[] = {
  weir_nil, weir_bool, weir_int, weir_float, weir_text, weir_text_n, weir_bytes, weir_pair_at, weir_list_at,
  weir_pair, weir_list, weir_copy, weir_kind, weir_is_nil, weir_as_bool, weir_as_int, weir_as_float, weir_data,
  weir_size, weir_key, weir_val, weir_item, weir_equal, weir_compare, weir_hash, weir_to_string,
  weir_text_next_token, weir_text_field, weir_parse_int, weir_parse_float, weir_cstr, weir_encode, weir_decode,
  weir_emit, weir_emit_pair, weir_alloc, weir_format, weir_task_batch_time, weir_task_partition, weir_reject,
  weir_fail, weir_counter_new, weir_counter_add, weir_counter_value, weir_iter_next, weir_map, weir_flat_map,
  weir_filter, weir_map_values, weir_flat_map_values, weir_map_partitions, weir_glom, weir_split, weir_with_value,
  weir_repartition, weir_union, weir_union_all, weir_count, weir_reduce, weir_count_by_value, weir_top,
  weir_transform, weir_transform_with, weir_transform_all, weir_reduce_by_key, weir_count_by_key, weir_group_by_key,
  weir_join, weir_left_outer_join, weir_right_outer_join, weir_full_outer_join, weir_cogroup, weir_window,
  weir_reduce_by_window, weir_reduce_by_key_and_window, weir_count_by_window, weir_count_by_value_and_window,
  weir_group_by_key_and_window, weir_update_state_by_key, weir_state_snapshots, weir_state_exists, weir_state_get,
  weir_state_update, weir_state_edit, weir_state_remove, weir_state_is_timing_out, weir_stream_set_initial_state,
  weir_stream_set_state_version, weir_stream_set_name, weir_stream_set_uid, weir_stream_set_partitions,
  weir_rejected, weir_socket_text_stream, weir_text_file_stream, weir_object_file_stream, weir_queue_stream,
  weir_generator_stream, weir_queue_new, weir_queue_set_partitions, weir_queue_push, weir_queue_push_nothing,
  weir_kafka_new, weir_kafka_set, weir_kafka_direct_stream, weir_kafka_direct_stream_with,
  weir_kafka_receiver_stream, weir_kafka_start_at, weir_kafka_assign, weir_dataset_offset_ranges,
  weir_kafka_commit_async, weir_print, weir_save_as_text_files, weir_save_as_object_files, weir_foreach_batch,
  weir_foreach_partition, weir_kafka_output, weir_kafka_output_with, weir_redis_hash_output,
  weir_dataset_n_partitions, weir_dataset_count, weir_dataset_collect, weir_dataset_take,
  weir_dataset_foreach_partition, weir_dataset_new, weir_context_dataset, weir_context_new, weir_context_free,
  weir_context_set_usage, weir_context_add_options, weir_context_parse_args, weir_context_set, weir_context_start,
  weir_context_await, weir_context_stop, weir_context_run, weir_context_state, weir_context_own,
  weir_exit_with_error, weir_test_context_new, weir_test_context_new_at, weir_collect, weir_test_advance,
  weir_collected_n_batches, weir_collected_time, weir_collected_values, weir_collected_text, weir_dataset_map,
  weir_dataset_flat_map, weir_dataset_filter, weir_dataset_map_values, weir_dataset_flat_map_values,
  weir_dataset_map_partitions, weir_dataset_reduce_by_key, weir_dataset_group_by_key, weir_dataset_union,
  weir_dataset_join, weir_dataset_left_outer_join, weir_dataset_right_outer_join, weir_dataset_full_outer_join,
  weir_dataset_cogroup, weir_dataset_repartition, weir_dataset_count_by_value, weir_dataset_top,
  weir_dataset_distinct, weir_dataset_sort_by, weir_output_set_uid, weir_output_set_name, weir_error_is_retriable,
  weir_receiver_store, weir_receiver_store_block, weir_receiver_restart, weir_receiver_user_data,
  weir_receiver_is_stopping,
};
/* clang-format on */

int
main (void)
{
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  WeirValue pair = WEIR_PAIR_OF (weir_text ("key"), weir_int (1)), list = WEIR_LIST_OF (pair, weir_nil ());

  for (gsize i = 0; i < G_N_ELEMENTS (linked); i++)
    if (linked[i] == NULL)
      return 1;
  (void) waits, (void) states, (void) modes, (void) errors, (void) reductions, (void) receiver, (void) source,
      (void) sink, (void) ctx, (void) queue;
  return weir_size (list) == 2 && WEIR_ERROR == weir_error_quark () ? 0 : 1;
}
