/* The steps of a seal, one after the other, and what happens when one fails: a store, an output and a decider that write
 * down what is asked of them, and fail when they are told to. SPDX-License-Identifier: Apache-2.0
 */
#include "engine/checkpoint.h"

#include <string.h>

#include <weir/error.h>
#include <weir/input.h>

#include "engine/frame.h"

typedef struct {
  WeirStore store;
  GString *log;
  const char *fails; /* the step */
  guint n_fails;
  WeirError code;
} Scribe;

typedef struct {
  WeirContext *ctx;
  WeirEngine engine;
  WeirCheckpoint checkpoint;
  Scribe scribe;
  WeirDecider decider;
  WeirOutput *output;
  WeirQueue *queue;
} Fixture;

static Fixture *current; /* the decider has no data of its own */

static gboolean
write_down (Scribe *scribe, const char *step, GError **error)
{
  g_string_append_printf (scribe->log, "%s%s", scribe->log->len > 0 ? " " : "", step);
  if (scribe->fails == NULL || !g_str_equal (scribe->fails, step) || scribe->n_fails == 0)
    return TRUE;
  scribe->n_fails--;
  g_set_error (error, WEIR_ERROR, (gint) scribe->code, "%s fails", step);
  return FALSE;
}

static gboolean
store_begin (WeirStore *store, guint64 epoch, GError **error)
{
  return write_down ((Scribe *) store, "begin", error);
}

static gboolean
store_put (WeirStore *store, gconstpointer data, gsize size, WeirBlob *blob, GError **error)
{
  *blob = (WeirBlob){ current->checkpoint.open_epoch, 0, size };
  return write_down ((Scribe *) store, "put", error);
}

static gboolean
store_prepare (WeirStore *store, gconstpointer manifest, gsize size, GError **error)
{
  return write_down ((Scribe *) store, "prepare", error);
}

static gboolean
store_seal (WeirStore *store, guint64 epoch, GError **error)
{
  return write_down ((Scribe *) store, "seal", error);
}

static gboolean
store_forget (WeirStore *store, const guint64 *keep, gsize n, GError **error)
{
  g_autoptr (GString) text = g_string_new ("forget-but");

  for (gsize i = 0; i < n; i++)
    g_string_append_printf (text, "-%" G_GUINT64_FORMAT, keep[i]);
  return write_down ((Scribe *) store, text->str, error);
}

static const WeirStoreKlass scribe_class = {
  .scheme = "scribe",
  .instance_size = sizeof (Scribe),
  .begin = store_begin,
  .put = store_put,
  .prepare = store_prepare,
  .seal = store_seal,
  .forget = store_forget,
};

static gboolean
decider_flush (WeirDecider *decider, GError **error)
{
  return write_down (&current->scribe, "flush", error);
}

static gboolean
decider_commit (WeirDecider *decider, guint64 epoch, GError **error)
{
  return write_down (&current->scribe, "decide", error);
}

static gboolean
output_run (WeirOutput *output, WeirDataset *data, WeirTime time, GError **error)
{
  return TRUE;
}

static gpointer
output_cut (WeirOutput *output)
{
  return NULL;
}

static gboolean
output_prepare (WeirOutput *output, gpointer gathered, guint64 epoch, GByteArray *note, GError **error)
{
  weir_put_string (note, gathered);
  g_free (gathered);
  return write_down (&current->scribe, "gather", error);
}

static gboolean
output_commit (WeirOutput *output, guint64 epoch, gconstpointer note, gsize size, GError **error)
{
  WeirTaker taker;
  g_autofree char *text = NULL;

  weir_taker_init (&taker, note, size);
  text = weir_take_string (&taker);
  g_assert_cmpstr (text, ==, "what was gathered");
  return write_down (&current->scribe, "commit", error);
}

static const WeirOutputClass output_class = {
  .verb = "scribble", .run = output_run, .cut = output_cut, .prepare = output_prepare, .commit = output_commit
};

static void
set_up (Fixture *f, gconstpointer data)
{
  current = f;
  f->ctx = weir_context_new_manual ("seal", WEIR_SECONDS (1), 0);
  f->ctx->log.level = WEIR_LOG_ERROR;
  f->queue = weir_queue_new ();
  f->output = weir_output_new (weir_queue_stream (f->ctx, f->queue, TRUE), &output_class, g_new0 (int, 1));
  f->output->is_sealed = TRUE;
  f->scribe = (Scribe){ { &scribe_class }, g_string_new (NULL), NULL, 0, WEIR_ERROR_SINK };
  f->decider = (WeirDecider){ .flush = decider_flush, .commit = decider_commit };
  f->engine = (WeirEngine){ .ctx = f->ctx, .log = &f->ctx->log, .interval = WEIR_SECONDS (1) };
  f->checkpoint = (WeirCheckpoint){ .engine = &f->engine, .store = &f->scribe.store, .open_epoch = 1 };
  f->checkpoint.uuid = g_strdup ("uuid");
  pthread_mutex_init (&f->checkpoint.lock, NULL);
  pthread_cond_init (&f->checkpoint.changed, NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_string_free (f->scribe.log, TRUE);
  weir_manifest_free (f->checkpoint.sealed);
  weir_manifest_free (f->checkpoint.before);
  g_free (f->checkpoint.uuid);
  pthread_mutex_destroy (&f->checkpoint.lock);
  pthread_cond_destroy (&f->checkpoint.changed);
  weir_context_free (f->ctx);
  weir_queue_free (f->queue);
}

/* An epoch with a piece of state, something gathered and, if @is_decided, something written to the decider. */
static gboolean
seal (Fixture *f, gboolean is_decided, GError **error)
{
  WeirSealing *sealing = weir_sealing_new (&f->checkpoint);
  GPtrArray *frames = g_ptr_array_new_with_free_func ((GDestroyNotify) g_byte_array_unref);
  guint64 oldest = f->checkpoint.open_epoch;
  gboolean ok;

  g_ptr_array_add (frames, g_byte_array_new ());
  g_ptr_array_add (sealing->frames, frames);
  g_array_append_val (sealing->oldest_needed, oldest);
  weir_manifest_add_state (sealing->manifest, "state", "verb", 0);
  sealing->gathered[0] = g_strdup ("what was gathered");
  sealing->is_decided = is_decided;
  f->engine.decider = is_decided ? &f->decider : NULL;
  g_string_truncate (f->scribe.log, 0);
  ok = weir_seal (&f->checkpoint, sealing, error);
  weir_sealing_free (sealing);
  f->checkpoint.open_epoch += ok;
  return ok;
}

static void
fail_at (Fixture *f, const char *step, guint n, WeirError code)
{
  f->scribe.fails = step;
  f->scribe.n_fails = n;
  f->scribe.code = code;
}

static void
test_the_steps_have_an_order (Fixture *f, gconstpointer data)
{
  g_assert_true (seal (f, FALSE, NULL));
  g_assert_cmpstr (f->scribe.log->str, ==, "gather begin put prepare seal commit forget-but-1");
  g_assert_true (seal (f, FALSE, NULL));
  g_assert_cmpstr (f->scribe.log->str, ==, "gather begin put prepare seal commit forget-but-1-2");
  g_assert_true (seal (f, FALSE, NULL));
  g_assert_cmpstr (f->scribe.log->str, ==, "gather begin put prepare seal commit forget-but-2-3");
}

static void
test_a_decider_decides_between_prepare_and_seal (Fixture *f, gconstpointer data)
{
  g_assert_true (seal (f, TRUE, NULL));
  g_assert_cmpstr (f->scribe.log->str, ==, "gather flush begin put prepare decide seal commit forget-but-1");
  g_assert_cmpuint (f->checkpoint.sealed->decided, ==, 1);
  g_assert_true (seal (f, FALSE, NULL));
  g_assert_cmpuint (f->checkpoint.sealed->decided, ==, 1);
}

static void
assert_stops (Fixture *f, const char *step, WeirError code, const char *log)
{
  g_autoptr (GError) error = NULL;

  fail_at (f, step, 1, code);
  g_assert_false (seal (f, TRUE, &error));
  g_assert_error (error, WEIR_ERROR, (gint) code);
  g_assert_cmpstr (f->scribe.log->str, ==, log);
}

static void
test_nothing_is_sealed_after_a_step_that_failed (Fixture *f, gconstpointer data)
{
  assert_stops (f, "gather", WEIR_ERROR_SINK, "gather");
  assert_stops (f, "flush", WEIR_ERROR_SINK, "gather flush");
  assert_stops (f, "put", WEIR_ERROR_FENCED, "gather flush begin put");
  assert_stops (f, "prepare", WEIR_ERROR_FENCED, "gather flush begin put prepare");
  g_assert_null (f->checkpoint.sealed);
}

/* Whatever it was that failed: whether it has committed is for a restart to find out. */
static void
test_a_decision_is_never_tried_again (Fixture *f, gconstpointer data)
{
  assert_stops (f, "decide", WEIR_ERROR_TIMEOUT, "gather flush begin put prepare decide");
  g_assert_null (f->checkpoint.sealed);
}

static void
test_a_store_that_can_be_tried_again_is (Fixture *f, gconstpointer data)
{
  fail_at (f, "put", 2, WEIR_ERROR_SINK);
  g_assert_true (seal (f, TRUE, NULL));
  g_assert_cmpstr (f->scribe.log->str, ==,
                   "gather flush begin put begin put begin put prepare decide seal commit forget-but-1");
  fail_at (f, "seal", 1, WEIR_ERROR_TIMEOUT);
  g_assert_true (seal (f, TRUE, NULL));
  g_assert_cmpstr (f->scribe.log->str, ==, "gather flush begin put prepare decide seal seal commit forget-but-1-2");
}

static void
test_a_commit_is_tried_until_it_is_done (Fixture *f, gconstpointer data)
{
  fail_at (f, "commit", 3, WEIR_ERROR_SINK);
  g_assert_true (seal (f, FALSE, NULL));
  g_assert_cmpstr (f->scribe.log->str, ==, "gather begin put prepare seal commit commit commit commit forget-but-1");
}

static void
test_what_is_fenced_touches_nothing_more (Fixture *f, gconstpointer data)
{
  assert_stops (f, "seal", WEIR_ERROR_FENCED, "gather flush begin put prepare decide seal");
  g_assert_null (f->checkpoint.sealed);
}

static void
test_a_stop_ends_the_trying (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->checkpoint.quit = TRUE;
  fail_at (f, "begin", 1000, WEIR_ERROR_SINK);
  g_assert_false (seal (f, FALSE, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_SINK);
  g_assert_cmpstr (f->scribe.log->str, ==, "gather begin");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, f) g_test_add ("/seal/" name, Fixture, NULL, set_up, f, tear_down)
  ADD ("the-steps-have-an-order", test_the_steps_have_an_order);
  ADD ("a-decider-decides-between-prepare-and-seal", test_a_decider_decides_between_prepare_and_seal);
  ADD ("nothing-is-sealed-after-a-step-that-failed", test_nothing_is_sealed_after_a_step_that_failed);
  ADD ("a-decision-is-never-tried-again", test_a_decision_is_never_tried_again);
  ADD ("a-store-that-can-be-tried-again-is", test_a_store_that_can_be_tried_again_is);
  ADD ("a-commit-is-tried-until-it-is-done", test_a_commit_is_tried_until_it_is_done);
  ADD ("what-is-fenced-touches-nothing-more", test_what_is_fenced_touches_nothing_more);
  ADD ("a-stop-ends-the-trying", test_a_stop_ends_the_trying);
  return g_test_run ();
}
