/* The job whose checkpoints are kept in golden/: something of every kind of state, from sources that can read again, with
 * an output of sealed files. It must stay as it is: what is kept was made by it. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/test.h>

#define GOLDEN_SEALED  6 /* batches, the last of them in the sealed epoch */
#define GOLDEN_PLANNED 2 /* that were shown after it */

/* Files are saved below the working folder, whatever it is: their names are in the checkpoint. */
#define GOLDEN_CHECKPOINT "checkpoint"
#define GOLDEN_FILES      "files"
#define GOLDEN_PREFIX     "/proc/self/cwd/" GOLDEN_FILES "/totals"

typedef enum { GOLDEN_TOTALS, GOLDEN_RECENT, GOLDEN_WINDOWED, GOLDEN_HELD, GOLDEN_SLIDING, GOLDEN_N } GoldenStream;

typedef struct {
  WeirQueue *queue;
  WeirContext *ctx;
  WeirCollected *collected[GOLDEN_N];
  WeirCounter *counter;
  WeirOutput *files;
} GoldenJob;

extern const char *const golden_names[GOLDEN_N];

/* @interval: of the checkpoint, which is in the working folder; 0: none, and no files. */
void golden_job_init (GoldenJob *job, WeirTime at, WeirTime interval);
void golden_job_clear (GoldenJob *job);
void golden_job_run (GoldenJob *job, guint n);
