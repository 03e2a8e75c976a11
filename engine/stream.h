/* Streams: the graph as the job builds it. Built on one thread before start; read-only afterwards.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/context.h>
#include <weir/output.h>

#include "engine/op.h"
#include "engine/source.h"

struct _WeirStream {
  WeirOp op; /* op.slide, op.length: what was asked for until start resolves them; 0 = the parent's */
  WeirContext *ctx;
  guint id;
  WeirStream **parents;
  guint n_parents;
  char *name; /* set by the job, or NULL */
  char *uid;
  gboolean is_saved;         /* the checkpoint has its state; runner, or whoever starts */
  char *label;               /* name, uid or "<verb>-<n>": what errors call it; op.name points here */
  gboolean has_mistake;      /* one was reported of it: no more are looked for */
  gboolean is_in_each_batch; /* no window is above; set by start */
  guint n_consumers;         /* outputs, and children that lead to one; set by start */
  guint asked_partitions;    /* weir_stream_set_partitions; 0 = the option */
  WeirSource *source;        /* kind SOURCE */
  WeirDataset *dataset;      /* of the batch that runs; runner only */
  WeirStream *state_of;      /* the stream whose state is called by this one's uid; NULL: itself */
};

/* Adds a stream. @params is a struct made by g_new0 (transfer full), freed with klass->params_clear and
 * g_free. NULL parents are remembered as a mistake. Never returns NULL. */
WeirStream *weir_stream_new (WeirContext *ctx, const WeirOpClass *klass, gpointer params, WeirStream *const *parents,
                             guint n_parents);
/* The common case: one parent, whose context it joins. */
WeirStream *weir_stream_derive (WeirStream *parent, const WeirOpClass *klass, gpointer params);
/* A source's stream; allocates klass->instance_size bytes as the params. */
WeirStream *weir_stream_new_source (WeirContext *ctx, const WeirSourceKlass *klass);
/* Of a verb that is two streams: @stream, which the job gets, goes by the name of @keeper, which has the state. */
void weir_stream_set_keeper (WeirStream *stream, WeirStream *keeper);
/* By what a checkpoint knows it: the uid, or "<verb>-<n>"; transfer full. */
char *weir_stream_identity (const WeirStream *stream);
/* Of a window: what was asked for; resolved and checked at start. */
void weir_stream_set_window (WeirStream *stream, WeirTime length, WeirTime slide);
/* Remembers a mistake in the graph; weir_context_start () reports the first of a stream. */
void weir_stream_mistake (WeirStream *stream, const char *format, ...) G_GNUC_PRINTF (2, 3);

typedef struct _WeirOutputClass WeirOutputClass;

/* Outputs run on the runner, in order of declaration, once each batch that their stream has.
 *
 * A sealed output makes nothing visible in run (), only gathers, and its work appears when the epoch is sealed. It does
 * so where the context has a checkpoint and it has the slots below; without a checkpoint run () does all. An epoch's way:
 * cut (runner, no batch runs), prepare, commit (checkpoint thread). */
struct _WeirOutputClass {
  const char *verb;
  gboolean (*validate) (WeirOutput *output, GError **error);                              /* optional; at start */
  gboolean (*run) (WeirOutput *output, WeirDataset *data, WeirTime time, GError **error); /* required */
  void (*params_clear) (gpointer params);                                                 /* optional */

  gboolean (*open) (WeirOutput *output, GError **error); /* optional; at start, after the checkpoint is there */
  void (*close) (WeirOutput *output);                    /* optional; after the last batch; also after a failed open */

  /* Sealed outputs; cut, commit required. */
  gpointer (*cut) (WeirOutput *output); /* what was gathered since the last cut; NULL: nothing */
  /* Makes it complete, durable and invisible, and writes all that commit needs into @note. @gathered: transfer full.
   * FALSE: the epoch cannot be sealed. */
  gboolean (*prepare) (WeirOutput *output, gpointer gathered, guint64 epoch, GByteArray *note, GError **error);
  /* Makes an epoch visible, from its note alone; idempotent: it is called again after a restart. FALSE with an error that
   * is retriable: it is tried again. */
  gboolean (*commit) (WeirOutput *output, guint64 epoch, gconstpointer note, gsize size, GError **error);
  void (*abort) (
      WeirOutput *output); /* optional; runner or start: what was gathered and not sealed is to be forgotten */
  gboolean decides;        /* Kafka: its transaction carries the marker; see engine/decider.h */
};

struct _WeirOutput {
  const WeirOutputClass *klass;
  WeirStream *stream;
  gpointer params; /* owned */
  guint id;
  char *name;
  char *uid;
  char *label;
  gboolean is_sealed; /* set by start: there is a checkpoint and the class can */
  WeirEngine *engine; /* set by start */
};

char *weir_output_identity (const WeirOutput *output);
WeirOutput *weir_output_new (WeirStream *stream, const WeirOutputClass *klass, gpointer params);
