/* make-golden FOLDER: makes what golden/ keeps of a format version, in a folder that is not there yet: a checkpoint as a
 * job leaves it that dies between sealing an epoch and committing its output, two batches after it being planned, and
 * the files that it had saved. SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/frame.h"
#include "sinks/batch-folder.h"
#include "tests/recovery/golden-job.h"

static void
run (WeirTime at, WeirTime interval, guint n)
{
  GoldenJob job;

  golden_job_init (&job, at, interval);
  golden_job_run (&job, n);
  golden_job_clear (&job);
}

/* As if the newest sealed batch's folder had not been committed. */
static int
take_back_newest (void)
{
  WeirBatchFolder folder;
  int failed;

  weir_batch_folder_init (&folder, GOLDEN_PREFIX, NULL, GOLDEN_SEALED * WEIR_SECONDS (1));
  failed = rename (folder.final, folder.temporary);
  weir_batch_folder_clear (&folder);
  return failed;
}

int
main (int argc, char **argv)
{
  if (argc != 2) {
    fputs ("usage: make-golden FOLDER\n", stderr);
    return 2;
  }
  if (mkdir (argv[1], 0755) != 0 || chdir (argv[1]) != 0) {
    fprintf (stderr, "make-golden: cannot make %s: %s\n", argv[1], g_strerror (errno));
    return 1;
  }
  run (0, WEIR_SECONDS (1), GOLDEN_SEALED);
  run (GOLDEN_SEALED * WEIR_SECONDS (1), WEIR_SECONDS (50), GOLDEN_PLANNED);
  if (take_back_newest () != 0 || unlink (GOLDEN_CHECKPOINT "/lock") != 0) {
    fprintf (stderr, "make-golden: the job did not leave what it should: %s\n", g_strerror (errno));
    return 1;
  }
  printf ("format version %d, in %s\n", WEIR_FRAME_VERSION, argv[1]);
  return 0;
}
