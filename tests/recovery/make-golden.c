/* make-golden FOLDER: makes what golden/ keeps of a format version, in a folder that is not there yet: a checkpoint as a
 * job leaves it that dies between sealing an epoch and committing its output, two batches after it being planned, and
 * the files that it had saved. SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/frame.h"
#include "sinks/saved-folders.h"
#include "tests/recovery/golden-job.h"

/* Returns the name of this run, which is in its temporary folders' names. */
static char *
run (WeirTime at, WeirTime interval, guint n)
{
  GoldenJob job;
  const WeirSavedFolders *folders;
  char *name;

  golden_job_init (&job, at, interval);
  golden_job_run (&job, n);
  folders = job.files->params;
  name = g_strdup (folders->run);
  golden_job_clear (&job);
  return name;
}

/* As if the newest sealed batch's folder had not been committed. */
static int
take_back_newest (const char *name)
{
  WeirBatchFolder folder;
  int failed;

  weir_batch_folder_init (&folder, GOLDEN_PREFIX, NULL, GOLDEN_SEALED * WEIR_SECONDS (1), name);
  failed = rename (folder.final, folder.temporary);
  weir_batch_folder_clear (&folder);
  return failed;
}

int
main (int argc, char **argv)
{
  g_autofree char *sealed = NULL;
  g_autofree char *planned = NULL;

  if (argc != 2) {
    fputs ("usage: make-golden FOLDER\n", stderr);
    return 2;
  }
  if (mkdir (argv[1], 0755) != 0 || chdir (argv[1]) != 0) {
    fprintf (stderr, "make-golden: cannot make %s: %s\n", argv[1], g_strerror (errno));
    return 1;
  }
  sealed = run (0, WEIR_SECONDS (1), GOLDEN_SEALED);
  planned = run (GOLDEN_SEALED * WEIR_SECONDS (1), WEIR_SECONDS (50), GOLDEN_PLANNED);
  if (take_back_newest (sealed) != 0 || unlink (GOLDEN_CHECKPOINT "/lock") != 0) {
    fprintf (stderr, "make-golden: the job did not leave what it should: %s\n", g_strerror (errno));
    return 1;
  }
  printf ("format version %d, in %s\n", WEIR_FRAME_VERSION, argv[1]);
  return 0;
}
