/* Sections: what a slice wrote is read again in order; what does not fit is told from the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/saver.h"

#include <string.h>

static void
put (WeirSaver *saver, guint64 from, guint64 until, guint32 kind, const char *text)
{
  weir_saver_begin (saver, from, until, kind, -7);
  g_byte_array_append (saver->out, (const guint8 *) text, (guint) strlen (text));
  weir_saver_end (saver);
}

static void
test_sections_come_back_in_order (void)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  WeirSaver saver = { .out = out };
  WeirSection section;
  WeirTaker taker;

  put (&saver, 0, 100, 1, "base");
  put (&saver, 100, G_GUINT64_CONSTANT (1) << 32, 2, "");
  weir_taker_init (&taker, out->data, out->len);
  g_assert_true (weir_section_next (&taker, 12, &section));
  g_assert_cmpuint (section.epoch, ==, 12);
  g_assert_cmpuint (section.from, ==, 0);
  g_assert_cmpuint (section.until, ==, 100);
  g_assert_cmpuint (section.kind, ==, 1);
  g_assert_cmpint (section.number, ==, -7);
  g_assert_cmpmem (section.data, section.size, "base", 4);
  g_assert_true (weir_section_next (&taker, 12, &section));
  g_assert_cmpuint (section.until, ==, G_GUINT64_CONSTANT (1) << 32);
  g_assert_cmpuint (section.size, ==, 0);
  g_assert_false (weir_section_next (&taker, 12, &section));
  g_assert_false (taker.has_failed);
}

static void
test_each_cut_is_told_from_the_end (void)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  WeirSaver saver = { .out = out };
  WeirSection section;

  put (&saver, 0, 100, 1, "base");
  for (guint n = 0; n < out->len; n++) {
    g_autofree guint8 *cut = g_memdup2 (out->data, n);
    WeirTaker taker;

    weir_taker_init (&taker, cut, n);
    g_assert_false (weir_section_next (&taker, 1, &section));
    g_assert_cmpint (taker.has_failed, ==, n > 0);
  }
}

static void
test_a_size_beyond_all_memory_is_refused (void)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  WeirSaver saver = { .out = out };
  WeirSection section;
  WeirTaker taker;

  put (&saver, 0, 100, 1, "base");
  memset (out->data + saver.start, 0xff, sizeof (guint64));
  weir_taker_init (&taker, out->data, out->len);
  g_assert_false (weir_section_next (&taker, 1, &section));
  g_assert_true (taker.has_failed);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/saver/sections-come-back-in-order", test_sections_come_back_in_order);
  g_test_add_func ("/saver/each-cut-is-told-from-the-end", test_each_cut_is_told_from_the_end);
  g_test_add_func ("/saver/a-size-beyond-all-memory-is-refused", test_a_size_beyond_all_memory_is_refused);
  return g_test_run ();
}
