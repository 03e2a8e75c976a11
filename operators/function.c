/* Owns how operators with a function of the job's become part of the graph or of a batch. Threads: see engine/verb.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/function.h"

#include "engine/task.h"
#include "engine/verb.h"

static WeirVerb
verb_of (const WeirOpClass *klass, WeirFunction function)
{
  WeirVerb verb = { .klass = klass, .params = g_memdup2 (&function, sizeof function) };

  if (function.any == NULL)
    verb.mistake = g_strdup_printf ("needs a function, got NULL: pass one to weir_%s ()", klass->verb);
  return verb;
}

WeirStream *
weir_stream_derive_function (WeirStream *parent, const WeirOpClass *klass, WeirFunction function)
{
  return weir_verb_on_stream (verb_of (klass, function), parent);
}

WeirDataset *
weir_dataset_derive_function (WeirDataset *parent, const WeirOpClass *klass, WeirFunction function)
{
  return weir_verb_on_dataset (verb_of (klass, function), parent);
}

void
weir_function_fail_emitted (WeirTask *task)
{
  weir_task_fail (task, WEIR_ERROR_USER, "its function emitted: it says what stays, weir_flat_map () makes elements");
}
