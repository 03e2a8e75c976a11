/* Owns the run of cases that end and go on while files arrive: what all lives give together is compared as a set, and no
 * batch may be given twice.
 *
 * One thread. SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tests/conformance/files.h"
#include "tests/conformance/run.h"

typedef struct {
  Case *one;
  JsonObject *source;
  Files files;
  Session session;
  guint n_done;        /* batches */
  GHashTable *outputs; /* text of a batch -> how often */
} Lives;

static gint
by_text (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* The same for batches that are equal: elements that have no order are sorted. */
static char *
text_of_batch (const Case *one, JsonNode *batch)
{
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < json_length (batch); i++)
    g_ptr_array_add (items, json_text (json_array_get_element (json_node_get_array (batch), i)));
  if (!one->in_order)
    g_ptr_array_sort (items, by_text);
  g_ptr_array_add (items, NULL);
  return g_strjoinv (",", (char **) items->pdata);
}

static void
count_up (GHashTable *counts, char *text)
{
  gpointer times = g_hash_table_lookup (counts, text);

  g_hash_table_insert (counts, text, GUINT_TO_POINTER (GPOINTER_TO_UINT (times) + 1));
}

static void
note_outputs (Lives *lives)
{
  WeirCollected *output = lives->session.output;

  for (gsize i = 0; i < weir_collected_n_batches (output); i++) {
    gsize n;
    const WeirValue *values = weir_collected_values (output, i, &n);
    g_autofree char *text = json_text_of_values (values, n);
    g_autoptr (JsonNode) batch = json_from_string (text, NULL);

    if (n > 0)
      count_up (lives->outputs, text_of_batch (lives->one, batch));
  }
}

/* A life begins; TRUE: it may be advanced. */
static gboolean
begin (Lives *lives)
{
  g_autofree char *checkpoint = g_build_filename (lives->files.folder, "checkpoint", NULL);
  g_autoptr (GError) error = NULL;
  WeirStream *stream;

  if (!session_open (&lives->session, lives->one, lives->n_done, checkpoint))
    return FALSE;
  stream = files_stream (&lives->files, lives->session.ctx, lives->source);
  if (!session_build_from (&lives->session, lives->one, stream, (Variant){ .ready_made = FALSE }))
    return FALSE;
  if (weir_context_start (lives->session.ctx, &error))
    return TRUE;
  case_note_error (lives->one, error);
  return FALSE;
}

static void
end (Lives *lives)
{
  if (lives->session.output != NULL)
    note_outputs (lives);
  session_close (&lives->session);
  lives->session.output = NULL;
}

static gboolean
advance (Lives *lives)
{
  g_autoptr (GError) error = NULL;

  if (weir_test_advance (lives->session.ctx, 1, &error)) {
    lives->n_done++;
    return TRUE;
  }
  case_note_error (lives->one, error);
  return FALSE;
}

static void
put (Lives *lives, guint from, guint until)
{
  for (guint i = from; i < until; i++)
    files_put (&lives->files, case_batch (lives->one, 0, i), 0);
}

static gboolean
put_and_advance (Lives *lives, guint from, guint until)
{
  for (guint i = from; i < until; i++) {
    put (lives, i, i + 1);
    if (!advance (lives))
      return FALSE;
  }
  return TRUE;
}

/* One file has arrived when the first life ends, half of the others arrive before the second one begins. */
static guint
live_twice (Lives *lives)
{
  guint n = lives->one->n_batches, stop_after = (guint) json_member_int (lives->one->json, "stop_after", n / 2);
  guint back = MIN (stop_after + 1 + (n - stop_after) / 2, n);

  if (begin (lives) && put_and_advance (lives, 0, stop_after))
    put (lives, stop_after, stop_after + 1);
  end (lives);
  put (lives, stop_after + 1, back);
  if (lives->one->outcome < CASE_FAIL && begin (lives) && advance (lives))
    put_and_advance (lives, back, n);
  end (lives);
  return back - stop_after - 1;
}

/* Each file arrives in a life that may end before and after its batch. */
static void
live_often (Lives *lives)
{
  GRand *random = g_rand_new_with_seed (lives->one->n_batches);
  gboolean ok = begin (lives);

  for (guint i = 0; i < lives->one->n_batches && ok; i++) {
    put (lives, i, i + 1);
    if (g_rand_boolean (random)) {
      end (lives);
      ok = begin (lives);
    }
    ok = ok && advance (lives);
    if (ok && g_rand_boolean (random)) {
      end (lives);
      ok = begin (lives);
    }
  }
  end (lives);
  g_rand_free (random);
}

/* Text of a batch -> how often it is expected; empty batches do not count. */
static GHashTable *
expected_batches (const Case *one)
{
  GHashTable *counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  JsonNode *expected = case_expected (one);

  for (guint i = 0; i < json_length (expected); i++) {
    JsonNode *batch = json_array_get_element (json_node_get_array (expected), i);

    if (json_length (batch) > 0)
      count_up (counts, text_of_batch (one, batch));
  }
  return counts;
}

static void
compare_given (Lives *lives, GHashTable *expected)
{
  GHashTableIter iter;
  gpointer text, times;

  g_hash_table_iter_init (&iter, lives->outputs);
  while (g_hash_table_iter_next (&iter, &text, &times)) {
    guint n = GPOINTER_TO_UINT (times), most = GPOINTER_TO_UINT (g_hash_table_lookup (expected, text));

    if (n > most)
      case_note (lives->one, CASE_FAIL, "[%s] is given %u times, not %u", (char *) text, n, most);
  }
}

/* Files that arrive while nothing runs are in one batch then, whose result is that of the last of them: @n_shared others
 * do not show. */
static void
compare (Lives *lives, guint n_shared)
{
  g_autoptr (GHashTable) expected = expected_batches (lives->one);
  g_autoptr (GString) missing = g_string_new (NULL);
  GHashTableIter iter;
  gpointer text, times;
  guint n_missing = 0;

  compare_given (lives, expected);
  g_hash_table_iter_init (&iter, expected);
  while (g_hash_table_iter_next (&iter, &text, &times))
    if (!g_hash_table_contains (lives->outputs, text)) {
      g_string_append_printf (missing, " [%s]", (char *) text);
      n_missing++;
    }
  if (n_missing > n_shared)
    case_note (lives->one, CASE_FAIL, "missing:%s", missing->str);
  else if (n_missing > 0)
    case_note (lives->one, CASE_PASS, "files that came while nothing ran share a batch, hence without%s", missing->str);
}

static void
run_lives (Lives *lives)
{
  guint n_shared = 0;

  if (json_member_bool (lives->one->json, "random_kill", FALSE))
    live_often (lives);
  else
    n_shared = live_twice (lives);
  if (lives->one->outcome < CASE_FAIL)
    compare (lives, n_shared);
}

void
run_recovery_set (Case *one)
{
  JsonArray *ops = json_node_get_array (json_member (one->json, "ops"));
  Lives lives = { .one = one, .source = json_array_get_object_element (ops, 0) };
  const char *name = json_member_text (lives.source, "op");
  g_autofree char *plain = chain_plain_name (name != NULL ? name : "");

  if (g_str_equal (plain, "kafkadirect")) {
    run_kafka (one, lives.source);
    return;
  }
  if (!g_str_equal (plain, "textfilestream") && !g_str_equal (plain, "filestream")) {
    case_note (one, CASE_UNSUPPORTED, "unknown source '%s'", plain);
    return;
  }
  files_init (&lives.files);
  lives.outputs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  run_lives (&lives);
  g_hash_table_unref (lives.outputs);
  files_clear (&lives.files);
}
