/* weir_foreach_batch () and weir_foreach_partition (): the job's own function as an output.
 *
 * Owns the call and what becomes of its error. Must not know what the function asks of the dataset.
 * Runner thread; partition functions run on workers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/error.h>

#include "engine/dataset.h"
#include "engine/stream.h"

typedef struct {
  WeirForeachFunc batch;
  WeirPartitionFunc partition;
  gpointer user_data;
} Params;

static gboolean
foreach_batch_run (WeirOutput *output, WeirDataset *data, WeirTime time, GError **error)
{
  const Params *params = output->params;
  GError *failure = NULL;
  gboolean ok;

  data->n_handed++; /* the function may ask more than once */
  data->run->asker = output->label;
  ok = params->batch (data, time, params->user_data, &failure);
  data->run->asker = NULL;
  data->n_handed--;
  if (ok && failure == NULL)
    return TRUE;
  if (failure == NULL)
    failure = g_error_new (WEIR_ERROR, WEIR_ERROR_USER,
                           "the job's function returned FALSE and set no error: set one that says what went wrong");
  g_propagate_error (error, failure);
  return FALSE;
}

static gboolean
foreach_partition_run (WeirOutput *output, WeirDataset *data, WeirTime time, GError **error)
{
  const Params *params = output->params;

  return weir_dataset_foreach_partition (data, params->partition, params->user_data, error);
}

static const WeirOutputClass foreach_batch_class = {
  .verb = "foreach_batch",
  .run = foreach_batch_run,
};

static const WeirOutputClass foreach_partition_class = {
  .verb = "foreach_partition",
  .run = foreach_partition_run,
};

static WeirOutput *
foreach_new (WeirStream *s, const WeirOutputClass *klass, Params params)
{
  WeirOutput *output = weir_output_new (s, klass, g_memdup2 (&params, sizeof params));

  if (params.batch == NULL && params.partition == NULL)
    weir_stream_mistake (s, "has an output %s without a function: pass one", output->label);
  return output;
}

/**
 * weir_foreach_batch:
 * @s: any stream
 * @f: (scope notified): called once a batch, on the runner, with the stream's dataset
 * @user_data: for @f
 *
 * An output of the job's own. @f may ask the dataset for what it needs, and may block: batches are run in order. %FALSE
 * or an error that is set fails the batch: with that error, or with %WEIR_ERROR_USER if there is none.
 *
 * Returns: (transfer none): the output; owned by the context
 */
WeirOutput *
weir_foreach_batch (WeirStream *s, WeirForeachFunc f, gpointer user_data)
{
  return foreach_new (s, &foreach_batch_class, (Params){ .batch = f, .user_data = user_data });
}

/**
 * weir_foreach_partition:
 * @s: any stream
 * @f: (scope notified): called once for each partition of each batch, empty ones too, on workers, several at once
 * @user_data: for @f
 *
 * An output of the job's own that runs on the workers. weir_fail() fails the batch.
 *
 * Returns: (transfer none): the output; owned by the context
 */
WeirOutput *
weir_foreach_partition (WeirStream *s, WeirPartitionFunc f, gpointer user_data)
{
  return foreach_new (s, &foreach_partition_class, (Params){ .partition = f, .user_data = user_data });
}
