/* The trees that phrases are read into; shared by their reader and their evaluation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "tests/conformance/builtin.h"
#include "tests/conformance/expression.h"

#define DEEPEST 4 /* names of parts of parts */

typedef enum { NODE_CONSTANT, NODE_ARGUMENT, NODE_CALL, NODE_IF, NODE_AND, NODE_OR } NodeKind;

typedef struct _Node Node;
struct _Node {
  NodeKind kind;
  WeirValue constant;
  char *text;          /* that a constant points to */
  guint path[DEEPEST]; /* of a part of the argument */
  guint depth;
  const Builtin *builtin;
  Node *children[BUILTIN_ARGUMENTS];
  guint n_children;
};

struct _Expression {
  GPtrArray *nodes; /* all of them */
  Node *root;
};
