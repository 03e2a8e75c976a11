/* reading_report FOLDER LIMITS: reads what sensor_watch keeps in folders FOLDER/<any>-<ms>, also what is there already, and says
 * of each batch what sensors have read, which were silent or are unknown, and what was too hot. The file LIMITS has lines
 * "sensor degrees": how hot each may be.
 *
 * Shows object files as a source, whose elements come back as the values that they were; and datasets of pairs: what becomes of a
 * key's values in one batch, and how two datasets meet by key.
 *
 *   mkdir kept; sensor_watch localhost 9999 kept/readings
 *   printf 'kitchen 22\ncellar 12\n' > limits; reading_report kept limits
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include <weir/weir.h>

/* The pairs of a file of lines "sensor degrees"; the dataset copies them. NULL if a line is none. */
static WeirDataset *
load_limits (WeirContext *ctx, const char *path, GError **error)
{
  g_autoptr (GArray) cells = g_array_new (FALSE, FALSE, sizeof (WeirValue));
  g_autoptr (GArray) pairs = g_array_new (FALSE, FALSE, sizeof (WeirValue));
  g_autofree char *text = NULL;
  WeirValue rest, line, sensor = weir_nil ();
  gdouble degrees;

  if (!g_file_get_contents (path, &text, NULL, error))
    return NULL;
  for (rest = weir_text (text); weir_text_next_token (&rest, '\n', &line);) {
    if (!weir_text_next_token (&line, ' ', &sensor) || !weir_parse_float (line, &degrees)) {
      g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: a line is not a sensor and degrees", path);
      return NULL;
    }
    const WeirValue both[] = { sensor, weir_float (degrees) };
    g_array_append_vals (cells, both, 2);
  }
  for (guint i = 0; i < cells->len; i += 2) {
    WeirValue pair = weir_pair_at (&g_array_index (cells, WeirValue, i));

    g_array_append_val (pairs, pair);
  }
  return weir_context_dataset (ctx, (const WeirValue *) pairs->data, pairs->len, 1);
}

/* --- what becomes of the readings of a sensor --- */

typedef struct {
  gint64 n;
  gdouble sum;
} Mean;

static void
mean_add (gpointer mean, WeirValue degrees, gpointer user_data)
{
  ((Mean *) mean)->n++;
  ((Mean *) mean)->sum += weir_as_float (degrees);
}

static void
mean_merge (gpointer mean, gconstpointer later, gpointer user_data)
{
  ((Mean *) mean)->n += ((const Mean *) later)->n;
  ((Mean *) mean)->sum += ((const Mean *) later)->sum;
}

static WeirValue
mean_result (WeirTask *task, gconstpointer mean, gpointer user_data)
{
  return weir_float (((const Mean *) mean)->sum / (gdouble) ((const Mean *) mean)->n);
}

/* A pair of the lowest and the highest. */
static WeirValue
span_create (WeirTask *task, WeirValue degrees, gpointer user_data)
{
  return weir_pair (task, degrees, degrees);
}

static WeirValue
span_merge (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  return weir_pair (task, weir_reduce_min (task, weir_key (a), weir_key (b), NULL),
                    weir_reduce_max (task, weir_val (a), weir_val (b), NULL));
}

static WeirValue
span_add (WeirTask *task, WeirValue span, WeirValue degrees, gpointer user_data)
{
  return span_merge (task, span, span_create (task, degrees, NULL), NULL);
}

/* --- functions of the datasets --- */

static gboolean
is_degrees (WeirTask *task, WeirValue reading, gpointer user_data)
{
  return weir_kind (weir_val (reading)) == WEIR_FLOAT;
}

static WeirValue
number_of (WeirTask *task, WeirValue list, gpointer user_data)
{
  return weir_int ((gint64) weir_size (list));
}

/* (sensor, (mean or NIL, limit)) */
static gboolean
is_silent (WeirTask *task, WeirValue row, gpointer user_data)
{
  return weir_is_nil (weir_key (weir_val (row)));
}

static WeirValue
sensor_of (WeirTask *task, WeirValue row, gpointer user_data)
{
  return weir_key (row);
}

/* (sensor, (readings, limits)): a line for each reading above the limit, or one for a sensor that has none. */
static void
judge (WeirTask *task, WeirValue row, gpointer user_data)
{
  WeirValue readings = weir_key (weir_val (row)), limits = weir_val (weir_val (row));
  const char *sensor = weir_cstr (task, weir_key (row));

  if (weir_size (limits) == 0)
    weir_emit (task, weir_format (task, "%s is unknown", sensor));
  for (gsize i = 0; i < weir_size (readings) && weir_size (limits) > 0; i++)
    if (weir_compare (weir_item (readings, i), weir_item (limits, 0)) > 0)
      weir_emit (task, weir_format (task, "%s: %g, not %g", sensor, weir_as_float (weir_item (readings, i)),
                                    weir_as_float (weir_item (limits, 0))));
}

/* --- the report --- */

static gint
in_order (WeirValue a, WeirValue b, gpointer user_data)
{
  return weir_compare (a, b);
}

static gboolean
say (const char *what, WeirDataset *data, GError **error)
{
  g_autoptr (GArray) values = weir_dataset_collect (weir_dataset_sort_by (data, in_order, NULL), error);

  for (guint i = 0; values != NULL && i < values->len; i++) {
    g_autofree char *text = weir_to_string (g_array_index (values, WeirValue, i));

    printf ("%s %s\n", what, text);
  }
  return values != NULL;
}

static gboolean
say_all (WeirDataset *readings, WeirDataset *limits, GError **error)
{
  const WeirAggregate mean = {
    .size = sizeof (Mean), .add = mean_add, .merge = mean_merge, .result = mean_result, .version = 1
  };
  const WeirCombiner span = { span_create, span_add, span_merge, NULL };
  WeirDataset *means = weir_dataset_aggregate_by_key (readings, &mean);
  WeirDataset *silent = weir_dataset_filter (weir_dataset_right_outer_join (means, limits), is_silent, NULL);

  return say ("readings", weir_dataset_map_values (weir_dataset_group_by_key (readings), number_of, NULL), error) &&
         say ("mean", means, error) && say ("span", weir_dataset_combine_by_key (readings, &span), error) &&
         say ("silent", weir_dataset_map (silent, sensor_of, NULL), error) &&
         say ("alarm", weir_dataset_flat_map (weir_dataset_cogroup (readings, limits), judge, NULL), error);
}

static gboolean
report (WeirDataset *kept, WeirTime time, gpointer limits, GError **error)
{
  WeirDataset *readings = weir_dataset_filter (kept, is_degrees, NULL); /* not "off" */
  gsize n;

  if (!weir_dataset_count (readings, &n, error))
    return FALSE;
  return n == 0 || (say_all (readings, limits, error) && fflush (stdout) == 0);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("reading_report", WEIR_SECONDS (1));

  weir_context_set_usage (ctx, "FOLDER LIMITS");
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  WeirDataset *limits = load_limits (ctx, argv[2], &error);
  if (limits == NULL)
    return weir_exit_with_error (error);
  weir_foreach_batch (weir_object_file_stream (ctx, argv[1]), report, limits);

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
