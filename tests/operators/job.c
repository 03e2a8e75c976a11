/* Owns the life of a test's job and the text form of its elements. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/job.h"

#include <string.h>

typedef struct {
  void (*test) (Job *job);
  guint n_partitions;
} Case;

void
job_init (Job *job, guint n_partitions)
{
  g_autoptr (GError) error = NULL;

  job->ctx = weir_test_context_new (WEIR_SECONDS (1));
  weir_context_set (job->ctx, "workers", "2", &error);
  g_assert_no_error (error);
  weir_context_set (job->ctx, "log.level", "warning", &error); /* what a test captures of stdout is the job's */
  g_assert_no_error (error);
  job->queue = weir_queue_new ();
  weir_queue_set_partitions (job->queue, n_partitions);
  job->input = weir_queue_stream (job->ctx, job->queue, TRUE);
  job->n_batches = 0;
}

void
job_clear (Job *job)
{
  g_clear_pointer (&job->ctx, weir_context_free);
  g_clear_pointer (&job->queue, weir_queue_free);
}

static WeirValue
parse_scalar (WeirValue text)
{
  gint64 integer;
  gdouble number;

  if (text.size == 1 && text.data[0] == '_')
    return weir_nil ();
  if (weir_parse_int (text, &integer))
    return weir_int (integer);
  return weir_parse_float (text, &number) ? weir_float (number) : text;
}

/* @cells: of the caller's, for a pair. */
static WeirValue
parse_element (WeirValue text, WeirValue cells[2])
{
  WeirValue value;

  if (memchr (text.data, '=', text.size) == NULL)
    return parse_scalar (text);
  weir_text_field (text, '=', 0, &value);
  cells[0] = parse_scalar (value);
  weir_text_field (text, '=', 1, &value);
  cells[1] = parse_scalar (value);
  return weir_pair_at (cells);
}

void
job_push (Job *job, const char *elements)
{
  g_autofree WeirValue *values = g_new (WeirValue, strlen (elements) + 1);
  g_autofree WeirValue *cells = g_new (WeirValue, 2 * strlen (elements) + 2);
  WeirValue rest = weir_text (elements), element;
  gsize n = 0;

  for (; weir_text_next_token (&rest, ' ', &element); n++)
    values[n] = parse_element (element, cells + 2 * n);
  job_push_values (job, values, n);
}

void
job_push_values (Job *job, const WeirValue *values, gsize n)
{
  weir_queue_push (job->queue, values, n);
  job->n_batches++;
}

void
job_push_range (Job *job, guint n)
{
  g_autofree WeirValue *values = g_new (WeirValue, n + 1);

  for (guint i = 0; i < n; i++)
    values[i] = weir_int (i);
  job_push_values (job, values, n);
}

void
job_run (Job *job)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = weir_test_advance (job->ctx, job->n_batches, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
  job->n_batches = 0;
}

void
job_run_into (Job *job, gint code, const char *fragment)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = weir_test_advance (job->ctx, MAX (job->n_batches, 1), &error);

  g_assert_error (error, WEIR_ERROR, code);
  g_assert_false (ok);
  g_assert_cmpstr (strstr (error->message, fragment) != NULL ? fragment : error->message, ==, fragment);
}

char *
job_text (WeirCollected *collected, guint batch)
{
  GString *text = g_string_new (NULL);
  gsize n;
  const WeirValue *values;

  g_assert_cmpuint (batch, <, weir_collected_n_batches (collected));
  values = weir_collected_values (collected, batch, &n);
  for (gsize i = 0; i < n; i++) {
    g_autofree char *element = weir_to_string (values[i]);

    g_string_append_printf (text, "%s%s", i > 0 ? " " : "", element);
  }
  return g_string_free (text, FALSE);
}

void
job_expect (WeirCollected *collected, guint batch, const char *expected)
{
  g_autofree char *text = job_text (collected, batch);

  g_assert_cmpstr (text, ==, expected);
}

void
job_expect_sorted (WeirCollected *collected, guint batch, const char *expected)
{
  g_autofree char *text = NULL;

  g_assert_cmpuint (batch, <, weir_collected_n_batches (collected));
  text = weir_collected_text (collected, batch);
  g_assert_cmpstr (text, ==, expected);
}

static void
run_case (gconstpointer data)
{
  const Case *one = data;
  Job job;

  job_init (&job, one->n_partitions);
  one->test (&job);
  job_clear (&job);
}

void
job_add_test (const char *path, void (*test) (Job *job))
{
  static const guint partitions[] = { 1, 3, 16 };

  for (guint i = 0; i < G_N_ELEMENTS (partitions); i++) {
    g_autofree char *name = g_strdup_printf ("%s/%u-partitions", path, partitions[i]);
    Case *one = g_new (Case, 1);

    *one = (Case){ test, partitions[i] };
    g_test_add_data_func_full (name, one, run_case, g_free);
  }
}
