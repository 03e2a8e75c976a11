/* What a disk may hold after a power cut: from a record of a process's calls on files (tests/shims/io-shim.c), the folder as
 * it may be found if the power fails after any of them. What was synced is there; of the rest, any part.
 *
 * Files keep what was synced, and any of the later writes, whole, in part or not; names are those of the last sync of
 * their folder, and any of the later changes, in order or not. Belongs to one test. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

typedef struct _PowerCut PowerCut;

/* @record: what WEIR_TEST_IO_RECORD named; @root: the folder whose files are of interest, empty when the record began. */
PowerCut *power_cut_new (const char *record, const char *root);
void power_cut_free (PowerCut *cut);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PowerCut, power_cut_free)

guint power_cut_n_events (const PowerCut *cut);
/* The power fails after @n events: writes what may be left into the empty folder @into; what the process had said on
 * standard output by then goes to @said. */
void power_cut_write (const PowerCut *cut, guint n, GRand *random, const char *into, GString *said);
/* How many cuts a test tries: @n, or as many times as many as scripts/test --soak asks for. */
guint power_cut_n_states (guint n);
