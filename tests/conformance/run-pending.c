/* What stands in for runs whose sources the library does not have yet. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/conformance/run.h"

void
run_recovery_set (Case *one)
{
  case_note (one, CASE_MISSING, "the library has no source of files yet");
}
