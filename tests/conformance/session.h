/* One life of a case's context: its queues, its graph, what it gave.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "tests/conformance/chain.h"

typedef struct {
  WeirContext *ctx;
  Chain chain;
  WeirCollected *output, *states; /* states: NULL where nothing is expected of them */
  guint n_partitions;             /* of the output, in the last batch; atomic */
} Session;

/* What the queues of a case hold stays from life to life. */
typedef struct {
  WeirQueue *queues[2]; /* the second is NULL where the case has one input */
} Inputs;

void inputs_init (Inputs *inputs, const Case *one);
void inputs_clear (Inputs *inputs);
/* Batches @from to @until, the latter excluded; of those that the case does not have: nothing. */
void inputs_push (Inputs *inputs, const Case *one, guint from, guint until);

/* A context at the time of batch @n_done, which has a checkpoint where @checkpoint is a folder. Without an input: clear it
 * if that fails. FALSE: noted on @one. */
gboolean session_open (Session *session, Case *one, guint n_done, const char *checkpoint);
/* Reads the inputs, applies the operators, adds outputs. FALSE: noted on @one. */
gboolean session_build (Session *session, Case *one, const Inputs *inputs, Variant variant, const char *folder);
/* The same, but from a stream of the caller's, and from the second operator on. */
gboolean session_build_from (Session *session, Case *one, WeirStream *input, Variant variant);
void session_close (Session *session); /* at once, whatever runs */

/* Compares all batches that were collected with those of @expected that begin at @at, and moves that on. FALSE: noted. */
gboolean session_compare (Case *one, WeirCollected *collected, JsonNode *expected, gboolean in_order, guint *at);
/* Nothing may be left of what was expected. */
gboolean session_compare_end (Case *one, JsonNode *expected, guint at);
/* All elements of all batches, in one array of WeirValue; valid as long as the context. */
GArray *session_flatten (WeirCollected *collected);
