/* What a job counted: the (TEXT, INT) pairs of each batch of a stream, kept apart and added up. The job's runner
 * writes, the test reads, under a lock; every wait has a deadline.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/weir.h>

typedef struct _Tally Tally;

Tally *tally_new (WeirStream *counts); /* an output of the stream */
void tally_free (Tally *tally);        /* once the job has stopped */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Tally, tally_free)

void tally_await_sum (Tally *tally, gint64 n); /* of the counts, over all batches */
gint64 tally_sum (Tally *tally);

/* Once the job has stopped. */
char *tally_text (Tally *tally); /* as corpus_text (), all batches in one */
guint tally_n_batches (Tally *tally);
WeirTime tally_time (Tally *tally, guint batch);
/* The batches with times above @after up to @until, as corpus_text (). */
char *tally_text_between (Tally *tally, WeirTime after, WeirTime until);
