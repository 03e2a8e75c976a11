/* What a case does with a key's state, as a list of actions: `running_sum, emit (key,sum)`, `set 1 if value; emit key if
 * timing out`, `if exists: remove, emit key; else set value`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/weir.h>

typedef struct _Script Script;

Script *script_new (const char *phrase, GError **error);
void script_free (gpointer script);
/* A WeirStateFunc; the script is its user_data. */
void script_run (WeirTask *task, WeirValue key, WeirValue value, WeirState *state, gpointer script);
