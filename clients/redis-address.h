/* Where a Redis server is, and as whom to log in: redis://[user:password@]host:port/db?prefix=name
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

typedef struct {
  char *host;
  guint port;
  guint db;
  char *prefix;   /* NULL: the URI has none */
  char *user;     /* NULL: none */
  char *password; /* NULL: none; never printed */
  char *name;     /* for messages: redis://host:port/db */
} WeirRedisAddress;

/* OPTION: the URI or the file is no good; messages hold no part of either that may be a secret. @password_file
 * (nullable) is read if the URI has no password; the line feed at its end is no part of it. */
gboolean
weir_redis_address_parse (WeirRedisAddress *address, const char *uri, const char *password_file, GError **error);
void weir_redis_address_clear (WeirRedisAddress *address);
