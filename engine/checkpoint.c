/* Owns the life of a checkpoint: opens the store, logs plans, cuts epochs on the runner and hands them to its thread,
 * which has them sealed and keeps the store's token alive. Must not know the steps of a seal (engine/seal.c), nor those
 * of a restart (engine/recovery.c). Threads: see checkpoint.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/checkpoint.h"

#include <errno.h>
#include <string.h>

#include <weir/error.h>

#include "engine/counter.h"
#include "engine/state-stage.h"

/* A cut waits for the seal before it where so many intervals have gathered: outputs must not gather without end. */
#define MOST_BEHIND 5

/* Where nothing happens an epoch is cut no more often than that: often enough for what follows seals, such as the offsets
 * of a group. A restart has to make up for no more time without records either. */
#define IDLE_MOST WEIR_SECONDS (60)

#define PAUSE_FIRST WEIR_MILLISECONDS (50)
#define PAUSE_MOST  WEIR_SECONDS (2)

static gboolean
open_store (WeirCheckpoint *checkpoint, const char *uri, GError **error)
{
  const WeirOptions *options = checkpoint->engine->ctx->options;
  const WeirStoreKlass *klass = weir_store_find_class (uri, error);
  WeirStoreSettings settings = {
    .uri = uri,
    .lease = checkpoint->lease,
    .password_file = weir_options_string (options, WEIR_OPTION_REDIS_PASSWORD_FILE),
    .log = checkpoint->engine->log,
  };

  if (klass == NULL)
    return FALSE;
  checkpoint->store = g_malloc0 (klass->instance_size);
  checkpoint->store->klass = klass;
  if (klass->open (checkpoint->store, &settings, error))
    return TRUE;
  g_clear_pointer (&checkpoint->store, g_free);
  return FALSE;
}

static void
init_lock (WeirCheckpoint *checkpoint)
{
  pthread_condattr_t attributes;

  pthread_mutex_init (&checkpoint->lock, NULL);
  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&checkpoint->changed, &attributes);
  pthread_condattr_destroy (&attributes);
}

gboolean
weir_checkpoint_open (WeirEngine *engine, WeirCheckpoint **checkpoint, GError **error)
{
  WeirOptions *options = engine->ctx->options;
  const char *uri = weir_options_string (options, WEIR_OPTION_CHECKPOINT);
  WeirCheckpoint *fresh;

  *checkpoint = NULL;
  if (uri == NULL)
    return TRUE;
  fresh = g_new0 (WeirCheckpoint, 1);
  fresh->engine = engine;
  fresh->interval = weir_options_duration (options, WEIR_OPTION_CHECKPOINT_INTERVAL);
  fresh->lease = weir_options_duration (options, WEIR_OPTION_CHECKPOINT_LEASE);
  init_lock (fresh);
  if (open_store (fresh, uri, error)) {
    *checkpoint = fresh;
    return TRUE;
  }
  weir_checkpoint_free (fresh);
  g_prefix_error (error, "checkpoint: ");
  return FALSE;
}

void
weir_checkpoint_forget_sources (WeirCheckpoint *checkpoint)
{
  if (checkpoint->positions == NULL)
    return;
  for (guint i = 0; i < checkpoint->engine->sources->len; i++)
    g_clear_pointer (&checkpoint->positions[i], g_bytes_unref);
  g_clear_pointer (&checkpoint->positions, g_free);
}

void
weir_checkpoint_free (WeirCheckpoint *checkpoint)
{
  if (checkpoint == NULL)
    return;
  if (checkpoint->thread != 0)
    weir_checkpoint_stop (checkpoint);
  if (checkpoint->store != NULL) {
    checkpoint->store->klass->close (checkpoint->store);
    g_free (checkpoint->store);
  }
  weir_manifest_free (checkpoint->sealed);
  weir_manifest_free (checkpoint->before);
  g_free (checkpoint->uuid);
  g_free (checkpoint->marker_topic);
  pthread_cond_destroy (&checkpoint->changed);
  pthread_mutex_destroy (&checkpoint->lock);
  g_free (checkpoint);
}

static struct timespec
time_in (WeirTime delay)
{
  gint64 at = g_get_monotonic_time () + delay;

  return (struct timespec){ at / G_USEC_PER_SEC, at % G_USEC_PER_SEC * 1000 };
}

gboolean
weir_checkpoint_pause (WeirCheckpoint *checkpoint, guint attempt)
{
  struct timespec until = time_in (MIN (PAUSE_FIRST << MIN (attempt, 10), PAUSE_MOST));
  gboolean goes_on;

  pthread_mutex_lock (&checkpoint->lock);
  while (!checkpoint->quit && pthread_cond_timedwait (&checkpoint->changed, &checkpoint->lock, &until) != ETIMEDOUT)
    ;
  goes_on = !checkpoint->quit;
  pthread_mutex_unlock (&checkpoint->lock);
  return goes_on;
}

/* An epoch that is sealed, on its way to the loop. */
typedef struct {
  WeirEngine *engine;
  WeirSealing *sealing;
} Sealed;

static void
on_sealed (gpointer data)
{
  Sealed *sealed = data;
  const GArray *positions = sealed->sealing->positions;

  for (guint i = 0; i < positions->len; i++) {
    const WeirSourcePosition *position = &g_array_index (positions, WeirSourcePosition, i);
    gsize size;
    gconstpointer bytes = g_bytes_get_data (position->position, &size);

    if (position->source->klass->sealed != NULL)
      position->source->klass->sealed (position->source, bytes, size);
  }
  weir_listeners_tell (sealed->engine->ctx, WEIR_EVENT_SEALED, &sealed->sealing->epoch);
  weir_sealing_free (sealed->sealing);
  g_free (sealed);
}

static void
tell_sealed (WeirCheckpoint *checkpoint, WeirSealing *sealing)
{
  Sealed *sealed = g_new (Sealed, 1);

  *sealed = (Sealed){ checkpoint->engine, sealing };
  if (weir_loop_post (checkpoint->engine->loop, on_sealed, sealed))
    return;
  weir_sealing_free (sealing);
  g_free (sealed);
}

static void
seal_next (WeirCheckpoint *checkpoint, WeirSealing *sealing)
{
  GError *error = NULL;
  gboolean ok = weir_seal (checkpoint, sealing, &error);

  if (ok) {
    tell_sealed (checkpoint, sealing);
  } else {
    g_prefix_error (&error, "checkpoint: ");
    weir_sealing_free (sealing);
    weir_engine_fail (checkpoint->engine, error); /* before anybody hears that no epoch is being sealed */
  }
  pthread_mutex_lock (&checkpoint->lock);
  checkpoint->sealing = NULL;
  checkpoint->has_failed = !ok;
  pthread_cond_broadcast (&checkpoint->changed);
  pthread_mutex_unlock (&checkpoint->lock);
}

static void
keep_alive (WeirCheckpoint *checkpoint)
{
  const WeirStoreKlass *klass = checkpoint->store->klass;
  GError *error = NULL;

  if (klass->renew == NULL || klass->renew (checkpoint->store, &error))
    return;
  if (weir_error_is_retriable (error)) { /* the next one, or a seal, will say so again */
    g_error_free (error);
    return;
  }
  g_prefix_error (&error, "checkpoint: ");
  weir_engine_fail (checkpoint->engine, error);
}

static gpointer
checkpoint_main (gpointer data)
{
  WeirCheckpoint *checkpoint = data;

  pthread_setname_np (pthread_self (), "weir-checkpoint");
  pthread_mutex_lock (&checkpoint->lock);
  while (!checkpoint->quit || checkpoint->sealing != NULL) {
    struct timespec until = time_in (checkpoint->lease / 4);
    WeirSealing *sealing = checkpoint->sealing;

    if (sealing == NULL && pthread_cond_timedwait (&checkpoint->changed, &checkpoint->lock, &until) != ETIMEDOUT)
      continue;
    pthread_mutex_unlock (&checkpoint->lock);
    if (sealing != NULL)
      seal_next (checkpoint, sealing);
    else
      keep_alive (checkpoint);
    pthread_mutex_lock (&checkpoint->lock);
  }
  pthread_mutex_unlock (&checkpoint->lock);
  return NULL;
}

gboolean
weir_checkpoint_run (WeirCheckpoint *checkpoint, GError **error)
{
  int code;

  checkpoint->quit = checkpoint->has_failed = FALSE;
  code = pthread_create (&checkpoint->thread, NULL, checkpoint_main, checkpoint);
  if (code == 0)
    return TRUE;
  checkpoint->thread = 0;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED, "cannot start a thread: %s", g_strerror (code));
  return FALSE;
}

void
weir_checkpoint_quit (WeirCheckpoint *checkpoint)
{
  pthread_mutex_lock (&checkpoint->lock);
  checkpoint->quit = TRUE;
  pthread_cond_broadcast (&checkpoint->changed);
  pthread_mutex_unlock (&checkpoint->lock);
}

void
weir_checkpoint_stop (WeirCheckpoint *checkpoint)
{
  if (checkpoint->thread == 0)
    return;
  weir_checkpoint_quit (checkpoint);
  pthread_join (checkpoint->thread, NULL);
  checkpoint->thread = 0;
}

gboolean
weir_checkpoint_await (WeirCheckpoint *checkpoint)
{
  gboolean ok;

  pthread_mutex_lock (&checkpoint->lock);
  while (checkpoint->sealing != NULL && !checkpoint->quit)
    pthread_cond_wait (&checkpoint->changed, &checkpoint->lock);
  ok = checkpoint->sealing == NULL && !checkpoint->has_failed;
  pthread_mutex_unlock (&checkpoint->lock);
  return ok;
}

gboolean
weir_checkpoint_has_failed (WeirCheckpoint *checkpoint)
{
  gboolean has_failed;

  pthread_mutex_lock (&checkpoint->lock);
  has_failed = checkpoint->has_failed;
  pthread_mutex_unlock (&checkpoint->lock);
  return has_failed;
}

static gboolean
is_sealing (WeirCheckpoint *checkpoint)
{
  gboolean is;

  pthread_mutex_lock (&checkpoint->lock);
  is = checkpoint->sealing != NULL;
  pthread_mutex_unlock (&checkpoint->lock);
  return is;
}

static gboolean
is_same (GBytes *a, GBytes *b)
{
  return a == b || (a != NULL && b != NULL && g_bytes_equal (a, b));
}

/* Does the batch read anything that its sources would have to read again? */
static gboolean
reads_anything (const WeirCheckpoint *checkpoint, const WeirBatch *batch)
{
  for (guint i = 0; i < checkpoint->engine->sources->len; i++)
    if (!is_same (batch->positions[i], checkpoint->positions[i]))
      return TRUE;
  return FALSE;
}

static GByteArray *
encode_plan (const WeirCheckpoint *checkpoint, const WeirBatch *batch)
{
  GByteArray *out = g_byte_array_new ();
  guint start = weir_frame_begin (out), n_at, n = 0;
  GPtrArray *sources = checkpoint->engine->sources;

  weir_put_u64 (out, (guint64) batch->time);
  n_at = out->len;
  weir_put_u32 (out, 0);
  for (guint i = 0; i < sources->len; i++) {
    const WeirSource *source = g_ptr_array_index (sources, i);
    gsize size;
    gconstpointer data;

    if (batch->positions[i] == NULL)
      continue;
    data = g_bytes_get_data (batch->positions[i], &size);
    weir_put_string (out, source->uid);
    weir_put_bytes (out, data, size);
    n++;
  }
  n = GUINT32_TO_LE (n);
  memcpy (out->data + n_at, &n, sizeof n);
  weir_frame_end (out, start, WEIR_FRAME_PLAN);
  return out;
}

gboolean
weir_checkpoint_log_plan (WeirCheckpoint *checkpoint, const WeirBatch *batch, GError **error)
{
  WeirStore *store = checkpoint->store;
  g_autoptr (GByteArray) plan = NULL;

  if (!checkpoint->logs_plans || batch->is_replay || !reads_anything (checkpoint, batch))
    return TRUE;
  plan = encode_plan (checkpoint, batch);
  for (guint attempt = 0;; attempt++) {
    GError *failure = NULL;

    if (store->klass->append_plan (store, checkpoint->open_epoch, plan->data, plan->len, &failure))
      return TRUE;
    if (!weir_error_is_retriable (failure) || !weir_checkpoint_pause (checkpoint, attempt)) {
      g_propagate_prefixed_error (error, failure, "checkpoint: ");
      return FALSE;
    }
    g_error_free (failure);
  }
}

static void
add_shape (const WeirContext *ctx, WeirManifest *manifest)
{
  for (guint i = 0; i < ctx->streams->len; i++) {
    const WeirStream *stream = g_ptr_array_index (ctx->streams, i);
    g_autofree char *identity = weir_stream_identity (stream);

    weir_manifest_add_shape (manifest, identity, stream->op.klass->verb, stream->uid != NULL);
  }
  for (guint i = 0; i < ctx->outputs->len; i++) {
    const WeirOutput *output = g_ptr_array_index (ctx->outputs, i);
    g_autofree char *identity = weir_output_identity (output);

    weir_manifest_add_shape (manifest, identity, output->klass->verb, output->uid != NULL);
  }
}

WeirSealing *
weir_sealing_new (WeirCheckpoint *checkpoint)
{
  WeirEngine *engine = checkpoint->engine;
  WeirSealing *sealing = g_new0 (WeirSealing, 1);
  WeirManifest *manifest = sealing->manifest = weir_manifest_new ();

  sealing->epoch = manifest->epoch = checkpoint->open_epoch;
  manifest->job = g_strdup (engine->ctx->name);
  manifest->uuid = g_strdup (checkpoint->uuid);
  manifest->seed = engine->seed_drawn;
  manifest->time = checkpoint->last_time;
  manifest->zero = engine->zero;
  manifest->interval = engine->interval;
  manifest->marker_topic = g_strdup (checkpoint->marker_topic != NULL ? checkpoint->marker_topic : "");
  manifest->is_replayed = checkpoint->is_replayed;
  manifest->has_sealed = checkpoint->has_sealed;
  add_shape (engine->ctx, manifest);
  for (guint i = 0; i < engine->ctx->counters->len; i++)
    weir_counter_save (g_ptr_array_index (engine->ctx->counters, i), manifest);
  sealing->frames = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  sealing->oldest_needed = g_array_new (FALSE, FALSE, sizeof (guint64));
  sealing->gathered = g_new0 (gpointer, engine->ctx->outputs->len);
  sealing->positions = g_array_new (FALSE, FALSE, sizeof (WeirSourcePosition));
  return sealing;
}

static void
add_positions (WeirCheckpoint *checkpoint, WeirSealing *sealing)
{
  GPtrArray *sources = checkpoint->engine->sources;

  for (guint i = 0; i < sources->len; i++) {
    WeirSource *source = g_ptr_array_index (sources, i);
    WeirSourcePosition position = { source, checkpoint->positions[i] };

    if (position.position == NULL)
      continue;
    g_bytes_ref (position.position);
    g_array_append_val (sealing->positions, position);
    weir_manifest_add_bytes (sealing->manifest->positions, source->uid, position.position);
  }
}

void
weir_checkpoint_init_run (WeirCheckpoint *checkpoint, WeirRun *run)
{
  WeirEngine *engine = checkpoint->engine;

  weir_run_init (run, engine->memory, engine->workers);
  run->state_memory = engine->state_memory;
  run->time = checkpoint->last_time;
  run->interval = engine->interval;
  run->zero = engine->zero;
  run->seed = engine->seed;
  run->n_partitions = engine->n_partitions;
}

static gboolean
save_states (WeirCheckpoint *checkpoint, WeirSealing *sealing, WeirRun *run)
{
  GPtrArray *streams = checkpoint->engine->ctx->streams;

  for (guint i = 0; i < streams->len; i++) {
    WeirStream *stream = g_ptr_array_index (streams, i);
    guint64 oldest = checkpoint->open_epoch;
    g_autofree char *identity = NULL;
    GPtrArray *frames;

    if (!weir_op_is_stateful (&stream->op) || stream->n_consumers == 0)
      continue;
    identity = weir_stream_identity (stream);
    frames = g_ptr_array_new_with_free_func ((GDestroyNotify) g_byte_array_unref);
    weir_manifest_add_state (sealing->manifest, identity, stream->op.klass->verb, stream->op.state_version);
    g_ptr_array_add (sealing->frames, frames);
    if (!weir_state_save (run, &stream->op, checkpoint->open_epoch, !stream->is_saved, frames, &oldest))
      return FALSE;
    stream->is_saved = TRUE;
    g_array_append_val (sealing->oldest_needed, oldest);
  }
  return TRUE;
}

static void
cut_outputs (WeirCheckpoint *checkpoint, WeirSealing *sealing)
{
  WeirEngine *engine = checkpoint->engine;
  GPtrArray *outputs = engine->ctx->outputs;

  for (guint i = 0; i < outputs->len; i++) {
    WeirOutput *output = g_ptr_array_index (outputs, i);

    if (output->is_sealed)
      sealing->gathered[i] = output->klass->cut (output);
  }
  sealing->is_decided = engine->decider != NULL && engine->decider->has_written (engine->decider);
}

static void
hand_over (WeirCheckpoint *checkpoint, WeirSealing *sealing)
{
  pthread_mutex_lock (&checkpoint->lock);
  checkpoint->sealing = sealing;
  pthread_cond_broadcast (&checkpoint->changed);
  pthread_mutex_unlock (&checkpoint->lock);
}

/* Is there nothing that the sealed epoch does not hold, but for the time? Keyed state and windows may change by themselves,
 * and outputs gather what came of that. */
static gboolean
is_idle (const WeirCheckpoint *checkpoint, const WeirSealing *sealing)
{
  if (checkpoint->has_news || sealing->is_decided)
    return FALSE;
  for (guint i = 0; i < sealing->frames->len; i++)
    if (((const GPtrArray *) g_ptr_array_index (sealing->frames, i))->len > 0)
      return FALSE;
  for (guint i = 0; i < checkpoint->engine->ctx->outputs->len; i++)
    if (sealing->gathered[i] != NULL)
      return FALSE;
  return TRUE;
}

/* Between two batches, while nothing is being sealed. @may_skip: not if there is nothing in it. */
static gboolean
cut_epoch (WeirCheckpoint *checkpoint, gboolean may_skip, GError **error)
{
  WeirSealing *sealing = weir_sealing_new (checkpoint);
  WeirRun run;
  gboolean ok;

  add_positions (checkpoint, sealing);
  weir_checkpoint_init_run (checkpoint, &run);
  ok = save_states (checkpoint, sealing, &run);
  if (!ok)
    g_propagate_error (error, g_error_copy (run.error));
  weir_run_clear (&run);
  if (!ok) {
    weir_sealing_free (sealing);
    return FALSE;
  }
  cut_outputs (checkpoint, sealing);
  checkpoint->last_look = checkpoint->last_time;
  if (may_skip && is_idle (checkpoint, sealing)) {
    weir_sealing_free (sealing);
    return TRUE;
  }
  checkpoint->has_news = FALSE;
  checkpoint->open_epoch++;
  checkpoint->last_cut = checkpoint->last_time;
  hand_over (checkpoint, sealing);
  return TRUE;
}

static void
take_positions (WeirCheckpoint *checkpoint, WeirBatch *batch)
{
  for (guint i = 0; i < checkpoint->engine->sources->len; i++) {
    GBytes *position = g_steal_pointer (&batch->positions[i]);

    if (position == NULL)
      continue;
    checkpoint->has_news |= !is_same (position, checkpoint->positions[i]);
    g_clear_pointer (&checkpoint->positions[i], g_bytes_unref);
    checkpoint->positions[i] = position;
  }
}

gboolean
weir_checkpoint_batch_done (WeirCheckpoint *checkpoint, WeirBatch *batch, GError **error)
{
  WeirTime since = batch->time - checkpoint->last_cut;
  gboolean waits = checkpoint->engine->ctx->is_manual || since >= MOST_BEHIND * checkpoint->interval;

  take_positions (checkpoint, batch);
  checkpoint->has_news |= batch->info->n_records != 0;
  checkpoint->last_time = batch->time;
  if (batch->is_followed)
    return TRUE;
  if (batch->time - MAX (checkpoint->last_cut, checkpoint->last_look) < checkpoint->interval)
    return TRUE;
  if (waits && !weir_checkpoint_await (checkpoint))
    return TRUE; /* what went wrong fails the context by itself */
  if (is_sealing (checkpoint))
    return TRUE;
  if (!cut_epoch (checkpoint, since < IDLE_MOST, error))
    return FALSE;
  if (checkpoint->engine->ctx->is_manual)
    weir_checkpoint_await (checkpoint);
  return TRUE;
}

gboolean
weir_checkpoint_finish (WeirCheckpoint *checkpoint, GError **error)
{
  if (!weir_checkpoint_await (checkpoint))
    return TRUE;
  if (checkpoint->last_time <= checkpoint->last_cut)
    return TRUE;
  if (!cut_epoch (checkpoint, FALSE, error))
    return FALSE;
  weir_checkpoint_await (checkpoint);
  return TRUE;
}

gboolean
weir_engine_await_decided (WeirEngine *engine, GError **error)
{
  if (engine->checkpoint == NULL || weir_checkpoint_await (engine->checkpoint))
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_CLOSED, "the epoch before could not be sealed");
  return FALSE;
}
