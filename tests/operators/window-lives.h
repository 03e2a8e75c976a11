/* Windows across the lives of a job: many short ones, each going on from the checkpoint of the last, against one that
 * never ends. Belongs to one test.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/test.h>

typedef WeirStream *(*LivesVerb) (WeirStream *s, WeirTime length, WeirTime slide);

/* Adds tests of a verb on pairs (key, INT), in some shapes, with checkpoints after each batch and after some. */
void lives_add_test (const char *path, LivesVerb verb);
