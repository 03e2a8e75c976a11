/* A receiver that stores what a test feeds it. The test's thread feeds and waits, with a deadline; the receiver's takes,
 * under a lock. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <pthread.h>

#include <weir/receiver.h>

typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  GQueue commands; /* of Command */
  guint n_fed, n_done, n_acknowledged;
  gboolean is_told; /* to stop */
} Feed;

void feed_init (Feed *feed);
void feed_clear (Feed *feed);
WeirStream *feed_stream (WeirContext *ctx, Feed *feed); /* with the uid "fed" */

/* "1 2 3", INTs; waits until they are stored. */
void feed_values (Feed *feed, const char *numbers);
/* As one block. FALSE: it was not acknowledged. */
gboolean feed_block (Feed *feed, const char *numbers);
gboolean feed_bytes (Feed *feed, gsize size); /* a block of one value, BYTES */
void feed_end (Feed *feed);                   /* run returns */
