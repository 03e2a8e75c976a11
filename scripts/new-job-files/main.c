/* The job as a program: reads lines from a socket and prints the result of each second.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "job.h"

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("new-job", WEIR_SECONDS (1));

  weir_context_set_usage (ctx, "HOST PORT");
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  weir_print (new_job_graph (weir_socket_text_stream (ctx, argv[1], argv[2])), 10);

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
