/* Owns the life of a redis-server. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/clients/redis-place.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "clients/redis.h"

#define DEADLINE 120000 /* ms */
#define ATTEMPTS 10

/* Below the range that the kernel gives to outgoing connections. */
#define FIRST_PORT 20000
#define LAST_PORT  32000

/* Takes a port that nobody has, and that nobody is given while it is held: redis-server sets SO_REUSEADDR, and so may
 * listen there all the same. FALSE: somebody has it. */
static gboolean
hold_port (RedisPlace *place, guint port)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_addr = { htonl (INADDR_LOOPBACK) },
                                 .sin_port = htons ((guint16) port) };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

  if (bind (fd, (struct sockaddr *) &address, sizeof address) != 0) {
    close (fd);
    return FALSE;
  }
  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  place->port = port;
  place->held = fd;
  return TRUE;
}

static void
end_with_parent (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

/* FALSE: it ended before it was ready. */
static gboolean
await_ready (int fd)
{
  g_autoptr (GString) said = g_string_new (NULL);
  struct pollfd wait = { .fd = fd, .events = POLLIN };
  char bytes[1024];

  while (strstr (said->str, "Ready to accept connections") == NULL) {
    gssize n;

    g_assert_cmpint (poll (&wait, 1, DEADLINE), ==, 1);
    n = read (fd, bytes, sizeof bytes);
    if (n <= 0)
      return FALSE;
    g_string_append_len (said, bytes, n);
  }
  return TRUE;
}

static gboolean
run_server (RedisPlace *place)
{
  g_autofree char *port = g_strdup_printf ("%u", place->port);
  char *command[] = { (char *) "redis-server",
                      (char *) "--port",
                      port,
                      (char *) "--bind",
                      (char *) "127.0.0.1",
                      (char *) "--dir",
                      place->folder,
                      (char *) "--appendonly",
                      (char *) (place->no_append ? "no" : "yes"),
                      (char *) "--appendfsync",
                      (char *) "always",
                      (char *) "--save",
                      (char *) "",
                      (char *) "--requirepass",
                      place->password,
                      NULL };
  gboolean is_ready;
  int out;

  if (place->password == NULL)
    command[G_N_ELEMENTS (command) - 3] = NULL;
  if (!g_spawn_async_with_pipes (NULL, command, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, end_with_parent,
                                 NULL, &place->pid, NULL, &out, NULL, NULL))
    return FALSE;
  is_ready = await_ready (out);
  close (out);
  if (!is_ready)
    redis_place_kill (place);
  return is_ready;
}

static void
skip (const char *why)
{
  if (g_test_get_path ()[0] != '\0')
    g_test_skip (why);
  else
    g_print ("1..0 # SKIP %s\n", why);
}

gboolean
redis_place_start (RedisPlace *place)
{
  g_autofree char *program = g_find_program_in_path ("redis-server");
  g_autoptr (GError) error = NULL;

  if (program == NULL) {
    g_assert_null (g_getenv ("CI"));
    skip ("there is no redis-server on this machine");
    return FALSE;
  }
  place->folder = g_dir_make_tmp ("weir-redis-XXXXXX", &error);
  g_assert_no_error (error);
  while (!hold_port (place, (guint) g_random_int_range (FIRST_PORT, LAST_PORT)))
    continue;
  redis_place_restart (place);
  return TRUE;
}

void
redis_place_kill (RedisPlace *place)
{
  if (place->pid == 0)
    return;
  kill (place->pid, SIGKILL);
  g_assert_cmpint (waitpid (place->pid, NULL, 0), ==, place->pid);
  place->pid = 0;
}

void
redis_place_restart (RedisPlace *place)
{
  for (guint i = 0; i < ATTEMPTS && place->pid == 0; i++)
    run_server (place);
  g_assert_cmpint (place->pid, !=, 0);
}

void
redis_place_pause (RedisPlace *place)
{
  kill (place->pid, SIGSTOP);
}

void
redis_place_resume (RedisPlace *place)
{
  kill (place->pid, SIGCONT);
}

static void
remove_all (const char *path)
{
  g_autoptr (GDir) entries = g_dir_open (path, 0, NULL);
  const char *name;

  while (entries != NULL && (name = g_dir_read_name (entries)) != NULL) {
    g_autofree char *below = g_build_filename (path, name, NULL);

    remove_all (below);
  }
  g_remove (path);
}

void
redis_place_clear (RedisPlace *place)
{
  redis_place_kill (place);
  if (place->folder != NULL) {
    remove_all (place->folder);
    close (place->held);
  }
  g_clear_pointer (&place->folder, g_free);
}

char *
redis_place_uri (const RedisPlace *place, const char *prefix)
{
  return g_strdup_printf ("redis://%s%s%s127.0.0.1:%u/0%s%s", place->password != NULL ? ":" : "",
                          place->password != NULL ? place->password : "", place->password != NULL ? "@" : "",
                          place->port, prefix != NULL ? "?prefix=" : "", prefix != NULL ? prefix : "");
}

static void
append_reply (GString *text, const WeirRedisReply *reply)
{
  const char *bytes;
  guint64 number;
  gsize size;

  if (text->len > 0)
    g_string_append_c (text, ' ');
  bytes = weir_redis_reply_text (reply, &size);
  if (bytes != NULL)
    g_string_append_len (text, bytes, (gssize) size);
  else if (weir_redis_reply_is_nil (reply))
    g_string_append (text, "(nil)");
  else if (weir_redis_reply_number (reply, &number))
    g_string_append_printf (text, "%" G_GUINT64_FORMAT, number);
  for (guint i = 0; i < weir_redis_reply_length (reply); i++)
    append_reply (text, weir_redis_reply_at (reply, i));
}

char *
redis_place_ask (const RedisPlace *place, const char *command, ...)
{
  g_autofree char *uri = redis_place_uri (place, NULL);
  g_autoptr (WeirRedis) redis = weir_redis_new (&(WeirRedisSettings){ .uri = uri }, NULL);
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  GString *text = g_string_new (NULL);
  va_list more;

  va_start (more, command);
  for (const char *word = command; word != NULL; word = va_arg (more, const char *))
    g_ptr_array_add (words, (gpointer) word);
  va_end (more);
  weir_redis_begin (redis, words->len);
  for (guint i = 0; i < words->len; i++)
    weir_redis_add_text (redis, g_ptr_array_index (words, i));
  weir_redis_run (redis, 0, &error);
  g_assert_no_error (error);
  append_reply (text, weir_redis_reply (redis, 0));
  return g_string_free (text, FALSE);
}
