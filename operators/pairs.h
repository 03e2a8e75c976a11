/* What operators say about elements of a kind that they cannot take. Worker thread, inside a task.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/task.h"

/* "TEXT hello": the kind and at most 100 bytes of the value, valid UTF-8; transfer full. */
char *weir_value_describe (WeirValue value);
/* Fails the batch with WEIR_ERROR_KIND: "takes @wanted, and got <value>: @advice". */
void weir_task_fail_kind (WeirTask *task, const char *wanted, WeirValue got, const char *advice);
void weir_task_fail_no_pair (WeirTask *task, WeirValue got);

/* FALSE: the chunk has plain values, and the batch has failed. */
static inline gboolean
weir_task_require_pairs (WeirTask *task, const WeirChunk *in)
{
  if (G_LIKELY (in->keys != NULL))
    return TRUE;
  weir_task_fail_no_pair (task, in->values[0]);
  return FALSE;
}
