/* Owns the reading and running of what a case does with states. Conditions see the state as it was before the first
 * action. Worker threads, but for making and freeing. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/conformance/script.h"

#include <gio/gio.h>

#include "tests/conformance/builtin.h"
#include "tests/conformance/expression.h"

typedef enum { ACTION_NOTHING, ACTION_SUM, ACTION_SET, ACTION_EMIT, ACTION_REMOVE } ActionKind;

typedef struct {
  ActionKind kind;
  Expression *expression; /* of SET and EMIT */
  Expression *condition;  /* nullable */
  gboolean is_else;       /* where the condition is false */
} Action;

struct _Script {
  GArray *actions;       /* of Action */
  GPtrArray *conditions; /* that actions share */
};

enum { KEY, VALUE, STATE, SUM, EXISTS, TIMING_OUT, BATCH_TIME, N_NAMES };
#define NAMES "(key, value, state, sum, exists, timing, batch_time_ms)"

static Expression *
parse_condition (Script *script, Lexer *lexer, GError **error)
{
  Expression *condition = expression_parse_part (lexer, NAMES, error);

  if (condition != NULL)
    g_ptr_array_add (script->conditions, condition);
  return condition;
}

static gboolean
find_action (const char *word, ActionKind *kind)
{
  static const struct {
    const char *word;
    ActionKind kind;
  } actions[] = {
    { "running_sum", ACTION_SUM }, { "set", ACTION_SET },       { "update", ACTION_SET },
    { "emit", ACTION_EMIT },       { "remove", ACTION_REMOVE }, { "noop", ACTION_NOTHING },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (actions); i++)
    if (g_str_equal (actions[i].word, word)) {
      *kind = actions[i].kind;
      return TRUE;
    }
  return FALSE;
}

static gboolean
parse_action (Script *script, Lexer *lexer, const Action *frame, GError **error)
{
  Action action = *frame;
  const char *word = lexer_take (lexer)->text;

  if (!find_action (word, &action.kind)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "unknown action '%s'", word);
    return FALSE;
  }
  if (action.kind == ACTION_SET || action.kind == ACTION_EMIT) {
    action.expression = expression_parse_part (lexer, NAMES, error);
    if (action.expression == NULL)
      return FALSE;
  }
  if (action.condition == NULL && lexer_skip (lexer, "if")) {
    action.condition = parse_condition (script, lexer, error);
    if (action.condition == NULL)
      action.kind = ACTION_NOTHING;
  }
  g_array_append_val (script->actions, action);
  return action.kind != ACTION_NOTHING || g_str_equal (word, "noop");
}

static gboolean
parse_actions (Script *script, Lexer *lexer, const Action *frame, GError **error)
{
  do {
    if (!parse_action (script, lexer, frame, error))
      return FALSE;
  } while (lexer_skip (lexer, ","));
  return TRUE;
}

/* if C: actions; else actions */
static gboolean
parse_if (Script *script, Lexer *lexer, GError **error)
{
  Action frame = { .condition = parse_condition (script, lexer, error) };

  if (frame.condition == NULL)
    return FALSE;
  lexer_skip (lexer, ":");
  if (!parse_actions (script, lexer, &frame, error))
    return FALSE;
  if (!g_str_equal (lexer_ahead (lexer, lexer_is (lexer, ";") ? 1 : 0)->text, "else"))
    return TRUE;
  lexer_skip (lexer, ";");
  lexer_skip (lexer, "else");
  lexer_skip (lexer, ":");
  frame.is_else = TRUE;
  return parse_actions (script, lexer, &frame, error);
}

static gboolean
parse_statements (Script *script, Lexer *lexer, GError **error)
{
  const Action always = { 0 };

  while (!lexer_at_end (lexer)) {
    gboolean ok =
        lexer_skip (lexer, "if") ? parse_if (script, lexer, error) : parse_actions (script, lexer, &always, error);

    if (!ok)
      return FALSE;
    if (!lexer_skip (lexer, ";") && !lexer_at_end (lexer)) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "unknown words from '%s' on", lexer_peek (lexer)->text);
      return FALSE;
    }
  }
  return TRUE;
}

Script *
script_new (const char *phrase, GError **error)
{
  Script *script = g_new0 (Script, 1);
  gboolean ok;
  Lexer lexer;

  script->actions = g_array_new (FALSE, FALSE, sizeof (Action));
  script->conditions = g_ptr_array_new_with_free_func ((GDestroyNotify) expression_free);
  ok = lexer_init (&lexer, phrase, error) && parse_statements (script, &lexer, error);
  lexer_clear (&lexer);
  if (ok)
    return script;
  g_prefix_error (error, "function '%s': ", phrase);
  script_free (script);
  return NULL;
}

void
script_free (gpointer data)
{
  Script *script = data;

  for (guint i = 0; i < script->actions->len; i++)
    g_clear_pointer (&g_array_index (script->actions, Action, i).expression, expression_free);
  g_array_unref (script->actions);
  g_ptr_array_unref (script->conditions);
  g_free (script);
}

static gboolean
is_due (const Action *action, WeirTask *task, WeirValue names)
{
  gboolean holds;

  if (action->condition == NULL)
    return TRUE;
  holds = expression_holds (action->condition, task, names);
  return holds != action->is_else;
}

/* A key that times out has no value to be summed. */
static void
add_to_sum (WeirTask *task, WeirState *state, WeirValue *names)
{
  const WeirValue both[] = { names[STATE], names[VALUE] };

  names[SUM] = builtin_find ("+")->apply (task, both, 2);
  if (!weir_as_bool (names[TIMING_OUT]))
    weir_state_update (state, names[SUM]);
}

static void
run_action (const Action *action, WeirTask *task, WeirState *state, WeirValue *names)
{
  WeirValue all = weir_list_at (names, N_NAMES), value = weir_nil ();

  if (!is_due (action, task, all))
    return;
  if (action->expression != NULL)
    value = expression_evaluate (action->expression, task, all);
  if (action->kind == ACTION_SUM)
    add_to_sum (task, state, names);
  else if (action->kind == ACTION_SET)
    weir_state_update (state, value);
  else if (action->kind == ACTION_REMOVE)
    weir_state_remove (state);
  else if (!weir_is_nil (value))
    weir_emit (task, value);
}

void
script_run (WeirTask *task, WeirValue key, WeirValue value, WeirState *state, gpointer data)
{
  const Script *script = data;
  gboolean exists = weir_state_exists (state);
  WeirValue names[N_NAMES] = { [KEY] = key, [VALUE] = value };

  names[STATE] = exists ? weir_copy (task, weir_state_get (state)) : weir_nil ();
  names[EXISTS] = weir_bool (exists);
  names[TIMING_OUT] = weir_bool (weir_state_is_timing_out (state));
  names[BATCH_TIME] = weir_int (weir_task_batch_time (task) / 1000);
  names[SUM] = names[STATE];
  for (guint i = 0; i < script->actions->len; i++)
    run_action (&g_array_index (script->actions, Action, i), task, state, names);
}
