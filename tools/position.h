/* What sources keep of where they stand, as places and numbers: "words:3" and 1234 for a partition of Kafka, "record" and
 * 5000 for a generator. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

typedef struct {
  char *where;
  gint64 next; /* the first that is not done; -1: it will be known when the source has begun */
} WeirStand;

/* Of WeirStand; NULL without an error: positions of this verb are not known to this program; with one: damaged. */
GArray *weir_position_read (const char *verb, GBytes *position, GError **error);
/* The position with one place moved. NULL: @error says why not, and which places there are. */
GBytes *weir_position_move (const char *verb, GBytes *position, const WeirStand *to, GError **error);
