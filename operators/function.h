/* The parameters of operators that are one function of the job's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/dataset.h>

#include "engine/stream.h"

typedef struct {
  union {
    WeirMapFunc map;
    WeirFilterFunc filter;
    WeirFlatMapFunc flat_map;
    WeirPartitionFunc partition;
    WeirReduceFunc reduce;
    void (*any) (void);
  };
  gpointer user_data;
} WeirFunction;

/* A stream whose params are a copy of @function; none is a mistake in the graph. */
WeirStream *weir_stream_derive_function (WeirStream *parent, const WeirOpClass *klass, WeirFunction function);
/* The same on datasets; none fails the batch. */
WeirDataset *weir_dataset_derive_function (WeirDataset *parent, const WeirOpClass *klass, WeirFunction function);
/* For filters: fails the batch, since the function of @task has emitted. */
void weir_function_fail_emitted (WeirTask *task);
