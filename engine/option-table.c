/* The table of options, and all that follows from one row of it: reading a value, checking it, writing it. An
 * option is added here (and its name in the header), nowhere else. Must not know where values come from or
 * who wants them. Constant data; any thread. SPDX-License-Identifier: Apache-2.0
 */
#include "engine/option-table.h"

#include <string.h>

#include <weir/error.h>

#include "engine/machine.h"
#include "engine/quantity.h"

#define KB G_GINT64_CONSTANT (1024)
#define MB (1024 * KB)
#define GB (1024 * MB)
#define TB (1024 * GB)

#define MAX_WORKERS      256
#define MIN_MEMORY       (64 * MB)
#define MAX_MEMORY       (16 * TB)
#define MAX_TEXT         4096
#define MAX_QUOTED_BYTES 60

static const char *const on_error_choices[] = { "fail", "reject", NULL };
static const char *const orphans_choices[] = { "fail", "drop", NULL };
static const char *const data_loss_choices[] = { "fail", "earliest", "latest", NULL };
static const char *const switch_choices[] = { "false", "true", NULL };
static const char *const wal_choices[] = { "false", "true", NULL };
static const char *const ui_address_choices[] = { "off", NULL };
static const char *const log_level_choices[] = { "error", "warning", "info", "debug", NULL };

static gint64
default_workers (void)
{
  return MIN (weir_machine_cpus ("/"), MAX_WORKERS);
}

static gint64
default_memory_limit (void)
{
  gint64 quarter = weir_machine_memory ("/") / 4 / MB * MB;
  return CLAMP (quarter, MIN_MEMORY, MAX_MEMORY);
}

static gint64
default_state_limit (void)
{
  gint64 half = weir_machine_memory ("/") / 2 / MB * MB;
  return CLAMP (half, MIN_MEMORY, MAX_MEMORY);
}

static const WeirOptionSpec table[WEIR_N_OPTIONS] = {
  [WEIR_OPTION_BATCH_INTERVAL] = {
    .key = "batch.interval", .type = WEIR_OPTION_TYPE_DURATION,
    .fallback = WEIR_SECONDS (1), .min = WEIR_MILLISECONDS (1), .max = WEIR_MINUTES (24 * 60),
    .help = "time from one batch to the next", .since = "0.1.0",
  },
  [WEIR_OPTION_WORKERS] = {
    .key = "workers", .type = WEIR_OPTION_TYPE_INTEGER,
    .compute = default_workers, .computed_help = "the CPUs that the process may use", .min = 1, .max = MAX_WORKERS,
    .help = "threads that run the job's functions", .since = "0.1.0",
  },
  [WEIR_OPTION_PARTITIONS] = {
    .key = "partitions", .type = WEIR_OPTION_TYPE_INTEGER,
    .fallback = 8, .min = 1, .max = 256,
    .help = "partitions after a shuffle", .since = "0.1.0",
  },
  [WEIR_OPTION_CHECKPOINT] = {
    .key = "checkpoint", .type = WEIR_OPTION_TYPE_TEXT, .max = MAX_TEXT,
    .help = "where: file:///dir, redis://host", .since = "0.1.0",
  },
  [WEIR_OPTION_CHECKPOINT_INTERVAL] = {
    .key = "checkpoint.interval", .type = WEIR_OPTION_TYPE_DURATION,
    .fallback = WEIR_SECONDS (1), .min = WEIR_MILLISECONDS (1), .max = WEIR_MINUTES (60),
    .help = "time from one seal to the next", .since = "0.1.0",
  },
  [WEIR_OPTION_CHECKPOINT_LEASE] = {
    .key = "checkpoint.lease", .type = WEIR_OPTION_TYPE_DURATION,
    .fallback = WEIR_SECONDS (10), .min = WEIR_MILLISECONDS (500), .max = WEIR_MINUTES (10),
    .help = "silence before redis: is taken over", .since = "0.1.0",
  },
  [WEIR_OPTION_REDIS_PASSWORD_FILE] = {
    .key = "redis.password.file", .type = WEIR_OPTION_TYPE_TEXT, .max = MAX_TEXT,
    .help = "file with the password for Redis", .since = "0.1.0",
  },
  [WEIR_OPTION_KAFKA_PROPERTIES] = {
    .key = "kafka.properties", .type = WEIR_OPTION_TYPE_TEXT, .max = MAX_TEXT,
    .help = "file of librdkafka's name=value lines", .since = "0.1.0",
  },
  [WEIR_OPTION_KAFKA_MAX_RATE_PER_PARTITION] = {
    .key = "kafka.max.rate.per.partition", .type = WEIR_OPTION_TYPE_INTEGER,
    .fallback = 0, .min = 0, .max = 1000000000,
    .help = "records a second; 0: any number", .since = "0.1.0",
  },
  [WEIR_OPTION_KAFKA_ON_DATA_LOSS] = {
    .key = "kafka.on.data.loss", .type = WEIR_OPTION_TYPE_CHOICE, .choices = data_loss_choices,
    .help = "when unread records are gone", .since = "0.1.0",
  },
  [WEIR_OPTION_BACKPRESSURE_ENABLED] = {
    .key = "backpressure.enabled", .type = WEIR_OPTION_TYPE_CHOICE, .choices = switch_choices,
    .help = "sources slow to what batches can do", .since = "0.1.0",
  },
  [WEIR_OPTION_MEMORY_LIMIT] = {
    .key = "memory.limit", .type = WEIR_OPTION_TYPE_SIZE,
    .compute = default_memory_limit, .computed_help = "a quarter of the memory that the process may have",
    .min = MIN_MEMORY, .max = MAX_MEMORY,
    .help = "data held before reading pauses", .since = "0.1.0",
  },
  [WEIR_OPTION_STATE_LIMIT] = {
    .key = "state.limit", .type = WEIR_OPTION_TYPE_SIZE,
    .compute = default_state_limit, .computed_help = "half of the memory that the process may have",
    .min = MIN_MEMORY, .max = MAX_MEMORY,
    .help = "keyed state, at most", .since = "0.1.0",
  },
  [WEIR_OPTION_STATE_ORPHANS] = {
    .key = "state.orphans", .type = WEIR_OPTION_TYPE_CHOICE, .choices = orphans_choices,
    .help = "saved state that no operator wants", .since = "0.1.0",
  },
  [WEIR_OPTION_RESTART_ATTEMPTS] = {
    .key = "restart.attempts", .type = WEIR_OPTION_TYPE_INTEGER,
    .fallback = 3, .min = 0, .max = 1000,
    .help = "restarts a minute after failures", .since = "0.1.0",
  },
  [WEIR_OPTION_CATCHUP_BATCHES] = {
    .key = "catchup.batches", .type = WEIR_OPTION_TYPE_INTEGER,
    .fallback = 10, .min = 1, .max = 1000000,
    .help = "missed batches run, at most", .since = "0.1.0",
  },
  [WEIR_OPTION_STOP_TIMEOUT] = {
    .key = "stop.timeout", .type = WEIR_OPTION_TYPE_DURATION,
    .fallback = WEIR_SECONDS (30), .min = WEIR_MILLISECONDS (100), .max = WEIR_MINUTES (24 * 60),
    .help = "longest wait for a stop to finish", .since = "0.1.0",
  },
  [WEIR_OPTION_ON_ERROR] = {
    .key = "on.error", .type = WEIR_OPTION_TYPE_CHOICE, .choices = on_error_choices,
    .help = "what a record's error does", .since = "0.1.0",
  },
  [WEIR_OPTION_SOCKET_MAX_LINE] = {
    .key = "socket.max.line", .type = WEIR_OPTION_TYPE_SIZE,
    .fallback = MB, .min = 16, .max = GB,
    .help = "longest line of a socket or file", .since = "0.1.0",
  },
  [WEIR_OPTION_SOCKET_KEEPALIVE] = {
    .key = "socket.keepalive", .type = WEIR_OPTION_TYPE_DURATION,
    .fallback = WEIR_SECONDS (60), .min = WEIR_SECONDS (1), .max = WEIR_MINUTES (9 * 60),
    .help = "silence before a peer is probed", .since = "0.1.0",
  },
  [WEIR_OPTION_RECEIVER_BLOCK_INTERVAL] = {
    .key = "receiver.block.interval", .type = WEIR_OPTION_TYPE_DURATION,
    .fallback = WEIR_MILLISECONDS (200), .min = WEIR_MILLISECONDS (1), .max = WEIR_MINUTES (1),
    .help = "time that fills a block", .since = "0.1.0",
  },
  [WEIR_OPTION_RECEIVER_MAX_RATE] = {
    .key = "receiver.max.rate", .type = WEIR_OPTION_TYPE_INTEGER,
    .fallback = 0, .min = 0, .max = 1000000000,
    .help = "records/s, not of sockets; 0: any", .since = "0.1.0",
  },
  [WEIR_OPTION_RECEIVER_WAL] = {
    .key = "receiver.wal", .type = WEIR_OPTION_TYPE_CHOICE, .choices = wal_choices,
    .help = "log what is received first", .since = "0.1.0",
  },
  [WEIR_OPTION_RECEIVER_WAL_DIRECTORY] = {
    .key = "receiver.wal.directory", .type = WEIR_OPTION_TYPE_TEXT, .max = MAX_TEXT,
    .help = "where, if not in the checkpoint", .since = "0.1.0",
  },
  [WEIR_OPTION_UI_ADDRESS] = {
    .key = "ui.address", .type = WEIR_OPTION_TYPE_CHOICE, .choices = ui_address_choices,
    .no_choice_help = "there is no web interface yet",
    .help = "where the web interface listens", .since = "0.1.0",
  },
  [WEIR_OPTION_LOG_LEVEL] = {
    .key = "log.level", .type = WEIR_OPTION_TYPE_CHOICE, .choices = log_level_choices, .fallback = WEIR_LOG_INFO,
    .help = "how much is logged", .since = "0.1.0",
  },
};

/* One row a type; choices have no units. The examples are in the range of every option of the type. */
static const struct {
  const char *name, *what, *example;
  const WeirUnit *units;
} types[] = {
  [WEIR_OPTION_TYPE_DURATION] = { "DURATION", "a duration", "1.5s", weir_duration_units },
  [WEIR_OPTION_TYPE_SIZE] = { "SIZE", "a size", "256MB", weir_size_units },
  [WEIR_OPTION_TYPE_INTEGER] = { "NUMBER", "a whole number", "4", weir_count_units },
  [WEIR_OPTION_TYPE_CHOICE] = { "WORD", "a word", NULL, NULL },
  [WEIR_OPTION_TYPE_TEXT] = { "TEXT", "a text", "text", NULL },
};

const WeirOptionSpec *
weir_option_spec (WeirOption option)
{
  g_assert (option < WEIR_N_OPTIONS);
  return &table[option];
}

gboolean
weir_option_find (const char *key, WeirOption *option)
{
  for (guint i = 0; i < WEIR_N_OPTIONS; i++) {
    if (strcmp (table[i].key, key) == 0) {
      *option = (WeirOption) i;
      return TRUE;
    }
  }
  return FALSE;
}

const char *
weir_option_type_name (const WeirOptionSpec *spec)
{
  return types[spec->type].name;
}

const char *
weir_option_type_example (const WeirOptionSpec *spec)
{
  return spec->type == WEIR_OPTION_TYPE_CHOICE ? spec->choices[0] : types[spec->type].example;
}

gint64
weir_option_default (const WeirOptionSpec *spec)
{
  return spec->compute != NULL ? spec->compute () : spec->fallback;
}

char *
weir_option_format (const WeirOptionSpec *spec, gint64 value)
{
  if (spec->type == WEIR_OPTION_TYPE_CHOICE)
    return g_strdup (spec->choices[value]);
  if (spec->type == WEIR_OPTION_TYPE_TEXT) /* the number tells its size, not what it is */
    return g_strdup ("");
  return weir_quantity_format (types[spec->type].units, value);
}

char *
weir_option_range (const WeirOptionSpec *spec)
{
  if (spec->type == WEIR_OPTION_TYPE_CHOICE)
    return g_strjoinv (", ", (char **) spec->choices);
  if (spec->type == WEIR_OPTION_TYPE_TEXT)
    return g_strdup_printf ("up to %d bytes", MAX_TEXT);
  g_autofree char *min = weir_option_format (spec, spec->min);
  g_autofree char *max = weir_option_format (spec, spec->max);
  return g_strdup_printf ("%s to %s", min, max);
}

char *
weir_option_variable (const WeirOptionSpec *spec)
{
  g_autofree char *upper = g_ascii_strup (spec->key, -1);
  return g_strconcat ("WEIR_", g_strdelimit (upper, ".-", '_'), NULL);
}

char *
weir_option_quote (const char *input)
{
  g_autofree char *start = g_strndup (input, MAX_QUOTED_BYTES);
  g_autofree char *valid = g_utf8_make_valid (start, -1);
  for (char *p = valid; *p != '\0'; p++)
    if (g_ascii_iscntrl (*p))
      *p = '?';
  return g_strdup_printf ("\"%s%s\"", valid, strlen (start) < strlen (input) ? "..." : "");
}

/* "1 is out of range, 64MB to 16TB"; @given as the user wrote it. */
static gboolean
refuse_range (const WeirOptionSpec *spec, const char *given, GError **error)
{
  g_autofree char *range = weir_option_range (spec);
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "%s is out of range: it may be %s", given, range);
  return FALSE;
}

gboolean
weir_option_check (const WeirOptionSpec *spec, gint64 value, GError **error)
{
  if (spec->type == WEIR_OPTION_TYPE_CHOICE) {
    g_assert (value >= 0 && value < g_strv_length ((char **) spec->choices));
    return TRUE;
  }
  if (value >= spec->min && value <= spec->max)
    return TRUE;
  g_autofree char *given = spec->type == WEIR_OPTION_TYPE_TEXT
                               ? g_strdup_printf ("a text of %" G_GINT64_FORMAT " bytes", value)
                               : weir_option_format (spec, value);
  return refuse_range (spec, given, error);
}

static gboolean
parse_text (const WeirOptionSpec *spec, const char *text, gint64 *value, GError **error)
{
  *value = (gint64) strlen (text);
  return TRUE;
}

static gboolean
parse_choice (const WeirOptionSpec *spec, const char *text, gint64 *value, GError **error)
{
  for (gint64 i = 0; spec->choices[i] != NULL; i++) {
    if (strcmp (spec->choices[i], text) == 0) {
      *value = i;
      return TRUE;
    }
  }
  g_autofree char *quoted = weir_option_quote (text);
  g_autofree char *choices = weir_option_range (spec);
  const char *rule = spec->choices[1] != NULL ? "one of these" : "nothing but";
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "%s is not possible: it may be %s: %s%s%s", quoted, rule, choices,
               spec->no_choice_help != NULL ? "; " : "", spec->no_choice_help != NULL ? spec->no_choice_help : "");
  return FALSE;
}

static char *
unit_names (const WeirUnit *units)
{
  GString *names = g_string_new (NULL);
  for (const WeirUnit *unit = units; unit->name != NULL; unit++)
    if (unit->name[0] != '\0')
      g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", unit->name);
  return g_string_free (names, FALSE);
}

static gboolean
parse_quantity (const WeirOptionSpec *spec, const char *text, gint64 *value, GError **error)
{
  const WeirUnit *units = types[spec->type].units;
  WeirQuantityResult result = weir_quantity_parse (units, text, value);
  if (result == WEIR_QUANTITY_OK)
    return TRUE;

  g_autofree char *quoted = weir_option_quote (text);
  if (result == WEIR_QUANTITY_TOO_LARGE)
    return refuse_range (spec, quoted, error);
  g_autofree char *names = unit_names (units);
  const char *example = weir_option_type_example (spec);
  if (result == WEIR_QUANTITY_NO_UNIT)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "%s has no unit: write one of %s behind it, as in %s", quoted,
                 names, example);
  else
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "%s is not %s%s%s: write it as in %s", quoted,
                 types[spec->type].what, names[0] != '\0' ? " with a unit of " : "", names, example);
  return FALSE;
}

/*
 * Reads a value of the option and checks its range. WEIR_ERROR_OPTION: the message names the value, what was
 * expected and an example; it is for the caller to say in front of it which option it is and where it stands.
 */
gboolean
weir_option_parse (const WeirOptionSpec *spec, const char *text, gint64 *value, GError **error)
{
  gint64 parsed;
  gboolean (*parse) (const WeirOptionSpec *, const char *, gint64 *, GError **) =
      spec->type == WEIR_OPTION_TYPE_CHOICE ? parse_choice
      : spec->type == WEIR_OPTION_TYPE_TEXT ? parse_text
                                            : parse_quantity;
  if (!parse (spec, text, &parsed, error))
    return FALSE;
  if (!weir_option_check (spec, parsed, error))
    return FALSE;
  *value = parsed;
  return TRUE;
}
