/* Owns the source that tests look through. See probe.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/engine/probe.h"

#include <weir/error.h>

#include "engine/task.h"

static void
say (const WeirSource *source, const char *what)
{
  watch_say (((const Probe *) source)->watch, "%s %s", what, source->op->name);
}

static gboolean
probe_open (WeirSource *source, GError **error)
{
  const Probe *self = (const Probe *) source;

  say (source, "open");
  if (self->refuse != NULL)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_SOURCE, "%s", self->refuse);
  return self->refuse == NULL;
}

static void
probe_start (WeirSource *source)
{
  say (source, "start");
}

static void
on_room (WeirSource *source)
{
  say (source, "room");
}

static void
probe_plan (WeirSource *source, WeirPlan *plan)
{
  Probe *self = (Probe *) source;
  guint n_records = __atomic_load_n (&self->n_records, __ATOMIC_RELAXED);
  guint n_lost = __atomic_exchange_n (&self->n_lost, 0, __ATOMIC_RELAXED);

  watch_say (self->watch, "plan %" G_GINT64_FORMAT, plan->time / 1000);
  plan->n_partitions = self->n_partitions;
  plan->n_records = self->is_counted ? -1 : (gint64) n_records;
  plan->n_hanging = self->n_hanging;
  plan->n_bytes = self->n_bytes;
  if (self->n_bytes > 0)
    plan->data = weir_block_new (weir_engine_memory (source->engine), self->n_bytes);
  if (self->asks_room && !weir_engine_has_room (source->engine))
    weir_engine_on_room (source->engine, source, on_room);
  if (n_lost > 0)
    weir_engine_count_reject (source->engine, source->op, "lost", n_lost);
  if (__atomic_load_n (&self->n_staged, __ATOMIC_RELAXED) > 0)
    __atomic_sub_fetch (&self->n_staged, 1, __ATOMIC_RELAXED);
}

static gboolean
probe_read (WeirTask *task, WeirReader *reader)
{
  const WeirPlan *plan = reader->plan;
  const Probe *self = (const Probe *) plan->source;
  guint n_records = __atomic_load_n (&self->n_records, __ATOMIC_RELAXED);
  guint *at = reader->state, until = MIN (*at + 100, n_records);

  for (; *at < until; (*at)++) {
    if (*at % self->n_partitions != reader->partition)
      continue;
    weir_emit (task, weir_int (*at));
    if (self->is_counted)
      __atomic_add_fetch (&task->task_run->run->n_records, 1, __ATOMIC_RELAXED);
  }
  return *at < n_records;
}

static void
probe_release (WeirSource *source, WeirPlan *plan)
{
  watch_say (((Probe *) source)->watch, "release %" G_GINT64_FORMAT, plan->time / 1000);
  if (plan->data != NULL)
    weir_block_unref (plan->data);
}

static void
probe_stop (WeirSource *source)
{
  say (source, "stop");
}

static gboolean
probe_has_staged (WeirSource *source)
{
  return __atomic_load_n (&((Probe *) source)->n_staged, __ATOMIC_RELAXED) > 0;
}

static void
probe_close (WeirSource *source)
{
  say (source, "close");
}

static const WeirSourceKlass probe_class = {
  .op = { .verb = "probe", .kind = WEIR_OP_SOURCE, .reader_size = sizeof (guint), .read = probe_read },
  .instance_size = sizeof (Probe),
  .open = probe_open,
  .start = probe_start,
  .plan = probe_plan,
  .release = probe_release,
  .stop = probe_stop,
  .has_staged = probe_has_staged,
  .close = probe_close,
};

WeirStream *
probe_stream (WeirContext *ctx, Watch *watch)
{
  WeirStream *stream = weir_stream_new_source (ctx, &probe_class);
  Probe *self = probe_of (stream);

  self->watch = watch;
  self->n_partitions = 1;
  return stream;
}

Probe *
probe_of (WeirStream *stream)
{
  return (Probe *) stream->source;
}
