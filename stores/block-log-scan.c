/* Owns the form of the segments of a log of what was received, and what a torn end is. Must not know what blocks hold,
 * nor who acknowledges them. Any thread.
 *
 * A segment begins with a frame that names its first block and the form of the blocks; then come blocks, a frame each.
 * Blocks that were synced together are a group, which has the number of its first one: of a group the disk may have any
 * part after a crash, and nobody was told that it was safe. So damage is a torn end as long as no block of a later group
 * follows, whose sync would have covered it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stores/block-log-scan.h"

#include <string.h>

#include <weir/error.h>

#include "stores/file-epoch.h"

typedef struct {
  const guint8 *data;
  gsize size, at;
  char name[WEIR_SEGMENT_NAME_SIZE];
} Segment;

typedef struct {
  guint64 number, group;
  gint64 n_records;
  gsize size; /* of the payload */
} Head;

void
weir_segment_name (guint64 first, char name[WEIR_SEGMENT_NAME_SIZE])
{
  g_snprintf (name, WEIR_SEGMENT_NAME_SIZE, WEIR_SEGMENT_PREFIX "%" G_GUINT64_FORMAT, first);
}

static gint
compare_numbers (gconstpointer a, gconstpointer b)
{
  guint64 left = *(const guint64 *) a, right = *(const guint64 *) b;

  return left < right ? -1 : left > right;
}

GArray *
weir_segments_list (const WeirFolder *folder, GError **error)
{
  g_autoptr (GPtrArray) names = weir_folder_list (folder, error);
  GArray *firsts;
  guint64 first;

  if (names == NULL)
    return NULL;
  firsts = g_array_new (FALSE, FALSE, sizeof (guint64));
  for (guint i = 0; i < names->len; i++)
    if (weir_file_epoch_parse_name (g_ptr_array_index (names, i), WEIR_SEGMENT_PREFIX, &first))
      g_array_append_val (firsts, first);
  g_array_sort (firsts, compare_numbers);
  return firsts;
}

static gboolean
open_block (const Segment *segment, gsize at, Head *head, GError **error)
{
  const guint8 *payload;
  WeirTaker taker;

  if (!weir_frame_open (segment->data + at, segment->size - at, WEIR_FRAME_BLOCK, &payload, &head->size, error))
    return FALSE;
  weir_taker_init (&taker, payload, head->size);
  head->number = weir_take_u64 (&taker);
  head->group = weir_take_u64 (&taker);
  head->n_records = (gint64) weir_take_u64 (&taker);
  if (taker.has_failed)
    g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT, "the block is shorter than its head");
  return !taker.has_failed;
}

/* Does a block follow that was written after the one that should have number @number had been synced? */
static gboolean
is_followed (const Segment *segment, guint64 number)
{
  Head head;

  for (gsize at = segment->at; at + WEIR_FRAME_HEADER <= segment->size; at++)
    if (memcmp (segment->data + at, "weir", 4) == 0 && open_block (segment, at, &head, NULL) && head.group > number)
      return TRUE;
  return FALSE;
}

/* What stands at the segment's `at` is damaged, for the reason @why. */
static gboolean
judge (WeirSegmentScan *scan, Segment *segment, gboolean is_last, const char *why, GError **error)
{
  if (!is_last || is_followed (segment, scan->next))
    return weir_folder_corrupt (scan->folder, segment->name, segment->at, why, error);
  scan->n_cut = segment->size - segment->at;
  return TRUE;
}

static gboolean
check_form (const WeirSegmentScan *scan, const Segment *segment, const char *form, GError **error)
{
  if (g_str_equal (form, scan->form))
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH,
               "%s/%s holds %s, and the stream is of %s now: give it another uid, or let the job go on as it was until "
               "all is processed",
               scan->folder->path, segment->name, form, scan->form);
  return FALSE;
}

/* @why: transfer full; what is wrong with the head. */
static gboolean
take_head (WeirSegmentScan *scan, Segment *segment, guint64 first, char **why, GError **error)
{
  g_autoptr (GError) damage = NULL;
  g_autofree char *form = NULL;
  const guint8 *payload;
  gsize size;
  WeirTaker taker;
  guint64 number;

  if (!weir_frame_open (segment->data, segment->size, WEIR_FRAME_SEGMENT, &payload, &size, &damage)) {
    *why = g_strdup (damage->message);
    return TRUE;
  }
  weir_taker_init (&taker, payload, size);
  number = weir_take_u64 (&taker);
  form = weir_take_string (&taker);
  if (!weir_taker_is_done (&taker) || number != first)
    *why = g_strdup ("the head is that of another segment");
  else if (!check_form (scan, segment, form, error))
    return FALSE;
  segment->at = weir_frame_size (size);
  return TRUE;
}

/* FALSE: there is no whole block here; @why (transfer full) is set unless it is the end. */
static gboolean
take_block (WeirSegmentScan *scan, Segment *segment, guint64 first, char **why)
{
  g_autoptr (GError) damage = NULL;
  WeirLoggedBlock block = { .segment = first, .offset = segment->at };
  Head head;

  if (segment->at == segment->size)
    return FALSE;
  if (!open_block (segment, segment->at, &head, &damage)) {
    *why = g_strdup (damage->message);
    return FALSE;
  }
  if (head.number != scan->next) {
    *why = g_strdup_printf ("here is block %" G_GUINT64_FORMAT ", and block %" G_GUINT64_FORMAT " should be",
                            head.number, scan->next);
    return FALSE;
  }
  block.number = scan->next++;
  block.size = head.size - WEIR_BLOCK_HEAD;
  block.n_records = head.n_records;
  g_array_append_val (scan->found, block);
  segment->at += weir_frame_size (head.size);
  return TRUE;
}

static gboolean
scan_loaded (WeirSegmentScan *scan, Segment *segment, guint64 first, gboolean is_last, GError **error)
{
  g_autofree char *why = NULL;

  if (!take_head (scan, segment, first, &why, error))
    return FALSE;
  while (why == NULL && take_block (scan, segment, first, &why))
    continue;
  scan->size = segment->at;
  return why == NULL || judge (scan, segment, is_last, why, error);
}

gboolean
weir_segment_scan (WeirSegmentScan *scan, guint64 first, gboolean is_last, GError **error)
{
  g_autoptr (GByteArray) data = g_byte_array_new ();
  g_autofree char *why = NULL;
  Segment segment = { 0 };
  gboolean found;

  weir_segment_name (first, segment.name);
  if (scan->next != 0 && scan->next != first) {
    why = g_strdup_printf ("the blocks before %" G_GUINT64_FORMAT ", from %" G_GUINT64_FORMAT " on, are missing", first,
                           scan->next);
    return weir_folder_corrupt (scan->folder, segment.name, 0, why, error);
  }
  scan->next = first;
  if (!weir_folder_load (scan->folder, segment.name, data, &found, error))
    return FALSE;
  segment.data = data->data;
  segment.size = data->len;
  return scan_loaded (scan, &segment, first, is_last, error);
}
