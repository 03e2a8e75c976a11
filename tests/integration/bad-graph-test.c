/* Wrong graphs, verb by verb: each is one error at start that names the stream and says what to do. And what looks wrong,
 * but is none: a stream beside itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <weir/test.h>

typedef struct {
  const char *name;
  WeirStream *(*build) (WeirStream *s, WeirTime length, WeirTime slide);
} Windowed;

typedef struct {
  const char *name;
  WeirStream *(*build) (WeirStream *a, WeirStream *b);
} Binary;

typedef struct {
  WeirContext *ctx;
  WeirQueue *queue;
  WeirStream *pairs;
} Job;

static void
begin (Job *job)
{
  job->ctx = weir_test_context_new (WEIR_SECONDS (1));
  job->queue = weir_queue_new ();
  job->pairs = weir_queue_stream (job->ctx, job->queue, TRUE);
  g_assert_true (weir_context_set (job->ctx, "log.level", "error", NULL));
}

static void
end (Job *job)
{
  weir_context_free (job->ctx);
  weir_queue_free (job->queue);
}

/* One line, of that stream, with that advice. */
static void
expect_mistake (Job *job, const char *verb, const char *says)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = weir_test_advance (job->ctx, 1, &error);

  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  g_assert_false (ok);
  if (!g_str_has_prefix (error->message, verb) || strstr (error->message, says) == NULL ||
      strchr (error->message, '\n') != NULL)
    g_error ("should begin with '%s' and say '%s' in one line: %s", verb, says, error->message);
}

static void
add (gpointer acc, WeirValue value, gpointer user_data)
{
  *(gint64 *) acc += weir_as_int (value);
}

static void
merge (gpointer acc, gconstpointer later, gpointer user_data)
{
  *(gint64 *) acc += *(const gint64 *) later;
}

static WeirValue
result (WeirTask *task, gconstpointer acc, gpointer user_data)
{
  return weir_int (*(const gint64 *) acc);
}

static WeirStream *
reduce_by_key_and_window (WeirStream *s, WeirTime length, WeirTime slide)
{
  return weir_reduce_by_key_and_window (s, WEIR_SUM, NULL, length, slide, NULL);
}

static WeirStream *
reduce_by_window (WeirStream *s, WeirTime length, WeirTime slide)
{
  return weir_reduce_by_window (s, WEIR_LAST, NULL, length, slide, NULL);
}

static WeirStream *
aggregate_by_key_and_window (WeirStream *s, WeirTime length, WeirTime slide)
{
  const WeirAggregate sum = { sizeof (gint64), add, merge, result, NULL, 0 };

  return weir_aggregate_by_key_and_window (s, &sum, length, slide);
}

static const Windowed windowed[] = {
  { "window", weir_window },
  { "reduce_by_key_and_window", reduce_by_key_and_window },
  { "reduce_by_window", reduce_by_window },
  { "aggregate_by_key_and_window", aggregate_by_key_and_window },
  { "count_by_window", weir_count_by_window },
  { "count_by_value_and_window", weir_count_by_value_and_window },
  { "group_by_key_and_window", weir_group_by_key_and_window },
};

static const struct {
  WeirTime length, slide;
  const char *says;
} durations[] = {
  { 0, 0, "give a length above 0" },
  { -WEIR_SECONDS (4), 0, "give a length above 0" },
  { WEIR_SECONDS (4), -WEIR_SECONDS (2), "give a slide" },
  { WEIR_SECONDS (5), 0, "has a window of 5s, no multiple of the 2s" },
  { WEIR_SECONDS (1), 0, "has a window of 1s, no multiple of the 2s" },
  { WEIR_SECONDS (4), WEIR_SECONDS (3), "has a slide of 3s, no multiple of the 2s" },
  { WEIR_SECONDS (4), 1, "has a slide of 1us, no multiple of the 2s" },
};

/* The parent slides by 2 s. */
static void
a_window_of_a_wrong_duration_is_a_mistake (gconstpointer data)
{
  const Windowed *verb = data;

  for (guint i = 0; i < G_N_ELEMENTS (durations); i++) {
    Job job;

    begin (&job);
    weir_collect (verb->build (weir_window (job.pairs, WEIR_SECONDS (2), WEIR_SECONDS (2)), durations[i].length,
                               durations[i].slide));
    expect_mistake (&job, verb->name, durations[i].says);
    end (&job);
  }
}

static WeirStream *
union_all (WeirStream *a, WeirStream *b)
{
  return weir_union_all ((WeirStream *[]){ a, b }, 2);
}

static WeirDataset *
join_datasets (WeirDataset *a, WeirDataset *b, WeirTime time, gpointer user_data, GError **error)
{
  return weir_dataset_join (a, b);
}

static WeirDataset *
join_all (WeirDataset *const *data, gsize n, WeirTime time, gpointer user_data, GError **error)
{
  return weir_dataset_join (data[0], data[1]);
}

static WeirStream *
transform_with (WeirStream *a, WeirStream *b)
{
  return weir_transform_with (a, b, join_datasets, NULL);
}

static WeirStream *
transform_all (WeirStream *a, WeirStream *b)
{
  return weir_transform_all ((WeirStream *[]){ a, b }, 2, join_all, NULL);
}

static const Binary binary[] = {
  { "union", weir_union },
  { "union_all", union_all },
  { "join", weir_join },
  { "left_outer_join", weir_left_outer_join },
  { "right_outer_join", weir_right_outer_join },
  { "full_outer_join", weir_full_outer_join },
  { "cogroup", weir_cogroup },
  { "transform_with", transform_with },
  { "transform_all", transform_all },
};

static void
unequal_slides_are_a_mistake (gconstpointer data)
{
  const Binary *verb = data;
  Job job;

  begin (&job);
  weir_collect (verb->build (job.pairs, weir_window (job.pairs, WEIR_SECONDS (4), WEIR_SECONDS (2))));
  expect_mistake (&job, verb->name, "window-1, which slides by 2s: bring both to one slide");
  end (&job);
}

static void
a_stream_of_another_context_is_a_mistake (gconstpointer data)
{
  const Binary *verb = data;
  Job job, other;

  begin (&job);
  begin (&other);
  weir_collect (verb->build (job.pairs, weir_stream_set_name (other.pairs, "strange")));
  expect_mistake (&job, verb->name, "strange of another context: build both in one context");
  end (&job);
  end (&other);
}

static void
a_stream_beside_itself_is_none (gconstpointer data)
{
  const Binary *verb = data;
  g_autoptr (GError) error = NULL;
  WeirCollected *collected;
  Job job;
  gsize n;

  begin (&job);
  weir_queue_push (job.queue, (WeirValue[]){ WEIR_PAIR_OF (weir_int (1), weir_int (2)) }, 1);
  collected = weir_collect (verb->build (job.pairs, job.pairs));
  weir_test_advance (job.ctx, 1, &error);
  g_assert_no_error (error);
  weir_collected_values (collected, 0, &n);
  g_assert_cmpuint (n, ==, strstr (verb->name, "union") != NULL ? 2 : 1);
  end (&job);
}

static void
add_tests_of (const Binary *verb)
{
  g_autofree char *unequal = g_strdup_printf ("/bad-graph/unequal-slides/%s", verb->name);
  g_autofree char *strange = g_strdup_printf ("/bad-graph/another-context/%s", verb->name);
  g_autofree char *itself = g_strdup_printf ("/bad-graph/beside-itself/%s", verb->name);

  g_test_add_data_func (unequal, verb, unequal_slides_are_a_mistake);
  g_test_add_data_func (strange, verb, a_stream_of_another_context_is_a_mistake);
  g_test_add_data_func (itself, verb, a_stream_beside_itself_is_none);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (windowed); i++) {
    g_autofree char *path = g_strdup_printf ("/bad-graph/durations/%s", windowed[i].name);

    g_test_add_data_func (path, &windowed[i], a_window_of_a_wrong_duration_is_a_mistake);
  }
  for (guint i = 0; i < G_N_ELEMENTS (binary); i++)
    add_tests_of (&binary[i]);
  return g_test_run ();
}
