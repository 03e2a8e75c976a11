/* Owns what of an element becomes key and value of a record, and waiting while the client's queue is full. Must not know
 * what becomes of a record then. Workers, each its own partition.
 *
 * Nothing is allocated for a record here: the client copies it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sinks/kafka-write.h"

#include <string.h>

#include <weir/error.h>

#include "engine/chunk.h"
#include "engine/task.h"
#include "engine/value-text.h"

#define WAIT_MS          50 /* how long a wait lasts before the task looks whether it is still to go on */
#define MISSING_PATIENCE WEIR_SECONDS (10)

typedef struct {
  WeirKafkaTopic *topic; /* of the last record */
  guint64 n_written;     /* not counted in the producer yet */
} Writer;

/* A key or a value as it goes out. */
typedef struct {
  const void *data; /* NULL: null */
  gsize size;
  char text[MAX (WEIR_INT_TEXT_MAX, WEIR_FLOAT_TEXT_MAX)];
} Field;

static const WeirKafkaWriting *
writing_of (const WeirTask *task)
{
  return task->op->params;
}

static gboolean
refuse_kind (WeirTask *task, WeirValue v, const char *what)
{
  weir_task_fail (task, WEIR_ERROR_KIND,
                  "%s as the %s of a Kafka record: make it TEXT or BYTES first, with weir_map () or in an encode "
                  "function",
                  v.kind == WEIR_LIST ? "a LIST" : "a pair", what);
  return FALSE;
}

static gboolean
field_init (Field *field, WeirTask *task, WeirValue v, const char *what)
{
  field->data = field->text;
  switch ((WeirKind) v.kind) {
  case WEIR_TEXT:
  case WEIR_BYTES:
    field->size = v.size;
    field->data = v.size > 0 ? v.data : ""; /* empty is not null */
    return TRUE;
  case WEIR_INT:
    field->size = weir_format_int (weir_as_int (v), field->text);
    return TRUE;
  case WEIR_FLOAT:
    field->size = weir_format_float (weir_as_float (v), field->text);
    return TRUE;
  case WEIR_BOOL:
    field->data = weir_as_bool (v) ? "true" : "false";
    field->size = strlen (field->data);
    return TRUE;
  case WEIR_NIL:
    field->data = NULL;
    field->size = 0;
    return TRUE;
  default:
    return refuse_kind (task, v, what);
  }
}

/* --- handing over --- */

/* What librdkafka 2.0.2 needs to be told of each record; a plain one has a shorter way. */
static rd_kafka_resp_err_t
produce_once (const Writer *writer, rd_kafka_t *rk, const WeirKafkaRecord *record, const Field *key, const Field *value,
              rd_kafka_headers_t *headers)
{
  rd_kafka_topic_t *topic = writer->topic->handle;
  rd_kafka_vu_t all[7] = {
    { .vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = topic },
    { .vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = record->partition },
    { .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
    { .vtype = RD_KAFKA_VTYPE_KEY, .u.mem = { (void *) key->data, key->size } },
    { .vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = { (void *) value->data, value->size } },
  };
  gsize n = 5;
  rd_kafka_error_t *error;
  rd_kafka_resp_err_t code;

  if (headers == NULL && record->timestamp_ms < 0)
    return rd_kafka_produce (topic, record->partition, RD_KAFKA_MSG_F_COPY, (void *) value->data, value->size,
                             key->data, key->size, NULL) == 0
               ? RD_KAFKA_RESP_ERR_NO_ERROR
               : rd_kafka_last_error ();
  if (record->timestamp_ms >= 0)
    all[n++] = (rd_kafka_vu_t){ .vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = record->timestamp_ms };
  if (headers != NULL)
    all[n++] = (rd_kafka_vu_t){ .vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers };
  error = rd_kafka_produceva (rk, all, n);
  code = error != NULL ? rd_kafka_error_code (error) : RD_KAFKA_RESP_ERR_NO_ERROR;
  if (error != NULL)
    rd_kafka_error_destroy (error);
  return code;
}

static void
fail_record (WeirTask *task, const Writer *writer, rd_kafka_resp_err_t code, const Field *key, const Field *value)
{
  WeirKafkaProducer *producer = writing_of (task)->producer;
  g_autoptr (GError) error = NULL;
  char text[512] = "";
  rd_kafka_resp_err_t fatal = rd_kafka_fatal_error (producer->rk, text, sizeof text);

  if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR)
    weir_kafka_producer_fail (producer, fatal, text, &error);
  else if (code == RD_KAFKA_RESP_ERR__STATE)
    g_set_error (&error, WEIR_ERROR, WEIR_ERROR_SINK, "the transaction has failed: the log says why");
  else
    weir_kafka_fail (&error, code, WEIR_ERROR_SINK, "a record of %zu bytes for topic %s, with %s%.*s, is not taken",
                     value->size, writer->topic->name, key->data == NULL ? "no key" : "key ", (int) MIN (key->size, 40),
                     key->data == NULL ? "" : (const char *) key->data);
  weir_task_fail (task, error->code, "%s", error->message);
}

/* Waits for what may pass: room, or brokers that have just started and do not name all topics yet, while the client takes
 * nothing for those. That this one exists was seen before. *deadline: 0 at first. */
static gboolean
may_pass (const Writer *writer, WeirKafkaProducer *producer, rd_kafka_resp_err_t code, gint64 *deadline)
{
  if (code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION) {
    if (*deadline == 0)
      *deadline = g_get_monotonic_time () + MISSING_PATIENCE;
    else if (g_get_monotonic_time () > *deadline)
      return FALSE;
    weir_kafka_producer_ask_again (producer, writer->topic);
  } else if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
    return FALSE;
  }
  rd_kafka_poll (producer->rk, WAIT_MS);
  return TRUE;
}

/* TRUE: the client has it; else the task has failed, or what was written will be written again. */
static gboolean
produce (WeirTask *task, Writer *writer, const WeirKafkaRecord *record, const Field *key, const Field *value,
         rd_kafka_headers_t *headers)
{
  WeirKafkaProducer *producer = writing_of (task)->producer;
  rd_kafka_resp_err_t code;
  gint64 deadline = 0;

  do {
    code = produce_once (writer, producer->rk, record, key, value, headers);
    if (G_LIKELY (code == RD_KAFKA_RESP_ERR_NO_ERROR)) {
      writer->n_written++;
      return TRUE;
    }
    if (!weir_task_is_going (task))
      return FALSE;
  } while (may_pass (writer, producer, code, &deadline));
  if (code == RD_KAFKA_RESP_ERR__FATAL && producer->transaction_id == NULL)
    __atomic_store_n (&producer->has_broken, TRUE, __ATOMIC_RELAXED);
  else
    fail_record (task, writer, code, key, value);
  return FALSE;
}

/* --- records --- */

static gboolean
write_plain (WeirTask *task, Writer *writer, WeirValue key, WeirValue value)
{
  static const WeirKafkaRecord record = { .partition = RD_KAFKA_PARTITION_UA, .timestamp_ms = -1 };
  Field key_field, value_field;

  return field_init (&key_field, task, key, "key") && field_init (&value_field, task, value, "value") &&
         produce (task, writer, &record, &key_field, &value_field, NULL);
}

/* The topic that the record says, else the output's. */
static gboolean
find_topic (WeirTask *task, Writer *writer, const WeirKafkaRecord *record)
{
  const WeirKafkaWriting *writing = writing_of (task);
  g_autoptr (GError) error = NULL;

  if (record->topic == NULL) {
    weir_task_fail (task, WEIR_ERROR_USER, "the encode function has set no topic: set record->topic");
    return FALSE;
  }
  if (writer->topic == NULL || !g_str_equal (writer->topic->name, record->topic))
    writer->topic = weir_kafka_producer_topic (writing->producer, record->topic, &error);
  if (writer->topic == NULL) {
    weir_task_fail (task, error->code, "%s", error->message);
    return FALSE;
  }
  if (record->partition < 0 || weir_kafka_producer_has_partition (writing->producer, writer->topic, record->partition))
    return TRUE;
  weir_task_fail (task, WEIR_ERROR_FAILED, "topic %s has no partition %d: it has %d", record->topic, record->partition,
                  __atomic_load_n (&writer->topic->n_partitions, __ATOMIC_RELAXED));
  return FALSE;
}

/* NULL: there are none. */
static rd_kafka_headers_t *
make_headers (const WeirKafkaRecord *record)
{
  rd_kafka_headers_t *headers;

  if (record->n_headers == 0)
    return NULL;
  headers = rd_kafka_headers_new (record->n_headers);
  for (gsize i = 0; i < record->n_headers; i++) {
    const WeirKafkaHeader *header = &record->headers[i];

    rd_kafka_header_add (headers, header->name, -1, header->data, header->data != NULL ? (gssize) header->size : 0);
  }
  return headers;
}

static gboolean
write_record (WeirTask *task, Writer *writer, WeirKafkaRecord *record)
{
  Field key, value;
  rd_kafka_headers_t *headers;

  if (!find_topic (task, writer, record) || !field_init (&key, task, record->key, "key") ||
      !field_init (&value, task, record->value, "value"))
    return FALSE;
  record->partition = MAX (record->partition, RD_KAFKA_PARTITION_UA);
  headers = make_headers (record);
  if (produce (task, writer, record, &key, &value, headers))
    return TRUE;
  if (headers != NULL) /* the client takes them only with the record */
    rd_kafka_headers_destroy (headers);
  return FALSE;
}

static gboolean
write_encoded (WeirTask *task, Writer *writer, WeirValue element)
{
  const WeirKafkaWriting *writing = writing_of (task);
  WeirKafkaRecord record = { .partition = RD_KAFKA_PARTITION_UA, .timestamp_ms = -1 };
  guint64 n_rejects = task->n_rejects_ever;
  gboolean is_kept = writing->encode (task, element, &record, writing->user_data);

  if (!is_kept || task->n_rejects_ever != n_rejects)
    return weir_task_is_going (task); /* left out, or failed */
  return weir_task_is_going (task) && write_record (task, writer, &record);
}

/* --- the terminal --- */

static gboolean
write_element (WeirTask *task, Writer *writer, const WeirChunk *in, guint i)
{
  WeirValue cells[2];

  if (writing_of (task)->encode != NULL)
    return write_encoded (task, writer, weir_chunk_element (in, i, cells));
  if (in->keys != NULL)
    return write_plain (task, writer, in->keys[i], in->values[i]);
  if (in->values[i].kind == WEIR_PAIR)
    return write_plain (task, writer, weir_key (in->values[i]), weir_val (in->values[i]));
  return write_plain (task, writer, weir_nil (), in->values[i]);
}

static void
write_open (WeirTask *task)
{
  Writer *writer = task->instance;

  writer->topic = writing_of (task)->topic;
}

static void
write_process (WeirTask *task, const WeirChunk *in)
{
  WeirKafkaProducer *producer = writing_of (task)->producer;
  Writer *writer = task->instance;

  if (!weir_task_is_going (task) || __atomic_load_n (&producer->has_broken, __ATOMIC_RELAXED))
    return;
  for (guint i = 0; i < in->n; i++)
    if (!write_element (task, writer, in, i))
      break;
  __atomic_add_fetch (&producer->n_written, writer->n_written, __ATOMIC_RELAXED);
  writer->n_written = 0;
  rd_kafka_poll (producer->rk, 0);
}

const WeirOpClass weir_kafka_write_class = {
  .verb = "kafka_output",
  .kind = WEIR_OP_TERMINAL,
  .instance_size = sizeof (Writer),
  .open = write_open,
  .process = write_process,
};
