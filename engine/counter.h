/* The job's own counters: deltas gather in the run and count only when the batch has succeeded.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/context.h>

#include "engine/run.h"

void weir_counters_merge (GPtrArray *counters, const WeirRun *run);
void weir_counter_free (WeirCounter *counter);
