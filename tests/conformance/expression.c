/* Owns the evaluation of phrases. Trees are read-only, so that any thread may evaluate them at once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/conformance/expression-tree.h"

void
expression_free (Expression *expression)
{
  g_ptr_array_unref (expression->nodes);
  g_free (expression);
}

static WeirValue
part_of (const Node *node, WeirValue argument)
{
  for (guint i = 0; i < node->depth; i++)
    argument = builtin_item (argument, node->path[i]);
  return argument;
}

static WeirValue evaluate (const Node *node, WeirTask *task, WeirValue argument);

static WeirValue
call (const Node *node, WeirTask *task, WeirValue argument)
{
  WeirValue arguments[BUILTIN_ARGUMENTS];

  for (guint i = 0; i < node->n_children; i++)
    arguments[i] = evaluate (node->children[i], task, argument);
  return node->builtin->apply (task, arguments, node->n_children);
}

static gboolean
holds (const Node *node, WeirTask *task, WeirValue argument)
{
  return builtin_is_true (evaluate (node, task, argument));
}

static WeirValue
evaluate (const Node *node, WeirTask *task, WeirValue argument)
{
  switch (node->kind) {
  case NODE_CONSTANT:
    return node->constant;
  case NODE_ARGUMENT:
    return part_of (node, argument);
  case NODE_IF:
    return evaluate (node->children[holds (node->children[0], task, argument) ? 1 : 2], task, argument);
  case NODE_AND:
    return weir_bool (holds (node->children[0], task, argument) && holds (node->children[1], task, argument));
  case NODE_OR:
    return weir_bool (holds (node->children[0], task, argument) || holds (node->children[1], task, argument));
  default:
    return call (node, task, argument);
  }
}

WeirValue
expression_evaluate (const Expression *expression, WeirTask *task, WeirValue argument)
{
  return evaluate (expression->root, task, argument);
}

gboolean
expression_holds (const Expression *expression, WeirTask *task, WeirValue argument)
{
  WeirValue value = expression_evaluate (expression, task, argument);

  if (expression->root->kind == NODE_ARGUMENT && weir_kind (value) != WEIR_BOOL)
    return !weir_is_nil (value);
  return builtin_is_true (value);
}
