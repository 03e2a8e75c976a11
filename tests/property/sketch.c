/* Owns sketches: what makes one valid, copies, and how one is written down. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/property/verbs.h"

static const Verb *const families[] = { narrow_verbs,  gather_verbs, keyed_verbs,
                                        joining_verbs, window_verbs, state_verbs };

const Verb *
verb_at (guint i)
{
  for (guint f = 0; f < G_N_ELEMENTS (families); f++)
    for (const Verb *verb = families[f]; verb->name != NULL; verb++)
      if (i-- == 0)
        return verb;
  return NULL;
}

const Verb *
verb_of (const Node *node)
{
  return verb_at (node->verb);
}

guint
verb_named (const char *name)
{
  guint i = 0;

  while (!g_str_equal (verb_at (i)->name, name))
    i++;
  return i;
}

gboolean
sketch_shapes (const Sketch *sketch, Shape *shapes)
{
  for (guint i = 0; i < sketch->n_nodes; i++) {
    const Node *node = &sketch->nodes[i];
    const Verb *verb = verb_of (node);
    Shape inputs[2] = { { 0 } };

    for (guint k = 0; k < verb->n_inputs; k++) {
      if (node->inputs[k] >= i)
        return FALSE;
      inputs[k] = shapes[node->inputs[k]];
    }
    if (verb->n_inputs == 0 && i >= MOST_SOURCES)
      return FALSE;
    if (!verb->shape (sketch, node, inputs, &shapes[i]))
      return FALSE;
  }
  return sketch->n_nodes > 0;
}

Sketch *
sketch_copy (const Sketch *sketch)
{
  Sketch *copy = g_memdup2 (sketch, sizeof *sketch);

  for (guint i = 0; i < MOST_SOURCES; i++)
    for (guint k = 0; k < MOST_BATCHES; k++)
      if (copy->records[i][k] != NULL)
        copy->records[i][k] = g_array_copy (copy->records[i][k]);
  return copy;
}

void
sketch_free (Sketch *sketch)
{
  for (guint i = 0; i < MOST_SOURCES; i++)
    for (guint k = 0; k < MOST_BATCHES; k++)
      g_clear_pointer (&sketch->records[i][k], g_array_unref);
  g_free (sketch);
}

static void
write_source (GString *text, const Sketch *sketch, guint source)
{
  g_autoptr (GPtrArray) blocks = g_ptr_array_new_with_free_func (g_free);
  Place place = { .blocks = blocks };

  for (guint k = 0; k < sketch->n_batches; k++) {
    const GArray *records = sketch->records[source][k];
    g_autoptr (GArray) values = elements_new ();
    g_autofree char *batch = NULL;

    for (guint i = 0; records != NULL && i < records->len; i++)
      elements_add (values, function_record (&place, sketch->nodes[source].which, g_array_index (records, guint32, i)));
    batch = elements_text (values);
    g_string_append_printf (text, "    batch %u: %s\n", k + 1, records != NULL ? batch : "nothing comes");
  }
}

static void
write_node (GString *text, const Sketch *sketch, guint i)
{
  const Node *node = &sketch->nodes[i];
  const Verb *verb = verb_of (node);

  g_string_append_printf (text, "  %u = %s%s", i, node->in_transform ? "in transform " : "", verb->name);
  for (guint k = 0; k < verb->n_inputs; k++)
    g_string_append_printf (text, "%s%u", k == 0 ? " of " : " and ", node->inputs[k]);
  if (verb->n_which > 0)
    g_string_append_printf (text, ", function %u", node->which);
  g_string_append_printf (text, ", n %u, length %u, slide %u", node->n, node->length, node->slide);
  if (node->partitions > 0)
    g_string_append_printf (text, ", %u partitions", node->partitions);
  g_string_append (text, node->is_collected ? ", collected\n" : "\n");
  if (verb->n_inputs == 0)
    write_source (text, sketch, i);
}

char *
sketch_text (const Sketch *sketch)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "  %u workers, %u partitions, sources with %u\n", sketch->machine.workers,
                          sketch->machine.partitions, sketch->source_partitions);
  if (sketch->kill_after > 0)
    g_string_append_printf (text,
                            "  a checkpoint every %u batches, killed after batch %u, then %u workers, %u partitions\n",
                            sketch->interval, sketch->kill_after, sketch->second.workers, sketch->second.partitions);
  if (sketch->kill_after > 0 && sketch->fail_at > 0)
    g_string_append_printf (text, "  before, an output fails once in batch %u\n", sketch->fail_at);
  for (guint i = 0; i < sketch->n_nodes; i++)
    write_node (text, sketch, i);
  return g_string_free (text, FALSE);
}
