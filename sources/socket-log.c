/* socket-log.c: sockets whose records are in a log before they are in a batch.
 *
 * Owns what is different then: complete records, as the bytes that they came in, are blocks of an intake, and the source
 * becomes one that can be read again. Must not know how a connection is kept. Threads: the loop's, reading the workers'.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/socket-log.h"

#include "engine/task.h"

/* Less is not worth a task. */
#define PARTITION_BYTES ((gsize) 256 * 1024)

static WeirIntake *
intake_of (WeirSource *source)
{
  return &((WeirSocketSource *) source)->intake;
}

static void
log_plan (WeirSource *source, WeirPlan *plan)
{
  ((WeirSocketSource *) source)->has_news = FALSE;
  weir_intake_plan (intake_of (source), plan);
}

static void
log_release (WeirSource *source, WeirPlan *plan)
{
  weir_intake_release (intake_of (source), plan);
}

static gboolean
log_has_staged (WeirSource *source)
{
  return ((WeirSocketSource *) source)->has_news || weir_intake_has_staged (intake_of (source));
}

static gboolean
log_is_ending (WeirSource *source)
{
  return weir_intake_is_ending (intake_of (source));
}

static void
log_save (WeirSource *source, const WeirPlan *plan, GByteArray *position)
{
  weir_intake_save (intake_of (source), position);
}

static gboolean
log_resume (WeirSource *source, gconstpointer position, gsize size, GError **error)
{
  return weir_intake_resume (intake_of (source), position, size, error);
}

static gboolean
log_replan (WeirSource *source, WeirPlan *plan, gconstpointer position, gsize size)
{
  return weir_intake_replan (intake_of (source), plan, position, size);
}

static void
log_sealed (WeirSource *source, gconstpointer position, gsize size)
{
  weir_intake_sealed (intake_of (source), position, size);
}

/* The same verb and reading as before: only what the driver calls differs. */
static void
change_class (WeirSocketSource *self)
{
  WeirSourceKlass *klass = g_memdup2 (self->source.klass, sizeof *klass);

  klass->plan = log_plan;
  klass->release = log_release;
  klass->has_staged = log_has_staged;
  klass->is_ending = log_is_ending;
  klass->save = log_save;
  klass->resume = log_resume;
  klass->replan = log_replan;
  klass->sealed = log_sealed;
  self->klass = self->source.klass;
  self->source.klass = klass;
}

/* What the bytes of a block mean depends on how records are told apart. */
static char *
form_of (const WeirFraming *framing)
{
  static const char *const kinds[] = { "lines", "delimited", "fixed", "length32" };

  return g_strdup_printf ("bytes of a socket, %s, delimiter %d, size %" G_GSIZE_FORMAT ", %s", kinds[framing->kind],
                          framing->delimiter, framing->size, framing->text ? "text" : "bytes");
}

gboolean
weir_socket_log_open (WeirSocketSource *self, GError **error)
{
  g_autofree char *form = form_of (&self->framing);
  const WeirIntakeSpec spec = { &self->source, form, PARTITION_BYTES, NULL };

  self->is_logged = FALSE;
  if (!weir_intake_open (&self->intake, &spec, error))
    return FALSE;
  if (self->intake.log == NULL) {
    weir_intake_close (&self->intake);
    return TRUE;
  }
  self->is_logged = TRUE;
  change_class (self);
  return TRUE;
}

void
weir_socket_log_close (WeirSocketSource *self)
{
  if (!self->is_logged)
    return;
  weir_intake_cut (&self->intake);
  weir_intake_close (&self->intake);
  g_free ((gpointer) self->source.klass);
  self->source.klass = self->klass;
  self->is_logged = FALSE;
}

void
weir_socket_log_hand_over (WeirSocketSource *self)
{
  g_autoptr (GArray) ranges = NULL;
  gsize n_bytes;

  if (!self->is_logged || self->framer.ranges->len == 0)
    return;
  ranges = weir_framer_steal (&self->framer, &n_bytes);
  for (guint i = 0; i < ranges->len; i++)
    weir_intake_add (&self->intake, &g_array_index (ranges, WeirRange, i));
}

void
weir_socket_log_stop (WeirSocketSource *self)
{
  if (!self->is_logged)
    return;
  weir_socket_log_hand_over (self);
  weir_intake_stop (&self->intake);
}

gboolean
weir_socket_log_read (WeirTask *task, WeirReader *reader)
{
  const WeirPlan *plan = reader->plan;
  WeirSocketSource *self = (WeirSocketSource *) plan->source;
  WeirIntakeCursor *cursor = reader->state;
  WeirFramingTally tally = { 0 };
  g_autoptr (GError) error = NULL;

  if (!weir_intake_cursor_open (cursor, &self->intake, plan, reader->partition, &error)) {
    if (error != NULL)
      weir_task_fail (task, error->code, "%s", error->message);
    return FALSE;
  }
  weir_task_reserve (task, FALSE);
  task->head.n_elements =
      weir_framing_read (&self->framing, &cursor->at, cursor->to, task->head.values, task->head.capacity, &tally);
  weir_socket_account (task, self, task->head.n_elements, &tally);
  weir_task_flush (task);
  return weir_intake_cursor_close (cursor);
}
