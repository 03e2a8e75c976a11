/* dedupe HOST PORT: lines "id text"; prints each id's first line and drops what comes again within ten minutes.
 *
 * Shows map_with_state as a filter with a memory that does not grow for ever: a state that nothing has come for times out.
 *
 *   nc -lk 9999                              in one terminal; type "m1 hello", "m2 hello", "m1 hello"
 *   dedupe localhost 9999                    in another: two lines
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/weir.h>

static WeirValue
by_id (WeirTask *task, WeirValue line, gpointer user_data)
{
  WeirValue rest = line, id = weir_nil ();

  weir_text_next_token (&rest, ' ', &id);
  return weir_pair (task, id, line);
}

/* That there is a state is all that it says. */
static void
pass_first (WeirTask *task, WeirValue id, WeirValue line, WeirState *seen, gpointer user_data)
{
  if (weir_state_is_timing_out (seen) || weir_state_exists (seen))
    return;
  weir_state_update (seen, weir_bool (TRUE));
  weir_emit (task, line);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("dedupe", WEIR_SECONDS (1));

  weir_context_set_usage (ctx, "HOST PORT");
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  WeirStream *messages = weir_map (weir_socket_text_stream (ctx, argv[1], argv[2]), by_id, NULL);
  WeirStream *fresh =
      weir_map_with_state (messages, (&(WeirStateSpec){ .function = pass_first, .timeout = WEIR_MINUTES (10) }));
  weir_stream_set_uid (fresh, "seen");
  weir_print (fresh, 100);

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
