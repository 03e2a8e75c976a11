/* kafka_offsets_to_redis BROKERS GROUP TOPIC REDIS_HOST REDIS_PORT: totals of words in Redis, with the offsets beside them.
 *
 * Shows a job that keeps its own books and needs no checkpoint: each batch adds its counts to the hash GROUP:totals and
 * moves the offsets in GROUP:offsets in one Redis transaction, and a start begins where that hash says. So a batch is in
 * the totals once or not at all, whenever the job is killed. Should a second job write the same hashes, its offsets do
 * not fit, and one of the two ends.
 *
 *   kafka_offsets_to_redis localhost:9092 redis-totals lines localhost 6379
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <hiredis/hiredis.h>
#include <string.h>
#include <weir/kafka.h>
#include <weir/weir.h>

typedef struct {
  redisContext *redis;
  char *totals, *offsets; /* names of hashes */
} Books;

static void
split_words (WeirTask *task, WeirValue record, gpointer user_data)
{
  WeirValue line = weir_val (record), word;

  while (weir_text_next_token (&line, ' ', &word))
    weir_emit_pair (task, word, weir_int (1));
}

/* The reply to a command, transfer full; NULL with an error: what Redis has done is then not known. */
static redisReply *
take (Books *books, redisReply *reply, GError **error)
{
  if (reply != NULL && reply->type != REDIS_REPLY_ERROR)
    return reply;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_SINK, "Redis: %s", reply != NULL ? reply->str : books->redis->errstr);
  if (reply != NULL)
    freeReplyObject (reply);
  return NULL;
}

static gboolean
run (Books *books, redisReply *reply, GError **error)
{
  reply = take (books, reply, error);
  if (reply == NULL)
    return FALSE;
  freeReplyObject (reply);
  return TRUE;
}

/* What is in the books must be what the batch begins with: else somebody else has written there. */
static gboolean
check_range (Books *books, const WeirOffsetRange *range, GError **error)
{
  redisReply *reply =
      take (books, redisCommand (books->redis, "HGET %s %s:%d", books->offsets, range->topic, range->partition), error);
  gboolean ok;

  if (reply == NULL)
    return FALSE;
  ok = reply->type == REDIS_REPLY_NIL || g_ascii_strtoll (reply->str, NULL, 10) == range->from;
  if (!ok)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_SINK,
                 "%s says %s for %s:%d and the batch begins at %" G_GINT64_FORMAT
                 ": is there a second job? Start this one again",
                 books->offsets, reply->str, range->topic, range->partition, range->from);
  freeReplyObject (reply);
  return ok;
}

static gboolean
add_count (Books *books, WeirValue pair, GError **error)
{
  WeirValue word = weir_key (pair);

  return run (books,
              redisCommand (books->redis, "HINCRBY %s %b %lld", books->totals, weir_data (word), weir_size (word),
                            (long long) weir_as_int (weir_val (pair))),
              error);
}

static gboolean
move_offset (Books *books, const WeirOffsetRange *range, GError **error)
{
  return run (books,
              redisCommand (books->redis, "HSET %s %s:%d %lld", books->offsets, range->topic, range->partition,
                            (long long) range->until),
              error);
}

/* TRUE: all or nothing of it was done, and it was all. */
static gboolean
execute (Books *books, GError **error)
{
  redisReply *reply = take (books, redisCommand (books->redis, "EXEC"), error);
  gboolean ok = reply != NULL && reply->type == REDIS_REPLY_ARRAY;

  if (reply != NULL && !ok)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_SINK, "%s has changed meanwhile: is there a second job?",
                 books->offsets);
  if (reply != NULL)
    freeReplyObject (reply);
  return ok;
}

static gboolean
write_batch (WeirDataset *counts, WeirTime time, gpointer user_data, GError **error)
{
  Books *books = user_data;
  gsize n_ranges;
  const WeirOffsetRange *ranges = weir_dataset_offset_ranges (counts, &n_ranges);
  g_autoptr (GArray) pairs = weir_dataset_collect (counts, error);
  gboolean ok = pairs != NULL && run (books, redisCommand (books->redis, "WATCH %s", books->offsets), error);

  for (gsize i = 0; i < n_ranges && ok; i++)
    ok = check_range (books, &ranges[i], error);
  ok = ok && run (books, redisCommand (books->redis, "MULTI"), error);
  for (guint i = 0; ok && i < pairs->len; i++)
    ok = add_count (books, g_array_index (pairs, WeirValue, i), error);
  for (gsize i = 0; i < n_ranges && ok; i++)
    ok = move_offset (books, &ranges[i], error);
  return ok && execute (books, error);
}

/* The books' offsets: "topic:partition", offset, "topic:partition", offset … */
static gboolean
start_where_books_end (Books *books, WeirStream *records, GError **error)
{
  redisReply *reply = take (books, redisCommand (books->redis, "HGETALL %s", books->offsets), error);

  if (reply == NULL)
    return FALSE;
  for (size_t i = 0; i + 1 < reply->elements; i += 2) {
    char *colon = strrchr (reply->element[i]->str, ':');

    if (colon == NULL)
      continue;
    *colon = '\0';
    weir_kafka_start_at (records, reply->element[i]->str, (gint32) g_ascii_strtoll (colon + 1, NULL, 10),
                         g_ascii_strtoll (reply->element[i + 1]->str, NULL, 10));
  }
  freeReplyObject (reply);
  return TRUE;
}

static gboolean
books_open (Books *books, const char *group, const char *host, const char *port, GError **error)
{
  books->totals = g_strconcat (group, ":totals", NULL);
  books->offsets = g_strconcat (group, ":offsets", NULL);
  books->redis =
      redisConnectWithTimeout (host, (int) g_ascii_strtoll (port, NULL, 10), (struct timeval){ .tv_sec = 5 });
  if (books->redis != NULL && books->redis->err == 0)
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_SINK, "Redis at %s:%s: %s", host, port,
               books->redis != NULL ? books->redis->errstr : "out of memory");
  return FALSE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("kafka_offsets_to_redis", WEIR_SECONDS (1));
  Books books = { 0 };

  weir_context_set_usage (ctx, "BROKERS GROUP TOPIC REDIS_HOST REDIS_PORT");
  if (!weir_context_parse_args (ctx, &argc, &argv, &error) || !books_open (&books, argv[2], argv[4], argv[5], &error))
    return weir_exit_with_error (error);

  WeirKafka *kafka = weir_kafka_new (ctx, argv[1], argv[2]);
  if (!weir_kafka_set (kafka, "auto.offset.reset", "earliest", &error))
    return weir_exit_with_error (error);

  WeirStream *records = weir_kafka_direct_stream (kafka, argv[3]);
  if (!start_where_books_end (&books, records, &error))
    return weir_exit_with_error (error);
  WeirStream *words = weir_flat_map (records, split_words, NULL);
  weir_foreach_batch (weir_reduce_by_key (words, WEIR_SUM, NULL), write_batch, &books);

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  redisFree (books.redis);
  g_free (books.totals);
  g_free (books.offsets);
  return 0;
}
