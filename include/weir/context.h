/* The context: a job's graph, options and life.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/listener.h>

G_BEGIN_DECLS

typedef enum { WEIR_INITIALIZED, WEIR_ACTIVE, WEIR_STOPPED } WeirContextState;
typedef enum { WEIR_WAIT_STOPPED, WEIR_WAIT_TIMEOUT, WEIR_WAIT_FAILED } WeirWait;
typedef struct _WeirCounter WeirCounter;

WEIR_API WeirContext *weir_context_new (const char *name, WeirTime batch_interval);
WEIR_API void weir_context_free (WeirContext *ctx);
WEIR_API void weir_context_set_name (WeirContext *ctx, const char *name);
WEIR_API void weir_context_set_usage (WeirContext *ctx, const char *words);
WEIR_API void weir_context_add_options (WeirContext *ctx, const GOptionEntry *entries);
WEIR_API gboolean weir_context_parse_args (WeirContext *ctx, int *argc, char ***argv, GError **error);
WEIR_API gboolean weir_context_set (WeirContext *ctx, const char *key, const char *value, GError **error);
WEIR_API gboolean weir_context_start (WeirContext *ctx, GError **error);
WEIR_API WeirWait weir_context_await (WeirContext *ctx, WeirTime timeout, GError **error);
WEIR_API void weir_context_stop (WeirContext *ctx, gboolean graceful);
WEIR_API gboolean weir_context_run (WeirContext *ctx, GError **error);
WEIR_API WeirContextState weir_context_state (WeirContext *ctx);
WEIR_API void weir_context_own (WeirContext *ctx, gpointer data, GDestroyNotify destroy);
WEIR_API void
weir_context_add_listener_sized (WeirContext *ctx, const WeirListener *listener, gsize size, gpointer user_data);
#define weir_context_add_listener(ctx, listener, user_data)                                                            \
  weir_context_add_listener_sized ((ctx), (listener), sizeof (WeirListener), (user_data))

/* The job's own metrics: added to on workers, exactly once a batch. */
WEIR_API WeirCounter *weir_counter_new (WeirContext *ctx, const char *name, const char *help);
WEIR_API void weir_counter_add (WeirTask *task, WeirCounter *c, gint64 n);
WEIR_API gint64 weir_counter_value (WeirCounter *c);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirContext, weir_context_free)

G_END_DECLS
