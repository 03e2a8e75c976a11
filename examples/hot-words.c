/* hot_words HOST PORT PREFIX: the ten most frequent words of the last minute, printed each second, and the ranking of all
 * of them, saved in a folder PREFIX-<ms> each ten seconds.
 *
 * Shows a window by key, top, which keeps a few elements of many, and a transform, which does with a batch what has no verb
 * on streams: here, to sort it.
 *
 *   nc -lk 9999                              in one terminal; type lines there
 *   hot_words localhost 9999 ranking         in another
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/weir.h>

/* Most frequent first; by alphabet where two are as frequent. */
static gint
by_heat (WeirValue a, WeirValue b, gpointer user_data)
{
  gint order = weir_compare (weir_val (b), weir_val (a));

  return order != 0 ? order : weir_compare (weir_key (a), weir_key (b));
}

static WeirDataset *
rank (WeirDataset *counts, WeirTime time, gpointer user_data, GError **error)
{
  return weir_dataset_sort_by (counts, by_heat, NULL);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("hot_words", WEIR_SECONDS (1));

  weir_context_set_usage (ctx, "HOST PORT PREFIX");
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  WeirStream *lines = weir_socket_text_stream (ctx, argv[1], argv[2]);
  WeirStream *words = weir_with_value (weir_split (lines, ' '), weir_int (1));
  WeirStream *now = weir_reduce_by_key_and_window (words, WEIR_SUM, NULL, WEIR_MINUTES (1), 0, NULL);
  weir_print (weir_top (now, 10, by_heat, NULL), 10);

  WeirStream *then = weir_reduce_by_key_and_window (words, WEIR_SUM, NULL, WEIR_MINUTES (1), WEIR_SECONDS (10), NULL);
  weir_save_as_text_files (weir_transform (then, rank, NULL), argv[3], NULL);

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
