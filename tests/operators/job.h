/* A job with one queue for tests of operators: elements are written as text, results are compared as text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/test.h>

typedef struct {
  WeirContext *ctx;
  WeirQueue *queue;
  WeirStream *input;
  guint n_batches; /* pushed and not yet run */
} Job;

/* Two workers, whatever the machine has. */
void job_init (Job *job, guint n_partitions);
void job_clear (Job *job);

/* One batch: elements between blanks. 12 is an INT, 1.5 a FLOAT, a=1 a pair, _ NIL, anything else TEXT. */
void job_push (Job *job, const char *elements);
void job_push_values (Job *job, const WeirValue *values, gsize n);
/* One batch: INTs from 0 to n - 1. */
void job_push_range (Job *job, guint n);

/* Runs all that was pushed, without an error. */
void job_run (Job *job);
/* Runs what was pushed into an error with that code, whose message has @fragment in it. */
void job_run_into (Job *job, gint code, const char *fragment);

/* A batch as text: elements in order, a blank between them. */
char *job_text (WeirCollected *collected, guint batch);
void job_expect (WeirCollected *collected, guint batch, const char *expected);
/* The same, sorted: where the order of keys is the engine's. */
void job_expect_sorted (WeirCollected *collected, guint batch, const char *expected);

/* Adds the test once for each of 1, 3 and 16 partitions; @test gets a Job. */
void job_add_test (const char *path, void (*test) (Job *job));
