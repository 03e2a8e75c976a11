/* key_rates HOST PORT: lines "key bytes", such as requests and their sizes; prints bytes a second of each key over the last
 * ten seconds, each second.
 *
 * Shows a window with an inverse: a function of the job's own adds what enters the window, and another takes away what
 * leaves it. A key without records in the window is gone by itself.
 *
 *   nc -lk 9999                              in one terminal; type "/home 100", "/cart 50", "/home 300"
 *   key_rates localhost 9999                 in another: (/cart,5.0), (/home,40.0)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/weir.h>

#define LENGTH WEIR_SECONDS (10)

static WeirValue
key_and_bytes (WeirTask *task, WeirValue line, gpointer user_data)
{
  WeirValue key = weir_nil (), word = weir_nil ();
  gint64 n = 0;

  weir_text_next_token (&line, ' ', &key);
  if (!weir_text_next_token (&line, ' ', &word) || !weir_parse_int (word, &n))
    weir_reject (task, key, "no number of bytes");
  return weir_pair (task, key, weir_int (n));
}

static WeirValue
add (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  return weir_int (weir_as_int (a) + weir_as_int (b));
}

static WeirValue
take_away (WeirTask *task, WeirValue sum, WeirValue leaving, gpointer user_data)
{
  return weir_int (weir_as_int (sum) - weir_as_int (leaving));
}

static WeirValue
per_second (WeirTask *task, WeirValue bytes, gpointer user_data)
{
  return weir_float (weir_as_float (bytes) * WEIR_SECONDS (1) / LENGTH);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("key_rates", WEIR_SECONDS (1));

  weir_context_set_usage (ctx, "HOST PORT");
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  WeirStream *sizes = weir_map (weir_socket_text_stream (ctx, argv[1], argv[2]), key_and_bytes, NULL);
  WeirStream *sums = weir_reduce_by_key_and_window (sizes, add, take_away, LENGTH, 0, NULL);
  weir_print (weir_map_values (sums, per_second, NULL), 10);

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
