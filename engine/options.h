/* The values of all options of one context, and where each came from.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/macros.h>

#include "engine/option-table.h"

/* Who said it; a later one outranks an earlier one, in whatever order they speak. */
typedef enum {
  WEIR_ORIGIN_DEFAULT,
  WEIR_ORIGIN_SET, /* the job's own code */
  WEIR_ORIGIN_FILE,
  WEIR_ORIGIN_ENVIRONMENT,
  WEIR_ORIGIN_COMMAND_LINE,
} WeirOrigin;

/* Written by one thread before the context starts; constant from then on, read by all. */
typedef struct _WeirOptions WeirOptions;

WeirOptions *weir_options_new (void);
void weir_options_free (WeirOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirOptions, weir_options_free)

gboolean weir_options_set (WeirOptions *options, const char *key, const char *value, WeirOrigin origin, GError **error);
gboolean weir_options_set_number (WeirOptions *options, WeirOption option, gint64 value, GError **error);
gboolean weir_options_read_file (WeirOptions *options, const char *path, GError **error);
gboolean weir_options_read_text (WeirOptions *options, const char *name, const char *text, gsize size, GError **error);
gboolean weir_options_read_environment (WeirOptions *options, const char *const *environment, GError **error);

WeirTime weir_options_duration (const WeirOptions *options, WeirOption option); /* microseconds */
gint64 weir_options_size (const WeirOptions *options, WeirOption option);       /* bytes */
guint weir_options_integer (const WeirOptions *options, WeirOption option);
guint weir_options_choice (const WeirOptions *options, WeirOption option);       /* index into the choices */
const char *weir_options_string (const WeirOptions *options, WeirOption option); /* NULL: none */
/* As a user would write it, but for user and password in a URI: for messages and --help. Transfer full. */
char *weir_options_text (const WeirOptions *options, WeirOption option);
WeirOrigin weir_options_origin (const WeirOptions *options, WeirOption option);
