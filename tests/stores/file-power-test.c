/* The store of directories after power cuts: at any instant, with any part left of what was not synced. What was said to be
 * durable is there; counts and the seed are printed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>
#include <unistd.h>

#include "tests/shims/power-cut.h"
#include "tests/stores/crash.h"
#include "tests/stores/file-place.h"

#define LAST     4
#define N_STATES 200

static char *
record_run (const char *uri)
{
  g_autofree char *shim = g_build_filename (g_getenv ("WEIR_TEST_SHIMS"), "weir-io-shim.so", NULL);
  g_autofree char *preload = g_strconcat ("LD_PRELOAD=", shim, NULL);
  g_autofree char *path = file_place_path (uri, NULL);
  g_autofree char *under = g_strconcat ("WEIR_TEST_IO_UNDER=", path, NULL);
  char *record = g_strconcat (path, ".record", NULL);
  g_autofree char *setting = g_strconcat ("WEIR_TEST_IO_RECORD=", record, NULL);
  const char *asan = g_getenv ("ASAN_OPTIONS");
  g_autofree char *options = g_strconcat ("ASAN_OPTIONS=verify_asan_link_order=0:", asan != NULL ? asan : "", NULL);
  Crash crash = { 0 };

  crash_run (&crash, uri, LAST, (const char *const[]){ preload, under, setting, options, NULL });
  if (crash.status != 0)
    g_error ("status %d: %s", crash.status, crash.errors);
  crash_clear (&crash);
  return record;
}

static void
check_state (const PowerCut *cut, guint n, GRand *random)
{
  g_autofree char *uri = file_place_make ();
  g_autofree char *path = file_place_path (uri, NULL);
  g_autoptr (GString) said = g_string_new (NULL);
  Crash crash = { 0 };

  power_cut_write (cut, n, random, path, said);
  crash_believe (&crash, said->str);
  crash_check (&crash, uri);
  crash_finish (uri, LAST + 1);
  file_place_clear (uri);
}

static void
test_power_cuts (void)
{
  guint32 seed = (guint32) g_test_rand_int ();
  guint n_states = power_cut_n_states (N_STATES);
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);
  g_autofree char *uri = file_place_make ();
  g_autofree char *path = file_place_path (uri, NULL);
  g_autofree char *record = NULL;
  g_autoptr (PowerCut) cut = NULL;

  if (g_getenv ("WEIR_TEST_SHIMS") == NULL) {
    g_test_skip ("WEIR_TEST_SHIMS does not say where the shims are");
    file_place_clear (uri);
    return;
  }
  record = record_run (uri);
  cut = power_cut_new (record, path);
  g_assert_cmpuint (power_cut_n_events (cut), >, 50);
  for (guint i = 0; i < n_states; i++)
    check_state (cut, (guint) ((guint64) i * (power_cut_n_events (cut) + 1) / n_states), random);
  g_test_message ("%u power cuts during %u calls, nothing lost; seed %u", n_states, power_cut_n_events (cut), seed);
  unlink (record);
  file_place_clear (uri);
}

int
main (int argc, char **argv)
{
  if (argc == 4 && g_str_equal (argv[1], "--work"))
    return script_main (argv[2], g_ascii_strtoull (argv[3], NULL, 10));
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/file-power/power-cuts", test_power_cuts);
  return g_test_run ();
}
