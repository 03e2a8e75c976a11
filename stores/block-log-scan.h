/* The form of a log's segments, and reading them. Any thread. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/block-log.h"
#include "engine/frame.h"
#include "stores/file-io.h"

#define WEIR_SEGMENT_PREFIX    "blocks-"
#define WEIR_SEGMENT_NAME_SIZE 40
#define WEIR_BLOCK_HEAD        (3 * sizeof (guint64)) /* of a block's payload: number, group, records */

void weir_segment_name (guint64 first, char name[WEIR_SEGMENT_NAME_SIZE]);
/* The numbers of the segments' first blocks (guint64), in order. NULL with the error set. */
GArray *weir_segments_list (const WeirFolder *folder, GError **error);

/* The scan of a log, segment by segment, oldest first. */
typedef struct {
  const WeirFolder *folder;
  const char *form;
  guint64 next;  /* the number that the next block must have; 0: any */
  gsize size;    /* of the segment: all before it is whole; 0: not even its head is */
  gsize n_cut;   /* bytes behind that: a torn end */
  GArray *found; /* of WeirLoggedBlock, appended to */
} WeirSegmentScan;

/* Only the end of the last segment may be torn. CHECKPOINT_CORRUPT, or GRAPH: it has another form. */
gboolean weir_segment_scan (WeirSegmentScan *scan, guint64 first, gboolean is_last, GError **error);
