/* Owns the wording of errors about kinds. Must not know which operator asks: its name comes from the task. Any worker
 * thread; allocates, since it runs once a failed batch.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/pairs.h"

#include "engine/value-text.h"

#define SHOWN 100 /* bytes of a value in a message */

static const char *
kind_name (WeirKind kind)
{
  static const char *const names[] = { "NIL", "BOOL", "INT", "FLOAT", "TEXT", "BYTES", "PAIR", "LIST" };

  return names[kind];
}

/* Cuts before it writes: what stands in a stream may be gigabytes. */
static void
append_start (GString *out, WeirValue value)
{
  gsize start = out->len;

  if (value.kind == WEIR_TEXT || value.kind == WEIR_BYTES || value.kind == WEIR_LIST)
    value.size = MIN (value.size, SHOWN + 1);
  weir_append_to_string (out, value);
  if (out->len - start > SHOWN)
    g_string_truncate (out, start + SHOWN);
}

char *
weir_value_describe (WeirValue value)
{
  g_autoptr (GString) out = g_string_new (kind_name (weir_kind (value)));

  if (value.kind != WEIR_NIL) {
    g_string_append_c (out, ' ');
    append_start (out, value);
  }
  return g_utf8_make_valid (out->str, (gssize) out->len);
}

void
weir_task_fail_kind (WeirTask *task, const char *wanted, WeirValue got, const char *advice)
{
  g_autofree char *described = weir_value_describe (got);

  weir_task_fail_record (task, WEIR_ERROR_KIND, "takes %s, and got %s: %s", wanted, described, advice);
}

static void
fail_no_pair (WeirTask *task, WeirValue got)
{
  weir_task_fail_kind (task, "pairs", got,
                       "make pairs first, with weir_with_value (), weir_pair () in a map, or weir_emit_pair ()");
}

void
weir_task_refuse_plain (WeirTask *task, const WeirChunk *in)
{
  weir_task_shield (task);
  for (guint i = 0; i < in->n && weir_task_is_going (task); i++) {
    fail_no_pair (task, in->values[i]);
    weir_task_settle (task, in->values[i]);
  }
  weir_task_unshield (task);
}
