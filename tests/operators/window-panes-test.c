/* Tests of operators/window-panes: sliding aggregates against windows that are summed up anew each time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/window-panes.h"

#include "operators/combine-sum.h"
#include "tests/engine/table-fixture.h"

#define ALL        ((guint64) 1 << 32)
#define MOST_KEYS  1000
#define MOST_PANES 512 /* remembered by the model: more than a window is long */

typedef WeirValue (*Draw) (WeirTask *task, guint key, gint64 pane);

/* The window that is tested: `slices` of it, each knowing its share of the hashes. */
typedef struct {
  WeirMemory *memory;
  WeirRun run;
  WeirArena frame;
  WeirTaskRun task_run;
  WeirReduceParams params;
  WeirOp op;
  WeirTask *task;
  const WeirFold *fold;
  guint length, n_slices;
  WeirPanes *slices[16];
  WeirPartition *kept;
} Window;

/* What each pane holds; pane k is in row k % MOST_PANES. */
typedef struct {
  WeirArena arena;
  gint64 numbers[MOST_PANES];
  gboolean is_there[MOST_PANES][MOST_KEYS];
  WeirValue values[MOST_PANES][MOST_KEYS];
} Model;

static void
take_emitted (WeirTask *task, const WeirChunk *in)
{
  Window *window = *(Window **) task->op->params;

  g_assert_nonnull (in->keys);
  g_assert_true (weir_partition_append (window->kept, in, TRUE));
}

static const WeirOpClass window_class = { .verb = "window", .kind = WEIR_OP_WIDE };
static const WeirOpClass end_class = { .verb = "end", .kind = WEIR_OP_TERMINAL, .process = take_emitted };

static void
open_slices (Window *window)
{
  for (guint i = 0; i < window->n_slices; i++)
    window->slices[i] = weir_panes_new (window->memory, window->length, weir_slice_start (i, window->n_slices),
                                        weir_slice_start (i + 1, window->n_slices));
}

static Window *
window_new (guint length, guint n_slices, WeirReduceFunc f, gpointer user_data)
{
  static WeirOp end = { .klass = &end_class, .name = "end" };
  Window *window = g_new0 (Window, 1);

  window->memory = weir_memory_new ((gsize) 512 * 1024 * 1024);
  window->params = (WeirReduceParams){ f, user_data };
  window->op = (WeirOp){ .klass = &window_class, .name = "window", .params = &window->params };
  window->fold = f == WEIR_SUM ? &weir_fold_sum : &weir_fold_value;
  window->length = length;
  window->n_slices = n_slices;
  weir_run_init (&window->run, window->memory, NULL);
  weir_seed_init (&window->run.seed, 0);
  weir_arena_init (&window->frame, window->memory);
  window->task_run = (WeirTaskRun){ .run = &window->run, .frame = &window->frame };
  weir_arena_init (&window->task_run.scratch, window->memory);
  end.params = g_memdup2 (&window, sizeof window);
  window->task = weir_task_link_new (&window->task_run, &end, &end_class, NULL);
  window->task = weir_task_link_new (&window->task_run, &window->op, &window_class, window->task);
  open_slices (window);
  return window;
}

static void
close_slices (Window *window)
{
  for (guint i = 0; i < window->n_slices; i++)
    g_clear_pointer (&window->slices[i], weir_panes_free);
}

static void
window_free (Window *window)
{
  close_slices (window);
  weir_arena_clear (&window->task_run.scratch);
  g_free (window->task->next->op->params);
  weir_arena_clear (&window->frame);
  weir_run_clear (&window->run);
  g_assert_cmpuint (weir_memory_used (window->memory), ==, 0);
  weir_memory_free (window->memory);
  g_free (window);
}

static Model *
model_new (WeirMemory *memory)
{
  Model *model = g_new0 (Model, 1);

  weir_arena_init (&model->arena, memory);
  for (guint i = 0; i < MOST_PANES; i++)
    model->numbers[i] = -1;
  return model;
}

static void
model_free (Model *model)
{
  weir_arena_clear (&model->arena);
  g_free (model);
}

/* Short and long texts, so that some are in the slot and some are not. */
static WeirValue
key_of (guint i, char buffer[64])
{
  gint n = g_snprintf (buffer, 64, i % 3 == 0 ? "key-%u-with-a-long-name-that-fits-no-slot" : "k%u", i);

  return i % 5 == 4 ? weir_int (i) : weir_text_n (buffer, (gsize) n);
}

static gboolean
add_to_pane (Window *window, WeirCombined *pane, guint key, WeirValue value)
{
  const WeirSeed seed = window->task->seed;
  char buffer[64];
  gboolean is_new;
  WeirKey *slot = table_put (&pane->table, &seed, key_of (key, buffer), &is_new);

  if (slot == NULL)
    return FALSE;
  window->fold->add (window->task, pane, slot, value, is_new);
  return !weir_run_has_failed (&window->run);
}

/* Draws a pane of @n_keys of the keys from @first on, into the model and into a table; NULL: none. */
static WeirCombined *
draw_pane (Window *window, Model *model, gint64 number, guint first, guint n_keys, Draw draw)
{
  WeirCombined *pane = weir_combined_new (&window->op, window->memory, window->fold->value_size (&window->op), 0, ALL);
  guint row = (guint) (number % MOST_PANES);

  model->numbers[row] = number;
  memset (model->is_there[row], 0, sizeof model->is_there[row]);
  for (guint i = 0; i < n_keys; i++) {
    guint key = (first + i) % MOST_KEYS;
    WeirValue value = draw (window->task, key, number);

    g_assert_true (weir_value_copy_into (&model->arena, &value));
    model->is_there[row][key] = TRUE;
    model->values[row][key] = value;
    if (!add_to_pane (window, pane, key, value))
      break;
  }
  return pane;
}

static gboolean
enter (Window *window, gint64 number, const WeirCombined *pane)
{
  const WeirPaneSource source = { .table = pane != NULL ? &pane->table : NULL, .fold = window->fold };

  for (guint i = 0; i < window->n_slices; i++)
    if (!weir_panes_enter (window->slices[i], window->task, number, pane != NULL ? &source : NULL))
      return FALSE;
  return TRUE;
}

static void
emit_all (Window *window)
{
  window->kept = weir_partition_new (window->memory);
  for (guint i = 0; i < window->n_slices; i++) {
    guint64 before = window->kept->n_elements;
    gsize at = 0;

    while (weir_panes_emit (window->slices[i], window->task, &at))
      weir_arena_reset (&window->task_run.scratch);
    if (!weir_run_has_failed (&window->run))
      g_assert_cmpuint (window->kept->n_elements - before, ==, weir_panes_n_keys (window->slices[i]));
  }
}

static gboolean
has_key (const Window *window, const Model *model, gint64 number, guint key)
{
  for (gint64 k = MAX (number - window->length + 1, 0); k <= number; k++)
    if (model->numbers[k % MOST_PANES] == k && model->is_there[k % MOST_PANES][key])
      return TRUE;
  return FALSE;
}

/* The naive way: all values of the key in the window, oldest first. FALSE: none. */
static gboolean
expected_of (Window *window, const Model *model, gint64 number, guint key, WeirValue *expected)
{
  gboolean has = FALSE;

  for (gint64 k = MAX (number - window->length + 1, 0); k <= number; k++) {
    guint row = (guint) (k % MOST_PANES);

    if (model->numbers[row] != k || !model->is_there[row][key])
      continue;
    *expected = has ? window->params.f (window->task, *expected, model->values[row][key], window->params.user_data)
                    : model->values[row][key];
    has = TRUE;
  }
  return has;
}

/* What key_of () made the key of. */
static guint
index_of (WeirValue key)
{
  guint i = 0;

  if (weir_kind (key) == WEIR_INT)
    return (guint) weir_as_int (key);
  for (gsize k = 0; k < weir_size (key); k++)
    if (g_ascii_isdigit (weir_data (key)[k]))
      i = 10 * i + (guint) (weir_data (key)[k] - '0');
  return i;
}

/* By hash, then by key. */
static void
expect_order (Window *window)
{
  WeirValue last = weir_nil ();
  guint64 last_hash = 0;

  for (guint i = 0; i < window->kept->chunks->len; i++) {
    const WeirChunk *chunk = &g_array_index (window->kept->chunks, WeirChunk, i);

    for (guint k = 0; k < chunk->n; k++) {
      guint64 hash = weir_hash_value (chunk->keys[k], &window->task->seed) >> 32;

      g_assert_true (hash > last_hash || (hash == last_hash && weir_compare (last, chunk->keys[k]) < 0));
      last_hash = hash;
      last = chunk->keys[k];
    }
  }
}

static void
expect_emitted (Window *window, const Model *model, gint64 number, WeirValue key, WeirValue got)
{
  guint i = index_of (key);
  WeirValue expected = weir_nil ();
  char buffer[64];

  g_assert_true (weir_equal (key, key_of (i, buffer)));
  g_assert_true (expected_of (window, model, number, i, &expected));
  if (!weir_equal (got, expected))
    g_error ("key %u at pane %d: got %s, expected %s", i, (int) number, weir_to_string (got),
             weir_to_string (expected));
}

/* Keys are in order, hence different: as many as there should be, and each right, is all of them. */
static void
expect_window (Window *window, const Model *model, gint64 number)
{
  guint64 n = 0;

  emit_all (window);
  expect_order (window);
  for (guint i = 0; i < window->kept->chunks->len; i++) {
    const WeirChunk *chunk = &g_array_index (window->kept->chunks, WeirChunk, i);

    for (guint k = 0; k < chunk->n; k++)
      expect_emitted (window, model, number, chunk->keys[k], chunk->values[k]);
  }
  for (guint i = 0; i < MOST_KEYS; i++)
    n += has_key (window, model, number, i);
  g_assert_cmpuint (window->kept->n_elements, ==, n);
  g_clear_pointer (&window->kept, weir_partition_unref);
  weir_arena_reset (&window->task_run.scratch);
}

/* Mostly the next pane, at times a gap, at times all panes have left meanwhile. */
static gint64
next_number (const Window *window, gint64 number)
{
  const gint64 length = window->length;
  const gint64 jumps[] = { 2, 3, length - 1, length, length + 1, 2 * length, 3 * length + 1 };

  gint64 jump = jumps[below (G_N_ELEMENTS (jumps))];

  return number + (below (length <= 60 ? 4 : window->length) > 0 || jump == 0 ? 1 : jump);
}

static void
slide (Window *window, guint n_steps, guint most_keys, Draw draw)
{
  Model *model = model_new (window->memory);
  gint64 number = 1 + below (100);

  for (guint i = 0; i < n_steps; i++, number = next_number (window, number)) {
    WeirCombined *pane = NULL;

    if (below (8) > 0)
      pane = draw_pane (window, model, number, below (most_keys), below (most_keys), draw);
    g_assert_true (enter (window, number, pane));
    expect_window (window, model, number);
    g_clear_pointer (&pane, weir_combined_free);
  }
  g_assert_true (enter (window, number + window->length, NULL));
  for (guint i = 0; i < window->n_slices; i++)
    g_assert_cmpuint (weir_panes_n_keys (window->slices[i]), ==, 0);
  model_free (model);
}

static WeirValue
draw_int (WeirTask *task, guint key, gint64 pane)
{
  return weir_int ((gint64) below (2000) - 1000);
}

/* Sums of quarters are exact. */
static WeirValue
draw_quarter (WeirTask *task, guint key, gint64 pane)
{
  return below (3) == 0 ? draw_int (task, key, pane) : weir_float (((gdouble) below (2000) - 1000) / 4);
}

static WeirValue
draw_text (WeirTask *task, guint key, gint64 pane)
{
  static const char padding[] = "........................................";

  return weir_format (task, "%u:%d%.*s;", key, (int) pane, (int) below (40), padding);
}

static WeirValue
draw_any (WeirTask *task, guint key, gint64 pane)
{
  return random_value (task, 2);
}

static WeirValue
concatenate (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  return weir_format (task, "%.*s%.*s", (int) weir_size (a), weir_data (a), (int) weir_size (b), weir_data (b));
}

/* Associative, and gives all kinds, NIL too. */
static WeirValue
later_unless_nil (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  return weir_is_nil (b) || weir_kind (a) == WEIR_LIST ? a : b;
}

typedef struct {
  const char *name;
  WeirReduceFunc f;
  Draw draw;
} Kind;

static const Kind kinds[] = {
  { "sums-of-ints", WEIR_SUM, draw_int },
  { "sums-of-ints-and-floats", WEIR_SUM, draw_quarter },
  { "least", WEIR_MIN, draw_int },
  { "greatest", WEIR_MAX, draw_text },
  { "first", WEIR_FIRST, draw_any },
  { "last", WEIR_LAST, draw_any },
  { "texts-in-order", concatenate, draw_text },
  { "values-of-all-kinds", later_unless_nil, draw_any },
};

typedef struct {
  const Kind *kind;
  guint length, n_slices;
} Case;

static void
windows_are_what_their_panes_add_up_to (gconstpointer data)
{
  const Case *one = data;
  Window *window = window_new (one->length, one->n_slices, one->kind->f, NULL);

  slide (window, 60, 60, one->kind->draw);
  close_slices (window);
  open_slices (window);
  slide (window, 12, 900, one->kind->draw);
  window_free (window);
}

/* Where a rebuild takes more steps than one. */
static void
long_windows_are_what_their_panes_add_up_to (gconstpointer data)
{
  const Case *one = data;
  Window *window = window_new (one->length, one->n_slices, one->kind->f, NULL);

  slide (window, 3 * one->length, 30, one->kind->draw);
  window_free (window);
}

static WeirValue
count_calls (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  ++*(guint64 *) user_data;
  return weir_int (weir_as_int (a) + weir_as_int (b));
}

static WeirCombined *
pane_of_all (Window *window, guint n_keys)
{
  WeirCombined *pane = weir_combined_new (&window->op, window->memory, window->fold->value_size (&window->op), 0, ALL);

  for (guint key = 0; key < n_keys; key++)
    g_assert_true (add_to_pane (window, pane, key, weir_int (key)));
  return pane;
}

static void
expect_no_slow_slide (guint length)
{
  enum { N_KEYS = 1000, N_STEPS = 300 };
  guint64 n_calls = 0, n_all = 0, most = 0;
  Window *window = window_new (length, 1, count_calls, &n_calls);
  WeirCombined *pane = pane_of_all (window, N_KEYS);

  for (gint64 number = 1; number <= length + N_STEPS; number++) {
    n_calls = 0;
    g_assert_true (enter (window, number, pane));
    emit_all (window);
    g_clear_pointer (&window->kept, weir_partition_unref);
    if (number <= length)
      continue;
    n_all += n_calls;
    most = MAX (most, n_calls);
  }
  /* One call a key to enter, one to be read, one for the share that is rebuilt; and for what enters meanwhile. */
  g_assert_cmpuint (n_all / N_STEPS, <=, 3 * N_KEYS + (length > 64 ? 2 * N_KEYS / 32 : 0));
  g_assert_cmpuint (most, <=, n_all / N_STEPS * 3 / 2);
  weir_combined_free (pane);
  window_free (window);
}

static void
no_slide_is_slow (void)
{
  expect_no_slow_slide (60);
}

static void
no_slide_of_a_long_window_is_slow (void)
{
  expect_no_slow_slide (65);
  expect_no_slow_slide (1000);
}

static void
sliding_on_does_not_grow (void)
{
  Window *window = window_new (7, 3, concatenate, NULL);
  Model *model = model_new (window->memory);
  gsize used = 0;

  for (gint64 number = 1; number < 800; number += number % 10 == 0 ? 20 : 1) {
    WeirCombined *pane = draw_pane (window, model, number, (guint) number * 13, 300, draw_text);

    g_assert_true (enter (window, number, pane));
    weir_combined_free (pane);
    weir_arena_clear (&model->arena);
    weir_arena_reset (&window->task_run.scratch);
    if (number < 200)
      used = MAX (used, weir_memory_used (window->memory));
    g_assert_cmpuint (weir_memory_used (window->memory), <=, used + used / 4);
  }
  model_free (model);
  window_free (window);
}

/* A slice holds its own keys, not room for those of all slices. */
static void
many_slices_take_no_more_than_one (void)
{
  gsize used[2];

  for (guint i = 0; i < 2; i++) {
    Window *window = window_new (30, i == 0 ? 1 : 16, WEIR_SUM, NULL);
    WeirCombined *pane = pane_of_all (window, MOST_KEYS);
    gsize before = weir_memory_used (window->memory);

    for (gint64 number = 1; number <= 30; number++)
      g_assert_true (enter (window, number, pane));
    used[i] = weir_memory_used (window->memory) - before;
    weir_combined_free (pane);
    window_free (window);
  }
  g_assert_cmpuint (used[1], <, 2 * used[0]);
}

/* Some slides below the limit: TRUE if all of them went well, and then they are right. */
static gboolean
slide_below (Window *window, gsize limit)
{
  Model *model = model_new (window->memory);
  gboolean ok = TRUE;

  for (gint64 number = 1; number < 12 && ok; number++) {
    WeirCombined *pane = draw_pane (window, model, number, (guint) number * 31, 50, draw_text);

    weir_memory_set_limit (window->memory, weir_memory_used (window->memory) + limit);
    ok = enter (window, number, pane);
    weir_memory_set_limit (window->memory, G_MAXSIZE);
    if (ok)
      expect_window (window, model, number);
    else
      g_assert_error (window->run.error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT);
    weir_combined_free (pane);
  }
  model_free (model);
  return ok;
}

static void
at_the_memory_limit_it_fails_and_frees (void)
{
  guint n_failed = 0;
  gboolean ok = FALSE;

  for (gsize limit = 0; !ok; limit += 256) {
    Window *window = window_new (4, 2, concatenate, NULL);

    ok = slide_below (window, limit);
    n_failed += !ok;
    window_free (window);
  }
  g_assert_cmpuint (n_failed, >, 10);
}

static void
an_overflow_fails_the_task (void)
{
  Window *window = window_new (3, 1, WEIR_SUM, NULL);
  WeirCombined *pane = weir_combined_new (&window->op, window->memory, window->fold->value_size (&window->op), 0, ALL);

  g_assert_true (add_to_pane (window, pane, 1, weir_int (G_MAXINT64 - 1)));
  g_assert_true (enter (window, 1, pane));
  if (enter (window, 2, pane)) {
    emit_all (window);
    weir_partition_unref (window->kept);
  }
  g_assert_error (window->run.error, WEIR_ERROR, WEIR_ERROR_OVERFLOW);
  weir_combined_free (pane);
  window_free (window);
}

static void
add_cases (const Kind *kind)
{
  static const guint lengths[] = { 1, 2, 3, 7, 60 }, slices[] = { 1, 3, 16 };

  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++)
    for (gsize k = 0; k < G_N_ELEMENTS (slices); k++) {
      g_autofree char *path =
          g_strdup_printf ("/window-panes/%s/%u-panes/%u-slices", kind->name, lengths[i], slices[k]);
      Case *one = g_new (Case, 1);

      *one = (Case){ kind, lengths[i], slices[k] };
      g_test_add_data_func_full (path, one, windows_are_what_their_panes_add_up_to, g_free);
    }
}

static void
add_long_cases (const Kind *kind)
{
  static const guint lengths[] = { 65, 150, 196 };

  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++) {
    g_autofree char *path = g_strdup_printf ("/window-panes/%s/%u-panes", kind->name, lengths[i]);
    Case *one = g_new (Case, 1);

    *one = (Case){ kind, lengths[i], 2 };
    g_test_add_data_func_full (path, one, long_windows_are_what_their_panes_add_up_to, g_free);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++) {
    add_cases (&kinds[i]);
    add_long_cases (&kinds[i]);
  }
  g_test_add_func ("/window-panes/no_slide_is_slow", no_slide_is_slow);
  g_test_add_func ("/window-panes/no_slide_of_a_long_window_is_slow", no_slide_of_a_long_window_is_slow);
  g_test_add_func ("/window-panes/sliding_on_does_not_grow", sliding_on_does_not_grow);
  g_test_add_func ("/window-panes/many_slices_take_no_more_than_one", many_slices_take_no_more_than_one);
  g_test_add_func ("/window-panes/at_the_memory_limit_it_fails_and_frees", at_the_memory_limit_it_fails_and_frees);
  g_test_add_func ("/window-panes/an_overflow_fails_the_task", an_overflow_fails_the_task);
  return g_test_run ();
}
