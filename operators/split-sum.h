/* Counting the tokens of texts in one loop: split | with_value (INT) | reduce_by_key (WEIR_SUM), and split |
 * count_by_value. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/op.h"

const WeirOpClass *weir_split_sum_fuse (const WeirOp *op, WeirDataset *const *chain, guint n, guint *n_absorbed);
const WeirOpClass *weir_split_count_fuse (const WeirOp *op, WeirDataset *const *chain, guint n, guint *n_absorbed);
