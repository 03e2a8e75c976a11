/* Owns what stands between weir's function types and phrases, and the names that cases give to common functions. Worker
 * threads, but for making and freeing. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/conformance/function.h"

#include "tests/conformance/builtin.h"

/* Names that are no builtins, or not those of the function type that they are meant for. */
static const char *
phrase_of (const char *name)
{
  static const char *const phrases[][2] = {
    { "add", "(a, b) -> a + b" },
    { "sub", "(a, b) -> a - b" },
    { "subtract", "(a, b) -> a - b" },
    { "mul", "(a, b) -> a * b" },
    { "multiply", "(a, b) -> a * b" },
    { "concat", "(a, b) -> a + b" },
    { "split on space", "x -> split(x, ' ')" },
    { "split on comma", "x -> split(x, ',')" },
    { "words", "x -> split(x)" },
    { "running_sum", "(key, values, state) -> state + sum(values)" },
    { "running_sum (iterator form)", "(key, values, state) -> state + sum(values)" },
    { "swap", "(a, b) -> (b, a)" },
    { "returns null", "null" },
    { "returns none", "null" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (phrases); i++)
    if (g_ascii_strcasecmp (phrases[i][0], name) == 0)
      return phrases[i][1];
  return name;
}

Function *
function_new (const char *phrase, const char *names, GError **error)
{
  Expression *expression = expression_parse (phrase_of (phrase), names, error);
  Function *function;

  if (expression == NULL)
    return NULL;
  function = g_new0 (Function, 1);
  function->expression = expression;
  return function;
}

void
function_free (gpointer function)
{
  expression_free (((Function *) function)->expression);
  g_free (function);
}

WeirValue
function_map (WeirTask *task, WeirValue value, gpointer function)
{
  return expression_evaluate (((const Function *) function)->expression, task, value);
}

gboolean
function_filter (WeirTask *task, WeirValue value, gpointer function)
{
  return builtin_is_true (function_map (task, value, function));
}

gboolean
function_filter_value (WeirTask *task, WeirValue value, gpointer function)
{
  return function_filter (task, weir_kind (value) == WEIR_PAIR ? value : WEIR_PAIR_OF (weir_nil (), value), function);
}

gboolean
function_filter_key (WeirTask *task, WeirValue value, gpointer function)
{
  g_autofree char *text = NULL;

  if (weir_kind (value) == WEIR_PAIR)
    return function_filter (task, value, function);
  text = weir_to_string (value);
  weir_fail (task, "the case asks for the key of '%s', which is no pair", text);
  return FALSE;
}

static void
emit_items (WeirTask *task, WeirValue value)
{
  if (weir_kind (value) != WEIR_LIST && !weir_is_nil (value))
    weir_emit (task, value);
  for (gsize i = 0; weir_kind (value) == WEIR_LIST && i < weir_size (value); i++)
    weir_emit (task, weir_item (value, i));
}

void
function_flat_map (WeirTask *task, WeirValue value, gpointer function)
{
  emit_items (task, function_map (task, value, function));
}

WeirValue
function_reduce (WeirTask *task, WeirValue a, WeirValue b, gpointer function)
{
  return function_map (task, WEIR_PAIR_OF (a, b), function);
}

/* What the iterator gives lives until the next one is asked for, hence copies. */
void
function_partition (WeirTask *task, WeirIter *values, gpointer function)
{
  g_autoptr (GArray) items = g_array_new (FALSE, FALSE, sizeof (WeirValue));
  WeirValue value;

  while (weir_iter_next (values, &value)) {
    value = weir_copy (task, value);
    g_array_append_val (items, value);
  }
  value = weir_list (task, (const WeirValue *) (gpointer) items->data, items->len);
  emit_items (task, function_map (task, value, function));
}

WeirReduceFunc
function_ready_reduce (const char *phrase)
{
  static const struct {
    const char *name;
    WeirReduceFunc f;
  } ready[] = {
    { "add", WEIR_SUM }, { "sum", WEIR_SUM },     { "min", WEIR_MIN },
    { "max", WEIR_MAX }, { "first", WEIR_FIRST }, { "last", WEIR_LAST },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (ready); i++)
    if (g_str_equal (ready[i].name, phrase))
      return ready[i].f;
  return NULL;
}

gboolean
function_ready_split (const char *phrase, char *separator)
{
  *separator = g_str_equal (phrase, "split on comma") ? ',' : ' ';
  return g_str_equal (phrase, "split on comma") || g_str_equal (phrase, "split on space");
}

gboolean
function_ready_value (const char *phrase, WeirValue *value)
{
  g_autoptr (GRegex) regex = g_regex_new ("^x -> \\(x, (\\d+)\\)$", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *number = NULL;

  if (!g_regex_match (regex, phrase, 0, &match))
    return FALSE;
  number = g_match_info_fetch (match, 1);
  *value = weir_int (g_ascii_strtoll (number, NULL, 10));
  return TRUE;
}
