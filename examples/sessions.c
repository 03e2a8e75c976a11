/* sessions HOST PORT [--gap=SECONDS]: lines "user page"; prints each user's visit when it is over, which it is when nothing
 * has come from the user for a while.
 *
 * Shows map_with_state: a state for each key, called only for keys with data and for those that time out. The state is a C
 * struct, edited in place. The gap is an option of the job's own.
 *
 *   nc -lk 9999                              in one terminal; type "ann /home", "bob /home", "ann /cart"
 *   sessions localhost 9999 --gap=5          in another: five seconds later, (ann,[2,1.5]): two pages in one and a half seconds
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/weir.h>

typedef struct {
  gint64 n_pages;
  WeirTime first, last;
} Visit;

static WeirValue
user_and_page (WeirTask *task, WeirValue line, gpointer user_data)
{
  WeirValue user = weir_nil (), page = weir_nil ();

  if (!weir_text_next_token (&line, ' ', &user) || !weir_text_next_token (&line, ' ', &page))
    weir_reject (task, line, "no user and page");
  return weir_pair (task, user, page);
}

static void
follow (WeirTask *task, WeirValue user, WeirValue page, WeirState *state, gpointer user_data)
{
  if (weir_state_is_timing_out (state)) {
    const Visit *visit = (const Visit *) weir_data (weir_state_get (state));
    gdouble seconds = (gdouble) (visit->last - visit->first) / WEIR_SECONDS (1);

    weir_emit_pair (task, user, WEIR_LIST_OF (weir_int (visit->n_pages), weir_float (seconds)));
    return;
  }

  Visit *visit = weir_state_edit (state, sizeof *visit);
  WeirTime now = weir_task_batch_time (task);

  if (visit->n_pages++ == 0)
    visit->first = now;
  visit->last = now;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("sessions", WEIR_MILLISECONDS (500));
  gint gap = 1800;
  const GOptionEntry options[] = {
    { "gap", 0, 0, G_OPTION_ARG_INT, &gap, "A visit is over after so long (default 1800)", "SECONDS" },
    { NULL },
  };

  weir_context_set_usage (ctx, "HOST PORT");
  weir_context_add_options (ctx, options);
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  WeirStream *lines = weir_socket_text_stream (ctx, argv[1], argv[2]);
  WeirStream *pages = weir_map (lines, user_and_page, NULL);
  WeirStream *visits = weir_map_with_state (
      pages, (&(WeirStateSpec){ .function = follow, .timeout = WEIR_SECONDS (gap), .version = 1 }));
  weir_stream_set_uid (visits, "visits");
  weir_print (visits, 100);

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
