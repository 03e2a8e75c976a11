/* Owns the steps whose functions work on datasets: `rdd.map(to_string)`, `join`, and unions of a stream with what it is
 * mapped to. One thread builds them; the runner of a context calls their functions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <gio/gio.h>
#include <weir/dataset.h>

#include "tests/conformance/chain.h"
#include "tests/conformance/function.h"

typedef WeirDataset *(*Verb) (WeirDataset *data, Function *f);

static WeirDataset *
verb_map (WeirDataset *data, Function *f)
{
  return weir_dataset_map (data, function_map, f);
}

static WeirDataset *
verb_flat_map (WeirDataset *data, Function *f)
{
  return weir_dataset_flat_map (data, function_flat_map, f);
}

static WeirDataset *
verb_filter (WeirDataset *data, Function *f)
{
  return weir_dataset_filter (data, function_filter, f);
}

static WeirDataset *
verb_map_values (WeirDataset *data, Function *f)
{
  return weir_dataset_map_values (data, function_map, f);
}

static WeirDataset *
verb_flat_map_values (WeirDataset *data, Function *f)
{
  return weir_dataset_flat_map_values (data, function_flat_map, f);
}

static WeirDataset *
verb_reduce_by_key (WeirDataset *data, Function *f)
{
  return weir_dataset_reduce_by_key (data, function_reduce, f);
}

static WeirDataset *
verb_group_by_key (WeirDataset *data, Function *f)
{
  return weir_dataset_group_by_key (data);
}

static WeirDataset *
verb_count_by_value (WeirDataset *data, Function *f)
{
  return weir_dataset_count_by_value (data);
}

static WeirDataset *
verb_distinct (WeirDataset *data, Function *f)
{
  return weir_dataset_distinct (data);
}

static WeirDataset *
verb_sort (WeirDataset *data, Function *f)
{
  return weir_dataset_sort_by (data, NULL, NULL);
}

/* @names: of what its function gets; NULL: it has none. */
static const struct {
  const char *name, *names;
  Verb verb;
} verbs[] = {
  { "map", "x", verb_map },
  { "flatmap", "x", verb_flat_map },
  { "filter", "x", verb_filter },
  { "mapvalues", "v", verb_map_values },
  { "flatmapvalues", "v", verb_flat_map_values },
  { "reducebykey", "(a, b)", verb_reduce_by_key },
  { "groupbykey", NULL, verb_group_by_key },
  { "countbyvalue", NULL, verb_count_by_value },
  { "distinct", NULL, verb_distinct },
  { "sort", NULL, verb_sort },
  { "sortby", NULL, verb_sort },
};

typedef struct {
  Verb verb; /* NULL: gives no dataset at all */
  Function *f;
} Transform;

static void
transform_free (gpointer data)
{
  Transform *transform = data;

  if (transform->f != NULL)
    function_free (transform->f);
  g_free (transform);
}

/* A verb with its function: "map(to_string)". */
static Transform *
find_verb (const char *name, const char *phrase, GError **error)
{
  g_autofree char *plain = chain_plain_name (name);

  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (g_str_equal (verbs[i].name, plain)) {
      Function *f = verbs[i].names != NULL ? function_new (phrase, verbs[i].names, error) : NULL;
      Transform *transform;

      if (f == NULL && verbs[i].names != NULL)
        return NULL;
      transform = g_new0 (Transform, 1);
      *transform = (Transform){ verbs[i].verb, f };
      return transform;
    }
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "unknown verb of datasets '%s'", name);
  return NULL;
}

static Transform *
parse_transform (const char *phrase, GError **error)
{
  g_autoptr (GRegex) regex = g_regex_new ("^(?:\\w+ [-=]> )?(?:rdd|data|dataset|d)\\.(\\w+) ?\\((.*)\\)$", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *name = NULL, *argument = NULL;

  if (g_str_equal (phrase, "returns null"))
    return g_new0 (Transform, 1);
  if (!g_regex_match (regex, phrase, 0, &match)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "unknown function of datasets '%s'", phrase);
    return NULL;
  }
  name = g_match_info_fetch (match, 1);
  argument = g_match_info_fetch (match, 2);
  return find_verb (name, argument, error);
}

static WeirDataset *
transform (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  const Transform *transform = user_data;

  return transform->verb != NULL ? transform->verb (data, transform->f) : NULL;
}

static WeirStream *
step_transform (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  const char *phrase = chain_text (op, "fn", error);
  Transform *parsed = phrase != NULL ? parse_transform (phrase, error) : NULL;

  if (parsed == NULL)
    return NULL;
  weir_context_own (chain->ctx, parsed, transform_free);
  return weir_transform (s, transform, parsed);
}

typedef WeirDataset *(*Pairing) (WeirDataset *a, WeirDataset *b);

/* Behind a pointer, since a pointer to a function is none to data. */
typedef struct {
  Pairing pairing;
} Partner;

static WeirDataset *
no_dataset (WeirDataset *a, WeirDataset *b)
{
  return NULL;
}

static WeirDataset *
transform_with (WeirDataset *a, WeirDataset *b, WeirTime time, gpointer user_data, GError **error)
{
  return ((const Partner *) user_data)->pairing (a, b);
}

/* The verb of `a.join(b)`, which may stand behind `(a, b) -> `; else all of it. */
static char *
pairing_name (const char *phrase)
{
  g_autoptr (GRegex) regex = g_regex_new ("^(?:\\(\\w+, ?\\w+\\) [-=]> )?\\w+\\.(\\w+) ?\\(\\w+\\)$", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *verb = g_regex_match (regex, phrase, 0, &match) ? g_match_info_fetch (match, 1) : g_strdup (phrase);

  return chain_plain_name (verb);
}

static Pairing
find_pairing (const char *name)
{
  static const struct {
    const char *name;
    Pairing pairing;
  } pairings[] = {
    { "join", weir_dataset_join },
    { "leftouterjoin", weir_dataset_left_outer_join },
    { "rightouterjoin", weir_dataset_right_outer_join },
    { "fullouterjoin", weir_dataset_full_outer_join },
    { "cogroup", weir_dataset_cogroup },
    { "union", weir_dataset_union },
    { "returns null", no_dataset },
  };
  g_autofree char *plain = pairing_name (name);

  for (gsize i = 0; i < G_N_ELEMENTS (pairings); i++)
    if (g_str_equal (pairings[i].name, plain))
      return pairings[i].pairing;
  return NULL;
}

static WeirStream *
step_transform_with (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  const char *name = chain_text (op, "fn", error);
  WeirStream *right = name != NULL ? chain_right (chain, op, error) : NULL;
  Partner *partner;

  if (right == NULL)
    return NULL;
  partner = g_new0 (Partner, 1);
  weir_context_own (chain->ctx, partner, g_free);
  partner->pairing = find_pairing (name);
  if (partner->pairing != NULL)
    return weir_transform_with (s, right, transform_with, partner);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "unknown function of two datasets '%s'", name);
  return NULL;
}

static WeirDataset *
unite (WeirDataset *const *data, gsize n, WeirTime time, gpointer user_data, GError **error)
{
  WeirDataset *all = data[0];

  for (gsize i = 1; i < n; i++)
    all = weir_dataset_union (all, data[i]);
  return all;
}

static gboolean
add_mapped (Chain *chain, WeirStream *s, const char *phrase, GPtrArray *streams, GError **error)
{
  Function *f = function_new (phrase, "x", error);

  if (f == NULL)
    return FALSE;
  weir_context_own (chain->ctx, f, function_free);
  g_ptr_array_add (streams, weir_map (s, function_map, f));
  return TRUE;
}

static WeirStream *
step_union_with_self_mapped (Chain *chain, WeirStream *s, JsonObject *op, GError **error)
{
  g_autoptr (GPtrArray) streams = g_ptr_array_new ();
  JsonNode *maps = json_member (op, "maps");
  const char *via = json_member_text (op, "via");

  if (via == NULL || !chain->variant.without_self)
    g_ptr_array_add (streams, s);
  for (guint i = 0; i < json_length (maps); i++)
    if (!add_mapped (chain, s, json_array_get_string_element (json_node_get_array (maps), i), streams, error))
      return NULL;
  if (via != NULL && g_str_equal (via, "context.transform"))
    return weir_transform_all ((WeirStream *const *) streams->pdata, streams->len, unite, NULL);
  if (via == NULL || g_str_has_suffix (via, "union"))
    return weir_union_all ((WeirStream *const *) streams->pdata, streams->len);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "unknown way to unite '%s'", via);
  return NULL;
}

ChainStep
chain_find_transform (const char *name)
{
  static const struct {
    const char *name;
    ChainStep step;
  } steps[] = {
    { "transform", step_transform },
    { "transformwith", step_transform_with },
    { "unionwithselfmapped", step_union_with_self_mapped },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (steps); i++)
    if (g_str_equal (steps[i].name, name))
      return steps[i].step;
  return NULL;
}
