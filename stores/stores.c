/* Which stores there are. Must not know how any of them works. Any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <weir/error.h>

#include "stores/file.h"
#include "stores/redis.h"

static const WeirStoreKlass *const classes[] = { &weir_file_store_class, &weir_redis_store_class };

const WeirStoreKlass *
weir_store_find_class (const char *uri, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (classes); i++) {
    gsize n = strlen (classes[i]->scheme);

    if (g_ascii_strncasecmp (uri, classes[i]->scheme, n) == 0 && uri[n] == ':')
      return classes[i];
  }
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION,
               "there is no store of the kind '%.*s': write file:///dir or redis://host:port/db?prefix=name",
               (int) strcspn (uri, ":"), uri); /* what follows may hold a password */
  return NULL;
}
