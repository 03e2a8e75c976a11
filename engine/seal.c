/* The steps of sealing one epoch: prepare, write, decide, seal, commit. What is retriable is tried again until the
 * context stops; after anything else the context is opened again from the store, which knows how far it came. Must not
 * know when epochs are cut. Checkpoint thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/error.h>

#include "engine/checkpoint.h"
#include "engine/kill-point.h"

void
weir_sealing_free (WeirSealing *sealing)
{
  for (guint i = 0; i < sealing->positions->len; i++)
    g_bytes_unref (g_array_index (sealing->positions, WeirSourcePosition, i).position);
  g_array_unref (sealing->positions);
  g_array_unref (sealing->oldest_needed);
  g_ptr_array_unref (sealing->frames);
  weir_manifest_free (sealing->manifest);
  g_free (sealing->gathered);
  g_free (sealing);
}

typedef gboolean (*StepFunc) (WeirCheckpoint *checkpoint, WeirSealing *sealing, GError **error);

/* Tries a step until it succeeds, fails for good, or there is no time left. */
static gboolean
insist (WeirCheckpoint *checkpoint, WeirSealing *sealing, StepFunc step, GError **error)
{
  for (guint attempt = 0;; attempt++) {
    GError *failure = NULL;

    if (step (checkpoint, sealing, &failure))
      return TRUE;
    if (weir_error_is_retriable (failure) && attempt == 0)
      weir_log (checkpoint->engine->log, WEIR_LOG_WARNING, "checkpoint: %s; trying again", failure->message);
    if (!weir_error_is_retriable (failure) || !weir_checkpoint_pause (checkpoint, attempt)) {
      g_propagate_error (error, failure);
      return FALSE;
    }
    g_error_free (failure);
  }
}

static gboolean
prepare_output (WeirSealing *sealing, WeirOutput *output, GError **error)
{
  gpointer gathered = g_steal_pointer (&sealing->gathered[output->id]);
  g_autoptr (GByteArray) note = g_byte_array_new ();
  g_autofree char *identity = weir_output_identity (output);
  g_autoptr (GBytes) bytes = NULL;

  if (gathered == NULL)
    return TRUE;
  if (output->klass->prepare != NULL &&
      !output->klass->prepare (output, gathered, sealing->manifest->epoch, note, error)) {
    g_prefix_error (error, "%s: ", output->label);
    return FALSE;
  }
  bytes = g_byte_array_free_to_bytes (g_steal_pointer (&note));
  weir_manifest_add_bytes (sealing->manifest->notes, identity, bytes);
  return TRUE;
}

static gboolean
prepare_outputs (WeirCheckpoint *checkpoint, WeirSealing *sealing, GError **error)
{
  WeirDecider *decider = checkpoint->engine->decider;
  GPtrArray *outputs = checkpoint->engine->ctx->outputs;

  gboolean ok = TRUE;

  for (guint i = 0; i < outputs->len; i++) /* each takes what it gathered, whatever went wrong with another */
    ok = prepare_output (sealing, g_ptr_array_index (outputs, i), ok ? error : NULL) && ok;
  return ok && (!sealing->is_decided || decider->flush (decider, error));
}

/* What the sealed epoch had of the state and is still needed. */
static void
keep_blobs (const WeirCheckpoint *checkpoint, WeirSavedState *state, guint64 oldest)
{
  const WeirSavedState *old =
      checkpoint->sealed != NULL ? weir_manifest_find_state (checkpoint->sealed, state->uid) : NULL;

  g_array_set_size (state->blobs, 0);
  for (guint i = 0; old != NULL && i < old->blobs->len; i++) {
    const WeirBlob *blob = &g_array_index (old->blobs, WeirBlob, i);

    if (blob->epoch >= oldest)
      g_array_append_val (state->blobs, *blob);
  }
}

static gboolean
put_state (WeirCheckpoint *checkpoint, WeirSavedState *state, const GPtrArray *frames, GError **error)
{
  WeirStore *store = checkpoint->store;

  for (guint i = 0; i < frames->len; i++) {
    const GByteArray *frame = g_ptr_array_index (frames, i);
    WeirBlob blob;

    if (store->klass->renew != NULL && !store->klass->renew (store, error))
      return FALSE;
    if (!store->klass->put (store, frame->data, frame->len, &blob, error))
      return FALSE;
    g_array_append_val (state->blobs, blob);
  }
  return TRUE;
}

static gboolean
write_epoch (WeirCheckpoint *checkpoint, WeirSealing *sealing, GError **error)
{
  WeirStore *store = checkpoint->store;
  WeirManifest *manifest = sealing->manifest;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  if (!store->klass->begin (store, manifest->epoch, error))
    return FALSE;
  for (guint i = 0; i < manifest->states->len; i++) {
    WeirSavedState *state = g_ptr_array_index (manifest->states, i);

    keep_blobs (checkpoint, state, g_array_index (sealing->oldest_needed, guint64, i));
    if (!put_state (checkpoint, state, g_ptr_array_index (sealing->frames, i), error))
      return FALSE;
  }
  weir_manifest_encode (manifest, bytes);
  return store->klass->prepare (store, bytes->data, bytes->len, error);
}

static gboolean
decide (WeirCheckpoint *checkpoint, WeirSealing *sealing, GError **error)
{
  WeirDecider *decider = checkpoint->engine->decider;

  if (!sealing->is_decided)
    return TRUE;
  return decider->commit (decider, sealing->manifest->epoch, error);
}

static gboolean
make_current (WeirCheckpoint *checkpoint, WeirSealing *sealing, GError **error)
{
  return checkpoint->store->klass->seal (checkpoint->store, sealing->manifest->epoch, error);
}

static void
adopt (WeirCheckpoint *checkpoint, WeirSealing *sealing)
{
  weir_manifest_free (checkpoint->before);
  checkpoint->before = checkpoint->sealed;
  checkpoint->sealed = g_steal_pointer (&sealing->manifest);
}

gboolean
weir_seal_commit (WeirCheckpoint *checkpoint, const WeirManifest *manifest, GError **error)
{
  GPtrArray *outputs = checkpoint->engine->ctx->outputs;

  for (guint i = 0; i < outputs->len; i++) {
    WeirOutput *output = g_ptr_array_index (outputs, i);
    g_autofree char *identity = weir_output_identity (output);
    GBytes *note = output->is_sealed ? weir_manifest_find_bytes (manifest->notes, identity) : NULL;
    gsize size;
    gconstpointer data;

    if (note == NULL)
      continue;
    data = g_bytes_get_data (note, &size);
    if (!output->klass->commit (output, manifest->epoch, data, size, error)) {
      g_prefix_error (error, "%s: ", output->label);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
commit_sealed (WeirCheckpoint *checkpoint, WeirSealing *sealing, GError **error)
{
  return weir_seal_commit (checkpoint, checkpoint->sealed, error);
}

static void
add_epochs (GArray *epochs, const WeirManifest *manifest)
{
  if (manifest == NULL)
    return;
  g_array_append_val (epochs, manifest->epoch);
  for (guint i = 0; i < manifest->states->len; i++) {
    const WeirSavedState *state = g_ptr_array_index (manifest->states, i);

    for (guint k = 0; k < state->blobs->len; k++)
      g_array_append_val (epochs, g_array_index (state->blobs, WeirBlob, k).epoch);
  }
}

static gint
compare_epochs (gconstpointer a, gconstpointer b)
{
  guint64 x = *(const guint64 *) a, y = *(const guint64 *) b;

  return (x > y) - (x < y);
}

gboolean
weir_seal_forget (WeirCheckpoint *checkpoint, GError **error)
{
  g_autoptr (GArray) epochs = g_array_new (FALSE, FALSE, sizeof (guint64));
  guint n = 0;

  add_epochs (epochs, checkpoint->sealed);
  add_epochs (epochs, checkpoint->before);
  g_array_sort (epochs, compare_epochs);
  for (guint i = 0; i < epochs->len; i++)
    if (n == 0 || g_array_index (epochs, guint64, i) != g_array_index (epochs, guint64, n - 1))
      g_array_index (epochs, guint64, n++) = g_array_index (epochs, guint64, i);
  return checkpoint->store->klass->forget (checkpoint->store, (const guint64 *) (gpointer) epochs->data, n, error);
}

static gboolean
forget_old (WeirCheckpoint *checkpoint, WeirSealing *sealing, GError **error)
{
  return weir_seal_forget (checkpoint, error);
}

gboolean
weir_seal (WeirCheckpoint *checkpoint, WeirSealing *sealing, GError **error)
{
  WeirManifest *manifest = sealing->manifest;

  manifest->decided = sealing->is_decided          ? manifest->epoch
                      : checkpoint->sealed != NULL ? checkpoint->sealed->decided
                                                   : 0;
  weir_kill_point ("seal-prepare");
  if (!prepare_outputs (checkpoint, sealing, error))
    return FALSE;
  weir_kill_point ("seal-write");
  if (!insist (checkpoint, sealing, write_epoch, error))
    return FALSE;
  weir_kill_point ("seal-decide");
  if (!decide (checkpoint, sealing, error))
    return FALSE;
  weir_kill_point ("seal-current");
  if (!insist (checkpoint, sealing, make_current, error))
    return FALSE;
  adopt (checkpoint, sealing);
  weir_kill_point ("seal-commit");
  if (!insist (checkpoint, sealing, commit_sealed, error))
    return FALSE;
  weir_kill_point ("seal-forget");
  if (!insist (checkpoint, sealing, forget_old, error))
    return FALSE;
  weir_kill_point ("seal-done");
  return TRUE;
}
