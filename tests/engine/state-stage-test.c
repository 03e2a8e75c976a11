/* State into frames and back, by an operator that keeps one number a slice. SPDX-License-Identifier: Apache-2.0
 */
#include "engine/state-stage.h"

#include <weir/error.h>

#include "engine/workers.h"

#define N_SLICES 5

typedef struct {
  WeirMemory *memory;
  WeirWorkers *workers;
  WeirRun run;
  WeirOp op;
  gint64 numbers[N_SLICES];
  gpointer slices[N_SLICES];
} Fixture;

static void
save_number (WeirTask *task, gpointer slice, guint index, WeirSaver *saver)
{
  gint64 number = *(gint64 *) slice;

  if (number < 0) {
    weir_task_fail (task, WEIR_ERROR_USER, "below 0");
    return;
  }
  if (number == 0)
    return;
  saver->oldest_needed = (guint64) number;
  weir_saver_begin (saver, index, index + 1, 7, number);
  weir_put_u64 (saver->out, (guint64) number);
  weir_saver_end (saver);
}

/* Adds up, so that a section that is given twice or left out is seen. */
static void
load_number (WeirTask *task, gpointer slice, guint index, const WeirSection *section)
{
  WeirTaker taker;

  g_assert_cmpuint (section->kind, ==, 7);
  if (section->from != index)
    return;
  weir_taker_init (&taker, section->data, section->size);
  *(gint64 *) slice = *(gint64 *) slice * 100 + (gint64) weir_take_u64 (&taker);
}

static const WeirOpClass number_class = {
  .verb = "number", .kind = WEIR_OP_WIDE, .save = save_number, .load = load_number
};

static void
set_up (Fixture *f, gconstpointer data)
{
  f->memory = weir_memory_new (1 << 26);
  f->workers = weir_workers_new (2);
  weir_run_init (&f->run, f->memory, f->workers);
  f->op = (WeirOp){ .klass = &number_class, .name = "number-1", .n_slices = N_SLICES, .slices = f->slices };
  for (guint i = 0; i < N_SLICES; i++)
    f->slices[i] = &f->numbers[i];
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_run_clear (&f->run);
  weir_workers_free (f->workers);
  weir_memory_free (f->memory);
}

static void
add_payloads (const GPtrArray *frames, guint64 epoch, GArray *payloads)
{
  for (guint i = 0; i < frames->len; i++) {
    const GByteArray *frame = g_ptr_array_index (frames, i);
    WeirSavedBlob blob = { epoch, NULL };
    const guint8 *payload;
    gsize size;

    g_assert_true (weir_frame_open (frame->data, frame->len, WEIR_FRAME_STATE, &payload, &size, NULL));
    blob.bytes = g_bytes_new (payload, size);
    g_array_append_val (payloads, blob);
  }
}

static guint
save (Fixture *f, guint64 epoch, GArray *payloads, guint64 *oldest)
{
  g_autoptr (GPtrArray) frames = g_ptr_array_new_with_free_func ((GDestroyNotify) g_byte_array_unref);

  *oldest = epoch;
  g_assert_true (weir_state_save (&f->run, &f->op, epoch, FALSE, frames, oldest));
  add_payloads (frames, epoch, payloads);
  return frames->len;
}

static void
test_what_is_saved_is_loaded_in_order (Fixture *f, gconstpointer data)
{
  g_autoptr (GArray) payloads = g_array_new (FALSE, FALSE, sizeof (WeirSavedBlob));
  guint64 oldest;

  g_array_set_clear_func (payloads, weir_saved_blob_clear);
  for (guint i = 0; i < N_SLICES; i++)
    f->numbers[i] = 10 + i;
  g_assert_cmpuint (save (f, 20, payloads, &oldest), ==, N_SLICES);
  g_assert_cmpuint (oldest, ==, 10);
  for (guint i = 0; i < N_SLICES; i++)
    f->numbers[i] = i == 2 ? 77 : 0;
  g_assert_cmpuint (save (f, 21, payloads, &oldest), ==, 1); /* slices with nothing to say write nothing */
  f->numbers[2] = 0;
  g_assert_true (weir_state_load (&f->run, &f->op, payloads));
  for (guint i = 0; i < N_SLICES; i++)
    g_assert_cmpint (f->numbers[i], ==, i == 2 ? 1277 : 10 + i);
}

static void
test_a_slice_that_fails_fails_the_save (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = g_ptr_array_new_with_free_func ((GDestroyNotify) g_byte_array_unref);
  guint64 oldest = 3;

  f->numbers[3] = -1;
  g_assert_false (weir_state_save (&f->run, &f->op, 3, FALSE, frames, &oldest));
  g_assert_error (f->run.error, WEIR_ERROR, WEIR_ERROR_USER);
}

static void
test_sections_that_do_not_fit_are_found (Fixture *f, gconstpointer data)
{
  g_autoptr (GArray) payloads = g_array_new (FALSE, FALSE, sizeof (WeirSavedBlob));
  WeirSavedBlob blob = { 1, g_bytes_new_static ("too short for a section", 23) };

  g_array_set_clear_func (payloads, weir_saved_blob_clear);
  g_array_append_val (payloads, blob);
  g_assert_false (weir_state_load (&f->run, &f->op, payloads));
  g_assert_error (f->run.error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, f) g_test_add ("/state-stage/" name, Fixture, NULL, set_up, f, tear_down)
  ADD ("what-is-saved-is-loaded-in-order", test_what_is_saved_is_loaded_in_order);
  ADD ("a-slice-that-fails-fails-the-save", test_a_slice_that_fails_fails_the_save);
  ADD ("sections-that-do-not-fit-are-found", test_sections_that_do_not_fit_are_found);
  return g_test_run ();
}
