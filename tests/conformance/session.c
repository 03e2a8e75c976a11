/* Owns contexts that run cases. Must not know how often a case wants one.
 *
 * One thread; the number of partitions is noted by the runner of the context. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/conformance/session.h"

void
inputs_init (Inputs *inputs, const Case *one)
{
  *inputs = (Inputs){ 0 };
  for (guint i = 0; i < 2 && case_input (one, i) != NULL; i++) {
    inputs->queues[i] = weir_queue_new ();
    weir_queue_set_partitions (inputs->queues[i], (guint) json_member_int (one->json, "partitions", 1));
  }
}

void
inputs_clear (Inputs *inputs)
{
  for (guint i = 0; i < 2; i++)
    g_clear_pointer (&inputs->queues[i], weir_queue_free);
}

/* Beyond the input come batches that are empty, with all their partitions; only `null` is nothing at all. */
static void
push_batch (WeirQueue *queue, JsonNode *batch)
{
  g_autoptr (GPtrArray) memory = g_ptr_array_new_with_free_func (g_free);
  const WeirValue *values;
  gsize n;

  if (batch != NULL && !JSON_NODE_HOLDS_ARRAY (batch)) {
    weir_queue_push_nothing (queue);
    return;
  }
  values = json_values (batch, memory, &n);
  weir_queue_push (queue, values, n);
}

void
inputs_push (Inputs *inputs, const Case *one, guint from, guint until)
{
  for (guint i = 0; i < 2 && inputs->queues[i] != NULL; i++)
    for (guint k = from; k < until; k++)
      push_batch (inputs->queues[i], case_batch (one, i, k));
}

static gboolean
set_options (WeirContext *ctx, const Case *one, const char *checkpoint, GError **error)
{
  g_autofree char *uri = g_strdup_printf ("file://%s", checkpoint);
  g_autofree char *interval = g_strdup_printf ("%" G_GINT64_FORMAT "us", one->interval);

  if (!weir_context_set (ctx, "log.level", "error", error) || !weir_context_set (ctx, "workers", "2", error))
    return FALSE;
  return checkpoint == NULL || (weir_context_set (ctx, "checkpoint", uri, error) &&
                                weir_context_set (ctx, "checkpoint.interval", interval, error));
}

gboolean
session_open (Session *session, Case *one, guint n_done, const char *checkpoint)
{
  g_autoptr (GError) error = NULL;

  *session = (Session){ .ctx = weir_test_context_new_at (one->interval, n_done * one->interval) };
  if (set_options (session->ctx, one, checkpoint, &error))
    return TRUE;
  case_note_error (one, error);
  return FALSE;
}

static gboolean
note_partitions (WeirDataset *data, WeirTime time, gpointer session, GError **error)
{
  __atomic_store_n (&((Session *) session)->n_partitions, weir_dataset_n_partitions (data), __ATOMIC_RELAXED);
  return TRUE;
}

static gboolean
build (Session *session, Case *one, guint first)
{
  g_autoptr (GError) error = NULL;
  WeirStream *stream = chain_build (&session->chain, first, &error);

  if (stream == NULL) {
    case_note_error (one, error);
    return FALSE;
  }
  session->output = weir_collect (stream);
  if (json_member (one->json, "expected_partitions") != NULL)
    weir_foreach_batch (stream, note_partitions, session);
  if (session->chain.stateful != NULL && session->chain.stateful != stream)
    session->states = weir_collect (session->chain.stateful);
  else if (session->chain.stateful != NULL)
    session->states = session->output;
  return TRUE;
}

gboolean
session_build (Session *session, Case *one, const Inputs *inputs, Variant variant, const char *folder)
{
  session->chain = (Chain){ .ctx = session->ctx, .one = one, .variant = variant, .folder = folder };
  for (guint i = 0; i < 2 && inputs->queues[i] != NULL; i++)
    session->chain.input[i] = weir_queue_stream (session->ctx, inputs->queues[i], TRUE);
  return build (session, one, 0);
}

gboolean
session_build_from (Session *session, Case *one, WeirStream *input, Variant variant)
{
  session->chain = (Chain){ .ctx = session->ctx, .one = one, .variant = variant, .input = { input } };
  return build (session, one, 1);
}

void
session_close (Session *session)
{
  g_clear_pointer (&session->ctx, weir_context_free);
}

static gboolean
compare_batch (Case *one, WeirCollected *collected, guint batch, JsonNode *expected, gboolean in_order)
{
  g_autofree char *wanted = NULL, *got = NULL;
  gsize n;
  const WeirValue *values = weir_collected_values (collected, batch, &n);

  if (json_matches_all (expected, values, n, in_order))
    return TRUE;
  wanted = json_text (expected);
  got = json_text_of_values (values, n);
  case_note (one, CASE_FAIL, "at %" G_GINT64_FORMAT " ms: expected %s, got %s",
             weir_collected_time (collected, batch) / 1000, wanted, got);
  return FALSE;
}

gboolean
session_compare (Case *one, WeirCollected *collected, JsonNode *expected, gboolean in_order, guint *at)
{
  guint n = (guint) weir_collected_n_batches (collected);

  for (guint i = 0; i < n; i++, (*at)++) {
    if (*at >= json_length (expected)) {
      case_note (one, CASE_FAIL, "more batches than the %u that are expected", json_length (expected));
      return FALSE;
    }
    if (!compare_batch (one, collected, i, json_array_get_element (json_node_get_array (expected), *at), in_order))
      return FALSE;
  }
  return TRUE;
}

gboolean
session_compare_end (Case *one, JsonNode *expected, guint at)
{
  if (at == json_length (expected))
    return TRUE;
  case_note (one, CASE_FAIL, "%u batches, not the %u that are expected", at, json_length (expected));
  return FALSE;
}

GArray *
session_flatten (WeirCollected *collected)
{
  GArray *all = g_array_new (FALSE, FALSE, sizeof (WeirValue));

  for (gsize i = 0; i < weir_collected_n_batches (collected); i++) {
    gsize n;
    const WeirValue *values = weir_collected_values (collected, i, &n);

    g_array_append_vals (all, values, (guint) n);
  }
  return all;
}
