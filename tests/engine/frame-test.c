/* Frames: what was put comes back; any damage is told, wherever it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/frame.h"

#include <string.h>

#include <weir/error.h>

static GByteArray *
make_frame (WeirFrameKind kind, const char *text)
{
  GByteArray *out = g_byte_array_new ();
  guint start = weir_frame_begin (out);

  weir_put_string (out, text);
  weir_frame_end (out, start, kind);
  return out;
}

static void
assert_refused (gconstpointer data, gsize size, const char *part)
{
  g_autoptr (GError) error = NULL;
  const guint8 *payload;
  gsize n;

  g_assert_false (weir_frame_open (data, size, WEIR_FRAME_STATE, &payload, &n, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT);
  if (part != NULL && strstr (error->message, part) == NULL)
    g_error ("no '%s' in: %s", part, error->message);
}

static void
test_round_trip (void)
{
  g_autoptr (GByteArray) frame = make_frame (WEIR_FRAME_STATE, "seventeen");
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  const guint8 *payload;
  WeirTaker taker;
  gsize n;

  g_byte_array_append (frame, (const guint8 *) "behind", 6);
  g_assert_true (weir_frame_open (frame->data, frame->len, WEIR_FRAME_STATE, &payload, &n, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (weir_frame_size (n), ==, frame->len - 6);
  weir_taker_init (&taker, payload, n);
  text = weir_take_string (&taker);
  g_assert_cmpstr (text, ==, "seventeen");
  g_assert_true (weir_taker_is_done (&taker));
}

static void
test_empty_payload (void)
{
  g_autoptr (GByteArray) frame = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  const guint8 *payload;
  gsize n;

  weir_frame_end (frame, weir_frame_begin (frame), WEIR_FRAME_PLAN);
  g_assert_true (weir_frame_open (frame->data, frame->len, WEIR_FRAME_PLAN, &payload, &n, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n, ==, 0);
  g_assert_cmpuint (weir_frame_size (n), ==, WEIR_FRAME_HEADER);
}

static void
test_frames_follow_each_other (void)
{
  g_autoptr (GByteArray) out = make_frame (WEIR_FRAME_STATE, "one");
  g_autoptr (GByteArray) two = make_frame (WEIR_FRAME_MANIFEST, "two");
  const guint8 *payload;
  gsize n;

  g_byte_array_append (out, two->data, two->len);
  g_assert_true (weir_frame_open (out->data, out->len, WEIR_FRAME_STATE, &payload, &n, NULL));
  g_assert_true (weir_frame_open (out->data + weir_frame_size (n), out->len - weir_frame_size (n), WEIR_FRAME_MANIFEST,
                                  &payload, &n, NULL));
  g_assert_cmpmem (payload, n, "\3\0\0\0two", 7);
}

static void
test_each_length_is_refused (void)
{
  g_autoptr (GByteArray) frame = make_frame (WEIR_FRAME_STATE, "a state of a slice");

  for (guint n = 0; n < frame->len; n++) {
    g_autofree guint8 *cut = g_memdup2 (frame->data, n); /* its own, for the sanitizer to see a read behind it */

    assert_refused (cut, n, n < WEIR_FRAME_HEADER ? "within the header" : "too early");
  }
}

static void
test_each_bit_is_refused (void)
{
  g_autoptr (GByteArray) frame = make_frame (WEIR_FRAME_STATE, "a state of a slice");

  for (guint bit = 0; bit < frame->len * 8; bit++) {
    frame->data[bit / 8] ^= (guint8) (1 << bit % 8);
    assert_refused (frame->data, frame->len, NULL);
    frame->data[bit / 8] ^= (guint8) (1 << bit % 8);
  }
}

static void
test_another_kind_is_refused (void)
{
  g_autoptr (GByteArray) frame = make_frame (WEIR_FRAME_PLAN, "a plan");

  assert_refused (frame->data, frame->len, "another kind");
}

static void
test_other_bytes_are_refused (void)
{
  assert_refused ("#!/bin/sh\necho this is no checkpoint at all\n", 44, "does not begin like");
}

static void
test_numbers_come_back (void)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  WeirTaker taker;
  gsize size;

  weir_put_u32 (out, 0x01020304);
  weir_put_u64 (out, G_MAXUINT64 - 1);
  weir_put_bytes (out, "\0\1", 2);
  g_assert_cmpmem (out->data, 4, "\4\3\2\1", 4); /* whatever the machine's order is */
  weir_taker_init (&taker, out->data, out->len);
  g_assert_cmpuint (weir_take_u32 (&taker), ==, 0x01020304);
  g_assert_cmpuint (weir_take_u64 (&taker), ==, G_MAXUINT64 - 1);
  g_assert_false (weir_taker_is_done (&taker));
  g_assert_cmpmem (weir_take_bytes (&taker, &size), 2, "\0\1", 2);
  g_assert_cmpuint (size, ==, 2);
  g_assert_true (weir_taker_is_done (&taker));
}

static void
test_taking_too_much_fails_for_good (void)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  WeirTaker taker;
  gsize size = 1;

  weir_put_u32 (out, 1000); /* the length of a string that is not there */
  weir_put_u32 (out, 7);
  weir_taker_init (&taker, out->data, out->len);
  g_assert_null (weir_take_bytes (&taker, &size));
  g_assert_cmpuint (size, ==, 0);
  g_assert_true (taker.has_failed);
  g_assert_cmpuint (weir_take_u32 (&taker), ==, 0); /* although there is one */
  g_assert_false (weir_taker_is_done (&taker));
}

static void
test_a_string_that_is_not_there_is_empty (void)
{
  WeirTaker taker;

  weir_taker_init (&taker, "\1", 1);
  g_autofree char *text = weir_take_string (&taker);
  g_assert_cmpstr (text, ==, "");
  g_assert_true (taker.has_failed);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/frame/round-trip", test_round_trip);
  g_test_add_func ("/frame/empty-payload", test_empty_payload);
  g_test_add_func ("/frame/frames-follow-each-other", test_frames_follow_each_other);
  g_test_add_func ("/frame/each-length-is-refused", test_each_length_is_refused);
  g_test_add_func ("/frame/each-bit-is-refused", test_each_bit_is_refused);
  g_test_add_func ("/frame/another-kind-is-refused", test_another_kind_is_refused);
  g_test_add_func ("/frame/other-bytes-are-refused", test_other_bytes_are_refused);
  g_test_add_func ("/frame/numbers-come-back", test_numbers_come_back);
  g_test_add_func ("/frame/taking-too-much-fails-for-good", test_taking_too_much_fails_for_good);
  g_test_add_func ("/frame/a-string-that-is-not-there-is-empty", test_a_string_that_is_not_there_is_empty);
  return g_test_run ();
}
