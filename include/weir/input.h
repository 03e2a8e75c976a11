/* Sources that a job names: sockets, files, queues, generators.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/stream.h>

G_BEGIN_DECLS

typedef enum { WEIR_FRAMING_LINES, WEIR_FRAMING_DELIMITER, WEIR_FRAMING_FIXED, WEIR_FRAMING_LENGTH32 } WeirFramingKind;

typedef struct {
  WeirFramingKind kind;
  char delimiter; /* DELIMITER */
  gsize size;     /* FIXED: bytes a record */
  gsize max_size; /* longer records are rejected; 0: the option socket.max.line */
  gboolean text;  /* records are TEXT, else BYTES; LINES are always TEXT */
} WeirFraming;

typedef struct {
  gboolean (*filter) (const char *name, gpointer user_data); /* NULL: all but hidden and temporary ones */
  gpointer user_data;
  gboolean include_existing; /* also what is there when the job first starts */
  WeirFraming framing;       /* of each file */
} WeirFileSpec;

typedef struct _WeirQueue WeirQueue;

WEIR_API WeirStream *weir_socket_text_stream (WeirContext *ctx, const char *host, const char *port);
WEIR_API WeirStream *
weir_socket_stream_sized (WeirContext *ctx, const char *host, const char *port, const WeirFraming *framing, gsize size);
#define weir_socket_stream(ctx, host, port, framing)                                                                   \
  weir_socket_stream_sized ((ctx), (host), (port), (framing), sizeof (WeirFraming))
WEIR_API WeirStream *weir_text_file_stream (WeirContext *ctx, const char *directory);
WEIR_API WeirStream *
weir_file_stream_sized (WeirContext *ctx, const char *directory, const WeirFileSpec *spec, gsize size);
#define weir_file_stream(ctx, directory, spec)                                                                         \
  weir_file_stream_sized ((ctx), (directory), (spec), sizeof (WeirFileSpec))
WEIR_API WeirStream *weir_object_file_stream (WeirContext *ctx, const char *directory);
WEIR_API WeirStream *weir_queue_stream (WeirContext *ctx, WeirQueue *queue, gboolean one_at_a_time);
WEIR_API WeirStream *
weir_generator_stream (WeirContext *ctx, WeirGeneratorFunc f, gdouble records_per_second, gpointer user_data);

WEIR_API WeirQueue *weir_queue_new (void);
WEIR_API void weir_queue_free (WeirQueue *q);
WEIR_API void weir_queue_set_partitions (WeirQueue *q, guint n);
WEIR_API void weir_queue_push (WeirQueue *q, const WeirValue *values, gsize n);
WEIR_API void weir_queue_push_nothing (WeirQueue *q);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirQueue, weir_queue_free)

G_END_DECLS
