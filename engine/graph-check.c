/* Owns what start does to the graph: slides, slices and uses are resolved, and every mistake is reported, one line
 * each. Threads: the one that starts the context. SPDX-License-Identifier: Apache-2.0
 */
#include <weir/error.h>

#include "engine/context.h"

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
  if (of > 0 && value % of != 0)
    weir_stream_mistake (stream,
                         "has a %s of %" G_GINT64_FORMAT " ms, no multiple of the %" G_GINT64_FORMAT
                         " ms that its parent slides by: give a multiple",
                         what, value / 1000, of / 1000);
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
resolve_slide (WeirStream *stream, WeirTime interval)
{
  WeirTime slide = stream->n_parents > 0 ? stream->parents[0]->op.slide : interval;

  for (guint i = 1; i < stream->n_parents; i++)
    if (stream->parents[i]->op.slide != slide)
      weir_stream_mistake (
          stream,
          "joins %s, which slides by %" G_GINT64_FORMAT " ms, with %s, which slides by %" G_GINT64_FORMAT
          " ms: bring both to one slide with weir_window ()",
          stream->parents[0]->label, slide / 1000, stream->parents[i]->label, stream->parents[i]->op.slide / 1000);
  if (stream->op.length != 0)
    resolve_window (stream, slide);
  else
    stream->op.slide = slide;
}

static void
resolve_slices (WeirStream *stream, guint n_partitions)
{
  WeirOp *op = &stream->op;

  if (op->klass->kind != WEIR_OP_WIDE)
    return;
  op->n_slices = stream->asked_partitions > 0 ? stream->asked_partitions : n_partitions;
  if (op->klass->flags & WEIR_OP_ONE_SLICE)
    op->n_slices = 1;
}

static void
open_slices (WeirOp *op)
{
  if (op->klass->slice_open == NULL)
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

static void
check_uid (WeirContext *ctx, GHashTable *seen, const char *uid, const char *what)
{
  if (uid == NULL)
    return;
  if (!g_hash_table_add (seen, (gpointer) uid))
    g_ptr_array_add (ctx->mistakes, g_strdup_printf ("two %s have the uid '%s': give each one of its own", what, uid));
}

static void
check_streams (WeirContext *ctx)
{
  g_autoptr (GHashTable) uids = g_hash_table_new (g_str_hash, g_str_equal);
  WeirTime interval = weir_options_duration (ctx->options, WEIR_OPTION_BATCH_INTERVAL);
  guint n_partitions = weir_options_integer (ctx->options, WEIR_OPTION_PARTITIONS);

  for (guint i = 0; i < ctx->streams->len; i++) {
    WeirStream *stream = g_ptr_array_index (ctx->streams, i);
    GError *error = NULL;

    resolve_slide (stream, interval);
    resolve_slices (stream, n_partitions);
    check_uid (ctx, uids, stream->uid, "streams");
    if (stream->op.klass->validate != NULL && !stream->has_mistake && !stream->op.klass->validate (&stream->op, &error))
      add_error (ctx, stream->label, error);
  }
}

static void
check_outputs (WeirContext *ctx)
{
  g_autoptr (GHashTable) uids = g_hash_table_new (g_str_hash, g_str_equal);

  if (ctx->outputs->len == 0)
    g_ptr_array_add (ctx->mistakes,
                     g_strdup ("the graph has no output, so nothing would ever run: add one, such as weir_print ()"));
  for (guint i = 0; i < ctx->outputs->len; i++) {
    WeirOutput *output = g_ptr_array_index (ctx->outputs, i);
    GError *error = NULL;

    check_uid (ctx, uids, output->uid, "outputs");
    if (output->klass->validate != NULL && !output->klass->validate (output, &error))
      add_error (ctx, output->label, error);
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
  for (guint i = 0; i < ctx->streams->len; i++)
    open_slices (&((WeirStream *) g_ptr_array_index (ctx->streams, i))->op);
  return TRUE;
}
