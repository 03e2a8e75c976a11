/* What a stream of pairs holds, as bytes: for outputs that write it later. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/dataset.h"

/* (field, value) after (field, value), as weir_put_bytes () writes them. */
typedef struct {
  GByteArray *bytes;
  guint64 n;
} WeirRedisPairs;

void weir_redis_pairs_init (WeirRedisPairs *pairs);
void weir_redis_pairs_clear (WeirRedisPairs *pairs);
WeirRedisPairs *weir_redis_pairs_steal (WeirRedisPairs *pairs); /* leaves it empty */
void weir_redis_pairs_free (WeirRedisPairs *pairs);

/* Adds a batch, in order of partition: so the same batch gives the same bytes. Runner; blocks. @name: of the output, for
 * errors: KIND where an element is no pair, MEMORY_LIMIT beyond 1 GiB, and those of the batch. */
gboolean weir_redis_pairs_add_dataset (WeirRedisPairs *pairs, WeirDataset *data, const char *name, GError **error);
