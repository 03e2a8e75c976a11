/* Owns a sketch's run through the library: one life of the job, or two with a kill in between, against the model.
 *
 * A kill is what it leaves: a copy of the checkpoint's folder as it is at that moment, from which the second life goes on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <glib/gstdio.h>

#include "tests/property/verbs.h"
#include "tests/sinks/scratch.h"

typedef struct {
  const Sketch *sketch;
  const Model *model;
  WeirQueue *queues[MOST_SOURCES];
  gboolean is_seen[MOST_NODES][MOST_BATCHES + 1];
  gboolean has_failed; /* the output that is to fail */
  char *wrong;         /* how weir and the model differ; NULL: they don't */
} Check;

typedef struct {
  WeirContext *ctx;
  WeirStream *streams[MOST_NODES];
  WeirCollected *collected[MOST_NODES];
} Life;

static void
fill_queue (Check *check, guint source)
{
  const Sketch *sketch = check->sketch;

  check->queues[source] = weir_queue_new ();
  weir_queue_set_partitions (check->queues[source], sketch->source_partitions);
  for (guint k = 0; k < sketch->n_batches; k++) {
    const GArray *values = check->model->sets[source][k + 1];

    if (sketch->records[source][k] == NULL)
      weir_queue_push_nothing (check->queues[source]);
    else
      weir_queue_push (check->queues[source], (const WeirValue *) values->data, values->len);
  }
}

/* What a function of transform is told. */
typedef struct {
  const Node *node;
  WeirDataset *table; /* NULL: the verb takes none */
} Transform;

static WeirDataset *
on_one (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  const Transform *transform = user_data;

  return verb_of (transform->node)->on_dataset (transform->node, data, transform->table);
}

static WeirDataset *
on_two (WeirDataset *a, WeirDataset *b, WeirTime time, gpointer user_data, GError **error)
{
  const Transform *transform = user_data;

  return verb_of (transform->node)->on_dataset (transform->node, a, b);
}

static WeirDataset *
build_table (WeirContext *ctx, const Node *node)
{
  g_autoptr (GPtrArray) blocks = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GArray) table = elements_new ();

  table_fill (&(Place){ .blocks = blocks }, table);
  return weir_context_dataset (ctx, (const WeirValue *) table->data, table->len, node->n);
}

static WeirStream *
build_verb (WeirContext *ctx, const Node *node, WeirStream *a, WeirStream *b)
{
  const Verb *verb = verb_of (node);
  Transform *transform;

  if (!node->in_transform)
    return verb->build (node, a, b);
  transform = g_new0 (Transform, 1);
  transform->node = node;
  transform->table = verb->takes_table ? build_table (ctx, node) : NULL;
  weir_context_own (ctx, transform, g_free);
  return verb->n_inputs == 1 ? weir_transform (a, on_one, transform) : weir_transform_with (a, b, on_two, transform);
}

static gboolean
is_order_known (const Check *check, const Node *node)
{
  guint flags = ORDERED;

  for (guint k = 0; k < verb_of (node)->n_inputs; k++)
    flags &= check->model->shapes[node->inputs[k]].flags;
  return flags != 0;
}

static WeirStream *
build_node (const Check *check, Life *life, guint i)
{
  const Node *node = &check->sketch->nodes[i];
  WeirStream *stream;

  if (verb_of (node)->n_inputs == 0)
    return weir_queue_stream (life->ctx, check->queues[i], TRUE);
  stream = build_verb (life->ctx, node, life->streams[node->inputs[0]], life->streams[node->inputs[1]]);
  if (node->partitions > 0)
    weir_stream_set_partitions (stream, node->partitions);
  return verb_of (node)->sorts_lists && !is_order_known (check, node) ? weir_map_values (stream, run_sort_list, NULL)
                                                                      : stream;
}

static gboolean
is_used (const Sketch *sketch, guint i)
{
  for (guint k = i + 1; k < sketch->n_nodes; k++)
    for (guint input = 0; input < verb_of (&sketch->nodes[k])->n_inputs; input++)
      if (sketch->nodes[k].inputs[input] == i)
        return TRUE;
  return FALSE;
}

static void
set (WeirContext *ctx, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  weir_context_set (ctx, key, value, &error);
  g_assert_no_error (error);
}

static void
set_number (WeirContext *ctx, const char *key, const char *format, guint n)
{
  g_autofree char *value = g_strdup_printf (format, n);

  set (ctx, key, value);
}

/* The batch is run again from what is sealed. */
static gboolean
fail_once (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  Check *check = user_data;

  if (check->has_failed || time != WEIR_SECONDS (check->sketch->fail_at))
    return TRUE;
  check->has_failed = TRUE;
  g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_USER, "as the test wants it");
  return FALSE;
}

static void
begin (Check *check, Life *life, guint n_done, const char *store)
{
  const Sketch *sketch = check->sketch;
  const Machine *machine = n_done == 0 ? &sketch->machine : &sketch->second;

  *life = (Life){ weir_test_context_new_at (WEIR_SECONDS (1), WEIR_SECONDS (n_done)) };
  set (life->ctx, "log.level", "error");
  set_number (life->ctx, "workers", "%u", machine->workers);
  set_number (life->ctx, "partitions", "%u", machine->partitions);
  if (store != NULL) {
    g_autofree char *uri = g_strdup_printf ("file://%s", store);

    set (life->ctx, "checkpoint", uri);
    set_number (life->ctx, "checkpoint.interval", "%us", sketch->interval);
  }
  for (guint i = 0; i < sketch->n_nodes; i++)
    life->streams[i] = build_node (check, life, i);
  if (sketch->kill_after > 0)
    weir_foreach_batch (life->streams[0], fail_once, check);
  for (guint i = 0; i < sketch->n_nodes; i++)
    if (sketch->nodes[i].is_collected || !is_used (sketch, i))
      life->collected[i] = weir_collect (life->streams[i]);
}

static void
compare_batch (Check *check, WeirCollected *collected, guint node, guint k)
{
  guint batch = (guint) (weir_collected_time (collected, k) / WEIR_SECONDS (1));
  g_autoptr (GArray) expected = elements_new ();
  g_autoptr (GArray) actual = elements_new ();
  const WeirValue *values;
  gsize n;

  if (batch > check->sketch->n_batches || check->wrong != NULL)
    return;
  values = weir_collected_values (collected, k, &n);
  g_array_append_vals (actual, values, (guint) n);
  elements_append (expected, check->model->sets[node][batch]);
  if ((check->model->shapes[node].flags & ORDERED) == 0) {
    elements_sort (actual);
    elements_sort (expected);
  }
  if (check->model->sets[node][batch] == NULL || !elements_equal (expected, actual)) {
    g_autofree char *texts[2] = { elements_text (expected), elements_text (actual) };

    check->wrong =
        g_strdup_printf ("node %u, batch %u\n    should be: %s\n    is:        %s", node, batch, texts[0], texts[1]);
    g_free (g_steal_pointer (&texts[1]));
  }
  check->is_seen[node][batch] = TRUE;
}

static void
compare (Check *check, const Life *life)
{
  for (guint i = 0; i < check->sketch->n_nodes; i++)
    for (guint k = 0; life->collected[i] != NULL && k < weir_collected_n_batches (life->collected[i]); k++)
      compare_batch (check, life->collected[i], i, k);
}

static gboolean
is_all_seen (const Check *check, const Life *life)
{
  for (guint i = 0; i < check->sketch->n_nodes; i++)
    for (guint batch = 1; life->collected[i] != NULL && batch <= check->sketch->n_batches; batch++)
      if (check->model->sets[i][batch] != NULL && !check->is_seen[i][batch])
        return FALSE;
  return TRUE;
}

static void
advance (Check *check, Life *life, guint n)
{
  g_autoptr (GError) error = NULL;

  if (check->wrong == NULL && !weir_test_advance (life->ctx, n, &error))
    check->wrong = g_strdup_printf ("an error: %s", error->message);
  compare (check, life);
}

static void
copy_folder (const char *from, const char *to)
{
  g_autoptr (GDir) dir = g_dir_open (from, 0, NULL);
  const char *name;

  g_assert_cmpint (g_mkdir (to, 0700), ==, 0);
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *source = g_build_filename (from, name, NULL);
    g_autofree char *target = g_build_filename (to, name, NULL);
    g_autofree char *bytes = NULL;
    gsize size;

    if (g_file_test (source, G_FILE_TEST_IS_DIR)) {
      copy_folder (source, target);
      continue;
    }
    g_assert_true (g_file_get_contents (source, &bytes, &size, NULL));
    g_assert_true (g_file_set_contents_full (target, bytes, (gssize) size, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  }
}

static void
live_once (Check *check)
{
  Life life;

  begin (check, &life, 0, NULL);
  advance (check, &life, check->sketch->n_batches);
  if (check->wrong == NULL && !is_all_seen (check, &life))
    check->wrong = g_strdup ("a batch of a collected stream never came");
  weir_context_free (life.ctx);
}

static void
live_again (Check *check, const char *store)
{
  Life life;

  begin (check, &life, check->sketch->kill_after, store);
  for (guint i = 0; i < 3 * MOST_BATCHES && check->wrong == NULL && (i == 0 || !is_all_seen (check, &life)); i++)
    advance (check, &life, 1);
  if (check->wrong == NULL && !is_all_seen (check, &life))
    check->wrong = g_strdup ("a batch of a collected stream never came after the kill");
  weir_context_free (life.ctx);
}

static void
live_twice (Check *check)
{
  Scratch scratch;
  g_autofree char *first = NULL, *left = NULL;
  Life life;

  scratch_init (&scratch);
  first = scratch_path (&scratch, "first");
  left = scratch_path (&scratch, "left");
  begin (check, &life, 0, first);
  advance (check, &life, check->sketch->kill_after);
  g_assert_true (check->wrong != NULL || check->sketch->fail_at > check->sketch->kill_after ||
                 check->has_failed == (check->sketch->fail_at > 0));
  copy_folder (first, left);
  weir_context_free (life.ctx);
  if (check->wrong == NULL)
    live_again (check, left);
  scratch_clear (&scratch);
}

char *
sketch_check (const Sketch *sketch)
{
  g_autoptr (Model) model = model_run (sketch);
  Check check = { sketch, model };

  g_assert_nonnull (model);
  for (guint i = 0; i < sketch->n_nodes && verb_of (&sketch->nodes[i])->n_inputs == 0; i++)
    fill_queue (&check, i);
  if (sketch->kill_after > 0)
    live_twice (&check);
  else
    live_once (&check);
  for (guint i = 0; i < MOST_SOURCES; i++)
    g_clear_pointer (&check.queues[i], weir_queue_free);
  return check.wrong;
}
