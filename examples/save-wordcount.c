/* save_wordcount HOST PORT PREFIX: counts the words of each second and saves each batch in a folder PREFIX-<ms>.
 *
 * Shows an output to files, which appear whole or not at all, so that another program may take them as they come.
 *
 *   nc -lk 9999                              in one terminal; type lines there
 *   save_wordcount localhost 9999 counts     in another
 *   ls counts-*
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/weir.h>

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("save_wordcount", WEIR_SECONDS (1));

  weir_context_set_usage (ctx, "HOST PORT PREFIX");
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  WeirStream *lines = weir_socket_text_stream (ctx, argv[1], argv[2]);
  WeirStream *counts = weir_count_by_value (weir_split (lines, ' '));
  weir_save_as_text_files (counts, argv[3], NULL);

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
