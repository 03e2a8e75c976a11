/* For who reads the slices of map_with_state beside its results. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/op.h"

gboolean weir_op_maps_with_state (const WeirOp *op);
