/* http_line_receiver URL: running totals of the words in the lines that a web server sends without end.
 *
 * Shows a receiver of one's own, with libcurl: it connects on its own thread, stores each line, and asks to be started again
 * when the server has gone. While weir holds it back curl's callback waits, and with it the server.
 *
 *   http_line_receiver http://localhost:8000/lines --checkpoint=file://$PWD/totals --receiver.wal=true
 *
 * With the log, lines that had come in and were not counted when the program was killed are counted when it runs again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/connector.h>
#include <weir/weir.h>

#include <string.h>

#include <curl/curl.h>

#define LONGEST_LINE (1024 * 1024)

typedef struct {
  CURLM *multi; /* of one transfer: run waits in it, and stop may wake it */
  CURL *transfer;
  GString *line; /* what has come of the last one */
} HttpReceiver;

static void
store_line (WeirReceiver *receiver, const char *line, gsize size)
{
  if (size > 0 && line[size - 1] == '\r')
    size--;
  weir_receiver_store (receiver, weir_text_n (line, size));
}

/* curl's: some bytes of the answer. */
static size_t
take_bytes (char *bytes, size_t one, size_t size, void *data)
{
  WeirReceiver *receiver = data;
  HttpReceiver *self = weir_receiver_instance (receiver);
  const char *line, *end;

  g_string_append_len (self->line, bytes, (gssize) size);
  line = self->line->str;
  while ((end = memchr (line, '\n', self->line->len - (gsize) (line - self->line->str))) != NULL) {
    store_line (receiver, line, (gsize) (end - line));
    line = end + 1;
  }
  g_string_erase (self->line, 0, line - self->line->str);
  return self->line->len <= LONGEST_LINE ? size : 0; /* 0 ends the transfer */
}

static void
clean_up (HttpReceiver *self)
{
  if (self->multi != NULL && self->transfer != NULL)
    curl_multi_remove_handle (self->multi, self->transfer);
  g_clear_pointer (&self->transfer, curl_easy_cleanup);
  g_clear_pointer (&self->multi, curl_multi_cleanup);
  if (self->line != NULL)
    g_string_free (g_steal_pointer (&self->line), TRUE);
}

static gboolean
http_start (WeirReceiver *receiver, GError **error)
{
  HttpReceiver *self = weir_receiver_instance (receiver);

  self->multi = curl_multi_init ();
  self->transfer = curl_easy_init ();
  self->line = g_string_new (NULL);
  if (self->multi == NULL || self->transfer == NULL ||
      curl_easy_setopt (self->transfer, CURLOPT_URL, (const char *) weir_receiver_user_data (receiver)) != CURLE_OK) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_SOURCE, "curl has no memory left");
    clean_up (self);
    return FALSE;
  }
  curl_easy_setopt (self->transfer, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt (self->transfer, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt (self->transfer, CURLOPT_CONNECTTIMEOUT, 10L);
  curl_easy_setopt (self->transfer, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt (self->transfer, CURLOPT_WRITEFUNCTION, take_bytes);
  curl_easy_setopt (self->transfer, CURLOPT_WRITEDATA, receiver);
  curl_multi_add_handle (self->multi, self->transfer);
  return TRUE;
}

/* Why the transfer has ended. */
static const char *
reason (HttpReceiver *self)
{
  int n_left;
  CURLMsg *message = curl_multi_info_read (self->multi, &n_left);

  if (message == NULL || message->data.result == CURLE_OK)
    return "the server has ended the answer";
  if (message->data.result == CURLE_WRITE_ERROR)
    return "a line is longer than a megabyte";
  return curl_easy_strerror (message->data.result);
}

/* What came of a line that the server did not end is left out: the next answer begins with a line of its own. */
static void
http_run (WeirReceiver *receiver)
{
  HttpReceiver *self = weir_receiver_instance (receiver);
  int n_running = 1;

  while (n_running > 0 && !weir_receiver_is_stopping (receiver)) {
    curl_multi_perform (self->multi, &n_running);
    if (n_running > 0)
      curl_multi_poll (self->multi, NULL, 0, 1000, NULL);
  }
  if (n_running == 0) {
    g_autofree char *why = g_strdup_printf ("%s: %s", (const char *) weir_receiver_user_data (receiver), reason (self));

    weir_receiver_restart (receiver, why);
  }
}

/* On another thread; weir sees to it that http_end () comes later. */
static void
http_stop (WeirReceiver *receiver)
{
  HttpReceiver *self = weir_receiver_instance (receiver);

  curl_multi_wakeup (self->multi);
}

static void
http_end (WeirReceiver *receiver)
{
  clean_up (weir_receiver_instance (receiver));
}

static const WeirReceiverClass http_class = {
  .name = "http-lines",
  .instance_size = sizeof (HttpReceiver),
  .start = http_start,
  .run = http_run,
  .stop = http_stop,
  .end = http_end,
};

static void
split_words (WeirTask *task, WeirValue line, gpointer user_data)
{
  WeirValue word;

  while (weir_text_next_token (&line, ' ', &word))
    weir_emit_pair (task, word, weir_int (1));
}

static WeirValue
add_up (WeirTask *task, WeirValue word, const WeirValue *ones, gsize n, WeirValue total, gpointer user_data)
{
  gint64 sum = weir_as_int (total);

  for (gsize i = 0; i < n; i++)
    sum += weir_as_int (ones[i]);
  return weir_int (sum);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("http_line_receiver", WEIR_SECONDS (1));

  weir_context_set_usage (ctx, "URL");
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);
  curl_global_init (CURL_GLOBAL_DEFAULT);

  WeirStream *lines = weir_receiver_stream (ctx, &http_class, argv[1]);
  weir_stream_set_uid (lines, "lines");
  WeirStream *words = weir_flat_map (lines, split_words, NULL);
  WeirStream *totals = weir_update_state_by_key (words, add_up, NULL);
  weir_stream_set_uid (totals, "totals");
  weir_print (totals, 10);

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
