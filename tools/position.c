/* Owns which sources' positions can be read and moved, and how. What they are as bytes belongs to the sources: sources/
 * generator.c, queue.c, file-ledger.c and intake-plan.c, clients/kafka-position.c. No state; any thread. SPDX-License-Identifier: Apache-2.0
 */
#include "tools/position.h"

#include <weir/error.h>

#include "clients/kafka-position.h"
#include "engine/frame.h"

typedef struct {
  const char *verb;
  gboolean (*read) (GBytes *position, GArray *stands, GError **error);
  GBytes *(*move) (GBytes *position, const WeirStand *to, GError **error); /* to a place that is there; NULL: cannot */
} Kind;

static void
add_stand (GArray *stands, char *where, gint64 next)
{
  WeirStand stand = { where, next };

  g_array_append_val (stands, stand);
}

static void
stand_clear (gpointer stand)
{
  g_free (((WeirStand *) stand)->where);
}

static gboolean
refuse (GError **error, gint code, const char *what)
{
  g_set_error_literal (error, WEIR_ERROR, code, what);
  return FALSE;
}

/* --- numbers of pushes, and of blocks in a log --- */

static gboolean
number_read (GBytes *position, GArray *stands, const char *where, GError **error)
{
  WeirTaker taker;
  gint64 next;

  weir_taker_init (&taker, g_bytes_get_data (position, NULL), g_bytes_get_size (position));
  next = (gint64) weir_take_u64 (&taker);
  if (!weir_taker_is_done (&taker))
    return refuse (error, WEIR_ERROR_CHECKPOINT_CORRUPT, "the saved position is no number of what comes next");
  add_stand (stands, g_strdup (where), next);
  return TRUE;
}

static gboolean
queue_read (GBytes *position, GArray *stands, GError **error)
{
  return number_read (position, stands, "push", error);
}

static gboolean
log_read (GBytes *position, GArray *stands, GError **error)
{
  return number_read (position, stands, "block", error);
}

static GBytes *
queue_move (GBytes *position, const WeirStand *to, GError **error)
{
  GByteArray *out = g_byte_array_new ();

  weir_put_u64 (out, (guint64) to->next);
  return g_byte_array_free_to_bytes (out);
}

/* --- numbers of records --- */

typedef struct {
  guint64 next, zero;
  gboolean is_timed; /* has a rate: records follow the clock, from zero on */
} Generated;

static gboolean
generated_take (GBytes *position, Generated *generated, GError **error)
{
  WeirTaker taker;

  weir_taker_init (&taker, g_bytes_get_data (position, NULL), g_bytes_get_size (position));
  generated->next = weir_take_u64 (&taker);
  generated->zero = weir_take_u64 (&taker);
  generated->is_timed = weir_take_u32 (&taker) != 0;
  return weir_taker_is_done (&taker) ||
         refuse (error, WEIR_ERROR_CHECKPOINT_CORRUPT, "the saved position is none of a generator");
}

static gboolean
generator_read (GBytes *position, GArray *stands, GError **error)
{
  Generated generated;

  if (!generated_take (position, &generated, error))
    return FALSE;
  add_stand (stands, g_strdup ("record"), (gint64) generated.next);
  return TRUE;
}

static GBytes *
generator_move (GBytes *position, const WeirStand *to, GError **error)
{
  Generated generated;
  GByteArray *out;

  if (!generated_take (position, &generated, error))
    return NULL;
  if (generated.is_timed) {
    refuse (error, WEIR_ERROR_FAILED,
            "a generator with a rate cannot be moved: which record is next follows from the time; drop its uid to have "
            "it begin anew");
    return NULL;
  }
  out = g_byte_array_new ();
  weir_put_u64 (out, (guint64) to->next);
  weir_put_u64 (out, generated.zero);
  weir_put_u32 (out, FALSE);
  return g_byte_array_free_to_bytes (out);
}

/* --- files --- */

#define FILES_FORMAT 1

/* How much of each is done, those that were there before the first batch too. */
static gboolean
files_read (GBytes *position, GArray *stands, GError **error)
{
  WeirTaker taker;
  guint64 n;
  guint32 format;

  weir_taker_init (&taker, g_bytes_get_data (position, NULL), g_bytes_get_size (position));
  format = weir_take_u32 (&taker);
  weir_take_u64 (&taker); /* of the source's last batch */
  n = weir_take_u64 (&taker);
  for (guint64 i = 0; i < n && !taker.has_failed; i++) {
    guint64 batch = weir_take_u64 (&taker), size = weir_take_u64 (&taker);

    (void) batch;
    add_stand (stands, weir_take_string (&taker), (gint64) size);
  }
  return (format == FILES_FORMAT && weir_taker_is_done (&taker)) ||
         refuse (error, WEIR_ERROR_CHECKPOINT_CORRUPT, "the saved position is none of files");
}

/* --- partitions of Kafka --- */

static WeirKafkaPosition *
kafka_take (GBytes *position, GError **error)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (position, &size);

  return weir_kafka_position_decode (data, size, error);
}

static char *
kafka_where (const WeirKafkaPlace *place)
{
  return g_strdup_printf ("%s:%d", place->topic, (int) place->partition);
}

static gboolean
kafka_read (GBytes *position, GArray *stands, GError **error)
{
  g_autoptr (WeirKafkaPosition) kafka = kafka_take (position, error);

  for (guint i = 0; kafka != NULL && i < kafka->places->len; i++) {
    const WeirKafkaPlace *place = weir_kafka_position_place (kafka, i);

    add_stand (stands, kafka_where (place), place->next);
  }
  return kafka != NULL;
}

/* What is known of the record before goes with it: it is another one now. */
static GBytes *
kafka_move (GBytes *position, const WeirStand *to, GError **error)
{
  g_autoptr (WeirKafkaPosition) kafka = kafka_take (position, error);
  GByteArray *out;

  if (kafka == NULL)
    return NULL;
  for (guint i = 0; i < kafka->places->len; i++) {
    WeirKafkaPlace *place = weir_kafka_position_place (kafka, i);
    g_autofree char *where = kafka_where (place);

    if (!g_str_equal (where, to->where))
      continue;
    place->next = to->next;
    place->witness = (WeirKafkaWitness){ .offset = -1 };
  }
  out = g_byte_array_new ();
  weir_kafka_position_encode (kafka, out);
  return g_byte_array_free_to_bytes (out);
}

static const Kind kinds[] = {
  { "queue_stream", queue_read, queue_move },
  { "generator_stream", generator_read, generator_move },
  { "kafka_direct_stream", kafka_read, kafka_move },
  { "text_file_stream", files_read, NULL },
  { "file_stream", files_read, NULL },
  { "object_file_stream", files_read, NULL },
  { "receiver_stream", log_read, NULL },
  { "socket_text_stream", log_read, NULL },
  { "socket_stream", log_read, NULL },
};

static const Kind *
find_kind (const char *verb)
{
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_equal (kinds[i].verb, verb))
      return &kinds[i];
  return NULL;
}

GArray *
weir_position_read (const char *verb, GBytes *position, GError **error)
{
  const Kind *kind = find_kind (verb);
  GArray *stands;

  if (kind == NULL)
    return NULL;
  stands = g_array_new (FALSE, FALSE, sizeof (WeirStand));
  g_array_set_clear_func (stands, stand_clear);
  if (!kind->read (position, stands, error))
    g_clear_pointer (&stands, g_array_unref);
  return stands;
}

static gboolean
has_place (const GArray *stands, const char *where, GString *names)
{
  for (guint i = 0; i < stands->len; i++) {
    const WeirStand *stand = &g_array_index (stands, WeirStand, i);

    if (g_str_equal (stand->where, where))
      return TRUE;
    g_string_append_printf (names, "%s%s", i > 0 ? ", " : "", stand->where);
  }
  return FALSE;
}

GBytes *
weir_position_move (const char *verb, GBytes *position, const WeirStand *to, GError **error)
{
  GError *cause = NULL;
  g_autoptr (GArray) stands = weir_position_read (verb, position, &cause);
  g_autoptr (GString) names = g_string_new (NULL);

  if (cause != NULL) {
    g_propagate_error (error, cause);
    return NULL;
  }
  if (stands == NULL || find_kind (verb)->move == NULL) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED, "positions of a %s cannot be set", verb);
    return NULL;
  }
  if (has_place (stands, to->where, names))
    return find_kind (verb)->move (position, to, error);
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "it has no place '%s'; there are: %s", to->where, names->str);
  return NULL;
}
