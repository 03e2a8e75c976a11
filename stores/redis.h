/* The store of Redis servers. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/store.h"

extern const WeirStoreKlass weir_redis_store_class;
