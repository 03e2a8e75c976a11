/* The command line of a job: its own options, weir's options, --help, the positional words.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/options.h"

/* One thread, before the context starts. */
typedef struct _WeirCommandLine WeirCommandLine;

WeirCommandLine *weir_command_line_new (const char *name);
void weir_command_line_free (WeirCommandLine *line);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirCommandLine, weir_command_line_free)

void weir_command_line_set_usage (WeirCommandLine *line, const char *words);
void weir_command_line_add_entries (WeirCommandLine *line, const GOptionEntry *entries);
gboolean weir_command_line_parse (WeirCommandLine *line, WeirOptions *options, int *argc, char ***argv, GError **error);
char *weir_command_line_help (const WeirCommandLine *line, const WeirOptions *options);
