/* Owns the files of a case, and the way they arrive. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/conformance/files.h"

#include <errno.h>
#include <string.h>

#include <glib/gstdio.h>

#include "tests/conformance/run.h"

void
files_init (Files *files)
{
  *files = (Files){ .folder = run_folder_new () };
  files->inbox = g_build_filename (files->folder, "inbox", NULL);
  if (g_mkdir (files->inbox, 0700) != 0)
    g_error ("%s cannot be made: %s", files->inbox, g_strerror (errno));
}

void
files_clear (Files *files)
{
  g_free (files->inbox);
  run_folder_free (files->folder);
}

static void
append_number (GString *content, gint64 number, guint size)
{
  for (guint i = size; i > 0; i--)
    g_string_append_c (content, (char) (guint8) ((guint64) number >> (8 * (i - 1))));
}

static void
append_element (GString *content, JsonNode *element, guint record_length)
{
  g_autoptr (GPtrArray) memory = g_ptr_array_new_with_free_func (g_free);
  WeirValue value = json_value (element, memory);
  g_autofree char *text = weir_to_string (value);

  if (record_length > 0)
    append_number (content, weir_as_int (value), record_length);
  else
    g_string_append_printf (content, "%s\n", text);
}

void
files_put (Files *files, JsonNode *batch, guint record_length)
{
  g_autofree char *made = g_strdup_printf ("%s/file-%03u", files->folder, files->n);
  g_autofree char *arrived = g_strdup_printf ("%s/file-%03u", files->inbox, files->n++);
  g_autoptr (GString) content = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < json_length (batch); i++)
    append_element (content, json_array_get_element (json_node_get_array (batch), i), record_length);
  if (!g_file_set_contents (made, content->str, (gssize) content->len, &error))
    g_error ("%s", error->message);
  if (g_rename (made, arrived) != 0)
    g_error ("%s cannot be renamed: %s", made, g_strerror (errno));
}

static WeirValue
to_number (WeirTask *task, WeirValue record, gpointer user_data)
{
  guint64 number = 0;

  for (gsize i = 0; i < weir_size (record); i++)
    number = number << 8 | (guint8) weir_data (record)[i];
  return weir_int ((gint64) number);
}

WeirStream *
files_stream (const Files *files, WeirContext *ctx, JsonObject *op)
{
  WeirFileSpec spec = { .include_existing = !json_member_bool (op, "newFilesOnly", TRUE) };

  spec.framing.size = (gsize) json_member_int (op, "record_length", 0);
  if (spec.framing.size == 0 && !spec.include_existing)
    return weir_text_file_stream (ctx, files->inbox);
  if (spec.framing.size > 0)
    spec.framing.kind = WEIR_FRAMING_FIXED;
  if (spec.framing.kind == WEIR_FRAMING_FIXED)
    return weir_map (weir_file_stream (ctx, files->inbox, &spec), to_number, NULL);
  return weir_file_stream (ctx, files->inbox, &spec);
}
