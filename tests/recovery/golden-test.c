/* Checkpoints of every format version, as they were written then: a job goes on from each as if it had never stopped.
 * And one of a version to come is refused. SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include <weir/error.h>

#include "engine/frame.h"
#include "tests/recovery/golden-job.h"
#include "tests/sinks/scratch.h"

#define N_BATCHES 14

/* What each batch must hold: of the same job without a stop. */
typedef struct {
  GoldenJob job;
} Plain;

static void
plain_init (Plain *plain)
{
  golden_job_init (&plain->job, 0, 0);
  golden_job_run (&plain->job, N_BATCHES);
}

static void
copy_golden (Scratch *scratch, const char *version)
{
  g_autofree char *from = g_test_build_filename (G_TEST_DIST, "recovery", "golden", version, ".", NULL);
  const char *argv[] = { "cp", "-r", from, NULL, NULL };
  int status = -1;

  scratch_init (scratch);
  argv[3] = scratch->path;
  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpint (chdir (scratch->path), ==, 0);
}

static void
drop_copy (Scratch *scratch)
{
  g_assert_cmpint (chdir (g_get_tmp_dir ()), ==, 0);
  scratch_clear (scratch);
}

static gint
compare_lines (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static void
add_lines (GPtrArray *lines, const char *path)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) some = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  some = g_strsplit (text, "\n", -1);
  for (guint i = 0; some[i] != NULL; i++)
    if (some[i][0] != '\0')
      g_ptr_array_add (lines, g_strdup (some[i]));
}

/* The lines of the batch's files, sorted, with blanks in between; NULL: there is no such folder. */
static char *
saved_text (guint batch)
{
  g_autofree char *path = g_strdup_printf (GOLDEN_PREFIX "-%u", batch * 1000);
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  if (folder == NULL)
    return NULL;
  while ((name = g_dir_read_name (folder)) != NULL) {
    g_autofree char *file = g_build_filename (path, name, NULL);

    add_lines (lines, file);
  }
  g_ptr_array_sort (lines, compare_lines);
  g_ptr_array_add (lines, NULL);
  return g_strjoinv (" ", (char **) lines->pdata);
}

/* Batches @from to @until, counted from 1, of a job whose first one was @from. */
static void
expect_collected (const GoldenJob *job, const Plain *plain, guint from, guint until)
{
  for (guint stream = 0; stream < GOLDEN_N; stream++)
    for (guint batch = from; batch <= until; batch++) {
      g_autofree char *text = weir_collected_text (job->collected[stream], batch - from);
      g_autofree char *expected = weir_collected_text (plain->job.collected[stream], batch - 1);

      g_test_message ("%s of batch %u", golden_names[stream], batch);
      g_assert_cmpint (weir_collected_time (job->collected[stream], batch - from), ==, batch * WEIR_SECONDS (1));
      g_assert_cmpstr (text, ==, expected);
    }
}

static void
expect_saved (const Plain *plain, guint until)
{
  for (guint batch = 1; batch <= until; batch++) {
    g_autofree char *text = saved_text (batch);
    g_autofree char *expected = weir_collected_text (plain->job.collected[GOLDEN_TOTALS], batch - 1);

    g_assert_cmpstr (text, ==, expected);
  }
}

/* Each push adds its numbers, 10 n + i, to the totals: what all of them come to is known without the job. */
static void
expect_sum (const GoldenJob *job, guint batch, guint from)
{
  gsize n;
  const WeirValue *pairs = weir_collected_values (job->collected[GOLDEN_TOTALS], batch - from, &n);
  gint64 sum = 0, expected = 0;

  for (gsize i = 0; i < n; i++)
    sum += weir_as_int (weir_val (pairs[i]));
  for (guint push = 0; push < batch; push++)
    expected += 30 * push + 3;
  g_assert_cmpint (sum, ==, expected);
}

static void
go_on (const Plain *plain, guint from, guint n_again, guint until)
{
  GoldenJob job;

  golden_job_init (&job, (from - 1 + n_again) * WEIR_SECONDS (1), WEIR_SECONDS (1));
  golden_job_run (&job, until - (from - 1) - n_again);
  g_assert_cmpuint (weir_collected_n_batches (job.collected[0]), ==, until - from + 1);
  expect_collected (&job, plain, from, until);
  expect_sum (&job, until, from);
  expect_saved (plain, until);
  g_assert_cmpint (weir_counter_value (job.counter), ==, 3 * until);
  golden_job_clear (&job);
}

static void
goes_on_from (gconstpointer version)
{
  g_autofree char *committed = NULL;
  Scratch scratch;
  Plain plain;

  plain_init (&plain);
  copy_golden (&scratch, version);
  committed = saved_text (GOLDEN_SEALED);
  g_assert_null (committed); /* the note is to do it */
  go_on (&plain, GOLDEN_SEALED + 1, GOLDEN_PLANNED, 12);
  go_on (&plain, 13, 0, N_BATCHES); /* as it is written today */
  drop_copy (&scratch);
  golden_job_clear (&plain.job);
}

static void
test_todays_version_is_among_them (void)
{
  g_autofree char *version = g_strdup_printf ("%d", WEIR_FRAME_VERSION);
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "recovery", "golden", version, NULL);

  if (!g_file_test (path, G_FILE_TEST_IS_DIR))
    g_error ("%s is not there: tests/recovery/README.md tells how to make it", path);
}

/* Makes the frame at @at one of the next version. */
static void
renew (guint8 *frame)
{
  guint64 sum;

  g_assert_cmpint (memcmp (frame, "weir", 4), ==, 0);
  g_assert_cmpint (frame[5], ==, WEIR_FRAME_VERSION);
  frame[5]++;
  sum = GUINT64_TO_LE (XXH3_64bits (frame, 24));
  memcpy (frame + 24, &sum, sizeof sum);
}

/* The @n-th frame of its kind in the file, counted from 0; NULL: there are not as many. */
static guint8 *
find_frame (char *data, gsize size, char kind, guint n)
{
  const char head[5] = { 'w', 'e', 'i', 'r', kind };

  for (char *at = data; at + WEIR_FRAME_HEADER <= data + size; at++)
    if (memcmp (at, head, sizeof head) == 0 && n-- == 0)
      return (guint8 *) at;
  return NULL;
}

typedef struct {
  const char *name, *file;
  char kind;
  const char *where; /* that the message names */
} Newer;

static const Newer newer[] = {
  { "/newer/current", "current", WEIR_FRAME_CURRENT, "checkpoint/current" },
  { "/newer/end-of-an-epoch", "epoch-7", WEIR_FRAME_FOOTER, "checkpoint/epoch-7" },
  { "/newer/manifest", "epoch-7", WEIR_FRAME_MANIFEST, "epoch-7, the manifest" },
  { "/newer/state", "epoch-7", WEIR_FRAME_STATE, "checkpoint/epoch-7 at 0" },
  { "/newer/entry-of-plans", "plans-8", WEIR_FRAME_RECORD, "checkpoint/plans-8" },
  { "/newer/plan", "plans-8", WEIR_FRAME_PLAN, "planned batch 1 of epoch 8" },
};

/* What is in the frame was changed. */
static void
sign (guint8 *frame)
{
  guint64 length, sum;

  memcpy (&length, frame + 8, sizeof length);
  sum = GUINT64_TO_LE (XXH3_64bits (frame + WEIR_FRAME_HEADER, GUINT64_FROM_LE (length)));
  memcpy (frame + 16, &sum, sizeof sum);
  sum = GUINT64_TO_LE (XXH3_64bits (frame, 24));
  memcpy (frame + 24, &sum, sizeof sum);
}

static void
make_newer (const Newer *what)
{
  g_autofree char *path = g_build_filename (GOLDEN_CHECKPOINT, what->file, NULL);
  g_autofree char *data = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  g_assert_nonnull (find_frame (data, size, what->kind, 0));
  renew (find_frame (data, size, what->kind, 0));
  if (what->kind == WEIR_FRAME_PLAN) /* it lies within an entry, whose checksum covers it */
    sign (find_frame (data, size, WEIR_FRAME_RECORD, 0));
  g_assert_true (g_file_set_contents (path, data, (gssize) size, NULL));
}

static void
refuses_newer (gconstpointer what)
{
  g_autofree char *version = g_strdup_printf ("%d", WEIR_FRAME_VERSION);
  g_autofree char *both = g_strdup_printf ("it has format version %d, and this weir reads 1 to %d",
                                           WEIR_FRAME_VERSION + 1, WEIR_FRAME_VERSION);
  g_autoptr (GError) error = NULL;
  Scratch scratch;
  GoldenJob job;

  copy_golden (&scratch, version);
  make_newer (what);
  golden_job_init (&job, WEIR_SECONDS (8), WEIR_SECONDS (1));
  g_assert_false (weir_test_advance (job.ctx, 1, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, both));
  g_assert_nonnull (strstr (error->message, ((const Newer *) what)->where));
  g_assert_null (strstr (error->message, "damaged"));
  g_assert_cmpuint (weir_collected_n_batches (job.collected[0]), ==, 0);
  golden_job_clear (&job);
  drop_copy (&scratch);
}

/* The first section of the @n-th piece of state gets a kind that nobody knows. FALSE: there are not as many. */
static gboolean
make_strange (const char *file, guint n)
{
  g_autofree char *path = g_build_filename (GOLDEN_CHECKPOINT, file, NULL);
  g_autofree char *data = NULL;
  const guint32 kind = GUINT32_TO_LE (99);
  guint8 *frame;
  gsize size;

  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  frame = find_frame (data, size, WEIR_FRAME_STATE, n);
  if (frame == NULL)
    return FALSE;
  memcpy (frame + WEIR_FRAME_HEADER + 16, &kind, sizeof kind); /* behind the bounds of its hashes */
  sign (frame);
  g_assert_true (g_file_set_contents (path, data, (gssize) size, NULL));
  return TRUE;
}

/* Of every kind of state: the stream is named. */
static void
test_sections_of_unknown_kinds_are_refused (void)
{
  g_autofree char *version = g_strdup_printf ("%d", WEIR_FRAME_VERSION);
  guint n_refused[GOLDEN_N] = { 0 };
  Scratch scratch;

  copy_golden (&scratch, version);
  for (guint n = 0; make_strange ("epoch-7", n); n++) {
    g_autoptr (GError) error = NULL;
    GoldenJob job;

    golden_job_init (&job, WEIR_SECONDS (8), WEIR_SECONDS (1));
    g_assert_false (weir_test_advance (job.ctx, 1, &error));
    g_assert_error (error, WEIR_ERROR, WEIR_ERROR_FAILED);
    g_assert_nonnull (strstr (error->message, "has a section of kind 99, which this weir does not know"));
    for (guint stream = 0; stream < GOLDEN_N; stream++)
      n_refused[stream] += strstr (error->message, golden_names[stream]) != NULL;
    golden_job_clear (&job);
    drop_copy (&scratch);
    copy_golden (&scratch, version);
  }
  for (guint stream = 0; stream < GOLDEN_N; stream++)
    g_assert_cmpuint (n_refused[stream], >, 0);
  drop_copy (&scratch);
}

int
main (int argc, char **argv)
{
  g_autoptr (GDir) versions = NULL;
  g_autofree char *path = NULL;
  const char *name;

  g_test_init (&argc, &argv, NULL);
  path = g_test_build_filename (G_TEST_DIST, "recovery", "golden", NULL);
  versions = g_dir_open (path, 0, NULL);
  g_assert_nonnull (versions);
  while ((name = g_dir_read_name (versions)) != NULL) {
    g_autofree char *test = g_strconcat ("/goes-on-from/", name, NULL);

    g_test_add_data_func_full (test, g_strdup (name), goes_on_from, g_free);
  }
  g_test_add_func ("/todays-version-is-among-them", test_todays_version_is_among_them);
  g_test_add_func ("/sections-of-unknown-kinds-are-refused", test_sections_of_unknown_kinds_are_refused);
  for (gsize i = 0; i < G_N_ELEMENTS (newer); i++)
    g_test_add_data_func (newer[i].name, &newer[i], refuses_newer);
  return g_test_run ();
}
