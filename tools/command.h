/* What `weir checkpoint` does: a function a command, each with its words, its checkpoint and the text that it prints.
 * One thread. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "tools/opened.h"

/* How a program ends; scripts rely on them. */
typedef enum {
  WEIR_EXIT_DONE = 0,
  WEIR_EXIT_FAILED = 1,
  WEIR_EXIT_USAGE = 2,
  WEIR_EXIT_IN_USE = 3,
  WEIR_EXIT_DAMAGED = 4,
} WeirExit;

typedef struct {
  WeirPlace place;
  guint64 epoch; /* that was asked for; 0: the sealed one */
  char **words;  /* after the place */
  guint n_words;
  WeirOpened opened;      /* for looking */
  WeirManifest *manifest; /* of the epoch; NULL: the command needs none */
  GString *out;           /* is printed when the command is done */
} WeirCommand;

/* FALSE: what is in @out is printed all the same. */
typedef gboolean (*WeirCommandFunc) (WeirCommand *command, GError **error);

gboolean weir_command_list (WeirCommand *command, GError **error);
gboolean weir_command_show (WeirCommand *command, GError **error);
gboolean weir_command_states (WeirCommand *command, GError **error);
gboolean weir_command_offsets (WeirCommand *command, GError **error);
gboolean weir_command_dump (WeirCommand *command, GError **error);
gboolean weir_command_verify (WeirCommand *command, GError **error);
/* These take the checkpoint's token. */
gboolean weir_command_drop (WeirCommand *command, GError **error);
gboolean weir_command_set_offsets (WeirCommand *command, GError **error);

/* The verb of a stream or output in the epoch's graph; "-": it is not there. */
const char *weir_manifest_verb (const WeirManifest *manifest, const char *uid);
/* A cell of a line: what would end the cell or the line is written as \t, \n, \r, a backslash as two. */
void weir_append_cell (GString *out, const char *text, gsize size);
int weir_checkpoint_main (int argc, char **argv);
