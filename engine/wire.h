/* The wire format of values, for the engine: streams of values, and encoding that can say no.
 * docs/reference/wire-format.md describes the bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/task.h>

#define WEIR_WIRE_DEPTH_MAX 64 /* a scalar has depth 1, a pair of scalars 2 */

/* weir_encode() for who can handle what has no encoding: FALSE, and `out` untouched, if `v` is nested deeper than
 * WEIR_WIRE_DEPTH_MAX or `out` would pass 2 GiB. */
gboolean weir_encode_bounded (WeirValue v, GByteArray *out);

/* Scalars, and texts of up to 16 bytes, have no more bytes than these. */
#define WEIR_WIRE_SMALL 32

static inline gboolean
weir_wire_is_small (WeirValue v)
{
  return v.kind < WEIR_TEXT || ((v.kind == WEIR_TEXT || v.kind == WEIR_BYTES) && v.size <= 16);
}

/* weir_encode() of such a value, to where there is room for WEIR_WIRE_SMALL bytes; returns where the next one would begin.
 */
guint8 *weir_wire_put_small (guint8 *at, WeirValue v);

/* weir_decode() of the value that `data` begins with; `*n_consumed` is where the next one would begin. */
gboolean
weir_decode_prefix (WeirTask *task, gconstpointer data, gsize size, gsize *n_consumed, WeirValue *v, GError **error);
