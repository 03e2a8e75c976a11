/* What the job computes: here, how often each word occurs in a batch. Functions run on worker threads, several at a
 * time for different parts of a batch, so they share nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "job.h"

static void
split_words (WeirTask *task, WeirValue line, gpointer user_data)
{
  WeirValue word;

  while (weir_text_next_token (&line, ' ', &word))
    weir_emit_pair (task, word, weir_int (1));
}

WeirStream *
new_job_graph (WeirStream *lines)
{
  WeirStream *words = weir_flat_map (lines, split_words, NULL);

  return weir_reduce_by_key (words, WEIR_SUM, NULL);
}
