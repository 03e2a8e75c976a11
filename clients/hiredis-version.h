/* hiredis, of the versions that weir is built with (0.14 and 1.x), and what differs between them. The only place that
 * includes it. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <hiredis/hiredis.h>

#if HIREDIS_MAJOR == 0 && HIREDIS_MINOR < 14
#error "hiredis 0.14 or later is needed: lengths of replies are int before it"
#endif

/* In 1.x the descriptor's type has a name of its own; RESP3 and push replies come only to who asks for them. */
