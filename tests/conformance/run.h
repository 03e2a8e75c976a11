/* How the kinds of cases are run: each function notes on the case what it found out, and nothing where all holds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "tests/conformance/session.h"

void run_pipeline (Case *one); /* also those that must fail, and properties */
void run_recovery (Case *one);
void run_recovery_set (Case *one);
void run_source (Case *one);
/* Does the operator read from elsewhere than the case's queues? */
gboolean run_is_source (JsonObject *op);
void run_kafka (Case *one, JsonObject *op); /* sources and sets whose first operator, @op, is kafka_direct */
void run_text (Case *one);

/* A new folder, and the end of it with all that is in it. Transfer full. */
char *run_folder_new (void);
void run_folder_free (char *folder);
/* What the case saved in a folder is what it expects; FALSE: noted. */
gboolean run_compare_saved (Case *one, const char *folder);
