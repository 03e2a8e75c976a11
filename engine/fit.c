/* Compares what a checkpoint holds with the graph that wants to go on from it: by uid, never by code. Must not know how
 * anything is stored. Thread: the one that starts the context.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/fit.h"

#include <weir/error.h>

#include "engine/state-stage.h"

/* Something of the graph that a checkpoint keeps something for. */
typedef struct {
  char *uid;
  const char *verb;
  gboolean is_named;
  const WeirOp *op; /* with state; else NULL */
} Keeper;

static void
keeper_clear (gpointer data)
{
  g_free (((Keeper *) data)->uid);
}

static GArray *
list_keepers (const WeirContext *ctx)
{
  GArray *keepers = g_array_new (FALSE, FALSE, sizeof (Keeper));

  g_array_set_clear_func (keepers, keeper_clear);
  for (guint i = 0; i < ctx->streams->len; i++) {
    const WeirStream *stream = g_ptr_array_index (ctx->streams, i);
    gboolean has_state = weir_op_is_stateful (&stream->op);
    Keeper keeper = { weir_stream_identity (stream), stream->op.klass->verb, stream->uid != NULL,
                      has_state ? &stream->op : NULL };

    if (stream->n_consumers > 0 && (has_state || (stream->source != NULL && stream->source->klass->save != NULL)))
      g_array_append_val (keepers, keeper);
    else
      g_free (keeper.uid);
  }
  for (guint i = 0; i < ctx->outputs->len; i++) {
    const WeirOutput *output = g_ptr_array_index (ctx->outputs, i);
    Keeper keeper = { weir_output_identity (output), output->klass->verb, output->uid != NULL, NULL };

    if (output->is_sealed)
      g_array_append_val (keepers, keeper);
    else
      g_free (keeper.uid);
  }
  return keepers;
}

static const Keeper *
find_keeper (const GArray *keepers, const char *uid)
{
  for (guint i = 0; i < keepers->len; i++) {
    const Keeper *keeper = &g_array_index (keepers, Keeper, i);

    if (g_str_equal (keeper->uid, uid))
      return keeper;
  }
  return NULL;
}

static void
add_line (GString *text, const char *line)
{
  g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", line);
}

static void
add_orphans (const GPtrArray *all, const GArray *keepers, GString *text)
{
  for (guint i = 0; i < all->len; i++) {
    const WeirSavedBytes *saved = g_ptr_array_index (all, i);

    if (find_keeper (keepers, saved->uid) == NULL)
      add_line (text, saved->uid);
  }
}

static gboolean
check_orphans (const WeirCheckpoint *checkpoint, const WeirManifest *manifest, const GArray *keepers, GError **error)
{
  const WeirOptions *options = checkpoint->engine->ctx->options;
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < manifest->states->len; i++) {
    const WeirSavedState *state = g_ptr_array_index (manifest->states, i);

    if (find_keeper (keepers, state->uid) == NULL)
      add_line (text, state->uid);
  }
  add_orphans (manifest->positions, keepers, text);
  add_orphans (manifest->notes, keepers, text);
  if (text->len == 0)
    return TRUE;
  if (weir_options_choice (options, WEIR_OPTION_STATE_ORPHANS) == WEIR_ORPHANS_DROP) {
    weir_log (checkpoint->engine->log, WEIR_LOG_WARNING, "what the checkpoint holds of %s is dropped", text->str);
    return TRUE;
  }
  g_set_error (
      error, WEIR_ERROR, WEIR_ERROR_ORPHAN_STATE,
      "the checkpoint holds what the graph has no place for, of %s: give the streams that are to go on with it "
      "these uids (weir_stream_set_uid ()), or drop it for good with --state.orphans=drop",
      text->str);
  return FALSE;
}

static gboolean
check_verbs (const WeirManifest *manifest, const GArray *keepers, GError **error)
{
  for (guint i = 0; i < manifest->states->len; i++) {
    const WeirSavedState *state = g_ptr_array_index (manifest->states, i);
    const Keeper *keeper = find_keeper (keepers, state->uid);

    if (keeper == NULL || keeper->op == NULL)
      continue;
    if (!g_str_equal (state->verb, keeper->verb)) {
      g_set_error (error, WEIR_ERROR, WEIR_ERROR_ORPHAN_STATE,
                   "%s is a %s now, and the checkpoint's state of that uid is of a %s: give the new stream another uid",
                   state->uid, keeper->verb, state->verb);
      return FALSE;
    }
    if (state->version != keeper->op->state_version &&
        (keeper->op->upgrade == NULL || state->version > keeper->op->state_version)) {
      g_set_error (error, WEIR_ERROR, WEIR_ERROR_ORPHAN_STATE,
                   "%s: the checkpoint's state has version %u and the job's has %u, with no function that makes one of "
                   "the other: see weir_stream_set_state_version ()",
                   state->uid, state->version, keeper->op->state_version);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
is_same_shape (const WeirContext *ctx, const WeirManifest *manifest)
{
  guint n_streams = ctx->streams->len;

  if (manifest->shape->len != n_streams + ctx->outputs->len)
    return FALSE;
  for (guint i = 0; i < manifest->shape->len; i++) {
    const WeirShape *shape = g_ptr_array_index (manifest->shape, i);
    const WeirStream *stream = i < n_streams ? g_ptr_array_index (ctx->streams, i) : NULL;
    const WeirOutput *output = i < n_streams ? NULL : g_ptr_array_index (ctx->outputs, i - n_streams);
    g_autofree char *uid = stream != NULL ? weir_stream_identity (stream) : weir_output_identity (output);

    if (!g_str_equal (shape->uid, uid))
      return FALSE;
  }
  return TRUE;
}

/* "<verb>-<n>" counts on all streams before, so it says nothing any more once one was added or taken out. */
static gboolean
check_shape (const WeirContext *ctx, const WeirManifest *manifest, const GArray *keepers, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (is_same_shape (ctx, manifest))
    return TRUE;
  for (guint i = 0; i < keepers->len; i++)
    if (!g_array_index (keepers, Keeper, i).is_named)
      add_line (text, g_array_index (keepers, Keeper, i).uid);
  if (text->len == 0)
    return TRUE;
  g_set_error (
      error, WEIR_ERROR, WEIR_ERROR_GRAPH,
      "the graph has changed since the checkpoint was made, and what belongs to %s can't be told by such names: "
      "give each of these a uid (weir_stream_set_uid (), weir_output_set_uid ()); the name that it had in the "
      "old graph lets it go on with what is there",
      text->str);
  return FALSE;
}

gboolean
weir_fit_check (const WeirCheckpoint *checkpoint, const WeirManifest *manifest, GError **error)
{
  const WeirContext *ctx = checkpoint->engine->ctx;
  g_autoptr (GArray) keepers = list_keepers (ctx);

  if (check_shape (ctx, manifest, keepers, error) && check_orphans (checkpoint, manifest, keepers, error) &&
      check_verbs (manifest, keepers, error))
    return TRUE;
  if (g_strcmp0 (manifest->job, ctx->name) != 0) /* the first thing to look at: is it the right place? */
    g_prefix_error (error, "it is of the job '%s', and this is '%s': ", manifest->job, ctx->name);
  return FALSE;
}
