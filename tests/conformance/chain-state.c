/* Owns the steps that keep state. One thread; functions run on workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/conformance/chain.h"
#include "tests/conformance/function.h"
#include "tests/conformance/script.h"

/* What a phrase says of (key, values, state); batch_time_ms with them. */
static WeirValue
update (WeirTask *task, WeirValue key, const WeirValue *values, gsize n_values, WeirValue state, gpointer function)
{
  const WeirValue all[] = { key, weir_list_at (values, n_values), state,
                            weir_int (weir_task_batch_time (task) / 1000) };

  return function_map (task, weir_list_at (all, G_N_ELEMENTS (all)), function);
}

/* The state is (counter, idle). */
static WeirValue
drop_after_2_idle (WeirTask *task, WeirValue key, const WeirValue *values, gsize n_values, WeirValue state,
                   gpointer user_data)
{
  gint64 counter = 0, idle = 0, sum = 0;

  for (gsize i = 0; i < n_values; i++)
    sum += weir_as_int (values[i]);
  if (!weir_is_nil (state)) {
    counter = weir_as_int (weir_key (state));
    idle = weir_as_int (weir_val (state));
  }
  idle = sum == 0 ? idle + 1 : 0;
  return idle == 2 ? weir_nil () : weir_pair (task, weir_int (counter + sum), weir_int (idle));
}

static WeirValue
counter_of (WeirTask *task, WeirValue state, gpointer user_data)
{
  return weir_key (state);
}

/* A phrase may name what it takes, `(values, state) -> …`, in any order and less than all of it. */
static const char *
without_names (const char *phrase)
{
  g_autoptr (GRegex) regex =
      g_regex_new ("^\\((?:(?:key|values|state|batch_time_ms)(?:, ?)?)+\\) ?[-=]> ?", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  gint end = 0;

  if (g_regex_match (regex, phrase, 0, &match))
    g_match_info_fetch_pos (match, 0, NULL, &end);
  return phrase + end;
}

static WeirStream *
updated (Chain *chain, WeirStream *s, const char *phrase, GError **error)
{
  Function *f;

  if (g_str_equal (phrase, "drop_after_2_idle"))
    return weir_update_state_by_key (s, drop_after_2_idle, NULL);
  f = function_new (without_names (phrase), "(key, values, state, batch_time_ms)", error);
  if (f == NULL)
    return NULL;
  weir_context_own (chain->ctx, f, function_free);
  return weir_update_state_by_key (s, update, f);
}

static WeirStream *
step_update_state_by_key (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  const char *phrase = chain_text (op, "fn", error);
  g_autoptr (GPtrArray) memory = g_ptr_array_new_with_free_func (g_free);
  const WeirValue *initial;
  gsize n;

  if (phrase == NULL)
    return NULL;
  s = updated (chain, s, phrase, error);
  if (s == NULL)
    return NULL;
  initial = json_values (json_member (op, "initial"), memory, &n);
  if (n > 0)
    weir_stream_set_initial_state (s, initial, n);
  chain->stateful = g_str_equal (phrase, "drop_after_2_idle") ? weir_map_values (s, counter_of, NULL) : s;
  return chain->stateful;
}

static WeirStream *
step_map_with_state (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  const char *phrase = chain_text (op, "fn", error);
  Script *script = phrase != NULL ? script_new (phrase, error) : NULL;
  g_autoptr (GPtrArray) memory = g_ptr_array_new_with_free_func (g_free);
  WeirStateSpec spec = { .function = script_run, .user_data = script };

  if (script == NULL)
    return NULL;
  weir_context_own (chain->ctx, script, script_free);
  spec.timeout = chain_duration (chain, op, "timeout");
  spec.initial = json_values (json_member (op, "initial"), memory, &spec.n_initial);
  s = weir_map_with_state (s, &spec);
  chain->stateful = weir_state_snapshots (s);
  return s;
}

static WeirStream *
step_state_snapshots (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  return weir_state_snapshots (s);
}

ChainStep
chain_find_state (const char *name)
{
  static const struct {
    const char *name;
    ChainStep step;
  } steps[] = {
    { "updatestatebykey", step_update_state_by_key },
    { "mapwithstate", step_map_with_state },
    { "statesnapshots", step_state_snapshots },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (steps); i++)
    if (g_str_equal (steps[i].name, name))
      return steps[i].step;
  return NULL;
}
