/* Does a checkpoint fit the graph? SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/checkpoint.h"

/* ORPHAN_STATE: it holds state that no stream of the graph wants, or a note that no output can commit; GRAPH: the graph
 * has changed, and what a stream kept can no longer be told by "<verb>-<n>". */
gboolean weir_fit_check (const WeirCheckpoint *checkpoint, const WeirManifest *manifest, GError **error);
