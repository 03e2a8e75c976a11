/* The job's graph, apart from where its lines come from and where its results go: so a test can put in its own.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <weir/weir.h>

/* TEXT lines in, (word, count) pairs of each batch out. */
WeirStream *new_job_graph (WeirStream *lines);
