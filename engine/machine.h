/* What of the machine this process may use: CPUs and memory, as affinity and control groups allow.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

guint weir_machine_cpus (const char *root);
gint64 weir_machine_memory (const char *root);
