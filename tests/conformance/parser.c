/* Owns the reading of phrases into trees. Must not know which operators use them. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <string.h>

#include <gio/gio.h>

#include "tests/conformance/expression-tree.h"

typedef struct {
  char *name;
  guint path[DEEPEST];
  guint depth;
} Name;

typedef struct {
  Lexer *lexer;
  GArray *names; /* of Name */
  GPtrArray *nodes;
  GError *error; /* the first */
} Parser;

static void
node_free (gpointer data)
{
  g_free (((Node *) data)->text);
  g_free (data);
}

static void
name_clear (gpointer data)
{
  g_free (((Name *) data)->name);
}

static void G_GNUC_PRINTF (2, 3) fail (Parser *parser, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  if (parser->error == NULL)
    parser->error = g_error_new_valist (G_IO_ERROR, G_IO_ERROR_INVALID_DATA, format, arguments);
  va_end (arguments);
}

static Node *
node_new (Parser *parser, NodeKind kind)
{
  Node *node = g_new0 (Node, 1);

  node->kind = kind;
  g_ptr_array_add (parser->nodes, node);
  return node;
}

static Node *
constant_new (Parser *parser, WeirValue value)
{
  Node *node = node_new (parser, NODE_CONSTANT);

  node->constant = value;
  return node;
}

static void
add_child (Parser *parser, Node *node, Node *child)
{
  if (node->n_children == BUILTIN_ARGUMENTS)
    fail (parser, "more than %d arguments", BUILTIN_ARGUMENTS);
  else
    node->children[node->n_children++] = child;
}

/* Up to three children; those that are NULL are left out. */
static Node *
tree_new (Parser *parser, NodeKind kind, Node *a, Node *b, Node *c)
{
  Node *node = node_new (parser, kind), *children[] = { a, b, c };

  for (guint i = 0; i < G_N_ELEMENTS (children) && children[i] != NULL; i++)
    add_child (parser, node, children[i]);
  return node;
}

static Node *
call_new (Parser *parser, const char *builtin, Node *a, Node *b)
{
  Node *node = tree_new (parser, NODE_CALL, a, b, NULL);

  node->builtin = builtin_find (builtin);
  return node;
}

static void
check_call (Parser *parser, const Node *call)
{
  if (call->n_children < call->builtin->least || call->n_children > call->builtin->most)
    fail (parser, "%s takes %u to %u arguments, not %u", call->builtin->name, call->builtin->least, call->builtin->most,
          call->n_children);
}

static void
expect (Parser *parser, const char *sign)
{
  if (!lexer_skip (parser->lexer, sign))
    fail (parser, "'%s' is missing before '%s'", sign, lexer_peek (parser->lexer)->text);
}

static Node *parse_choice (Parser *parser);

/* What is between @parser and @close, with commas. TRUE if there was a comma. */
static gboolean
parse_items (Parser *parser, Node *into, const char *close)
{
  gboolean has_comma = FALSE;

  while (!lexer_skip (parser->lexer, close) && parser->error == NULL) {
    add_child (parser, into, parse_choice (parser));
    if (lexer_skip (parser->lexer, ","))
      has_comma = TRUE;
    else if (!lexer_is (parser->lexer, close))
      expect (parser, close);
  }
  return has_comma;
}

static Node *
parse_parentheses (Parser *parser)
{
  Node *node = call_new (parser, "tuple", NULL, NULL);

  return parse_items (parser, node, ")") || node->n_children != 1 ? node : node->children[0];
}

static Node *
parse_list (Parser *parser)
{
  Node *node = call_new (parser, "list", NULL, NULL);

  parse_items (parser, node, "]");
  return node;
}

static Node *
parse_number (Parser *parser, const char *text)
{
  if (strchr (text, '.') != NULL)
    return constant_new (parser, weir_float (g_ascii_strtod (text, NULL)));
  return constant_new (parser, weir_int (g_ascii_strtoll (text, NULL, 10)));
}

static Node *
text_new (Parser *parser, const char *text)
{
  Node *node = node_new (parser, NODE_CONSTANT);

  node->text = g_strdup (text);
  node->constant = weir_text (node->text);
  return node;
}

/* The whole argument: what a function's bare name is applied to, as in `('key', int)`. */
static Node *
argument_new (Parser *parser)
{
  return node_new (parser, NODE_ARGUMENT);
}

static Node *
find_name (Parser *parser, const char *name)
{
  for (guint i = 0; i < parser->names->len; i++) {
    const Name *known = &g_array_index (parser->names, Name, i);

    if (g_str_equal (known->name, name)) {
      Node *node = argument_new (parser);

      memcpy (node->path, known->path, sizeof node->path);
      node->depth = known->depth;
      return node;
    }
  }
  return NULL;
}

static Node *
find_word (Parser *parser, const char *name)
{
  static const char *const nothing[] = { "null", "nil", "none", "nothing", NULL };
  g_autofree char *word = g_ascii_strdown (name, -1);

  if (g_str_equal (word, "true") || g_str_equal (word, "false"))
    return constant_new (parser, weir_bool (word[0] == 't'));
  return g_strv_contains (nothing, word) ? constant_new (parser, weir_nil ()) : NULL;
}

static Node *
parse_function (Parser *parser, const Builtin *builtin)
{
  Node *call = call_new (parser, builtin->name, NULL, NULL);

  if (lexer_skip (parser->lexer, "("))
    parse_items (parser, call, ")");
  else
    add_child (parser, call, argument_new (parser));
  check_call (parser, call);
  return call;
}

static Node *
parse_name (Parser *parser, const char *name)
{
  const Builtin *builtin = builtin_find (name);
  Node *node = find_name (parser, name);

  if (node == NULL)
    node = find_word (parser, name);
  if (node == NULL && builtin != NULL)
    node = parse_function (parser, builtin);
  if (node == NULL) {
    fail (parser, "unknown function or name '%s'", name);
    node = constant_new (parser, weir_nil ());
  }
  return node;
}

static Node *
parse_primary (Parser *parser)
{
  const Token *token = lexer_take (parser->lexer);

  if (token->kind == TOKEN_NUMBER)
    return parse_number (parser, token->text);
  if (token->kind == TOKEN_TEXT)
    return text_new (parser, token->text);
  if (token->kind == TOKEN_NAME)
    return parse_name (parser, token->text);
  if (g_str_equal (token->text, "("))
    return parse_parentheses (parser);
  if (g_str_equal (token->text, "["))
    return parse_list (parser);
  fail (parser, token->kind == TOKEN_END ? "something is missing at the end" : "'%s' is not expected", token->text);
  return constant_new (parser, weir_nil ());
}

/* x._1 is the first part of x, x.upper () a function of x. */
static Node *
parse_member (Parser *parser, Node *of)
{
  const char *name = lexer_take (parser->lexer)->text;
  const Builtin *builtin = builtin_find (name);
  Node *call;

  if (name[0] == '_' && g_ascii_isdigit (name[1]))
    return call_new (parser, "item", of, constant_new (parser, weir_int (g_ascii_strtoll (name + 1, NULL, 10) - 1)));
  if (g_str_equal (name, "value"))
    return call_new (parser, "last", of, NULL);
  if (builtin == NULL) {
    fail (parser, "unknown function '.%s'", name);
    return of;
  }
  call = call_new (parser, name, of, NULL);
  if (lexer_skip (parser->lexer, "("))
    parse_items (parser, call, ")");
  check_call (parser, call);
  return call;
}

static Node *
parse_postfix (Parser *parser)
{
  Node *node = parse_primary (parser);

  while (parser->error == NULL) {
    if (lexer_skip (parser->lexer, ".")) {
      node = parse_member (parser, node);
    } else if (lexer_skip (parser->lexer, "[")) {
      node = call_new (parser, "item", node, parse_choice (parser));
      expect (parser, "]");
    } else if (lexer_is (parser->lexer, "out")) {
      lexer_take (parser->lexer); /* `timing out` */
    } else if (lexer_is (parser->lexer, "nonempty") || lexer_is (parser->lexer, "empty")) {
      node = call_new (parser, lexer_take (parser->lexer)->text, node, NULL);
    } else {
      break;
    }
  }
  return node;
}

static Node *
parse_unary (Parser *parser)
{
  if (lexer_skip (parser->lexer, "-"))
    return call_new (parser, "negate", parse_unary (parser), NULL);
  return parse_postfix (parser);
}

/* Operands with signs of one rank between them, from left to right; @signs: NULL-terminated. */
static Node *
parse_rank (Parser *parser, const char *const *signs, Node *(*operand) (Parser *parser))
{
  Node *node = operand (parser);

  for (gsize i = 0; signs[i] != NULL && parser->error == NULL;) {
    if (lexer_skip (parser->lexer, signs[i])) {
      node = call_new (parser, signs[i], node, operand (parser));
      i = 0;
    } else {
      i++;
    }
  }
  return node;
}

static Node *
parse_product (Parser *parser)
{
  static const char *const signs[] = { "*", "//", "/", "%", NULL };

  return parse_rank (parser, signs, parse_unary);
}

static Node *
parse_sum (Parser *parser)
{
  static const char *const signs[] = { "+", "-", NULL };

  return parse_rank (parser, signs, parse_product);
}

static Node *
parse_comparison (Parser *parser)
{
  static const char *const signs[] = { "==", "=", "!=", "<=", ">=", "<", ">", NULL };

  return parse_rank (parser, signs, parse_sum);
}

static Node *
parse_not (Parser *parser)
{
  if (lexer_skip (parser->lexer, "not") || lexer_skip (parser->lexer, "!"))
    return call_new (parser, "not", parse_not (parser), NULL);
  return parse_comparison (parser);
}

static Node *
parse_and (Parser *parser)
{
  Node *node = parse_not (parser);

  while (lexer_skip (parser->lexer, "and") || lexer_skip (parser->lexer, "&&"))
    node = tree_new (parser, NODE_AND, node, parse_not (parser), NULL);
  return node;
}

static Node *
parse_or (Parser *parser)
{
  Node *node = parse_and (parser);

  while (lexer_skip (parser->lexer, "or") || lexer_skip (parser->lexer, "||"))
    node = tree_new (parser, NODE_OR, node, parse_and (parser), NULL);
  return node;
}

/* if C: A else B */
static Node *
parse_if_first (Parser *parser)
{
  Node *condition = parse_or (parser), *yes;

  if (!lexer_skip (parser->lexer, ":"))
    lexer_skip (parser->lexer, "then");
  yes = parse_choice (parser);
  lexer_skip (parser->lexer, ";");
  expect (parser, "else");
  lexer_skip (parser->lexer, ":");
  return tree_new (parser, NODE_IF, condition, yes, parse_choice (parser));
}

/* An `if` behind an action, as in `set 1 if value; ...`, is no choice. */
static gboolean
has_else (const Lexer *lexer)
{
  for (guint i = 0; lexer_ahead (lexer, i)->kind != TOKEN_END; i++) {
    const char *text = lexer_ahead (lexer, i)->text;

    if (g_str_equal (text, ";") || g_str_equal (text, "else"))
      return text[0] == 'e';
  }
  return FALSE;
}

/* Also: A if C else B, C ? A : B */
static Node *
parse_choice (Parser *parser)
{
  Node *node, *condition;

  if (lexer_skip (parser->lexer, "if"))
    return parse_if_first (parser);
  node = parse_or (parser);
  if (lexer_skip (parser->lexer, "?")) {
    Node *yes = parse_choice (parser);

    expect (parser, ":");
    return tree_new (parser, NODE_IF, node, yes, parse_choice (parser));
  }
  if (!lexer_is (parser->lexer, "if") || !has_else (parser->lexer))
    return node;
  lexer_take (parser->lexer);
  condition = parse_or (parser);
  expect (parser, "else");
  return tree_new (parser, NODE_IF, condition, node, parse_choice (parser));
}

static void parse_pattern (Parser *parser, Lexer *lexer, const guint *path, guint depth);

/* Parts with commas between them, up to @close. */
static void
parse_parts (Parser *parser, Lexer *lexer, const char *close, const guint *path, guint depth)
{
  guint inner[DEEPEST] = { 0 };

  if (depth == DEEPEST) {
    fail (parser, "names of parts are too deep");
    return;
  }
  memcpy (inner, path, depth * sizeof *path);
  do {
    parse_pattern (parser, lexer, inner, depth + 1);
    inner[depth]++;
  } while (lexer_skip (lexer, ",") && parser->error == NULL);
  if (!lexer_skip (lexer, close))
    fail (parser, "'%s' is missing after a name", close);
}

static void
parse_pattern (Parser *parser, Lexer *lexer, const guint *path, guint depth)
{
  Name name = { .depth = depth };

  if (lexer_skip (lexer, "(")) {
    parse_parts (parser, lexer, ")", path, depth);
  } else if (lexer_peek (lexer)->kind == TOKEN_NAME) {
    name.name = g_strdup (lexer_take (lexer)->text);
    memcpy (name.path, path, depth * sizeof *path);
    g_array_append_val (parser->names, name);
  } else {
    fail (parser, "a name is missing before '%s'", lexer_peek (lexer)->text);
  }
}

/* What introduces the arrow: `x`, `(k, v)`, `a, b`. */
static void
parse_parameters (Parser *parser, Lexer *lexer, const char *arrow)
{
  const guint top[DEEPEST] = { 0 };
  gboolean has_parts = g_str_equal (lexer_ahead (lexer, 1)->text, ",");

  if (has_parts) {
    parse_parts (parser, lexer, arrow, top, 0);
    return;
  }
  parse_pattern (parser, lexer, top, 0);
  if (arrow[0] != '\0' && !lexer_skip (lexer, arrow))
    fail (parser, "'%s' is missing", arrow);
}

static const char *
find_arrow (const Lexer *lexer)
{
  for (guint i = 0; lexer_ahead (lexer, i)->kind != TOKEN_END; i++) {
    const char *text = lexer_ahead (lexer, i)->text;

    if (g_str_equal (text, "->") || g_str_equal (text, "=>"))
      return text;
  }
  return NULL;
}

static void
parse_names (Parser *parser, const char *names)
{
  const char *arrow = find_arrow (parser->lexer);
  Lexer lexer;

  if (arrow != NULL) {
    parse_parameters (parser, parser->lexer, arrow);
  } else if (lexer_skip (parser->lexer, "lambda")) {
    parse_parameters (parser, parser->lexer, ":");
  } else {
    if (lexer_init (&lexer, names, &parser->error))
      parse_parameters (parser, &lexer, "");
    lexer_clear (&lexer);
  }
}

Expression *
expression_parse_part (Lexer *lexer, const char *names, GError **error)
{
  Parser parser = { .lexer = lexer, .nodes = g_ptr_array_new_with_free_func (node_free) };
  Expression *expression = g_new0 (Expression, 1);

  parser.names = g_array_new (FALSE, FALSE, sizeof (Name));
  g_array_set_clear_func (parser.names, name_clear);
  expression->nodes = parser.nodes;
  parse_names (&parser, names);
  if (parser.error == NULL)
    expression->root = parse_choice (&parser);
  g_array_unref (parser.names);
  if (parser.error == NULL)
    return expression;
  g_propagate_error (error, parser.error);
  expression_free (expression);
  return NULL;
}

Expression *
expression_parse (const char *phrase, const char *names, GError **error)
{
  Expression *expression = NULL;
  Lexer lexer;

  if (lexer_init (&lexer, phrase, error))
    expression = expression_parse_part (&lexer, names, error);
  if (expression != NULL && !lexer_at_end (&lexer)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "unknown words from '%s' on", lexer_peek (&lexer)->text);
    g_clear_pointer (&expression, expression_free);
  }
  lexer_clear (&lexer);
  if (expression == NULL)
    g_prefix_error (error, "function '%s': ", phrase);
  return expression;
}
