/* Manifests as bytes and back. Must not know stores, or what a position or a note means. Any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/manifest.h"

#include <string.h>

#include <weir/error.h>

#include "engine/frame.h"

static void
state_free (gpointer data)
{
  WeirSavedState *state = data;

  g_free (state->uid);
  g_free (state->verb);
  g_array_unref (state->blobs);
  g_free (state);
}

static void
bytes_free (gpointer data)
{
  WeirSavedBytes *saved = data;

  g_free (saved->uid);
  g_bytes_unref (saved->bytes);
  g_free (saved);
}

static void
counter_free (gpointer data)
{
  WeirSavedCounter *counter = data;

  g_free (counter->name);
  g_free (counter);
}

static void
shape_free (gpointer data)
{
  WeirShape *shape = data;

  g_free (shape->uid);
  g_free (shape->verb);
  g_free (shape);
}

GPtrArray *
weir_saved_bytes_array_new (void)
{
  return g_ptr_array_new_with_free_func (bytes_free);
}

WeirManifest *
weir_manifest_new (void)
{
  WeirManifest *manifest = g_new0 (WeirManifest, 1);

  manifest->shape = g_ptr_array_new_with_free_func (shape_free);
  manifest->states = g_ptr_array_new_with_free_func (state_free);
  manifest->positions = weir_saved_bytes_array_new ();
  manifest->notes = weir_saved_bytes_array_new ();
  manifest->counters = g_ptr_array_new_with_free_func (counter_free);
  return manifest;
}

void
weir_manifest_free (WeirManifest *manifest)
{
  if (manifest == NULL)
    return;
  g_ptr_array_unref (manifest->shape);
  g_ptr_array_unref (manifest->states);
  g_ptr_array_unref (manifest->positions);
  g_ptr_array_unref (manifest->notes);
  g_ptr_array_unref (manifest->counters);
  g_free (manifest->job);
  g_free (manifest->uuid);
  g_free (manifest->marker_topic);
  g_free (manifest);
}

WeirSavedState *
weir_manifest_add_state (WeirManifest *manifest, const char *uid, const char *verb, guint32 version)
{
  WeirSavedState *state = g_new (WeirSavedState, 1);

  *state = (WeirSavedState){ g_strdup (uid), g_strdup (verb), version, g_array_new (FALSE, FALSE, sizeof (WeirBlob)) };
  g_ptr_array_add (manifest->states, state);
  return state;
}

void
weir_manifest_add_bytes (GPtrArray *all, const char *uid, GBytes *bytes)
{
  WeirSavedBytes *saved = g_new (WeirSavedBytes, 1);

  *saved = (WeirSavedBytes){ g_strdup (uid), g_bytes_ref (bytes) };
  g_ptr_array_add (all, saved);
}

void
weir_manifest_add_counter (WeirManifest *manifest, const char *name, gint64 value)
{
  WeirSavedCounter *counter = g_new (WeirSavedCounter, 1);

  *counter = (WeirSavedCounter){ g_strdup (name), value };
  g_ptr_array_add (manifest->counters, counter);
}

void
weir_manifest_add_shape (WeirManifest *manifest, const char *uid, const char *verb, gboolean is_named)
{
  WeirShape *shape = g_new (WeirShape, 1);

  *shape = (WeirShape){ g_strdup (uid), g_strdup (verb), is_named };
  g_ptr_array_add (manifest->shape, shape);
}

WeirSavedState *
weir_manifest_find_state (const WeirManifest *manifest, const char *uid)
{
  for (guint i = 0; i < manifest->states->len; i++) {
    WeirSavedState *state = g_ptr_array_index (manifest->states, i);

    if (g_str_equal (state->uid, uid))
      return state;
  }
  return NULL;
}

GBytes *
weir_manifest_find_bytes (const GPtrArray *all, const char *uid)
{
  for (guint i = 0; i < all->len; i++) {
    const WeirSavedBytes *saved = g_ptr_array_index (all, i);

    if (g_str_equal (saved->uid, uid))
      return saved->bytes;
  }
  return NULL;
}

static void
put_head (const WeirManifest *manifest, GByteArray *out)
{
  weir_put_u64 (out, manifest->epoch);
  weir_put_string (out, manifest->job);
  weir_put_string (out, manifest->uuid);
  weir_put_u64 (out, manifest->seed);
  weir_put_u64 (out, (guint64) manifest->time);
  weir_put_u64 (out, (guint64) manifest->zero);
  weir_put_u64 (out, (guint64) manifest->interval);
  weir_put_u64 (out, manifest->decided);
  weir_put_string (out, manifest->marker_topic);
  weir_put_u32 (out, (guint32) manifest->is_replayed);
  weir_put_u32 (out, (guint32) manifest->has_sealed);
}

static void
put_states (const GPtrArray *states, GByteArray *out)
{
  weir_put_u32 (out, states->len);
  for (guint i = 0; i < states->len; i++) {
    const WeirSavedState *state = g_ptr_array_index (states, i);

    weir_put_string (out, state->uid);
    weir_put_string (out, state->verb);
    weir_put_u32 (out, state->version);
    weir_put_u32 (out, state->blobs->len);
    for (guint k = 0; k < state->blobs->len; k++) {
      const WeirBlob *blob = &g_array_index (state->blobs, WeirBlob, k);

      weir_put_u64 (out, blob->epoch);
      weir_put_u64 (out, blob->offset);
      weir_put_u64 (out, blob->size);
    }
  }
}

static void
put_all_bytes (const GPtrArray *all, GByteArray *out)
{
  weir_put_u32 (out, all->len);
  for (guint i = 0; i < all->len; i++) {
    const WeirSavedBytes *saved = g_ptr_array_index (all, i);
    gsize size;
    gconstpointer data = g_bytes_get_data (saved->bytes, &size);

    weir_put_string (out, saved->uid);
    weir_put_bytes (out, data, size);
  }
}

void
weir_manifest_encode (const WeirManifest *manifest, GByteArray *out)
{
  guint start = weir_frame_begin (out);

  put_head (manifest, out);
  weir_put_u32 (out, manifest->shape->len);
  for (guint i = 0; i < manifest->shape->len; i++) {
    const WeirShape *shape = g_ptr_array_index (manifest->shape, i);

    weir_put_string (out, shape->uid);
    weir_put_string (out, shape->verb);
    weir_put_u32 (out, (guint32) shape->is_named);
  }
  put_states (manifest->states, out);
  put_all_bytes (manifest->positions, out);
  put_all_bytes (manifest->notes, out);
  weir_put_u32 (out, manifest->counters->len);
  for (guint i = 0; i < manifest->counters->len; i++) {
    const WeirSavedCounter *counter = g_ptr_array_index (manifest->counters, i);

    weir_put_string (out, counter->name);
    weir_put_u64 (out, (guint64) counter->value);
  }
  weir_frame_end (out, start, WEIR_FRAME_MANIFEST);
}

static void
take_head (WeirManifest *manifest, WeirTaker *taker)
{
  manifest->epoch = weir_take_u64 (taker);
  manifest->job = weir_take_string (taker);
  manifest->uuid = weir_take_string (taker);
  manifest->seed = weir_take_u64 (taker);
  manifest->time = (WeirTime) weir_take_u64 (taker);
  manifest->zero = (WeirTime) weir_take_u64 (taker);
  manifest->interval = (WeirTime) weir_take_u64 (taker);
  manifest->decided = weir_take_u64 (taker);
  manifest->marker_topic = weir_take_string (taker);
  manifest->is_replayed = weir_take_u32 (taker) != 0;
  manifest->has_sealed = weir_take_u32 (taker) != 0;
}

static void
take_shape (WeirManifest *manifest, WeirTaker *taker)
{
  guint32 n = weir_take_u32 (taker);

  for (guint32 i = 0; i < n && !taker->has_failed; i++) {
    g_autofree char *uid = weir_take_string (taker);
    g_autofree char *verb = weir_take_string (taker);

    weir_manifest_add_shape (manifest, uid, verb, weir_take_u32 (taker) != 0);
  }
}

static void
take_states (WeirManifest *manifest, WeirTaker *taker)
{
  guint32 n = weir_take_u32 (taker);

  for (guint32 i = 0; i < n && !taker->has_failed; i++) {
    g_autofree char *uid = weir_take_string (taker);
    g_autofree char *verb = weir_take_string (taker);
    WeirSavedState *state = weir_manifest_add_state (manifest, uid, verb, weir_take_u32 (taker));
    guint32 n_blobs = weir_take_u32 (taker);

    for (guint32 k = 0; k < n_blobs && !taker->has_failed; k++) {
      WeirBlob blob;

      blob.epoch = weir_take_u64 (taker);
      blob.offset = weir_take_u64 (taker);
      blob.size = weir_take_u64 (taker);
      g_array_append_val (state->blobs, blob);
    }
  }
}

static void
take_all_bytes (GPtrArray *all, WeirTaker *taker)
{
  guint32 n = weir_take_u32 (taker);

  for (guint32 i = 0; i < n && !taker->has_failed; i++) {
    g_autofree char *uid = weir_take_string (taker);
    gsize size;
    const guint8 *data = weir_take_bytes (taker, &size);
    g_autoptr (GBytes) bytes = g_bytes_new (data, size);

    weir_manifest_add_bytes (all, uid, bytes);
  }
}

static void
take_counters (WeirManifest *manifest, WeirTaker *taker)
{
  guint32 n = weir_take_u32 (taker);

  for (guint32 i = 0; i < n && !taker->has_failed; i++) {
    g_autofree char *name = weir_take_string (taker);

    weir_manifest_add_counter (manifest, name, (gint64) weir_take_u64 (taker));
  }
}

WeirManifest *
weir_manifest_decode (gconstpointer data, gsize size, GError **error)
{
  g_autoptr (WeirManifest) manifest = NULL;
  const guint8 *payload;
  gsize payload_size;
  WeirTaker taker;

  if (!weir_frame_open (data, size, WEIR_FRAME_MANIFEST, &payload, &payload_size, error))
    return NULL;
  manifest = weir_manifest_new ();
  weir_taker_init (&taker, payload, payload_size);
  take_head (manifest, &taker);
  take_shape (manifest, &taker);
  take_states (manifest, &taker);
  take_all_bytes (manifest->positions, &taker);
  take_all_bytes (manifest->notes, &taker);
  take_counters (manifest, &taker);
  if (weir_taker_is_done (&taker) && manifest->interval > 0)
    return g_steal_pointer (&manifest);
  g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT, "its lengths do not fit together");
  return NULL;
}
