/* Owns how a sketch that is wrong becomes a small one that is wrong too: step by step something is left out, and what is
 * still wrong is gone on with. SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tests/property/elements.h"

#define MOST_CHECKS 3000

typedef struct {
  Sketch *best;
  char *wrong; /* with it */
  guint n_checks;
} Shrink;

/* Takes @smaller. */
static gboolean
try (Shrink *shrink, Sketch *smaller)
{
  g_autoptr (Sketch) sketch = smaller;
  g_autoptr (Model) model = model_run (sketch);
  g_autofree char *wrong = NULL;

  if (model == NULL || shrink->n_checks++ > MOST_CHECKS || (wrong = sketch_check (sketch)) == NULL)
    return FALSE;
  sketch_free (shrink->best);
  g_free (shrink->wrong);
  shrink->best = g_steal_pointer (&sketch);
  shrink->wrong = g_steal_pointer (&wrong);
  return TRUE;
}

/* Whoever reads the node reads @instead; the sources' records go with them. */
static Sketch *
without_node (const Sketch *sketch, guint gone, guint instead)
{
  Sketch *smaller = sketch_copy (sketch);
  gboolean is_source = verb_of (&sketch->nodes[gone])->n_inputs == 0;

  for (guint i = 0; i < sketch->n_nodes; i++)
    for (guint k = 0; k < 2; k++) {
      guint *input = &smaller->nodes[i].inputs[k];

      *input = *input == gone ? instead : *input;
      *input -= *input > gone;
    }
  memmove (&smaller->nodes[gone], &smaller->nodes[gone + 1], (sketch->n_nodes - gone - 1) * sizeof (Node));
  smaller->n_nodes--;
  for (guint k = 0; k < MOST_BATCHES && is_source; k++) {
    g_clear_pointer (&smaller->records[gone][k], g_array_unref);
    for (guint i = gone; i + 1 < MOST_SOURCES; i++)
      smaller->records[i][k] = smaller->records[i + 1][k];
    smaller->records[MOST_SOURCES - 1][k] = NULL;
  }
  return smaller;
}

static gboolean
leave_out_nodes (Shrink *shrink)
{
  gboolean any = FALSE;

  for (guint i = shrink->best->n_nodes; i > 0; i--) {
    const Node *node = &shrink->best->nodes[i - 1];
    gboolean is_source = verb_of (node)->n_inputs == 0;
    guint instead = is_source ? (i == 1 ? 1 : 0) : node->inputs[0];

    if (shrink->best->n_nodes > 1)
      any |= try (shrink, without_node (shrink->best, i - 1, instead));
  }
  return any;
}

static gboolean
leave_out_batches (Shrink *shrink)
{
  gboolean any = FALSE;

  for (guint k = shrink->best->n_batches; k > 0; k--) {
    Sketch *smaller = sketch_copy (shrink->best);

    if (smaller->n_batches <= 1 || smaller->kill_after >= smaller->n_batches - 1)
      smaller->kill_after = MIN (smaller->kill_after, MAX (smaller->n_batches, 2) - 2);
    for (guint i = 0; i < MOST_SOURCES; i++) {
      g_clear_pointer (&smaller->records[i][k - 1], g_array_unref);
      memmove (&smaller->records[i][k - 1], &smaller->records[i][k], (MOST_BATCHES - k) * sizeof (GArray *));
      smaller->records[i][MOST_BATCHES - 1] = NULL;
    }
    smaller->n_batches--;
    if (smaller->n_batches == 0)
      sketch_free (smaller);
    else
      any |= try (shrink, smaller);
  }
  return any;
}

/* First by halves, at last one by one. */
static gboolean
leave_out_records_of (Shrink *shrink, guint source, guint batch)
{
  gboolean any = FALSE;

  for (guint n = 512; n > 0; n /= 2)
    for (guint i = 0; shrink->best->records[source][batch] != NULL && i < shrink->best->records[source][batch]->len;) {
      Sketch *smaller = sketch_copy (shrink->best);
      GArray *records = smaller->records[source][batch];

      g_array_remove_range (records, i, MIN (n, records->len - i));
      if (try (shrink, smaller))
        any = TRUE;
      else
        i += n;
    }
  return any;
}

static gboolean
leave_out_records (Shrink *shrink)
{
  gboolean any = FALSE;

  for (guint i = 0; i < MOST_SOURCES; i++)
    for (guint k = 0; k < shrink->best->n_batches; k++)
      any |= leave_out_records_of (shrink, i, k);
  return any;
}

static void
simplest_number (guint *number, guint simplest, gboolean *any)
{
  *any |= *number > simplest;
  *number = MIN (*number, simplest);
}

/* One number, or what is said of one node; FALSE: there is nothing left at @i. */
static gboolean
simplify (Sketch *sketch, guint i, gboolean *any)
{
  guint *const numbers[] = { &sketch->kill_after,         &sketch->fail_at,        &sketch->machine.workers,
                             &sketch->machine.partitions, &sketch->second.workers, &sketch->second.partitions,
                             &sketch->source_partitions,  &sketch->interval };
  guint k = i - G_N_ELEMENTS (numbers);
  Node *node = &sketch->nodes[k / 4 % MOST_NODES];

  if (i < G_N_ELEMENTS (numbers)) {
    simplest_number (numbers[i], i > 1, any);
    return TRUE;
  }
  if (k / 4 >= sketch->n_nodes)
    return FALSE;
  if (k % 4 == 0)
    simplest_number (&node->partitions, 0, any);
  else if (k % 4 == 1)
    simplest_number ((guint *) &node->is_collected, FALSE, any);
  else if (k % 4 == 2 && verb_of (node)->build != NULL)
    simplest_number ((guint *) &node->in_transform, FALSE, any);
  else if (k % 4 == 3)
    simplest_number (&node->n, 1, any);
  return TRUE;
}

static gboolean
simplify_numbers (Shrink *shrink)
{
  gboolean any_smaller = FALSE, is_there = TRUE;

  for (guint i = 0; is_there; i++) {
    Sketch *smaller = sketch_copy (shrink->best);
    gboolean any = FALSE;

    is_there = simplify (smaller, i, &any);
    if (is_there && any)
      any_smaller |= try (shrink, smaller);
    else
      sketch_free (smaller);
  }
  return any_smaller;
}

Sketch *
sketch_shrink (Sketch *sketch, char **wrong)
{
  Shrink shrink = { .best = sketch, .wrong = *wrong };
  gboolean any = TRUE;

  while (any) {
    any = leave_out_nodes (&shrink);
    any |= leave_out_batches (&shrink);
    any |= leave_out_records (&shrink);
    any |= simplify_numbers (&shrink);
  }
  *wrong = shrink.wrong;
  return shrink.best;
}
