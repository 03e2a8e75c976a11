/* sales_report SALES RETURNS: two files of lines "region price"; prints what each region has sold, and ends.
 *
 * Shows a job without an end to wait for: the program fills queues, starts the context, and stops it when all is done. And
 * what can be made of the values of a key: a sum, a struct, a LIST, a group; and how two streams meet by key.
 *
 *   printf 'north 10\nsouth 2.5\nnorth 20\n' > sales; printf 'north 10\n' > returns
 *   sales_report sales returns
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include <weir/weir.h>

static WeirValue
region_and_price (WeirTask *task, WeirValue line, gpointer n_free)
{
  WeirValue region, field;
  gdouble price;

  if (!weir_text_field (line, ' ', 0, &region) || !weir_text_field (line, ' ', 1, &field) ||
      !weir_parse_float (field, &price)) {
    weir_reject (task, line, "a region and a price are needed");
    return weir_nil ();
  }
  weir_counter_add (task, n_free, price == 0 ? 1 : 0);
  return weir_pair (task, region, weir_float (price));
}

/* --- what becomes of the prices of a region --- */

typedef struct {
  gint64 n;
  gdouble sum;
} Mean;

static void
mean_add (gpointer mean, WeirValue price, gpointer user_data)
{
  *(Mean *) mean = (Mean){ ((Mean *) mean)->n + 1, ((Mean *) mean)->sum + weir_as_float (price) };
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
  return weir_format (task, "mean %.2f of %" G_GINT64_FORMAT,
                      ((const Mean *) mean)->sum / (gdouble) ((const Mean *) mean)->n, ((const Mean *) mean)->n);
}

/* A LIST of the lowest and the highest. */
static WeirValue
range_create (WeirTask *task, WeirValue price, gpointer user_data)
{
  const WeirValue both[] = { price, price };

  return weir_list (task, both, 2);
}

static WeirValue
range_merge (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  const WeirValue both[] = { weir_reduce_min (task, weir_item (a, 0), weir_item (b, 0), NULL),
                             weir_reduce_max (task, weir_item (a, 1), weir_item (b, 1), NULL) };

  return weir_list (task, both, 2);
}

static WeirValue
range_add (WeirTask *task, WeirValue range, WeirValue price, gpointer user_data)
{
  return range_merge (task, range, range_create (task, price, NULL), NULL);
}

static int
by_price (const void *a, const void *b)
{
  return weir_compare (*(const WeirValue *) a, *(const WeirValue *) b);
}

static WeirValue
median (WeirTask *task, WeirValue prices, gpointer user_data)
{
  gsize n = weir_size (prices);
  WeirValue *sorted = weir_alloc (task, n * sizeof *sorted);

  if (sorted == NULL)
    return weir_nil ();
  for (gsize i = 0; i < n; i++)
    sorted[i] = weir_item (prices, i);
  qsort (sorted, n, sizeof *sorted, by_price);
  return sorted[n / 2];
}

/* (sold, returned), each of which may be missing. */
static WeirValue
net (WeirTask *task, WeirValue both, gpointer user_data)
{
  return weir_float (weir_as_float (weir_key (both)) - weir_as_float (weir_val (both)));
}

/* --- the graph --- */

static void
print_as (WeirStream *s, const char *name)
{
  weir_output_set_name (weir_print (weir_stream_set_partitions (weir_stream_set_name (s, name), 1), 100), name);
}

static void
report (WeirStream *sales, WeirStream *returns)
{
  const WeirCombiner range = { range_create, range_add, range_merge, NULL };
  const WeirAggregate mean = {
    .size = sizeof (Mean), .add = mean_add, .merge = mean_merge, .result = mean_result, .version = 1
  };
  WeirStream *sold = weir_reduce_by_key (sales, WEIR_SUM, NULL), *back = weir_reduce_by_key (returns, WEIR_SUM, NULL);

  weir_print (weir_count (weir_union (sales, returns)), 1);
  weir_print (weir_map_values (weir_full_outer_join (sold, back), net, NULL), 100);
  print_as (weir_aggregate_by_key (sales, &mean), "means");
  print_as (weir_combine_by_key (sales, &range), "ranges");
  weir_print (weir_map_values (weir_group_by_key (sales), median, NULL), 100);
  weir_print (weir_left_outer_join (weir_count_by_key (sales), weir_count_by_key (returns)), 100);
  weir_print (weir_right_outer_join (sold, back), 100);
  print_as (weir_cogroup (sales, returns), "receipts");
}

/* --- the queues --- */

/* The file's lines as one batch; an empty one makes a batch all the same. */
static gboolean
push_lines (WeirQueue *queue, const char *path, GError **error)
{
  g_autoptr (GArray) values = g_array_new (FALSE, FALSE, sizeof (WeirValue));
  g_autofree char *content = NULL;
  WeirValue rest, line;
  gsize size;

  if (!g_file_get_contents (path, &content, &size, error))
    return FALSE;
  rest = weir_text_n (content, size);
  while (weir_text_next_token (&rest, '\n', &line))
    g_array_append_val (values, line);
  if (values->len > 0)
    weir_queue_push (queue, (const WeirValue *) values->data, values->len);
  else
    weir_queue_push_nothing (queue);
  return TRUE;
}

static gboolean
run_to_the_end (WeirContext *ctx, GError **error)
{
  if (!weir_context_start (ctx, error))
    return FALSE;
  weir_context_stop (ctx, TRUE); /* all that the queues hold is processed first */
  return weir_context_await (ctx, -1, error) == WEIR_WAIT_STOPPED && weir_context_state (ctx) == WEIR_STOPPED;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirQueue) sales = weir_queue_new (), returns = weir_queue_new ();
  g_autoptr (WeirContext) ctx = weir_context_new ("sales_report", WEIR_MILLISECONDS (100));
  WeirCounter *n_free = weir_counter_new (ctx, "free", "sales for nothing");

  weir_context_set_usage (ctx, "SALES RETURNS");
  if (!weir_context_set (ctx, "log.level", "warning", &error) || !weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  weir_queue_set_partitions (sales, 4);
  if (!push_lines (sales, argv[1], &error) || !push_lines (returns, argv[2], &error))
    return weir_exit_with_error (error);
  report (weir_map (weir_queue_stream (ctx, sales, TRUE), region_and_price, n_free),
          weir_map (weir_queue_stream (ctx, returns, TRUE), region_and_price, n_free));
  if (!run_to_the_end (ctx, &error))
    return weir_exit_with_error (error);
  g_printerr ("%" G_GINT64_FORMAT " for nothing\n", weir_counter_value (n_free));
  return 0;
}
