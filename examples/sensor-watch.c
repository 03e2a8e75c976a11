/* sensor_watch HOST PORT [PREFIX]: messages "sensor degrees", each behind its length in four bytes; prints each second what the
 * last five seconds had: how many, the highest, and of each sensor the mean and all; which sensors are known; and what
 * it costs. With PREFIX the readings are kept in object files PREFIX-<ms>.
 *
 * Shows frames instead of lines, windows of every kind, a state that ends by a word, and a listener.
 *
 *   --checkpoint=file://DIRECTORY   the sensors are still known after a restart
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include <weir/weir.h>

#define LENGTH  WEIR_SECONDS (5)
#define HOTTEST 1000

/* --- readings --- */

static WeirValue
sensor_and_degrees (WeirTask *task, WeirValue message, gpointer user_data)
{
  WeirValue sensor, field;
  gdouble degrees;

  if (!weir_text_field (message, ' ', 0, &sensor) || !weir_text_field (message, ' ', 1, &field)) {
    weir_reject (task, message, "a sensor and degrees are needed");
    return weir_nil ();
  }
  if (!weir_parse_float (field, &degrees))
    return weir_pair (task, sensor, field); /* a word: "off" */
  if (degrees > HOTTEST)
    weir_fail (task, "%s degrees: nothing here is that hot, so do not trust the rest", weir_cstr (task, field));
  return weir_pair (task, sensor, weir_float (degrees));
}

static gboolean
is_degrees (WeirTask *task, WeirValue pair, gpointer user_data)
{
  return weir_kind (weir_val (pair)) == WEIR_FLOAT;
}

static WeirValue
degrees_of (WeirTask *task, WeirValue pair, gpointer user_data)
{
  return weir_val (pair);
}

/* --- the mean, in a window --- */

typedef struct {
  gint64 n;
  gdouble sum;
} Mean;

static void
mean_add (gpointer mean, WeirValue degrees, gpointer user_data)
{
  ((Mean *) mean)->n++;
  ((Mean *) mean)->sum += weir_as_float (degrees);
}

static void
mean_merge (gpointer mean, gconstpointer later, gpointer user_data)
{
  ((Mean *) mean)->n += ((const Mean *) later)->n;
  ((Mean *) mean)->sum += ((const Mean *) later)->sum;
}

static WeirValue
mean_result (WeirTask *task, gconstpointer mean, gpointer user_data)
{
  return weir_float (((const Mean *) mean)->sum / (gdouble) ((const Mean *) mean)->n);
}

/* --- which sensors there are --- */

/* The last reading, until the sensor says "off"; says when one comes and goes. */
static void
know (WeirTask *task, WeirValue sensor, WeirValue reading, WeirState *state, gpointer user_data)
{
  if (weir_kind (reading) != WEIR_TEXT) {
    if (!weir_state_exists (state))
      weir_emit_pair (task, sensor, weir_text ("on"));
    weir_state_update (state, reading);
  } else if (weir_state_exists (state)) {
    weir_state_remove (state);
    weir_emit_pair (task, sensor, weir_text ("off"));
  }
}

/* The first version kept whole degrees. */
static WeirValue
upgrade (WeirTask *task, guint from_version, WeirValue state, gpointer user_data)
{
  return from_version == 1 ? weir_float (weir_as_float (state)) : state;
}

static WeirStream *
known_sensors (WeirStream *readings)
{
  const WeirValue home[] = { WEIR_PAIR_OF (weir_text ("home"), weir_float (20)) };
  const WeirStateSpec spec = {
    .function = know, .initial = home, .n_initial = G_N_ELEMENTS (home), .version = 2, .upgrade = upgrade
  };

  return weir_stream_set_uid (weir_map_with_state (readings, &spec), "sensors");
}

/* --- what it costs --- */

static void
on_batch (const WeirBatchInfo *info, gpointer user_data)
{
  fprintf (stderr,
           "batch of %" G_GINT64_FORMAT ": %" G_GINT64_FORMAT " messages, waited %" G_GINT64_FORMAT
           " us, done in %" G_GINT64_FORMAT " us, %" G_GUINT64_FORMAT " rejected, %" G_GUINT64_FORMAT " not UTF-8\n",
           weir_batch_info_time (info), weir_batch_info_n_records (info), weir_batch_info_scheduling_delay (info),
           weir_batch_info_total_delay (info), weir_batch_info_n_rejected (info),
           weir_batch_info_n_invalid_utf8 (info));
  if (weir_batch_info_error (info) != NULL)
    fprintf (stderr, "failed, %s: %s\n",
             weir_error_is_retriable (weir_batch_info_error (info)) ? "may pass" : "will not pass",
             weir_batch_info_error (info)->message);
}

static void
on_output (const WeirOutputInfo *info, gpointer user_data)
{
  if (weir_output_info_error (info) != NULL)
    fprintf (stderr, "output %u, %s, of %" G_GINT64_FORMAT " failed after %" G_GINT64_FORMAT " us\n",
             weir_output_info_index (info), weir_output_info_name (info), weir_output_info_batch_time (info),
             weir_output_info_duration (info));
}

/* --- the graph --- */

static void
print_as (WeirStream *s, const char *name)
{
  weir_output_set_name (weir_print (s, 20), name);
}

static void
watch (WeirStream *readings)
{
  const WeirAggregate mean = { sizeof (Mean), mean_add, mean_merge, mean_result, NULL, 1 };
  WeirStream *numbers = weir_filter (readings, is_degrees, NULL), *sensors = known_sensors (readings);

  print_as (weir_count_by_window (numbers, LENGTH, 0), "readings");
  print_as (weir_reduce_by_window (weir_map (numbers, degrees_of, NULL), WEIR_MAX, NULL, LENGTH, 0, NULL), "highest");
  print_as (weir_reduce_by_key_and_window (numbers, WEIR_LAST, NULL, LENGTH, 0, NULL), "latest");
  print_as (weir_aggregate_by_key_and_window (numbers, &mean, LENGTH, 0), "means");
  print_as (weir_group_by_key_and_window (numbers, LENGTH, 0), "all");
  print_as (sensors, "on and off");
  print_as (weir_state_snapshots (sensors), "known");
}

int
main (int argc, char **argv)
{
  static const WeirListener listener = { .batch_completed = on_batch, .output_completed = on_output };
  const WeirFraming framing = { .kind = WEIR_FRAMING_LENGTH32, .max_size = 1000, .text = TRUE };
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("sensor_watch", WEIR_SECONDS (1));

  weir_context_set_usage (ctx, "HOST PORT [PREFIX]");
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  weir_context_add_listener (ctx, &listener, NULL);
  WeirStream *readings = weir_map (weir_socket_stream (ctx, argv[1], argv[2], &framing), sensor_and_degrees, NULL);
  watch (readings);
  if (argc > 3)
    weir_save_as_object_files (readings, argv[3], NULL);

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
