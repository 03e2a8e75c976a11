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

  weir_task_end_rejects (task); /* those so far are of another operator */
  task->op = op;
  weir_task_shield (task);
  weir_task_fail_kind (task, "TEXT or BYTES", element, "make a text of it first, with weir_format () in a map");
  weir_task_settle (task, element);
  weir_task_unshield (task);
  weir_task_end_rejects (task);
  task->op = fused;
}

static inline gboolean
is_text (const WeirChunk *in, guint i)
{
  return in->keys == NULL && (in->values[i].kind == WEIR_TEXT || in->values[i].kind == WEIR_BYTES);
}

/* The texts alone; what else there is fails the batch, or is rejected. */
static G_GNUC_NO_INLINE gboolean
keep_texts (WeirTask *task, const WeirOp *op, WeirChunk *in)
{
  WeirValue cells[2], *texts = weir_alloc (task, in->n * sizeof *texts);
  guint n = 0;

  for (guint i = 0; i < in->n && texts != NULL && weir_task_is_going (task); i++)
    if (is_text (in, i))
      texts[n++] = in->values[i];
    else
      fail (task, op, weir_chunk_element (in, i, cells));
  *in = (WeirChunk){ NULL, texts, n };
  return weir_task_is_going (task);
}

gboolean
weir_split_require_texts (WeirTask *task, const WeirOp *op, WeirChunk *in)
{
  for (guint i = 0; i < in->n; i++)
    if (G_UNLIKELY (!is_text (in, i)))
      return keep_texts (task, op, in);
  return TRUE;
}

static void
split_process (WeirTask *task, const WeirChunk *in)
{
  char separator = weir_split_separator (task->op);
  WeirChunk texts = *in;

  if (!weir_split_require_texts (task, task->op, &texts))
    return;
  for (guint i = 0; i < texts.n; i++) {
    WeirValue rest = texts.values[i], token;

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
