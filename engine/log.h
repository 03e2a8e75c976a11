/* What a context has to say, through GLib's log of the domain "weir": each message begins with the context's name, and
 * what the option log.level leaves out is not made. Any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/option-table.h"

/* Written before the context starts, constant from then on. */
typedef struct {
  const char *name; /* of the context; outlives the log */
  WeirLogLevel level;
} WeirLog;

void weir_log (const WeirLog *log, WeirLogLevel level, const char *format, ...) G_GNUC_PRINTF (3, 4);

static inline gboolean
weir_log_says (const WeirLog *log, WeirLogLevel level)
{
  return level <= log->level;
}
