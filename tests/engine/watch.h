/* What tests of running contexts look with: a listener that writes down all that it hears, a log that is caught, and a
 * gate that holds the job's functions up. Every wait has a deadline.
 *
 * Any thread tells, under a lock; the test's thread asks. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <pthread.h>

#include <weir/weir.h>

#define WATCH_DEADLINE WEIR_SECONDS (120)

typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  GPtrArray *lines; /* of char * */
  guint log_handler;
  GLogLevelFlags fatal; /* as it was */
} Watch;

void watch_init (Watch *watch);
void watch_clear (Watch *watch);
/* The log's messages are lines, too: "warning: job: …", and no longer fatal. One watch at a time, before any context.
 */
void watch_catch_log (Watch *watch);
/* Lines "batch submitted 1000", "batch started 1000", "began print-0 1000", "ended print-0 1000", … of @ctx, in ms, with " failed"
 * where so. */
void watch_listen (Watch *watch, WeirContext *ctx);
void watch_say (Watch *watch, const char *format, ...) G_GNUC_PRINTF (2, 3); /* any thread */

guint watch_count (Watch *watch, const char *part);         /* lines with it */
void watch_await (Watch *watch, const char *part, guint n); /* until there are so many */
char *watch_text (Watch *watch, const char *part);          /* all lines with it, one a line */
void watch_expect (Watch *watch, const char *part, const char *expected);
gint64 watch_number (Watch *watch, const char *part, guint i); /* the one at the end of the ith line with it */

typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  guint n_inside, n_passes; /* who may pass; G_MAXUINT: all */
} Gate;

void gate_init (Gate *gate);
void gate_clear (Gate *gate);
void gate_pass (Gate *gate);                  /* the job's: waits until it may */
void gate_let (Gate *gate, guint n);          /* so many may pass, now or later */
void gate_open (Gate *gate);                  /* from now on all may */
void gate_await_inside (Gate *gate, guint n); /* until so many wait there */
