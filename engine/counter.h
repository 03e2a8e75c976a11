/* The job's own counters: deltas gather in the run and count only when the batch has succeeded.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/context.h>

#include "engine/manifest.h"
#include "engine/run.h"

void weir_counters_merge (GPtrArray *counters, const WeirRun *run);
void weir_counter_save (const WeirCounter *counter, WeirManifest *manifest);
void weir_counter_load (WeirCounter *counter, const WeirManifest *manifest); /* 0 where it is not in there */
void weir_counter_free (WeirCounter *counter);
