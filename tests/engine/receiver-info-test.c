/* What listeners are told of receivers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <weir/error.h>

#include "engine/listener.h"

static WeirReceiverInfo *
make (void)
{
  WeirReceiverInfo *info = g_new0 (WeirReceiverInfo, 1);

  info->name = g_strdup ("http");
  info->stream = g_strdup ("receiver_stream-0");
  info->n_restarts = 3;
  info->error = g_error_new_literal (WEIR_ERROR, WEIR_ERROR_SOURCE, "it broke off");
  info->error_time = WEIR_SECONDS (7);
  return info;
}

static void
test_a_copy_says_the_same_when_the_original_is_gone (void)
{
  WeirReceiverInfo *info = make (), *copy = weir_receiver_info_copy (info);

  weir_receiver_info_free (info);
  g_assert_cmpstr (weir_receiver_info_name (copy), ==, "http");
  g_assert_cmpstr (weir_receiver_info_stream (copy), ==, "receiver_stream-0");
  g_assert_false (weir_receiver_info_is_active (copy));
  g_assert_cmpuint (weir_receiver_info_n_restarts (copy), ==, 3);
  g_assert_error (weir_receiver_info_error (copy), WEIR_ERROR, WEIR_ERROR_SOURCE);
  g_assert_cmpint (weir_receiver_info_error_time (copy), ==, WEIR_SECONDS (7));
  weir_receiver_info_free (copy);
}

static void
test_without_an_error_there_is_none (void)
{
  WeirReceiverInfo info = { .name = g_strdup ("http"), .is_active = TRUE };
  WeirReceiverInfo *copy = weir_receiver_info_copy (&info);

  g_assert_null (weir_receiver_info_error (copy));
  g_assert_cmpint (weir_receiver_info_error_time (copy), ==, 0);
  g_assert_true (weir_receiver_info_is_active (copy));
  weir_receiver_info_free (copy);
  weir_receiver_info_clear (&info);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/receiver-info/a_copy_says_the_same_when_the_original_is_gone",
                   test_a_copy_says_the_same_when_the_original_is_gone);
  g_test_add_func ("/receiver-info/without_an_error_there_is_none", test_without_an_error_there_is_none);
  return g_test_run ();
}
