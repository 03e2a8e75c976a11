/* weir_collect (): an output that keeps every batch, for tests to look at.
 *
 * Owns deep copies of all that came. Must not know what a test thinks of them.
 * The runner appends, the test reads between batches; a lock lets it read meanwhile, too.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <string.h>

#include <weir/error.h>
#include <weir/test.h>

#include "engine/stream.h"
#include "engine/value-copy.h"
#include "engine/value-text.h"

typedef struct {
  WeirTime time;
  WeirValue *values;
  gsize n;
  gpointer memory; /* that the values point into */
} Batch;

struct _WeirCollected {
  pthread_mutex_t lock; /* guards batches */
  GArray *batches;      /* of Batch */
};

static void
batch_clear (gpointer data)
{
  Batch *batch = data;

  g_free (batch->values);
  g_free (batch->memory);
}

static void
copy_values (Batch *batch, const GArray *values)
{
  gsize size = 0;
  char *at;

  for (guint i = 0; i < values->len; i++)
    size += weir_value_memory (g_array_index (values, WeirValue, i));
  batch->memory = at = g_malloc (size + 8);
  batch->values = g_new (WeirValue, values->len + 1);
  batch->n = values->len;
  for (guint i = 0; i < values->len; i++)
    batch->values[i] = weir_value_copy_to (g_array_index (values, WeirValue, i), &at);
}

static gboolean
collect_run (WeirOutput *output, WeirDataset *data, WeirTime time, GError **error)
{
  WeirCollected *collected = output->params;
  g_autoptr (GArray) values = weir_dataset_collect (data, error);
  Batch batch = { .time = time };

  if (values == NULL)
    return FALSE;
  copy_values (&batch, values);
  pthread_mutex_lock (&collected->lock);
  g_array_append_val (collected->batches, batch);
  pthread_mutex_unlock (&collected->lock);
  return TRUE;
}

static void
collected_clear (gpointer params)
{
  WeirCollected *collected = params;

  g_array_unref (collected->batches);
  pthread_mutex_destroy (&collected->lock);
}

static const WeirOutputClass collect_class = {
  .verb = "collect",
  .run = collect_run,
  .params_clear = collected_clear,
};

/**
 * weir_collect:
 * @s: any stream
 *
 * An output that keeps what each batch held. For tests: it keeps all of it until the context is freed.
 *
 * Returns: (transfer none): what it keeps; owned by the context
 */
WeirCollected *
weir_collect (WeirStream *s)
{
  WeirCollected *collected = g_new0 (WeirCollected, 1);

  pthread_mutex_init (&collected->lock, NULL);
  collected->batches = g_array_new (FALSE, FALSE, sizeof (Batch));
  g_array_set_clear_func (collected->batches, batch_clear);
  weir_output_new (s, &collect_class, collected);
  return collected;
}

/**
 * weir_collected_n_batches:
 * @c: what weir_collect() gave
 *
 * Returns: how many batches there have been
 */
gsize
weir_collected_n_batches (WeirCollected *c)
{
  gsize n;

  g_return_val_if_fail (c != NULL, 0);
  pthread_mutex_lock (&c->lock);
  n = c->batches->len;
  pthread_mutex_unlock (&c->lock);
  return n;
}

static Batch
get_batch (WeirCollected *c, gsize batch)
{
  Batch found = { 0 };

  pthread_mutex_lock (&c->lock);
  if (batch < c->batches->len)
    found = g_array_index (c->batches, Batch, batch);
  else
    g_critical ("there is no batch %" G_GSIZE_FORMAT ": %u were collected", batch, c->batches->len);
  pthread_mutex_unlock (&c->lock);
  return found;
}

/**
 * weir_collected_time:
 * @c: what weir_collect() gave
 * @batch: its number, from 0
 *
 * Returns: the time of the batch
 */
WeirTime
weir_collected_time (WeirCollected *c, gsize batch)
{
  g_return_val_if_fail (c != NULL, 0);
  return get_batch (c, batch).time;
}

/**
 * weir_collected_values:
 * @c: what weir_collect() gave
 * @batch: its number, from 0
 * @n: (out): how many values
 *
 * Returns: (transfer none) (array length=n): the batch's values, in order; valid as long as the context
 */
const WeirValue *
weir_collected_values (WeirCollected *c, gsize batch, gsize *n)
{
  Batch found;

  g_return_val_if_fail (c != NULL && n != NULL, NULL);
  found = get_batch (c, batch);
  *n = found.n;
  return found.values;
}

static int
compare_values (const void *a, const void *b)
{
  return weir_compare (*(const WeirValue *) a, *(const WeirValue *) b);
}

/**
 * weir_collected_text:
 * @c: what weir_collect() gave
 * @batch: its number, from 0
 *
 * Returns: (transfer full): the batch's values as text, sorted by weir_compare(), with blanks in between: "(a,1) (b,2)"
 */
char *
weir_collected_text (WeirCollected *c, gsize batch)
{
  GString *text = g_string_new (NULL);
  g_autofree WeirValue *sorted = NULL;
  Batch found;

  g_return_val_if_fail (c != NULL, NULL);
  found = get_batch (c, batch);
  sorted = g_memdup2 (found.values, found.n * sizeof *sorted);
  if (found.n > 0)
    qsort (sorted, found.n, sizeof *sorted, compare_values);
  for (gsize i = 0; i < found.n; i++) {
    if (i > 0)
      g_string_append_c (text, ' ');
    weir_append_to_string (text, sorted[i]);
  }
  return g_string_free (text, FALSE);
}

/**
 * weir_collected_expect:
 * @c: what weir_collect() gave
 * @batch: its number, from 0
 * @expected: what weir_collected_text() should give
 * @error: %WEIR_ERROR_FAILED, which tells the batch, its time, what was expected and what came; or that there is no
 * such batch yet
 *
 * Compares a batch with what a test expects of it, for g_assert_no_error() to say how it differs. Doesn't block.
 *
 * Returns: %TRUE if it is the same
 */
gboolean
weir_collected_expect (WeirCollected *c, gsize batch, const char *expected, GError **error)
{
  g_autofree char *text = NULL;
  gsize n_batches;

  g_return_val_if_fail (c != NULL && expected != NULL, FALSE);
  n_batches = weir_collected_n_batches (c);
  if (batch >= n_batches) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED,
                 "batch %" G_GSIZE_FORMAT ": expected \"%s\", but only %" G_GSIZE_FORMAT
                 " batches came: advance the context first",
                 batch, expected, n_batches);
    return FALSE;
  }
  text = weir_collected_text (c, batch);
  if (g_str_equal (text, expected))
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED,
               "batch %" G_GSIZE_FORMAT " at %" G_GINT64_FORMAT " ms: expected \"%s\", got \"%s\"", batch,
               weir_collected_time (c, batch) / 1000, expected, text);
  return FALSE;
}
