/* A job that reads sockets, what it has seen, and what it has said in the log. The test's thread asks; the job's
 * threads tell, under a lock; every wait has a deadline.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/weir.h>

#include "tests/sources/peer.h"

#define NEVER WEIR_MINUTES (24 * 60) /* an interval: batches are planned by a graceful stop */

typedef struct _SocketJob SocketJob;

SocketJob *socket_job_new (WeirTime interval);
void socket_job_free (SocketJob *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SocketJob, socket_job_free)

WeirContext *socket_job_context (SocketJob *job);
void socket_job_read (SocketJob *job, WeirStream *stream); /* its records are what the job sees */
void socket_job_set (SocketJob *job, const char *key, const char *value);
void socket_job_start (SocketJob *job);
void socket_job_stop (SocketJob *job); /* gracefully, to the end */

void socket_job_hold (SocketJob *job, gboolean hold); /* batches wait while it is held */
void socket_job_await_records (SocketJob *job, gsize n);
void socket_job_await_batches (SocketJob *job, gsize n);               /* more */
void socket_job_await_log (SocketJob *job, const char *part, guint n); /* @n lines with @part */

gsize socket_job_n_records (SocketJob *job);
guint socket_job_n_logged (SocketJob *job, const char *part);
char *socket_job_records (SocketJob *job); /* "one|two|three|" */
char *socket_job_rejects (SocketJob *job); /* "1 operator: reason\n", sorted */
