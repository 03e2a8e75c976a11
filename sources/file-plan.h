/* What a batch reads of files: pieces, one a partition. Constant once made; any thread reads.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "sources/file-reader.h"

/* A larger file is read by several workers, where its records can be told apart from anywhere. */
#define WEIR_FILE_PIECE ((guint64) 64 * 1024 * 1024)

typedef struct {
  GPtrArray *paths;
  GArray *pieces; /* of WeirFilePiece */
  guint64 n_bytes;
} WeirFilePlan;

WeirFilePlan *weir_file_plan_new (void);
void weir_file_plan_free (WeirFilePlan *plan);
/* @framing: NULL: it is one piece. @most: about the bytes of a piece. */
void weir_file_plan_add (WeirFilePlan *plan, const WeirFilePiece *file, const WeirFraming *framing, guint64 most);
