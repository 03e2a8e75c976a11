/* Owns split: texts into tokens, without a call of the job's. Tokens point into the texts, nothing is copied. Runs on
 * workers, chunk by chunk.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/split.h"

#include "engine/stream.h"
#include "operators/pairs.h"

/* The message names the split, not what it was fused into. */
static void
fail (WeirTask *task, const WeirOp *op, WeirValue element)
{
  const WeirOp *fused = task->op;

  task->op = op;
  weir_task_fail_kind (task, "TEXT or BYTES", element, "make a text of it first, with weir_format () in a map");
  task->op = fused;
}

gboolean
weir_split_require_texts (WeirTask *task, const WeirOp *op, const WeirChunk *in)
{
  WeirValue cells[2];

  for (guint i = 0; i < in->n; i++)
    if (G_UNLIKELY (in->keys != NULL || (in->values[i].kind != WEIR_TEXT && in->values[i].kind != WEIR_BYTES))) {
      fail (task, op, weir_chunk_element (in, i, cells));
      return FALSE;
    }
  return TRUE;
}

static void
split_process (WeirTask *task, const WeirChunk *in)
{
  char separator = weir_split_separator (task->op);

  if (!weir_split_require_texts (task, task->op, in))
    return;
  for (guint i = 0; i < in->n; i++) {
    WeirValue rest = in->values[i], token;

    while (weir_text_next_token (&rest, separator, &token))
      weir_emit (task, token);
  }
}

const WeirOpClass weir_split_class = {
  .verb = "split",
  .kind = WEIR_OP_NARROW,
  .process = split_process,
};

/**
 * weir_split:
 * @s: a stream of TEXT or BYTES
 * @separator: the byte between tokens; 0: any ASCII blank
 *
 * A stream of the tokens of each element, in order, of the element's kind; empty tokens are left out. The engine
 * recognises it and may run it together with what follows.
 *
 * |[<!-- language="C" -->
 * WeirStream *counts = weir_count_by_value (weir_split (lines, ' '));
 * ]|
 *
 * Called while the graph is built. An element of another kind fails the batch with %WEIR_ERROR_KIND.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_split (WeirStream *s, char separator)
{
  char *params = g_new0 (char, 1);

  *params = separator;
  return weir_stream_derive (s, &weir_split_class, params);
}
