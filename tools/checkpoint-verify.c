/* weir checkpoint verify: owns which pieces a checkpoint consists of, and reads each once. Must not know how stores keep
 * them. One thread. SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include <weir/error.h>

#include "engine/saver.h"
#include "tools/command.h"

typedef struct {
  WeirCommand *command;
  GHashTable *seen; /* "epoch offset" of the pieces that were read */
  guint64 n_pieces, n_bytes;
  guint n_plans, n_damaged;
} Check;

static void
note_damage (Check *check, GError *error)
{
  check->n_damaged++;
  g_string_append (check->command->out, "damaged\t");
  weir_append_cell (check->command->out, error->message, strlen (error->message));
  g_string_append_c (check->command->out, '\n');
  g_error_free (error);
}

static gboolean
check_sections (const guint8 *payload, gsize size, GError **error)
{
  WeirTaker taker;
  WeirSection section;

  weir_taker_init (&taker, payload, size);
  while (weir_section_next (&taker, 0, &section))
    ;
  if (!taker.has_failed)
    return TRUE;
  g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT, "its sections do not fit together");
  return FALSE;
}

static void
check_blob (Check *check, const WeirSavedState *state, const WeirBlob *blob)
{
  WeirOpened *opened = &check->command->opened;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  GError *error = NULL;
  const guint8 *payload;
  gsize size;

  if (!g_hash_table_add (check->seen,
                         g_strdup_printf ("%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, blob->epoch, blob->offset)))
    return;
  check->n_pieces++;
  check->n_bytes += blob->size;
  if (weir_opened_read_state (opened, blob, bytes, &payload, &size, &error) && check_sections (payload, size, &error))
    return;
  g_prefix_error (&error, "state of %s: ", state->uid);
  note_damage (check, error);
}

static void
check_states (Check *check, const WeirManifest *manifest)
{
  for (guint i = 0; i < manifest->states->len; i++) {
    const WeirSavedState *state = g_ptr_array_index (manifest->states, i);

    for (guint k = 0; k < state->blobs->len; k++)
      check_blob (check, state, &g_array_index (state->blobs, WeirBlob, k));
  }
}

static void
check_plans (Check *check, guint64 epoch)
{
  WeirStore *store = check->command->opened.store;
  g_autoptr (GPtrArray) plans = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  GError *error = NULL;
  const guint8 *payload;
  gsize size;

  if (!store->klass->read_plans (store, epoch, plans, &error))
    note_damage (check, error);
  check->n_plans += plans->len;
  for (guint i = 0; i < plans->len; i++) {
    gconstpointer data = g_bytes_get_data (g_ptr_array_index (plans, i), &size);

    error = NULL;
    if (weir_frame_open (data, size, WEIR_FRAME_PLAN, &payload, &size, &error))
      continue;
    g_prefix_error (&error, "plan %u of epoch %" G_GUINT64_FORMAT ": ", i + 1, epoch);
    note_damage (check, error);
  }
}

/* Of the sealed epoch, those prepared after it and the one before, all pieces have to be there; of older ones only those
 * that a newer epoch refers to are. */
static void
check_epoch (Check *check, guint64 epoch, gboolean is_whole)
{
  GError *error = NULL;
  g_autoptr (WeirManifest) manifest = weir_opened_read_manifest (&check->command->opened, epoch, &error);

  if (manifest == NULL)
    note_damage (check, error);
  else if (is_whole)
    check_states (check, manifest);
}

static void
check_all (Check *check, const GArray *epochs)
{
  const WeirOpened *opened = &check->command->opened;
  guint64 newest = MAX (opened->sealed, opened->prepared);
  gboolean is_there = opened->sealed == 0;

  for (guint i = 0; i < epochs->len; i++) {
    guint64 epoch = g_array_index (epochs, guint64, i);
    guint64 next = i + 1 < epochs->len ? g_array_index (epochs, guint64, i + 1) : G_MAXUINT64;

    is_there |= epoch == opened->sealed;
    check_epoch (check, epoch, next >= opened->sealed);
  }
  if (!is_there)
    check_epoch (check, opened->sealed, TRUE);
  for (guint64 epoch = opened->sealed; epoch <= newest + WEIR_OPEN_EPOCHS; epoch++)
    check_plans (check, epoch);
}

gboolean
weir_command_verify (WeirCommand *command, GError **error)
{
  g_autoptr (GArray) epochs = g_array_new (FALSE, FALSE, sizeof (guint64));
  WeirStore *store = command->opened.store;
  Check check = { .command = command };

  if (!store->klass->list (store, epochs, error))
    return FALSE;
  check.seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  check_all (&check, epochs);
  g_hash_table_unref (check.seen);
  g_string_append_printf (command->out,
                          "epochs\t%u\npieces\t%" G_GUINT64_FORMAT "\nbytes\t%" G_GUINT64_FORMAT "\nplans\t%u\n",
                          epochs->len, check.n_pieces, check.n_bytes, check.n_plans);
  if (check.n_damaged == 0)
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT, "%u of the checkpoint's pieces are damaged",
               check.n_damaged);
  return FALSE;
}
