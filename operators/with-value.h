/* with_value, as the engine recognises it in order to fuse it with what follows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/op.h"

extern const WeirOpClass weir_with_value_class;

/* The value; it lives as long as the operator. */
static inline WeirValue
weir_with_value_of (const WeirOp *op)
{
  return *(const WeirValue *) op->params;
}
