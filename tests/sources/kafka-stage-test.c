/* What lies staged, cut at records and offsets: random records against a list of them. SPDX-License-Identifier: Apache-2.0 */
#include "sources/kafka-stage.h"

#include <string.h>

#include <weir/weir.h>

typedef struct {
  WeirMemory *memory;
  WeirKafkaStaging staging;
  WeirKafkaStage stage;
  gint64 offset; /* of the next record */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer has_extras)
{
  fixture->memory = weir_memory_new (64 * 1024 * 1024);
  fixture->staging = (WeirKafkaStaging){ .memory = fixture->memory, .has_extras = has_extras != NULL };
  weir_kafka_stage_init (&fixture->stage, &fixture->staging);
  weir_kafka_stage_reset (&fixture->stage, 0);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  weir_kafka_stage_clear (&fixture->stage);
  weir_memory_free (fixture->memory);
}

static void
append (Fixture *fixture, const char *value)
{
  const WeirKafkaIncoming record = {
    .offset = fixture->offset++, .timestamp_ms = 1000 + fixture->offset, .value = value, .value_size = strlen (value)
  };

  g_assert_true (weir_kafka_stage_append (&fixture->stage, &record));
}

/* "offset=value offset=value …" of what was taken. */
static char *
text_of (const WeirKafkaTaken *taken, gboolean has_extras)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; taken->pieces != NULL && i < taken->pieces->len; i++) {
    const WeirKafkaPiece *piece = &g_array_index (taken->pieces, WeirKafkaPiece, i);

    for (guint32 at = piece->from; at < piece->to; at += weir_kafka_head_at (piece, at)->size) {
      const WeirKafkaHead *head = weir_kafka_head_at (piece, at);

      g_string_append_printf (text, "%s%d=%.*s", text->len > 0 ? " " : "", (int) weir_kafka_offset_at (piece, head),
                              (int) head->value_size, weir_kafka_key_of (head, has_extras));
    }
  }
  return g_string_free (text, FALSE);
}

static void
expect (Fixture *fixture, gint64 from, guint64 most, const char *expected, gint64 until)
{
  g_autofree char *found = NULL;
  WeirKafkaTaken taken;

  weir_kafka_stage_take (&fixture->stage, from, most, &taken);
  found = text_of (&taken, fixture->staging.has_extras);
  g_assert_cmpstr (found, ==, expected);
  g_assert_cmpint (taken.until, ==, until);
  weir_kafka_taken_clear (&taken);
}

static void
test_what_is_not_published_is_not_there (Fixture *fixture, gconstpointer data)
{
  append (fixture, "a");
  append (fixture, "b");
  expect (fixture, 0, G_MAXUINT64, "", 0);
  weir_kafka_stage_publish (&fixture->stage);
  g_assert_cmpuint (weir_kafka_stage_count (&fixture->stage), ==, 2);
  expect (fixture, 0, G_MAXUINT64, "0=a 1=b", 2);
  g_assert_cmpuint (fixture->staging.n_bytes, ==, 0);
}

static void
test_so_many_and_no_more (Fixture *fixture, gconstpointer data)
{
  for (int i = 0; i < 5; i++)
    append (fixture, "x");
  weir_kafka_stage_publish (&fixture->stage);
  expect (fixture, 0, 2, "0=x 1=x", 2);
  expect (fixture, 2, 0, "", 2);
  expect (fixture, 2, 10, "2=x 3=x 4=x", 5);
}

/* Offsets without a record are done when what is before them is. */
static void
test_gaps (Fixture *fixture, gconstpointer data)
{
  append (fixture, "a");
  fixture->offset = 7;
  append (fixture, "b");
  weir_kafka_stage_skip (&fixture->stage, 20);
  weir_kafka_stage_publish (&fixture->stage);
  expect (fixture, 0, 1, "0=a", 1);
  expect (fixture, 1, 10, "7=b", 20);
  g_assert_true (weir_kafka_stage_reaches (&fixture->stage, 20));
  g_assert_false (weir_kafka_stage_reaches (&fixture->stage, 21));
}

static void
test_taken_up_to_an_offset (Fixture *fixture, gconstpointer data)
{
  g_autofree char *found = NULL;
  WeirKafkaTaken taken;

  for (int i = 0; i < 6; i++)
    append (fixture, "y");
  weir_kafka_stage_publish (&fixture->stage);
  weir_kafka_stage_take_until (&fixture->stage, 0, 4, &taken);
  found = text_of (&taken, fixture->staging.has_extras);
  g_assert_cmpstr (found, ==, "0=y 1=y 2=y 3=y");
  weir_kafka_taken_clear (&taken);
  expect (fixture, 4, 10, "4=y 5=y", 6);
}

/* Behind a break offsets begin anew; a batch has what lies before it, the next one what lies behind. */
static void
test_a_break (Fixture *fixture, gconstpointer data)
{
  append (fixture, "old");
  weir_kafka_stage_break (&fixture->stage, 0);
  fixture->offset = 0;
  append (fixture, "new");
  weir_kafka_stage_publish (&fixture->stage);
  expect (fixture, 0, 10, "0=old", 1);
  expect (fixture, 1, 10, "0=new", 1);
}

static void
test_random_cuts (Fixture *fixture, gconstpointer data)
{
  gint64 taken_until = 0;

  for (int round = 0; round < 300; round++) {
    int n = g_test_rand_int_range (0, 400);

    for (int i = 0; i < n; i++) {
      g_autofree char *value = g_strnfill ((gsize) g_test_rand_int_range (0, 300), 'v');

      append (fixture, value);
    }
    weir_kafka_stage_publish (&fixture->stage);
    for (int cuts = 0; cuts < 3; cuts++) {
      guint64 most = (guint64) g_test_rand_int_range (0, 300), n_staged = weir_kafka_stage_count (&fixture->stage);
      WeirKafkaTaken taken;

      weir_kafka_stage_take (&fixture->stage, taken_until, most, &taken);
      g_assert_cmpuint (taken.n, ==, MIN (most, n_staged));
      g_assert_cmpint (taken.from, ==, taken_until);
      g_assert_cmpint (taken.until, ==, taken_until + (gint64) taken.n);
      taken_until = taken.until;
      weir_kafka_taken_clear (&taken);
    }
  }
}

/* A record is known again by what it holds, wherever it was cut off. */
static void
test_witnesses (Fixture *fixture, gconstpointer data)
{
  WeirKafkaWitness newest, of_piece;
  WeirKafkaTaken taken;

  append (fixture, "a");
  append (fixture, "b");
  newest = weir_kafka_stage_newest (&fixture->stage);
  weir_kafka_stage_publish (&fixture->stage);
  weir_kafka_stage_take (&fixture->stage, 0, 10, &taken);
  of_piece =
      weir_kafka_piece_witness (&g_array_index (taken.pieces, WeirKafkaPiece, 0), fixture->staging.has_extras, FALSE);
  g_assert_cmpint (of_piece.offset, ==, 1);
  g_assert_cmpint (newest.offset, ==, 1);
  g_assert_cmpint (of_piece.timestamp_ms, ==, newest.timestamp_ms);
  g_assert_cmpuint (of_piece.hash, ==, newest.hash);
  g_assert_cmpuint (of_piece.hash, ==, weir_kafka_hash (NULL, 0, "b", 1));
  g_assert_cmpuint (weir_kafka_hash ("b", 1, NULL, 0), !=, weir_kafka_hash (NULL, 0, "b", 1));
  weir_kafka_taken_clear (&taken);
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *name;
    void (*test) (Fixture *, gconstpointer);
  } tests[] = {
    { "what-is-not-published-is-not-there", test_what_is_not_published_is_not_there },
    { "so-many-and-no-more", test_so_many_and_no_more },
    { "gaps", test_gaps },
    { "taken-up-to-an-offset", test_taken_up_to_an_offset },
    { "a-break", test_a_break },
    { "random-cuts", test_random_cuts },
    { "witnesses", test_witnesses },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < 2 * G_N_ELEMENTS (tests); i++) {
    g_autofree char *path = g_strconcat ("/kafka-stage/", i % 2 ? "with-extras/" : "", tests[i / 2].name, NULL);

    g_test_add (path, Fixture, i % 2 ? "extras" : NULL, set_up, tests[i / 2].test, tear_down);
  }
  return g_test_run ();
}
