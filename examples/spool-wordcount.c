/* spool_wordcount IN OUT: counts the words of files that others put into the folder IN, each file taken away as soon as its lines
 * are safe, and writes what each batch has into a file OUT/<ms>.
 *
 * Shows how a receiver acknowledges: weir_receiver_store_block () returns when the lines are safe, and only then is the file
 * removed. And a sink that works from bytes of its own: each partition writes text, and a commit has all of it.
 *
 *   mkdir in out; spool_wordcount in out --checkpoint=file://$PWD/counts --receiver.wal=true
 *   printf 'to be or not to be\n' > in/.new; mv in/.new in/hamlet
 *
 * A crash between "safe" and "removed" brings a file once more: dedupe.c shows what to do where that matters. Files whose names
 * begin with a dot are still being written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/connector.h>
#include <weir/weir.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <glib/gstdio.h>

#define LOOK_AGAIN_MS 100

/* --- the receiver --- */

typedef struct {
  GDir *folder;
  int wake; /* an eventfd: stop writes */
} Spool;

static gboolean
spool_start (WeirReceiver *receiver, GError **error)
{
  Spool *spool = weir_receiver_instance (receiver);

  spool->folder = g_dir_open (weir_receiver_user_data (receiver), 0, error);
  if (spool->folder == NULL)
    return FALSE;
  spool->wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (spool->wake >= 0)
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_SOURCE, "cannot make an eventfd: %s", g_strerror (errno));
  g_dir_close (spool->folder);
  return FALSE;
}

/* FALSE: it is still there, and comes again. */
static gboolean
take_file (WeirReceiver *receiver, const char *path, GError **error)
{
  g_autoptr (GArray) lines = g_array_new (FALSE, FALSE, sizeof (WeirValue));
  g_autofree char *content = NULL;
  WeirValue rest, line;
  gsize size;

  if (!g_file_get_contents (path, &content, &size, error))
    return FALSE;
  rest = weir_text_n (content, size);
  while (weir_text_next_token (&rest, '\n', &line))
    g_array_append_val (lines, line);
  if (lines->len > 0 && !weir_receiver_store_block (receiver, (const WeirValue *) lines->data, lines->len, error))
    return FALSE;
  if (g_unlink (path) == 0)
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_SOURCE, "cannot remove %s: %s", path, g_strerror (errno));
  return FALSE;
}

static gboolean
take_all (WeirReceiver *receiver, GError **error)
{
  Spool *spool = weir_receiver_instance (receiver);
  const char *name;

  g_dir_rewind (spool->folder);
  while (!weir_receiver_is_stopping (receiver) && (name = g_dir_read_name (spool->folder)) != NULL) {
    g_autofree char *path = g_build_filename (weir_receiver_user_data (receiver), name, NULL);

    if (name[0] != '.' && !take_file (receiver, path, error))
      return FALSE;
  }
  return TRUE;
}

static void
spool_run (WeirReceiver *receiver)
{
  Spool *spool = weir_receiver_instance (receiver);
  struct pollfd woken = { .fd = spool->wake, .events = POLLIN };
  g_autoptr (GError) error = NULL;

  while (!weir_receiver_is_stopping (receiver) && take_all (receiver, &error))
    poll (&woken, 1, LOOK_AGAIN_MS);
  if (error != NULL && !weir_receiver_is_stopping (receiver))
    weir_receiver_restart (receiver, error->message);
}

static void
spool_stop (WeirReceiver *receiver)
{
  Spool *spool = weir_receiver_instance (receiver);

  eventfd_write (spool->wake, 1);
}

static void
spool_end (WeirReceiver *receiver)
{
  Spool *spool = weir_receiver_instance (receiver);

  g_dir_close (spool->folder);
  close (spool->wake);
}

static const WeirReceiverClass spool_class = {
  .name = "spool",
  .instance_size = sizeof (Spool),
  .start = spool_start,
  .run = spool_run,
  .stop = spool_stop,
  .end = spool_end,
};

/* --- the sink --- */

static gboolean
write_line (WeirSinkPart *part, WeirValue value, GError **error)
{
  g_autofree char *text = weir_to_string (value);

  g_byte_array_append (part->bytes, (const guint8 *) text, (guint) strlen (text));
  g_byte_array_append (part->bytes, (const guint8 *) "\n", 1);
  return TRUE;
}

/* The file appears whole. A batch that is committed again writes the same, under the same names: nothing is left lying about. */
static gboolean
commit_file (WeirSink *sink, const WeirSinkBatch *batch, WeirNote *note, GError **error)
{
  const char *folder = weir_sink_user_data (sink);
  g_autofree char *name = g_strdup_printf (".%" G_GINT64_FORMAT, batch->time / 1000);
  g_autofree char *written = g_build_filename (folder, name, NULL), *path = g_build_filename (folder, name + 1, NULL);
  g_autoptr (GError) failure = NULL;
  gsize size;
  const char *text = weir_note_bytes (note, &size);

  if (size == 0)
    return TRUE;
  if (!g_file_set_contents_full (written, text, (gssize) size, G_FILE_SET_CONTENTS_DURABLE, 0666, &failure))
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_SINK, "%s", failure->message);
  else if (g_rename (written, path) != 0)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_SINK, "cannot rename %s to %s: %s", written, path, g_strerror (errno));
  else
    return TRUE;
  return FALSE;
}

static const WeirSinkClass file_class = {
  .name = "file",
  .guarantee = WEIR_SINK_AT_ONCE,
  .write = write_line,
  .commit = commit_file,
};

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("spool_wordcount", WEIR_SECONDS (1));

  weir_context_set_usage (ctx, "IN OUT");
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  WeirStream *lines = weir_receiver_stream (ctx, &spool_class, argv[1]);
  weir_stream_set_uid (lines, "lines");
  WeirStream *counts = weir_count_by_value (weir_split (lines, ' '));
  weir_output_set_uid (weir_output (counts, &file_class, argv[2]), "counts");

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
