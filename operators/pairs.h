/* What operators say about elements of a kind that they cannot take. Worker thread, inside a task.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/task.h"

/* "TEXT hello": the kind and at most 100 bytes of the value, valid UTF-8; transfer full. */
char *weir_value_describe (WeirValue value);
/* Fails the record with WEIR_ERROR_KIND: "takes @wanted, and got <value>: @advice". */
void weir_task_fail_kind (WeirTask *task, const char *wanted, WeirValue got, const char *advice);
void weir_task_refuse_plain (WeirTask *task, const WeirChunk *in);

/* FALSE: the chunk has plain values, and the batch has failed, or they are rejected. */
static inline gboolean
weir_task_require_pairs (WeirTask *task, const WeirChunk *in)
{
  if (G_LIKELY (in->keys != NULL))
    return TRUE;
  weir_task_refuse_plain (task, in);
  return FALSE;
}
