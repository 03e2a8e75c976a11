/* What a random job is made of, as plain data: it can be drawn, copied, made smaller, written down, built and modelled.
 *
 * A sketch doesn't change while it is run. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/test.h>

#define MOST_NODES   12
#define MOST_BATCHES 14
#define MOST_SOURCES 3

/* What is known of a stream's elements, hence what may be done with them. */
enum {
  PAIRS = 1,   /* all are pairs */
  NUMBERS = 2, /* all, or the values of all pairs, are numbers of one kind */
  FLOATS = 4,  /* with NUMBERS: FLOATs, else INTs */
  TEXTS = 8,   /* all are texts */
  ORDERED = 16 /* their order follows from that of the sources, not from a hash */
};

typedef struct {
  guint flags;
  guint slide; /* in batches */
} Shape;

typedef struct {
  guint verb;      /* index into verbs */
  guint inputs[2]; /* earlier nodes */
  guint which;     /* of the functions that the verb can be given */
  guint n;         /* a number that the verb takes: how many, or a limit */
  guint length, slide;
  guint partitions; /* 0: as the context has */
  gboolean in_transform, is_collected;
} Node;

typedef struct {
  guint workers, partitions;
} Machine;

typedef struct {
  Node nodes[MOST_NODES];
  guint n_nodes;
  GArray *records[MOST_SOURCES][MOST_BATCHES]; /* of guint32, which functions make values of; NULL: nothing comes */
  guint n_batches;
  guint source_partitions;
  Machine machine, second; /* the latter: after the kill */
  guint kill_after;        /* so many batches; 0: never */
  guint interval;          /* of checkpoints, in batches */
  guint fail_at;           /* with a kill: an output fails once in that batch of the first life; 0: none does */
} Sketch;

typedef struct _Model Model;
typedef struct _Verb Verb;

struct _Verb {
  const char *name;
  guint n_inputs; /* 0: a source */
  /* FALSE: the verb doesn't take such inputs. */
  gboolean (*shape) (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result);
  /* The naive model: what the node holds in a batch is appended to @result. */
  void (*model) (Model *model, guint node, guint batch, GArray *result);
  /* The same through the library. Sources are built by their index. */
  WeirStream *(*build) (const Node *node, WeirStream *a, WeirStream *b);
  WeirDataset *(*on_dataset) (const Node *node, WeirDataset *a,
                              WeirDataset *b); /* for transform; NULL: there is none */
  gboolean takes_table;                        /* a dataset of the context, as the second */
  gboolean is_keyed;                           /* takes weir_stream_set_partitions () */
  guint n_which;                               /* how many functions; 0: one */
  gboolean sorts_lists; /* lists are put into order where nothing is known of the order in which values come */
};

const Verb *verb_at (guint i); /* NULL behind the last */
const Verb *verb_of (const Node *node);
guint verb_named (const char *name);

/* In the order of the nodes; FALSE: the sketch is no valid graph. */
gboolean sketch_shapes (const Sketch *sketch, Shape *shapes);
Sketch *sketch_copy (const Sketch *sketch);
void sketch_free (Sketch *sketch);
char *sketch_text (const Sketch *sketch); /* to be read by whoever mends what it found */

Sketch *sketch_draw (GRand *rand);

/* NULL: weir says what the model says; else how they differ. */
char *sketch_check (const Sketch *sketch);
/* A smaller one that is wrong too; takes @sketch, and what it has wrong for what the smaller one has. */
Sketch *sketch_shrink (Sketch *sketch, char **wrong);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Sketch, sketch_free)
