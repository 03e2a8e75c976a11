/* The program `weir` as somebody's shell runs it, and a checkpoint for it to look at: of the job in
 * tests/engine/durable.h, in a directory or in a Redis server. Belongs to one test. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "tests/clients/redis-place.h"
#include "tests/engine/durable.h"

typedef struct {
  int status; /* that it ended with */
  char *out, *err;
} Told;

void told_clear (Told *told);

typedef struct {
  Durable job;
  RedisPlace *redis; /* NULL: it is in a directory */
  char *uri;
  const char *kill_at; /* engine/kill-point.h, for the program; NULL: nowhere */
} Kept;

/* @redis: nullable. */
void kept_init (Kept *kept, Outputs outputs, RedisPlace *redis);
void kept_clear (Kept *kept);
WeirContext *kept_context (Kept *kept, WeirQueue *queue, WeirTime at);
/* Runs @n batches, and lets the job fall. */
void kept_run (Kept *kept, WeirTime at, guint n);

/* weir checkpoint COMMAND URI ARGUMENT...; the program must end with @status, unless that is below 0. */
void kept_ask (const Kept *kept, Told *told, int status, const char *command, ...) G_GNUC_NULL_TERMINATED;
/* Lines that the program must print, all of them; "..." for anything, alone in a line for lines. */
void kept_expect (const Kept *kept, const char *lines, const char *command, ...) G_GNUC_NULL_TERMINATED;
/* Starts it where this machine has one; else the program's Redis tests are one that is skipped, or fails with CI=true. */
gboolean kept_start_redis (RedisPlace *place);
/* Any words. */
void program_run (Told *told, const char *word, ...) G_GNUC_NULL_TERMINATED;
