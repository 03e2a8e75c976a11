/* What every store must do, whatever it keeps its bytes in. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "tests/stores/script.h"

/* How a suite gets at a kind of store. */
typedef struct {
  const char *name;
  char *(*make) (void);                /* the URI of a place that is empty; transfer full */
  void (*take_over) (const char *uri); /* makes the token somebody else's, behind the owner's back */
  void (*clear) (const char *uri);     /* optional: the place is not needed any more */
} SuiteKind;

void suite_add (const SuiteKind *kind);
