/* tail_wordcount FILE PREFIX: counts the words of the lines that are appended to FILE, from its beginning on, and saves
 * each batch in a folder PREFIX-<ms>.
 *
 * Shows a source of one's own that can be read again. Its position is a number of bytes: with a checkpoint the job goes
 * on exactly where it was, however it ended, and no line is counted twice or left out.
 *
 *   tail_wordcount access.log counts --checkpoint=file:///var/tmp/tail
 *   cat counts-*\/part-*
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memrchr */
#endif
#include <weir/connector.h>
#include <weir/weir.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_BYTES ((guint64) 16 << 20) /* of a batch; a longer line is not read */
#define BLOCK      ((gsize) 64 << 10)

/* The inode tells whether it is still the same file when the job is started again. */
typedef struct {
  guint64 inode, offset;
} Position;

typedef struct {
  int fd;
} Tail;

static const char *
path_of (WeirSource *source)
{
  return weir_source_user_data (source);
}

static gboolean
fail (WeirSource *source, const char *what, GError **error)
{
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_SOURCE, "cannot %s %s: %s", what, path_of (source), g_strerror (errno));
  return FALSE;
}

static gboolean
look (WeirSource *source, struct stat *status, GError **error)
{
  const Tail *tail = weir_source_instance (source);

  return fstat (tail->fd, status) == 0 || fail (source, "look at", error);
}

/* It begins at the first byte; to begin at the end would be `.offset = status.st_size`. */
static gboolean
tail_open (WeirSource *source, GByteArray *begin, GError **error)
{
  Tail *tail = weir_source_instance (source);
  Position position = { 0 };
  struct stat status;

  tail->fd = open (path_of (source), O_RDONLY | O_CLOEXEC);
  if (tail->fd < 0)
    return fail (source, "open", error);
  if (!look (source, &status, error))
    return FALSE;
  position.inode = status.st_ino;
  g_byte_array_append (begin, (const guint8 *) &position, sizeof position);
  return TRUE;
}

static Position
position_of (gconstpointer data, gsize size)
{
  Position position = { 0 };

  memcpy (&position, data, MIN (size, sizeof position));
  return position;
}

/* What was read may have to be read again: it must be there. */
static gboolean
check (WeirSource *source, Position position, guint64 inode, guint64 size, GError **error)
{
  if (position.inode == inode && position.offset <= size)
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_DATA_LOSS,
               "%s has been %s since byte %" G_GUINT64_FORMAT
               " of it was read: bring it back, or begin with a new checkpoint",
               path_of (source), position.inode == inode ? "truncated" : "replaced", position.offset);
  return FALSE;
}

static gboolean
tail_resume (WeirSource *source, gconstpointer position, gsize size, GError **error)
{
  struct stat status;

  return look (source, &status, error) &&
         check (source, position_of (position, size), status.st_ino, (guint64) status.st_size, error);
}

/* The end of the last whole line in [from, until), searched for from the end; `from`, if there is none. */
static gboolean
find_end (WeirSource *source, guint64 from, guint64 *until, GError **error)
{
  const Tail *tail = weir_source_instance (source);
  char block[4096];

  while (*until > from) {
    gsize size = (gsize) MIN (*until - from, sizeof block);
    gssize n = pread (tail->fd, block, size, (off_t) (*until - size));
    const char *end = n > 0 ? memrchr (block, '\n', (gsize) n) : NULL;

    if (n < 0)
      return fail (source, "read", error);
    if (end != NULL) {
      *until += (guint64) (end + 1 - block) - size;
      return TRUE;
    }
    *until -= size;
  }
  return TRUE;
}

static gboolean
tail_plan (WeirSource *source, WeirSourcePlan *plan, GError **error)
{
  Position position = position_of (plan->from, plan->from_size);
  guint64 until;
  struct stat status;

  if (!look (source, &status, error) || !check (source, position, position.inode, (guint64) status.st_size, error))
    return FALSE;
  until = MIN ((guint64) status.st_size, position.offset + MOST_BYTES);
  if (!find_end (source, position.offset, &until, error))
    return FALSE;
  if (until == position.offset && (guint64) status.st_size - until >= MOST_BYTES) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s has a line of more than 16 MiB at byte %" G_GUINT64_FORMAT,
                 path_of (source), until);
    return FALSE;
  }
  plan->n_partitions = until > position.offset ? 1 : 0;
  position.offset = until;
  g_byte_array_append (plan->until, (const guint8 *) &position, sizeof position);
  return TRUE;
}

/* A partition while it is read: what is left of it, and the start of a line whose end has not been read yet. */
typedef struct {
  gboolean is_begun;
  guint64 at;
  GByteArray *rest;
} Reading;

/* Empty lines are left out: they have no words. */
static void
emit_lines (WeirTask *task, GByteArray *rest)
{
  const char *start = (const char *) rest->data, *end = memrchr (start, '\n', rest->len);
  gsize n = end != NULL ? (gsize) (end + 1 - start) : 0;
  WeirValue text = weir_text_n (start, n), line;

  while (weir_text_next_token (&text, '\n', &line))
    weir_emit (task, line);
  g_byte_array_remove_range (rest, 0, (guint) n);
}

static gboolean
tail_fetch (WeirTask *task, WeirFetch *fetch, GError **error)
{
  const Tail *tail = weir_source_instance (fetch->source);
  guint64 until = position_of (fetch->until, fetch->until_size).offset;
  Reading *reading = fetch->state;
  guint old;
  gssize n;

  if (!reading->is_begun)
    *reading = (Reading){ TRUE, position_of (fetch->from, fetch->from_size).offset, g_byte_array_new () };
  old = reading->rest->len;
  g_byte_array_set_size (reading->rest, old + (guint) MIN (until - reading->at, BLOCK));
  n = pread (tail->fd, reading->rest->data + old, reading->rest->len - old, (off_t) reading->at);
  if (n <= 0) {
    errno = n == 0 ? ENODATA : errno;
    return fail (fetch->source, "read", error);
  }
  g_byte_array_set_size (reading->rest, old + (guint) n);
  reading->at += (guint64) n;
  emit_lines (task, reading->rest);
  return reading->at < until;
}

static void
tail_fetch_end (WeirFetch *fetch)
{
  Reading *reading = fetch->state;

  if (reading->is_begun)
    g_byte_array_unref (reading->rest);
}

static void
tail_close (WeirSource *source)
{
  const Tail *tail = weir_source_instance (source);

  if (tail->fd >= 0)
    close (tail->fd);
}

static const WeirSourceClass tail_class = {
  .name = "tail",
  .instance_size = sizeof (Tail),
  .fetch_size = sizeof (Reading),
  .open = tail_open,
  .resume = tail_resume,
  .plan = tail_plan,
  .fetch = tail_fetch,
  .fetch_end = tail_fetch_end,
  .close = tail_close,
};

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("tail_wordcount", WEIR_SECONDS (1));

  weir_context_set_usage (ctx, "FILE PREFIX");
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  WeirStream *lines = weir_source_stream (ctx, &tail_class, argv[1]);
  weir_stream_set_uid (lines, "lines");
  WeirStream *counts = weir_count_by_value (weir_split (lines, ' '));
  weir_output_set_uid (weir_save_as_text_files (counts, argv[2], NULL), "counts");

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
