/* Owns the form that keyed state has in checkpoints, docs/reference/keyed-state-format.md. Each checkpoint holds the
 * entries that changed; beside that, as many bytes again as half of these go to pages, which are written whole, in turn.
 * When all pages have been, a restart needs nothing older than the first of them: three times the state at most.
 * Must not know where sections are kept. Worker threads.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/keyed-state-save.h"

#include "engine/wire.h"

enum { SECTION_PAGE = 1, SECTION_CHANGES = 2, SECTION_NOTHING = 3 };

#define DATED 1u
#define AHEAD 64 /* entries that are asked for before they are needed */

typedef struct {
  WeirKeyedState *state;
  WeirStateGroup *group;
  WeirTask *task;
  WeirSaver *saver;
  guint32 next;       /* the number after the last one written */
  guint8 *at;         /* in small */
  guint8 small[4096]; /* bytes that are not in saver->out yet */
} Writer;

/* Room for two small values and two numbers. */
#define ENTRY_MOST (2 * WEIR_WIRE_SMALL + 2 * 10)

static void
flush (Writer *writer)
{
  g_byte_array_append (writer->saver->out, writer->small, (guint) (writer->at - writer->small));
  writer->at = writer->small;
}

static inline guint8 *
put_number (guint8 *at, guint64 number)
{
  for (; number >= 128; number >>= 7)
    *at++ = (guint8) (number | 128);
  *at++ = (guint8) number;
  return at;
}

static void
begin_section (Writer *writer, guint kind, guint32 page)
{
  WeirKeyedState *state = writer->state;
  guint64 number = state->first + (guint64) (writer->group - state->groups);

  weir_saver_begin (writer->saver, number << 24, (number + 1) << 24, kind, page);
  weir_put_u32 (writer->saver->out, state->is_dated ? DATED : 0);
  weir_put_u64 (writer->saver->out, (guint64) state->now);
  writer->next = page * WEIR_STATE_PAGE;
}

static void
end_section (Writer *writer)
{
  flush (writer);
  weir_saver_end (writer->saver);
}

static void
write_value (Writer *writer, WeirValue value)
{
  if (G_LIKELY (weir_wire_is_small (value))) {
    writer->at = weir_wire_put_small (writer->at, value);
    return;
  }
  flush (writer);
  if (!weir_encode_bounded (value, writer->saver->out))
    weir_task_fail (writer->task, WEIR_ERROR_FAILED,
                    "cannot save a state: it is nested deeper than %d, or a slice has more than 2 GiB to save at once: "
                    "flatten it, or ask for more slices with weir_stream_set_partitions ()",
                    WEIR_WIRE_DEPTH_MAX);
}

static void
write_entry (Writer *writer, guint32 entry)
{
  const WeirStateGroup *group = writer->group;
  const WeirKey *key = &weir_entry_at (group, entry)->key;

  if (G_UNLIKELY (writer->at > writer->small + sizeof writer->small - ENTRY_MOST))
    flush (writer);
  writer->at = put_number (writer->at, (guint64) (entry - writer->next) << 1 | (key->meta != 0));
  writer->next = entry + 1;
  if (key->meta == 0)
    return;
  if (writer->state->is_dated)
    writer->at =
        put_number (writer->at, (guint64) writer->state->now - (guint64) weir_entry_at (group, entry)->age.time);
  write_value (writer, weir_key_value (key));
  write_value (writer, weir_entry_at (group, entry)->value);
}

/* The next few changed entries, which have not changed any more then. */
static guint
take_changed (WeirStateGroup *group, guint32 *word, guint32 entries[AHEAD + 64])
{
  guint32 n_words = (group->capacity + 63) / 64;
  guint n = 0;

  for (; *word < n_words && n < AHEAD; (*word)++) {
    guint64 bits = group->changed[*word];

    group->changed[*word] = 0;
    for (; bits != 0; bits &= bits - 1) {
      entries[n] = *word * 64 + (guint32) __builtin_ctzll (bits);
      weir_entry_prefetch (group, entries[n++]);
    }
  }
  return n;
}

/* Pages that hold something begin with this epoch, if with none before; of others there is nothing to read. */
static void
begin_pages (WeirStateGroup *group, guint64 epoch)
{
  for (guint32 page = 0; page * WEIR_STATE_PAGE < group->capacity; page++)
    if (page * WEIR_STATE_PAGE >= group->n)
      group->bases[page] = 0;
    else if (group->bases[page] == 0)
      group->bases[page] = epoch;
}

static void
write_changes (Writer *writer)
{
  WeirStateGroup *group = writer->group;
  guint start = writer->saver->out->len, n;
  guint32 entries[AHEAD + 64], word = 0;

  begin_section (writer, SECTION_CHANGES, 0);
  while ((n = take_changed (group, &word, entries)) > 0 && weir_task_is_going (writer->task))
    for (guint i = 0; i < n; i++)
      write_entry (writer, entries[i]);
  end_section (writer);
  group->n_changed = 0;
  begin_pages (group, writer->saver->epoch);
  writer->state->credit += (writer->saver->out->len - start) / 2;
}

static void
forget_changes (WeirStateGroup *group, guint32 page)
{
  guint32 until = MIN ((page + 1) * (WEIR_STATE_PAGE / 64), (group->capacity + 63) / 64);

  for (guint32 word = page * (WEIR_STATE_PAGE / 64); word < until; word++) {
    group->n_changed -= (guint32) __builtin_popcountll (group->changed[word]);
    group->changed[word] = 0;
  }
}

/* All entries of a page; those that have no number there are gone. */
static void
write_page (Writer *writer, guint32 page)
{
  WeirStateGroup *group = writer->group;
  guint32 until = MIN ((page + 1) * WEIR_STATE_PAGE, group->n);

  begin_section (writer, SECTION_PAGE, page);
  for (guint32 i = page * WEIR_STATE_PAGE; i < until && weir_task_is_going (writer->task); i++)
    if (weir_entry_at (group, i)->key.meta != 0)
      write_entry (writer, i);
  end_section (writer);
  forget_changes (group, page);
  group->bases[page] = writer->saver->epoch;
}

static void
write_all (Writer *writer)
{
  WeirKeyedState *state = writer->state;

  for (guint i = 0; i < state->n_groups; i++) {
    writer->group = &state->groups[i];
    for (guint32 page = 0; page * WEIR_STATE_PAGE < writer->group->n; page++)
      write_page (writer, page);
    if (writer->group->n_changed > 0) /* removed at the end */
      for (guint32 page = 0; page * WEIR_STATE_PAGE < writer->group->capacity; page++)
        forget_changes (writer->group, page);
  }
  state->credit = 0;
  state->must_rewrite = FALSE;
}

/* Moves on to the next page that holds something; FALSE: there is none. */
static gboolean
find_page (WeirKeyedState *state)
{
  for (guint i = 0; i <= state->n_groups; i++) {
    const WeirStateGroup *group = &state->groups[state->next_group];

    if (state->next_page * WEIR_STATE_PAGE < group->n)
      return TRUE;
    state->next_page = 0;
    state->next_group = (state->next_group + 1) % state->n_groups;
  }
  return FALSE;
}

/* No more than once around. */
static void
write_pages (Writer *writer)
{
  WeirKeyedState *state = writer->state;
  GByteArray *out = writer->saver->out;

  while (state->credit > 0 && find_page (state) && weir_task_is_going (writer->task)) {
    guint start = out->len;

    writer->group = &state->groups[state->next_group];
    if (writer->group->bases[state->next_page] == writer->saver->epoch)
      break;
    write_page (writer, state->next_page++);
    state->credit -= out->len - start;
  }
}

static guint64
oldest_base (const WeirKeyedState *state, guint64 epoch)
{
  for (guint i = 0; i < state->n_groups; i++) {
    const WeirStateGroup *group = &state->groups[i];

    for (guint32 page = 0; page * WEIR_STATE_PAGE < group->n; page++)
      epoch = MIN (epoch, group->bases[page]);
  }
  return epoch;
}

/* That there was state is known even where there is no key; it is said once, until there is one. */
static void
write_nothing (WeirKeyedState *state, WeirSaver *saver)
{
  if (state->nothing_epoch == 0) {
    weir_saver_begin (saver, 0, 0, SECTION_NOTHING, 0);
    weir_saver_end (saver);
    state->nothing_epoch = saver->epoch;
  }
  saver->oldest_needed = MIN (saver->oldest_needed, state->nothing_epoch);
}

void
weir_keyed_state_save (WeirKeyedState *state, WeirTask *task, guint index, WeirSaver *saver)
{
  Writer writer;

  writer.state = state;
  writer.task = task;
  writer.saver = saver;
  writer.at = writer.small;
  if (saver->is_first || !state->is_saved || state->must_rewrite) {
    write_all (&writer);
    state->is_saved = TRUE;
  } else {
    write_pages (&writer);
    for (guint i = 0; i < state->n_groups; i++) {
      writer.group = &state->groups[i];
      if (writer.group->n_changed > 0)
        write_changes (&writer);
    }
  }
  if (index == 0 && state->n_used == 0)
    write_nothing (state, saver);
  else
    state->nothing_epoch = 0;
  saver->oldest_needed = MIN (saver->oldest_needed, oldest_base (state, saver->epoch));
}

typedef struct {
  WeirKeyedState *state;
  WeirStateGroup *group;
  WeirTask *task;
  WeirTaker taker;
  guint64 number; /* of the group */
  WeirTime now;
  guint32 next;
  gboolean is_dated;
} Reader;

static guint64
take_number (WeirTaker *taker)
{
  guint64 number = 0;

  for (guint shift = 0; shift < 64 && taker->data < taker->end; shift += 7) {
    guint8 byte = *taker->data++;

    number |= (guint64) (byte & 127) << shift;
    if (byte < 128)
      return number;
  }
  taker->has_failed = TRUE;
  return 0;
}

static gboolean
take_value (Reader *reader, WeirValue *value)
{
  g_autoptr (GError) error = NULL;
  WeirTaker *taker = &reader->taker;
  gsize n_used;

  if (!weir_decode_prefix (reader->task, taker->data, (gsize) (taker->end - taker->data), &n_used, value, &error)) {
    weir_task_fail (reader->task, error->code == WEIR_ERROR_FAILED ? WEIR_ERROR_CHECKPOINT_CORRUPT : error->code,
                    "its saved state: %s", error->message);
    return FALSE;
  }
  taker->data += n_used;
  return TRUE;
}

static void
put_entry (Reader *reader, guint32 entry, WeirTime time, WeirValue key_value, WeirValue value)
{
  WeirKeyedState *state = reader->state;
  WeirValue cell;
  WeirKey key;

  weir_key_of (key_value, &reader->task->seed, &key, &cell);
  if (key.hash >> 24 != reader->number)
    weir_task_fail (reader->task, WEIR_ERROR_CHECKPOINT_CORRUPT,
                    "a saved key is not where it belongs: its state was saved by another job, or under another uid");
  else if (!weir_entry_put (state, reader->group, entry, &key, value))
    weir_keyed_state_fail_memory (reader->task, state);
  else if (state->is_dated)
    weir_entry_at (reader->group, entry)->age.time = time;
}

static void
read_entry (Reader *reader)
{
  WeirTaker *taker = &reader->taker;
  guint64 head = take_number (taker);
  guint64 entry = reader->next + (head >> 1);
  WeirTime time = WEIR_STATE_UNDATED;
  WeirValue key, value;

  if (taker->has_failed || entry >= G_MAXUINT32) {
    weir_task_fail (reader->task, WEIR_ERROR_CHECKPOINT_CORRUPT, "its saved state is cut short");
    return;
  }
  reader->next = (guint32) entry + 1;
  if ((head & 1) == 0) {
    weir_entry_drop (reader->state, reader->group, (guint32) entry);
    return;
  }
  if (reader->is_dated)
    time = (WeirTime) ((guint64) reader->now - take_number (taker));
  reader->state->is_undated |= time == WEIR_STATE_UNDATED;
  if (take_value (reader, &key) && take_value (reader, &value))
    put_entry (reader, (guint32) entry, time, key, value);
}

static void
clear_page (Reader *reader, guint32 page)
{
  guint32 until = MIN ((page + 1) * WEIR_STATE_PAGE, reader->group->n);

  for (guint32 i = page * WEIR_STATE_PAGE; i < until; i++)
    weir_entry_drop (reader->state, reader->group, i);
  reader->next = page * WEIR_STATE_PAGE;
}

static void
note_bases (const Reader *reader, const WeirSection *section)
{
  WeirStateGroup *group = reader->group;

  begin_pages (group, section->epoch);
  if (section->kind == SECTION_PAGE && section->number * WEIR_STATE_PAGE < group->n)
    group->bases[section->number] = section->epoch;
}

/* Pages go on being written where it is longest ago, and as many as if there had been no restart. */
static void
note_turn (WeirKeyedState *state, const WeirSection *section)
{
  if (section->epoch != state->last_epoch)
    state->credit = 0;
  state->last_epoch = section->epoch;
  if (section->kind == SECTION_CHANGES) {
    state->credit += (gint64) section->size / 2;
  } else {
    state->next_group = (guint) (section->from >> 24) - state->first;
    state->next_page = (guint32) section->number + 1;
  }
}

void
weir_keyed_state_load (WeirKeyedState *state, WeirTask *task, const WeirSection *section)
{
  Reader reader = { .state = state, .task = task, .number = section->from >> 24 };
  WeirArena mark;

  state->is_saved = TRUE;
  if (section->kind < SECTION_PAGE || section->kind > SECTION_NOTHING) {
    weir_section_refuse (task, section);
    return;
  }
  if (section->kind == SECTION_NOTHING)
    state->nothing_epoch = section->epoch;
  if (section->kind == SECTION_NOTHING || reader.number < state->first ||
      reader.number >= state->first + state->n_groups)
    return;
  reader.group = &state->groups[reader.number - state->first];
  weir_taker_init (&reader.taker, section->data, section->size);
  reader.is_dated = (weir_take_u32 (&reader.taker) & DATED) != 0;
  reader.now = (WeirTime) weir_take_u64 (&reader.taker);
  state->now = MAX (state->now, reader.now);
  if (section->kind == SECTION_PAGE)
    clear_page (&reader, (guint32) section->number);
  mark = task->task_run->scratch;
  while (reader.taker.data < reader.taker.end && weir_task_is_going (task)) {
    read_entry (&reader);
    weir_arena_rewind (&task->task_run->scratch, &mark);
  }
  note_bases (&reader, section);
  note_turn (state, section);
}

gboolean
weir_keyed_state_check_version (WeirTask *task)
{
  const WeirOp *op = task->op;

  if (op->saved_version == op->state_version || (op->saved_version < op->state_version && op->upgrade != NULL))
    return TRUE;
  weir_task_fail (
      task, WEIR_ERROR_ORPHAN_STATE,
      "its state was saved in version %u, and the job has version %u: give weir_stream_set_state_version () "
      "a function that upgrades it, or start without the state under another uid",
      op->saved_version, op->state_version);
  return FALSE;
}

static void
upgrade_entry (WeirKeyedState *state, WeirTask *task, WeirStateGroup *group, guint32 entry)
{
  const WeirOp *op = task->op;
  WeirValue value = op->upgrade (task, op->saved_version, weir_entry_at (group, entry)->value, op->upgrade_data);

  if (!weir_task_is_going (task))
    return;
  if (weir_is_nil (value))
    weir_entry_remove (state, group, entry);
  else if (!weir_entry_set (state, group, entry, value))
    weir_keyed_state_fail_memory (task, state);
}

void
weir_keyed_state_upgrade (WeirKeyedState *state, WeirTask *task)
{
  WeirArena mark = task->task_run->scratch;

  if (task->op->saved_version == task->op->state_version)
    return;
  for (guint i = 0; i < state->n_groups; i++) {
    WeirStateGroup *group = &state->groups[i];

    for (guint32 entry = 0; entry < group->n && weir_task_is_going (task); entry++) {
      if (weir_entry_at (group, entry)->key.meta != 0)
        upgrade_entry (state, task, group, entry);
      weir_arena_rewind (&task->task_run->scratch, &mark);
    }
  }
  state->must_rewrite = TRUE;
}

void
weir_keyed_state_fail_memory (WeirTask *task, const WeirKeyedState *state)
{
  weir_task_fail (
      task, WEIR_ERROR_STATE_LIMIT,
      "its state needs more than state.limit = %" G_GSIZE_FORMAT
      " bytes, which all keyed states share: raise state.limit, or drop keys (return NIL, remove, a timeout)",
      weir_memory_limit (state->memory));
}
