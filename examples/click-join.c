/* click_join HOST IMPRESSIONS_PORT CLICKS_PORT: advertisements shown, lines "impression-id campaign", and clicks on them,
 * lines "impression-id"; prints how many clicks each campaign got, each second.
 *
 * Shows a join of two streams. A click comes later than what it clicks on, so that the one side is a window.
 *
 *   nc -lk 9001                              in one terminal; type "i1 shoes", "i2 hats"
 *   nc -lk 9002                              in another; type "i1"
 *   click_join localhost 9001 9002           in a third: (shoes,1)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/weir.h>

/* "id campaign" -> (id, campaign); "id" -> (id, NIL) */
static WeirValue
by_first_word (WeirTask *task, WeirValue line, gpointer user_data)
{
  WeirValue id = weir_nil (), rest = weir_nil ();

  weir_text_next_token (&line, ' ', &id);
  weir_text_next_token (&line, ' ', &rest);
  return weir_pair (task, id, rest);
}

/* (id, (NIL, campaign)) -> campaign */
static WeirValue
campaign (WeirTask *task, WeirValue joined, gpointer user_data)
{
  return weir_val (weir_val (joined));
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("click_join", WEIR_SECONDS (1));

  weir_context_set_usage (ctx, "HOST IMPRESSIONS_PORT CLICKS_PORT");
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  WeirStream *impressions = weir_map (weir_socket_text_stream (ctx, argv[1], argv[2]), by_first_word, NULL);
  WeirStream *clicks = weir_map (weir_socket_text_stream (ctx, argv[1], argv[3]), by_first_word, NULL);
  WeirStream *clicked = weir_join (clicks, weir_window (impressions, WEIR_MINUTES (5), 0));
  weir_print (weir_count_by_value (weir_map (clicked, campaign, NULL)), 10);

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
