/* A real redis-server of the test's own, on a free port, with its data in a temporary folder. It ends with the test, at
 * the latest: with the thread that started it. Belongs to one test. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

typedef struct {
  char *folder;
  char *password; /* nullable; constant */
  guint port;
  int held;           /* a socket that keeps others from the port; while there is a folder */
  GPid pid;           /* 0: not running */
  gboolean no_append; /* run without its log of changes */
} RedisPlace;

/* FALSE: there is no redis-server on this machine; the test is marked as skipped, or from main () the program, which then
 * ends with 0. With CI=true it fails. */
gboolean redis_place_start (RedisPlace *place);
void redis_place_clear (RedisPlace *place);

void redis_place_kill (RedisPlace *place);    /* as kill -9 */
void redis_place_restart (RedisPlace *place); /* after that: same port, same data */
void redis_place_pause (RedisPlace *place);   /* as SIGSTOP */
void redis_place_resume (RedisPlace *place);

/* redis://127.0.0.1:port/0?prefix=@prefix; transfer full. */
char *redis_place_uri (const RedisPlace *place, const char *prefix);
/* What one command replies, as text: arrays joined by spaces, nil as "(nil)"; transfer full. Takes words. */
char *redis_place_ask (const RedisPlace *place, const char *command, ...) G_GNUC_NULL_TERMINATED;
