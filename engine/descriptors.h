/* The three descriptors that a process is given. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/* What is opened later never becomes standard input, output or error: what is printed would be written into it. Those that are
 * closed are opened so that using them fails, as it does where they are closed. Before anything else is opened. */
void weir_descriptors_hold (void);
