/* The functions of a case, as weir calls them: what a phrase says, behind each of the function types.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "tests/conformance/expression.h"

/* The user_data of the functions below; freed after the context. */
typedef struct {
  Expression *expression;
} Function;

/* A phrase, or a name such as `add`. @names: what it calls its argument where it has no arrow. */
Function *function_new (const char *phrase, const char *names, GError **error);
void function_free (gpointer function);

WeirValue function_map (WeirTask *task, WeirValue value, gpointer function);
gboolean function_filter (WeirTask *task, WeirValue value, gpointer function);
/* Of a phrase about (key, value): of a value that is no pair it is the value, and it has no key. */
gboolean function_filter_value (WeirTask *task, WeirValue value, gpointer function);
gboolean function_filter_key (WeirTask *task, WeirValue value, gpointer function);
void function_flat_map (WeirTask *task, WeirValue value, gpointer function); /* the items of a list */
WeirValue function_reduce (WeirTask *task, WeirValue a, WeirValue b, gpointer function);
void function_partition (WeirTask *task, WeirIter *values, gpointer function); /* gets all of them as a list */

/* Ready-made ones that do what the phrase says. NULL, FALSE: there is none. */
WeirReduceFunc function_ready_reduce (const char *phrase);
gboolean function_ready_split (const char *phrase, char *separator);
gboolean function_ready_value (const char *phrase, WeirValue *value); /* x -> (x, 1) */
