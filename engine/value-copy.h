/* Copies of values, for the engine: into task memory, or into a block that the caller has measured.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/task.h>

/* `v` with what is borrowed, and only that, copied into task memory: what emit keeps. NIL if the task has no
 * memory. */
WeirValue weir_keep (WeirTask *task, WeirValue v);

/* The bytes that weir_value_copy_to() takes for `v`, a multiple of 8; G_MAXSIZE if they cannot be counted. */
gsize weir_value_memory (WeirValue v);

/* A deep copy at `*at` (8-aligned), which moves on by weir_value_memory(). The copy is not borrowed. */
WeirValue weir_value_copy_to (WeirValue v, char **at);
