/* network_wordcount HOST PORT: counts the words that come over a socket, each second, and prints them.
 *
 * Shows a whole job: a source, a function of the job's own, a reduction by key, an output, options, and an orderly end.
 *
 *   nc -lk 9999                          in one terminal; type lines there
 *   network_wordcount localhost 9999     in another; Ctrl-C ends it, --help shows the options
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/weir.h>

static void
split_words (WeirTask *task, WeirValue line, gpointer user_data)
{
  WeirValue word;

  while (weir_text_next_token (&line, ' ', &word))
    weir_emit_pair (task, word, weir_int (1));
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("network_wordcount", WEIR_SECONDS (1));

  weir_context_set_usage (ctx, "HOST PORT");
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  WeirStream *lines = weir_socket_text_stream (ctx, argv[1], argv[2]);
  WeirStream *words = weir_flat_map (lines, split_words, NULL);
  WeirStream *counts = weir_reduce_by_key (words, WEIR_SUM, NULL);
  weir_print (counts, 10);

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
