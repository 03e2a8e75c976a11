/* Redis as an output.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/output.h>

G_BEGIN_DECLS

typedef enum {
  WEIR_REDIS_MERGE,  /* a batch sets its fields and leaves the others */
  WEIR_REDIS_REPLACE /* the hash is what the batch is */
} WeirRedisMode;

WEIR_API WeirOutput *weir_redis_hash_output (WeirStream *s, const char *uri, const char *hash, WeirRedisMode mode);

G_END_DECLS
