/* WEIR_ERROR: what can go wrong at run time, as GError codes. The codes are a frozen contract: new ones are
 * appended, none is renumbered.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

#include <weir/macros.h>

G_BEGIN_DECLS

#define WEIR_ERROR (weir_error_quark ())

typedef enum {
  WEIR_ERROR_HELP,   /* --help or --version: the text was printed, the program should end with 0 */
  WEIR_ERROR_GRAPH,  /* a mistake in the graph of streams */
  WEIR_ERROR_OPTION, /* an unknown option, a bad value, a missing argument */
  WEIR_ERROR_SOURCE, /* a source cannot be opened or read */
  WEIR_ERROR_SINK,   /* an output cannot be opened or written */
  WEIR_ERROR_DATA_LOSS,
  WEIR_ERROR_CHECKPOINT_CORRUPT,
  WEIR_ERROR_CHECKPOINT_LOCKED,
  WEIR_ERROR_CHECKPOINT_BEHIND,
  WEIR_ERROR_ORPHAN_STATE,
  WEIR_ERROR_STATE_LIMIT,
  WEIR_ERROR_MEMORY_LIMIT, /* a batch would pass memory.limit */
  WEIR_ERROR_KIND,         /* a value of the wrong kind, such as a non-pair in a keyed operator */
  WEIR_ERROR_OVERFLOW,     /* an integer result that does not fit */
  WEIR_ERROR_USER,         /* weir_fail () in a function of the job */
  WEIR_ERROR_FENCED,
  WEIR_ERROR_TIMEOUT, /* not done within the time that was allowed */
  WEIR_ERROR_CLOSED,  /* used after it was stopped or closed */
  WEIR_ERROR_FAILED,  /* anything else; the message says what */
} WeirError;

WEIR_API GQuark weir_error_quark (void);
WEIR_API gboolean weir_error_is_retriable (const GError *error);
WEIR_API int weir_exit_with_error (const GError *error);

G_END_DECLS
