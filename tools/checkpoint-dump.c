/* weir checkpoint dump: owns how state is written as lines: keyed state as a restart would have it, windows as they are
 * stored. Keyed state is read by the engine's own loader; the forms of windows are those of operators/pane-log.c,
 * window-slice.c, held-panes.c and window-stacks.c. One thread. SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include <weir/error.h>

#include "engine/keyed-state-save.h"
#include "engine/value-text.h"
#include "engine/wire.h"
#include "tools/command.h"

#define FLUSH_AT ((gsize) 1 << 20)

/* Room for values, as a task of the state's operator has it. */
typedef struct {
  WeirMemory *memory;
  WeirRun run;
  WeirArena frame;
  WeirTaskRun task_run;
  WeirOp op;
  WeirTask *task;
  WeirCommand *command;
  const WeirSavedState *state;
  GString *cell;
} Dump;

static const WeirOpClass dump_class = { .verb = "dump", .kind = WEIR_OP_WIDE };

static void
dump_init (Dump *dump, WeirCommand *command, const WeirSavedState *state)
{
  memset (dump, 0, sizeof *dump);
  dump->command = command;
  dump->state = state;
  dump->cell = g_string_new (NULL);
  dump->memory = weir_memory_new (G_MAXSIZE / 2);
  dump->op = (WeirOp){
    .klass = &dump_class,
    .name = state->uid,
    .n_slices = 1,
    .salt = weir_hash_bytes_seeded (state->uid, strlen (state->uid), 0),
    .saved_version = state->version,
    .state_version = state->version,
  };
  weir_run_init (&dump->run, dump->memory, NULL);
  dump->run.state_memory = dump->memory;
  weir_seed_init (&dump->run.seed, command->manifest->seed);
  weir_arena_init (&dump->frame, dump->memory);
  dump->task_run = (WeirTaskRun){ .run = &dump->run, .frame = &dump->frame };
  weir_arena_init (&dump->task_run.scratch, dump->memory);
  dump->task = weir_task_link_new (&dump->task_run, &dump->op, &dump_class, NULL);
  dump->task_run.first = dump->task;
}

static void
dump_clear (Dump *dump)
{
  g_string_free (dump->cell, TRUE);
  weir_arena_clear (&dump->task_run.scratch);
  weir_arena_clear (&dump->frame);
  weir_run_clear (&dump->run);
  weir_memory_free (dump->memory);
}

static void
add_value (Dump *dump, WeirValue value)
{
  g_string_truncate (dump->cell, 0);
  weir_append_to_string (dump->cell, value);
  weir_append_cell (dump->command->out, dump->cell->str, dump->cell->len);
}

typedef void (*SectionFunc) (Dump *dump, const WeirSection *section, gpointer data);

static gboolean
read_blob (Dump *dump, const WeirBlob *blob, SectionFunc f, gpointer data, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  const guint8 *payload;
  gsize size;
  WeirTaker taker;
  WeirSection section;

  if (!weir_opened_read_state (&dump->command->opened, blob, bytes, &payload, &size, error))
    return FALSE;
  weir_taker_init (&taker, payload, size);
  while (weir_task_is_going (dump->task) && weir_section_next (&taker, blob->epoch, &section)) {
    f (dump, &section, data);
    weir_arena_reset (&dump->task_run.scratch);
  }
  if (taker.has_failed)
    weir_task_fail (dump->task, WEIR_ERROR_CHECKPOINT_CORRUPT,
                    "its saved state of epoch %" G_GUINT64_FORMAT " is cut short", blob->epoch);
  return !weir_run_has_failed (&dump->run) || weir_run_report (&dump->run, error);
}

static gboolean
read_all (Dump *dump, SectionFunc f, gpointer data, GError **error)
{
  for (guint i = 0; i < dump->state->blobs->len; i++)
    if (!read_blob (dump, &g_array_index (dump->state->blobs, WeirBlob, i), f, data, error))
      return FALSE;
  return TRUE;
}

/* --- keyed state --- */

static void
load_keyed (Dump *dump, const WeirSection *section, gpointer data)
{
  weir_keyed_state_load (data, dump->task, section);
}

static void
add_entry (Dump *dump, const WeirStateGroup *group, guint32 entry)
{
  GString *out = dump->command->out;
  WeirTime time = weir_entry_at (group, entry)->age.time;

  add_value (dump, weir_key_value (&weir_entry_at (group, entry)->key));
  g_string_append_c (out, '\t');
  add_value (dump, weir_entry_at (group, entry)->value);
  if (time == WEIR_STATE_UNDATED)
    g_string_append (out, "\t-\n");
  else
    g_string_append_printf (out, "\t%" G_GINT64_FORMAT "\n", time / 1000);
}

/* All is loaded, so nothing has to be taken back: a state of gigabytes is not held as text as well. */
static void
print_some (GString *out)
{
  if (out->len < FLUSH_AT)
    return;
  fwrite (out->str, 1, out->len, stdout);
  g_string_truncate (out, 0);
}

static void
add_entries (Dump *dump, const WeirKeyedState *state)
{
  g_string_append (dump->command->out, "#key\tstate\ttouched_ms\n");
  for (guint i = 0; i < state->n_groups; i++) {
    const WeirStateGroup *group = &state->groups[i];

    for (guint32 entry = 0; entry < group->n; entry++) {
      if (weir_entry_at (group, entry)->key.meta != 0)
        add_entry (dump, group, entry);
      print_some (dump->command->out);
    }
  }
}

static gboolean
dump_keyed (Dump *dump, GError **error)
{
  WeirKeyedState *state = weir_keyed_state_new (dump->memory, 0, 1, TRUE, FALSE);
  gboolean ok = read_all (dump, load_keyed, state, error);

  if (ok)
    add_entries (dump, state);
  weir_keyed_state_free (state);
  return ok;
}

/* --- windows: what their sections hold, one after the other --- */

static gboolean
take_value (Dump *dump, WeirTaker *taker, WeirValue *value)
{
  g_autoptr (GError) error = NULL;
  gsize n_used;

  if (weir_decode_prefix (dump->task, taker->data, (gsize) (taker->end - taker->data), &n_used, value, &error)) {
    taker->data += n_used;
    return TRUE;
  }
  weir_task_fail (dump->task, WEIR_ERROR_CHECKPOINT_CORRUPT, "its saved window: %s", error->message);
  return FALSE;
}

/* "pane", its number and the first value of a line. */
static gboolean
begin_line (Dump *dump, const char *what, gint64 number, WeirTaker *taker)
{
  WeirValue value;

  if (!take_value (dump, taker, &value))
    return FALSE;
  g_string_append_printf (dump->command->out, "%s\t%" G_GINT64_FORMAT "\t", what, number);
  add_value (dump, value);
  return TRUE;
}

/* Pairs of key and value; kind 1: a pane, kind 2: the pane that is still open. */
static void
add_pane (Dump *dump, const WeirSection *section, gpointer data)
{
  GString *out = dump->command->out;
  WeirTaker taker;
  WeirValue value;

  weir_taker_init (&taker, section->data, section->size);
  while (taker.data < taker.end && begin_line (dump, section->kind == 1 ? "pane" : "open", section->number, &taker) &&
         take_value (dump, &taker, &value)) {
    g_string_append_c (out, '\t');
    add_value (dump, value);
    g_string_append_c (out, '\n');
  }
}

/* The elements of each partition of a batch, after how many there are. */
static void
add_batch (Dump *dump, const WeirSection *section, gpointer data)
{
  WeirTaker taker;

  weir_taker_init (&taker, section->data, section->size);
  while (taker.data < taker.end) {
    guint64 n = weir_take_u64 (&taker);

    for (guint64 i = 0; i < n; i++) {
      if (!begin_line (dump, "batch", section->number / 1000, &taker))
        return;
      g_string_append_c (dump->command->out, '\n');
    }
  }
}

/* Times and values; in front of those of a whole (kind 1) what the newest of them come to. */
static void
add_stack (Dump *dump, const WeirSection *section, gpointer data)
{
  WeirTaker taker;
  WeirValue newest;

  weir_taker_init (&taker, section->data, section->size);
  if (section->kind == 1 && !take_value (dump, &taker, &newest))
    return;
  while (taker.data < taker.end) {
    gint64 time = (gint64) weir_take_u64 (&taker);

    if (!begin_line (dump, "batch", time / 1000, &taker))
      return;
    g_string_append_c (dump->command->out, '\n');
  }
}

typedef struct {
  const char *verb, *heading;
  SectionFunc add;
} Window;

static const Window windows[] = {
  { "reduce_by_key_and_window", "#what\tnumber\tkey\tvalue\n", add_pane },
  { "aggregate_by_key_and_window", "#what\tnumber\tkey\tvalue\n", add_pane },
  { "window", "#what\ttime_ms\telement\n", add_batch },
  { "group_by_key_and_window", "#what\ttime_ms\telement\n", add_batch },
  { "reduce_by_window", "#what\ttime_ms\tvalue\n", add_stack },
};

static gboolean
dump_window (Dump *dump, const Window *window, GError **error)
{
  g_string_append (dump->command->out, window->heading);
  return read_all (dump, window->add, NULL, error);
}

static gboolean
dump_state (Dump *dump, GError **error)
{
  const char *verb = dump->state->verb;

  if (g_str_equal (verb, "update_state_by_key") || g_str_equal (verb, "map_with_state"))
    return dump_keyed (dump, error);
  for (gsize i = 0; i < G_N_ELEMENTS (windows); i++)
    if (g_str_equal (verb, windows[i].verb))
      return dump_window (dump, &windows[i], error);
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED, "what a %s keeps cannot be written as text", verb);
  return FALSE;
}

gboolean
weir_command_dump (WeirCommand *command, GError **error)
{
  const char *uid = command->words[0];
  const WeirSavedState *state = weir_manifest_find_state (command->manifest, uid);
  Dump dump;
  gboolean ok;

  if (state == NULL) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED,
                 "there is no state of '%s' in epoch %" G_GUINT64_FORMAT ": 'states' shows whose there is", uid,
                 command->manifest->epoch);
    return FALSE;
  }
  dump_init (&dump, command, state);
  ok = dump_state (&dump, error);
  dump_clear (&dump);
  return ok;
}
