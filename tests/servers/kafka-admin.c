/* kafka-admin: what tests written as scripts or in Python do to a Kafka broker, without a start of Java for each.
 *
 * A command line over kafka-ops.h; `kafka-admin help` lists the verbs. Exit status 0, or 1 with one line on stderr.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/servers/kafka-ops.h"

#include <stdio.h>
#include <string.h>

typedef struct {
  const char *brokers, *topic;
  char **rest; /* what follows the topic, NULL-terminated */
  int n_rest;
} Call;

typedef struct {
  const char *name, *arguments, *about;
  int n_least; /* arguments after the topic */
  gboolean (*run) (const Call *call, GError **error);
} Verb;

static gboolean
number (const char *text, gint64 *value, GError **error)
{
  return g_ascii_string_to_signed (text, 10, -1, G_MAXINT64, value, error);
}

static gboolean
number_int (const char *text, int *value, GError **error)
{
  gint64 wide = 0;
  gboolean good = g_ascii_string_to_signed (text, 10, 0, G_MAXINT32, &wide, error);
  *value = (int) wide;
  return good;
}

static gboolean
create_topic (const Call *call, GError **error)
{
  int n = 0;
  return number_int (call->rest[0], &n, error) &&
         kafka_ops_create_topic (call->brokers, call->topic, n, (const char *const *) call->rest + 1, error);
}

static gboolean
delete_topic (const Call *call, GError **error)
{
  return kafka_ops_delete_topic (call->brokers, call->topic, error);
}

static gboolean
add_partitions (const Call *call, GError **error)
{
  int n = 0;
  return number_int (call->rest[0], &n, error) && kafka_ops_add_partitions (call->brokers, call->topic, n, error);
}

static gboolean
delete_records (const Call *call, GError **error)
{
  for (char **word = call->rest; *word; word++) {
    g_auto (GStrv) parts = g_strsplit (*word, "=", 2);
    int partition = 0;
    gint64 before = 0;
    if (!parts[0] || !parts[1]) {
      g_set_error (error, KAFKA_OPS_ERROR, -1, "%s: write PARTITION=OFFSET", *word);
      return FALSE;
    }
    if (!number_int (parts[0], &partition, error) || !number (parts[1], &before, error) ||
        !kafka_ops_delete_records (call->brokers, call->topic, partition, before, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
alter_config (const Call *call, GError **error)
{
  return kafka_ops_alter_config (call->brokers, call->topic, (const char *const *) call->rest, error);
}

static gboolean
describe_config (const Call *call, GError **error)
{
  g_auto (GStrv) entries = kafka_ops_describe_config (call->brokers, call->topic, error);
  for (char **entry = entries; entry && *entry; entry++)
    puts (*entry);
  return entries != NULL;
}

static gboolean
partitions (const Call *call, GError **error)
{
  int n = kafka_ops_n_partitions (call->brokers, call->topic, error);
  if (n > 0)
    printf ("%d\n", n);
  return n > 0;
}

static gboolean
offsets (const Call *call, GError **error)
{
  int n = kafka_ops_n_partitions (call->brokers, call->topic, error);
  for (int p = 0; p < n; p++) {
    KafkaOffsets at;
    if (!kafka_ops_offsets (call->brokers, call->topic, p, &at, error))
      return FALSE;
    printf ("%d %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", p, at.first, at.end, at.committed);
  }
  return n > 0;
}

static gboolean
group_offsets (const Call *call, GError **error)
{
  int n = kafka_ops_n_partitions (call->brokers, call->topic, error);
  for (int p = 0; p < n; p++) {
    gint64 at = 0;
    g_autofree char *metadata = NULL;
    if (!kafka_ops_group_offset (call->brokers, call->rest[0], call->topic, p, &at, &metadata, error))
      return FALSE;
    printf ("%d %" G_GINT64_FORMAT " %s\n", p, at, metadata);
  }
  return n > 0;
}

/* Lines to write: numbered ones of a size at least, or those of stdin. */
typedef struct {
  gint64 n, start;
  const char *prefix;
  int size;
  gboolean from_stdin;
  GString *buffer;
} Lines;

static const char *
next_line (gint64 i, gsize *size, gpointer user_data)
{
  Lines *lines = user_data;
  GString *buffer = lines->buffer;
  g_string_truncate (buffer, 0);
  if (lines->from_stdin) {
    int c = getchar ();
    if (c == EOF)
      return NULL;
    for (; c != EOF && c != '\n'; c = getchar ())
      g_string_append_c (buffer, (char) c);
  } else {
    if (i >= lines->n)
      return NULL;
    g_string_append_printf (buffer, "%s%" G_GINT64_FORMAT, lines->prefix, lines->start + i);
    while (buffer->len < (gsize) lines->size)
      g_string_append_c (buffer, '.');
  }
  *size = buffer->len;
  return buffer->str;
}

static gboolean
produce (const Call *call, GError **error)
{
  KafkaProduce how = { 0 };
  Lines lines = { 0 };
  g_autofree char *prefix = NULL, *key = NULL, *id = NULL, *codec = NULL;
  GOptionEntry entries[] = {
    { "partitions", 0, 0, G_OPTION_ARG_INT, &how.n_partitions, "lines go round N partitions", "N" },
    { "partition", 0, 0, G_OPTION_ARG_INT, &how.first_partition, "to this one, or from this one on", "P" },
    { "prefix", 0, 0, G_OPTION_ARG_STRING, &prefix, "line i is TEXT and i (\"line \")", "TEXT" },
    { "start", 0, 0, G_OPTION_ARG_INT64, &lines.start, "number of the first line", "I" },
    { "size", 0, 0, G_OPTION_ARG_INT, &lines.size, "lines are filled up with dots to N bytes", "N" },
    { "key-prefix", 0, 0, G_OPTION_ARG_STRING, &key, "keys: TEXT and the line's number", "TEXT" },
    { "keys", 0, 0, G_OPTION_ARG_INT64, &how.n_keys, "only N keys", "N" },
    { "transaction", 0, 0, G_OPTION_ARG_STRING, &id, "in a transaction of this id", "ID" },
    { "per-transaction", 0, 0, G_OPTION_ARG_INT64, &how.per_transaction, "lines in a transaction (all)", "N" },
    { "abort", 0, 0, G_OPTION_ARG_NONE, &how.abort, "transactions end in an abort", NULL },
    { "leave-open", 0, 0, G_OPTION_ARG_NONE, &how.leave_open, "the transaction does not end", NULL },
    { "timeout", 0, 0, G_OPTION_ARG_INT, &how.transaction_timeout_ms, "transaction.timeout.ms", "MS" },
    { "timestamp", 0, 0, G_OPTION_ARG_INT64, &how.timestamp_ms, "CreateTime of all", "MS" },
    { "compression", 0, 0, G_OPTION_ARG_STRING, &codec, "gzip, snappy, lz4 or zstd", "CODEC" },
    { 0 },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("");
  g_option_context_add_main_entries (context, entries, NULL);
  /* The first word, the number of lines, stands where a parser expects the name of the program. */
  g_auto (GStrv) words = g_strdupv (call->rest);
  if (!g_option_context_parse_strv (context, &words, error))
    return FALSE;
  lines.from_stdin = strcmp (words[0], "-") == 0;
  if (!lines.from_stdin && !number (words[0], &lines.n, error))
    return FALSE;
  lines.prefix = prefix ? prefix : "line ";
  how.key_prefix = key, how.transactional_id = id, how.compression = codec;
  g_autoptr (GString) buffer = g_string_new (NULL);
  lines.buffer = buffer;
  return kafka_ops_produce (call->brokers, call->topic, &how, next_line, &lines, error) >= 0;
}

static gboolean
print_record (const KafkaRecord *record, gpointer user_data)
{
  gint64 *left = user_data;
  if (!*left)
    return FALSE;
  printf ("%d %" G_GINT64_FORMAT " ", record->partition, record->offset);
  fwrite (record->key ? record->key : "-", 1, record->key ? record->key_size : 1, stdout);
  putchar (' ');
  fwrite (record->value, 1, record->value_size, stdout);
  putchar ('\n');
  return --*left > 0;
}

static gboolean
read_topic (const Call *call, GError **error)
{
  gint64 left = G_MAXINT64;
  gboolean uncommitted = FALSE;
  for (char **word = call->rest; *word; word++)
    if (strcmp (*word, "--uncommitted") == 0)
      uncommitted = TRUE;
    else if (!number (*word, &left, error))
      return FALSE;
  return kafka_ops_read (call->brokers, call->topic, uncommitted, print_record, &left, error);
}

static const Verb VERBS[] = {
  { "create-topic", "TOPIC PARTITIONS [NAME=VALUE...]", "and wait until it has leaders", 1, create_topic },
  { "delete-topic", "TOPIC", "and wait until it is gone", 0, delete_topic },
  { "add-partitions", "TOPIC TOTAL", "", 1, add_partitions },
  { "delete-records", "TOPIC PARTITION=OFFSET...", "all before the offset, -1: all", 1, delete_records },
  { "alter-config", "TOPIC NAME=VALUE...", "what is not named stays", 1, alter_config },
  { "describe-config", "TOPIC", "NAME=VALUE lines", 0, describe_config },
  { "partitions", "TOPIC", "their number", 0, partitions },
  { "offsets", "TOPIC", "lines PARTITION FIRST END COMMITTED-END", 0, offsets },
  { "group-offsets", "TOPIC GROUP", "lines PARTITION OFFSET METADATA; -1: none", 1, group_offsets },
  { "produce", "TOPIC N|- [OPTION...]", "N numbered lines, or those of stdin; produce TOPIC --help", 1, produce },
  { "read", "TOPIC [--uncommitted] [N]", "records until the end, or N: PARTITION OFFSET KEY|- VALUE", 0, read_topic },
};

static int
usage (FILE *to, int status)
{
  fprintf (to, "usage: kafka-admin BROKERS VERB TOPIC ...\n");
  for (guint i = 0; i < G_N_ELEMENTS (VERBS); i++)
    fprintf (to, "  %-15s %-34s %s\n", VERBS[i].name, VERBS[i].arguments, VERBS[i].about);
  return status;
}

static const Verb *
find_verb (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (VERBS); i++)
    if (strcmp (VERBS[i].name, name) == 0)
      return &VERBS[i];
  return NULL;
}

int
main (int argc, char **argv)
{
  if (argc > 1 && strcmp (argv[1], "help") == 0)
    return usage (stdout, 0);
  const Verb *verb = argc > 3 ? find_verb (argv[2]) : NULL;
  if (!verb || argc - 4 < verb->n_least)
    return usage (stderr, 2);
  g_autoptr (GError) error = NULL;
  Call call = { argv[1], argv[3], argv + 4, argc - 4 };
  if (verb->run (&call, &error) && fflush (stdout) == 0)
    return 0;
  fprintf (stderr, "kafka-admin: %s\n", error ? error->message : "cannot write the output");
  return 1;
}
