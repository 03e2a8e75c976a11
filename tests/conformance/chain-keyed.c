/* Owns the steps on pairs: reductions and joins. One thread; functions run on workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/conformance/chain.h"
#include "tests/conformance/function.h"

static WeirStream *
step_map_values (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  Function *f = chain_function (chain, op, "fn", "v", error);

  return f != NULL ? weir_map_values (s, function_map, f) : NULL;
}

static WeirStream *
step_flat_map_values (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  Function *f = chain_function (chain, op, "fn", "v", error);

  return f != NULL ? weir_flat_map_values (s, function_flat_map, f) : NULL;
}

static WeirStream *
step_reduce_by_key (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  Function *f = chain_function (chain, op, "fn", "(a, b)", error);
  WeirReduceFunc ready = f != NULL ? function_ready_reduce (json_member_text (op, "fn")) : NULL;

  if (f == NULL)
    return NULL;
  if (chain->variant.ready_made && ready != NULL)
    return weir_reduce_by_key (s, ready, NULL);
  return weir_reduce_by_key (s, function_reduce, f);
}

static WeirStream *
step_group_by_key (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  return weir_group_by_key (s);
}

static WeirStream *
step_count_by_key (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  return weir_count_by_key (s);
}

/* create, merge_value and merge_combiners of one function: what is combined is what comes. */
static WeirValue
as_it_is (WeirTask *task, WeirValue value, gpointer user_data)
{
  return value;
}

static WeirStream *
step_combine_by_key (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  Function *f = chain_function (chain, op, "fn", "(a, b)", error);
  WeirCombiner combiner = { as_it_is, function_reduce, function_reduce, f };

  return f != NULL ? weir_combine_by_key (s, &combiner) : NULL;
}

typedef WeirStream *(*Join) (WeirStream *a, WeirStream *b);

static WeirStream *
join_by (Chain *chain, WeirStream *s, JsonObject *op, Join join, GError **error)
{
  WeirStream *right = chain_right (chain, op, error);

  return right != NULL ? join (s, right) : NULL;
}

static WeirStream *
step_join (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  return join_by (chain, s, op, weir_join, error);
}

static WeirStream *
step_left_outer_join (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  return join_by (chain, s, op, weir_left_outer_join, error);
}

static WeirStream *
step_right_outer_join (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  return join_by (chain, s, op, weir_right_outer_join, error);
}

static WeirStream *
step_full_outer_join (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  return join_by (chain, s, op, weir_full_outer_join, error);
}

static WeirStream *
step_cogroup (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  return join_by (chain, s, op, weir_cogroup, error);
}

ChainStep
chain_find_keyed (const char *name)
{
  static const struct {
    const char *name;
    ChainStep step;
  } steps[] = {
    { "mapvalues", step_map_values },
    { "flatmapvalues", step_flat_map_values },
    { "reducebykey", step_reduce_by_key },
    { "groupbykey", step_group_by_key },
    { "countbykey", step_count_by_key },
    { "combinebykey", step_combine_by_key },
    { "join", step_join },
    { "leftouterjoin", step_left_outer_join },
    { "rightouterjoin", step_right_outer_join },
    { "fullouterjoin", step_full_outer_join },
    { "cogroup", step_cogroup },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (steps); i++)
    if (g_str_equal (steps[i].name, name))
      return steps[i].step;
  return NULL;
}
