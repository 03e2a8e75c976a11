/* weir: micro-batch stream processing. A job includes this and nothing else of weir's, connectors and tests
 * apart. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/context.h>
#include <weir/dataset.h>
#include <weir/error.h>
#include <weir/input.h>
#include <weir/output.h>
#include <weir/state.h>
