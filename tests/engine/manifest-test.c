/* Manifests: what is written is read again, and no damage passes. SPDX-License-Identifier: Apache-2.0
 */
#include "engine/manifest.h"

#include <string.h>

#include <weir/error.h>

#include "engine/frame.h"

static WeirManifest *
example (void)
{
  WeirManifest *manifest = weir_manifest_new ();
  g_autoptr (GBytes) bytes = g_bytes_new_static ("po\0sition", 9);
  g_autoptr (GBytes) note = g_bytes_new_static ("", 0);
  WeirBlob blobs[] = { { 3, 0, 100 }, { 4, 100, G_MAXUINT32 + 1ull } };

  manifest->epoch = 4;
  manifest->job = g_strdup ("word counts");
  manifest->uuid = g_strdup ("c0ffee");
  manifest->seed = G_MAXUINT64 - 5;
  manifest->time = WEIR_SECONDS (4);
  manifest->zero = -WEIR_SECONDS (1);
  manifest->interval = WEIR_SECONDS (1);
  manifest->decided = 3;
  manifest->marker_topic = g_strdup ("out");
  manifest->is_replayed = TRUE;
  g_array_append_vals (weir_manifest_add_state (manifest, "totals", "update_state_by_key", 7)->blobs, blobs, 2);
  weir_manifest_add_bytes (manifest->positions, "lines", bytes);
  weir_manifest_add_bytes (manifest->notes, "files", note);
  weir_manifest_add_counter (manifest, "bad", -3);
  weir_manifest_add_shape (manifest, "lines", "queue_stream", TRUE);
  weir_manifest_add_shape (manifest, "print-0", "print", FALSE);
  return manifest;
}

static GByteArray *
encoded (void)
{
  g_autoptr (WeirManifest) manifest = example ();
  GByteArray *out = g_byte_array_new ();

  weir_manifest_encode (manifest, out);
  return out;
}

static void
test_what_is_written_is_read (void)
{
  g_autoptr (GByteArray) bytes = encoded ();
  g_autoptr (GByteArray) again = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirManifest) manifest = weir_manifest_decode (bytes->data, bytes->len, &error);
  const WeirSavedState *state;

  g_assert_no_error (error);
  g_assert_cmpuint (manifest->epoch, ==, 4);
  g_assert_cmpstr (manifest->job, ==, "word counts");
  g_assert_cmpuint (manifest->seed, ==, G_MAXUINT64 - 5);
  g_assert_cmpint (manifest->zero, ==, -WEIR_SECONDS (1));
  state = weir_manifest_find_state (manifest, "totals");
  g_assert_nonnull (state);
  g_assert_cmpuint (state->version, ==, 7);
  g_assert_cmpuint (g_array_index (state->blobs, WeirBlob, 1).size, ==, G_MAXUINT32 + 1ull);
  g_assert_cmpuint (g_bytes_get_size (weir_manifest_find_bytes (manifest->positions, "lines")), ==, 9);
  g_assert_null (weir_manifest_find_bytes (manifest->positions, "files"));
  weir_manifest_encode (manifest, again);
  g_assert_cmpmem (again->data, again->len, bytes->data, bytes->len);
}

static void
assert_damaged (gconstpointer data, gsize size)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (weir_manifest_decode (data, size, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT);
}

static void
test_every_length_is_told_from_the_whole (void)
{
  g_autoptr (GByteArray) bytes = encoded ();

  for (gsize size = 0; size < bytes->len; size++)
    assert_damaged (bytes->data, size);
}

static void
test_every_flipped_bit_is_found (void)
{
  g_autoptr (GByteArray) bytes = encoded ();

  for (gsize bit = 0; bit < bytes->len * 8; bit++) {
    bytes->data[bit / 8] ^= (guint8) (1 << bit % 8);
    assert_damaged (bytes->data, bytes->len);
    bytes->data[bit / 8] ^= (guint8) (1 << bit % 8);
  }
}

/* The checksum fits, the lengths in it do not: nothing is read beyond the end, nothing is made of huge counts. */
static void
test_lengths_are_checked (void)
{
  g_autoptr (GByteArray) bytes = encoded ();

  for (gsize at = WEIR_FRAME_HEADER; at + 4 <= bytes->len; at++) {
    g_autoptr (GByteArray) changed = g_byte_array_new ();
    g_autoptr (WeirManifest) manifest = NULL;
    guint start = weir_frame_begin (changed);

    g_byte_array_append (changed, bytes->data + WEIR_FRAME_HEADER, bytes->len - WEIR_FRAME_HEADER);
    memset (changed->data + at, 0xff, 4);
    weir_frame_end (changed, start, WEIR_FRAME_MANIFEST);
    manifest = weir_manifest_decode (changed->data, changed->len, NULL);
    if (manifest != NULL)
      g_assert_cmpuint (manifest->shape->len, <=, changed->len);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/manifest/what-is-written-is-read", test_what_is_written_is_read);
  g_test_add_func ("/manifest/every-length-is-told-from-the-whole", test_every_length_is_told_from_the_whole);
  g_test_add_func ("/manifest/every-flipped-bit-is-found", test_every_flipped_bit_is_found);
  g_test_add_func ("/manifest/lengths-are-checked", test_lengths_are_checked);
  return g_test_run ();
}
