/* See durable.h. Threads: the runner and the checkpoint thread write the world, one at a time, since a context of the
 * test kit waits for its seals. SPDX-License-Identifier: Apache-2.0
 */
#include "durable.h"

#include <string.h>

#include "engine/dataset.h"
#include "engine/frame.h"

typedef struct {
  Durable *job;
  const char *name;
  GHashTable *gathered; /* time -> text, of the epoch */
  WeirDecider decider;
  GHashTable *open; /* the transaction; NULL: none */
} Ledger;

void
durable_world_copy (World *to, const World *from)
{
  GHashTableIter iter;
  gpointer key, value;

  *to = *from;
  to->committed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_iter_init (&iter, from->committed);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_hash_table_insert (to->committed, g_strdup (key), g_strdup (value));
}

void
durable_world_clear (World *world)
{
  g_hash_table_unref (world->committed);
}

static void
run_command (const char *program, const char *a, const char *b, const char *c)
{
  const char *argv[] = { program, a, b, c, NULL };
  int status = -1;

  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
}

static void
snapshot_free (gpointer data)
{
  Snapshot *snapshot = data;

  run_command ("rm", "-rf", snapshot->folder, NULL);
  durable_world_clear (&snapshot->world);
  g_free (snapshot->folder);
  g_free (snapshot->step);
  g_free (snapshot);
}

static void
take_snapshot (Durable *job, const char *step, guint64 epoch)
{
  Snapshot *snapshot;

  if (job->snapshots == NULL)
    return;
  snapshot = g_new0 (Snapshot, 1);
  snapshot->folder = g_strdup_printf ("%s-%u", job->folder, job->snapshots->len);
  snapshot->step = g_strdup_printf ("%s of epoch %" G_GUINT64_FORMAT, step, epoch);
  run_command ("cp", "-r", job->folder, snapshot->folder);
  durable_world_copy (&snapshot->world, &job->world);
  g_ptr_array_add (job->snapshots, snapshot);
}

static void
show (Durable *job, const char *output, const char *time, const char *text, gboolean again_is_fine)
{
  char *key = g_strdup_printf ("%s %s", output, time);
  const char *old = g_hash_table_lookup (job->world.committed, key);

  if (old != NULL && (!again_is_fine || !g_str_equal (old, text)))
    job->world.n_doubled++;
  g_hash_table_insert (job->world.committed, key, g_strdup (text));
}

static gint
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static char *
text_of (WeirDataset *data, GError **error)
{
  g_autoptr (GArray) values = weir_dataset_collect (data, error);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

  if (values == NULL)
    return NULL;
  for (guint i = 0; i < values->len; i++)
    g_ptr_array_add (texts, weir_to_string (g_array_index (values, WeirValue, i)));
  g_ptr_array_sort (texts, compare_texts);
  g_ptr_array_add (texts, NULL);
  return g_strjoinv (" ", (char **) texts->pdata);
}

static gboolean
ledger_run (WeirOutput *output, WeirDataset *data, WeirTime time, GError **error)
{
  Ledger *ledger = *(Ledger **) output->params;
  Durable *job = ledger->job;
  char *text = text_of (data, error), *key = g_strdup_printf ("%" G_GINT64_FORMAT, time / G_USEC_PER_SEC);

  g_assert_nonnull (text);
  if (job->fail_at == time / G_USEC_PER_SEC && job->n_fails > 0) {
    job->n_fails--;
    g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_USER, "as the test wants it");
    g_free (text);
    g_free (key);
    return FALSE;
  }
  if (output->klass->decides) {
    if (!weir_engine_await_decided (output->engine, error))
      return FALSE;
    if (ledger->open == NULL)
      ledger->open = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
    g_hash_table_insert (ledger->open, key, text);
  } else if (output->is_sealed) {
    g_hash_table_insert (ledger->gathered, key, text);
  } else {
    show (job, ledger->name, key, text, TRUE);
    take_snapshot (job, "shown", time / G_USEC_PER_SEC);
    g_free (text);
    g_free (key);
  }
  return TRUE;
}

static void
ledger_close (WeirOutput *output)
{
  const Ledger *ledger = *(Ledger **) output->params;

  for (guint i = 0; i < ledger->job->n_told_late; i++)
    weir_engine_fail (output->engine, g_error_new_literal (WEIR_ERROR, WEIR_ERROR_USER, "told too late"));
}

static gpointer
ledger_cut (WeirOutput *output)
{
  Ledger *ledger = *(Ledger **) output->params;
  GHashTable *gathered = ledger->gathered;

  if (g_hash_table_size (gathered) == 0)
    return NULL;
  ledger->gathered = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return gathered;
}

static gboolean
ledger_prepare (WeirOutput *output, gpointer gathered, guint64 epoch, GByteArray *note, GError **error)
{
  Ledger *ledger = *(Ledger **) output->params;
  GHashTableIter iter;
  gpointer key, value;

  take_snapshot (ledger->job, "prepare", epoch);
  weir_put_u32 (note, g_hash_table_size (gathered));
  g_hash_table_iter_init (&iter, gathered);
  while (g_hash_table_iter_next (&iter, &key, &value)) {
    weir_put_string (note, key);
    weir_put_string (note, value);
  }
  g_hash_table_unref (gathered);
  return TRUE;
}

/* Committing an epoch again is no second output, as long as it says the same. */
static gboolean
ledger_commit (WeirOutput *output, guint64 epoch, gconstpointer note, gsize size, GError **error)
{
  Ledger *ledger = *(Ledger **) output->params;
  WeirTaker taker;
  guint32 n;

  take_snapshot (ledger->job, "before commit", epoch);
  weir_taker_init (&taker, note, size);
  n = weir_take_u32 (&taker);
  for (guint32 i = 0; i < n; i++) {
    g_autofree char *key = weir_take_string (&taker);
    g_autofree char *text = weir_take_string (&taker);

    show (ledger->job, ledger->name, key, text, TRUE);
    take_snapshot (ledger->job, "in commit", epoch);
  }
  g_assert_true (weir_taker_is_done (&taker));
  return TRUE;
}

static void
ledger_abort (WeirOutput *output)
{
  Ledger *ledger = *(Ledger **) output->params;

  g_hash_table_remove_all (ledger->gathered);
}

static Ledger *
ledger_of (WeirDecider *decider)
{
  return (Ledger *) ((char *) decider - G_STRUCT_OFFSET (Ledger, decider));
}

static gboolean
recover (WeirDecider *decider, const char *topic, guint64 *marker, GError **error)
{
  g_assert_true (topic == NULL || g_str_equal (topic, "topic"));
  *marker = ledger_of (decider)->job->world.marker;
  return TRUE;
}

static const char *
topic (WeirDecider *decider)
{
  return "topic";
}

static gboolean
has_written (WeirDecider *decider)
{
  return ledger_of (decider)->open != NULL;
}

static gboolean
flush (WeirDecider *decider, GError **error)
{
  take_snapshot (ledger_of (decider)->job, "flush", 0);
  return TRUE;
}

static gboolean
commit (WeirDecider *decider, guint64 epoch, GError **error)
{
  Ledger *ledger = ledger_of (decider);
  GHashTableIter iter;
  gpointer key, value;

  take_snapshot (ledger->job, "before decision", epoch);
  g_hash_table_iter_init (&iter, ledger->open);
  while (g_hash_table_iter_next (&iter, &key, &value))
    show (ledger->job, ledger->name, key, value, FALSE);
  g_clear_pointer (&ledger->open, g_hash_table_unref);
  ledger->job->world.marker = epoch;
  take_snapshot (ledger->job, "after decision", epoch);
  return TRUE;
}

static void
abort_open (WeirDecider *decider)
{
  g_clear_pointer (&ledger_of (decider)->open, g_hash_table_unref);
}

static gboolean
decider_open (WeirOutput *output, GError **error)
{
  Ledger *ledger = *(Ledger **) output->params;

  abort_open (&ledger->decider);
  ledger->decider = (WeirDecider){ recover, topic, has_written, flush, commit, abort_open };
  return weir_engine_set_decider (output->engine, &ledger->decider, error);
}

static gpointer
cut_nothing (WeirOutput *output)
{
  return NULL;
}

static void
ledger_free (gpointer params)
{
  Ledger *ledger = *(Ledger **) params;

  g_clear_pointer (&ledger->open, g_hash_table_unref);
  g_hash_table_unref (ledger->gathered);
  g_free (ledger);
}

static const WeirOutputClass shown_class = {
  .verb = "shown",
  .run = ledger_run,
  .close = ledger_close,
  .params_clear = ledger_free,
};

static const WeirOutputClass sealed_class = {
  .verb = "sealed",
  .run = ledger_run,
  .params_clear = ledger_free,
  .cut = ledger_cut,
  .prepare = ledger_prepare,
  .commit = ledger_commit,
  .abort = ledger_abort,
};

static const WeirOutputClass decided_class = {
  .verb = "decided",
  .run = ledger_run,
  .params_clear = ledger_free,
  .open = decider_open,
  .cut = cut_nothing,
  .commit = ledger_commit,
  .decides = TRUE,
};

static void
add_ledger (Durable *job, WeirStream *stream, const WeirOutputClass *klass)
{
  Ledger **params = g_new0 (Ledger *, 1);

  *params = g_new0 (Ledger, 1);
  (*params)->job = job;
  (*params)->name = klass->verb;
  (*params)->gathered = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  weir_output_set_uid (weir_output_new (stream, klass, params), klass->verb);
}

void
durable_init (Durable *job, Outputs outputs)
{
  *job = (Durable){ .outputs = outputs, .n_keys = 3, .n_pushes = 20, .interval = WEIR_SECONDS (1), .uid = "totals" };
  job->folder = g_dir_make_tmp ("weir-durable-XXXXXX", NULL);
  job->world.committed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

void
durable_take_snapshots (Durable *job)
{
  job->snapshots = g_ptr_array_new_with_free_func (snapshot_free);
}

void
durable_clear (Durable *job)
{
  run_command ("rm", "-rf", job->folder, NULL);
  g_free (job->folder);
  durable_world_clear (&job->world);
  if (job->snapshots != NULL)
    g_ptr_array_unref (job->snapshots);
}

/* Push n, counted from 0, has key n % n_keys, n % n_keys + 1 … */
WeirQueue *
durable_queue (const Durable *job)
{
  WeirQueue *queue = weir_queue_new ();

  for (guint i = 0; i < job->n_pushes; i++) {
    WeirValue cells[2] = { weir_int (i % job->n_keys), weir_int (i) };
    WeirValue pair = weir_pair_at (cells);

    weir_queue_push (queue, &pair, 1);
  }
  return queue;
}

static WeirValue
add_up (WeirTask *task, WeirValue key, const WeirValue *values, gsize n, WeirValue state, gpointer user_data)
{
  gint64 sum = weir_as_int (state);

  for (gsize i = 0; i < n; i++)
    sum += weir_as_int (values[i]);
  return weir_int (sum);
}

char *
durable_expected (const Durable *job, guint number)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

  for (guint key = 0; key < job->n_keys; key++) {
    guint sum = 0;
    gboolean is_there = FALSE;

    for (guint i = key; i < number && i < job->n_pushes; i += job->n_keys) {
      sum += i;
      is_there = TRUE;
    }
    if (is_there)
      g_ptr_array_add (texts, g_strdup_printf ("(%u,%u)", key, sum));
  }
  g_ptr_array_sort (texts, compare_texts);
  g_ptr_array_add (texts, NULL);
  return g_strjoinv (" ", (char **) texts->pdata);
}

static void
set (WeirContext *ctx, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (weir_context_set (ctx, key, value, &error));
}

static void
set_options (const Durable *job, WeirContext *ctx)
{
  g_autofree char *uri = g_strdup_printf ("file://%s", job->folder);
  g_autofree char *interval = g_strdup_printf ("%" G_GINT64_FORMAT "us", job->interval);

  set (ctx, "checkpoint", uri);
  set (ctx, "checkpoint.interval", interval);
  set (ctx, "log.level", "error");
  if (job->partitions != 0) {
    g_autofree char *n = g_strdup_printf ("%u", job->partitions);

    set (ctx, "partitions", n);
  }
  if (job->workers != 0) {
    g_autofree char *n = g_strdup_printf ("%u", job->workers);

    set (ctx, "workers", n);
  }
}

static WeirValue
same (WeirTask *task, WeirValue value, gpointer user_data)
{
  return value;
}

WeirContext *
durable_context (Durable *job, WeirQueue *queue, WeirTime at)
{
  WeirContext *ctx = weir_test_context_new_at (WEIR_SECONDS (1), at);
  WeirStream *pushes = weir_queue_stream (ctx, queue, TRUE), *totals;

  set_options (job, ctx);
  if (job->uid != NULL)
    weir_stream_set_uid (pushes, "pushes");
  if (job->more)
    pushes = weir_map (pushes, same, NULL);
  totals = weir_update_state_by_key (pushes, add_up, NULL);
  weir_stream_set_uid (totals, job->uid);
  if (job->version != 0)
    weir_stream_set_state_version (totals, job->version, job->upgrade);
  if (job->outputs & SHOWN_AT_ONCE)
    add_ledger (job, totals, &shown_class);
  if (job->outputs & SEALED)
    add_ledger (job, totals, &sealed_class);
  if (job->outputs & DECIDED)
    add_ledger (job, totals, &decided_class);
  return ctx;
}

gboolean
durable_try (Durable *job, WeirTime at, guint n, GError **error)
{
  g_autoptr (WeirQueue) queue = durable_queue (job);
  g_autoptr (WeirContext) ctx = durable_context (job, queue, at);

  return weir_test_advance (ctx, n, error);
}

void
durable_run (Durable *job, WeirTime at, guint n)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = durable_try (job, at, n, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
}

static void
assert_output (const Durable *job, const char *output, guint n)
{
  for (guint i = 1; i <= n; i++) {
    g_autofree char *key = g_strdup_printf ("%s %u", output, i);
    g_autofree char *expected = durable_expected (job, i);

    g_assert_cmpstr (g_hash_table_lookup (job->world.committed, key), ==, expected);
  }
}

void
durable_assert_world (const Durable *job, guint n)
{
  if (job->outputs & SHOWN_AT_ONCE)
    assert_output (job, "shown", n);
  if (job->outputs & SEALED)
    assert_output (job, "sealed", n);
  if (job->outputs & DECIDED)
    assert_output (job, "decided", n);
  g_assert_cmpuint (job->world.n_doubled, ==, 0);
}
