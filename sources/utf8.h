/* Is this UTF-8? As the Unicode standard has it (table 3-7); a NUL is a character like others. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

gboolean weir_utf8_is_valid (const char *data, gsize size);
