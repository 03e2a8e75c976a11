/* Processes that live through a script's checkpoints (script_main) and are stopped on the way: what they said is durable,
 * and what is found afterwards. Belongs to one test. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <stdio.h>

#include "tests/stores/script.h"

typedef struct {
  GPid pid;            /* 0: it is over */
  int status;          /* of the exit; 128 + signal */
  guint64 sealed;      /* the newest that it said is sealed */
  guint64 n_plans[16]; /* plans that it said are durable, by epoch */
  guint n_said;        /* lines */
  char *errors;        /* what it wrote to standard error */
  FILE *out, *err;
} Crash;

/* Runs this program once more, as `--work URI LAST`; @settings: NAME=VALUE, up to NULL, for its environment. What earlier
 * ones said with the same @crash stays said. */
void crash_start (Crash *crash, const char *uri, guint64 last, const char *const *settings);
gboolean crash_hear (Crash *crash);                  /* waits for one more line; FALSE: there is none, it ends */
void crash_believe (Crash *crash, const char *said); /* lines that another way brought */
void crash_end (Crash *crash);                       /* waits until it is over */
void crash_run (Crash *crash, const char *uri, guint64 last, const char *const *settings); /* start and end */
void crash_clear (Crash *crash);
/* All that any of the processes said is durable is there, and right; all that is there is right, and is counted as said from
 * now on. Opens the store. */
void crash_check (Crash *crash, const char *uri);
/* A last process, with nothing in its way, comes to epoch @last. */
void crash_finish (const char *uri, guint64 last);

/* From nothing to epoch @last, again and again, killed when it says its n-th line, for each n; and at each kill point, if
 * the build has them. @settings as above. Prints counts. */
void crash_at_each_line (char *(*make) (void), void (*clear) (const char *uri), const char *const *settings);
void crash_at_each_point (char *(*make) (void), void (*clear) (const char *uri), const char *const *settings);
