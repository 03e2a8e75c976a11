/* Must not know what comes out. SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/join-job.h"

static WeirDataset *
join (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  const JoinSpec *spec = user_data;

  return spec->table_is_first ? spec->join (spec->table, data) : spec->join (data, spec->table);
}

WeirStream *
join_stream (WeirStream *stream, JoinSpec *spec)
{
  return weir_transform (stream, join, spec);
}

WeirCollected *
job_join (Job *job, JoinSpec *spec, const char *elements)
{
  WeirCollected *collected = weir_collect (join_stream (job->input, spec));

  job_push (job, elements);
  job_push (job, "");
  job_push (job, elements);
  job_run (job);
  return collected;
}
