/* The context's inside: the graph that the job builds, options, listeners, and what runs once it has started.
 *
 * Before start everything belongs to the job's thread. From start on graph and options are constant; `lock` guards
 * state and error, which the loop writes and anybody reads; `changed` is signalled when they move.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <pthread.h>

#include "engine/command-line.h"
#include "engine/options.h"
#include "engine/stream.h"

struct _WeirContext {
  char *name;
  WeirOptions *options;
  WeirCommandLine *command_line;
  GPtrArray *streams;   /* of WeirStream, in order of creation: parents first */
  GPtrArray *outputs;   /* of WeirOutput, in order of declaration */
  GPtrArray *mistakes;  /* of char *, one line each */
  GPtrArray *listeners; /* of WeirListening */
  GPtrArray *counters;  /* of WeirCounter */
  GPtrArray *owned;     /* of WeirOwned */
  gboolean is_manual;   /* no clock: weir_context_advance () ticks */
  WeirTime manual_start;

  pthread_mutex_t lock;
  pthread_cond_t changed;
  WeirContextState state;
  guint64 n_completed; /* batches */
  gboolean is_done;    /* the loop has ended: nothing moves any more */
  GError *error;       /* why it failed */
  WeirEngine *engine;  /* from start on */
};

/* For the test kit: a context whose clock only weir_context_advance () moves, hash seed 0. */
WeirContext *weir_context_new_manual (const char *name, WeirTime batch_interval, WeirTime start);
/* Starts if needed, plans @n_batches and waits until they are complete. */
gboolean weir_context_advance (WeirContext *ctx, guint n_batches, GError **error);

/* engine/graph.c */
void weir_stream_free (WeirStream *stream);
void weir_output_free (WeirOutput *output);
/* engine/graph-check.c: resolves slides, slices and labels, and reports all mistakes in one error. */
gboolean weir_graph_check (WeirContext *ctx, GError **error);
