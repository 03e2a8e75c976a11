/* Joins with a dataset of the context: each pair looks its key up where it is, nothing goes from task to task.
 *
 * Runner. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/dataset.h>

/* Joins @data with @table, which must be of the context; (key, (value of @table, value of @data)) if @table_is_first.
 * @keeps_data: (..., NIL) for keys that the table does not have. */
WeirDataset *weir_lookup_join (WeirDataset *data, WeirDataset *table, gboolean table_is_first, gboolean keeps_data);
