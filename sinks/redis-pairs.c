/* Owns how pairs become bytes, and their order. Must not know Redis, nor when they are written. Workers encode, each its own
 * partition; the runner joins the parts. SPDX-License-Identifier: Apache-2.0
 */
#include "sinks/redis-pairs.h"

#include <weir/error.h>

#include "engine/frame.h"
#include "engine/task.h"
#include "engine/value-text.h"

#define MOST ((gsize) 1 << 30) /* bytes: as commands they are half as much again, and an array has less than 4 GiB */

void
weir_redis_pairs_init (WeirRedisPairs *pairs)
{
  *pairs = (WeirRedisPairs){ g_byte_array_new (), 0 };
}

void
weir_redis_pairs_clear (WeirRedisPairs *pairs)
{
  g_clear_pointer (&pairs->bytes, g_byte_array_unref);
  pairs->n = 0;
}

WeirRedisPairs *
weir_redis_pairs_steal (WeirRedisPairs *pairs)
{
  WeirRedisPairs *stolen = g_memdup2 (pairs, sizeof *pairs);

  weir_redis_pairs_init (pairs);
  return stolen;
}

void
weir_redis_pairs_free (WeirRedisPairs *pairs)
{
  weir_redis_pairs_clear (pairs);
  g_free (pairs);
}

/* --- encoding, on workers --- */

typedef struct {
  WeirRedisPairs pairs;
  GString *text;
} Encoder;

static void
encoder_open (WeirTask *task)
{
  Encoder *encoder = task->instance;

  weir_redis_pairs_init (&encoder->pairs);
  encoder->text = g_string_new (NULL);
}

/* Texts and bytes as they are, all else as weir_to_string () writes it. */
static void
put_value (Encoder *encoder, WeirValue value)
{
  WeirKind kind = weir_kind (value);

  if (kind == WEIR_TEXT || kind == WEIR_BYTES) {
    weir_put_bytes (encoder->pairs.bytes, value.data, value.size);
    return;
  }
  g_string_truncate (encoder->text, 0);
  weir_append_to_string (encoder->text, value);
  weir_put_bytes (encoder->pairs.bytes, encoder->text->str, encoder->text->len);
}

static void
encoder_process (WeirTask *task, const WeirChunk *in)
{
  Encoder *encoder = task->instance;

  if (in->keys == NULL && in->n > 0) {
    g_autofree char *text = weir_to_string (in->values[0]);

    weir_task_fail (task, WEIR_ERROR_KIND, "takes pairs (field, value), but got '%.100s': map it to a pair before",
                    text);
    return;
  }
  for (guint i = 0; i < in->n; i++) {
    put_value (encoder, in->keys[i]);
    put_value (encoder, in->values[i]);
  }
  encoder->pairs.n += in->n;
  if (encoder->pairs.bytes->len > MOST)
    weir_task_fail (task, WEIR_ERROR_MEMORY_LIMIT,
                    "more than 1 GiB in one partition: use more partitions, or smaller batches");
}

static gpointer
encoder_seal (WeirTask *task)
{
  Encoder *encoder = task->instance;

  g_string_free (encoder->text, TRUE);
  return g_memdup2 (&encoder->pairs, sizeof encoder->pairs);
}

static const WeirOpClass encoder_class = {
  .verb = "redis_hash_output",
  .kind = WEIR_OP_TERMINAL,
  .flags = WEIR_OP_PAIRS,
  .instance_size = sizeof (Encoder),
  .open = encoder_open,
  .process = encoder_process,
  .seal = encoder_seal,
};

/* --- joining, on the runner --- */

static gboolean
add_part (WeirRedisPairs *all, const WeirRedisPairs *part, const char *name, GError **error)
{
  if ((gsize) all->bytes->len + part->bytes->len > MOST) {
    g_set_error (
        error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT,
        "%s: more than 1 GiB waits to be written: seal more often (checkpoint.interval), or use smaller batches", name);
    return FALSE;
  }
  g_byte_array_append (all->bytes, part->bytes->data, part->bytes->len);
  all->n += part->n;
  return TRUE;
}

gboolean
weir_redis_pairs_add_dataset (WeirRedisPairs *pairs, WeirDataset *data, const char *name, GError **error)
{
  const WeirOp terminal = { .klass = &encoder_class, .name = name };
  g_autofree gpointer *parts = NULL;
  gboolean ok;
  guint n;

  ok = weir_dataset_run (data, &terminal, &parts, &n, error);
  for (guint i = 0; i < n; i++) {
    if (parts[i] == NULL)
      continue;
    ok = ok && add_part (pairs, parts[i], name, error);
    weir_redis_pairs_free (parts[i]);
  }
  return ok;
}
