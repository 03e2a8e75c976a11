/* See function.h. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/property/function.h"

#include <math.h>
#include <string.h>

void
emitter_emit (Emitter *emitter, WeirValue value)
{
  if (emitter->out != NULL)
    elements_add (emitter->out, value);
  else
    weir_emit (emitter->place->task, value);
}

void
emitter_emit_pair (Emitter *emitter, WeirValue key, WeirValue value)
{
  if (emitter->out != NULL)
    elements_add (emitter->out, place_pair (emitter->place, key, value));
  else
    weir_emit_pair (emitter->place->task, key, value);
}

void
emitter_reject (Emitter *emitter, WeirValue value, const char *reason)
{
  if (emitter->out == NULL)
    weir_reject (emitter->place->task, value, reason);
  else if (emitter->reject != NULL)
    elements_add (emitter->reject, place_pair (emitter->place, weir_text (reason), value));
}

guint
fold (WeirValue value, guint n)
{
  return (guint) (weir_hash (value) % n);
}

/* Texts that begin alike: what is kept or compared in words of eight bytes must tell them apart. */
WeirValue
function_prefix (guint i)
{
  static const guint sizes[] = { 0, 7, 8, 9, 10, 16, 17, 18 };
  guint size = sizes[i % G_N_ELEMENTS (sizes)], begin = i / G_N_ELEMENTS (sizes) % 20;

  return weir_text_n (&"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqr"[begin], size);
}

static WeirValue
scalar (Place *place, guint32 seed)
{
  static const gdouble floats[] = { 0.0, -0.0, 1.5, -2.0, NAN, INFINITY };

  switch (seed % 8) {
  case 0:
    return weir_nil ();
  case 1:
    return weir_bool (seed / 8 % 2);
  case 2:
    return weir_float (floats[seed / 8 % G_N_ELEMENTS (floats)]);
  case 3:
    return place_format (place, "%" G_GINT64_FORMAT ": a name too long for sixteen bytes", seed / 8 % 3, 0);
  case 4:
    return function_prefix (seed / 8);
  case 5:
    return weir_bytes ("\0\xff", 1 + seed / 8 % 2);
  case 6:
    return place_format (place, "k%" G_GINT64_FORMAT, seed / 8 % 4, 0);
  default:
    return weir_int ((gint64) (seed / 8 % 5) - 2);
  }
}

static WeirValue
words (Place *place, guint32 seed)
{
  static const char *const lines[] = { "a b", "a", "", " b  a b ", "the quick brown fox jumps", "a\tb a", "   " };

  return seed % 3 == 0 ? place_format (place, "w%" G_GINT64_FORMAT " w%" G_GINT64_FORMAT, seed % 5, seed % 7)
                       : weir_text (lines[seed / 3 % G_N_ELEMENTS (lines)]);
}

WeirValue
function_record (Place *place, guint which, guint32 seed)
{
  WeirValue items[2], key;

  switch (which) {
  case SOURCE_COUNTED:
    key = seed % 2 == 0 ? place_format (place, "k%" G_GINT64_FORMAT, seed / 2 % 5, 0)
                        : function_prefix (seed / 2 % 4000 < 2000 ? seed / 2 % 8 : seed / 2);
    return place_pair (place, key, weir_int (seed / 16 % 100));
  case SOURCE_WORDS:
    return words (place, seed);
  case SOURCE_INTS:
    return weir_int ((gint64) (seed % 100) - 50);
  case SOURCE_PAIRS:
    return place_pair (place, scalar (place, seed % 64), scalar (place, seed / 64));
  default:
    items[0] = scalar (place, seed / 3);
    items[1] = scalar (place, seed / 5);
    return seed % 5 == 0 ? place_list (place, items, seed % 3) : scalar (place, seed);
  }
}

static WeirValue
part (WeirValue value)
{
  return weir_kind (value) == WEIR_PAIR ? weir_val (value) : value;
}

WeirValue
function_map (Place *place, guint which, WeirValue value)
{
  WeirValue items[2] = { value, weir_int (fold (value, 3)) };

  switch (which) {
  case MAP_TO_INT:
    return weir_int (fold (value, 7));
  case MAP_TO_KEY:
    return place_pair (place, weir_int (fold (value, 5)), value);
  case MAP_TO_COUNTED:
    return place_pair (place, place_format (place, "key-%" G_GINT64_FORMAT, fold (value, 6), 0),
                       weir_int (fold (value, 100)));
  case MAP_TO_LIST:
    return place_list (place, items, 2);
  case MAP_TO_WORDS:
    return words (place, fold (value, 1000));
  case MAP_TO_FLOAT:
    return place_pair (place, weir_int (fold (value, 5)), weir_float (fold (value, 64) * 0.5));
  case MAP_TO_PART:
    return part (value);
  default:
    return value;
  }
}

gboolean
function_filter (guint which, WeirValue value)
{
  return fold (value, 3) != which % 3 ? 2 : 0;
}

void
function_flat_map (Emitter *emitter, guint which, WeirValue value)
{
  guint n = fold (value, 3);

  switch (which) {
  case FLAT_COPIES:
    for (guint i = 0; i < n; i++)
      emitter_emit (emitter, value);
    break;
  case FLAT_PAIRS:
    for (guint i = 0; i < n; i++)
      emitter_emit_pair (emitter, weir_int (fold (value, 4 + i)), value);
    break;
  case FLAT_MIXED:
    emitter_emit (emitter, value);
    emitter_emit_pair (emitter, value, weir_int (n));
    break;
  default:
    if (n == 0)
      emitter_reject (emitter, value, fold (value, 2) == 0 ? "even" : "odd");
    else
      emitter_emit (emitter, value);
  }
}

static WeirValue
add (WeirValue a, WeirValue b)
{
  return weir_kind (a) == WEIR_INT ? weir_int (a.integer + b.integer) : weir_float (a.number + b.number);
}

/* Of texts: what came first stands first. */
static WeirValue
joined (Place *place, WeirValue a, WeirValue b)
{
  gsize size = weir_size (a) + weir_size (b);
  char *bytes = place_alloc (place, size + 1);

  memcpy (bytes, weir_data (a), weir_size (a));
  memcpy (bytes + weir_size (a), weir_data (b), weir_size (b));
  return weir_text_n (bytes, size);
}

WeirValue
function_reduce (Place *place, guint which, WeirValue a, WeirValue b)
{
  switch (which) {
  case REDUCE_SUM:
    return add (a, b);
  case REDUCE_MIN:
    return weir_compare (a, b) <= 0 ? a : b;
  case REDUCE_FIRST:
    return a;
  case REDUCE_LAST:
    return b;
  case REDUCE_JOINED:
    return joined (place, a, b);
  default:
    return weir_compare (a, b) >= 0 ? a : b;
  }
}

gint
function_compare (guint which, WeirValue a, WeirValue b)
{
  if (which == ORDER_OF_CLASSES)
    return (gint) fold (a, 3) - (gint) fold (b, 3);
  return which == ORDER_BACKWARDS ? weir_compare (b, a) : weir_compare (a, b);
}

guint
shape_of_map (guint which, guint flags)
{
  guint order = flags & ORDERED;

  switch (which) {
  case MAP_TO_INT:
    return NUMBERS | order;
  case MAP_TO_KEY:
    return PAIRS | (flags & PAIRS ? 0 : flags) | order;
  case MAP_TO_COUNTED:
    return PAIRS | NUMBERS | order;
  case MAP_TO_LIST:
    return order;
  case MAP_TO_WORDS:
    return TEXTS | order;
  case MAP_TO_FLOAT:
    return PAIRS | NUMBERS | FLOATS | order;
  case MAP_TO_PART:
    return flags & ~(guint) PAIRS;
  default:
    return flags;
  }
}

guint
shape_of_flat_map (guint which, guint flags)
{
  if (which == FLAT_PAIRS)
    return shape_of_map (MAP_TO_KEY, flags);
  return which == FLAT_MIXED ? flags & ORDERED : flags;
}

guint
shape_of_source (guint which)
{
  static const guint shapes[] = { PAIRS | NUMBERS, 0, TEXTS, NUMBERS, PAIRS };

  return shapes[which] | ORDERED;
}

gboolean
fits_reduce (guint which, guint flags)
{
  switch (which) {
  case REDUCE_SUM:
  case REDUCE_MIN:
  case REDUCE_MAX:
    return (flags & NUMBERS) != 0;
  case REDUCE_FIRST:
  case REDUCE_LAST:
    return (flags & ORDERED) != 0;
  case REDUCE_JOINED:
    return (flags & ORDERED) != 0 && (flags & TEXTS) != 0;
  default:
    return TRUE;
  }
}

static WeirValue
run_greatest (WeirTask *task, WeirValue a, WeirValue b, gpointer node)
{
  return function_reduce (&(Place){ .task = task }, REDUCE_GREATEST, a, b);
}

static WeirValue
run_joined (WeirTask *task, WeirValue a, WeirValue b, gpointer node)
{
  return function_reduce (&(Place){ .task = task }, REDUCE_JOINED, a, b);
}

WeirReduceFunc
reduce_function (guint which)
{
  static const WeirReduceFunc functions[] = { WEIR_SUM,  WEIR_MIN,     WEIR_MAX,  WEIR_FIRST,
                                              WEIR_LAST, run_greatest, run_joined };

  return functions[which];
}

WeirValue
run_map (WeirTask *task, WeirValue value, gpointer node)
{
  return function_map (&(Place){ .task = task }, ((const Node *) node)->which, value);
}

gboolean
run_filter (WeirTask *task, WeirValue value, gpointer node)
{
  return function_filter (((const Node *) node)->which, value);
}

void
run_flat_map (WeirTask *task, WeirValue value, gpointer node)
{
  Place place = { .task = task };

  function_flat_map (&(Emitter){ .place = &place }, ((const Node *) node)->which, value);
}

gint
run_compare (WeirValue a, WeirValue b, gpointer node)
{
  return function_compare (((const Node *) node)->which, a, b);
}
