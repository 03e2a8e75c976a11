/* Owns the run of cases that are killed and go on while files arrive: what all lives give together is compared as a set.
 * One thread. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/conformance/run.h"

void
run_recovery_set (Case *one)
{
  case_note (one, CASE_MISSING, "the library has no source for it yet");
}
