/* The wire format: what is written is read back, bytes never change, and nothing else is accepted.
 * Must not know who stores the bytes. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/wire.h"

#include <math.h>
#include <string.h>

#include <weir/weir.h>

#include "tests/engine/random-value.h"
#include "tests/engine/task-fixture.h"

static void
assert_bytes (WeirValue v, const char *bytes, gsize size)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  TaskFixture fixture;
  WeirTask *task = task_fixture_init (&fixture);
  WeirValue back;

  weir_encode (v, out);
  g_assert_cmpmem (out->data, out->len, bytes, size);
  g_assert_true (weir_decode (task, bytes, size, &back, &error));
  g_assert_no_error (error);
  g_assert_true (is_identical (back, v));
  task_fixture_clear (&fixture);
}

#define ASSERT_BYTES(v, literal) assert_bytes (v, literal, sizeof literal - 1)

/* As docs/reference/wire-format.md has them. */
static void
bytes_are_those_of_the_reference_page (void)
{
  ASSERT_BYTES (weir_nil (), "\x00");
  ASSERT_BYTES (weir_bool (FALSE), "\x01");
  ASSERT_BYTES (weir_bool (TRUE), "\x09");
  ASSERT_BYTES (weir_int (0), "\x02");
  ASSERT_BYTES (weir_int (-1), "\x0a");
  ASSERT_BYTES (weir_int (1), "\x12");
  ASSERT_BYTES (weir_int (11), "\xb2");
  ASSERT_BYTES (weir_int (-12), "\xba");
  ASSERT_BYTES (weir_int (12), "\xc2\x18");
  ASSERT_BYTES (weir_int (1000), "\xca\xd0\x07");
  ASSERT_BYTES (weir_int (G_MAXINT64), "\xfa\xfe\xff\xff\xff\xff\xff\xff\xff");
  ASSERT_BYTES (weir_int (G_MININT64), "\xfa\xff\xff\xff\xff\xff\xff\xff\xff");
  ASSERT_BYTES (weir_float (1.5), "\x03\x00\x00\x00\x00\x00\x00\xf8\x3f");
  ASSERT_BYTES (weir_float (-0.0), "\x03\x00\x00\x00\x00\x00\x00\x00\x80");
  ASSERT_BYTES (weir_text (""), "\x04");
  ASSERT_BYTES (weir_text ("hi"), "\x14hi");
  ASSERT_BYTES (weir_text ("twenty-four characters.."), "\xc4\x18twenty-four characters..");
  ASSERT_BYTES (weir_bytes ("\x00\xff", 2), "\x15\x00\xff");
  ASSERT_BYTES (WEIR_PAIR_OF (weir_text ("hello"), weir_int (1)), "\x06\x2chello\x12");
  ASSERT_BYTES (WEIR_LIST_OF (weir_int (1), weir_nil ()), "\x17\x12\x00");
  ASSERT_BYTES (weir_list_at (NULL, 0), "\x07");
}

static void
random_values_come_back_as_they_were (void)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  TaskFixture fixture;
  WeirTask *task = task_fixture_init (&fixture);

  for (guint i = 0; i < 30000; i++) {
    WeirValue v = random_value (task, 4), back;

    g_byte_array_set_size (out, 0);
    weir_encode (v, out);
    g_assert_true (weir_decode (task, out->data, out->len, &back, &error));
    memset (out->data, 0xee, out->len);
    g_assert_true (is_identical (back, v));
    g_assert_true (weir_equal (back, v));
    weir_arena_reset (&fixture.task_run.scratch);
  }
  task_fixture_clear (&fixture);
}

static void
sizes_at_the_edges_of_a_number_come_back (void)
{
  static const gsize sizes[] = { 23, 24, 255, 256, 65535, 65536, 1 << 24 };
  g_autofree char *zeros = g_malloc0 (1 << 24);
  g_autoptr (GByteArray) out = g_byte_array_new ();
  TaskFixture fixture;
  WeirTask *task = task_fixture_init (&fixture);
  WeirValue back;

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_byte_array_set_size (out, 0);
    weir_encode (weir_text_n (zeros, sizes[i]), out);
    g_assert_true (weir_decode (task, out->data, out->len, &back, NULL));
    g_assert_cmpmem (weir_data (back), weir_size (back), zeros, sizes[i]);
  }
  task_fixture_clear (&fixture);
}

static void
values_follow_each_other_in_a_stream (void)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  TaskFixture fixture;
  WeirTask *task = task_fixture_init (&fixture);
  gsize at = 0, n_consumed;
  WeirValue v;

  for (gint64 i = 0; i < 100; i++)
    weir_encode (WEIR_PAIR_OF (weir_int (i * i * i), weir_text ("x")), out);
  for (gint64 i = 0; i < 100; i++, at += n_consumed) {
    g_assert_true (weir_decode_prefix (task, out->data + at, out->len - at, &n_consumed, &v, &error));
    g_assert_cmpint (weir_as_int (weir_key (v)), ==, i * i * i);
  }
  g_assert_cmpuint (at, ==, out->len);
  task_fixture_clear (&fixture);
}

static void
assert_refused (const char *bytes, gsize size, const char *reason)
{
  g_autofree char *exact = g_memdup2 (bytes, size); /* so that a sanitizer sees a byte read too many */
  g_autofree char *pattern = g_strdup_printf ("*%s*", reason);
  g_autoptr (GError) error = NULL;
  WeirValue v = weir_int (77);
  TaskFixture fixture;
  WeirTask *task = task_fixture_init (&fixture);

  g_assert_false (weir_decode (task, exact, size, &v, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_FAILED);
  if (!g_pattern_match_simple (pattern, error->message))
    g_error ("'%s' doesn't say '%s'", error->message, reason);
  g_assert_cmpint (weir_as_int (v), ==, 77);
  g_assert_cmpuint (fixture.task_run.scratch.used, ==, 0);
  task_fixture_clear (&fixture);
}

#define ASSERT_REFUSED(literal, reason) assert_refused (literal, sizeof literal - 1, reason)

static void
what_is_no_value_is_refused_with_byte_and_reason (void)
{
  ASSERT_REFUSED ("", "from 0 bytes: at byte 0: a value should begin here");
  ASSERT_REFUSED ("\x08", "at byte 0: the tag is none of a value");
  ASSERT_REFUSED ("\x11", "at byte 0: the tag is none of a value");
  ASSERT_REFUSED ("\x0b\x00\x00\x00\x00\x00\x00\x00\x00", "at byte 0: the tag");
  ASSERT_REFUSED ("\x0e\x00\x00", "at byte 0: the tag");
  ASSERT_REFUSED ("\xe4\x00\x00\x00\x00\x01", "at byte 0: the tag");
  ASSERT_REFUSED ("\xca\xd0", "at byte 0: the data ends within a number");
  ASSERT_REFUSED ("\xc2\x17", "at byte 0: a number is not written in its fewest bytes");
  ASSERT_REFUSED ("\xca\xd0\x00", "at byte 0: a number is not written in its fewest bytes");
  ASSERT_REFUSED ("\x03\x00\x00\x00\x00\x00\x00\x00", "at byte 1: the data ends within a FLOAT");
  ASSERT_REFUSED ("\x1chi", "at byte 1: a text is longer than the data");
  ASSERT_REFUSED ("\xdd\xff\xff\xff\xff"
                  "ab",
                  "at byte 5: a text is longer");
  ASSERT_REFUSED ("\x06\x00", "at byte 1: a container promises more");
  ASSERT_REFUSED ("\x17\x12", "at byte 1: a container promises more");
  ASSERT_REFUSED ("\xff\xff\xff\xff\xff\xff\xff\xff\xff", "at byte 9: a container promises more");
  ASSERT_REFUSED ("\x02\x02", "from 2 bytes: at byte 1: the value ends here, but more bytes follow");
}

/* Each list promises as many items as bytes are left, which the lists around it have been promised already. */
static void
lists_cannot_promise_the_same_bytes_twice (void)
{
  char bytes[40];

  memset (bytes, 0, sizeof bytes);
  bytes[0] = (char) (20 << 3 | WEIR_LIST);
  bytes[1] = (char) (20 << 3 | WEIR_LIST);
  assert_refused (bytes, 22, "at byte 2: a container promises more");
  assert_refused (bytes, 40, "at byte 2: a container promises more");
}

static void
depth_is_bounded (void)
{
  char bytes[1000];

  memset (bytes, 1 << 3 | WEIR_LIST, sizeof bytes);
  bytes[WEIR_WIRE_DEPTH_MAX] = 0;
  assert_refused (bytes, WEIR_WIRE_DEPTH_MAX + 1, "at byte 64: values are nested deeper than 64");
  assert_refused (bytes, sizeof bytes, "nested deeper than 64");
}

static WeirValue
nested (WeirTask *task, guint depth)
{
  WeirValue v = weir_int (1);

  while (--depth > 0)
    v = weir_list (task, &v, 1);
  return v;
}

static void
what_is_too_deep_to_decode_is_not_encoded (void)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  TaskFixture fixture;
  WeirTask *task = task_fixture_init (&fixture);
  WeirValue v;

  weir_encode (nested (task, WEIR_WIRE_DEPTH_MAX), out);
  g_assert_true (weir_decode (task, out->data, out->len, &v, NULL));
  g_assert_cmpuint (out->len, ==, WEIR_WIRE_DEPTH_MAX);
  g_assert_false (weir_encode_bounded (nested (task, WEIR_WIRE_DEPTH_MAX + 1), out));
  g_test_expect_message ("weir", G_LOG_LEVEL_CRITICAL, "*nested deeper than 64*");
  weir_encode (nested (task, WEIR_WIRE_DEPTH_MAX + 1), out);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (out->len, ==, WEIR_WIRE_DEPTH_MAX);
  task_fixture_clear (&fixture);
}

/* A list that holds the same list again and again is small in memory and larger than any array when written. */
static void
what_would_pass_two_gib_is_not_encoded (void)
{
  g_autofree char *zeros = g_malloc0 (1 << 20);
  g_autoptr (GByteArray) out = g_byte_array_new ();
  WeirValue items[12][2];
  WeirValue v = weir_text_n (zeros, 1 << 20);

  for (guint depth = 0; depth < G_N_ELEMENTS (items); depth++) {
    items[depth][0] = items[depth][1] = v;
    v = weir_list_at (items[depth], 2);
  }
  g_assert_false (weir_encode_bounded (v, out));
  g_assert_cmpuint (out->len, ==, 0);
}

/* One encoding per value: bytes that are accepted are those that encoding gives, whatever was changed in them. */
static void
damaged_bytes_are_refused_or_are_another_value (void)
{
  g_autoptr (GByteArray) out = g_byte_array_new (), again = g_byte_array_new ();
  TaskFixture fixture;
  WeirTask *task = task_fixture_init (&fixture);
  guint n_refused = 0;

  for (guint i = 0; i < 30000; i++) {
    WeirValue v = random_value (task, 3), back;
    g_autoptr (GError) error = NULL;

    g_byte_array_set_size (out, 0);
    g_byte_array_set_size (again, 0);
    weir_encode (v, out);
    out->data[(guint) g_test_rand_int () % out->len] ^= (guint8) (1 + (guint) g_test_rand_int () % 255);
    if (weir_decode (task, out->data, out->len, &back, &error)) {
      weir_encode (back, again);
      g_assert_cmpmem (again->data, again->len, out->data, out->len);
      g_assert_false (is_identical (back, v));
    } else {
      g_assert_error (error, WEIR_ERROR, WEIR_ERROR_FAILED);
      n_refused++;
    }
    weir_arena_reset (&fixture.task_run.scratch);
  }
  g_assert_cmpuint (n_refused, >, 1000);
  task_fixture_clear (&fixture);
}

static void
every_prefix_of_a_value_is_refused (void)
{
  TaskFixture fixture;
  WeirTask *task = task_fixture_init (&fixture);

  for (guint i = 0; i < 300; i++) {
    g_autoptr (GByteArray) out = g_byte_array_new ();

    weir_encode (random_value (task, 3), out);
    for (gsize n = 0; n < MIN (out->len, 200); n++)
      assert_refused ((const char *) out->data, n, "");
  }
  task_fixture_clear (&fixture);
}

static void
small_values_have_the_same_bytes_without_being_measured (void)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  TaskFixture fixture;
  WeirTask *task = task_fixture_init (&fixture);
  guint8 bytes[WEIR_WIRE_SMALL];
  guint n = 0;

  for (guint i = 0; i < 20000; i++) {
    WeirValue v = random_value (task, 2);

    if (!weir_wire_is_small (v))
      continue;
    n++;
    g_byte_array_set_size (out, 0);
    weir_encode (v, out);
    g_assert_cmpmem (bytes, weir_wire_put_small (bytes, v) - bytes, out->data, out->len);
  }
  g_assert_cmpuint (n, >, 1000);
  g_assert_true (weir_wire_put_small (bytes, weir_int (G_MININT64)) == bytes + 9);
  g_assert_false (weir_wire_is_small (weir_text ("seventeen letters")));
  task_fixture_clear (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/bytes-are-those-of-the-reference-page", bytes_are_those_of_the_reference_page);
  g_test_add_func ("/wire/random-values-come-back-as-they-were", random_values_come_back_as_they_were);
  g_test_add_func ("/wire/sizes-at-the-edges-of-a-number-come-back", sizes_at_the_edges_of_a_number_come_back);
  g_test_add_func ("/wire/small-values", small_values_have_the_same_bytes_without_being_measured);
  g_test_add_func ("/wire/values-follow-each-other-in-a-stream", values_follow_each_other_in_a_stream);
  g_test_add_func ("/wire/what-is-no-value-is-refused-with-byte-and-reason",
                   what_is_no_value_is_refused_with_byte_and_reason);
  g_test_add_func ("/wire/lists-cannot-promise-the-same-bytes-twice", lists_cannot_promise_the_same_bytes_twice);
  g_test_add_func ("/wire/depth-is-bounded", depth_is_bounded);
  g_test_add_func ("/wire/what-is-too-deep-to-decode-is-not-encoded", what_is_too_deep_to_decode_is_not_encoded);
  g_test_add_func ("/wire/what-would-pass-two-gib-is-not-encoded", what_would_pass_two_gib_is_not_encoded);
  g_test_add_func ("/wire/damaged-bytes-are-refused-or-are-another-value",
                   damaged_bytes_are_refused_or_are_another_value);
  g_test_add_func ("/wire/every-prefix-of-a-value-is-refused", every_prefix_of_a_value_is_refused);
  return g_test_run ();
}
