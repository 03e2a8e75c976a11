/* Owns folders that cases work in, and the reading of what they saved there. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <gio/gio.h>

#include "tests/conformance/run.h"

char *
run_folder_new (void)
{
  g_autoptr (GError) error = NULL;
  char *folder = g_dir_make_tmp ("weir-conformance-XXXXXX", &error);

  if (folder == NULL)
    g_error ("%s", error->message);
  return folder;
}

static void
delete_all (GFile *file)
{
  g_autoptr (GFileEnumerator) children =
      g_file_enumerate_children (file, "standard::name", G_FILE_QUERY_INFO_NOFOLLOW_SYMLINKS, NULL, NULL);
  GFile *child;

  while (children != NULL && g_file_enumerator_iterate (children, NULL, &child, NULL, NULL) && child != NULL)
    delete_all (child);
  g_file_delete (file, NULL, NULL);
}

void
run_folder_free (char *folder)
{
  g_autoptr (GFile) file = g_file_new_for_path (folder);

  delete_all (file);
  g_free (folder);
}

static void
add_lines (const char *path, GPtrArray *lines)
{
  g_autofree char *content = NULL;
  g_auto (GStrv) parts = NULL;

  if (!g_file_get_contents (path, &content, NULL, NULL))
    return;
  parts = g_strsplit (content, "\n", 0);
  for (guint i = 0; parts[i] != NULL && (parts[i][0] != '\0' || parts[i + 1] != NULL); i++)
    g_ptr_array_add (lines, g_strdup (parts[i]));
}

/* All lines of all parts; NULL: there is no such folder, or it is not complete. */
static GPtrArray *
read_saved (const char *folder)
{
  g_autofree char *success = g_build_filename (folder, "_SUCCESS", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  GPtrArray *lines;
  const char *name;

  if (dir == NULL || !g_file_test (success, G_FILE_TEST_EXISTS))
    return NULL;
  lines = g_ptr_array_new_with_free_func (g_free);
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);

    if (g_str_has_prefix (name, "part-"))
      add_lines (path, lines);
  }
  return lines;
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static char *
sorted_text (GPtrArray *lines)
{
  g_ptr_array_sort (lines, compare_texts);
  g_ptr_array_add (lines, NULL);
  return g_strjoinv ("\n", (char **) lines->pdata);
}

static char *
expected_text (JsonNode *batch)
{
  g_autoptr (GPtrArray) memory = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  gsize n;
  const WeirValue *values = json_values (batch, memory, &n);

  for (gsize i = 0; i < n; i++)
    g_ptr_array_add (lines, weir_to_string (values[i]));
  return sorted_text (lines);
}

static gboolean
compare_saved (Case *one, const char *folder, gint64 time_ms, JsonNode *batch)
{
  g_autofree char *saved = g_strdup_printf ("%s/saved-0-%" G_GINT64_FORMAT ".txt", folder, time_ms);
  g_autoptr (GPtrArray) lines = read_saved (saved);
  g_autofree char *expected = expected_text (batch), *got = lines != NULL ? sorted_text (lines) : NULL;

  if (g_strcmp0 (expected, got) == 0)
    return TRUE;
  case_note (one, CASE_FAIL, "saved at %" G_GINT64_FORMAT " ms: expected '%s', got '%s'", time_ms, expected,
             got != NULL ? got : "no folder that is complete");
  return FALSE;
}

static gboolean
saves (const Case *one)
{
  JsonNode *ops = json_member (one->json, "ops");

  for (guint i = 0; i < json_length (ops); i++) {
    const char *name = json_member_text (json_array_get_object_element (json_node_get_array (ops), i), "op");
    g_autofree char *plain = chain_plain_name (name != NULL ? name : "");

    if (g_str_equal (plain, "saveperbatch"))
      return TRUE;
  }
  return FALSE;
}

gboolean
run_compare_saved (Case *one, const char *folder)
{
  JsonNode *expected = case_expected (one);
  guint n = json_length (expected);
  gint64 slide = n > 0 ? one->interval / 1000 * (one->n_batches / n) : 0;

  if (!saves (one))
    return TRUE;
  for (guint i = 0; i < n; i++)
    if (!compare_saved (one, folder, (i + 1) * slide, json_array_get_element (json_node_get_array (expected), i)))
      return FALSE;
  return TRUE;
}
