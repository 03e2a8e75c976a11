/* Tests of operators/state-handle: what Spark's own tests say of the state of one key, of its times and of what becomes of
 * several keys in a batch; misuse.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "operators/keyed.h"
#include "tests/operators/job.h"

/* A word a record: noop, get (emits the state or -1), update (one more, or 0), remove. */
static void
obey (WeirTask *task, WeirValue key, WeirValue value, WeirState *state, gpointer user_data)
{
  WeirValue now = weir_state_get (state);

  if (weir_state_is_timing_out (state))
    weir_emit (task, weir_pair (task, weir_text ("timed-out"), now));
  else if (weir_equal (value, weir_text ("get")))
    weir_emit (task, weir_state_exists (state) ? now : weir_int (-1));
  else if (weir_equal (value, weir_text ("update")))
    weir_state_update (state, weir_int (weir_state_exists (state) ? weir_as_int (now) + 1 : 0));
  else if (weir_equal (value, weir_text ("remove")))
    weir_state_remove (state);
}

static gint
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* "key:state@seconds" of all keys, sorted. */
static char *
describe_states (const WeirOp *op)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < op->n_slices; i++) {
    const WeirKeyedState *state = ((const WeirKeyedSlice *) op->slices[i])->state;

    for (guint k = 0; k < state->n_groups; k++)
      for (guint32 e = 0; e < state->groups[k].n; e++) {
        g_autofree char *key = weir_to_string (weir_key_value (&weir_entry_at (&state->groups[k], e)->key));

        g_ptr_array_add (
            texts, g_strdup_printf ("%s:%d@%d", key, (int) weir_as_int (weir_entry_at (&state->groups[k], e)->value),
                                    (int) (weir_entry_at (&state->groups[k], e)->age.time / WEIR_SECONDS (1))));
      }
  }
  g_ptr_array_sort (texts, compare_texts);
  g_ptr_array_add (texts, NULL);
  return g_strjoinv (" ", (char **) texts->pdata);
}

typedef struct {
  const char *initial; /* at 1 s */
  const char *data;    /* at 2 s */
  WeirTime timeout;
  const char *emitted;
  const char *states;
} Case;

static void
run_case (const Case *one)
{
  g_autofree char *states = NULL;
  WeirStream *stream;
  WeirCollected *collected;
  Job job;

  job_init (&job, 2);
  stream = weir_map_with_state (job.input, (&(WeirStateSpec){ .function = obey, .timeout = one->timeout }));
  collected = weir_collect (stream);
  job_push (&job, one->initial);
  job_push (&job, one->data);
  job_run (&job);
  job_expect_sorted (collected, 1, one->emitted);
  states = describe_states (&stream->op);
  g_assert_cmpstr (states, ==, one->states);
  job_clear (&job);
}

static void
records_do_to_a_state_what_they_say (void)
{
  static const Case cases[] = {
    { "", "", 0, "", "" },
    { "k=update", "", 0, "", "k:0@1" },
    { "", "k=noop", 0, "", "" },
    { "", "k=get", 0, "-1", "" },
    { "", "k=update", 0, "", "k:0@2" },
    { "k=update", "k=update", 0, "", "k:1@2" },
    { "k=update", "k=update k=get k=remove k=get k=update", 0, "-1 1", "k:0@2" },
    { "k=update", "", WEIR_MILLISECONDS (1000), "", "k:0@1" },
    { "k=update", "", WEIR_MILLISECONDS (999), "(timed-out,0)", "" },
    { "k=update", "k=remove", WEIR_MILLISECONDS (999), "", "" },
    { "k=update", "k=noop", WEIR_MILLISECONDS (999), "", "k:0@2" },
    { "", "k=noop", WEIR_MILLISECONDS (999), "", "" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    run_case (&cases[i]);
}

static void
keys_without_data_are_left_alone (void)
{
  static const Case cases[] = {
    { "k1=update k2=update", "", 0, "", "k1:0@1 k2:0@1" },
    { "k1=update k2=update", "k1=noop", 0, "", "k1:0@1 k2:0@1" },
    { "k1=update k2=update", "k3=update", 0, "", "k1:0@1 k2:0@1 k3:0@2" },
    { "k1=update k2=update", "k1=update", 0, "", "k1:1@2 k2:0@1" },
    { "k1=update k2=update", "k1=remove", 0, "", "k2:0@1" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    run_case (&cases[i]);
}

/* Misuses the state as the record says. */
static void
misuse (WeirTask *task, WeirValue key, WeirValue value, WeirState *state, gpointer user_data)
{
  if (weir_as_int (value) == 3 || weir_state_is_timing_out (state))
    weir_state_update (state, weir_int (1));
  else
    weir_state_remove (state);
  if (weir_as_int (value) == 1)
    weir_state_update (state, weir_int (1));
  else if (weir_as_int (value) == 2)
    weir_state_remove (state);
  else if (!weir_state_is_timing_out (state))
    g_assert_nonnull (weir_state_edit (state, 8));
}

/* Edits as many bytes as the record says. */
static void
edit (WeirTask *task, WeirValue key, WeirValue value, WeirState *state, gpointer user_data)
{
  weir_state_edit (state, (gsize) weir_as_int (value));
}

static void
expect_failure (WeirStateFunc function, const char *data, gint code, const char *message)
{
  Job job;

  job_init (&job, 3);
  weir_collect (
      weir_stream_set_name (weir_map_with_state (job.input, (&(WeirStateSpec){ .function = function })), "keeper"));
  job_push (&job, data);
  job_run_into (&job, code, message);
  job_clear (&job);
}

static void
expect_misuse (const char *data, gint code, const char *message)
{
  expect_failure (misuse, data, code, message);
}

static void
misuse_fails_the_batch_and_names_the_operator (void)
{
  expect_misuse ("a=1", WEIR_ERROR_USER, "keeper: its function called weir_state_update () after weir_state_remove ()");
  expect_misuse ("a=2", WEIR_ERROR_USER, "keeper: its function called weir_state_remove () after weir_state_remove ()");
  expect_misuse ("a=3", WEIR_ERROR_KIND,
                 "keeper: its function edits a state of 8 bytes, and the key's state is INT 1:");
  expect_misuse ("a=4", WEIR_ERROR_USER, "keeper: its function called weir_state_edit () after weir_state_remove ()");
}

static void
a_struct_of_no_size_fails_the_batch (void)
{
  expect_failure (edit, "a=0", WEIR_ERROR_USER, "keeper: its function called weir_state_edit () for 0 bytes");
  expect_failure (edit, "a=4294967296", WEIR_ERROR_USER,
                  "keeper: its function called weir_state_edit () for 4294967296 bytes");
}

static void
update_anyway (WeirTask *task, WeirValue key, WeirValue value, WeirState *state, gpointer user_data)
{
  weir_state_update (state, value);
}

static void
update_while_timing_out_fails_the_batch (Job *job)
{
  weir_collect (
      weir_map_with_state (job->input, (&(WeirStateSpec){ .function = update_anyway, .timeout = WEIR_SECONDS (1) })));
  job_push (job, "a=1");
  job_push (job, "");
  job_push (job, "");
  job_run_into (job, WEIR_ERROR_USER, "on a state that is timing out");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/state-handle/records", records_do_to_a_state_what_they_say);
  g_test_add_func ("/state-handle/batches", keys_without_data_are_left_alone);
  g_test_add_func ("/state-handle/misuse", misuse_fails_the_batch_and_names_the_operator);
  g_test_add_func ("/state-handle/struct-of-no-size", a_struct_of_no_size_fails_the_batch);
  job_add_test ("/state-handle/misuse-timing-out", update_while_timing_out_fails_the_batch);
  return g_test_run ();
}
