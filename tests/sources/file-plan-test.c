/* Tests of sources/file-plan: pieces cover each file once, and are no more than a batch can bear.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/file-plan.h"

static const WeirFraming lines = { .kind = WEIR_FRAMING_LINES, .delimiter = '\n' };
static const WeirFraming tens = { .kind = WEIR_FRAMING_FIXED, .size = 10 };
static const WeirFraming lengths = { .kind = WEIR_FRAMING_LENGTH32 };

/* "from-until" of each piece. */
static void
expect (guint64 size, const WeirFraming *framing, guint64 most, const char *expected)
{
  const WeirFilePiece file = { .path = "file", .size = size };
  WeirFilePlan *plan = weir_file_plan_new ();
  g_autoptr (GString) text = g_string_new (NULL);

  weir_file_plan_add (plan, &file, framing, most);
  for (guint i = 0; i < plan->pieces->len; i++) {
    const WeirFilePiece *piece = &g_array_index (plan->pieces, WeirFilePiece, i);

    g_assert_cmpstr (piece->path, ==, "file");
    g_assert_cmpuint (piece->size, ==, size);
    g_string_append_printf (text, "%s%d-%d", i > 0 ? " " : "", (int) piece->from, (int) piece->until);
  }
  g_assert_cmpstr (text->str, ==, expected);
  g_assert_cmpuint (plan->n_bytes, ==, size);
  weir_file_plan_free (plan);
}

static void
a_file_is_one_piece_until_it_is_much_larger_than_one (void)
{
  expect (0, &lines, 100, "0-0");
  expect (1, &lines, 100, "0-1");
  expect (149, &lines, 100, "0-149");
  expect (150, &lines, 100, "0-100 100-150");
  expect (349, &lines, 100, "0-100 100-200 200-349");
}

static void
records_are_never_cut (void)
{
  expect (350, &tens, 105, "0-100 100-200 200-300 300-350");
  expect (35, &tens, 3, "0-10 10-20 20-30 30-35");
  expect (1000, &lengths, 100, "0-1000");
  expect (1000, NULL, 100, "0-1000");
}

static void
a_file_of_an_absurd_size_is_no_absurd_number_of_pieces (void)
{
  const WeirFilePiece file = { .path = "file", .size = G_MAXINT64 };
  WeirFilePlan *plan = weir_file_plan_new ();

  weir_file_plan_add (plan, &file, &lines, WEIR_FILE_PIECE);
  g_assert_cmpuint (plan->pieces->len, <=, 1024);
  g_assert_cmpuint (plan->pieces->len, >=, 1000);
  weir_file_plan_free (plan);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/file-plan/" #name, name)
  ADD (a_file_is_one_piece_until_it_is_much_larger_than_one);
  ADD (records_are_never_cut);
  ADD (a_file_of_an_absurd_size_is_no_absurd_number_of_pieces);
  return g_test_run ();
}
