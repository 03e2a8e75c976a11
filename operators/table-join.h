/* Joins and cogroup with a dataset of the context whose own keys are all in the result: the data is grouped by key, the
 * table, hashed once, is not.
 *
 * Runner. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/dataset.h>

typedef enum {
  WEIR_TABLE_OUTER,      /* the table's keys, and those of the data that it has */
  WEIR_TABLE_FULL_OUTER, /* the keys of both */
  WEIR_TABLE_COGROUP,    /* the same, with lists */
} WeirTableJoin;

/* @table must be of the context; its values come first if @table_is_first. */
WeirDataset *weir_table_join (WeirDataset *data, WeirDataset *table, gboolean table_is_first, WeirTableJoin kind);
