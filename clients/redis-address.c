/* Owns the form of Redis URIs. Must not know connections. Any thread.
 *
 * What does not parse is not quoted: the password may be anywhere in it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "clients/redis-address.h"

#include <string.h>

#include <weir/error.h>

#define FORM         "redis://[user:password@]host:port/db?prefix=name"
#define DEFAULT_PORT 6379
#define MAX_DB       65535
#define MAX_PASSWORD 65536

static gboolean
refuse (GError **error, const char *why)
{
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "the address of the Redis server %s: write " FORM, why);
  return FALSE;
}

static gboolean
check_scheme (const char *uri, GError **error)
{
  if (g_ascii_strncasecmp (uri, "redis://", 8) == 0)
    return TRUE;
  if (g_ascii_strncasecmp (uri, "rediss://", 9) == 0)
    return refuse (error, "asks for TLS (rediss://), which this weir was built without, because the hiredis that it "
                          "uses has none; a local stunnel can do it");
  return refuse (error, "does not begin with redis://");
}

static gboolean
take_db (WeirRedisAddress *address, const char *path, GError **error)
{
  guint64 db = 0;

  if (path[0] == '/')
    path++;
  if (path[0] != '\0' && !g_ascii_string_to_unsigned (path, 10, 0, MAX_DB, &db, NULL))
    return refuse (error, "has no number of a database after the '/'");
  address->db = (guint) db;
  return TRUE;
}

static gboolean
take_query (WeirRedisAddress *address, const char *query, GError **error)
{
  g_autoptr (GHashTable) params = NULL;
  GHashTableIter iter;
  gpointer key, value;

  if (query == NULL)
    return TRUE;
  params = g_uri_parse_params (query, -1, "&", G_URI_PARAMS_NONE, NULL);
  if (params == NULL)
    return refuse (error, "has something after the '?' that is no name=value");
  g_hash_table_iter_init (&iter, params);
  while (g_hash_table_iter_next (&iter, &key, &value)) {
    if (!g_str_equal (key, "prefix"))
      return refuse (error, "has a parameter other than prefix after the '?'");
    if (*(char *) value == '\0')
      return refuse (error, "has an empty prefix");
    g_free (address->prefix);
    address->prefix = g_strdup (value);
  }
  return TRUE;
}

static gboolean
read_password (WeirRedisAddress *address, const char *path, GError **error)
{
  g_autoptr (GError) cause = NULL;
  gsize size;

  if (!g_file_get_contents (path, &address->password, &size, &cause)) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "redis.password.file: %s: name a file that the job may read",
                 cause->message);
    return FALSE;
  }
  while (size > 0 && (address->password[size - 1] == '\n' || address->password[size - 1] == '\r'))
    address->password[--size] = '\0';
  if (size > 0 && size <= MAX_PASSWORD && strlen (address->password) == size)
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "redis.password.file: %s holds no password: write it there alone",
               path);
  return FALSE;
}

static gboolean
take_parts (WeirRedisAddress *address, GUri *uri, const char *password_file, GError **error)
{
  const char *host = g_uri_get_host (uri), *user = g_uri_get_user (uri), *password = g_uri_get_password (uri);
  gboolean is_v6;

  if (host == NULL || host[0] == '\0')
    return refuse (error, "names no host");
  address->host = g_strdup (host);
  address->port = g_uri_get_port (uri) > 0 ? (guint) g_uri_get_port (uri) : DEFAULT_PORT;
  address->user = user != NULL && user[0] != '\0' ? g_strdup (user) : NULL;
  address->password = password != NULL && password[0] != '\0' ? g_strdup (password) : NULL;
  if (!take_db (address, g_uri_get_path (uri), error) || !take_query (address, g_uri_get_query (uri), error))
    return FALSE;
  is_v6 = strchr (host, ':') != NULL;
  address->name =
      g_strdup_printf ("redis://%s%s%s:%u/%u", is_v6 ? "[" : "", host, is_v6 ? "]" : "", address->port, address->db);
  if (address->password == NULL && password_file != NULL && !read_password (address, password_file, error))
    return FALSE;
  if (address->user != NULL && address->password == NULL)
    return refuse (error, "has a user without a password (redis.password.file can hold it)");
  return TRUE;
}

gboolean
weir_redis_address_parse (WeirRedisAddress *address, const char *text, const char *password_file, GError **error)
{
  g_autoptr (GUri) uri = NULL;

  *address = (WeirRedisAddress){ 0 };
  if (!check_scheme (text, error))
    return FALSE;
  uri = g_uri_parse (text, G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_ENCODED_QUERY, NULL);
  if (uri == NULL)
    return refuse (error, "is no URI (characters such as '@', '/', '#' and '%' in a password are written as %40, %2F, "
                          "%23 and %25)");
  if (take_parts (address, uri, password_file, error))
    return TRUE;
  weir_redis_address_clear (address);
  return FALSE;
}

void
weir_redis_address_clear (WeirRedisAddress *address)
{
  g_free (address->host);
  g_free (address->prefix);
  g_free (address->user);
  g_free (address->password);
  g_free (address->name);
  *address = (WeirRedisAddress){ 0 };
}
