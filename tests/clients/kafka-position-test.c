/* Saved positions: what goes in comes out, and what is damaged is refused. SPDX-License-Identifier: Apache-2.0 */
#include "clients/kafka-position.h"

#include <string.h>

#include <weir/error.h>

static GByteArray *
some_position (void)
{
  g_autoptr (WeirKafkaPosition) position = weir_kafka_position_new ("cluster", "group");
  const WeirKafkaWitness witness = { 41, 1234, G_MAXUINT64 }, none = { -1, -1, 0 };
  GByteArray *bytes = g_byte_array_new ();

  weir_kafka_position_add (position, "a", 0, 42, &witness);
  weir_kafka_position_add (position, "b.c-d", 7, WEIR_KAFKA_UNRESOLVED, &none);
  weir_kafka_position_encode (position, bytes);
  return bytes;
}

static void
test_what_goes_in_comes_out (void)
{
  g_autoptr (GByteArray) bytes = some_position ();
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirKafkaPosition) position = weir_kafka_position_decode (bytes->data, bytes->len, &error);
  const WeirKafkaPlace *place;

  g_assert_no_error (error);
  g_assert_cmpstr (position->cluster, ==, "cluster");
  g_assert_cmpstr (position->group, ==, "group");
  place = weir_kafka_position_find (position, "a", 0);
  g_assert_cmpint (place->next, ==, 42);
  g_assert_cmpint (place->witness.offset, ==, 41);
  g_assert_cmpint (place->witness.timestamp_ms, ==, 1234);
  g_assert_cmpuint (place->witness.hash, ==, G_MAXUINT64);
  g_assert_cmpint (weir_kafka_position_find (position, "b.c-d", 7)->next, ==, WEIR_KAFKA_UNRESOLVED);
  g_assert_null (weir_kafka_position_find (position, "a", 1));
  g_assert_null (weir_kafka_position_find (position, "b", 7));
}

static void
test_every_length_but_the_whole_is_refused (void)
{
  g_autoptr (GByteArray) bytes = some_position ();

  for (gsize size = 0; size < bytes->len; size++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (weir_kafka_position_decode (bytes->data, size, &error));
    g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT);
  }
  g_byte_array_append (bytes, (const guint8 *) "", 1);
  g_assert_null (weir_kafka_position_decode (bytes->data, bytes->len, NULL));
}

/* Whatever a flipped bit makes of it, decoding ends: with a position, or with an error. (The frame that the bytes lie in has
 * a checksum.) */
static void
test_no_flipped_bit_leads_astray (void)
{
  g_autoptr (GByteArray) bytes = some_position ();

  for (guint bit = 0; bit < 8 * bytes->len; bit++) {
    g_autoptr (WeirKafkaPosition) position = NULL;
    g_autoptr (GError) error = NULL;

    bytes->data[bit / 8] ^= (guint8) (1 << bit % 8);
    position = weir_kafka_position_decode (bytes->data, bytes->len, &error);
    g_assert_true ((position == NULL) == (error != NULL));
    bytes->data[bit / 8] ^= (guint8) (1 << bit % 8);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kafka-position/what-goes-in-comes-out", test_what_goes_in_comes_out);
  g_test_add_func ("/kafka-position/every-length-but-the-whole-is-refused", test_every_length_but_the_whole_is_refused);
  g_test_add_func ("/kafka-position/no-flipped-bit-leads-astray", test_no_flipped_bit_leads_astray);
  return g_test_run ();
}
