/* A job whose receiver has a log: what it is fed shows in the batches, whichever life of the job they are in. Belongs to
 * the test's thread. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/test.h>

#include "tests/engine/watch.h"
#include "tests/sinks/scratch.h"
#include "tests/sources/feed.h"

typedef struct {
  Scratch scratch; /* the checkpoint */
  char *uri;
  const char *interval;                                    /* of the checkpoint; NULL: so long that nothing is sealed */
  const char *block_interval;                              /* NULL: a minute */
  const char *memory, *partitions, *directory;             /* options; NULL: as they are */
  gboolean is_off;                                         /* no log */
  WeirStream *(*stream) (WeirContext *ctx, gpointer data); /* what is read instead of the feed; nullable */
  gpointer stream_data;
  WeirTime fail_at; /* the batch of this time fails, once; 0: none */
  Watch watch;      /* "partitions 3" for each batch */

  WeirContext *ctx; /* of the life that runs */
  Feed feed;
  WeirCollected *collected, *totals; /* sums of all that was ever fed */
} LoggedJob;

void logged_job_init (LoggedJob *job);
void logged_job_clear (LoggedJob *job);

/* Begins a life; the clock stands at @at. */
gboolean logged_job_try (LoggedJob *job, WeirTime at, GError **error);
void logged_job_start (LoggedJob *job, WeirTime at);
void logged_job_advance (LoggedJob *job, guint n);
void logged_job_stop (LoggedJob *job);  /* gracefully, to the end */
void logged_job_end (LoggedJob *job);   /* lets it fall */
void logged_job_crash (LoggedJob *job); /* the same, and what it had on the disk is as if it had been killed */

/* Batch @i of this life: "2000: 1 2 3"; empty: there is none. */
void logged_job_expect (LoggedJob *job, gsize i, const char *expected);
void logged_job_expect_total (LoggedJob *job, gint64 expected); /* after the newest batch */
gsize logged_job_n_values (LoggedJob *job);                     /* of this life */
