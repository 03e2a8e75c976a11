/* Real servers for tests in C: those that scripts/test keeps for the whole run, and private ones.
 *
 * A private server belongs to a child process, `kafka.py run` or `redis.py run`, which takes a word a line on its stdin,
 * answers with a line, and ends the server when stdin ends: with the test, however that ends. Main thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/servers/servers.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct WeirTestServer {
  GPid child;
  FILE *in, *out;
  GHashTable *facts; /* what the child said of it: name -> value */
};

/* Without the real part a test proves nothing: CI must not pass then. */
static void
miss (const char *what)
{
  if (g_strcmp0 (g_getenv ("CI"), "true") == 0)
    g_test_message ("%s, and CI must not skip it", what), g_test_fail ();
  else
    g_test_skip (what);
}

static const char *
shared (const char *variable, const char *what)
{
  const char *value = g_getenv (variable);
  if (value && *value)
    return value;
  g_autofree char *text = g_strdup_printf ("%s is not set: scripts/test starts %s for the tests", variable, what);
  miss (text);
  return NULL;
}

const char *
weir_test_brokers (void)
{
  return shared ("WEIR_TEST_BROKERS", "a Kafka broker");
}

const char *
weir_test_redis (void)
{
  return shared ("WEIR_TEST_REDIS", "a redis-server");
}

static GPtrArray *
words_of (const char *first, va_list more)
{
  GPtrArray *words = g_ptr_array_new_with_free_func (g_free);
  for (const char *word = first; word; word = va_arg (more, const char *))
    g_ptr_array_add (words, g_strdup (word));
  return words;
}

char *
weir_test_topic_new (const char *brokers, int n_partitions, ...)
{
  va_list more;
  va_start (more, n_partitions);
  g_autoptr (GPtrArray) config = words_of (va_arg (more, const char *), more);
  va_end (more);
  g_ptr_array_add (config, NULL);
  g_autofree char *unique = g_uuid_string_random ();
  char *topic = g_strconcat ("test-", unique, NULL);
  g_autoptr (GError) error = NULL;
  kafka_ops_create_topic (brokers, topic, n_partitions, (const char *const *) config->pdata, &error);
  g_assert_no_error (error);
  return topic;
}

static const char *
one_line (gint64 i, gsize *size, gpointer user_data)
{
  *size = strlen (user_data);
  return i == 0 ? user_data : NULL;
}

void
weir_test_produce (const char *brokers, const char *topic, int partition, const char *key, const char *value)
{
  KafkaProduce how = { .first_partition = partition, .key = key };
  g_autoptr (GError) error = NULL;
  kafka_ops_produce (brokers, topic, &how, one_line, (gpointer) value, &error);
  g_assert_no_error (error);
}

typedef struct {
  gint64 n;
  char text[32];
} Numbered;

static const char *
numbered_line (gint64 i, gsize *size, gpointer user_data)
{
  Numbered *numbered = user_data;
  *size = (gsize) g_snprintf (numbered->text, sizeof numbered->text, "line %" G_GINT64_FORMAT, i);
  return i < numbered->n ? numbered->text : NULL;
}

void
weir_test_produce_numbered (const char *brokers, const char *topic, gint64 n, const KafkaProduce *how)
{
  Numbered numbered = { .n = n };
  g_autoptr (GError) error = NULL;
  gint64 written = kafka_ops_produce (brokers, topic, how, numbered_line, &numbered, &error);
  g_assert_no_error (error);
  g_assert_cmpint (written, ==, n);
}

static void
record_free (gpointer data)
{
  KafkaRecord *record = data;
  g_free (record->key);
  g_free (record->value);
  g_free (record);
}

static gboolean
keep_record (const KafkaRecord *record, gpointer records)
{
  KafkaRecord *copy = g_new (KafkaRecord, 1);
  *copy = *record;
  copy->key = record->key ? g_strndup (record->key, record->key_size) : NULL;
  copy->value = record->value ? g_strndup (record->value, record->value_size) : NULL;
  g_ptr_array_add (records, copy);
  return TRUE;
}

GPtrArray *
weir_test_consume (const char *brokers, const char *topic)
{
  GPtrArray *records = g_ptr_array_new_with_free_func (record_free);
  g_autoptr (GError) error = NULL;
  kafka_ops_read (brokers, topic, FALSE, keep_record, records, &error);
  g_assert_no_error (error);
  return records;
}

/* Reads the child's answer: lines "name value" up to "ok", or "missing WHY", or "error WHY". (transfer full): the last. */
static char *
read_answer (WeirTestServer *server)
{
  char *line = NULL;
  size_t room = 0;
  while (getline (&line, &room, server->out) > 0) {
    g_strchomp (line);
    if (strcmp (line, "ok") == 0 || g_str_has_prefix (line, "missing ") || g_str_has_prefix (line, "error "))
      return line;
    g_auto (GStrv) parts = g_strsplit (line, " ", 2);
    if (parts[0] && parts[1])
      g_hash_table_insert (server->facts, g_strdup (parts[0]), g_strdup (parts[1]));
  }
  g_clear_pointer (&line, free);
  return strdup ("error the server's process ended");
}

static void
tell (WeirTestServer *server, const char *word)
{
  fprintf (server->in, "%s\n", word);
  fflush (server->in);
  char *answer = read_answer (server);
  if (strcmp (answer, "ok") != 0)
    g_error ("%s: %s", word, answer);
  free (answer);
}

static WeirTestServer *
spawn (const char *kind, GPtrArray *options)
{
  g_autofree char *name = g_strconcat (kind, ".py", NULL);
  g_autofree char *script = g_build_filename (g_getenv ("WEIR_TEST_SOURCE_ROOT"), "tests", "servers", name, NULL);
  g_autoptr (GPtrArray) command = g_ptr_array_new ();
  g_ptr_array_add (command, (gpointer) "python3");
  g_ptr_array_add (command, script);
  g_ptr_array_add (command, (gpointer) "run");
  for (guint i = 0; i < options->len; i++)
    g_ptr_array_add (command, options->pdata[i]);
  g_ptr_array_add (command, NULL);
  g_autoptr (GError) error = NULL;
  WeirTestServer *server = g_new0 (WeirTestServer, 1);
  int in = -1, out = -1;
  g_spawn_async_with_pipes (NULL, (char **) command->pdata, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL,
                            NULL, &server->child, &in, &out, NULL, &error);
  g_assert_no_error (error);
  /* A program that the test starts must not hold the pipe, whose end is the server's end. */
  fcntl (in, F_SETFD, FD_CLOEXEC);
  fcntl (out, F_SETFD, FD_CLOEXEC);
  server->in = fdopen (in, "w"), server->out = fdopen (out, "r");
  server->facts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return server;
}

WeirTestServer *
weir_test_server_start (const char *kind, ...)
{
  va_list more;
  va_start (more, kind);
  g_autoptr (GPtrArray) options = words_of (va_arg (more, const char *), more);
  va_end (more);
  g_autoptr (WeirTestServer) server = spawn (kind, options);
  char *answer = read_answer (server);
  if (g_str_has_prefix (answer, "error "))
    g_error ("%s: %s", kind, answer);
  gboolean good = strcmp (answer, "ok") == 0;
  if (!good)
    miss (answer);
  free (answer);
  return good ? g_steal_pointer (&server) : NULL;
}

void
weir_test_server_free (WeirTestServer *server)
{
  if (!server)
    return;
  fclose (server->in);
  waitpid (server->child, NULL, 0);
  fclose (server->out);
  g_spawn_close_pid (server->child);
  g_hash_table_unref (server->facts);
  g_free (server);
}

const char *
weir_test_server_get (const WeirTestServer *server, const char *name)
{
  const char *value = g_hash_table_lookup (server->facts, name);
  if (!value)
    g_error ("the server has no %s: it was not asked for when it was started", name);
  return value;
}

const char *
weir_test_server_address (const WeirTestServer *server)
{
  return weir_test_server_get (server, "address");
}

void
weir_test_server_kill (WeirTestServer *server)
{
  tell (server, "kill");
}

void
weir_test_server_terminate (WeirTestServer *server)
{
  tell (server, "terminate");
}

void
weir_test_server_start_again (WeirTestServer *server)
{
  tell (server, "start");
}

void
weir_test_server_pause (WeirTestServer *server)
{
  tell (server, "pause");
}

void
weir_test_server_resume (WeirTestServer *server)
{
  tell (server, "resume");
}
