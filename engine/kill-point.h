/* Kill points: places where a test ends the process as if by kill -9. Nothing is left of them in a build without
 * -Dkill_points=true.
 *
 * WEIR_KILL_AT=NAME:N ends the process, status 137, when the point NAME is passed for the N-th time; the name "any" counts
 * all points. What stands before a step is named after it; what stands after it ends in "-done".
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#ifdef WEIR_KILL_POINTS
void weir_kill_point (const char *name);
#else
#define weir_kill_point(name) ((void) 0)
#endif
