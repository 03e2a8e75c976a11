/* Testing a job without a clock and without a network.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/weir.h>

G_BEGIN_DECLS

typedef struct _WeirCollected WeirCollected;

WEIR_API WeirContext *weir_test_context_new (WeirTime batch_interval);
WEIR_API WeirContext *weir_test_context_new_at (WeirTime batch_interval, WeirTime start);
WEIR_API WeirCollected *weir_collect (WeirStream *s);
WEIR_API gboolean weir_test_advance (WeirContext *ctx, guint n_batches, GError **error);
WEIR_API gsize weir_collected_n_batches (WeirCollected *c);
WEIR_API WeirTime weir_collected_time (WeirCollected *c, gsize batch);
WEIR_API const WeirValue *weir_collected_values (WeirCollected *c, gsize batch, gsize *n);
WEIR_API char *weir_collected_text (WeirCollected *c, gsize batch);
WEIR_API gboolean weir_collected_expect (WeirCollected *c, gsize batch, const char *expected, GError **error);

G_END_DECLS
