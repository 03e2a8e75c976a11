/* Owns which blocks a batch has, and where a source stands that has a log: at the number of the block that is next.
 * Blocks that only the log has, after a restart, are read from it by the workers. Must not know who receives.
 * Threads: the loop's, but for the cursors', which are the workers'; see intake.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <weir/error.h>

#include <string.h>

#include "engine/frame.h"
#include "sources/intake.h"

static const WeirReceived *
block_at (const GArray *blocks, guint i)
{
  return &g_array_index (blocks, WeirReceived, i);
}

/* A partition is neighbouring blocks: those that begin in the same one of @n_wanted equal parts of the bytes. */
static guint
divide (const GArray *blocks, gsize n_bytes, guint n_wanted, guint *starts)
{
  guint last = G_MAXUINT, n = 0;
  gsize before = 0;

  for (guint i = 0; i < blocks->len; i++) {
    guint part = MIN ((guint) ((gdouble) before / (gdouble) MAX (n_bytes, 1) * n_wanted), n_wanted - 1);

    if (part != last)
      starts[n++] = i;
    last = part;
    before += block_at (blocks, i)->size;
  }
  starts[n] = blocks->len;
  return n;
}

static gint64
count_records (const GArray *blocks)
{
  gint64 n = 0;

  for (guint i = 0; i < blocks->len; i++)
    n = n < 0 || block_at (blocks, i)->n_records < 0 ? -1 : n + block_at (blocks, i)->n_records;
  return n;
}

/* Under lock: @n staged blocks, but no more than @most bytes of them, become the batch's. */
static void
take (WeirIntake *intake, WeirPlan *plan, guint n, gsize most)
{
  WeirIntakePlan *data = g_new0 (WeirIntakePlan, 1);
  gsize in_memory = 0;
  guint i, n_wanted;

  data->blocks = g_array_new (FALSE, FALSE, sizeof (WeirReceived));
  for (i = 0; i < n && (i == 0 || plan->n_bytes + block_at (intake->staged, i)->size <= most); i++) {
    const WeirReceived *block = block_at (intake->staged, i);

    plan->n_bytes += block->size;
    in_memory += block->block != NULL ? block->size : 0;
    intake->next = MAX (intake->next, block->logged.number + 1);
  }
  g_array_append_vals (data->blocks, intake->staged->data, i);
  g_array_remove_range (intake->staged, 0, i);
  intake->n_waiting -= in_memory;
  n_wanted = (guint) CLAMP (plan->n_bytes / intake->bytes_of_a_partition, 1, intake->n_partitions);
  data->starts = g_new (guint, n_wanted + 1);
  plan->n_partitions = divide (data->blocks, plan->n_bytes, n_wanted, data->starts);
  plan->n_records = count_records (data->blocks);
  plan->data = data;
  weir_backlog_planned (&intake->backlog, plan->n_bytes);
}

/* Under lock: without a log whatever has come is ready. */
static void
stage_all (WeirIntake *intake)
{
  weir_intake_close_block (intake);
  g_array_append_vals (intake->staged, intake->pending->data, intake->pending->len);
  g_array_set_size (intake->pending, 0);
  intake->n_pending = 0;
}

static void
count_rejects (WeirIntake *intake, guint64 n_too_large, guint64 n_too_deep)
{
  const WeirOp *op = intake->source->op;

  if (n_too_large > 0)
    weir_engine_count_reject (intake->engine, op, "value longer than a quarter of memory.limit", n_too_large);
  if (n_too_deep > 0)
    weir_engine_count_reject (intake->engine, op, "value nested deeper than 64", n_too_deep);
}

void
weir_intake_plan (WeirIntake *intake, WeirPlan *plan)
{
  guint64 n_too_large, n_too_deep;

  pthread_mutex_lock (&intake->lock);
  if (intake->log == NULL)
    stage_all (intake);
  take (intake, plan, intake->staged->len, intake->most_bytes);
  n_too_large = intake->n_too_large;
  n_too_deep = intake->n_too_deep;
  intake->n_too_large = intake->n_too_deep = 0;
  pthread_cond_broadcast (&intake->changed); /* time has passed */
  pthread_mutex_unlock (&intake->lock);
  count_rejects (intake, n_too_large, n_too_deep);
}

/* Under lock: back-pressure, as far as it is known by now. */
static void
follow_estimate (WeirIntake *intake)
{
  gdouble rate = intake->source->rate;

  if (rate > 0)
    weir_throttle_set_rate (&intake->throttle, intake->most_rate > 0 ? MIN (rate, intake->most_rate) : rate,
                            weir_intake_now (intake));
}

void
weir_intake_release (WeirIntake *intake, WeirPlan *plan)
{
  WeirIntakePlan *data = g_steal_pointer (&plan->data);

  for (guint i = 0; i < data->blocks->len; i++)
    g_clear_pointer (&g_array_index (data->blocks, WeirReceived, i).block, weir_block_unref);
  g_array_unref (data->blocks);
  g_free (data->starts);
  g_free (data);
  pthread_mutex_lock (&intake->lock);
  follow_estimate (intake);
  weir_backlog_released (&intake->backlog, plan->n_bytes);
  pthread_cond_broadcast (&intake->changed);
  pthread_mutex_unlock (&intake->lock);
}

/* --- reading --- */

/* The block as the log has it. NULL: it cannot be read, or there is no memory. */
static WeirBlock *
load (WeirIntake *intake, const WeirReceived *received, GError **error)
{
  g_autoptr (GBytes) bytes = weir_block_log_read (intake->log, &received->logged, error);
  WeirBlock *block;

  if (bytes == NULL)
    return NULL;
  block = weir_block_new (intake->memory, received->size + WEIR_FRAMING_SLACK);
  if (block == NULL)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT,
                 "a block of %" G_GSIZE_FORMAT " bytes cannot be read back from the log: raise memory.limit",
                 received->size);
  else if (received->size > 0)
    memcpy (block->data, g_bytes_get_data (bytes, NULL), received->size);
  return block;
}

/* A block is of one partition, and of one worker. */
static gboolean
make_readable (WeirIntake *intake, WeirReceived *received, GError **error)
{
  if (received->block != NULL)
    return TRUE;
  received->block = load (intake, received, error);
  if (received->block == NULL)
    return FALSE;
  received->from = received->block->data;
  received->to = received->from + received->size;
  return TRUE;
}

gboolean
weir_intake_cursor_open (WeirIntakeCursor *cursor, WeirIntake *intake, const WeirPlan *plan, guint partition,
                         GError **error)
{
  const WeirIntakePlan *data = plan->data;
  WeirReceived *received;

  if (!cursor->is_begun) {
    cursor->is_begun = TRUE;
    cursor->block = data->starts[partition];
    cursor->end = data->starts[partition + 1];
  }
  if (cursor->at != NULL)
    return TRUE;
  if (cursor->block == cursor->end)
    return FALSE;
  received = &g_array_index (data->blocks, WeirReceived, cursor->block);
  if (!make_readable (intake, received, error))
    return FALSE;
  cursor->at = received->from;
  cursor->to = received->to;
  return TRUE;
}

gboolean
weir_intake_cursor_close (WeirIntakeCursor *cursor)
{
  if (cursor->at == cursor->to) {
    cursor->at = NULL;
    cursor->block++;
  }
  return cursor->at != NULL || cursor->block < cursor->end;
}

/* --- positions --- */

static guint64
number_of (gconstpointer position, gsize size)
{
  WeirTaker taker;

  weir_taker_init (&taker, position, size);
  return weir_take_u64 (&taker);
}

void
weir_intake_save (WeirIntake *intake, GByteArray *position)
{
  weir_put_u64 (position, intake->next);
}

/* Under lock: how many of the staged blocks come before @number. */
static guint
count_before (const WeirIntake *intake, guint64 number)
{
  guint n = 0;

  while (n < intake->staged->len && block_at (intake->staged, n)->logged.number < number)
    n++;
  return n;
}

static GError *
missing (const WeirIntake *intake, guint64 number)
{
  return g_error_new (WEIR_ERROR, WEIR_ERROR_DATA_LOSS,
                      "the checkpoint goes on with block %" G_GUINT64_FORMAT
                      ", and the log %s has those from %" G_GUINT64_FORMAT " up to %" G_GUINT64_FORMAT
                      ": it is not the one that belongs to the checkpoint, or has lost blocks. Bring back the one that "
                      "does, or begin anew with another checkpoint",
                      number, weir_block_log_path (intake->log), intake->logged_from, intake->logged_until - 1);
}

gboolean
weir_intake_resume (WeirIntake *intake, gconstpointer position, gsize size, GError **error)
{
  guint64 number = number_of (position, size);

  if (number < intake->logged_from || number > intake->logged_until) {
    g_propagate_error (error, missing (intake, number));
    return FALSE;
  }
  g_array_remove_range (intake->staged, 0, count_before (intake, number));
  intake->next = intake->was_sealed = number;
  intake->has_resumed = TRUE;
  return TRUE;
}

gboolean
weir_intake_check_begin (WeirIntake *intake, GError **error)
{
  if (intake->log == NULL || intake->has_resumed || intake->logged_from == 1)
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_DATA_LOSS,
               "the checkpoint does not know how much of the log %s has been processed, which begins with block "
               "%" G_GUINT64_FORMAT ": bring back the checkpoint that it belongs to, or remove the log's folder",
               weir_block_log_path (intake->log), intake->logged_from);
  return FALSE;
}

/* All of them are there: they were durable before they were planned. */
gboolean
weir_intake_replan (WeirIntake *intake, WeirPlan *plan, gconstpointer position, gsize size)
{
  guint64 until = MAX (number_of (position, size), intake->next);
  gboolean is_there;

  pthread_mutex_lock (&intake->lock);
  is_there = until <= intake->logged_until;
  if (is_there)
    take (intake, plan, count_before (intake, until), G_MAXSIZE);
  pthread_mutex_unlock (&intake->lock);
  if (!is_there)
    weir_engine_fail (intake->engine, missing (intake, until));
  return is_there;
}

/* The epoch before stays usable until the next seal, so its blocks do. */
void
weir_intake_sealed (WeirIntake *intake, gconstpointer position, gsize size)
{
  pthread_mutex_lock (&intake->lock);
  intake->forget = intake->was_sealed;
  intake->was_sealed = MAX (intake->was_sealed, number_of (position, size));
  pthread_cond_broadcast (&intake->changed);
  pthread_mutex_unlock (&intake->lock);
}
