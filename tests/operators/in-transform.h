/* A verb on datasets as a stream, for tests: a function of one dataset, called in each batch.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "tests/operators/job.h"

typedef WeirDataset *(*OnDataset) (WeirDataset *data);

static inline WeirDataset *
call_on_dataset (WeirDataset *data, WeirTime time, gpointer function, GError **error)
{
  return ((OnDataset) function) (data);
}

static inline WeirStream *
in_transform (WeirStream *stream, OnDataset function)
{
  return weir_transform (stream, call_on_dataset, (gpointer) function);
}
