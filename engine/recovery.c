/* Going on from a checkpoint: settles what was in doubt, checks that the checkpoint fits the graph, and brings state,
 * positions, counters and times back. Must not know how an epoch is written. Threads: whoever starts or reopens the
 * context, while nothing else runs.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/error.h>

#include "engine/checkpoint.h"
#include "engine/counter.h"
#include "engine/fit.h"
#include "engine/state-stage.h"

void
weir_replay_free (WeirReplay *replay)
{
  g_ptr_array_unref (replay->positions);
  g_free (replay);
}

static WeirManifest *
read_manifest (WeirCheckpoint *checkpoint, guint64 epoch, GError **error)
{
  WeirStore *store = checkpoint->store;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  WeirManifest *manifest = NULL;

  if (store->klass->read_manifest (store, epoch, bytes, error))
    manifest = weir_manifest_decode (bytes->data, bytes->len, error);
  if (manifest == NULL) {
    g_autofree char *where = store->klass->describe (store, epoch, NULL);

    g_prefix_error (error, "%s: ", where);
  }
  return manifest;
}

/* The state's frames, checked. Transfer full: an array of WeirSavedBlob. NULL: damaged. */
static GArray *
read_state (WeirCheckpoint *checkpoint, const WeirSavedState *state, GError **error)
{
  WeirStore *store = checkpoint->store;
  GArray *payloads = g_array_new (FALSE, FALSE, sizeof (WeirSavedBlob));

  g_array_set_clear_func (payloads, weir_saved_blob_clear);
  for (guint i = 0; i < state->blobs->len; i++) {
    const WeirBlob *blob = &g_array_index (state->blobs, WeirBlob, i);
    g_autoptr (GByteArray) bytes = g_byte_array_new ();
    const guint8 *payload;
    gsize size;
    WeirSavedBlob saved = { blob->epoch, NULL };

    if (!store->klass->read (store, blob, bytes, error) ||
        !weir_frame_open (bytes->data, bytes->len, WEIR_FRAME_STATE, &payload, &size, error)) {
      g_autofree char *where = store->klass->describe (store, blob->epoch, blob);

      g_prefix_error (error, "%s: ", where);
      g_array_unref (payloads);
      return NULL;
    }
    saved.bytes = g_bytes_new_with_free_func (payload, size, (GDestroyNotify) g_byte_array_unref, bytes);
    g_steal_pointer (&bytes);
    g_array_append_val (payloads, saved);
  }
  return payloads;
}

/* All states of an epoch, by the manifest's order. NULL: damaged. */
static GPtrArray *
read_states (WeirCheckpoint *checkpoint, const WeirManifest *manifest, GError **error)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);

  for (guint i = 0; i < manifest->states->len; i++) {
    GArray *payloads = read_state (checkpoint, g_ptr_array_index (manifest->states, i), error);

    if (payloads == NULL)
      return NULL;
    g_ptr_array_add (all, payloads);
  }
  return g_steal_pointer (&all);
}

/* Seals a prepared epoch whose transaction has committed: it is part of the past. */
static gboolean
seal_prepared (WeirCheckpoint *checkpoint, guint64 epoch, GError **error)
{
  weir_log (checkpoint->engine->log, WEIR_LOG_INFO,
            "epoch %" G_GUINT64_FORMAT " was decided and not sealed when the job ended: it is sealed now", epoch);
  return checkpoint->store->klass->seal (checkpoint->store, epoch, error);
}

static gboolean
refuse_behind (guint64 marker, guint64 known, GError **error)
{
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_BEHIND,
               "Kafka has the output of epoch %" G_GUINT64_FORMAT ", and the newest here is %" G_GUINT64_FORMAT
               ": this checkpoint has lost what it had sealed. Going on would write that output again. Bring back the "
               "store that had it, or give the job another name to begin anew",
               marker, known);
  return FALSE;
}

static gboolean
refuse_missing (guint64 marker, guint64 decided, GError **error)
{
  g_set_error (
      error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_BEHIND,
      "the checkpoint has sealed epoch %" G_GUINT64_FORMAT
      " with output to Kafka, and Kafka's marker says %" G_GUINT64_FORMAT
      ": it has forgotten the marker (after offsets.retention.minutes without the job), or is another cluster. "
      "Connect to the cluster that has it; or, if the output is known to be whole, start once with another "
      "job name and the positions set by hand (weir checkpoint --help)",
      decided, marker);
  return FALSE;
}

static gboolean
refuse_damage (GError *damage, GError **error)
{
  g_propagate_error (error, damage);
  if (!g_error_matches (damage, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT))
    return FALSE;
  g_prefix_error (error, "the newest sealed epoch is damaged, and what it held cannot be made again without losing or "
                         "doubling output: bring it back from a copy, or begin anew with another checkpoint: ");
  return FALSE;
}

/* architecture: the restart table. *sealed may become *prepared. @damage: why the sealed epoch cannot be read, NULL: it
 * can. Without it nobody knows what was decided, and a decider's output is not to be written again. */
static gboolean
settle (WeirCheckpoint *checkpoint, guint64 *sealed, guint64 prepared, const GError *damage, GError **error)
{
  WeirStore *store = checkpoint->store;
  WeirDecider *decider = checkpoint->engine->decider;
  guint64 decided = checkpoint->sealed != NULL ? checkpoint->sealed->decided : 0, marker = 0;
  const char *topic = checkpoint->sealed != NULL && checkpoint->sealed->marker_topic[0] != '\0'
                          ? checkpoint->sealed->marker_topic
                          : NULL;

  if (decider != NULL && !decider->recover (decider, topic, &marker, error))
    return FALSE;
  if (decider != NULL) {
    g_free (checkpoint->marker_topic);
    checkpoint->marker_topic = g_strdup (topic != NULL ? topic : decider->topic (decider));
    if (prepared != 0 && marker == prepared) {
      *sealed = prepared;
      return seal_prepared (checkpoint, prepared, error);
    }
    if (damage != NULL)
      return refuse_damage (g_error_copy (damage), error);
    if (marker > decided)
      return refuse_behind (marker, MAX (*sealed, prepared), error);
    if (marker < decided)
      return refuse_missing (marker, decided, error);
  }
  return prepared == 0 || store->klass->drop_prepared (store, prepared, error);
}

/* May what came before a damaged epoch be run again without anybody seeing it twice, and without losing anything? */
static gboolean
may_fall_back (const WeirCheckpoint *checkpoint, const WeirManifest *before)
{
  return before != NULL && before->is_replayed && checkpoint->is_replayed && !before->has_sealed &&
         !checkpoint->has_sealed && checkpoint->engine->decider == NULL;
}

static guint64
epoch_before (WeirCheckpoint *checkpoint, guint64 epoch)
{
  g_autoptr (GArray) epochs = g_array_new (FALSE, FALSE, sizeof (guint64));
  guint64 found = 0;

  if (!checkpoint->store->klass->list (checkpoint->store, epochs, NULL))
    return 0;
  for (guint i = 0; i < epochs->len; i++)
    if (g_array_index (epochs, guint64, i) < epoch)
      found = MAX (found, g_array_index (epochs, guint64, i));
  return found;
}

/* The epoch before a damaged one, with its states; NULL: @damage is the end. What is only away, or of a newer format, is
 * no reason to forget it. */
static WeirManifest *
fall_back (WeirCheckpoint *checkpoint, guint64 epoch, GPtrArray **states, const GError *damage)
{
  gboolean is_damaged = g_error_matches (damage, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT);
  guint64 earlier = is_damaged ? epoch_before (checkpoint, epoch) : 0;
  g_autoptr (WeirManifest) manifest = earlier != 0 ? read_manifest (checkpoint, earlier, NULL) : NULL;

  if (!may_fall_back (checkpoint, manifest))
    return NULL;
  *states = read_states (checkpoint, manifest, NULL);
  if (*states == NULL)
    return NULL;
  weir_log (checkpoint->engine->log, WEIR_LOG_WARNING,
            "%s; going on from epoch %" G_GUINT64_FORMAT ": what came after it is run again", damage->message, earlier);
  return g_steal_pointer (&manifest);
}

/* Reads the newest sealed epoch, or the one before where that is allowed. */
static gboolean
read_sealed (WeirCheckpoint *checkpoint, guint64 sealed, GPtrArray **states, GError **error)
{
  GError *damage = NULL;
  WeirManifest *manifest = read_manifest (checkpoint, sealed, &damage);

  *states = manifest != NULL ? read_states (checkpoint, manifest, &damage) : NULL;
  if (*states == NULL) {
    weir_manifest_free (manifest);
    manifest = fall_back (checkpoint, sealed, states, damage);
    if (manifest == NULL)
      return refuse_damage (damage, error);
    g_error_free (damage);
  }
  weir_manifest_free (checkpoint->sealed);
  checkpoint->sealed = manifest;
  return TRUE;
}

/* The manifest alone, for the decider. Where there is none, reading it for good will say what to do. */
static void
peek (WeirCheckpoint *checkpoint, guint64 sealed, GError **damage)
{
  g_clear_pointer (&checkpoint->sealed, weir_manifest_free);
  g_clear_pointer (&checkpoint->before, weir_manifest_free);
  if (sealed != 0)
    checkpoint->sealed = read_manifest (checkpoint, sealed, damage);
}

static gboolean
load_state (WeirCheckpoint *checkpoint, WeirStream *stream, const GPtrArray *states, WeirRun *run)
{
  g_autofree char *identity = weir_stream_identity (stream);
  const GPtrArray *saved = checkpoint->sealed->states;

  for (guint i = 0; i < saved->len; i++) {
    const WeirSavedState *state = g_ptr_array_index (saved, i);

    if (!g_str_equal (state->uid, identity))
      continue;
    stream->op.saved_version = state->version;
    stream->is_saved = TRUE;
    return weir_state_load (run, &stream->op, g_ptr_array_index (states, i));
  }
  return TRUE;
}

static gboolean
load_states (WeirCheckpoint *checkpoint, const GPtrArray *states, GError **error)
{
  GPtrArray *streams = checkpoint->engine->ctx->streams;
  WeirRun run;
  gboolean ok = TRUE;

  weir_checkpoint_init_run (checkpoint, &run);
  for (guint i = 0; i < streams->len && ok; i++) {
    WeirStream *stream = g_ptr_array_index (streams, i);

    if (weir_op_is_stateful (&stream->op) && stream->n_consumers > 0)
      ok = load_state (checkpoint, stream, states, &run);
  }
  if (!ok)
    g_propagate_error (error, g_error_copy (run.error));
  weir_run_clear (&run);
  return ok;
}

static gboolean
resume_sources (WeirCheckpoint *checkpoint, GError **error)
{
  GPtrArray *sources = checkpoint->engine->sources;

  for (guint i = 0; i < sources->len; i++) {
    WeirSource *source = g_ptr_array_index (sources, i);
    GBytes *position = weir_manifest_find_bytes (checkpoint->sealed->positions, source->uid);
    gsize size;
    gconstpointer data;

    if (position == NULL || source->klass->resume == NULL)
      continue;
    data = g_bytes_get_data (position, &size);
    if (!source->klass->resume (source, data, size, error)) {
      g_prefix_error (error, "%s: ", source->op->name);
      return FALSE;
    }
    checkpoint->positions[i] = g_bytes_ref (position);
  }
  return TRUE;
}

/* A source that the checkpoint does not know begins where it would without one, and that is where it begins again. */
static void
note_beginnings (WeirCheckpoint *checkpoint)
{
  GPtrArray *sources = checkpoint->engine->sources;

  for (guint i = 0; i < sources->len; i++) {
    WeirSource *source = g_ptr_array_index (sources, i);
    GByteArray *position;

    if (source->klass->save == NULL || checkpoint->positions[i] != NULL)
      continue;
    position = g_byte_array_new ();
    source->klass->save (source, NULL, position);
    checkpoint->positions[i] = g_byte_array_free_to_bytes (position);
  }
}

static WeirReplay *
decode_plan (GBytes *plan, GError **error)
{
  WeirReplay *replay;
  const guint8 *payload;
  gsize size;
  WeirTaker taker;
  guint32 n;
  gconstpointer data = g_bytes_get_data (plan, &size);

  if (!weir_frame_open (data, size, WEIR_FRAME_PLAN, &payload, &size, error))
    return NULL;
  replay = g_new0 (WeirReplay, 1);
  replay->positions = weir_saved_bytes_array_new ();
  weir_taker_init (&taker, payload, size);
  replay->time = (WeirTime) weir_take_u64 (&taker);
  n = weir_take_u32 (&taker);
  for (guint32 i = 0; i < n && !taker.has_failed; i++) {
    g_autofree char *uid = weir_take_string (&taker);
    gsize length;
    const guint8 *bytes = weir_take_bytes (&taker, &length);
    g_autoptr (GBytes) position = g_bytes_new (bytes, length);

    weir_manifest_add_bytes (replay->positions, uid, position);
  }
  if (weir_taker_is_done (&taker))
    return replay;
  g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT, "a plan's lengths do not fit together");
  weir_replay_free (replay);
  return NULL;
}

/* Plans that an epoch was to hold may have been logged under any number from the sealed one on, and some of them twice,
 * where a job that went on ran them again: the first counts. */
static gboolean
read_replays (WeirCheckpoint *checkpoint, guint64 first, guint64 last, GPtrArray *replays, GError **error)
{
  WeirStore *store = checkpoint->store;
  WeirTime newest = checkpoint->last_time;

  for (guint64 epoch = first; epoch <= last; epoch++) {
    g_autoptr (GPtrArray) plans = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);

    if (!store->klass->read_plans (store, epoch, plans, error))
      return FALSE;
    for (guint i = 0; i < plans->len; i++) {
      WeirReplay *replay = decode_plan (g_ptr_array_index (plans, i), error);

      if (replay == NULL) {
        g_prefix_error (error, "planned batch %u of epoch %" G_GUINT64_FORMAT ": ", i + 1, epoch);
        return FALSE;
      }
      if (replay->time <= newest) {
        weir_replay_free (replay);
        continue;
      }
      newest = replay->time;
      g_ptr_array_add (replays, replay);
    }
  }
  return TRUE;
}

/* Times go on at multiples of today's interval, and slides from where they were counted, or less than an interval before
 * that: windows have numbered their panes from there. What was sealed is sealed, whatever the interval was then. */
static void
take_times (WeirCheckpoint *checkpoint, const WeirManifest *manifest)
{
  WeirEngine *engine = checkpoint->engine;

  engine->last = manifest->time - manifest->time % engine->interval;
  engine->zero = manifest->zero - manifest->zero % engine->interval;
  checkpoint->last_time = checkpoint->last_cut = checkpoint->last_look = manifest->time;
  checkpoint->has_news = TRUE;
}

static void
take_counters (WeirCheckpoint *checkpoint, const WeirManifest *manifest)
{
  GPtrArray *counters = checkpoint->engine->ctx->counters;

  for (guint i = 0; i < counters->len; i++)
    weir_counter_load (g_ptr_array_index (counters, i), manifest);
}

static gboolean
restore (WeirCheckpoint *checkpoint, const GPtrArray *states, GError **error)
{
  const WeirManifest *manifest = checkpoint->sealed;
  WeirEngine *engine = checkpoint->engine;

  g_free (checkpoint->uuid);
  checkpoint->uuid = g_strdup (manifest->uuid);
  engine->seed_drawn = manifest->seed;
  weir_seed_init (&engine->seed, manifest->seed);
  take_times (checkpoint, manifest);
  take_counters (checkpoint, manifest);
  return weir_fit_check (checkpoint, manifest, error) && load_states (checkpoint, states, error) &&
         resume_sources (checkpoint, error);
}

/* Before the first batch it is written down where the sources begin, or a job that dies in its first epoch would begin
 * somewhere else. */
static gboolean
begin_anew (WeirCheckpoint *checkpoint, GError **error)
{
  WeirEngine *engine = checkpoint->engine;
  WeirSealing *sealing;
  gboolean ok;

  if (checkpoint->uuid == NULL)
    checkpoint->uuid = g_uuid_string_random ();
  checkpoint->last_time = checkpoint->last_cut = checkpoint->last_look = engine->last;
  checkpoint->has_news = TRUE;
  note_beginnings (checkpoint);
  sealing = weir_sealing_new (checkpoint);
  for (guint i = 0; i < engine->sources->len; i++) {
    const WeirSource *source = g_ptr_array_index (engine->sources, i);

    if (checkpoint->positions[i] != NULL)
      weir_manifest_add_bytes (sealing->manifest->positions, source->uid, checkpoint->positions[i]);
  }
  ok = weir_seal (checkpoint, sealing, error);
  weir_sealing_free (sealing);
  checkpoint->open_epoch++;
  return ok;
}

static void
look_at_graph (WeirCheckpoint *checkpoint)
{
  WeirEngine *engine = checkpoint->engine;
  gboolean is_seen_at_once = FALSE, can_read_again = FALSE;

  checkpoint->is_replayed = TRUE;
  checkpoint->has_sealed = engine->decider != NULL;
  for (guint i = 0; i < engine->sources->len; i++) {
    const WeirSource *source = g_ptr_array_index (engine->sources, i);

    can_read_again |= source->klass->save != NULL;
    checkpoint->is_replayed &= source->klass->save != NULL;
  }
  for (guint i = 0; i < engine->ctx->outputs->len; i++) {
    const WeirOutput *output = g_ptr_array_index (engine->ctx->outputs, i);

    is_seen_at_once |= !output->is_sealed;
    checkpoint->has_sealed |= output->is_sealed;
  }
  checkpoint->logs_plans = is_seen_at_once && can_read_again;
}

static void
abort_outputs (WeirCheckpoint *checkpoint)
{
  GPtrArray *outputs = checkpoint->engine->ctx->outputs;

  for (guint i = 0; i < outputs->len; i++) {
    WeirOutput *output = g_ptr_array_index (outputs, i);

    if (output->is_sealed && output->klass->abort != NULL)
      (*output->klass->abort) (output);
  }
}

static gboolean
go_on (WeirCheckpoint *checkpoint, guint64 sealed, guint64 prepared, GPtrArray *replays, GError **error)
{
  g_autoptr (GPtrArray) states = NULL;
  guint64 newest = MAX (sealed, prepared);

  if (!read_sealed (checkpoint, sealed, &states, error) || !restore (checkpoint, states, error))
    return FALSE;
  if (!weir_seal_commit (checkpoint, checkpoint->sealed, error))
    return FALSE;
  abort_outputs (checkpoint);
  note_beginnings (checkpoint);
  checkpoint->open_epoch = (checkpoint->sealed->epoch == sealed ? sealed : newest) + 1;
  if (!read_replays (checkpoint, checkpoint->sealed->epoch, newest + 2, replays, error))
    return FALSE;
  weir_log (checkpoint->engine->log, WEIR_LOG_INFO,
            "going on from epoch %" G_GUINT64_FORMAT ", sealed with the batch of %" G_GINT64_FORMAT
            " ms; %u planned batches are run again",
            checkpoint->sealed->epoch, checkpoint->sealed->time / 1000, replays->len);
  return TRUE;
}

gboolean
weir_checkpoint_recover (WeirCheckpoint *checkpoint, GPtrArray **replays, GError **error)
{
  WeirStore *store = checkpoint->store;
  g_autoptr (GError) damage = NULL;
  guint64 sealed, prepared;

  *replays = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_replay_free);
  if (checkpoint->positions == NULL)
    checkpoint->positions = g_new0 (GBytes *, checkpoint->engine->sources->len);
  for (guint i = 0; i < checkpoint->engine->sources->len; i++)
    g_clear_pointer (&checkpoint->positions[i], g_bytes_unref);
  look_at_graph (checkpoint);
  if (!store->klass->find (store, &sealed, &prepared, error))
    return FALSE;
  checkpoint->is_new = sealed == 0;
  peek (checkpoint, sealed, &damage);
  if (!settle (checkpoint, &sealed, prepared, damage, error))
    return FALSE;
  if (sealed != 0)
    return go_on (checkpoint, sealed, prepared, *replays, error);
  checkpoint->open_epoch = 1;
  return begin_anew (checkpoint, error);
}
