/* windowed_wordcount HOST PORT LENGTH_S SLIDE_S: counts the words of the last LENGTH_S seconds, every SLIDE_S seconds.
 *
 * Shows a window by key, which costs what enters and leaves it, however long it is, and verbs that need no function of
 * the job's own.
 *
 *   nc -lk 9999                                  in one terminal; type lines there
 *   windowed_wordcount localhost 9999 30 10      in another: the last half minute, every ten seconds
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/weir.h>

/* A duration of whole seconds from a word of the command line; 0 if it is none, which the graph's check then names. */
static WeirTime
seconds (const char *word)
{
  gint64 n = 0;

  return weir_parse_int (weir_text (word), &n) && n > 0 && n < 1000000 ? WEIR_SECONDS (n) : 0;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("windowed_wordcount", WEIR_SECONDS (1));

  weir_context_set_usage (ctx, "HOST PORT LENGTH_S SLIDE_S");
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);
  if (seconds (argv[3]) == 0 || seconds (argv[4]) == 0) {
    g_printerr ("windowed_wordcount: LENGTH_S and SLIDE_S are whole seconds, such as 30 10\n");
    return 1;
  }

  WeirStream *lines = weir_socket_text_stream (ctx, argv[1], argv[2]);
  WeirStream *pairs = weir_with_value (weir_split (lines, ' '), weir_int (1));
  WeirStream *counts =
      weir_reduce_by_key_and_window (pairs, WEIR_SUM, NULL, seconds (argv[3]), seconds (argv[4]), NULL);
  weir_print (counts, 10);

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
