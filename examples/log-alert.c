/* log_alert HOST PORT [--errors=N]: lines "LEVEL service message…" of many programs; prints the services with at least N
 * errors in the last ten seconds, and apart from them the lines that are none.
 *
 * Shows bad records: what a function rejects is counted, kept apart and may be looked at, and the batch goes on.
 *
 *   nc -lk 9999                              in one terminal; type "ERROR shop no stock" three times, and "what?"
 *   log_alert localhost 9999                 in another: (shop,3), and (no level and service,what?)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/weir.h>

static gboolean
is_level (WeirValue word)
{
  static const char *const levels[] = { "DEBUG", "INFO", "WARNING", "ERROR" };

  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    if (weir_equal (word, weir_text (levels[i])))
      return TRUE;
  return FALSE;
}

/* Emits the service of a line that tells of an error. */
static void
failing_service (WeirTask *task, WeirValue line, gpointer user_data)
{
  WeirValue rest = line, level, service;

  if (!weir_text_next_token (&rest, ' ', &level) || !is_level (level) || !weir_text_next_token (&rest, ' ', &service))
    weir_reject (task, line, "no level and service");
  else if (weir_equal (level, weir_text ("ERROR")))
    weir_emit (task, service);
}

static gboolean
is_often (WeirTask *task, WeirValue service_and_count, gpointer n_errors)
{
  return weir_as_int (weir_val (service_and_count)) >= *(const gint *) n_errors;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("log_alert", WEIR_SECONDS (1));
  gint n_errors = 3;
  const GOptionEntry options[] = {
    { "errors", 0, 0, G_OPTION_ARG_INT, &n_errors, "How many are an alert (default 3)", "N" },
    { NULL },
  };

  weir_context_set_usage (ctx, "HOST PORT");
  weir_context_add_options (ctx, options);
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  WeirStream *lines = weir_socket_text_stream (ctx, argv[1], argv[2]);
  WeirStream *failing = weir_flat_map (lines, failing_service, NULL);
  WeirStream *counts = weir_count_by_value_and_window (failing, WEIR_SECONDS (10), 0);
  weir_print (weir_filter (counts, is_often, &n_errors), 10);
  weir_print (weir_rejected (failing), 10);

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
