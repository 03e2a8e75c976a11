/* Owns the steps of windows. Lengths and slides are given in batches. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/conformance/chain.h"
#include "tests/conformance/function.h"

typedef WeirStream *(*Window) (WeirStream *s, WeirTime length, WeirTime slide);
typedef WeirStream *(*ReduceWindow) (WeirStream *s, WeirReduceFunc f, WeirReduceFunc inverse, WeirTime length,
                                     WeirTime slide, gpointer user_data);

static WeirStream *
windowed (Chain *chain, WeirStream *s, JsonObject *op, Window window)
{
  return window (s, chain_duration (chain, op, "window"), chain_duration (chain, op, "slide"));
}

static WeirStream *
step_window (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  return windowed (chain, s, op, weir_window);
}

static WeirStream *
step_count (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  return windowed (chain, s, op, weir_count_by_window);
}

static WeirStream *
step_count_by_value (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  return windowed (chain, s, op, weir_count_by_value_and_window);
}

static WeirStream *
step_group_by_key (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  return windowed (chain, s, op, weir_group_by_key_and_window);
}

/* The same user_data goes to a function and its inverse, hence both in one. */
typedef struct {
  Function *f, *inverse;
} Both;

static WeirValue
reduce (WeirTask *task, WeirValue a, WeirValue b, gpointer both)
{
  return function_reduce (task, a, b, ((const Both *) both)->f);
}

static WeirValue
invert (WeirTask *task, WeirValue a, WeirValue b, gpointer both)
{
  return function_reduce (task, a, b, ((const Both *) both)->inverse);
}

static WeirStream *
reduced (Chain *chain, WeirStream *s, JsonObject *op, ReduceWindow window, GError **error)
{
  WeirTime length = chain_duration (chain, op, "window"), slide = chain_duration (chain, op, "slide");
  Both *both = g_new0 (Both, 1);
  WeirReduceFunc ready;

  weir_context_own (chain->ctx, both, g_free);
  both->f = chain_function (chain, op, "fn", "(a, b)", error);
  if (both->f != NULL && json_member_text (op, "inverse") != NULL)
    both->inverse = chain_function (chain, op, "inverse", "(a, b)", error);
  if (both->f == NULL || (json_member_text (op, "inverse") != NULL && both->inverse == NULL))
    return NULL;
  ready = function_ready_reduce (json_member_text (op, "fn"));
  if (chain->variant.ready_made && ready != NULL)
    return window (s, ready, NULL, length, slide, NULL);
  return window (s, reduce, both->inverse != NULL ? invert : NULL, length, slide, both);
}

static WeirStream *
step_reduce (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  return reduced (chain, s, op, weir_reduce_by_window, error);
}

static WeirStream *
step_reduce_by_key (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  Function *f;

  s = reduced (chain, s, op, weir_reduce_by_key_and_window, error);
  if (s == NULL || json_member_text (op, "filter") == NULL)
    return s;
  f = chain_function (chain, op, "filter", "(key, value)", error);
  return f != NULL ? weir_filter (s, function_filter, f) : NULL;
}

ChainStep
chain_find_window (const char *name)
{
  static const struct {
    const char *name;
    ChainStep step;
  } steps[] = {
    { "window", step_window },
    { "reducebywindow", step_reduce },
    { "reducebykeyandwindow", step_reduce_by_key },
    { "countbywindow", step_count },
    { "countbyvalueandwindow", step_count_by_value },
    { "groupbykeyandwindow", step_group_by_key },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (steps); i++)
    if (g_str_equal (steps[i].name, name))
      return steps[i].step;
  return NULL;
}
