/* jobs-test.c: whole jobs, from a socket to an output. What they count is what a plain loop counts, whatever the number
 * of workers and partitions and however the bytes were cut into batches.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/integration/corpus.h"
#include "tests/integration/tally.h"
#include "tests/sources/socket-job.h"

#define LOOPBACK    "127.0.0.1"
#define CORPUS_SIZE ((gsize) 1000 * 1000) /* enough for several partitions of a socket's batch */

static void
split_words (WeirTask *task, WeirValue line, gpointer user_data)
{
  WeirValue word;

  while (weir_text_next_token (&line, ' ', &word))
    weir_emit_pair (task, word, weir_int (1));
}

/* The ways to write a word count. */

static WeirStream *
count_by_function (WeirStream *lines)
{
  return weir_reduce_by_key (weir_flat_map (lines, split_words, NULL), WEIR_SUM, NULL);
}

static WeirStream *
count_by_verbs (WeirStream *lines)
{
  return weir_reduce_by_key (weir_with_value (weir_split (lines, ' '), weir_int (1)), WEIR_SUM, NULL);
}

static WeirStream *
count_by_value (WeirStream *lines)
{
  return weir_count_by_value (weir_split (lines, ' '));
}

static WeirValue
add (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  return weir_int (weir_as_int (a) + weir_as_int (b));
}

static WeirStream *
count_by_own_sum (WeirStream *lines)
{
  return weir_reduce_by_key (weir_flat_map (lines, split_words, NULL), add, NULL);
}

static WeirStream *
count_after_repartition (WeirStream *lines)
{
  return count_by_function (weir_repartition (lines, 5));
}

/* A text and what a plain loop counts in it. */
typedef struct {
  GString *text;
  char *counts;
  gint64 n_words;
} Corpus;

static void
corpus_init (Corpus *corpus, guint32 seed, gsize size)
{
  g_autoptr (GHashTable) plain = NULL;

  corpus->text = corpus_new (seed, size);
  plain = corpus_count (corpus->text->str, corpus->text->len);
  corpus->counts = corpus_text (plain);
  corpus->n_words = corpus_sum (plain);
}

static void
corpus_clear (Corpus *corpus)
{
  g_string_free (corpus->text, TRUE);
  g_free (corpus->counts);
}

static void
expect_counted (Tally *tally, const Corpus *corpus)
{
  g_autofree char *counted = tally_text (tally);

  g_assert_cmpint (tally_sum (tally), ==, corpus->n_words);
  g_assert_true (strcmp (counted, corpus->counts) == 0); /* too long to be shown */
}

/* One batch holds the whole text: it is planned by the stop, when all has been received. */
static void
count_at_once (const Corpus *corpus, const char *workers, const char *partitions,
               WeirStream *(*count) (WeirStream *lines))
{
  g_autoptr (SocketJob) job = socket_job_new (NEVER);
  g_autoptr (Tally) tally = NULL;
  Peer peer;

  peer_open (&peer);
  socket_job_set (job, "workers", workers);
  socket_job_set (job, "partitions", partitions);
  tally = tally_new (count (weir_socket_text_stream (socket_job_context (job), LOOPBACK, peer.port)));
  socket_job_start (job);
  peer_accept (&peer);
  peer_send (&peer, corpus->text->str, corpus->text->len);
  peer_close (&peer);
  socket_job_await_log (job, "the peer has closed", 1);
  socket_job_stop (job);
  g_assert_cmpuint (tally_n_batches (tally), ==, 1);
  expect_counted (tally, corpus);
  peer_clear (&peer);
}

static void
test_workers_and_partitions_change_nothing (void)
{
  const char *workers[] = { "1", "2", "7" }, *partitions[] = { "1", "3", "16" };
  Corpus corpus;

  corpus_init (&corpus, 7, CORPUS_SIZE);
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    for (guint k = 0; k < G_N_ELEMENTS (partitions); k++)
      count_at_once (&corpus, workers[i], partitions[k], count_by_function);
  corpus_clear (&corpus);
}

static void
test_all_ways_to_write_it_count_the_same (void)
{
  Corpus corpus;

  corpus_init (&corpus, 8, CORPUS_SIZE);
  count_at_once (&corpus, "2", "3", count_by_verbs);
  count_at_once (&corpus, "2", "3", count_by_value);
  count_at_once (&corpus, "2", "3", count_by_own_sum);
  count_at_once (&corpus, "2", "3", count_after_repartition);
  corpus_clear (&corpus);
}

/* Sends a text in pieces that end anywhere, with at least one batch after each. */
static void
send_in_pieces (SocketJob *job, Peer *peer, const Corpus *corpus, guint n_pieces)
{
  const GString *text = corpus->text;

  for (guint i = 0; i < n_pieces; i++) {
    gsize from = text->len * i / n_pieces, to = text->len * (i + 1) / n_pieces;

    peer_send (peer, text->str + from, to - from);
    socket_job_await_batches (job, 1);
  }
}

static void
test_batches_add_up (void)
{
  g_autoptr (SocketJob) job = socket_job_new (WEIR_MILLISECONDS (2));
  g_autoptr (Tally) tally = NULL;
  Corpus corpus;
  Peer peer;

  corpus_init (&corpus, 9, 200 * 1000);
  peer_open (&peer);
  tally = tally_new (count_by_value (weir_socket_text_stream (socket_job_context (job), LOOPBACK, peer.port)));
  socket_job_start (job);
  peer_accept (&peer);
  send_in_pieces (job, &peer, &corpus, 100);
  socket_job_stop (job);
  g_assert_cmpuint (tally_n_batches (tally), >=, 100);
  expect_counted (tally, &corpus);
  corpus_clear (&corpus);
  peer_clear (&peer);
}

#define PANE WEIR_MILLISECONDS (10)

/* Each window is the sum of the batches in it; windows follow each other by the slide. */
static void
expect_windows (Tally *windows, Tally *batches, WeirTime length, WeirTime slide)
{
  guint n_words = 0;

  g_assert_cmpuint (tally_n_batches (windows), >, 0);
  for (guint i = 0; i < tally_n_batches (windows); i++) {
    WeirTime time = tally_time (windows, i);
    g_autofree char *expected = tally_text_between (batches, time - length, time);
    g_autofree char *counted = tally_text_between (windows, time - 1, time);

    g_assert_cmpint (time - tally_time (windows, 0), ==, i * slide);
    g_assert_cmpstr (counted, ==, expected);
    n_words += (guint) strlen (counted);
  }
  g_assert_cmpuint (n_words, >, 0);
}

static WeirStream *
window_by_keys (WeirStream *words, WeirTime length, WeirTime slide)
{
  return weir_reduce_by_key_and_window (weir_with_value (words, weir_int (1)), WEIR_SUM, NULL, length, slide, NULL);
}

static WeirStream *
window_by_own_sum (WeirStream *words, WeirTime length, WeirTime slide)
{
  return weir_reduce_by_key_and_window (weir_with_value (words, weir_int (1)), add, NULL, length, slide, NULL);
}

static WeirStream *
window_of_records (WeirStream *words, WeirTime length, WeirTime slide)
{
  return weir_count_by_value (weir_window (words, length, slide));
}

static void
count_windows (WeirStream *(*window) (WeirStream *words, WeirTime length, WeirTime slide))
{
  g_autoptr (SocketJob) job = socket_job_new (PANE);
  g_autoptr (Tally) batches = NULL, each = NULL, tumbling = NULL, sliding = NULL;
  WeirStream *words;
  Corpus corpus;
  Peer peer;

  corpus_init (&corpus, 10, 30 * 1000);
  peer_open (&peer);
  words = weir_split (weir_socket_text_stream (socket_job_context (job), LOOPBACK, peer.port), ' ');
  batches = tally_new (weir_count_by_value (words));
  each = tally_new (window (words, 5 * PANE, 0));
  tumbling = tally_new (window (words, 3 * PANE, 3 * PANE));
  sliding = tally_new (window (words, 6 * PANE, 4 * PANE));
  socket_job_start (job);
  peer_accept (&peer);
  send_in_pieces (job, &peer, &corpus, 30);
  socket_job_await_batches (job, 12); /* in which all leaves the windows */
  socket_job_stop (job);
  expect_counted (batches, &corpus);
  corpus_clear (&corpus);
  expect_windows (each, batches, 5 * PANE, PANE);
  expect_windows (tumbling, batches, 3 * PANE, 3 * PANE);
  expect_windows (sliding, batches, 6 * PANE, 4 * PANE);
  peer_clear (&peer);
}

static void
test_windows_are_sums_of_their_batches (void)
{
  count_windows (window_by_keys);
  count_windows (window_by_own_sum);
  count_windows (window_of_records);
}

static void
expect_all_counted (Tally *together, Tally *const *tallies, const Corpus *corpora, guint n)
{
  g_autoptr (GString) all = g_string_new (NULL);
  g_autoptr (GHashTable) plain = NULL;
  g_autofree char *expected = NULL, *counted = tally_text (together);

  for (guint i = 0; i < n; i++) {
    expect_counted (tallies[i], &corpora[i]);
    g_string_append_len (all, corpora[i].text->str, (gssize) corpora[i].text->len);
  }
  plain = corpus_count (all->str, all->len);
  expected = corpus_text (plain);
  g_assert_true (strcmp (counted, expected) == 0);
}

static void
test_several_sockets_in_one_job (void)
{
  g_autoptr (SocketJob) job = socket_job_new (WEIR_MILLISECONDS (5));
  WeirContext *ctx = socket_job_context (job);
  Tally *tallies[3], *together;
  WeirStream *lines[3];
  Corpus corpora[3];
  Peer peers[3];

  for (guint i = 0; i < 3; i++) {
    corpus_init (&corpora[i], 20 + i, 40 * 1000 * i);
    peer_open (&peers[i]);
    lines[i] = weir_socket_text_stream (ctx, LOOPBACK, peers[i].port);
    tallies[i] = tally_new (count_by_function (lines[i]));
  }
  together = tally_new (count_by_value (weir_union (weir_union (lines[2], lines[0]), lines[1])));
  socket_job_start (job);
  for (guint i = 3; i-- > 0;) {
    peer_accept (&peers[i]);
    send_in_pieces (job, &peers[i], &corpora[i], 5);
  }
  socket_job_stop (job);
  expect_all_counted (together, tallies, corpora, 3);
  tally_free (together);
  for (guint i = 0; i < 3; i++) {
    tally_free (tallies[i]);
    corpus_clear (&corpora[i]);
    peer_clear (&peers[i]);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/jobs/workers-and-partitions-change-nothing", test_workers_and_partitions_change_nothing);
  g_test_add_func ("/jobs/all-ways-to-write-it-count-the-same", test_all_ways_to_write_it_count_the_same);
  g_test_add_func ("/jobs/batches-add-up", test_batches_add_up);
  g_test_add_func ("/jobs/windows-are-sums-of-their-batches", test_windows_are_sums_of_their_batches);
  g_test_add_func ("/jobs/several-sockets-in-one-job", test_several_sockets_in_one_job);
  return g_test_run ();
}
