/* Owns the format of positions in Kafka's topics: "wkp1", then numbers in little-endian order and texts behind their
 * lengths. Must not know who stands there. No state; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "clients/kafka-position.h"

#include <string.h>

#include <weir/error.h>

static const char magic[4] = { 'w', 'k', 'p', '1' };

static void
place_clear (gpointer place)
{
  g_free (((WeirKafkaPlace *) place)->topic);
}

WeirKafkaPosition *
weir_kafka_position_new (const char *cluster, const char *group)
{
  WeirKafkaPosition *position = g_new0 (WeirKafkaPosition, 1);

  position->cluster = g_strdup (cluster);
  position->group = g_strdup (group);
  position->places = g_array_new (FALSE, FALSE, sizeof (WeirKafkaPlace));
  g_array_set_clear_func (position->places, place_clear);
  return position;
}

void
weir_kafka_position_free (WeirKafkaPosition *position)
{
  if (position == NULL)
    return;
  g_array_unref (position->places);
  g_free (position->cluster);
  g_free (position->group);
  g_free (position);
}

void
weir_kafka_position_add (WeirKafkaPosition *position, const char *topic, gint32 partition, gint64 next,
                         const WeirKafkaWitness *witness)
{
  WeirKafkaPlace place = { g_strdup (topic), partition, next, *witness };

  g_array_append_val (position->places, place);
}

const WeirKafkaPlace *
weir_kafka_position_find (const WeirKafkaPosition *position, const char *topic, gint32 partition)
{
  for (guint i = 0; i < position->places->len; i++) {
    const WeirKafkaPlace *place = weir_kafka_position_place (position, i);

    if (place->partition == partition && g_str_equal (place->topic, topic))
      return place;
  }
  return NULL;
}

static void
put_number (GByteArray *out, guint64 value)
{
  value = GUINT64_TO_LE (value);
  g_byte_array_append (out, (const guint8 *) &value, sizeof value);
}

static void
put_text (GByteArray *out, const char *text)
{
  put_number (out, strlen (text));
  g_byte_array_append (out, (const guint8 *) text, (guint) strlen (text));
}

void
weir_kafka_position_encode (const WeirKafkaPosition *position, GByteArray *out)
{
  g_byte_array_append (out, (const guint8 *) magic, sizeof magic);
  put_text (out, position->cluster);
  put_text (out, position->group);
  put_number (out, position->places->len);
  for (guint i = 0; i < position->places->len; i++) {
    const WeirKafkaPlace *place = weir_kafka_position_place (position, i);

    put_text (out, place->topic);
    put_number (out, (guint64) place->partition);
    put_number (out, (guint64) place->next);
    put_number (out, (guint64) place->witness.offset);
    put_number (out, (guint64) place->witness.timestamp_ms);
    put_number (out, place->witness.hash);
  }
}

gboolean
weir_kafka_position_is (gconstpointer data, gsize size)
{
  return size >= sizeof magic && memcmp (data, magic, sizeof magic) == 0;
}

typedef struct {
  const guint8 *at, *end;
  gboolean has_failed;
} Taker;

static guint64
take_number (Taker *taker)
{
  guint64 value;

  if (taker->has_failed || (gsize) (taker->end - taker->at) < sizeof value) {
    taker->has_failed = TRUE;
    return 0;
  }
  memcpy (&value, taker->at, sizeof value);
  taker->at += sizeof value;
  return GUINT64_FROM_LE (value);
}

/* Transfer full. */
static char *
take_text (Taker *taker)
{
  guint64 size = take_number (taker);
  const char *text = (const char *) taker->at;

  if (taker->has_failed || size > (guint64) (taker->end - taker->at) || memchr (text, '\0', size) != NULL) {
    taker->has_failed = TRUE;
    return g_strdup ("");
  }
  taker->at += size;
  return g_strndup (text, size);
}

static void
take_place (Taker *taker, WeirKafkaPosition *position)
{
  g_autofree char *topic = take_text (taker);
  guint64 partition = take_number (taker);
  gint64 next = (gint64) take_number (taker);
  WeirKafkaWitness witness;

  witness.offset = (gint64) take_number (taker);
  witness.timestamp_ms = (gint64) take_number (taker);
  witness.hash = take_number (taker);
  if (partition > G_MAXINT32 || next < WEIR_KAFKA_UNRESOLVED || witness.offset < -1)
    taker->has_failed = TRUE;
  if (!taker->has_failed)
    weir_kafka_position_add (position, topic, (gint32) partition, next, &witness);
}

WeirKafkaPosition *
weir_kafka_position_decode (gconstpointer data, gsize size, GError **error)
{
  g_autoptr (WeirKafkaPosition) position = weir_kafka_position_new (NULL, NULL);
  gboolean is_one = weir_kafka_position_is (data, size);
  Taker taker = { (const guint8 *) data + (is_one ? sizeof magic : 0), (const guint8 *) data + size, !is_one };
  guint64 n;

  position->cluster = take_text (&taker);
  position->group = take_text (&taker);
  n = take_number (&taker);
  for (guint64 i = 0; i < n && !taker.has_failed; i++)
    take_place (&taker, position);
  if (!taker.has_failed && taker.at == taker.end)
    return g_steal_pointer (&position);
  g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT,
                       "the saved position is none in Kafka's topics, or its lengths do not fit together");
  return NULL;
}
