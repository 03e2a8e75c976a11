/* Values: the accessors. Asked for what a value is not, they answer 0, FALSE, NIL or an empty text, never
 * undefined memory. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/value.h>

G_BEGIN_DECLS

inline gboolean
weir_as_bool (WeirValue v)
{
  return v.kind == WEIR_BOOL && v.integer != 0;
}

inline gint64
weir_as_int (WeirValue v)
{
  if (v.kind == WEIR_INT)
    return v.integer;
  if (v.kind != WEIR_FLOAT || v.number != v.number)
    return 0;
  if (v.number >= 9223372036854775808.0)
    return G_MAXINT64;
  return v.number <= -9223372036854775808.0 ? G_MININT64 : (gint64) v.number;
}

inline gdouble
weir_as_float (WeirValue v)
{
  if (v.kind == WEIR_FLOAT)
    return v.number;
  return v.kind == WEIR_INT ? (gdouble) v.integer : 0.0;
}

inline const char *
weir_data (WeirValue v)
{
  return v.kind == WEIR_TEXT || v.kind == WEIR_BYTES ? v.data : "";
}

inline gsize
weir_size (WeirValue v)
{
  return v.size;
}

inline WeirValue
weir_key (WeirValue pair)
{
  return pair.kind == WEIR_PAIR ? pair.cells[0] : weir_nil ();
}

inline WeirValue
weir_val (WeirValue pair)
{
  return pair.kind == WEIR_PAIR ? pair.cells[1] : weir_nil ();
}

inline WeirValue
weir_item (WeirValue list, gsize index)
{
  return list.kind == WEIR_LIST && index < list.size ? list.cells[index] : weir_nil ();
}

G_END_DECLS
