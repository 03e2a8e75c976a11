/* enrich HOST PORT TABLE: puts the name of a country beside its code. The stream has lines "code path", the file TABLE has
 * lines "code name".
 *
 * Shows a dataset that no stream made, a static table, in a transform. It is hashed once, not in each batch.
 *
 *   printf 'de Germany\nfr France\n' > countries
 *   nc -lk 9999                              in one terminal; type "de /home", "xx /home"
 *   enrich localhost 9999 countries          in another: (de,(/home,Germany)), (xx,(/home,null))
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/weir.h>

static WeirValue
code_and_path (WeirTask *task, WeirValue line, gpointer user_data)
{
  WeirValue code = weir_nil (), path = weir_nil ();

  weir_text_next_token (&line, ' ', &code);
  weir_text_next_token (&line, ' ', &path);
  return weir_pair (task, code, path);
}

/* The pairs of a file of lines "key value"; the dataset copies them. */
static WeirDataset *
load_table (WeirContext *ctx, const char *path, GError **error)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (path, &text, NULL, error))
    return NULL;
  lines = g_strsplit (text, "\n", -1);

  gsize n_lines = g_strv_length (lines), n = 0;
  g_autofree WeirValue *pairs = g_new (WeirValue, n_lines), *cells = g_new (WeirValue, 2 * n_lines);

  for (gsize i = 0; i < n_lines; i++) {
    WeirValue *row = &cells[2 * i];

    row[1] = weir_text (lines[i]);
    if (weir_text_next_token (&row[1], ' ', &row[0]))
      pairs[n++] = weir_pair_at (row);
  }
  return weir_context_dataset (ctx, pairs, n, 1);
}

static WeirDataset *
look_up (WeirDataset *visits, WeirTime time, gpointer countries, GError **error)
{
  return weir_dataset_left_outer_join (visits, countries);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("enrich", WEIR_SECONDS (1));

  weir_context_set_usage (ctx, "HOST PORT TABLE");
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  WeirDataset *countries = load_table (ctx, argv[3], &error);
  if (countries == NULL)
    return weir_exit_with_error (error);

  WeirStream *visits = weir_map (weir_socket_text_stream (ctx, argv[1], argv[2]), code_and_path, NULL);
  weir_print (weir_transform (visits, look_up, countries), 100);

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
