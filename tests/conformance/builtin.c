/* Owns the functions that phrases may use, each on values alone. NIL counts as nothing: 0 to numbers. Worker threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/conformance/builtin.h"

#include <stdlib.h>
#include <string.h>

gboolean
builtin_is_true (WeirValue value)
{
  switch (weir_kind (value)) {
  case WEIR_NIL:
    return FALSE;
  case WEIR_BOOL:
    return weir_as_bool (value);
  case WEIR_INT:
  case WEIR_FLOAT:
    return weir_as_float (value) != 0;
  case WEIR_PAIR:
    return TRUE;
  default:
    return weir_size (value) > 0;
  }
}

gsize
builtin_n_items (WeirValue value)
{
  if (weir_kind (value) == WEIR_PAIR)
    return 2;
  return weir_kind (value) == WEIR_LIST ? weir_size (value) : 0;
}

WeirValue
builtin_item (WeirValue value, gsize index)
{
  if (index >= builtin_n_items (value))
    return weir_nil ();
  if (weir_kind (value) == WEIR_LIST)
    return weir_item (value, index);
  return index == 0 ? weir_key (value) : weir_val (value);
}

static WeirValue
fail (WeirTask *task, const char *what, WeirValue value)
{
  g_autofree char *text = weir_to_string (value);

  weir_fail (task, "%s: %s", what, text);
  return weir_nil ();
}

static gboolean
is_number (WeirValue value)
{
  return weir_kind (value) == WEIR_INT || weir_kind (value) == WEIR_FLOAT || weir_is_nil (value);
}

static gboolean
is_float (const WeirValue *two)
{
  return weir_kind (two[0]) == WEIR_FLOAT || weir_kind (two[1]) == WEIR_FLOAT;
}

static WeirValue
text_of (WeirTask *task, WeirValue value)
{
  g_autofree char *text = weir_to_string (value);

  return weir_kind (value) == WEIR_TEXT ? value : weir_format (task, "%s", text);
}

static WeirValue
joined_texts (WeirTask *task, WeirValue a, WeirValue b)
{
  a = text_of (task, a);
  b = text_of (task, b);
  return weir_format (task, "%.*s%.*s", (int) weir_size (a), weir_data (a), (int) weir_size (b), weir_data (b));
}

static WeirValue
joined_lists (WeirTask *task, WeirValue a, WeirValue b)
{
  gsize n_a = weir_size (a), n = n_a + weir_size (b);
  g_autofree WeirValue *items = g_new (WeirValue, n + 1);

  for (gsize i = 0; i < n; i++)
    items[i] = i < n_a ? weir_item (a, i) : weir_item (b, i - n_a);
  return weir_list (task, items, n);
}

static WeirValue
add (WeirTask *task, const WeirValue *v, guint n)
{
  gint64 sum;

  if (weir_kind (v[0]) == WEIR_TEXT || weir_kind (v[1]) == WEIR_TEXT)
    return joined_texts (task, v[0], v[1]);
  if (weir_kind (v[0]) == WEIR_LIST && weir_kind (v[1]) == WEIR_LIST)
    return joined_lists (task, v[0], v[1]);
  if (!is_number (v[0]) || !is_number (v[1]))
    return fail (task, "cannot be added", is_number (v[0]) ? v[1] : v[0]);
  if (is_float (v))
    return weir_float (weir_as_float (v[0]) + weir_as_float (v[1]));
  if (__builtin_add_overflow (weir_as_int (v[0]), weir_as_int (v[1]), &sum))
    return fail (task, "overflows when added to", v[0]);
  return weir_int (sum);
}

static WeirValue
negate (WeirTask *task, const WeirValue *v, guint n)
{
  if (!is_number (v[0]))
    return fail (task, "is no number", v[0]);
  if (weir_kind (v[0]) == WEIR_FLOAT)
    return weir_float (-weir_as_float (v[0]));
  if (weir_as_int (v[0]) == G_MININT64)
    return fail (task, "overflows when negated", v[0]);
  return weir_int (-weir_as_int (v[0]));
}

static WeirValue
subtract (WeirTask *task, const WeirValue *v, guint n)
{
  gint64 rest;

  if (!is_number (v[0]) || !is_number (v[1]))
    return fail (task, "cannot be subtracted", is_number (v[0]) ? v[1] : v[0]);
  if (is_float (v))
    return weir_float (weir_as_float (v[0]) - weir_as_float (v[1]));
  if (__builtin_sub_overflow (weir_as_int (v[0]), weir_as_int (v[1]), &rest))
    return fail (task, "overflows when subtracted from", v[0]);
  return weir_int (rest);
}

static WeirValue
repeated (WeirTask *task, WeirValue text, gint64 times)
{
  g_autoptr (GString) all = g_string_new (NULL);

  for (gint64 i = 0; i < MIN (times, 1000); i++)
    g_string_append_len (all, weir_data (text), (gssize) weir_size (text));
  return weir_format (task, "%s", all->str);
}

static WeirValue
multiply (WeirTask *task, const WeirValue *v, guint n)
{
  gint64 product;

  if (weir_kind (v[0]) == WEIR_TEXT && weir_kind (v[1]) == WEIR_INT)
    return repeated (task, v[0], weir_as_int (v[1]));
  if (!is_number (v[0]) || !is_number (v[1]))
    return fail (task, "cannot be multiplied", is_number (v[0]) ? v[1] : v[0]);
  if (is_float (v))
    return weir_float (weir_as_float (v[0]) * weir_as_float (v[1]));
  if (__builtin_mul_overflow (weir_as_int (v[0]), weir_as_int (v[1]), &product))
    return fail (task, "overflows when multiplied", v[0]);
  return weir_int (product);
}

/* The parts of a division of INTs that C leaves undefined. */
static gboolean
divides (WeirTask *task, const WeirValue *v)
{
  if (!is_number (v[0]) || !is_number (v[1]))
    fail (task, "cannot be divided", is_number (v[0]) ? v[1] : v[0]);
  else if (weir_as_int (v[1]) == 0 || (weir_as_int (v[1]) == -1 && weir_as_int (v[0]) == G_MININT64))
    fail (task, "cannot be divided by what it should be", v[0]);
  else
    return TRUE;
  return FALSE;
}

static WeirValue
divide (WeirTask *task, const WeirValue *v, guint n)
{
  if (is_number (v[0]) && is_number (v[1]) && is_float (v))
    return weir_float (weir_as_float (v[0]) / weir_as_float (v[1]));
  return divides (task, v) ? weir_int (weir_as_int (v[0]) / weir_as_int (v[1])) : weir_nil ();
}

static WeirValue
remainder_of (WeirTask *task, const WeirValue *v, guint n)
{
  return divides (task, v) ? weir_int (weir_as_int (v[0]) % weir_as_int (v[1])) : weir_nil ();
}

/* Numbers by their value, whether they are INT or FLOAT; everything else as weir orders it. */
static gint
order (const WeirValue *v)
{
  gdouble a = weir_as_float (v[0]), b = weir_as_float (v[1]);

  if (is_number (v[0]) && is_number (v[1]) && is_float (v))
    return (a > b) - (a < b);
  return weir_compare (v[0], v[1]);
}

#define COMPARISON(name, sign)                                                                                         \
  static WeirValue name (WeirTask *task, const WeirValue *v, guint n)                                                  \
  {                                                                                                                    \
    return weir_bool (order (v) sign 0);                                                                               \
  }

COMPARISON (is_equal, ==)
COMPARISON (is_different, !=)
COMPARISON (is_less, <)
COMPARISON (is_at_most, <=)
COMPARISON (is_more, >)
COMPARISON (is_at_least, >=)

static WeirValue
negation (WeirTask *task, const WeirValue *v, guint n)
{
  return weir_bool (!builtin_is_true (v[0]));
}

static WeirValue
is_nonempty (WeirTask *task, const WeirValue *v, guint n)
{
  return weir_bool (builtin_is_true (v[0]));
}

static WeirValue
is_even (WeirTask *task, const WeirValue *v, guint n)
{
  return weir_bool (weir_as_int (v[0]) % 2 == 0);
}

static WeirValue
is_odd (WeirTask *task, const WeirValue *v, guint n)
{
  return weir_bool (weir_as_int (v[0]) % 2 != 0);
}

static WeirValue
tuple (WeirTask *task, const WeirValue *v, guint n)
{
  return n == 2 ? weir_pair (task, v[0], v[1]) : weir_list (task, v, n);
}

static WeirValue
list (WeirTask *task, const WeirValue *v, guint n)
{
  return weir_list (task, v, n);
}

static WeirValue
identity (WeirTask *task, const WeirValue *v, guint n)
{
  return v[0];
}

static WeirValue
item (WeirTask *task, const WeirValue *v, guint n)
{
  gint64 index = weir_as_int (v[1]);
  gsize n_items = builtin_n_items (v[0]);

  if (index < 0)
    index += (gint64) n_items;
  if (index < 0 || (gsize) index >= n_items)
    return fail (task, "has no such item", v[0]);
  return builtin_item (v[0], (gsize) index);
}

static WeirValue
first (WeirTask *task, const WeirValue *v, guint n)
{
  return builtin_item (v[0], 0);
}

static WeirValue
last (WeirTask *task, const WeirValue *v, guint n)
{
  gsize n_items = builtin_n_items (v[0]);

  return n_items > 0 ? builtin_item (v[0], n_items - 1) : weir_nil ();
}

static WeirValue
length (WeirTask *task, const WeirValue *v, guint n)
{
  if (weir_kind (v[0]) == WEIR_TEXT || weir_kind (v[0]) == WEIR_BYTES)
    return weir_int ((gint64) weir_size (v[0]));
  return weir_int ((gint64) builtin_n_items (v[0]));
}

static WeirValue
to_int (WeirTask *task, const WeirValue *v, guint n)
{
  gint64 number;

  if (weir_kind (v[0]) != WEIR_TEXT)
    return weir_int (weir_kind (v[0]) == WEIR_BOOL ? weir_as_bool (v[0]) : weir_as_int (v[0]));
  return weir_parse_int (v[0], &number) ? weir_int (number) : fail (task, "is no whole number", v[0]);
}

static WeirValue
to_float (WeirTask *task, const WeirValue *v, guint n)
{
  gdouble number;

  if (weir_kind (v[0]) != WEIR_TEXT)
    return weir_float (weir_as_float (v[0]));
  return weir_parse_float (v[0], &number) ? weir_float (number) : fail (task, "is no number", v[0]);
}

static WeirValue
to_text (WeirTask *task, const WeirValue *v, guint n)
{
  return text_of (task, v[0]);
}

static WeirValue
changed_case (WeirTask *task, WeirValue value, int (*change) (int))
{
  WeirValue text = text_of (task, value);
  g_autofree char *copy = g_strndup (weir_data (text), weir_size (text));

  for (char *at = copy; *at != '\0'; at++)
    *at = (char) change ((unsigned char) *at);
  return weir_format (task, "%s", copy);
}

static int
to_upper (int c)
{
  return g_ascii_toupper ((char) c);
}

static int
to_lower (int c)
{
  return g_ascii_tolower ((char) c);
}

static WeirValue
upper (WeirTask *task, const WeirValue *v, guint n)
{
  return changed_case (task, v[0], to_upper);
}

static WeirValue
lower (WeirTask *task, const WeirValue *v, guint n)
{
  return changed_case (task, v[0], to_lower);
}

static WeirValue
strip (WeirTask *task, const WeirValue *v, guint n)
{
  WeirValue text = text_of (task, v[0]);
  g_autofree char *copy = g_strndup (weir_data (text), weir_size (text));

  return weir_format (task, "%s", g_strstrip (copy));
}

/* Empty tokens are skipped, as weir's own splitting does; without a separator: at blanks. */
static WeirValue
split (WeirTask *task, const WeirValue *v, guint n)
{
  char separator = n == 2 && weir_size (v[1]) > 0 ? *weir_data (v[1]) : '\0';
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (WeirValue));
  WeirValue rest = text_of (task, v[0]), token;

  while (weir_text_next_token (&rest, separator, &token))
    g_array_append_val (tokens, token);
  return weir_list (task, (const WeirValue *) (gpointer) tokens->data, tokens->len);
}

static WeirValue
contains (WeirTask *task, const WeirValue *v, guint n)
{
  if (weir_kind (v[0]) == WEIR_TEXT && weir_kind (v[1]) == WEIR_TEXT)
    return weir_bool (memmem (weir_data (v[0]), weir_size (v[0]), weir_data (v[1]), weir_size (v[1])) != NULL);
  for (gsize i = 0; i < builtin_n_items (v[0]); i++)
    if (weir_equal (builtin_item (v[0], i), v[1]))
      return weir_bool (TRUE);
  return weir_bool (FALSE);
}

static WeirValue
starts_with (WeirTask *task, const WeirValue *v, guint n)
{
  gsize size = weir_size (v[1]);

  return weir_bool (weir_size (v[0]) >= size && memcmp (weir_data (v[0]), weir_data (v[1]), size) == 0);
}

static WeirValue
ends_with (WeirTask *task, const WeirValue *v, guint n)
{
  gsize size = weir_size (v[1]), all = weir_size (v[0]);

  return weir_bool (all >= size && memcmp (weir_data (v[0]) + all - size, weir_data (v[1]), size) == 0);
}

static WeirValue
absolute (WeirTask *task, const WeirValue *v, guint n)
{
  return weir_as_float (v[0]) < 0 ? negate (task, v, 1) : v[0];
}

/* The function over the items of one value, or over several. */
static WeirValue
folded (WeirTask *task, const WeirValue *v, guint n, WeirReduceFunc f, WeirValue start)
{
  gsize n_items = n == 1 ? builtin_n_items (v[0]) : n;
  WeirValue result = start;

  for (gsize i = 0; i < n_items; i++) {
    WeirValue next = n == 1 ? builtin_item (v[0], i) : v[i];

    result = i == 0 ? next : f (task, result, next, NULL);
  }
  return result;
}

static WeirValue
add_two (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  return add (task, (const WeirValue[]){ a, b }, 2);
}

static WeirValue
sum (WeirTask *task, const WeirValue *v, guint n)
{
  return folded (task, v, n, add_two, weir_int (0));
}

static WeirValue
least (WeirTask *task, const WeirValue *v, guint n)
{
  return folded (task, v, n, WEIR_MIN, weir_nil ());
}

static WeirValue
greatest (WeirTask *task, const WeirValue *v, guint n)
{
  return folded (task, v, n, WEIR_MAX, weir_nil ());
}

static int
compare (const void *a, const void *b)
{
  return weir_compare (*(const WeirValue *) a, *(const WeirValue *) b);
}

static WeirValue
sorted (WeirTask *task, const WeirValue *v, guint n)
{
  gsize n_items = builtin_n_items (v[0]);
  g_autofree WeirValue *items = g_new (WeirValue, n_items + 1);

  for (gsize i = 0; i < n_items; i++)
    items[i] = builtin_item (v[0], i);
  qsort (items, n_items, sizeof *items, compare);
  return weir_list (task, items, n_items);
}

static WeirValue
reversed (WeirTask *task, const WeirValue *v, guint n)
{
  gsize n_items = builtin_n_items (v[0]);
  g_autofree WeirValue *items = g_new (WeirValue, n_items + 1);
  g_autofree char *text = NULL;

  if (weir_kind (v[0]) == WEIR_TEXT) {
    text = g_strndup (weir_data (v[0]), weir_size (v[0]));
    return weir_format (task, "%s", g_strreverse (text));
  }
  for (gsize i = 0; i < n_items; i++)
    items[i] = builtin_item (v[0], n_items - 1 - i);
  return weir_list (task, items, n_items);
}

static const Builtin builtins[] = {
  { "+", 2, 2, add },
  { "-", 2, 2, subtract },
  { "negate", 1, 1, negate },
  { "*", 2, 2, multiply },
  { "/", 2, 2, divide },
  { "//", 2, 2, divide },
  { "%", 2, 2, remainder_of },
  { "==", 2, 2, is_equal },
  { "=", 2, 2, is_equal },
  { "!=", 2, 2, is_different },
  { "<", 2, 2, is_less },
  { "<=", 2, 2, is_at_most },
  { ">", 2, 2, is_more },
  { ">=", 2, 2, is_at_least },
  { "not", 1, 1, negation },
  { "empty", 1, 1, negation },
  { "isempty", 1, 1, negation },
  { "nonempty", 1, 1, is_nonempty },
  { "iseven", 1, 1, is_even },
  { "isodd", 1, 1, is_odd },
  { "tuple", 0, BUILTIN_ARGUMENTS, tuple },
  { "list", 0, BUILTIN_ARGUMENTS, list },
  { "identity", 1, 1, identity },
  { "item", 2, 2, item },
  { "first", 1, 1, first },
  { "key", 1, 1, first },
  { "last", 1, 1, last },
  { "len", 1, 1, length },
  { "length", 1, 1, length },
  { "size", 1, 1, length },
  { "count", 1, 1, length },
  { "int", 1, 1, to_int },
  { "toint", 1, 1, to_int },
  { "tolong", 1, 1, to_int },
  { "float", 1, 1, to_float },
  { "tofloat", 1, 1, to_float },
  { "todouble", 1, 1, to_float },
  { "str", 1, 1, to_text },
  { "tostring", 1, 1, to_text },
  { "totext", 1, 1, to_text },
  { "upper", 1, 1, upper },
  { "touppercase", 1, 1, upper },
  { "lower", 1, 1, lower },
  { "tolowercase", 1, 1, lower },
  { "strip", 1, 1, strip },
  { "trim", 1, 1, strip },
  { "split", 1, 2, split },
  { "contains", 2, 2, contains },
  { "startswith", 2, 2, starts_with },
  { "endswith", 2, 2, ends_with },
  { "abs", 1, 1, absolute },
  { "sum", 1, BUILTIN_ARGUMENTS, sum },
  { "min", 1, BUILTIN_ARGUMENTS, least },
  { "max", 1, BUILTIN_ARGUMENTS, greatest },
  { "sorted", 1, 1, sorted },
  { "sort", 1, 1, sorted },
  { "reversed", 1, 1, reversed },
  { "reverse", 1, 1, reversed },
};

const Builtin *
builtin_find (const char *name)
{
  g_autoptr (GString) plain = g_string_new (NULL);

  for (const char *at = name; *at != '\0'; at++)
    if (*at != '_')
      g_string_append_c (plain, g_ascii_tolower (*at));
  for (gsize i = 0; i < G_N_ELEMENTS (builtins); i++)
    if (g_str_equal (builtins[i].name, plain->str))
      return &builtins[i];
  return NULL;
}
