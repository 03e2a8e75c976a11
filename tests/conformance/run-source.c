/* Owns the run of cases about sources: each gets its input from where its source looks for it, batch by batch.
 *
 * One thread, beside that of a peer. SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <gio/gio.h>

#include "tests/conformance/run.h"
#include "tests/conformance/source.h"

#define PATIENCE WEIR_SECONDS (120)

gint64
source_deadline (void)
{
  return g_get_monotonic_time () + PATIENCE;
}

static void
count_records (const WeirBatchInfo *info, gpointer user_data)
{
  SourceRun *run = user_data;

  __atomic_add_fetch (&run->n_records, weir_batch_info_n_records (info), __ATOMIC_RELAXED);
}

gboolean
source_advance (SourceRun *run)
{
  g_autoptr (GError) error = NULL;

  if (weir_test_advance (run->session.ctx, 1, &error))
    return TRUE;
  case_note_error (run->one, error);
  return FALSE;
}

gboolean
source_build (SourceRun *run, WeirStream *source)
{
  const char *note = json_member_text (run->one->json, "note");

  run->is_flat = note != NULL && strstr (note, "flattened") != NULL;
  run->records = weir_collect (source);
  return session_build_from (&run->session, run->one, source, (Variant){ .ready_made = FALSE });
}

gsize
source_count (const SourceRun *run)
{
  g_autoptr (GArray) all = session_flatten (run->records);

  return all->len;
}

/* As many batches as it takes for that many records to be read. FALSE: noted. */
static gboolean
advance_until (SourceRun *run, gsize n)
{
  gint64 deadline = source_deadline ();

  while (source_count (run) < n) {
    if (g_get_monotonic_time () > deadline) {
      case_note (run->one, CASE_FAIL,
                 "%" G_GSIZE_FORMAT " records are read in time, not the %" G_GSIZE_FORMAT " that are there",
                 source_count (run), n);
      return FALSE;
    }
    if (!source_advance (run))
      return FALSE;
  }
  return TRUE;
}

/* What came in all batches, against all that is expected. */
void
source_compare_flat (SourceRun *run)
{
  g_autoptr (GArray) all = session_flatten (run->session.output);
  JsonNode *expected = case_expected (run->one);
  g_autoptr (JsonNode) flat = json_node_new (JSON_NODE_ARRAY);
  JsonArray *items = json_array_new ();

  for (guint i = 0; i < json_length (expected); i++) {
    JsonArray *batch = json_array_get_array_element (json_node_get_array (expected), i);

    for (guint k = 0; k < json_array_get_length (batch); k++)
      json_array_add_element (items, json_node_copy (json_array_get_element (batch, k)));
  }
  json_node_take_array (flat, items);
  if (!json_matches_all (flat, (const WeirValue *) (gpointer) all->data, all->len, run->one->in_order)) {
    g_autofree char *wanted = json_text (flat);
    g_autofree char *got = json_text_of_values ((const WeirValue *) (gpointer) all->data, all->len);

    case_note (run->one, CASE_FAIL, "expected %s in all batches, got %s", wanted, got);
  }
}

void
source_compare (SourceRun *run)
{
  guint at = 0;

  if (session_compare (run->one, run->session.output, case_expected (run->one), run->one->in_order, &at))
    session_compare_end (run->one, case_expected (run->one), at);
}

/* Counts what batches say that they read, against what came out of the source. */
static void
compare_counts (SourceRun *run)
{
  gsize n_collected = source_count (run);
  gint64 n = __atomic_load_n (&run->n_records, __ATOMIC_RELAXED);

  if (n != (gint64) n_collected)
    case_note (run->one, CASE_FAIL,
               "batches say that they read %" G_GINT64_FORMAT " records, but gave %" G_GSIZE_FORMAT, n, n_collected);
}

/* Each element of a tick is pushed as a batch of its own, and one batch runs a tick. */
static void
run_queue (SourceRun *run)
{
  gboolean one_at_a_time = json_member_bool (run->op, "oneAtATime", TRUE);
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  WeirStream *stream = weir_queue_stream (run->session.ctx, queue, one_at_a_time);
  g_autoptr (GPtrArray) memory = g_ptr_array_new_with_free_func (g_free);
  gboolean ok = source_build (run, stream);

  for (guint i = 0; ok && i < run->one->n_batches; i++) {
    gsize n;
    const WeirValue *values = json_values (case_batch (run->one, 0, i), memory, &n);

    for (gsize k = 0; k < n; k++)
      weir_queue_push (queue, &values[k], 1);
    ok = source_advance (run);
  }
  if (ok)
    source_compare (run);
  session_close (&run->session);
}

static gboolean
send_lines (GOutputStream *out, JsonNode *batch, GError **error)
{
  for (guint i = 0; i < json_length (batch); i++) {
    g_autoptr (GPtrArray) memory = g_ptr_array_new_with_free_func (g_free);
    WeirValue value = json_value (json_array_get_element (json_node_get_array (batch), i), memory);
    g_autofree char *text = weir_to_string (value), *line = g_strconcat (text, "\n", NULL);

    if (!g_output_stream_write_all (out, line, strlen (line), NULL, NULL, error))
      return FALSE;
  }
  return g_output_stream_flush (out, NULL, error);
}

/* The peer that weir has connected to gets the batches one by one. */
static void
serve (SourceRun *run, GSocketListener *listener)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection = NULL;
  gsize n = 0;

  if (!source_advance (run))
    return;
  connection = g_socket_listener_accept (listener, NULL, NULL, &error);
  for (guint i = 0; connection != NULL && error == NULL && i < run->one->n_batches; i++) {
    JsonNode *batch = case_batch (run->one, 0, i);

    n += json_length (batch);
    if (!send_lines (g_io_stream_get_output_stream (G_IO_STREAM (connection)), batch, &error) ||
        !advance_until (run, n))
      break;
  }
  if (error != NULL)
    case_note_error (run->one, error);
  source_compare_flat (run);
  compare_counts (run);
}

static void
run_socket (SourceRun *run)
{
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  g_autoptr (GError) error = NULL;
  guint16 number = g_socket_listener_add_any_inet_port (listener, NULL, &error);
  g_autofree char *port = g_strdup_printf ("%u", number);
  WeirStream *stream = weir_socket_text_stream (run->session.ctx, "127.0.0.1", port);

  if (number == 0)
    case_note_error (run->one, error);
  else if (source_build (run, stream))
    serve (run, listener);
  session_close (&run->session);
}

typedef void (*RunSource) (SourceRun *run);

static RunSource
find_source (const char *plain)
{
  static const struct {
    const char *name;
    RunSource run;
  } sources[] = {
    { "queuestream", run_queue },    { "sockettextstream", run_socket }, { "socketstream", run_socket },
    { "textfilestream", run_files }, { "filestream", run_files },        { "binaryrecordsstream", run_files },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    if (g_str_equal (sources[i].name, plain))
      return sources[i].run;
  return NULL;
}

gboolean
run_is_source (JsonObject *op)
{
  const char *name = json_member_text (op, "op");
  g_autofree char *plain = chain_plain_name (name != NULL ? name : "");

  return g_str_equal (plain, "kafkadirect") || find_source (plain) != NULL;
}

void
run_source (Case *one)
{
  static const WeirListener listener = { .batch_completed = count_records };
  JsonNode *ops = json_member (one->json, "ops");
  SourceRun run = { .one = one, .op = json_array_get_object_element (json_node_get_array (ops), 0) };
  const char *name = json_member_text (run.op, "op");
  g_autofree char *plain = chain_plain_name (name != NULL ? name : "");
  RunSource source = find_source (plain);

  if (g_str_equal (plain, "kafkadirect")) {
    run_kafka (one, run.op);
    return;
  }
  if (source == NULL) {
    case_note (one, CASE_UNSUPPORTED, "unknown source '%s'", plain);
    return;
  }
  if (!session_open (&run.session, one, 0, NULL))
    return;
  weir_context_add_listener (run.session.ctx, &listener, &run);
  source (&run);
}
