/* A case's operators as a graph of streams.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/test.h>

#include "tests/conformance/case.h"

/* How the same case may be run in more ways than one. */
typedef struct {
  gboolean ready_made;   /* functions that the engine recognises, where there is one of that meaning */
  gboolean without_self; /* `via: context.transform` of the mapped streams alone */
} Variant;

/* While a graph is built, and as long as its context lives. */
typedef struct {
  WeirContext *ctx;
  const Case *one;
  Variant variant;
  WeirStream *input[2]; /* the second is NULL where the case has none */
  const char *folder;   /* for what is saved */
  WeirStream *stateful; /* out: the last stream with state, or its snapshots */
  guint n_saved;        /* out: streams that are saved per batch */
} Chain;

typedef WeirStream *(*ChainStep) (Chain *chain, WeirStream *s, JsonObject *op, GError **error);

/* Applies all operators of the case, from @first on, to the first input. NULL: an error of the runner, not of the graph. */
WeirStream *chain_build (Chain *chain, guint first, GError **error);
WeirStream *chain_apply (Chain *chain, WeirStream *s, JsonNode *ops, guint first, GError **error);

/* A name without underscores and capitals: flatMap and flat_map are one. */
char *chain_plain_name (const char *name);
/* A function of the operator's, which the context owns; NULL: there is none, or it cannot be read. @names: see
 * function_new(). */
gpointer chain_function (Chain *chain, JsonObject *op, const char *member, const char *names, GError **error);
const char *chain_text (JsonObject *op, const char *member, GError **error);
WeirTime chain_duration (const Chain *chain, JsonObject *op, const char *member); /* given in batches */
/* What the stream is joined with. */
WeirStream *chain_right (Chain *chain, JsonObject *op, GError **error);
/* Steps by their plain name; NULL: there is none. */
ChainStep chain_find_keyed (const char *name);
ChainStep chain_find_window (const char *name);
ChainStep chain_find_transform (const char *name);
ChainStep chain_find_state (const char *name);
