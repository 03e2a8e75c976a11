/* The recognised word count: tokens go from the text straight into the table, with no columns in between and no call
 * per record. What it computes is what the three operators would; which one it is that fails is named all the same.
 * Threads: as operators/combine.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/split-sum.h"

#include "operators/combine-sum.h"
#include "operators/split.h"
#include "operators/with-value.h"

typedef struct {
  WeirCombineInstance base;
  char separator;
  gint64 amount;
} SplitSum;

static void
split_sum_open (WeirTask *task)
{
  SplitSum *instance = task->instance;

  weir_combine_open (task, &weir_fold_sum);
  instance->separator = weir_split_separator (task->absorbed[0]->op);
  instance->amount = weir_with_value_of (task->absorbed[1]->op).integer;
}

static void
split_count_open (WeirTask *task)
{
  SplitSum *instance = task->instance;

  weir_combine_open (task, &weir_fold_sum);
  instance->separator = weir_split_separator (task->absorbed[0]->op);
  instance->amount = 1;
}

/* While the table is in cache, a token goes there at once. */
static void
count_small (WeirTask *task, WeirCombined *combined, WeirValue rest, char separator, WeirValue amount)
{
  const WeirSeed seed = task->seed;
  WeirValue token;
  WeirKey key;

  while (weir_text_next_token (&rest, separator, &token)) {
    weir_key_of_text (token.data, token.size, token.kind, &seed, &key);
    weir_sum_add_key (task, combined, &key, amount);
  }
}

/* Else tokens wait in @keys, of which there are @n, while their slots come from memory. Returns how many wait then. */
static guint
count_large (WeirTask *task, WeirCombined *combined, WeirValue rest, WeirKey *keys, guint n)
{
  const SplitSum *instance = task->instance;
  const WeirSeed seed = task->seed;
  WeirValue token;

  while (weir_text_next_token (&rest, instance->separator, &token)) {
    weir_key_of_text (token.data, token.size, token.kind, &seed, &keys[n]);
    __builtin_prefetch (weir_table_home (&combined->table, keys[n].hash, WEIR_SUM_STRIDE), 1);
    if (++n == WEIR_CHUNK_SIZE) {
      weir_sum_add_keys (task, combined, keys, n, weir_int (instance->amount));
      n = 0;
    }
  }
  return n;
}

static void
split_sum_process (WeirTask *task, const WeirChunk *in)
{
  SplitSum *instance = task->instance;
  WeirCombined *combined = instance->base.combined;
  WeirValue amount = weir_int (instance->amount);
  WeirKey keys[WEIR_CHUNK_SIZE];
  WeirChunk texts = *in;
  guint n = 0;

  if (!weir_split_require_texts (task, task->absorbed[0]->op, &texts))
    return;
  for (guint i = 0; i < texts.n && weir_task_is_going (task); i++)
    if (n == 0 && weir_sum_is_small (combined))
      count_small (task, combined, texts.values[i], instance->separator, amount);
    else
      n = count_large (task, combined, texts.values[i], keys, n);
  weir_sum_add_keys (task, combined, keys, n, amount);
}

static const WeirOpClass split_sum_class = {
  .verb = "reduce_by_key",
  .kind = WEIR_OP_WIDE,
  .instance_size = sizeof (SplitSum),
  .open = split_sum_open,
  .process = split_sum_process,
  .seal = weir_combine_seal,
  .output_free = weir_combined_free,
};

static const WeirOpClass split_count_class = {
  .verb = "count_by_value",
  .kind = WEIR_OP_WIDE,
  .instance_size = sizeof (SplitSum),
  .open = split_count_open,
  .process = split_sum_process,
  .seal = weir_combine_seal,
  .output_free = weir_combined_free,
};

const WeirOpClass *
weir_split_sum_fuse (const WeirOp *op, WeirDataset *const *chain, guint n, guint *n_absorbed)
{
  if (n < 2 || chain[n - 2]->op->klass != &weir_split_class || chain[n - 1]->op->klass != &weir_with_value_class)
    return NULL;
  if (weir_with_value_of (chain[n - 1]->op).kind != WEIR_INT)
    return NULL;
  *n_absorbed = 2;
  return &split_sum_class;
}

const WeirOpClass *
weir_split_count_fuse (const WeirOp *op, WeirDataset *const *chain, guint n, guint *n_absorbed)
{
  if (n < 1 || chain[n - 1]->op->klass != &weir_split_class)
    return NULL;
  *n_absorbed = 1;
  return &split_count_class;
}
