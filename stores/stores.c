/* Which stores there are. Must not know how any of them works. Any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <weir/error.h>

#include "stores/file.h"
#include "stores/redis.h"

static const WeirStoreKlass *const classes[] = { &weir_file_store_class, &weir_redis_store_class };

/* What users write first is the path of a directory: they are told its URI. */
static void
refuse (const char *uri, GError **error)
{
  g_autofree char *path = uri[0] != '\0' && strchr (uri, ':') == NULL ? g_canonicalize_filename (uri, NULL) : NULL;
  g_autofree char *wanted = path != NULL ? g_filename_to_uri (path, NULL, NULL) : NULL;

  if (wanted != NULL)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION,
                 "'%s' is a path and no URI: write %s, or redis://host:port/db?prefix=name", uri, wanted);
  else
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION,
                 "there is no store of the kind '%.*s': write file:///dir or redis://host:port/db?prefix=name",
                 (int) strcspn (uri, ":"), uri); /* what follows may hold a password */
}

const WeirStoreKlass *
weir_store_find_class (const char *uri, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (classes); i++) {
    gsize n = strlen (classes[i]->scheme);

    if (g_ascii_strncasecmp (uri, classes[i]->scheme, n) == 0 && uri[n] == ':')
      return classes[i];
  }
  refuse (uri, error);
  return NULL;
}
