/* Connectors of your own: sources that can be read again, and sinks. The engine owns threads, retries, checkpoints and
 * shutdown; a connector says what belongs to a batch, reads it, and writes it. Structs that the engine makes
 * (WeirSourcePlan, WeirFetch, WeirSinkPart, WeirSinkBatch) may get more fields; so may the classes, which are copied.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/context.h>
#include <weir/output.h>
#include <weir/receiver.h>

G_BEGIN_DECLS

typedef struct _WeirSource WeirSource;
typedef struct _WeirSink WeirSink;
typedef struct _WeirNote WeirNote;

/* What belongs to the next batch. A position is bytes, made and read by the source alone. */
typedef struct {
  WeirTime time;      /* of the batch */
  gconstpointer from; /* where the batch before ended */
  gsize from_size;    /* 0: nobody has set a position yet */
  gint64 max_records; /* more than the job can do, by back-pressure; G_MAXINT64: there is no limit */
  GByteArray *until;  /* where this one ends: empty, for plan to fill */
  guint n_partitions; /* tasks that fetch it; 1, and 0 for a batch without records, which does not move the position */
  gint64 n_records;   /* -1: unknown until they have been fetched */
} WeirSourcePlan;

/* One partition of a batch, while it is read. The same bounds must give the same records, now or after a restart. */
typedef struct {
  WeirSource *source;
  gconstpointer from, until; /* the bounds of the whole batch */
  gsize from_size, until_size;
  guint partition, n_partitions;
  gpointer state; /* klass->fetch_size zeroed bytes */
} WeirFetch;

typedef struct {
  const char *name;    /* required: what errors call it */
  gsize instance_size; /* of weir_source_instance (): zeroed before open */
  gsize fetch_size;

  /* Optional; start, on the thread that starts the context; may block. @begin: the position of the first batch, for
   * where the checkpoint has none; as it is, it is empty. */
  gboolean (*open) (WeirSource *source, GByteArray *begin, GError **error);
  /* Optional; after open, with a checkpoint that knows the source: can it be read from there? May block. */
  gboolean (*resume) (WeirSource *source, gconstpointer position, gsize size, GError **error);
  /* Required; loop thread, once a batch; must not block. A batch that is run again is not planned again. */
  gboolean (*plan) (WeirSource *source, WeirSourcePlan *plan, GError **error);
  /* Required; workers, several partitions at once; may block. Emits a few hundred records at a time into @task: TRUE,
   * call again; FALSE, the partition is done, or @error is set. */
  gboolean (*fetch) (WeirTask *task, WeirFetch *fetch, GError **error);
  /* Optional; the same worker, after the last fetch, whatever became of it: frees what fetch->state holds. */
  void (*fetch_end) (WeirFetch *fetch);
  /* Optional; loop thread; must not block: all up to there is in a sealed checkpoint and is not asked for again. */
  void (*sealed) (WeirSource *source, gconstpointer position, gsize size);
  /* Optional; after the last batch, and after an open that failed: frees what the instance holds. */
  void (*close) (WeirSource *source);
} WeirSourceClass;

WEIR_API WeirStream *
weir_source_stream_sized (WeirContext *ctx, const WeirSourceClass *klass, gsize size, gpointer user_data);
#define weir_source_stream(ctx, klass, user_data)                                                                      \
  weir_source_stream_sized ((ctx), (klass), sizeof (WeirSourceClass), (user_data))
WEIR_API gpointer weir_source_instance (WeirSource *source);
WEIR_API gpointer weir_source_user_data (WeirSource *source);

typedef enum {
  WEIR_SINK_SEALED,  /* with a checkpoint commit is called when the epoch is sealed: exactly once, a little later */
  WEIR_SINK_AT_ONCE, /* commit is called when the batch is written, and after a restart perhaps once more */
} WeirSinkGuarantee;

/* A batch, by its id: job, output and time are the same when it is written again, with the same data. */
typedef struct {
  const char *job;    /* the context's name */
  const char *output; /* the output's uid, or "<name>-<n>" */
  WeirTime time;
} WeirSinkBatch;

/* One partition of a batch, while it is written. */
typedef struct {
  WeirSink *sink;
  const WeirSinkBatch *batch;
  guint partition;
  GByteArray *bytes; /* what commit is to get of this partition */
  gpointer state;    /* klass->part_size zeroed bytes */
} WeirSinkPart;

typedef struct {
  const char *name; /* required: what errors call it */
  WeirSinkGuarantee guarantee;
  gsize instance_size; /* of weir_sink_instance (): zeroed before open */
  gsize part_size;

  /* Optional; start, on the thread that starts the context; may block. */
  gboolean (*open) (WeirSink *sink, GError **error);
  /* Optional; workers, several partitions at once, as write and end; may block. */
  gboolean (*begin) (WeirSinkPart *part, GError **error);
  /* Optional: without it, values are encoded, for weir_note_next (). @value is valid until write returns. */
  gboolean (*write) (WeirSinkPart *part, WeirValue value, GError **error);
  /* Optional: the partition is complete, or its batch has failed; frees what part->state holds. Always called where
   * begin was; an error counts only if the batch has not failed already. */
  gboolean (*end) (WeirSinkPart *part, GError **error);
  /* Optional; may block; the thread that will call commit. All partitions are complete: makes durable, and leaves
   * invisible, what was written elsewhere. @note has the partitions' bytes in order: all that commit will get. */
  gboolean (*prepare) (WeirSink *sink, const WeirSinkBatch *batch, GByteArray *note, GError **error);
  /* Required; may block; one batch at a time, in order of time, empty ones too. Makes the batch visible, from the note
   * alone, and must change nothing if that was done before. An error that is retriable: the engine tries again. */
  gboolean (*commit) (WeirSink *sink, const WeirSinkBatch *batch, WeirNote *note, GError **error);
  /* Optional; what was written and not prepared is void: a batch has failed, or the job begins again. May block. */
  void (*abort) (WeirSink *sink);
  /* Optional; after the last batch, and after an open that failed: frees what the instance holds. */
  void (*close) (WeirSink *sink);
} WeirSinkClass;

WEIR_API WeirOutput *weir_output_sized (WeirStream *s, const WeirSinkClass *klass, gsize size, gpointer user_data);
#define weir_output(s, klass, user_data) weir_output_sized ((s), (klass), sizeof (WeirSinkClass), (user_data))
WEIR_API gpointer weir_sink_instance (WeirSink *sink);
WEIR_API gpointer weir_sink_user_data (WeirSink *sink);

/* What prepare left for commit. */
WEIR_API gconstpointer weir_note_bytes (WeirNote *note, gsize *size);
WEIR_API gboolean weir_note_next (WeirNote *note, WeirValue *value, GError **error);

G_END_DECLS
