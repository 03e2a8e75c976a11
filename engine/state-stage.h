/* The state of a stream into bytes and back, slice by slice, on the workers. Runner, or the thread that starts, while no
 * batch runs. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/saver.h"
#include "engine/stage.h"

/* A stream's state as one epoch saw it: framed sections. */
typedef struct {
  guint64 epoch;
  GBytes *bytes;
} WeirSavedBlob;

void weir_saved_blob_clear (gpointer blob); /* of an array's element */

/* Does the operator keep anything that a checkpoint must hold? */
static inline gboolean
weir_op_is_stateful (const WeirOp *op)
{
  return op->klass->save != NULL;
}

/* Adds a GByteArray (a frame) for each slice that had something to say; *oldest_needed: of all slices. FALSE: the run has
 * failed. */
gboolean
weir_state_save (WeirRun *run, WeirOp *op, guint64 epoch, gboolean is_first, GPtrArray *frames, guint64 *oldest_needed);
/* @payloads: of WeirSavedBlob, whose bytes are the frames' payloads; oldest first. */
gboolean weir_state_load (WeirRun *run, WeirOp *op, const GArray *payloads);
