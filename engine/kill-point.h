/* Kill points: places where a test ends the process as if by kill -9. Nothing is left of them in a build without
 * -Dkill_points=true.
 *
 * WEIR_KILL_AT=NAME:N ends the process, status 137, when the point NAME is passed for the N-th time; the name "any" counts
 * all points. What stands before a step is named after it; what stands after it ends in "-done".
 * WEIR_STOP_AT=NAME:N stops it instead, as SIGSTOP does: it goes on with SIGCONT.
 *
 * WEIR_TEST_PHASE_FILE=PATH keeps the newest point in a file of two lines, which outlives the process: that of the batch, and that
 * of all else. So a test knows what it has interrupted.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#ifdef WEIR_KILL_POINTS
void weir_kill_point (const char *name);
#else
#define weir_kill_point(name) ((void) 0)
#endif
