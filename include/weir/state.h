/* Keyed state: what a job remembers of each key from batch to batch. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/stream.h>

G_BEGIN_DECLS

typedef struct _WeirState WeirState;

typedef WeirValue (*WeirUpdateFunc) (WeirTask *task, WeirValue key, const WeirValue *values, gsize n_values,
                                     WeirValue state, gpointer user_data);
typedef void (*WeirStateFunc) (WeirTask *task, WeirValue key, WeirValue value, WeirState *state, gpointer user_data);

typedef struct {
  WeirStateFunc function;
  gpointer user_data;
  WeirTime timeout;         /* 0: none */
  const WeirValue *initial; /* pairs, copied; used only if the checkpoint does not have the operator */
  gsize n_initial;
  guint version;
  WeirUpgradeFunc upgrade; /* gets the user_data above */
} WeirStateSpec;

/* every key, every batch */
WEIR_API WeirStream *weir_update_state_by_key (WeirStream *s, WeirUpdateFunc f, gpointer user_data);
WEIR_API void weir_stream_set_initial_state (WeirStream *s, const WeirValue *pairs, gsize n_pairs);

/* keys with data, and keys that time out */
WEIR_API WeirStream *weir_map_with_state_sized (WeirStream *s, const WeirStateSpec *spec, gsize size);
#define weir_map_with_state(s, spec) weir_map_with_state_sized ((s), (spec), sizeof (WeirStateSpec))
WEIR_API WeirStream *weir_state_snapshots (WeirStream *mapped);

WEIR_API gboolean weir_state_exists (WeirState *st);
WEIR_API WeirValue weir_state_get (WeirState *st);
WEIR_API void weir_state_update (WeirState *st, WeirValue v);
WEIR_API gpointer weir_state_edit (WeirState *st, gsize size);
WEIR_API void weir_state_remove (WeirState *st);
WEIR_API gboolean weir_state_is_timing_out (WeirState *st);

G_END_DECLS
