/* Owns how a random sketch is drawn. SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tests/property/elements.h"

#define TRIES 40 /* verbs */
#define FITS  30 /* of inputs, functions and numbers for one */

static guint
below (GRand *rand, guint n)
{
  return g_rand_int (rand) % n;
}

static guint
n_verbs (void)
{
  guint n = 0;

  while (verb_at (n) != NULL)
    n++;
  return n;
}

static guint
one_of (GRand *rand, const guint *choices, guint n)
{
  return choices[below (rand, n)];
}

static Machine
draw_machine (GRand *rand)
{
  static const guint workers[] = { 1, 2, 7 }, partitions[] = { 1, 3, 16 };

  return (Machine){ one_of (rand, workers, G_N_ELEMENTS (workers)),
                    one_of (rand, partitions, G_N_ELEMENTS (partitions)) };
}

/* Few records, now and then more than a chunk holds, and now and then none. */
static GArray *
draw_records (GRand *rand)
{
  GArray *records = g_array_new (FALSE, FALSE, sizeof (guint32));
  guint n = below (rand, 40) == 0 ? 200 + below (rand, 400) : below (rand, 9);

  for (guint i = 0; i < n; i++) {
    guint32 seed = g_rand_int (rand) % 10000;

    g_array_append_val (records, seed);
  }
  return records;
}

static void
draw_source (GRand *rand, Sketch *sketch)
{
  guint source = sketch->n_nodes++;

  sketch->nodes[source] = (Node){ .verb = verb_named ("source"), .which = below (rand, verb_at (0)->n_which) };
  for (guint k = 0; k < sketch->n_batches; k++)
    if (below (rand, 12) > 0)
      sketch->records[source][k] = draw_records (rand);
}

static Node
draw_node (GRand *rand, const Sketch *sketch, const Shape *shapes, guint name)
{
  guint last = sketch->n_nodes - 1;
  Node node = { .verb = name, .n = 1 + below (rand, 6) };
  const Verb *verb = verb_of (&node);
  guint slide;

  for (guint k = 0; k < 2; k++)
    node.inputs[k] = below (rand, 2) == 0 ? last : below (rand, sketch->n_nodes);
  slide = shapes[node.inputs[0]].slide;
  node.length = slide * (1 + below (rand, 5));
  node.slide = slide * below (rand, 4);
  node.which = verb->n_which > 0 ? below (rand, verb->n_which) : 0;
  node.in_transform = verb->on_dataset != NULL && (verb->build == NULL || below (rand, 3) == 0);
  if (verb->is_keyed && !node.in_transform && below (rand, 4) == 0)
    node.partitions = draw_machine (rand).partitions;
  node.is_collected = below (rand, 4) == 0;
  return node;
}

/* Adds a node of the verb, if there is something that it can be applied to. */
static void
add_node (GRand *rand, Sketch *sketch, guint name)
{
  Shape shapes[MOST_NODES];
  guint n = sketch->n_nodes;

  sketch_shapes (sketch, shapes);
  for (guint i = 0; i < FITS; i++) {
    sketch->nodes[n] = draw_node (rand, sketch, shapes, name);
    sketch->n_nodes = n + 1;
    if (sketch_shapes (sketch, shapes))
      return;
    sketch->n_nodes = n;
  }
}

/* What only a stream of one verb has, hence would seldom be drawn. */
static void
add_companion (GRand *rand, Sketch *sketch)
{
  const char *name = verb_of (&sketch->nodes[sketch->n_nodes - 1])->name;

  if (sketch->n_nodes < MOST_NODES && g_str_equal (name, "map_with_state"))
    add_node (rand, sketch, verb_named ("state_snapshots"));
  else if (sketch->n_nodes < MOST_NODES && g_str_equal (name, "flat_map"))
    add_node (rand, sketch, verb_named ("rejected"));
}

static void
draw_nodes (GRand *rand, Sketch *sketch, guint n)
{
  for (guint i = 0; i < TRIES && sketch->n_nodes < n; i++) {
    guint name = below (rand, n_verbs ());

    if (verb_at (name)->n_inputs > 0)
      add_node (rand, sketch, name);
    if (below (rand, 2) == 0)
      add_companion (rand, sketch);
  }
}

static Sketch *
draw_any (GRand *rand)
{
  Sketch *sketch = g_new0 (Sketch, 1);
  guint n_sources = 1 + below (rand, MOST_SOURCES);

  sketch->n_batches = 1 + below (rand, MOST_BATCHES);
  sketch->source_partitions = draw_machine (rand).partitions;
  sketch->machine = draw_machine (rand);
  sketch->second = draw_machine (rand);
  sketch->interval = 1 + below (rand, 4);
  if (below (rand, 2) == 0)
    sketch->kill_after = below (rand, sketch->n_batches);
  if (below (rand, 3) == 0)
    sketch->fail_at = below (rand, sketch->kill_after + 1);
  for (guint i = 0; i < n_sources; i++)
    draw_source (rand, sketch);
  draw_nodes (rand, sketch, n_sources + 1 + below (rand, MOST_NODES - n_sources));
  return sketch;
}

/* One that the model can run in no time. */
Sketch *
sketch_draw (GRand *rand)
{
  for (;;) {
    g_autoptr (Sketch) sketch = draw_any (rand);
    g_autoptr (Model) model = model_run (sketch);

    if (model != NULL)
      return g_steal_pointer (&sketch);
  }
}
