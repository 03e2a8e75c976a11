/* split, as the engine recognises it in order to fuse it with what follows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/task.h"

extern const WeirOpClass weir_split_class;

static inline char
weir_split_separator (const WeirOp *op)
{
  return *(const char *) op->params;
}

/* FALSE: an element is not a text, and the batch has failed. Where such elements are rejected, *in becomes the texts
 * alone. @op is the split, which may run as a part of @task. */
gboolean weir_split_require_texts (WeirTask *task, const WeirOp *op, WeirChunk *in);
