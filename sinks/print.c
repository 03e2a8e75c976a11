/* weir_print (): the first elements of each batch, in the form that Spark prints.
 *
 * Owns nothing between batches. Must not know who reads standard output. Runner thread; one write a batch, under the
 * lock of stdout, so that two prints do not mix.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>

#include <weir/error.h>

#include "engine/stream.h"
#include "engine/value-text.h"

#define RULE "-------------------------------------------\n"

static GString *
format_batch (const GArray *values, guint n, WeirTime time)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, RULE "Time: %" G_GINT64_FORMAT " ms\n" RULE, time / 1000);
  for (guint i = 0; i < MIN (values->len, n); i++) {
    weir_append_to_string (text, g_array_index (values, WeirValue, i));
    g_string_append_c (text, '\n');
  }
  if (values->len > n)
    g_string_append (text, "...\n");
  g_string_append_c (text, '\n');
  return text;
}

/* 0, or what went wrong. What could not be written is let go: the end of the process would try it again. */
static int
write_out (const GString *text)
{
  int code;

  flockfile (stdout);
  clearerr (stdout);
  code = fwrite (text->str, 1, text->len, stdout) == text->len && fflush (stdout) == 0 ? 0 : errno;
  if (code != 0)
    __fpurge (stdout);
  funlockfile (stdout);
  return code;
}

/* A reader that went away is an error of the batch and not the death of the process: a library has no say in the
 * process's signals, so SIGPIPE is held back in this thread only, and what it left pending is taken. */
static int
write_without_signal (const GString *text)
{
  const struct timespec at_once = { 0, 0 };
  sigset_t pipe_set, before, pending;
  int code;

  sigemptyset (&pipe_set);
  sigaddset (&pipe_set, SIGPIPE);
  sigpending (&pending);
  pthread_sigmask (SIG_BLOCK, &pipe_set, &before);
  code = write_out (text);
  if (code == EPIPE && !sigismember (&pending, SIGPIPE))
    sigtimedwait (&pipe_set, NULL, &at_once);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  return code;
}

static gboolean
print_run (WeirOutput *output, WeirDataset *data, WeirTime time, GError **error)
{
  guint n = *(guint *) output->params;
  g_autoptr (GArray) values = weir_dataset_take (data, (gsize) n + 1, error);
  g_autoptr (GString) text = NULL;
  int code;

  if (values == NULL)
    return FALSE;
  text = format_batch (values, n, time);
  code = write_without_signal (text);
  if (code == 0)
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_SINK, "cannot print to standard output: %s: %s", g_strerror (code),
               code == EPIPE ? "its reader is gone; start the job with one that stays"
                             : "see where it leads, or start the job with another");
  return FALSE;
}

static const WeirOutputClass print_class = {
  .verb = "print",
  .run = print_run,
};

/**
 * weir_print:
 * @s: any stream
 * @n: how many elements at most; 0 prints none
 *
 * Prints the time and the first elements of each batch to standard output, in order of partition and position, as
 * weir_to_string() writes them, and "..." where there are more. A batch's text is written in one piece and flushed, on
 * the runner, which it blocks until it is taken.
 *
 * Errors: %WEIR_ERROR_SINK if standard output cannot be written; the batch then fails.
 *
 * Returns: (transfer none): the output; owned by the context
 */
WeirOutput *
weir_print (WeirStream *s, guint n)
{
  return weir_output_new (s, &print_class, g_memdup2 (&n, sizeof n));
}
