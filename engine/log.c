/* Owns the way of a message to GLib's log. g_log () and not g_log_structured (): programs that take the domain's
 * messages for themselves do it with g_log_set_handler (), which only the former calls.
 * Threads: any.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/log.h"

#include <stdarg.h>

/* GLib hides info and debug unless G_MESSAGES_DEBUG asks for them, but here log.level has asked already. */
static const GLogLevelFlags glib_levels[] = {
  [WEIR_LOG_ERROR] = G_LOG_LEVEL_CRITICAL,
  [WEIR_LOG_WARNING] = G_LOG_LEVEL_WARNING,
  [WEIR_LOG_INFO] = G_LOG_LEVEL_MESSAGE,
  [WEIR_LOG_DEBUG] = G_LOG_LEVEL_MESSAGE,
};

void
weir_log (const WeirLog *log, WeirLogLevel level, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  if (!weir_log_says (log, level))
    return;
  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_log (G_LOG_DOMAIN, glib_levels[level], "%s: %s", log->name, text);
}
