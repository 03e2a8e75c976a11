/* Owns the run of cases that read topics of Kafka: in one life (source), or in several that go on from a checkpoint
 * (recovery_set). What is written at a time is a phase; the first one is there before the job begins, and each later one
 * is read before the next is written. A life ends after `stop_after` phases, after any of them (`random_kill`), or else
 * after each.
 *
 * One thread; ranges are noted by the runner of the context. SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <gio/gio.h>
#include <weir/kafka.h>

#include "tests/conformance/broker.h"
#include "tests/conformance/kafka-compare.h"
#include "tests/conformance/run.h"
#include "tests/conformance/source.h"

#define ATTEMPTS 5

typedef struct {
  Case *one;
  JsonObject *op;
  KafkaInput input;
  Broker broker;
  Session session;
  char *folder;
  GRand *random;
  WeirCollected *records; /* of the source, in this life */
  gint64 n_skipped;       /* records before the first life's beginning */
  gint64 n_due, n_before; /* records: that must have been read in all; that were, in the lives before */
  guint n_looks;       /* readers that read all of a phase before its first batch, so that the job's has had time to */
  guint n_done;        /* batches */
  gsize at;            /* batches of this life that were looked at */
  guint n_split;       /* phases that were read in more than one batch */
  gint n_wrong_ranges; /* batches whose ranges do not count their records; atomic */
  GPtrArray *gave;     /* of JsonNode: what each phase gave, which outlives the context */
} KafkaRun;

static gboolean
is_lived_often (const Case *one)
{
  return g_str_equal (one->kind, "recovery_set");
}

/* --- building --- */

static gboolean
check_members (const KafkaRun *run, GError **error)
{
  static const char *const known[] = { "op",     "strategy", "reset",      "start",     "pattern",
                                       "topics", "topic",    "partitions", "isolation", "max_rate_per_partition",
                                       NULL };
  static const char *const strategies[] = { "Subscribe", "SubscribePattern", "Assign", NULL };
  const char *strategy = json_member_text (run->op, "strategy");
  g_autoptr (GList) names = json_object_get_members (run->op);

  for (GList *at = names; at != NULL; at = at->next)
    if (!g_strv_contains (known, at->data)) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "the source has an unknown '%s'", (char *) at->data);
      return FALSE;
    }
  if (strategy == NULL || g_strv_contains (strategies, strategy))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "unknown strategy '%s'", strategy);
  return FALSE;
}

/* What the stream is told to read: names, or a pattern of whole names. */
static char *
topics_text (const KafkaRun *run)
{
  const char *pattern = json_member_text (run->op, "pattern");
  g_autofree char *prefix = g_regex_escape_string (run->broker.prefix, -1);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  if (pattern != NULL) {
    gsize size = strlen (pattern), begin = pattern[0] == '^', end = size > 0 && pattern[size - 1] == '$';

    return g_strdup_printf ("^%s(?:%.*s)$", prefix, (int) (size - begin - end), pattern + begin);
  }
  for (guint i = 0; i < run->input.wanted->len; i++)
    g_ptr_array_add (names, broker_name (&run->broker, g_ptr_array_index (run->input.wanted, i)));
  g_ptr_array_add (names, NULL);
  return g_strjoinv (",", (char **) names->pdata);
}

static gboolean
set_places (const KafkaRun *run, WeirStream *stream, GError **error)
{
  JsonNode *start = json_member (run->op, "start");
  JsonObject *places = start != NULL && JSON_NODE_HOLDS_OBJECT (start) ? json_node_get_object (start) : NULL;
  gboolean is_assigned = g_strcmp0 (json_member_text (run->op, "strategy"), "Assign") == 0;
  g_autoptr (GList) names = places != NULL ? json_object_get_members (places) : NULL;

  for (GList *at = names; at != NULL; at = at->next) {
    g_auto (KafkaPlace) place = { 0 };
    g_autofree char *topic = NULL;

    if (!kafka_place_parse (&place, at->data, error))
      return FALSE;
    topic = broker_name (&run->broker, place.topic);
    (is_assigned ? weir_kafka_assign : weir_kafka_start_at) (stream, topic, place.partition,
                                                             json_object_get_int_member (places, at->data));
  }
  return TRUE;
}

static gboolean
set_options (const KafkaRun *run, WeirKafka *kafka, GError **error)
{
  const char *reset = json_member_text (run->op, "reset"), *isolation = json_member_text (run->op, "isolation");
  gint64 rate = json_member_int (run->op, "max_rate_per_partition", 0);
  g_autofree char *most = g_strdup_printf ("%" G_GINT64_FORMAT, rate);

  if (reset != NULL &&
      !weir_kafka_set (kafka, "auto.offset.reset", g_str_equal (reset, "none") ? "error" : reset, error))
    return FALSE;
  if (isolation != NULL && !weir_kafka_set (kafka, "isolation.level", isolation, error))
    return FALSE;
  return rate == 0 || weir_context_set (run->session.ctx, "kafka.max.rate.per.partition", most, error);
}

/* The ranges of a batch count its records, where no transaction leaves marks in them. */
static gboolean
check_ranges (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  gsize n, n_records = 0;
  const WeirOffsetRange *ranges = weir_dataset_offset_ranges (data, &n);
  gint64 n_offsets = 0;

  if (!weir_dataset_count (data, &n_records, error))
    return FALSE;
  for (gsize i = 0; i < n; i++)
    n_offsets += ranges[i].until - ranges[i].from;
  if (n_offsets != (gint64) n_records)
    __atomic_add_fetch (&((KafkaRun *) user_data)->n_wrong_ranges, 1, __ATOMIC_RELAXED);
  return TRUE;
}

static WeirValue
value_of (WeirTask *task, WeirValue record, gpointer user_data)
{
  return weir_val (record);
}

static WeirValue
number_of (WeirTask *task, WeirValue record, gpointer user_data)
{
  gint64 number = 0;

  if (!weir_parse_int (weir_val (record), &number))
    weir_fail (task, "is no number");
  return weir_int (number);
}

static gboolean
expects_text (JsonNode *node)
{
  for (guint i = 0; i < json_length (node); i++)
    if (expects_text (json_array_get_element (json_node_get_array (node), i)))
      return TRUE;
  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING;
}

/* Records are texts. Operators make of them what they want; without any, numbers are expected as they were written. */
static WeirStream *
elements_of (KafkaRun *run, WeirStream *records)
{
  gboolean is_alone = json_length (json_member (run->one->json, "ops")) == 1;

  if (run->input.has_keys)
    return records;
  if (run->input.is_number && is_alone && !expects_text (case_expected (run->one)))
    return weir_map (records, number_of, NULL);
  return weir_map (records, value_of, NULL);
}

static gboolean
build (KafkaRun *run, GError **error)
{
  g_autofree char *topics = topics_text (run), *group = broker_name (&run->broker, "group");
  WeirKafka *kafka = weir_kafka_new (run->session.ctx, run->broker.addresses, group);
  WeirStream *records = weir_kafka_direct_stream (kafka, topics);

  if (!set_options (run, kafka, error) || !set_places (run, records, error))
    return FALSE;
  if (!run->input.has_transactions)
    weir_foreach_batch (records, check_ranges, run);
  run->records = weir_collect (records);
  return session_build_from (&run->session, run->one, elements_of (run, records), (Variant){ .ready_made = FALSE }) &&
         weir_context_start (run->session.ctx, error);
}

static gboolean
begin (KafkaRun *run)
{
  g_autofree char *checkpoint = g_build_filename (run->folder, "checkpoint", NULL);
  g_autoptr (GError) error = NULL;

  run->at = 0;
  if (!session_open (&run->session, run->one, run->n_done, is_lived_often (run->one) ? checkpoint : NULL))
    return FALSE;
  if (build (run, &error))
    return TRUE;
  if (error != NULL)
    case_note_error (run->one, error);
  return FALSE;
}

/* --- phases --- */

/* Where a partition is begun that no checkpoint knows, given how much is there by now. */
static gint64
begin_of (const KafkaRun *run, const char *topic, guint partition)
{
  JsonNode *start = json_member (run->op, "start");
  g_autofree char *place = g_strdup_printf ("%s/%u", topic, partition);
  const char *reset = json_member_text (run->op, "reset");
  gint64 offset = -2;

  if (start != NULL && json_object_has_member (json_node_get_object (start), place))
    offset = json_object_get_int_member (json_node_get_object (start), place);
  else if (reset == NULL || g_str_equal (reset, "latest"))
    offset = -1;
  if (offset >= 0)
    return offset;
  return offset == -1 ? broker_end (&run->broker, topic, partition) : 0;
}

typedef gint64 (*PartitionFunc) (const KafkaRun *run, const char *topic, guint partition);

/* Over all partitions that are read. */
static gint64
sum_of (const KafkaRun *run, PartitionFunc f)
{
  gint64 sum = 0;

  for (guint i = 0; i < run->input.topics->len; i++) {
    const char *topic = g_ptr_array_index (run->input.topics, i);

    for (guint k = 0; k < run->input.n_partitions; k++)
      if (kafka_input_is_read (&run->input, run->op, topic, (gint32) k))
        sum += f (run, topic, k);
  }
  return sum;
}

static gint64
end_of (const KafkaRun *run, const char *topic, guint partition)
{
  return broker_end (&run->broker, topic, partition);
}

static gint64
missing_of (const KafkaRun *run, const char *topic, guint partition)
{
  return MAX (begin_of (run, topic, partition) - end_of (run, topic, partition), 0);
}

static gboolean
write_phase (KafkaRun *run, guint phase)
{
  const GPtrArray *all = g_ptr_array_index (run->input.phases, phase);
  gboolean is_uncommitted = g_strcmp0 (json_member_text (run->op, "isolation"), "read_uncommitted") == 0;
  g_autoptr (GError) error = NULL;
  gboolean ok = TRUE;

  for (guint i = 0; i < all->len && ok; i++)
    ok = broker_write (&run->broker, g_ptr_array_index (all, i), is_uncommitted, &error);
  if (!ok)
    case_note_error (run->one, error);
  return ok;
}

static gint64
count_read (const KafkaRun *run)
{
  gint64 count = 0;

  for (gsize i = 0; i < weir_collected_n_batches (run->records); i++) {
    gsize n;

    weir_collected_values (run->records, i, &n);
    count += (gint64) n;
  }
  return run->n_before + count;
}

static gboolean
advance (KafkaRun *run)
{
  g_autoptr (GError) error = NULL;

  if (weir_test_advance (run->session.ctx, 1, &error)) {
    run->n_done++;
    return TRUE;
  }
  case_note_error (run->one, error);
  return FALSE;
}

/* Until all is read that there is, and one batch behind it. */
static gboolean
read_phase (KafkaRun *run)
{
  gint64 deadline = source_deadline ();

  for (guint i = 0; i < run->n_looks; i++)
    for (guint k = 0; k < run->input.topics->len; k++)
      broker_look (&run->broker, g_ptr_array_index (run->input.topics, k));
  while (count_read (run) < run->n_due) {
    if (g_get_monotonic_time () > deadline) {
      case_note (run->one, CASE_FAIL, "%" G_GINT64_FORMAT " records are read in time, not the %" G_GINT64_FORMAT,
                 count_read (run), run->n_due);
      return FALSE;
    }
    if (!advance (run))
      return FALSE;
  }
  if (!advance (run))
    return FALSE;
  if (count_read (run) > run->n_due)
    case_note (run->one, CASE_FAIL, "%" G_GINT64_FORMAT " records are read, but there are only %" G_GINT64_FORMAT,
               count_read (run), run->n_due);
  return run->one->outcome < CASE_FAIL;
}

static gboolean
is_filled (const KafkaRun *run, WeirTime time)
{
  for (gsize i = run->at; i < weir_collected_n_batches (run->records); i++) {
    gsize n;

    weir_collected_values (run->records, i, &n);
    if (weir_collected_time (run->records, i) == time)
      return n > 0;
  }
  return FALSE;
}

/* What the batches since the last phase gave: those that read something; of a state, as it was in the last of them. */
static void
note_gave (KafkaRun *run)
{
  g_autoptr (GArray) gave = g_array_new (FALSE, FALSE, sizeof (WeirValue));
  WeirCollected *output = run->session.output;
  g_autofree char *text = NULL;
  guint n_filled = 0;

  for (gsize i = 0; i < weir_collected_n_batches (output); i++) {
    gsize n;
    const WeirValue *values = weir_collected_values (output, i, &n);

    if (!is_filled (run, weir_collected_time (output, i)))
      continue;
    n_filled++;
    if (run->session.chain.stateful != NULL)
      g_array_set_size (gave, 0);
    g_array_append_vals (gave, values, (guint) n);
  }
  run->at = weir_collected_n_batches (run->records);
  run->n_split += n_filled > 1;
  text = json_text_of_values ((const WeirValue *) (gpointer) gave->data, gave->len);
  g_ptr_array_add (run->gave, json_from_string (text, NULL));
}

static gboolean
ends_before (const KafkaRun *run, guint phase)
{
  const Case *one = run->one;

  if (!is_lived_often (one))
    return FALSE;
  if (json_member_bool (one->json, "random_kill", FALSE))
    return g_rand_boolean (run->random);
  return json_member (one->json, "stop_after") == NULL || json_member_int (one->json, "stop_after", 0) == phase;
}

static void
end (KafkaRun *run)
{
  if (run->records != NULL)
    run->n_before = count_read (run);
  run->records = NULL;
  session_close (&run->session);
}

/* The first phase is there when the job begins. An offset behind the end is no place to begin at, since it counts as
 * lost: what makes it one is written, too. */
static gboolean
start (KafkaRun *run, guint *n_written)
{
  gboolean ok = write_phase (run, (*n_written)++);

  while (ok && *n_written < run->input.phases->len && sum_of (run, missing_of) > 0)
    ok = write_phase (run, (*n_written)++);
  run->n_skipped = sum_of (run, begin_of);
  return ok && begin (run);
}

static void
live (KafkaRun *run)
{
  guint n_written = 0;
  gboolean ok = start (run, &n_written);

  for (guint i = n_written - 1; ok && i < run->input.phases->len; i++) {
    gboolean ends = i >= n_written && ends_before (run, i);

    if (ends)
      end (run);
    if (i >= n_written)
      ok = write_phase (run, i);
    run->n_due = sum_of (run, end_of) - run->n_skipped;
    ok = ok && (!ends || begin (run)) && read_phase (run);
    if (ok)
      note_gave (run);
  }
  if (__atomic_load_n (&run->n_wrong_ranges, __ATOMIC_RELAXED) > 0)
    case_note (run->one, CASE_FAIL, "%d batches have ranges that do not count their records", run->n_wrong_ranges);
  end (run);
}

/* --- whole runs --- */

static gboolean
set_up (KafkaRun *run, GError **error)
{
  gboolean ok = kafka_input_init (&run->input, run->one, run->op, error) && check_members (run, error);

  run->folder = run_folder_new ();
  run->random = g_rand_new_with_seed (run->one->n_batches);
  run->gave = g_ptr_array_new_with_free_func ((GDestroyNotify) json_node_unref);
  ok = broker_init (&run->broker, run->input.n_partitions, ok ? error : NULL) && ok;
  for (guint i = 0; i < run->input.topics->len && ok; i++)
    ok = broker_create (&run->broker, g_ptr_array_index (run->input.topics, i), error);
  return ok;
}

static void
tear_down (KafkaRun *run)
{
  broker_clear (&run->broker);
  kafka_input_clear (&run->input);
  g_ptr_array_unref (run->gave);
  g_rand_free (run->random);
  run_folder_free (run->folder);
}

/* Whether the records of a phase come in one batch is up to the broker: another attempt has others read it all before the
 * first batch. TRUE: do so. */
static gboolean
attempt (Case *one, JsonObject *op, guint n_looks)
{
  KafkaRun run = { .one = one, .op = op, .n_looks = n_looks };
  g_autoptr (GError) error = NULL;
  gboolean is_split;

  if (!set_up (&run, &error))
    case_note_error (one, error);
  else
    live (&run);
  if (one->outcome < CASE_FAIL)
    kafka_compare (one, &run.input, run.gave);
  is_split = run.n_split > 0;
  tear_down (&run);
  return one->outcome == CASE_FAIL && is_split;
}

void
run_kafka (Case *one, JsonObject *op)
{
  for (guint i = 1; attempt (one, op, 2 * (i - 1)) && i < ATTEMPTS; i++) {
    one->outcome = CASE_PASS;
    g_string_truncate (one->text, 0);
  }
}
