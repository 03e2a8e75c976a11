/* Values as text, for sinks: without an allocation per record.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/value.h>

/* What weir_to_string() returns, appended. */
void weir_append_to_string (GString *out, WeirValue v);

#define WEIR_INT_TEXT_MAX 20 /* bytes of the longest INT, its sign included */

/* Writes an INT in decimal without a NUL; returns its bytes. */
gsize weir_format_int (gint64 i, char out[WEIR_INT_TEXT_MAX]);

#define WEIR_FLOAT_TEXT_MAX 32

/* Writes a FLOAT as weir_to_string() does, with a NUL; returns its bytes. */
gsize weir_format_float (gdouble f, char out[WEIR_FLOAT_TEXT_MAX]);
