/* Verbs before they have anything to work on: a class with its parameters. The same verb works on streams, while the
 * graph is built, and on datasets, inside a function of transform or foreach.
 *
 * On streams: the thread that builds the graph. On datasets: the runner.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/dataset.h"
#include "engine/stream.h"

typedef struct {
  const WeirOpClass *klass;
  gpointer params;    /* made by g_new0; transfer full: freed with klass->params_clear and g_free */
  guint n_partitions; /* of a wide operator, where the job asked for a number; 0: the option's */
  guint64 salt;       /* of the seed that a dataset's operator hashes with; 0: one of its own */
  char *mistake;      /* "needs a function, ..."; transfer full; NULL: none */
} WeirVerb;

WeirStream *weir_verb_on_streams (WeirVerb verb, WeirStream *const *parents, guint n_parents);
WeirStream *weir_verb_on_stream (WeirVerb verb, WeirStream *parent);

/* Lazily: nothing runs before the job asks for what becomes of it. The operator belongs to the dataset. A mistake fails
 * the batch. NULL where no parent is given at all. */
WeirDataset *weir_verb_on_datasets (WeirVerb verb, WeirDataset *const *parents, guint n_parents);
WeirDataset *weir_verb_on_dataset (WeirVerb verb, WeirDataset *parent);

void weir_verb_clear (WeirVerb *verb);
