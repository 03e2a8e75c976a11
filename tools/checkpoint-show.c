/* weir checkpoint list, show, states, offsets: owns how epochs and manifests are written as lines. Must not know what
 * state and positions are as bytes. One thread. SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <weir/error.h>

#include "tools/command.h"
#include "tools/position.h"

static const char *
role_of (const WeirOpened *opened, guint64 epoch)
{
  return epoch == opened->sealed ? "sealed" : epoch > opened->sealed ? "prepared" : "kept";
}

static gint64
state_bytes (const WeirManifest *manifest)
{
  guint64 size = 0;

  for (guint i = 0; i < manifest->states->len; i++)
    size += weir_state_size (g_ptr_array_index (manifest->states, i));
  return (gint64) size;
}

static gboolean
list_epoch (WeirCommand *command, guint64 epoch, GError **error)
{
  g_autoptr (WeirManifest) manifest = weir_opened_read_manifest (&command->opened, epoch, error);
  g_autoptr (GPtrArray) plans = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  WeirStore *store = command->opened.store;

  if (manifest == NULL || !store->klass->read_plans (store, epoch, plans, error))
    return FALSE;
  g_string_append_printf (command->out,
                          "%" G_GUINT64_FORMAT "\t%s\t%" G_GINT64_FORMAT "\t%u\t%" G_GINT64_FORMAT "\t%u\n", epoch,
                          role_of (&command->opened, epoch), manifest->time / 1000, manifest->states->len,
                          state_bytes (manifest), plans->len);
  return TRUE;
}

/* Batches that were planned and are in no epoch yet: they are run again. */
static gboolean
list_open (WeirCommand *command, GError **error)
{
  WeirStore *store = command->opened.store;
  guint64 newest = MAX (command->opened.sealed, command->opened.prepared);

  for (guint64 epoch = newest + 1; epoch <= newest + WEIR_OPEN_EPOCHS; epoch++) {
    g_autoptr (GPtrArray) plans = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);

    if (!store->klass->read_plans (store, epoch, plans, error))
      return FALSE;
    if (plans->len > 0)
      g_string_append_printf (command->out, "%" G_GUINT64_FORMAT "\topen\t-\t-\t-\t%u\n", epoch, plans->len);
  }
  return TRUE;
}

gboolean
weir_command_list (WeirCommand *command, GError **error)
{
  g_autoptr (GArray) epochs = g_array_new (FALSE, FALSE, sizeof (guint64));
  WeirStore *store = command->opened.store;

  if (!store->klass->list (store, epochs, error))
    return FALSE;
  g_string_append (command->out, "#epoch\tis\ttime_ms\tstates\tbytes\tplans\n");
  for (guint i = 0; i < epochs->len; i++)
    if (!list_epoch (command, g_array_index (epochs, guint64, i), error))
      return FALSE;
  return list_open (command, error);
}

static void
add_text (GString *out, const char *name, const char *text)
{
  g_string_append_printf (out, "%s\t", name);
  weir_append_cell (out, text, strlen (text));
  g_string_append_c (out, '\n');
}

static void
add_number (GString *out, const char *name, gint64 number)
{
  g_string_append_printf (out, "%s\t%" G_GINT64_FORMAT "\n", name, number);
}

static void
add_all_bytes (GString *out, const char *name, const GPtrArray *all)
{
  for (guint i = 0; i < all->len; i++) {
    const WeirSavedBytes *saved = g_ptr_array_index (all, i);

    g_string_append_printf (out, "%s\t", name);
    weir_append_cell (out, saved->uid, strlen (saved->uid));
    g_string_append_printf (out, "\t%" G_GSIZE_FORMAT "\n", g_bytes_get_size (saved->bytes));
  }
}

static void
add_states (GString *out, const char *name, const WeirManifest *manifest)
{
  for (guint i = 0; i < manifest->states->len; i++) {
    const WeirSavedState *state = g_ptr_array_index (manifest->states, i);

    g_string_append (out, name);
    weir_append_cell (out, state->uid, strlen (state->uid));
    g_string_append_printf (out, "\t%s\t%u\t%u\t%" G_GUINT64_FORMAT "\n", state->verb, state->version,
                            state->blobs->len, weir_state_size (state));
  }
}

/* The seed of the hashes is left out: who knows it can choose keys that collide. */
gboolean
weir_command_show (WeirCommand *command, GError **error)
{
  const WeirManifest *manifest = command->manifest;
  GString *out = command->out;

  add_number (out, "epoch", (gint64) manifest->epoch);
  add_text (out, "is", role_of (&command->opened, manifest->epoch));
  add_text (out, "job", manifest->job);
  add_text (out, "uuid", manifest->uuid);
  add_number (out, "time_ms", manifest->time / 1000);
  add_number (out, "interval_ms", manifest->interval / 1000);
  add_text (out, "sources_read_again", manifest->is_replayed ? "yes" : "no");
  add_text (out, "sealed_outputs", manifest->has_sealed ? "yes" : "no");
  add_text (out, "marker_topic", manifest->marker_topic[0] != '\0' ? manifest->marker_topic : "-");
  add_number (out, "marker_epoch", (gint64) manifest->decided);
  for (guint i = 0; i < manifest->shape->len; i++) {
    const WeirShape *shape = g_ptr_array_index (manifest->shape, i);

    g_string_append (out, "node\t");
    weir_append_cell (out, shape->uid, strlen (shape->uid));
    g_string_append_printf (out, "\t%s\t%s\n", shape->verb, shape->is_named ? "named" : "unnamed");
  }
  add_states (out, "state\t", manifest);
  add_all_bytes (out, "position", manifest->positions);
  add_all_bytes (out, "note", manifest->notes);
  for (guint i = 0; i < manifest->counters->len; i++) {
    const WeirSavedCounter *counter = g_ptr_array_index (manifest->counters, i);

    g_string_append (out, "counter\t");
    weir_append_cell (out, counter->name, strlen (counter->name));
    g_string_append_printf (out, "\t%" G_GINT64_FORMAT "\n", counter->value);
  }
  return TRUE;
}

gboolean
weir_command_states (WeirCommand *command, GError **error)
{
  g_string_append (command->out, "#uid\tverb\tversion\tpieces\tbytes\n");
  add_states (command->out, "", command->manifest);
  return TRUE;
}

static void
add_stand (GString *out, const char *uid, const char *verb, const char *where, gint64 next)
{
  weir_append_cell (out, uid, strlen (uid));
  g_string_append_printf (out, "\t%s\t%s\t", verb, where);
  if (next >= 0)
    g_string_append_printf (out, "%" G_GINT64_FORMAT "\n", next);
  else
    g_string_append (out, "unknown\n");
}

gboolean
weir_command_offsets (WeirCommand *command, GError **error)
{
  const GPtrArray *positions = command->manifest->positions;

  g_string_append (command->out, "#uid\tverb\twhere\tnext\n");
  for (guint i = 0; i < positions->len; i++) {
    const WeirSavedBytes *saved = g_ptr_array_index (positions, i);
    const char *verb = weir_manifest_verb (command->manifest, saved->uid);
    GError *cause = NULL;
    g_autoptr (GArray) stands = weir_position_read (verb, saved->bytes, &cause);

    if (cause != NULL) {
      g_propagate_prefixed_error (error, cause, "%s: ", saved->uid);
      return FALSE;
    }
    if (stands == NULL)
      add_stand (command->out, saved->uid, verb, "-", -1);
    for (guint k = 0; stands != NULL && k < stands->len; k++) {
      const WeirStand *stand = &g_array_index (stands, WeirStand, k);

      add_stand (command->out, saved->uid, verb, stand->where, stand->next);
    }
  }
  return TRUE;
}
