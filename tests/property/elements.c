/* See elements.h. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/property/elements.h"

#include <string.h>

gpointer
place_alloc (Place *place, gsize size)
{
  gpointer memory;

  if (place->task != NULL)
    return weir_alloc (place->task, size);
  memory = g_malloc0 (size);
  g_ptr_array_add (place->blocks, memory);
  return memory;
}

WeirValue
place_pair (Place *place, WeirValue key, WeirValue value)
{
  WeirValue *cells;

  if (place->task != NULL)
    return weir_pair (place->task, key, value);
  cells = place_alloc (place, 2 * sizeof *cells);
  cells[0] = key;
  cells[1] = value;
  return weir_pair_at (cells);
}

WeirValue
place_list (Place *place, const WeirValue *items, gsize n)
{
  WeirValue *cells;

  if (place->task != NULL)
    return weir_list (place->task, items, n);
  cells = place_alloc (place, (n + 1) * sizeof *cells);
  if (n > 0)
    memcpy (cells, items, n * sizeof *cells);
  return weir_list_at (cells, n);
}

WeirValue
place_format (Place *place, const char *format, gint64 a, gint64 b)
{
  g_autofree char *text = g_strdup_printf (format, a, b);
  gsize size = strlen (text);
  char *copy = place_alloc (place, size + 1);

  memcpy (copy, text, size);
  return weir_text_n (copy, size);
}

GArray *
elements_new (void)
{
  return g_array_new (FALSE, FALSE, sizeof (WeirValue));
}

void
elements_add (GArray *elements, WeirValue value)
{
  g_array_append_val (elements, value);
}

void
elements_append (GArray *elements, const GArray *more)
{
  if (more != NULL && more->len > 0)
    g_array_append_vals (elements, more->data, more->len);
}

WeirValue
elements_at (const GArray *elements, guint i)
{
  return g_array_index (elements, WeirValue, i);
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  return weir_compare (*(const WeirValue *) a, *(const WeirValue *) b);
}

void
elements_sort (GArray *elements)
{
  g_array_sort (elements, compare);
}

WeirValue
elements_list (Place *place, const GArray *elements)
{
  return place_list (place, (const WeirValue *) elements->data, elements->len);
}

gboolean
elements_equal (const GArray *a, const GArray *b)
{
  if (a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++)
    if (!weir_equal (elements_at (a, i), elements_at (b, i)))
      return FALSE;
  return TRUE;
}

char *
elements_text (const GArray *elements)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < elements->len; i++) {
    g_autofree char *one = weir_to_string (elements_at (elements, i));

    g_string_append_printf (text, "%s%s", i > 0 ? " " : "", one);
  }
  return g_string_free (text, FALSE);
}

static void
group_clear (gpointer group)
{
  g_array_unref (((Group *) group)->values);
}

GArray *
groups_new (void)
{
  GArray *groups = g_array_new (FALSE, FALSE, sizeof (Group));

  g_array_set_clear_func (groups, group_clear);
  return groups;
}

Group *
groups_find (GArray *groups, WeirValue key)
{
  for (guint i = 0; i < groups->len; i++)
    if (weir_equal (g_array_index (groups, Group, i).key, key))
      return &g_array_index (groups, Group, i);
  return NULL;
}

Group *
groups_touch (GArray *groups, WeirValue key)
{
  Group *group = groups_find (groups, key);
  Group fresh = { .key = key, .state = weir_nil () };

  if (group != NULL)
    return group;
  fresh.values = elements_new ();
  g_array_append_val (groups, fresh);
  return &g_array_index (groups, Group, groups->len - 1);
}

void
groups_add (GArray *groups, const GArray *pairs)
{
  for (guint i = 0; i < pairs->len; i++)
    elements_add (groups_touch (groups, weir_key (elements_at (pairs, i)))->values, weir_val (elements_at (pairs, i)));
}

void
groups_remove (GArray *groups, WeirValue key)
{
  Group *group = groups_find (groups, key);

  g_array_remove_index (groups, (guint) (group - (Group *) (gpointer) groups->data));
}
