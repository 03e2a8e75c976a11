/* stateful_network_wordcount HOST PORT: running totals of the words that come over a socket, printed each second.
 *
 * Shows keyed state: each word's total lives on from batch to batch, and with a checkpoint from start to start. What belongs
 * to it has a uid, so that it is found again when the job has changed.
 *
 *   nc -lk 9999                                                  in one terminal; type lines there
 *   stateful_network_wordcount localhost 9999 --checkpoint=file://$PWD/totals
 *                                                                in another; Ctrl-C, start it again: totals go on
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

/* Called for every word that ever came, in every batch; NIL is the state of one that is new. */
static WeirValue
add_up (WeirTask *task, WeirValue word, const WeirValue *ones, gsize n, WeirValue total, gpointer user_data)
{
  gint64 sum = weir_as_int (total);

  for (gsize i = 0; i < n; i++)
    sum += weir_as_int (ones[i]);
  return weir_int (sum);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("stateful_network_wordcount", WEIR_SECONDS (1));

  weir_context_set_usage (ctx, "HOST PORT");
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  WeirStream *lines = weir_socket_text_stream (ctx, argv[1], argv[2]);
  WeirStream *words = weir_flat_map (lines, split_words, NULL);
  WeirStream *totals = weir_update_state_by_key (words, add_up, NULL);
  weir_stream_set_uid (totals, "totals");
  weir_print (totals, 10);

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
