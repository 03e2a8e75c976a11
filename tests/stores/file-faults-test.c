/* The store of directories while the disk is full, broken, or the process has no descriptors left: the n-th call fails,
 * for each n until a run passes. Never sealed wrongly; the error helps; it goes on when the trouble is over. Counts are
 * printed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <weir/error.h>

#include "tests/stores/crash.h"
#include "tests/stores/file-place.h"

#define LAST 3

typedef struct {
  const char *what;
  gboolean for_good; /* all calls from there on fail */
} Fault;

static void
run_with_fault (Crash *crash, const char *uri, const char *fault)
{
  g_autofree char *shim = g_build_filename (g_getenv ("WEIR_TEST_SHIMS"), "weir-io-shim.so", NULL);
  g_autofree char *preload = g_strconcat ("LD_PRELOAD=", shim, NULL);
  g_autofree char *path = file_place_path (uri, NULL);
  g_autofree char *under = g_strconcat ("WEIR_TEST_IO_UNDER=", path, NULL);
  g_autofree char *fail = g_strconcat ("WEIR_TEST_IO_FAIL=", fault, NULL);
  const char *asan = g_getenv ("ASAN_OPTIONS");
  g_autofree char *options = g_strconcat ("ASAN_OPTIONS=verify_asan_link_order=0:", asan != NULL ? asan : "", NULL);

  crash_run (crash, uri, LAST, (const char *const[]){ preload, under, fail, options, NULL });
}

/* FALSE: nothing failed any more. */
static gboolean
try_nth (const Fault *fault, guint n)
{
  g_autofree char *uri = file_place_make ();
  g_autofree char *path = file_place_path (uri, NULL);
  g_autofree char *setting = g_strdup_printf ("%s:%u%s", fault->what, n, fault->for_good ? "+" : "");
  Crash crash = { 0 };
  gboolean has_failed;

  run_with_fault (&crash, uri, setting);
  has_failed = strstr (crash.errors, "io-shim: ") != NULL;
  if (crash.status != 0 && (crash.status != 3 || !fault->for_good || strstr (crash.errors, path) == NULL))
    g_error ("%s: status %d: %s", setting, crash.status, crash.errors);
  crash_check (&crash, uri);
  crash_finish (uri, LAST + 1);
  crash_clear (&crash);
  file_place_clear (uri);
  return has_failed;
}

static void
test_fault (gconstpointer data)
{
  const Fault *fault = data;
  guint n = 1;

  if (g_getenv ("WEIR_TEST_SHIMS") == NULL) {
    g_test_skip ("WEIR_TEST_SHIMS does not say where the shims are");
    return;
  }
  while (try_nth (fault, n))
    n++;
  g_test_message ("%s%s: %u calls failed, one at a time", fault->what, fault->for_good ? " for good" : "", n - 1);
  g_assert_cmpuint (n, >, 5);
}

int
main (int argc, char **argv)
{
  static const Fault faults[] = { { "ENOSPC", FALSE }, { "ENOSPC", TRUE }, { "EIO", FALSE },   { "EIO", TRUE },
                                  { "EMFILE", FALSE }, { "EMFILE", TRUE }, { "EINTR", FALSE }, { "SHORT", TRUE } };

  if (argc == 4 && g_str_equal (argv[1], "--work"))
    return script_main (argv[2], g_ascii_strtoull (argv[3], NULL, 10));
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (faults); i++) {
    g_autofree char *path =
        g_strdup_printf ("/file-faults/%s%s", faults[i].what, faults[i].for_good ? "-for-good" : "");

    g_test_add_data_func (path, &faults[i], test_fault);
  }
  return g_test_run ();
}
