/* Every option of weir, declared once: the command line, the environment, the key file, --help and the
 * reference page are all made from this table. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

typedef enum {
  WEIR_OPTION_BATCH_INTERVAL,
  WEIR_OPTION_WORKERS,
  WEIR_OPTION_PARTITIONS,
  WEIR_OPTION_CHECKPOINT,
  WEIR_OPTION_CHECKPOINT_INTERVAL,
  WEIR_OPTION_CHECKPOINT_LEASE,
  WEIR_OPTION_REDIS_PASSWORD_FILE,
  WEIR_OPTION_KAFKA_PROPERTIES,
  WEIR_OPTION_KAFKA_MAX_RATE_PER_PARTITION,
  WEIR_OPTION_KAFKA_ON_DATA_LOSS,
  WEIR_OPTION_BACKPRESSURE_ENABLED,
  WEIR_OPTION_MEMORY_LIMIT,
  WEIR_OPTION_STATE_LIMIT,
  WEIR_OPTION_STATE_ORPHANS,
  WEIR_OPTION_RESTART_ATTEMPTS,
  WEIR_OPTION_CATCHUP_BATCHES,
  WEIR_OPTION_STOP_TIMEOUT,
  WEIR_OPTION_ON_ERROR,
  WEIR_OPTION_SOCKET_MAX_LINE,
  WEIR_OPTION_SOCKET_KEEPALIVE,
  WEIR_OPTION_RECEIVER_BLOCK_INTERVAL,
  WEIR_OPTION_RECEIVER_MAX_RATE,
  WEIR_OPTION_RECEIVER_WAL,
  WEIR_OPTION_RECEIVER_WAL_DIRECTORY,
  WEIR_OPTION_UI_ADDRESS,
  WEIR_OPTION_LOG_LEVEL,
  WEIR_N_OPTIONS
} WeirOption;

typedef enum {
  WEIR_OPTION_TYPE_DURATION, /* microseconds */
  WEIR_OPTION_TYPE_SIZE,     /* bytes */
  WEIR_OPTION_TYPE_INTEGER,
  WEIR_OPTION_TYPE_CHOICE, /* index into the choices */
  WEIR_OPTION_TYPE_TEXT,   /* bytes of it; 0: none */
} WeirOptionType;

/* Choices of log.level, in order. */
typedef enum { WEIR_LOG_ERROR, WEIR_LOG_WARNING, WEIR_LOG_INFO, WEIR_LOG_DEBUG } WeirLogLevel;

/* Choices of state.orphans, in order. */
typedef enum { WEIR_ON_ERROR_FAIL, WEIR_ON_ERROR_REJECT } WeirOnError;
typedef enum { WEIR_ORPHANS_FAIL, WEIR_ORPHANS_DROP } WeirOrphans;

typedef struct {
  const char *key;
  WeirOptionType type;
  gint64 fallback;            /* the default, unless it depends on the machine: */
  gint64 (*compute) (void);   /* nullable; within min and max */
  const char *computed_help;  /* what compute gives, in words */
  gint64 min, max;            /* inclusive; not for choices */
  const char *const *choices; /* NULL-terminated */
  const char *no_choice_help; /* nullable: why there are no other choices */
  const char *help;           /* one short line, no full stop */
  const char *since;          /* the version that had it first */
} WeirOptionSpec;

const WeirOptionSpec *weir_option_spec (WeirOption option);
gboolean weir_option_find (const char *key, WeirOption *option);
const char *weir_option_type_name (const WeirOptionSpec *spec);    /* DURATION */
const char *weir_option_type_example (const WeirOptionSpec *spec); /* 1.5s; for messages */

gint64 weir_option_default (const WeirOptionSpec *spec);
gboolean weir_option_parse (const WeirOptionSpec *spec, const char *text, gint64 *value, GError **error);
gboolean weir_option_check (const WeirOptionSpec *spec, gint64 value, GError **error);

/* Transfer full. */
char *weir_option_format (const WeirOptionSpec *spec, gint64 value);
char *weir_option_range (const WeirOptionSpec *spec);    /* "1 to 256"; "error, warning, info, debug" */
char *weir_option_variable (const WeirOptionSpec *spec); /* WEIR_BATCH_INTERVAL */
char *weir_option_quote (const char *input);             /* for a message: "input", printable and not too long */
