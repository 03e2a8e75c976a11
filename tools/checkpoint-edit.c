/* weir checkpoint drop, set-offsets: owns how a checkpoint is changed: a new epoch is sealed that refers to the pieces of
 * the one before, in the same steps as a job's, so that whatever happens there is the old one or the new one. Must not
 * know how stores keep epochs. One thread. SPDX-License-Identifier: Apache-2.0
 *
 * The notes of sealed outputs go on into the new epoch: nobody knows whether they were committed, and doing that again
 * changes nothing.
 */
#include <string.h>

#include <weir/error.h>

#include "engine/frame.h"
#include "tools/command.h"
#include "tools/position.h"

/* An epoch that is being made. */
typedef struct {
  WeirCommand *command;
  WeirOpened opened; /* with the token */
  WeirManifest *old, *fresh;
  guint n_plans; /* of batches that the old epoch would have run again */
} Edit;

static gboolean
open_owned (Edit *edit, GError **error)
{
  if (edit->command->epoch != 0) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "only the sealed epoch can be changed: leave --epoch out");
    return FALSE;
  }
  if (!weir_opened_init (&edit->opened, &edit->command->place, FALSE, error))
    return FALSE;
  edit->old = weir_opened_read_manifest (&edit->opened, edit->opened.sealed, error);
  if (edit->old != NULL)
    edit->fresh = weir_opened_read_manifest (&edit->opened, edit->opened.sealed, error);
  return edit->fresh != NULL;
}

static void
edit_clear (Edit *edit)
{
  weir_manifest_free (edit->old);
  weir_manifest_free (edit->fresh);
  weir_opened_clear (&edit->opened);
}

/* An epoch that was prepared and not sealed never happened, unless Kafka says that it did, which only the job asks. */
static gboolean
settle (Edit *edit, GError **error)
{
  WeirStore *store = edit->opened.store;

  if (edit->opened.prepared == 0)
    return TRUE;
  if (edit->old->marker_topic[0] == '\0')
    return store->klass->drop_prepared (store, edit->opened.prepared, error);
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED,
               "epoch %" G_GUINT64_FORMAT " was prepared, and only Kafka knows whether its output is there: start the "
               "job once, stop it with SIGTERM, and try again",
               edit->opened.prepared);
  return FALSE;
}

static gboolean
time_of (GBytes *plan, WeirTime *time, GError **error)
{
  const guint8 *payload;
  gsize size;
  gconstpointer data = g_bytes_get_data (plan, &size);
  WeirTaker taker;

  if (!weir_frame_open (data, size, WEIR_FRAME_PLAN, &payload, &size, error))
    return FALSE;
  weir_taker_init (&taker, payload, size);
  *time = (WeirTime) weir_take_u64 (&taker);
  return TRUE;
}

/* Plans of batches after the old epoch; some may be there twice, as after a restart: the first counts. */
static gboolean
move_plans (Edit *edit, gboolean keeps_plans, GError **error)
{
  g_autoptr (GPtrArray) plans = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  WeirStore *store = edit->opened.store;
  WeirTime newest = edit->old->time, time;

  if (!weir_opened_read_plans (&edit->opened, edit->old->epoch, plans, error))
    return FALSE;
  for (guint i = 0; i < plans->len; i++) {
    GBytes *plan = g_ptr_array_index (plans, i);
    gsize size;
    gconstpointer data = g_bytes_get_data (plan, &size);

    if (!time_of (plan, &time, error))
      return FALSE;
    if (time <= newest)
      continue;
    newest = time;
    edit->n_plans++;
    if (keeps_plans && !store->klass->append_plan (store, edit->fresh->epoch, data, size, error))
      return FALSE;
  }
  return TRUE;
}

static gint
compare_epochs (gconstpointer a, gconstpointer b)
{
  guint64 x = *(const guint64 *) a, y = *(const guint64 *) b;

  return (x > y) - (x < y);
}

/* As after a job's seal: kept are the new epoch, the one before, and what they refer to, which the old one's do. */
static gboolean
forget (Edit *edit, GError **error)
{
  g_autoptr (GArray) epochs = g_array_new (FALSE, FALSE, sizeof (guint64));
  WeirStore *store = edit->opened.store;

  g_array_append_val (epochs, edit->old->epoch);
  g_array_append_val (epochs, edit->fresh->epoch);
  for (guint i = 0; i < edit->old->states->len; i++) {
    const WeirSavedState *state = g_ptr_array_index (edit->old->states, i);

    for (guint k = 0; k < state->blobs->len; k++)
      g_array_append_val (epochs, g_array_index (state->blobs, WeirBlob, k).epoch);
  }
  g_array_sort (epochs, compare_epochs);
  return store->klass->forget (store, (const guint64 *) (gpointer) epochs->data, epochs->len, error);
}

/* The number lies beyond all that may have plans of batches after the old epoch: what is not moved there is past. */
static gboolean
seal (Edit *edit, gboolean keeps_plans, GError **error)
{
  WeirStore *store = edit->opened.store;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  edit->fresh->epoch = MAX (edit->opened.sealed, edit->opened.prepared) + WEIR_OPEN_EPOCHS + 1;
  weir_manifest_encode (edit->fresh, bytes);
  return settle (edit, error) && move_plans (edit, keeps_plans, error) &&
         store->klass->begin (store, edit->fresh->epoch, error) &&
         store->klass->prepare (store, bytes->data, bytes->len, error) &&
         store->klass->seal (store, edit->fresh->epoch, error) && forget (edit, error);
}

static void
add_sealed (const Edit *edit)
{
  g_string_append_printf (edit->command->out, "sealed\t%" G_GUINT64_FORMAT "\n", edit->fresh->epoch);
}

/* --- drop --- */

static void
add_dropped (GString *out, const char *what, const char *uid, guint64 size)
{
  g_string_append_printf (out, "dropped\t%s\t", what);
  weir_append_cell (out, uid, strlen (uid));
  g_string_append_printf (out, "\t%" G_GUINT64_FORMAT "\n", size);
}

static guint
drop_bytes (GPtrArray *all, const char *what, const char *uid, GString *out)
{
  guint n = 0;

  for (guint i = all->len; i > 0; i--) {
    const WeirSavedBytes *saved = g_ptr_array_index (all, i - 1);

    if (!g_str_equal (saved->uid, uid))
      continue;
    add_dropped (out, what, uid, g_bytes_get_size (saved->bytes));
    g_ptr_array_remove_index (all, i - 1);
    n++;
  }
  return n;
}

static gboolean
drop_uid (Edit *edit, const char *uid, GError **error)
{
  WeirManifest *manifest = edit->fresh;
  GString *out = edit->command->out;
  WeirSavedState *state = weir_manifest_find_state (manifest, uid);
  guint n = drop_bytes (manifest->positions, "position", uid, out) + drop_bytes (manifest->notes, "note", uid, out);

  if (state != NULL) {
    add_dropped (out, "state", uid, weir_state_size (state));
    g_ptr_array_remove (manifest->states, state);
  }
  if (n > 0 || state != NULL)
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED, "nothing is kept of '%s': 'show' lists what there is", uid);
  return FALSE;
}

/* Batches that are run again keep their plans, but for those of a source that is to begin anew. */
gboolean
weir_command_drop (WeirCommand *command, GError **error)
{
  Edit edit = { .command = command };
  const char *uid = command->words[0];
  gboolean keeps_plans = weir_manifest_find_bytes (command->manifest->positions, uid) == NULL;
  gboolean ok = open_owned (&edit, error) && drop_uid (&edit, uid, error) && seal (&edit, keeps_plans, error);

  if (ok)
    add_sealed (&edit);
  else
    g_string_truncate (command->out, 0);
  edit_clear (&edit);
  return ok;
}

/* --- set-offsets --- */

/* "words:3=1200". */
static gboolean
parse_stand (const char *text, WeirStand *stand, GError **error)
{
  const char *at = strrchr (text, '=');
  guint64 next;

  if (at == NULL || at == text || !g_ascii_string_to_unsigned (at + 1, 10, 0, G_MAXINT64, &next, NULL)) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION,
                 "'%s' says no place: write WHERE=NEXT, as in words:3=1200, with WHERE as 'offsets' shows it", text);
    return FALSE;
  }
  *stand = (WeirStand){ g_strndup (text, (gsize) (at - text)), (gint64) next };
  return TRUE;
}

static WeirSavedBytes *
find_position (const WeirManifest *manifest, const char *uid, GError **error)
{
  for (guint i = 0; i < manifest->positions->len; i++) {
    WeirSavedBytes *saved = g_ptr_array_index (manifest->positions, i);

    if (g_str_equal (saved->uid, uid))
      return saved;
  }
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED, "there is no position of '%s': 'offsets' shows whose there are",
               uid);
  return NULL;
}

static gboolean
move_one (WeirSavedBytes *saved, const char *verb, const char *text, GError **error)
{
  WeirStand stand;
  GBytes *moved;

  if (!parse_stand (text, &stand, error))
    return FALSE;
  moved = weir_position_move (verb, saved->bytes, &stand, error);
  g_free (stand.where);
  if (moved == NULL) {
    g_prefix_error (error, "%s: ", saved->uid);
    return FALSE;
  }
  g_bytes_unref (saved->bytes);
  saved->bytes = moved;
  return TRUE;
}

static gboolean
move_all (Edit *edit, GError **error)
{
  const WeirCommand *command = edit->command;
  const char *uid = command->words[0];
  WeirSavedBytes *saved = find_position (edit->fresh, uid, error);

  for (guint i = 1; saved != NULL && i < command->n_words; i++)
    if (!move_one (saved, weir_manifest_verb (edit->fresh, uid), command->words[i], error))
      return FALSE;
  return saved != NULL;
}

gboolean
weir_command_set_offsets (WeirCommand *command, GError **error)
{
  Edit edit = { .command = command };
  gboolean ok = open_owned (&edit, error) && move_all (&edit, error) && seal (&edit, FALSE, error);

  if (ok) {
    add_sealed (&edit);
    g_string_append_printf (command->out, "forgotten_plans\t%u\n", edit.n_plans);
  }
  edit_clear (&edit);
  return ok;
}
