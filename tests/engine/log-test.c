/* The log: what the level leaves out is not said, what is said has the context's name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/log.h"

#include "tests/engine/watch.h"

static void
say_all (const WeirLog *log)
{
  weir_log (log, WEIR_LOG_ERROR, "an error");
  weir_log (log, WEIR_LOG_WARNING, "a warning");
  weir_log (log, WEIR_LOG_INFO, "some news");
  weir_log (log, WEIR_LOG_DEBUG, "details");
}

static void
each_level_says_what_is_at_least_as_grave (void)
{
  static const char *const expected[] = {
    "critical: job: an error",
    "critical: job: an error\nwarning: job: a warning",
    "critical: job: an error\nwarning: job: a warning\nmessage: job: some news",
    "critical: job: an error\nwarning: job: a warning\nmessage: job: some news\nmessage: job: details",
  };

  for (guint level = 0; level < G_N_ELEMENTS (expected); level++) {
    WeirLog log = { "job", (WeirLogLevel) level };
    Watch watch;

    watch_init (&watch);
    watch_catch_log (&watch);
    say_all (&log);
    watch_expect (&watch, "", expected[level]);
    watch_clear (&watch);
  }
}

static void
a_name_is_no_format (void)
{
  WeirLog log = { "100%s %n", WEIR_LOG_INFO };
  Watch watch;

  watch_init (&watch);
  watch_catch_log (&watch);
  weir_log (&log, WEIR_LOG_INFO, "%d %s", 7, "%s");
  watch_expect (&watch, "", "message: 100%s %n: 7 %s");
  watch_clear (&watch);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/log/levels", each_level_says_what_is_at_least_as_grave);
  g_test_add_func ("/log/a-name-is-no-format", a_name_is_no_format);
  return g_test_run ();
}
