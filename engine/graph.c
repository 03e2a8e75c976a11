/* Owns the building of the graph: streams, outputs, their names. Mistakes are remembered, for start to report: a
 * builder never returns NULL. Where there is no context that could remember, because neither a context nor a stream was
 * passed, the program ends with a message: nothing could be returned that works.
 * Threads: the job's, before start.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>

#include "engine/context.h"

#define MOST_PARTITIONS 256u /* the number of key groups */

/* What a builder hangs its mistakes on where there is no stream to ask for a context. */
static WeirContext *
context_of (WeirContext *ctx, WeirStream *const *parents, guint n_parents)
{
  for (guint i = 0; ctx == NULL && i < n_parents; i++)
    if (parents[i] != NULL)
      ctx = parents[i]->ctx;
  return ctx;
}

static void
take_parents (WeirStream *stream, WeirStream *const *parents, guint n_parents)
{
  stream->parents = g_new0 (WeirStream *, n_parents);
  for (guint i = 0; i < n_parents; i++) {
    if (parents[i] == NULL) {
      weir_stream_mistake (stream, "is made of no stream (NULL): pass the stream that it works on");
    } else if (parents[i]->ctx != stream->ctx) {
      weir_stream_mistake (stream, "takes stream %s of another context: build both in one context", parents[i]->label);
    } else {
      stream->parents[stream->n_parents++] = parents[i];
    }
  }
}

WeirStream *
weir_stream_new (WeirContext *ctx, const WeirOpClass *klass, gpointer params, WeirStream *const *parents,
                 guint n_parents)
{
  WeirStream *stream = g_new0 (WeirStream, 1);

  ctx = context_of (ctx, parents, n_parents);
  if (ctx == NULL)
    g_error ("%s () needs a context or a stream, got NULL: pass what it works on", klass->verb);
  stream->op.klass = klass;
  stream->op.params = params;
  stream->ctx = ctx;
  stream->id = ctx->streams->len;
  stream->op.salt = stream->id;
  stream->label = g_strdup_printf ("%s-%u", klass->verb, stream->id);
  stream->op.name = stream->label;
  if (weir_context_may_build (ctx, stream->label)) {
    g_ptr_array_add (ctx->streams, stream);
    take_parents (stream, parents, n_parents);
  } else {
    weir_context_own (ctx, stream, (GDestroyNotify) weir_stream_free);
  }
  return stream;
}

WeirStream *
weir_stream_derive (WeirStream *parent, const WeirOpClass *klass, gpointer params)
{
  return weir_stream_new (NULL, klass, params, &parent, 1);
}

WeirStream *
weir_stream_new_source (WeirContext *ctx, const WeirSourceKlass *klass)
{
  WeirSource *source = g_malloc0 (klass->instance_size);
  WeirStream *stream = weir_stream_new (ctx, &klass->op, source, NULL, 0);

  source->klass = klass;
  source->op = &stream->op;
  source->id = stream->id;
  stream->source = source;
  return stream;
}

void
weir_stream_mistake (WeirStream *stream, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  pthread_mutex_lock (&stream->ctx->lock);
  g_ptr_array_add (stream->ctx->mistakes, g_strdup_printf ("%s %s", stream->label, text));
  pthread_mutex_unlock (&stream->ctx->lock);
  stream->has_mistake = TRUE;
}

void
weir_stream_set_window (WeirStream *stream, WeirTime length, WeirTime slide)
{
  stream->op.length = length;
  stream->op.slide = slide;
  if (length <= 0)
    weir_stream_mistake (stream, "has a window of %" G_GINT64_FORMAT " us: give a length above 0", length);
  if (slide < 0)
    weir_stream_mistake (stream, "slides by %" G_GINT64_FORMAT " us: give a slide above 0, or 0 for its parent's",
                         slide);
}

void
weir_stream_free (WeirStream *stream)
{
  const WeirOpClass *klass = stream->op.klass;

  for (guint i = 0; stream->op.slices != NULL && i < stream->op.n_slices; i++)
    klass->slice_close (stream->op.slices[i]);
  if (stream->op.params != NULL && klass->params_clear != NULL)
    klass->params_clear (stream->op.params);
  g_free (stream->op.slices);
  g_free (stream->op.params);
  g_free (stream->parents);
  g_free (stream->name);
  g_free (stream->uid);
  g_free (stream->label);
  g_free (stream);
}

static void
relabel (WeirStream *stream)
{
  g_free (stream->label);
  if (stream->name != NULL || stream->uid != NULL)
    stream->label = g_strdup (stream->name != NULL ? stream->name : stream->uid);
  else if (stream->state_of != NULL)
    stream->label = g_strdup (stream->state_of->label);
  else
    stream->label = g_strdup_printf ("%s-%u", stream->op.klass->verb, stream->id);
  stream->op.name = stream->label;
}

void
weir_stream_set_keeper (WeirStream *stream, WeirStream *keeper)
{
  stream->state_of = keeper;
  relabel (stream);
}

/**
 * weir_stream_set_name:
 * @s: the stream
 * @name: what errors, listeners and logs call it; copied
 *
 * Names a stream for people. Before start.
 *
 * Returns: (transfer none): @s
 */
WeirStream *
weir_stream_set_name (WeirStream *s, const char *name)
{
  g_return_val_if_fail (s != NULL, NULL);
  if (!weir_context_may_build (s->ctx, "the name of a stream"))
    return s;
  g_free (s->name);
  s->name = g_strdup (name);
  relabel (s);
  return s;
}

/**
 * weir_stream_set_uid:
 * @s: the stream
 * @uid: unique among the streams of the context, not empty; copied
 *
 * Names a stream for good: what belongs to it is found by this name when the job has changed. Before start. Two streams
 * of one uid are an error at start (%WEIR_ERROR_GRAPH).
 *
 * Returns: (transfer none): @s
 */
WeirStream *
weir_stream_set_uid (WeirStream *s, const char *uid)
{
  WeirStream *keeper = s != NULL && s->state_of != NULL ? s->state_of : s;

  g_return_val_if_fail (s != NULL, NULL);
  if (!weir_context_may_build (s->ctx, "the uid of a stream"))
    return s;
  if (uid != NULL && uid[0] == '\0') {
    weir_stream_mistake (s, "has an empty uid: give it a name of its own");
    return s;
  }
  g_free (keeper->uid);
  keeper->uid = g_strdup (uid);
  relabel (keeper);
  relabel (s);
  return s;
}

/**
 * weir_stream_set_partitions:
 * @s: the stream of a keyed operator
 * @n: into how many partitions it cuts its keys: 1 to 256, the number of key groups
 *
 * Sets what else the option `partitions` says for all. Before start; another number is an error there
 * (%WEIR_ERROR_GRAPH).
 *
 * Returns: (transfer none): @s
 */
WeirStream *
weir_stream_set_partitions (WeirStream *s, guint n)
{
  g_return_val_if_fail (s != NULL, NULL);
  if (!weir_context_may_build (s->ctx, "the number of partitions of a stream"))
    return s;
  if (n < 1 || n > MOST_PARTITIONS)
    weir_stream_mistake (s, "is to have %u partitions: give 1 to %u", n, MOST_PARTITIONS);
  else if (s->op.klass->kind != WEIR_OP_WIDE)
    weir_stream_mistake (s, "has the partitions of its parent: set the number on a keyed operator, or repartition");
  else if (s->op.klass->flags & WEIR_OP_ONE_SLICE)
    weir_stream_mistake (s, "has one result, hence one partition: set the number on a keyed operator, or repartition");
  s->asked_partitions = n;
  return s;
}

char *
weir_stream_identity (const WeirStream *stream)
{
  return stream->uid != NULL ? g_strdup (stream->uid) : g_strdup_printf ("%s-%u", stream->op.klass->verb, stream->id);
}

char *
weir_output_identity (const WeirOutput *output)
{
  return output->uid != NULL ? g_strdup (output->uid) : g_strdup_printf ("%s-%u", output->klass->verb, output->id);
}

/**
 * weir_stream_set_state_version:
 * @s: a stream with state
 * @version: of what its states look like; 0 where this is never called
 * @upgrade: (nullable) (scope notified): makes a state of @version out of one that a checkpoint holds in an older version;
 *   gets the version that it was written with, and returns NIL to drop the key; its user_data is %NULL
 *
 * Says that the states of @s look different from what an older program wrote. When a checkpoint of an older version is
 * loaded, @upgrade is called for each state, on the workers. Without @upgrade, or where the checkpoint is of a newer
 * version, the start fails (%WEIR_ERROR_ORPHAN_STATE) and names the stream. Before start.
 */
void
weir_stream_set_state_version (WeirStream *s, guint version, WeirUpgradeFunc upgrade)
{
  g_return_if_fail (s != NULL);
  if (!weir_context_may_build (s->ctx, "the version of a stream's state"))
    return;
  if (s->state_of != NULL)
    s = s->state_of;
  if (s->op.klass->save == NULL)
    weir_stream_mistake (s, "has no state: give the version to a stream that has");
  s->op.state_version = version;
  s->op.upgrade = upgrade;
}

WeirOutput *
weir_output_new (WeirStream *stream, const WeirOutputClass *klass, gpointer params)
{
  WeirOutput *output;
  WeirContext *ctx;

  if (stream == NULL)
    g_error ("%s () needs a stream, got NULL: pass the stream that it writes", klass->verb);
  output = g_new0 (WeirOutput, 1);
  ctx = stream->ctx;
  output->klass = klass;
  output->stream = stream;
  output->params = params;
  output->id = ctx->outputs->len;
  output->label = g_strdup_printf ("%s-%u", klass->verb, output->id);
  if (weir_context_may_build (ctx, output->label))
    g_ptr_array_add (ctx->outputs, output);
  else
    weir_context_own (ctx, output, (GDestroyNotify) weir_output_free);
  return output;
}

void
weir_output_free (WeirOutput *output)
{
  if (output->params != NULL && output->klass->params_clear != NULL)
    output->klass->params_clear (output->params);
  g_free (output->params);
  g_free (output->name);
  g_free (output->uid);
  g_free (output->label);
  g_free (output);
}

static void
relabel_output (WeirOutput *output)
{
  g_free (output->label);
  if (output->name != NULL || output->uid != NULL)
    output->label = g_strdup (output->name != NULL ? output->name : output->uid);
  else
    output->label = g_strdup_printf ("%s-%u", output->klass->verb, output->id);
}

/**
 * weir_output_set_uid:
 * @o: the output
 * @uid: unique among the outputs of the context, not empty; copied
 *
 * Names an output for good, as weir_stream_set_uid() does a stream. Before start.
 *
 * Returns: (transfer none): @o
 */
WeirOutput *
weir_output_set_uid (WeirOutput *o, const char *uid)
{
  g_return_val_if_fail (o != NULL, NULL);
  if (!weir_context_may_build (o->stream->ctx, "the uid of an output"))
    return o;
  if (uid != NULL && uid[0] == '\0') {
    weir_stream_mistake (o->stream, "has an output %s with an empty uid: give it a name of its own", o->label);
    return o;
  }
  g_free (o->uid);
  o->uid = g_strdup (uid);
  relabel_output (o);
  return o;
}

/**
 * weir_output_set_name:
 * @o: the output
 * @name: what errors, listeners and logs call it; copied
 *
 * Names an output for people. Before start.
 *
 * Returns: (transfer none): @o
 */
WeirOutput *
weir_output_set_name (WeirOutput *o, const char *name)
{
  g_return_val_if_fail (o != NULL, NULL);
  if (!weir_context_may_build (o->stream->ctx, "the name of an output"))
    return o;
  g_free (o->name);
  o->name = g_strdup (name);
  relabel_output (o);
  return o;
}
