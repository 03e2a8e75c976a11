/* wire-fuzz.c: any bytes are refused, or are a value that is written as the same bytes again.
 *
 * Owns a task with memory for one input. Must not know who stores values. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <string.h>

#include "engine/value-copy.h"
#include "engine/wire.h"

#include "tests/engine/task-fixture.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check_value (WeirTask *task, WeirValue v, const uint8_t *data, size_t size)
{
  g_autoptr (GByteArray) again = g_byte_array_new ();
  g_autofree char *text = weir_to_string (v);
  WeirValue copy = weir_copy (task, v);

  g_assert_nonnull (text);
  weir_encode (copy, again);
  g_assert_cmpmem (again->data, again->len, data, size);
  g_assert_true (weir_equal (v, copy));
  g_assert_cmpint (weir_compare (v, copy), ==, 0);
  g_assert_cmpuint (weir_hash (v), ==, weir_hash (copy));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  TaskFixture fixture;
  WeirTask *task = task_fixture_init (&fixture);
  gsize n_consumed = 0;
  WeirValue v;

  if (weir_decode (task, data, size, &v, &error))
    check_value (task, v, data, size);
  else
    g_assert_nonnull (error);
  if (weir_decode_prefix (task, data, size, &n_consumed, &v, NULL))
    check_value (task, v, data, n_consumed);
  task_fixture_clear (&fixture);
  return 0;
}
