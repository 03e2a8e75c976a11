/* The decider: the one outside system whose transaction decides whether an epoch is sealed, because it can carry a
 * marker. At most one a context; Kafka's is sinks/kafka's. Checkpoint thread, but for what says otherwise.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/source.h"

typedef struct _WeirDecider WeirDecider;

struct _WeirDecider {
  /* At start, job's thread: fences whoever ran before, settles a commit in doubt, reads the marker. @topic: the topic
   * whose partition 0 the marker is kept under, as the manifest has it; NULL: a new checkpoint. *marker: 0: there is
   * none. May block. */
  gboolean (*recover) (WeirDecider *decider, const char *topic, guint64 *marker, GError **error);
  /* The topic that a new checkpoint's marker is kept under; constant. */
  const char *(*topic) (WeirDecider *decider);
  /* Was anything written since the last commit or abort, or is the marker to be written anew? Runner, while no batch runs. */
  gboolean (*has_written) (WeirDecider *decider);
  /* All that was written is with the brokers, not visible yet. */
  gboolean (*flush) (WeirDecider *decider, GError **error);
  /* Commits what was written and the marker for @epoch, at once. Where the sources stand is not part of it: the store has
   * that, and the epoch that holds it is sealed if and only if this has committed. FALSE: FENCED, or an error after which
   * the outcome is unknown: the context is opened again from the store, which asks recover (). */
  gboolean (*commit) (WeirDecider *decider, guint64 epoch, GError **error);
  void (*abort) (
      WeirDecider *decider); /* what was written and not committed never becomes visible; may block shortly */
};

/* From an output's open (). FALSE: there is one already (GRAPH). */
gboolean weir_engine_set_decider (WeirEngine *engine, WeirDecider *decider, GError **error);
/* "<context's name>": what transactional ids and marker groups are made of. */
const char *weir_engine_job_name (WeirEngine *engine);
/* Runner: waits until no epoch is being sealed, because the decider takes one transaction at a time. FALSE: the context
 * stops or fails meanwhile. */
gboolean weir_engine_await_decided (WeirEngine *engine, GError **error);
