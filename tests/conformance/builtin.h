/* The functions and signs that phrases may use.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/weir.h>

#define BUILTIN_ARGUMENTS 16 /* at most */

typedef struct {
  const char *name; /* in lower case, without underscores */
  guint least, most;
  /* A failure ends the batch, by weir_fail (). */
  WeirValue (*apply) (WeirTask *task, const WeirValue *arguments, guint n);
} Builtin;

/* By a name as phrases write it: to_int, toInt; or by a sign: +. NULL: there is none. */
const Builtin *builtin_find (const char *name);

/* FALSE, 0, NIL and what is empty are not. */
gboolean builtin_is_true (WeirValue value);
/* Of a PAIR, two; of a LIST, its items; of anything else none. */
gsize builtin_n_items (WeirValue value);
WeirValue builtin_item (WeirValue value, gsize index);
