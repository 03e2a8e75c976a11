/* The writing side of operators that reduce all elements of a batch to one. The params of such an operator begin with a
 * WeirFunction, its instance is a pointer. Worker threads.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/task.h"

/* The slots of a class. */
void weir_reduce_open (WeirTask *task);
void weir_reduce_process (WeirTask *task, const WeirChunk *in);
gpointer weir_reduce_seal (WeirTask *task);
void weir_reduced_free (gpointer output);

/* Reduces what the tasks handed over, in order of task; the value may lie in task memory or in the exchange. FALSE:
 * there were no elements, and *value is as before. */
gboolean weir_reduce_outputs (WeirTask *task, const WeirExchange *exchange, WeirValue *value);
