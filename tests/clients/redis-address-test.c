/* Addresses of Redis servers: each part is taken; what is no address is refused, and no password is ever printed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "clients/redis-address.h"

#include <string.h>

#include <glib/gstdio.h>

#include <weir/error.h>

static void
expect (const char *uri, const char *expected)
{
  g_autofree char *found = NULL;
  g_autoptr (GError) error = NULL;
  WeirRedisAddress address;

  weir_redis_address_parse (&address, uri, NULL, &error);
  g_assert_no_error (error);
  found = g_strdup_printf ("%s|%u|%u|%s|%s|%s|%s", address.host, address.port, address.db,
                           address.prefix != NULL ? address.prefix : "-", address.user != NULL ? address.user : "-",
                           address.password != NULL ? address.password : "-", address.name);
  g_assert_cmpstr (found, ==, expected);
  weir_redis_address_clear (&address);
}

static void
test_parts_are_taken (void)
{
  expect ("redis://host", "host|6379|0|-|-|-|redis://host:6379/0");
  expect ("redis://host:7/", "host|7|0|-|-|-|redis://host:7/0");
  expect ("redis://10.0.0.1:7/3?prefix=my%20job", "10.0.0.1|7|3|my job|-|-|redis://10.0.0.1:7/3");
  expect ("redis://:se%40cret@host:7/3", "host|7|3|-|-|se@cret|redis://host:7/3");
  expect ("redis://me:secret@host:7/3", "host|7|3|-|me|secret|redis://host:7/3");
  expect ("REDIS://[::1]:7/3", "::1|7|3|-|-|-|redis://[::1]:7/3");
}

static void
refuse (const char *uri, const char *part)
{
  g_autoptr (GError) error = NULL;
  WeirRedisAddress address;

  g_assert_false (weir_redis_address_parse (&address, uri, NULL, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_OPTION);
  if (strstr (error->message, part) == NULL || strstr (error->message, "secret") != NULL)
    g_error ("%s: %s", uri, error->message);
}

static void
test_what_is_no_address_is_refused (void)
{
  refuse ("file:///tmp", "does not begin with redis://");
  refuse ("redis:host", "does not begin with redis://");
  refuse ("redis://", "no host");
  refuse ("redis://:secret@", "no host");
  refuse ("redis://:secret@host:port/0", "no URI");
  refuse ("redis://:secret@host:99999/0", "no URI");
  refuse ("redis://:sec%ret@host/0", "no URI");
  refuse ("redis://:secret@host/zero", "number of a database");
  refuse ("redis://:secret@host/-1", "number of a database");
  refuse ("redis://:secret@host/1/2", "number of a database");
  refuse ("redis://:secret@host/0?prefx=secret", "other than prefix");
  refuse ("redis://:secret@host/0?prefix=", "empty prefix");
  refuse ("redis://:secret@host/0?prefix", "no name=value");
  refuse ("redis://me@host/0", "user without a password");
}

static void
test_tls_is_refused_with_a_way_out (void)
{
  refuse ("rediss://:secret@host:7/0", "TLS");
  refuse ("rediss://:secret@host:7/0", "stunnel");
}

typedef struct {
  char *folder;
  char *path;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("weir-password-XXXXXX", NULL);
  f->path = g_build_filename (f->folder, "password", NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_remove (f->path);
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);
  g_free (f->path);
  g_free (f->folder);
}

static void
test_password_comes_from_a_file (Fixture *f, gconstpointer data)
{
  WeirRedisAddress address;

  g_assert_true (g_file_set_contents (f->path, "from a file\r\n", -1, NULL));
  g_assert_true (weir_redis_address_parse (&address, "redis://me@host", f->path, NULL));
  g_assert_cmpstr (address.user, ==, "me");
  g_assert_cmpstr (address.password, ==, "from a file");
  weir_redis_address_clear (&address);
  g_assert_true (weir_redis_address_parse (&address, "redis://:nearer@host", f->path, NULL));
  g_assert_cmpstr (address.password, ==, "nearer");
  weir_redis_address_clear (&address);
}

static void
test_a_bad_password_file_is_named (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *content;
    gssize size;
  } bad[] = { { "", 0 }, { "\n", 1 }, { "se\0cret", 7 } };
  WeirRedisAddress address;
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_redis_address_parse (&address, "redis://host", f->path, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_OPTION);
  g_assert_nonnull (strstr (error->message, f->path));
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_clear_error (&error);
    g_assert_true (g_file_set_contents (f->path, bad[i].content, bad[i].size, NULL));
    g_assert_false (weir_redis_address_parse (&address, "redis://host", f->path, &error));
    g_assert_error (error, WEIR_ERROR, WEIR_ERROR_OPTION);
    g_assert_nonnull (strstr (error->message, f->path));
    g_assert_null (strstr (error->message, "cret"));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/redis-address/parts-are-taken", test_parts_are_taken);
  g_test_add_func ("/redis-address/what-is-no-address-is-refused", test_what_is_no_address_is_refused);
  g_test_add_func ("/redis-address/tls-is-refused-with-a-way-out", test_tls_is_refused_with_a_way_out);
  g_test_add ("/redis-address/password-comes-from-a-file", Fixture, NULL, set_up, test_password_comes_from_a_file,
              tear_down);
  g_test_add ("/redis-address/a-bad-password-file-is-named", Fixture, NULL, set_up, test_a_bad_password_file_is_named,
              tear_down);
  return g_test_run ();
}
