/* Files that arrive: a folder that a source watches.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "tests/conformance/session.h"

typedef struct {
  char *folder; /* all is in it */
  char *inbox;  /* what the source watches */
  guint n;      /* that have arrived */
} Files;

void files_init (Files *files);
void files_clear (Files *files);
/* A file with the elements of a batch: a line each; or, where @record_length is not 0, a number of that many bytes. It
 * appears by a rename, as the sources want it. */
void files_put (Files *files, JsonNode *batch, guint record_length);
/* The stream that a case's first operator means. */
WeirStream *files_stream (const Files *files, WeirContext *ctx, JsonObject *op);
