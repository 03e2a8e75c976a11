/* Owns the walk through a case's operators, and the steps on elements of any kind. Must not know how a graph is run.
 *
 * One thread. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/conformance/chain.h"

#include <string.h>

#include <gio/gio.h>

#include "tests/conformance/function.h"

char *
chain_plain_name (const char *name)
{
  GString *plain = g_string_new (NULL);

  for (const char *at = name; *at != '\0'; at++)
    if (*at != '_')
      g_string_append_c (plain, g_ascii_tolower (*at));
  return g_string_free (plain, FALSE);
}

const char *
chain_text (JsonObject *op, const char *member, GError **error)
{
  const char *text = json_member_text (op, member);

  if (text == NULL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "operator %s has no '%s'", json_member_text (op, "op"),
                 member);
  return text;
}

gpointer
chain_function (Chain *chain, JsonObject *op, const char *member, const char *names, GError **error)
{
  const char *phrase = chain_text (op, member, error);
  Function *function = phrase != NULL ? function_new (phrase, names, error) : NULL;

  if (function != NULL)
    weir_context_own (chain->ctx, function, function_free);
  return function;
}

WeirTime
chain_duration (const Chain *chain, JsonObject *op, const char *member)
{
  return json_member_int (op, member, 0) * chain->one->interval;
}

/* States that a case expects are those of its own operators, where they have any. */
WeirStream *
chain_right (Chain *chain, JsonObject *op, GError **error)
{
  WeirStream *stateful = chain->stateful;
  WeirStream *right = chain_apply (chain, chain->input[1] != NULL ? chain->input[1] : chain->input[0],
                                   json_member (op, "right_ops"), 0, error);

  if (stateful != NULL)
    chain->stateful = stateful;
  return right;
}

static WeirStream *
step_map (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  Function *f = chain_function (chain, op, "fn", "x", error);
  WeirValue value;

  if (f == NULL)
    return NULL;
  if (chain->variant.ready_made && function_ready_value (json_member_text (op, "fn"), &value))
    return weir_with_value (s, value);
  return weir_map (s, function_map, f);
}

static WeirStream *
step_flat_map (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  Function *f = chain_function (chain, op, "fn", "x", error);
  char separator;

  if (f == NULL)
    return NULL;
  if (chain->variant.ready_made && function_ready_split (json_member_text (op, "fn"), &separator))
    return weir_split (s, separator);
  return weir_flat_map (s, function_flat_map, f);
}

/* `value > 0` is of a pair's value, or of what is no pair; `key > 0` of a pair's key. */
static WeirStream *
step_filter (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  const char *phrase = chain_text (op, "fn", error);
  gboolean is_of_value = phrase != NULL && g_str_has_prefix (phrase, "value ");
  gboolean is_of_key = phrase != NULL && g_str_has_prefix (phrase, "key ");
  const char *names = is_of_value || is_of_key ? "(key, value)" : "x";
  Function *f = phrase != NULL ? chain_function (chain, op, "fn", names, error) : NULL;

  if (f == NULL)
    return NULL;
  return weir_filter (s, is_of_value ? function_filter_value : is_of_key ? function_filter_key : function_filter, f);
}

static WeirStream *
step_map_partitions (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  Function *f = chain_function (chain, op, "fn", "values", error);

  return f != NULL ? weir_map_partitions (s, function_partition, f) : NULL;
}

static WeirStream *
step_repartition (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  return weir_repartition (s, (guint) json_member_int (op, "n", 0));
}

static WeirStream *
step_count (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  return weir_count (s);
}

static WeirStream *
step_reduce (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  Function *f = chain_function (chain, op, "fn", "(a, b)", error);
  WeirReduceFunc ready = f != NULL ? function_ready_reduce (json_member_text (op, "fn")) : NULL;

  if (f == NULL)
    return NULL;
  return chain->variant.ready_made && ready != NULL ? weir_reduce (s, ready, NULL)
                                                    : weir_reduce (s, function_reduce, f);
}

static WeirStream *
step_count_by_value (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  return weir_count_by_value (s);
}

static WeirStream *
step_glom (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  return weir_glom (s);
}

static WeirStream *
step_top (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  return weir_top (s, (gsize) json_member_int (op, "n", 10), NULL, NULL);
}

static WeirStream *
step_union (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  WeirStream *right = chain_right (chain, op, error);

  return right != NULL ? weir_union (s, right) : NULL;
}

/* Saved where the run looks for it; the stream goes on. */
static WeirStream *
step_save_per_batch (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  g_autofree char *prefix = g_strdup_printf ("%s/saved-%u", chain->folder, chain->n_saved++);

  weir_save_as_text_files (s, prefix, "txt");
  return s;
}

static WeirStream *
step_print (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  weir_print (s, (guint) json_member_int (op, "num", 10));
  return s;
}

static ChainStep
find_step (const char *name)
{
  static const struct {
    const char *name;
    ChainStep step;
  } steps[] = {
    { "map", step_map },       { "flatmap", step_flat_map },
    { "filter", step_filter }, { "mappartitions", step_map_partitions },
    { "glom", step_glom },     { "repartition", step_repartition },
    { "union", step_union },   { "count", step_count },
    { "reduce", step_reduce }, { "countbyvalue", step_count_by_value },
    { "top", step_top },       { "saveperbatch", step_save_per_batch },
    { "print", step_print },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (steps); i++)
    if (g_str_equal (steps[i].name, name))
      return steps[i].step;
  return NULL;
}

/* What nobody reads would be skipped in silence. */
static gboolean
check_members (JsonObject *op, GError **error)
{
  static const char *const known[] = { "op",     "fn",    "inverse", "maps",       "right_ops", "n",
                                       "window", "slide", "timeout", "checkpoint", "initial",   "filter",
                                       "via",    "num",   "note",    NULL };
  g_autoptr (GList) names = json_object_get_members (op);

  for (GList *at = names; at != NULL; at = at->next)
    if (!g_strv_contains (known, at->data)) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "operator %s has an unknown '%s'",
                   json_member_text (op, "op"), (char *) at->data);
      return FALSE;
    }
  return TRUE;
}

static WeirStream *
apply_one (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  static ChainStep (*const families[]) (const char *name) = {
    find_step, chain_find_keyed, chain_find_window, chain_find_transform, chain_find_state,
  };
  const char *name = chain_text (op, "op", error);
  g_autofree char *plain = name != NULL ? chain_plain_name (name) : NULL;
  ChainStep step = NULL;

  for (gsize i = 0; plain != NULL && step == NULL && i < G_N_ELEMENTS (families); i++)
    step = families[i](plain);
  if (step != NULL)
    return check_members (op, error) ? step (chain, s, op, error) : NULL;
  if (plain != NULL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "unknown operator '%s'", name);
  return NULL;
}

WeirStream *
chain_apply (Chain *chain, WeirStream *s, JsonNode *ops, guint first, GError **error)
{
  for (guint i = first; i < json_length (ops) && s != NULL; i++)
    s = apply_one (chain, s, json_array_get_object_element (json_node_get_array (ops), i), error);
  return s;
}

WeirStream *
chain_build (Chain *chain, guint first, GError **error)
{
  return chain_apply (chain, chain->input[0], json_member (chain->one->json, "ops"), first, error);
}
