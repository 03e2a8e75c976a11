/* file_wordcount DIR PREFIX: counts the words of files that appear in a folder, and saves each batch in a folder PREFIX-<ms>.
 *
 * Shows files as a source: each is read once, when it has come. With a checkpoint each word is counted once however often the
 * job is killed, since the folders of a batch appear with the seal that says that its files have been read:
 *
 *   mkdir in
 *   file_wordcount in out/counts --checkpoint=file://$PWD/checkpoint        in one terminal
 *   echo "to be or not to be" > hamlet.tmp && mv hamlet.tmp in/hamlet       in another
 *   grep -rh . out/counts-*
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/weir.h>

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("file_wordcount", WEIR_SECONDS (1));

  weir_context_set_usage (ctx, "DIR PREFIX");
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  WeirStream *lines = weir_stream_set_uid (weir_text_file_stream (ctx, argv[1]), "lines");
  WeirStream *counts = weir_count_by_value (weir_split (lines, ' '));
  weir_output_set_uid (weir_save_as_text_files (counts, argv[2], NULL), "counts");

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
