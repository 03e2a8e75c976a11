/* spam_filter HOST MESSAGES_PORT REPORTS_PORT SPAMMERS: lets messages pass, lines "sender text…", but for those of senders
 * that the file SPAMMERS lists, one a line, and of senders that somebody has reported in the last ten minutes, lines
 * "sender" on the second port.
 *
 * Shows a stream beside what is known from the start and beside another stream, in one transform_with: two joins by
 * sender, of which the one with the list, a dataset of the context, does not hash it again in each batch.
 *
 *   echo mallory > spammers
 *   nc -lk 9001                                      in one terminal; type "ann hello", "mallory win", "trudy win"
 *   nc -lk 9002                                      in another; type "trudy", and then the three messages once more
 *   spam_filter localhost 9001 9002 spammers         in a third
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/weir.h>

static WeirValue
by_sender (WeirTask *task, WeirValue line, gpointer user_data)
{
  WeirValue sender = weir_nil ();

  weir_text_next_token (&line, ' ', &sender);
  return weir_pair (task, sender, line);
}

/* (sender, (message, NIL)): the join has found nobody. */
static gboolean
is_unknown (WeirTask *task, WeirValue joined, gpointer user_data)
{
  return weir_is_nil (weir_val (weir_val (joined)));
}

static WeirValue
message (WeirTask *task, WeirValue message_and_mark, gpointer user_data)
{
  return weir_key (message_and_mark);
}

static WeirDataset *
without (WeirDataset *messages, WeirDataset *spammers)
{
  WeirDataset *marked = weir_dataset_left_outer_join (messages, spammers);

  return weir_dataset_map_values (weir_dataset_filter (marked, is_unknown, NULL), message, NULL);
}

static WeirDataset *
drop_spam (WeirDataset *messages, WeirDataset *reports, WeirTime time, gpointer known, GError **error)
{
  return without (without (messages, known), reports);
}

/* A file's lines as pairs (line, TRUE); the dataset copies them. */
static WeirDataset *
load_list (WeirContext *ctx, const char *path, GError **error)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (path, &text, NULL, error))
    return NULL;
  lines = g_strsplit (text, "\n", -1);

  gsize n = g_strv_length (lines);
  g_autofree WeirValue *pairs = g_new (WeirValue, n), *cells = g_new (WeirValue, 2 * n);

  for (gsize i = 0; i < n; i++) {
    WeirValue *row = &cells[2 * i];

    row[0] = weir_text (lines[i]);
    row[1] = weir_bool (TRUE);
    pairs[i] = weir_pair_at (row);
  }
  return weir_context_dataset (ctx, pairs, n, 1);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("spam_filter", WEIR_SECONDS (1));

  weir_context_set_usage (ctx, "HOST MESSAGES_PORT REPORTS_PORT SPAMMERS");
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  WeirDataset *known = load_list (ctx, argv[4], &error);
  if (known == NULL)
    return weir_exit_with_error (error);

  WeirStream *messages = weir_map (weir_socket_text_stream (ctx, argv[1], argv[2]), by_sender, NULL);
  WeirStream *reports = weir_with_value (weir_socket_text_stream (ctx, argv[1], argv[3]), weir_bool (TRUE));
  WeirStream *recent = weir_window (reports, WEIR_MINUTES (10), 0);
  weir_print (weir_transform_with (messages, recent, drop_spam, known), 10);

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
