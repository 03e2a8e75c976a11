/* Owns what start does to the graph: slides, slices and uses are resolved, and every mistake is reported, one line
 * each. Must not know what operators do.
 * Threads: the one that starts the context.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <weir/error.h>

#include "engine/context.h"
#include "engine/hash.h"
#include "engine/quantity.h"

static WeirTime
common_divisor (WeirTime a, WeirTime b)
{
  while (b != 0) {
    WeirTime rest = a % b;

    a = b;
    b = rest;
  }
  return a;
}

static void
check_multiple (WeirStream *stream, const char *what, WeirTime value, WeirTime of)
{
  g_autofree char *has = weir_quantity_format (weir_duration_units, value);
  g_autofree char *needs = weir_quantity_format (weir_duration_units, of);

  if (value % of != 0)
    weir_stream_mistake (stream, "has a %s of %s, no multiple of the %s that its parent slides by: give a multiple",
                         what, has, needs);
}

static void
resolve_window (WeirStream *stream, WeirTime parent_slide)
{
  WeirOp *op = &stream->op;

  if (op->slide <= 0)
    op->slide = parent_slide;
  check_multiple (stream, "window", op->length, parent_slide);
  check_multiple (stream, "slide", op->slide, parent_slide);
  op->pane = common_divisor (op->length, op->slide);
}

static void
check_equal_slides (WeirStream *stream, const WeirStream *a, const WeirStream *b)
{
  g_autofree char *slide_a = weir_quantity_format (weir_duration_units, a->op.slide);
  g_autofree char *slide_b = weir_quantity_format (weir_duration_units, b->op.slide);

  if (a->op.slide != b->op.slide)
    weir_stream_mistake (stream,
                         "joins %s, which slides by %s, with %s, which slides by %s: bring both to one slide with "
                         "weir_window ()",
                         a->label, slide_a, b->label, slide_b);
}

/* Whose batches the stream has, but for its own window. What a window rejects, it rejects as it takes records in: between
 * its slides, too. */
static const WeirStream *
pace_of (const WeirStream *stream)
{
  const WeirStream *parent = stream->n_parents > 0 ? stream->parents[0] : NULL;

  if ((stream->op.klass->flags & WEIR_OP_REJECTS) != 0 && parent->op.length > 0)
    return parent->parents[0];
  return parent;
}

/* Of a stream that has a mistake already the parent's slide will do: its children are checked against that. */
static void
resolve_slide (WeirStream *stream, WeirTime interval)
{
  const WeirStream *pace = pace_of (stream);
  WeirTime slide = pace != NULL ? pace->op.slide : interval;

  for (guint i = 1; i < stream->n_parents; i++)
    check_equal_slides (stream, stream->parents[0], stream->parents[i]);
  if (stream->op.length > 0 && !stream->has_mistake)
    resolve_window (stream, slide);
  else
    stream->op.slide = slide;
  stream->is_in_each_batch = stream->op.length == 0 && (pace == NULL || pace->is_in_each_batch);
  for (guint i = 1; i < stream->n_parents; i++)
    stream->is_in_each_batch = stream->is_in_each_batch && stream->parents[i]->is_in_each_batch;
}

static void
resolve_slices (WeirStream *stream, guint n_partitions)
{
  WeirOp *op = &stream->op;

  if (op->klass->kind == WEIR_OP_COMPUTED && op->klass->slice_open != NULL)
    op->n_slices = 1;
  if (op->klass->kind != WEIR_OP_WIDE)
    return;
  op->n_slices = stream->asked_partitions > 0 ? stream->asked_partitions : n_partitions;
  if (op->klass->flags & WEIR_OP_ONE_SLICE)
    op->n_slices = 1;
}

/* Where a key's state lies in a checkpoint follows from the hash: it must not change with the streams around it. */
static void
resolve_salt (WeirStream *stream)
{
  g_autofree char *identity = weir_stream_identity (stream);

  if (stream->op.klass->save != NULL)
    stream->op.salt = weir_hash_bytes_seeded (identity, strlen (identity), 0);
}

static void
open_slices (WeirStream *stream)
{
  WeirOp *op = &stream->op;

  if (op->klass->slice_open == NULL || stream->n_consumers == 0)
    return;
  op->slices = g_new0 (gpointer, op->n_slices);
  for (guint i = 0; i < op->n_slices; i++)
    op->slices[i] = op->klass->slice_open (op, i);
}

static void
add_error (WeirContext *ctx, const char *label, GError *error)
{
  g_ptr_array_add (ctx->mistakes, g_strdup_printf ("%s %s", label, error->message));
  g_error_free (error);
}

/* @seen: uid -> the first that has it, as "<verb>-<n>". */
static void
check_uid (WeirContext *ctx, GHashTable *seen, const char *uid, const char *verb, guint id)
{
  g_autofree char *who = g_strdup_printf ("%s-%u", verb, id);
  const char *other;

  if (uid == NULL)
    return;
  other = g_hash_table_lookup (seen, uid);
  if (other == NULL)
    g_hash_table_insert (seen, (gpointer) uid, g_steal_pointer (&who));
  else
    g_ptr_array_add (ctx->mistakes,
                     g_strdup_printf ("%s and %s have the same uid '%s': give each one of its own", other, who, uid));
}

static void
check_streams (WeirContext *ctx)
{
  g_autoptr (GHashTable) uids = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  WeirTime interval = weir_options_duration (ctx->options, WEIR_OPTION_BATCH_INTERVAL);
  guint n_partitions = weir_options_integer (ctx->options, WEIR_OPTION_PARTITIONS);

  for (guint i = 0; i < ctx->streams->len; i++) {
    WeirStream *stream = g_ptr_array_index (ctx->streams, i);
    GError *error = NULL;

    resolve_slide (stream, interval);
    resolve_slices (stream, n_partitions);
    resolve_salt (stream);
    check_uid (ctx, uids, stream->uid, stream->op.klass->verb, stream->id);
    if (stream->op.klass->validate != NULL && !stream->has_mistake && !stream->op.klass->validate (&stream->op, &error))
      add_error (ctx, stream->label, error);
  }
}

static void
check_outputs (WeirContext *ctx)
{
  g_autoptr (GHashTable) uids = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);

  if (ctx->outputs->len == 0)
    g_ptr_array_add (ctx->mistakes,
                     g_strdup ("the graph has no output, so nothing would ever run: add one, such as weir_print ()"));
  for (guint i = 0; i < ctx->outputs->len; i++) {
    WeirOutput *output = g_ptr_array_index (ctx->outputs, i);
    GError *error = NULL;

    check_uid (ctx, uids, output->uid, output->klass->verb, output->id);
    if (output->klass->validate != NULL && !output->klass->validate (output, &error))
      add_error (ctx, output->label, error);
  }
}

/* Counts who will ask for each stream. What leads to no output is not counted, so that it costs nothing: parents come
 * before their children, hence the children are done first. */
static void
count_consumers (WeirContext *ctx)
{
  for (guint i = 0; i < ctx->outputs->len; i++)
    ((WeirOutput *) g_ptr_array_index (ctx->outputs, i))->stream->n_consumers++;
  for (guint i = ctx->streams->len; i > 0; i--) {
    const WeirStream *stream = g_ptr_array_index (ctx->streams, i - 1);

    for (guint k = 0; k < stream->n_parents && stream->n_consumers > 0; k++) {
      stream->parents[k]->n_consumers++;
      stream->parents[k]->op.keep_rejects |= (stream->op.klass->flags & WEIR_OP_REJECTS) != 0;
    }
  }
}

gboolean
weir_graph_check (WeirContext *ctx, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);

  check_streams (ctx);
  check_outputs (ctx);
  for (guint i = 0; i < ctx->mistakes->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? "\n" : "", (char *) g_ptr_array_index (ctx->mistakes, i));
  if (text->len > 0) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH, "%s", text->str);
    return FALSE;
  }
  count_consumers (ctx);
  for (guint i = 0; i < ctx->streams->len; i++)
    open_slices (g_ptr_array_index (ctx->streams, i));
  return TRUE;
}
