/* faults-test.c: mistakes in a graph and faults in a batch, through the public interface. Each is one error that says
 * where, what and what to do; nothing crashes, and what is not counted as a record is counted as rejected.
 *
 * Batches come from a socket and are planned by a graceful stop, so that there is one and it holds all that was sent.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/sources/socket-job.h"

#define LOOPBACK "127.0.0.1"

static void
expect_error (const GError *error, gint code, const char *part)
{
  g_assert_error (error, WEIR_ERROR, code);
  if (strstr (error->message, part) == NULL)
    g_error ("'%s' does not say '%s'", error->message, part);
}

/* Graphs that cannot start. */

typedef struct {
  const char *name;
  void (*build) (WeirStream *lines, WeirStream *other);
  const char *says;
} Mistake;

static void
no_output (WeirStream *lines, WeirStream *other)
{
  weir_count_by_value (weir_split (lines, ' '));
}

static void
stream_of_another_context (WeirStream *lines, WeirStream *other)
{
  weir_print (weir_union (lines, other), 1);
}

static void
window_no_multiple (WeirStream *lines, WeirStream *other)
{
  weir_print (weir_stream_set_name (weir_window (lines, WEIR_MILLISECONDS (2500), 0), "too odd"), 1);
}

static void
slide_no_multiple (WeirStream *lines, WeirStream *other)
{
  weir_print (weir_reduce_by_key_and_window (lines, WEIR_SUM, NULL, WEIR_SECONDS (2), WEIR_MILLISECONDS (500), NULL),
              1);
}

static void
window_no_multiple_of_a_slower_parent (WeirStream *lines, WeirStream *other)
{
  weir_print (weir_window (weir_window (lines, WEIR_SECONDS (4), WEIR_SECONDS (2)), WEIR_SECONDS (3), 0), 1);
}

static void
window_of_no_length (WeirStream *lines, WeirStream *other)
{
  weir_print (weir_window (lines, 0, 0), 1);
}

static void
unequal_slides (WeirStream *lines, WeirStream *other)
{
  weir_print (weir_union (lines, weir_window (lines, WEIR_SECONDS (2), WEIR_SECONDS (2))), 1);
}

static void
no_function (WeirStream *lines, WeirStream *other)
{
  weir_print (weir_map (lines, NULL, NULL), 1);
}

static void
no_partitions (WeirStream *lines, WeirStream *other)
{
  weir_print (weir_stream_set_partitions (weir_count_by_value (lines), 0), 1);
}

static void
one_uid_for_two (WeirStream *lines, WeirStream *other)
{
  weir_print (weir_stream_set_uid (weir_count_by_value (weir_stream_set_uid (lines, "words")), "words"), 1);
}

static void
two_outputs_in_one_folder (WeirStream *lines, WeirStream *other)
{
  weir_save_as_text_files (lines, "out", NULL);
  weir_save_as_text_files (weir_count_by_value (lines), "out", NULL);
}

static const Mistake mistakes[] = {
  { "no-output", no_output, "the graph has no output, so nothing would ever run: add one" },
  { "stream-of-another-context", stream_of_another_context, "of another context: build both in one context" },
  { "window-no-multiple", window_no_multiple, "too odd has a window of 2500ms, no multiple of the 1s" },
  { "slide-no-multiple", slide_no_multiple, "has a slide of 500ms, no multiple of the 1s" },
  { "window-no-multiple-of-a-slower-parent", window_no_multiple_of_a_slower_parent,
    "has a window of 3s, no multiple of the 2s" },
  { "window-of-no-length", window_of_no_length, "give a length above 0" },
  { "unequal-slides", unequal_slides, "bring both to one slide" },
  { "no-function", no_function, "map-1" },
  { "no-partitions", no_partitions, "1 to 256" },
  { "one-uid-for-two", one_uid_for_two, "socket_text_stream-0 and count_by_value-1 have the same uid 'words'" },
  { "two-outputs-in-one-folder", two_outputs_in_one_folder, "saves into the same folders as save_as_text_files-0" },
};

static void
a_mistake_is_one_error_of_the_start (gconstpointer data)
{
  const Mistake *mistake = data;
  g_autoptr (WeirContext) ctx = weir_context_new ("mistaken", WEIR_SECONDS (1));
  g_autoptr (WeirContext) another = weir_context_new ("another", WEIR_SECONDS (1));
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) again = NULL;

  mistake->build (weir_socket_text_stream (ctx, LOOPBACK, "9"), weir_socket_text_stream (another, LOOPBACK, "9"));
  g_assert_false (weir_context_start (ctx, &error));
  expect_error (error, WEIR_ERROR_GRAPH, mistake->says);
  g_assert_null (strchr (error->message, '\n'));
  g_assert_cmpint (weir_context_state (ctx), ==, WEIR_STOPPED);
  g_assert_false (weir_context_start (ctx, &again));
  g_assert_error (again, WEIR_ERROR, WEIR_ERROR_CLOSED);
}

static void
all_mistakes_are_told_at_once (void)
{
  g_autoptr (WeirContext) ctx = weir_context_new ("mistaken", WEIR_SECONDS (1));
  g_autoptr (GError) error = NULL;
  WeirStream *lines = weir_socket_text_stream (ctx, LOOPBACK, "no port");

  window_no_multiple (lines, NULL);
  no_function (lines, NULL);
  g_assert_false (weir_context_start (ctx, &error));
  expect_error (error, WEIR_ERROR_GRAPH, "no port");
  expect_error (error, WEIR_ERROR_GRAPH, "too odd has a window");
  expect_error (error, WEIR_ERROR_GRAPH, "map-2");
}

static void
an_interval_out_of_range_is_a_mistake (void)
{
  const WeirTime intervals[] = { 0, -1, 999, WEIR_MINUTES (24 * 60) + 1 };

  for (guint i = 0; i < G_N_ELEMENTS (intervals); i++) {
    g_autoptr (WeirContext) ctx = weir_context_new ("mistaken", intervals[i]);
    g_autoptr (GError) error = NULL;

    weir_print (weir_socket_text_stream (ctx, LOOPBACK, "9"), 1);
    g_assert_false (weir_context_start (ctx, &error));
    expect_error (error, WEIR_ERROR_GRAPH, "the context's batch interval");
  }
}

static void
options_are_checked_when_they_are_set (void)
{
  g_autoptr (WeirContext) ctx = weir_context_new ("mistaken", WEIR_SECONDS (1));
  g_autoptr (GError) unknown = NULL;
  g_autoptr (GError) out_of_range = NULL;
  g_autoptr (GError) no_number = NULL;

  g_assert_false (weir_context_set (ctx, "worker", "2", &unknown));
  expect_error (unknown, WEIR_ERROR_OPTION, "did you mean workers");
  g_assert_false (weir_context_set (ctx, "workers", "0", &out_of_range));
  expect_error (out_of_range, WEIR_ERROR_OPTION, "workers");
  g_assert_false (weir_context_set (ctx, "memory.limit", "much", &no_number));
  expect_error (no_number, WEIR_ERROR_OPTION, "memory.limit");
}

/* Batches that fail. */

static void
run_into (void (*build) (WeirStream *lines), const char *text, gint code, const char *part)
{
  g_autoptr (SocketJob) job = socket_job_new (NEVER);
  WeirContext *ctx = socket_job_context (job);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) again = NULL;
  Peer peer;

  peer_open (&peer);
  socket_job_set (job, "workers", "3");
  socket_job_set (job, "memory.limit", "64MB");
  build (weir_socket_text_stream (ctx, LOOPBACK, peer.port));
  socket_job_start (job);
  peer_accept (&peer);
  peer_send_text (&peer, text);
  peer_close (&peer);
  socket_job_await_log (job, "the peer has closed", 1);
  weir_context_stop (ctx, TRUE);
  g_assert_cmpint (weir_context_await (ctx, WEIR_MILLISECONDS (PEER_DEADLINE_MS), &error), ==, WEIR_WAIT_FAILED);
  expect_error (error, code, part);
  g_assert_true (g_str_has_prefix (error->message, "batch "));
  g_assert_cmpint (weir_context_await (ctx, 0, &again), ==, WEIR_WAIT_FAILED);
  g_assert_cmpstr (again->message, ==, error->message);
  peer_clear (&peer);
}

static gboolean
refuse_bad (WeirTask *task, WeirValue line, gpointer user_data)
{
  if (weir_equal (line, weir_text ("bad")))
    weir_fail (task, "a line says '%s'", weir_cstr (task, line));
  return TRUE;
}

static gboolean
ask_for_count (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  gsize count;

  return weir_dataset_count (data, &count, error);
}

static void
build_refusal (WeirStream *lines)
{
  weir_output_set_name (
      weir_foreach_batch (weir_stream_set_name (weir_filter (lines, refuse_bad, NULL), "checked"), ask_for_count, NULL),
      "figures");
}

static void
a_function_that_fails_fails_the_batch (void)
{
  run_into (build_refusal, "good\nbad\ngood\n", WEIR_ERROR_USER, "ms: figures: checked: a line says 'bad'");
}

static void
many_failures_are_one_error (void)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < 500000; i++)
    g_string_append (text, "bad\n");
  run_into (build_refusal, text->str, WEIR_ERROR_USER, "ms: figures: checked: a line says 'bad'");
}

/* "word number" becomes (word, number); a line that is no such thing stays as it is. */
static WeirValue
parse_amount (WeirTask *task, WeirValue line, gpointer user_data)
{
  WeirValue word, number;
  gint64 n;

  if (!weir_text_field (line, ' ', 0, &word) || !weir_text_field (line, ' ', 1, &number) ||
      !weir_parse_int (number, &n))
    return line;
  return weir_pair (task, word, weir_int (n));
}

static void
build_sum (WeirStream *lines)
{
  weir_foreach_batch (weir_reduce_by_key (weir_map (lines, parse_amount, NULL), WEIR_SUM, NULL), ask_for_count, NULL);
}

static void
build_window_sum (WeirStream *lines)
{
  weir_foreach_batch (
      weir_reduce_by_key_and_window (weir_map (lines, parse_amount, NULL), WEIR_SUM, NULL, 2 * NEVER, 0, NULL),
      ask_for_count, NULL);
}

static void
build_plain_sum (WeirStream *lines)
{
  weir_foreach_batch (weir_reduce (lines, WEIR_SUM, NULL), ask_for_count, NULL);
}

static void
a_sum_that_does_not_fit_is_an_error (void)
{
  run_into (build_sum, "a 1\nb 9223372036854775807\nb 1\n", WEIR_ERROR_OVERFLOW, "reduce_by_key-2");
  run_into (build_sum, "b -9223372036854775808\nb -1\n", WEIR_ERROR_OVERFLOW, "reduce_by_key-2");
  run_into (build_window_sum, "b 9223372036854775807\nb 1\n", WEIR_ERROR_OVERFLOW, "reduce_by_key_and_window-2");
}

static void
a_plain_value_in_a_keyed_operator_is_an_error (void)
{
  run_into (build_sum, "a 1\nno pair\n", WEIR_ERROR_KIND, "reduce_by_key-2");
  run_into (build_window_sum, "a 1\nno pair\n", WEIR_ERROR_KIND, "reduce_by_key_and_window-2");
}

static void
a_sum_of_texts_is_an_error (void)
{
  run_into (build_plain_sum, "a\nb\n", WEIR_ERROR_KIND, "reduce-1");
}

static void
repeat (WeirTask *task, WeirValue line, gpointer user_data)
{
  for (gint64 i = 0; i < 10 * 1000 * 1000; i++)
    weir_emit_pair (task, line, weir_int (i));
}

static void
build_groups (WeirStream *lines)
{
  weir_foreach_batch (weir_group_by_key (weir_flat_map (lines, repeat, NULL)), ask_for_count, NULL);
}

static void
a_batch_that_needs_too_much_memory_is_an_error (void)
{
  run_into (build_groups, "a\n", WEIR_ERROR_MEMORY_LIMIT, "memory.limit");
}

static gboolean
refuse_silently (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  return FALSE;
}

static void
build_silent_refusal (WeirStream *lines)
{
  weir_foreach_batch (lines, refuse_silently, NULL);
}

static void
an_output_that_says_nothing_is_spoken_for (void)
{
  run_into (build_silent_refusal, "a\n", WEIR_ERROR_USER, "foreach_batch-0: the job's function returned FALSE");
}

/* Records that are bad, in batches that go on. */

static gboolean
keep_numbers (WeirTask *task, WeirValue line, gpointer user_data)
{
  gint64 n;

  if (!weir_parse_int (line, &n))
    weir_reject (task, line, weir_size (line) == 0 ? "empty" : "no number");
  return TRUE;
}

static WeirValue
tell_reason (WeirTask *task, WeirValue rejected, gpointer user_data)
{
  return weir_format (task, "%s: %s", weir_cstr (task, weir_key (rejected)), weir_cstr (task, weir_val (rejected)));
}

static void
what_is_rejected_is_counted_by_reason_and_kept_apart (void)
{
  g_autoptr (SocketJob) job = socket_job_new (NEVER);
  g_autofree char *records = NULL, *rejects = NULL;
  WeirStream *numbers;
  Peer peer;

  peer_open (&peer);
  numbers = weir_filter (weir_socket_text_stream (socket_job_context (job), LOOPBACK, peer.port), keep_numbers, NULL);
  socket_job_read (job, numbers);
  socket_job_read (job, weir_map (weir_rejected (numbers), tell_reason, NULL));
  socket_job_start (job);
  peer_accept (&peer);
  peer_send_text (&peer, "1\nx\n\n2\ny\n");
  peer_close (&peer);
  socket_job_await_log (job, "the peer has closed", 1);
  socket_job_stop (job);
  rejects = socket_job_rejects (job);
  g_assert_cmpstr (rejects, ==, "1 filter-1: empty\n2 filter-1: no number\n");
  records = socket_job_records (job);
  g_assert_cmpstr (records, ==, "1|2|no number: x|empty: |no number: y|");
  peer_clear (&peer);
}

static void
start_twice (void)
{
  g_autoptr (SocketJob) job = socket_job_new (NEVER);
  WeirContext *ctx = socket_job_context (job);
  g_autoptr (GError) twice = NULL;
  g_autoptr (GError) set = NULL;

  socket_job_read (job, weir_socket_text_stream (ctx, LOOPBACK, "9"));
  socket_job_start (job);
  g_assert_false (weir_context_start (ctx, &twice));
  expect_error (twice, WEIR_ERROR_FAILED, "runs already");
  g_assert_false (weir_context_set (ctx, "workers", "2", &set));
  expect_error (set, WEIR_ERROR_OPTION, "set it before");
  socket_job_stop (job);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (mistakes); i++) {
    g_autofree char *path = g_strdup_printf ("/faults/graph/%s", mistakes[i].name);

    g_test_add_data_func (path, &mistakes[i], a_mistake_is_one_error_of_the_start);
  }
  g_test_add_func ("/faults/graph/all-mistakes-are-told-at-once", all_mistakes_are_told_at_once);
  g_test_add_func ("/faults/graph/an-interval-out-of-range", an_interval_out_of_range_is_a_mistake);
  g_test_add_func ("/faults/options-are-checked-when-they-are-set", options_are_checked_when_they_are_set);
  g_test_add_func ("/faults/a-context-starts-once", start_twice);
  g_test_add_func ("/faults/batch/a-function-that-fails", a_function_that_fails_fails_the_batch);
  g_test_add_func ("/faults/batch/many-failures-are-one-error", many_failures_are_one_error);
  g_test_add_func ("/faults/batch/a-sum-that-does-not-fit", a_sum_that_does_not_fit_is_an_error);
  g_test_add_func ("/faults/batch/a-plain-value-in-a-keyed-operator", a_plain_value_in_a_keyed_operator_is_an_error);
  g_test_add_func ("/faults/batch/a-sum-of-texts", a_sum_of_texts_is_an_error);
  g_test_add_func ("/faults/batch/too-much-memory", a_batch_that_needs_too_much_memory_is_an_error);
  g_test_add_func ("/faults/batch/an-output-that-says-nothing", an_output_that_says_nothing_is_spoken_for);
  g_test_add_func ("/faults/batch/what-is-rejected-is-counted", what_is_rejected_is_counted_by_reason_and_kept_apart);
  return g_test_run ();
}
