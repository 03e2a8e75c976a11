/* Which store a URI means.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/store.h"

#include <string.h>

#include <weir/error.h>

static void
expect_class (const char *uri, const char *scheme)
{
  g_autoptr (GError) error = NULL;
  const WeirStoreKlass *klass = weir_store_find_class (uri, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (klass->scheme, ==, scheme);
}

static void
test_scheme_chooses_the_store (void)
{
  expect_class ("file:///dir", "file");
  expect_class ("FILE:/dir", "file");
  expect_class ("redis://host/0", "redis");
}

static void
expect_none (const char *uri, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (weir_store_find_class (uri, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_OPTION);
  g_assert_nonnull (strstr (error->message, part));
  g_assert_nonnull (strstr (error->message, "file:///dir"));
  g_assert_nonnull (strstr (error->message, "redis://host:port/db?prefix=name"));
  g_assert_null (strstr (error->message, "secret"));
}

static void
test_other_schemes_are_refused_without_passwords (void)
{
  expect_none ("redsi://me:secret@host/0", "'redsi'");
  expect_none ("/dir", "'/dir' is a path and no URI: write file:///dir");
  expect_none ("files:///dir", "'files'");
  expect_none ("", "''");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stores/scheme-chooses-the-store", test_scheme_chooses_the_store);
  g_test_add_func ("/stores/other-schemes-are-refused-without-passwords",
                   test_other_schemes_are_refused_without_passwords);
  return g_test_run ();
}
