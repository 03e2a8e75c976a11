/* What a test's own process writes to standard output meanwhile. Belongs to one test.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

typedef struct {
  int saved; /* the real standard output */
  int file;  /* what takes its place, -1: another's descriptor */
} Captured;

void captured_begin (Captured *captured);
void captured_redirect (Captured *captured, int fd); /* to a descriptor of the test's */
char *captured_end (Captured *captured);             /* NULL after a redirect */
