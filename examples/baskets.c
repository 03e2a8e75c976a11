/* baskets FOLDER: files of lines "basket item item ..." that appear in FOLDER, and those that are there; says of each
 * batch what was bought, how often, what together, and what has no price.
 *
 * Shows datasets: a foreach function that looks at one batch from several sides, with the verbs that streams have. What is
 * computed twice is written down once; nothing runs before somebody asks for elements.
 *
 *   mkdir in; printf '1 bread milk\n2 milk bread tea\n' > in/monday
 *   baskets in
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include <weir/weir.h>

static gboolean
is_day (const char *name, gpointer user_data)
{
  return g_str_has_suffix (name, "day");
}

/* (basket, the rest of the line) */
static WeirValue
by_basket (WeirTask *task, WeirValue line, gpointer user_data)
{
  WeirValue basket = weir_nil ();

  if (!weir_text_next_token (&line, ' ', &basket))
    weir_reject (task, line, "an empty line");
  return weir_pair (task, basket, line);
}

static void
split_items (WeirTask *task, WeirValue items, gpointer user_data)
{
  WeirValue item;

  while (weir_text_next_token (&items, ' ', &item))
    weir_emit (task, item);
}

static WeirValue
item_of (WeirTask *task, WeirValue pair, gpointer user_data)
{
  return weir_val (pair);
}

static gboolean
is_sorted (WeirTask *task, WeirValue pair, gpointer user_data)
{
  WeirValue both = weir_val (pair);

  return weir_compare (weir_key (both), weir_val (both)) < 0;
}

static gint
most_first (WeirValue a, WeirValue b, gpointer user_data)
{
  gint order = weir_compare (weir_val (b), weir_val (a));

  return order != 0 ? order : weir_compare (weir_key (a), weir_key (b));
}

/* What has a price and was bought has both sides. */
static gboolean
is_unpriced (WeirTask *task, WeirValue pair, gpointer user_data)
{
  return weir_is_nil (weir_val (weir_val (pair)));
}

static WeirValue
with_one (WeirTask *task, WeirValue item, gpointer user_data)
{
  return weir_pair (task, item, weir_int (1));
}

/* The longest line of a partition, if it has any. */
static void
longest (WeirTask *task, WeirIter *lines, gpointer user_data)
{
  WeirValue line, best = weir_nil ();

  while (weir_iter_next (lines, &line))
    if (weir_is_nil (best) || weir_size (line) > weir_size (best))
      best = weir_copy (task, line); /* an element lives until the next one is asked for */
  if (!weir_is_nil (best))
    weir_emit (task, best);
}

static void
count_partition (WeirTask *task, WeirIter *lines, gpointer n_lines)
{
  WeirValue line;

  while (weir_iter_next (lines, &line))
    weir_counter_add (task, n_lines, 1);
}

static gboolean
say (const char *what, WeirDataset *data, gsize n, GError **error)
{
  g_autoptr (GArray) values = weir_dataset_take (data, n, error);

  for (guint i = 0; values != NULL && i < values->len; i++) {
    g_autofree char *text = weir_to_string (g_array_index (values, WeirValue, i));

    printf ("%s %s\n", what, text);
  }
  return values != NULL;
}

/* As a table has them. */
static WeirDataset *
prices (WeirDataset *near)
{
  const WeirValue pairs[] = { WEIR_PAIR_OF (weir_text ("bread"), weir_int (3)),
                              WEIR_PAIR_OF (weir_text ("milk"), weir_int (1)) };

  return weir_dataset_new (near, pairs, G_N_ELEMENTS (pairs));
}

static gboolean
say_all (WeirDataset *lines, GError **error)
{
  WeirDataset *pairs = weir_dataset_flat_map_values (weir_dataset_map (lines, by_basket, NULL), split_items, NULL);
  WeirDataset *items = weir_dataset_map (pairs, item_of, NULL);
  WeirDataset *sums = weir_dataset_reduce_by_key (weir_dataset_map (items, with_one, NULL), WEIR_SUM, NULL);
  WeirDataset *together = weir_dataset_filter (weir_dataset_join (pairs, pairs), is_sorted, NULL);
  WeirDataset *twos = weir_dataset_count_by_value (weir_dataset_map (together, item_of, NULL));
  WeirDataset *unpriced = weir_dataset_filter (weir_dataset_full_outer_join (sums, prices (lines)), is_unpriced, NULL);
  gsize n_kinds;

  if (!weir_dataset_count (weir_dataset_distinct (items), &n_kinds, error))
    return FALSE;
  printf ("%" G_GSIZE_FORMAT " kinds in %u partitions\n", n_kinds, weir_dataset_n_partitions (lines));
  return say ("sold", weir_dataset_top (sums, 3, most_first, NULL), 3, error) &&
         say ("together", weir_dataset_top (twos, 3, most_first, NULL), 3, error) &&
         say ("no price", unpriced, 10, error) &&
         say ("longest", weir_dataset_map_partitions (weir_dataset_repartition (lines, 1), longest, NULL), 1, error);
}

static gboolean
look (WeirDataset *lines, WeirTime time, gpointer n_lines, GError **error)
{
  gsize n;

  if (!weir_dataset_count (lines, &n, error))
    return FALSE;
  if (n == 0)
    return TRUE;
  if (!weir_dataset_foreach_partition (lines, count_partition, n_lines, error) || !say_all (lines, error))
    return FALSE;
  return fflush (stdout) == 0;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("baskets", WEIR_SECONDS (1));
  const WeirFileSpec spec = { .filter = is_day,
                              .include_existing = TRUE,
                              .framing = { .kind = WEIR_FRAMING_LINES, .text = TRUE } };

  weir_context_set_usage (ctx, "FOLDER");
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  WeirStream *lines = weir_file_stream (ctx, argv[1], &spec);
  weir_foreach_batch (lines, look, weir_counter_new (ctx, "lines", "baskets that were read"));

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
