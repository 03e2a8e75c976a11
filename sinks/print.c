/* weir_print (): the first elements of each batch, in the form that Spark prints.
 * Runner thread; one write a batch, so that two prints do not mix.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>

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

static gboolean
print_run (WeirOutput *output, WeirDataset *data, WeirTime time, GError **error)
{
  guint n = *(guint *) output->params;
  g_autoptr (GArray) values = weir_dataset_take (data, (gsize) n + 1, error);
  g_autoptr (GString) text = NULL;

  if (values == NULL)
    return FALSE;
  text = format_batch (values, n, time);
  if (fwrite (text->str, 1, text->len, stdout) == text->len && fflush (stdout) == 0)
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_SINK, "cannot print to standard output: %s: is its reader still there?",
               g_strerror (errno));
  return FALSE;
}

static const WeirOutputClass print_class = {
  .verb = "print",
  .run = print_run,
};

/**
 * weir_print:
 * @s: any stream
 * @n: how many elements at most
 *
 * Prints the time and the first elements of each batch to standard output, as weir_to_string() writes them, and "..."
 * where there are more. Errors: %WEIR_ERROR_SINK if standard output cannot be written.
 *
 * Returns: (transfer none): the output; owned by the context
 */
WeirOutput *
weir_print (WeirStream *s, guint n)
{
  return weir_output_new (s, &print_class, g_memdup2 (&n, sizeof n));
}
