/* What every public header needs: visibility, and time in microseconds.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

#define WEIR_API __attribute__ ((visibility ("default")))

/* Durations and points in time: microseconds; points count from the Unix epoch. */
typedef gint64 WeirTime;

#define WEIR_MILLISECONDS(n) ((WeirTime) ((n) *G_GINT64_CONSTANT (1000)))
#define WEIR_SECONDS(n)      ((WeirTime) ((n) *G_GINT64_CONSTANT (1000000)))
#define WEIR_MINUTES(n)      ((WeirTime) ((n) *G_GINT64_CONSTANT (60000000)))
