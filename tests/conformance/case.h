/* One case: what is run, what is expected, and what came of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "tests/conformance/json-value.h"

typedef enum {
  CASE_PASS,
  CASE_DIFFERENT, /* weir differs on purpose, and as the case says */
  CASE_ELSEWHERE, /* a test of the part itself runs it */
  CASE_NOT_HERE,  /* about something that weir does not have, as the case says */
  CASE_FAIL,
  CASE_UNSUPPORTED, /* the runner does not know an operator or a function of it */
} CaseOutcome;

typedef struct {
  JsonObject *json;
  const char *name, *kind;
  gboolean in_order;
  gint64 interval; /* microseconds */
  guint n_batches;
  CaseOutcome outcome; /* PASS until something else is found out */
  GString *text;       /* why */
} Case;

void case_init (Case *one, JsonObject *json);
void case_clear (Case *one);

/* Notes the first outcome that is none of a success, with what there is to say. */
void case_note (Case *one, CaseOutcome outcome, const char *format, ...) G_GNUC_PRINTF (3, 4);
/* An error of the runner's or of the library's. */
void case_note_error (Case *one, const GError *error);

JsonNode *case_input (const Case *one, guint which);              /* 0: input, 1: input2; NULL: there is none */
JsonNode *case_batch (const Case *one, guint which, guint batch); /* NULL: nothing; an array, or null */
/* The array of what is expected of each batch, with weir's own answer before Spark's; NULL: there is none. */
JsonNode *case_expected (const Case *one);
JsonNode *case_expected_states (const Case *one);
/* Does weir answer differently on purpose? */
gboolean case_is_different (const Case *one);
