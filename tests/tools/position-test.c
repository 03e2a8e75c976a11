/* Positions of sources as places and numbers. SPDX-License-Identifier: Apache-2.0 */
#include "tools/position.h"

#include <weir/error.h>

#include "clients/kafka-position.h"
#include "engine/frame.h"
#include "sources/file-ledger.h"

static GBytes *
bytes_of (GByteArray *data)
{
  return g_byte_array_free_to_bytes (data);
}

static GBytes *
generator_at (guint64 next, gboolean is_timed)
{
  GByteArray *data = g_byte_array_new ();

  weir_put_u64 (data, next);
  weir_put_u64 (data, 1000);
  weir_put_u32 (data, is_timed);
  return bytes_of (data);
}

static GBytes *
kafka_at (gint64 zero, gint64 one)
{
  g_autoptr (WeirKafkaPosition) position = weir_kafka_position_new ("cluster", "group");
  WeirKafkaWitness witness = { 7, 8, 9 };
  GByteArray *data = g_byte_array_new ();

  weir_kafka_position_add (position, "words", 0, zero, &witness);
  weir_kafka_position_add (position, "words", 1, one, &witness);
  weir_kafka_position_encode (position, data);
  return bytes_of (data);
}

static void
expect_stand (const GArray *stands, guint i, const char *where, gint64 next)
{
  const WeirStand *stand = &g_array_index (stands, WeirStand, i);

  g_assert_cmpstr (stand->where, ==, where);
  g_assert_cmpint (stand->next, ==, next);
}

static void
expect_move_fails (const char *verb, GBytes *position, const char *where, gint code, const char *message)
{
  g_autoptr (GError) error = NULL;
  GBytes *moved = weir_position_move (verb, position, &(WeirStand){ (char *) where, 3 }, &error);

  g_assert_null (moved);
  g_assert_error (error, WEIR_ERROR, code);
  g_assert_nonnull (g_strstr_len (error->message, -1, message));
}

static void
test_a_generator_is_read_and_moved (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) position = generator_at (5000, FALSE), wanted = generator_at (17, FALSE);
  g_autoptr (GArray) stands = weir_position_read ("generator_stream", position, &error);
  g_autoptr (GBytes) moved =
      weir_position_move ("generator_stream", position, &(WeirStand){ (char *) "record", 17 }, &error);

  g_assert_no_error (error);
  expect_stand (stands, 0, "record", 5000);
  g_assert_true (g_bytes_equal (moved, wanted));
}

static void
test_a_generator_with_a_rate_stays (void)
{
  g_autoptr (GBytes) position = generator_at (5000, TRUE);

  expect_move_fails ("generator_stream", position, "record", WEIR_ERROR_FAILED, "follows from the time");
}

static void
test_partitions_of_kafka_are_read_and_moved_one_by_one (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) position = kafka_at (12, WEIR_KAFKA_UNRESOLVED);
  g_autoptr (GArray) stands = weir_position_read ("kafka_direct_stream", position, &error);
  g_autoptr (GBytes) moved =
      weir_position_move ("kafka_direct_stream", position, &(WeirStand){ (char *) "words:1", 40 }, &error);
  g_autoptr (WeirKafkaPosition) after =
      weir_kafka_position_decode (g_bytes_get_data (moved, NULL), g_bytes_get_size (moved), &error);

  g_assert_no_error (error);
  g_assert_cmpuint (stands->len, ==, 2);
  expect_stand (stands, 0, "words:0", 12);
  expect_stand (stands, 1, "words:1", WEIR_KAFKA_UNRESOLVED);
  g_assert_cmpstr (after->group, ==, "group");
  g_assert_cmpint (weir_kafka_position_place (after, 0)->next, ==, 12);
  g_assert_cmpint (weir_kafka_position_place (after, 0)->witness.offset, ==, 7);
  g_assert_cmpint (weir_kafka_position_place (after, 1)->next, ==, 40);
  g_assert_cmpint (weir_kafka_position_place (after, 1)->witness.offset, ==, -1); /* that of another record */
}

static void
test_files_are_read_and_stay (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GByteArray) data = g_byte_array_new ();
  g_autoptr (GBytes) position = NULL;
  g_autoptr (GArray) stands = NULL;
  WeirFileLedger ledger;

  weir_file_ledger_init (&ledger);
  ledger.number = 1;
  weir_file_ledger_add (&ledger, "monday.txt", 100);
  weir_file_ledger_add (&ledger, "tuesday.txt", 5000);
  weir_file_ledger_save (&ledger, data);
  weir_file_ledger_clear (&ledger);
  position = g_bytes_new (data->data, data->len);
  stands = weir_position_read ("text_file_stream", position, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (stands->len, ==, 2);
  expect_stand (stands, 0, "monday.txt", 100);
  expect_stand (stands, 1, "tuesday.txt", 5000);
  expect_move_fails ("text_file_stream", position, "monday.txt", WEIR_ERROR_FAILED, "cannot be set");
}

static void
test_places_that_are_not_there_are_refused (void)
{
  g_autoptr (GBytes) position = kafka_at (1, 2);

  expect_move_fails ("kafka_direct_stream", position, "words:2", WEIR_ERROR_OPTION, "there are: words:0, words:1");
  expect_move_fails ("a_stream_of_the_future", position, "words:0", WEIR_ERROR_FAILED, "cannot be set");
}

static void
test_damage_is_told (void)
{
  static const char *const verbs[] = { "queue_stream", "generator_stream", "kafka_direct_stream" };
  static const char *const fixed[] = { "text_file_stream", "receiver_stream" };
  g_autoptr (GBytes) position = g_bytes_new_static ("wkp1-and-nothing", 16);

  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (weir_position_read (verbs[i], position, &error));
    g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT);
    expect_move_fails (verbs[i], position, "record", WEIR_ERROR_CHECKPOINT_CORRUPT, "position");
  }
  for (gsize i = 0; i < G_N_ELEMENTS (fixed); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (weir_position_read (fixed[i], position, &error));
    g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT);
  }
}

static void
test_other_verbs_are_not_known (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) position = g_bytes_new_static ("x", 1);

  g_assert_null (weir_position_read ("a_stream_of_the_future", position, &error));
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/position/a-generator-is-read-and-moved", test_a_generator_is_read_and_moved);
  g_test_add_func ("/position/a-generator-with-a-rate-stays", test_a_generator_with_a_rate_stays);
  g_test_add_func ("/position/partitions-of-kafka-are-read-and-moved-one-by-one",
                   test_partitions_of_kafka_are_read_and_moved_one_by_one);
  g_test_add_func ("/position/files-are-read-and-stay", test_files_are_read_and_stay);
  g_test_add_func ("/position/places-that-are-not-there-are-refused", test_places_that_are_not_there_are_refused);
  g_test_add_func ("/position/damage-is-told", test_damage_is_told);
  g_test_add_func ("/position/other-verbs-are-not-known", test_other_verbs_are_not_known);
  return g_test_run ();
}
