/* The context's inside: the graph that the job builds, options, listeners, and what runs once it has started.
 *
 * Before start everything belongs to the job's thread. From start on graph and options are constant. `lock` guards what
 * stands under it: the loop writes it, anybody reads it; `changed` is signalled when it moves.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <pthread.h>

#include "engine/clock.h"
#include "engine/command-line.h"
#include "engine/log.h"
#include "engine/options.h"
#include "engine/stream.h"

typedef enum { WEIR_STOP_NOT_ASKED, WEIR_STOP_GRACEFULLY, WEIR_STOP_AT_ONCE } WeirStopAsked;

struct _WeirContext {
  char *name;
  WeirOptions *options;
  WeirCommandLine *command_line;
  GPtrArray *streams;   /* of WeirStream, in order of creation: parents first */
  GPtrArray *outputs;   /* of WeirOutput, in order of declaration */
  GPtrArray *mistakes;  /* of char *, one line each */
  GPtrArray *listeners; /* of WeirListening */
  GPtrArray *counters;  /* of WeirCounter */
  WeirLog log;
  const WeirClock *clock;
  WeirManualClock manual; /* that clock, where is_manual */
  gboolean is_manual;     /* weir_context_advance () ticks */

  pthread_mutex_t lock;
  pthread_cond_t changed;
  WeirContextState state;
  guint64 n_completed; /* batches */
  guint64 n_asked;     /* of weir_context_advance (), in all */
  guint64 n_awaited;   /* `changed` is signalled when so many are complete; G_MAXUINT64: nobody waits */
  gboolean is_done;    /* the loop has ended: nothing moves any more */
  GError *error;       /* why it failed */
  WeirEngine *engine;  /* once it has started; NULL if it could not */
  WeirEngine *runner;  /* the same, but from before its first batch on, which may run while it starts; atomic */
  struct _WeirMemory *memory, *state_memory; /* from start on; the graph's state may hold on to them */
  WeirStopAsked stop;                        /* asked for while it was starting */
  GPtrArray *owned;                          /* freed last: what the job handed over, and what it built after start */
};

/* For the test kit: a context whose clock only weir_context_advance () moves, hash seed 0. */
WeirContext *weir_context_new_manual (const char *name, WeirTime batch_interval, WeirTime start);
/* Starts if needed, plans @n_batches and waits until they are complete. */
gboolean weir_context_advance (WeirContext *ctx, guint n_batches, GError **error);

/* May the graph and its options still be changed? If not, the context fails with GRAPH, or, if it has stopped, that is
 * logged: nobody waits for a start any more that could report it. */
gboolean weir_context_may_build (WeirContext *ctx, const char *what);

/* engine/graph.c */
void weir_stream_free (WeirStream *stream);
void weir_output_free (WeirOutput *output);
/* engine/graph-check.c: resolves slides, slices and labels, and reports all mistakes in one error. */
gboolean weir_graph_check (WeirContext *ctx, GError **error);
