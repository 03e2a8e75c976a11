/* The store of directories. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/store.h"

extern const WeirStoreKlass weir_file_store_class;
