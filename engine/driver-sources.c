/* What the driver asks all of its sources. Must not know what any of them is. Loop thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/replay.h"

gboolean
weir_sources_have_staged (WeirEngine *engine)
{
  for (guint i = 0; i < engine->sources->len; i++) {
    WeirSource *source = g_ptr_array_index (engine->sources, i);

    if (source->klass->has_staged != NULL && source->klass->has_staged (source))
      return TRUE;
  }
  return engine->lost != NULL || weir_replay_is_left (engine);
}

gboolean
weir_sources_are_ending (WeirEngine *engine)
{
  for (guint i = 0; i < engine->sources->len; i++) {
    WeirSource *source = g_ptr_array_index (engine->sources, i);

    if (source->klass->is_ending != NULL && source->klass->is_ending (source))
      return TRUE;
  }
  return FALSE;
}

void
weir_sources_stop (WeirEngine *engine)
{
  for (guint i = 0; i < engine->sources->len; i++) {
    WeirSource *source = g_ptr_array_index (engine->sources, i);

    if (source->klass->stop != NULL)
      source->klass->stop (source);
  }
}

/* How much it was nobody has counted: it has been in no batch. What can be read again is not lost. */
void
weir_sources_report_left (WeirEngine *engine)
{
  for (guint i = 0; i < engine->sources->len; i++) {
    WeirSource *source = g_ptr_array_index (engine->sources, i);

    if (engine->checkpoint != NULL && source->klass->save != NULL)
      continue;
    if (source->klass->has_staged != NULL && source->klass->has_staged (source))
      weir_log (engine->log, WEIR_LOG_INFO, "%s: what had come in and was in no batch yet is dropped",
                source->op->name);
  }
}

/* In how many records they would have been cut nobody knows. */
guint64
weir_sources_sum_uncut (const WeirBatch *batch)
{
  guint64 n_bytes = 0;

  for (guint i = 0; i < batch->engine->sources->len; i++)
    n_bytes += batch->plans[i].n_records < 0 ? batch->plans[i].n_bytes : 0;
  return n_bytes;
}
