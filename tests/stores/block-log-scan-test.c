/* Damage to logs of what was received: every length of a torn end, every bit of it flipped. Counts are printed.
 *
 * The log has the groups "one", "two three", "four five": what was synced together.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stores/block-log-scan.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#include <weir/error.h>

#include "tests/sinks/scratch.h"

#define N_BLOCKS 5

typedef struct {
  Scratch scratch;
  WeirLog log;
  char *whole; /* the segment as it was written */
  gsize size;
  gsize ends[N_BLOCKS + 1]; /* of the head, and of each block */
  const char *name;
} Fixture;

static WeirBlockLog *
open_log (Fixture *f, gsize segment_size, GArray *found, GError **error)
{
  return weir_block_log_open (&(WeirBlockLogSettings){ f->scratch.path, "texts", segment_size, &f->log }, found, error);
}

static void
write_log (Fixture *f, gsize segment_size)
{
  static const WeirLogEntry groups[][2] = { { { "one", 3, 1 } },
                                            { { "two", 3, 1 }, { "three", 5, 1 } },
                                            { { "four", 4, 1 }, { "five", 4, 1 } } };
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (WeirLoggedBlock));
  WeirBlockLog *log = open_log (f, segment_size, found, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (groups); i++)
    g_assert_true (weir_block_log_append (log, groups[i], i == 0 ? 1 : 2, NULL));
  weir_block_log_close (log);
}

static void
load (Fixture *f)
{
  g_autofree char *path = scratch_path (&f->scratch, f->name);

  g_assert_true (g_file_get_contents (path, &f->whole, &f->size, NULL));
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (WeirLoggedBlock));
  gsize segment_size = GPOINTER_TO_SIZE (data);

  *f = (Fixture){ .log = { "job", WEIR_LOG_ERROR }, .name = "blocks-1" };
  scratch_init (&f->scratch);
  write_log (f, segment_size);
  load (f);
  if (segment_size != 0)
    return;
  weir_block_log_close (open_log (f, 0, found, NULL));
  for (guint i = 0; i < N_BLOCKS; i++)
    f->ends[i] = g_array_index (found, WeirLoggedBlock, i).offset;
  f->ends[N_BLOCKS] = f->size;
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_free (f->whole);
  scratch_clear (&f->scratch);
}

static void
put (const Fixture *f, gsize size)
{
  g_autofree char *path = scratch_path (&f->scratch, f->name);
  FILE *file = fopen (path, "w");

  g_assert_nonnull (file);
  g_assert_cmpuint (fwrite (f->whole, 1, size, file), ==, size);
  g_assert_cmpint (fclose (file), ==, 0);
}

/* How many blocks are there; -1: it is corrupt, and the error says where. */
static int
count (Fixture *f)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (WeirLoggedBlock));
  g_autoptr (GError) error = NULL;
  WeirBlockLog *log = open_log (f, 0, found, &error);

  if (log == NULL) {
    g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT);
    g_assert_nonnull (strstr (error->message, "/blocks-"));
    g_assert_nonnull (strstr (error->message, " at "));
    return -1;
  }
  for (guint i = 0; i < found->len; i++)
    g_assert_cmpuint (g_array_index (found, WeirLoggedBlock, i).number, ==, i + 1);
  weir_block_log_close (log);
  return (int) found->len;
}

static void
append_one (Fixture *f)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (WeirLoggedBlock));
  const WeirLogEntry entry = { "more", 4, 1 };
  WeirBlockLog *log = open_log (f, 0, found, NULL);

  g_assert_true (weir_block_log_append (log, &entry, 1, NULL));
  weir_block_log_close (log);
}

static int
whole_blocks (const Fixture *f, gsize size)
{
  int n = 0;

  while (n < N_BLOCKS && f->ends[n + 1] <= size)
    n++;
  return n;
}

static void
test_of_every_length_the_whole_blocks_are_left (Fixture *f, gconstpointer data)
{
  for (gsize size = 0; size <= f->size; size++) {
    int n = whole_blocks (f, size);

    put (f, size);
    g_assert_cmpint (count (f), ==, n);
    append_one (f);
    g_assert_cmpint (count (f), ==, n + 1);
  }
  g_test_message ("%" G_GSIZE_FORMAT " lengths", f->size + 1);
}

/* A disk may keep the length of a file and lose what was in it. */
static void
test_of_every_length_zeros_behind_it_are_a_torn_end (Fixture *f, gconstpointer data)
{
  g_autofree char *whole = g_memdup2 (f->whole, f->size);

  for (gsize size = f->ends[3]; size < f->size; size++) {
    memcpy (f->whole, whole, f->size);
    memset (f->whole + size, 0, f->size - size);
    put (f, f->size);
    g_assert_cmpint (count (f), ==, whole_blocks (f, size));
  }
}

/* Of a group that was synced as one the disk may have the end and not the beginning. */
static void
test_of_a_torn_group_the_end_may_be_there_alone (Fixture *f, gconstpointer data)
{
  memset (f->whole + f->ends[3], 0, f->ends[4] - f->ends[3]); /* four is lost, five is there */
  put (f, f->size);
  g_assert_cmpint (count (f), ==, 3);
  append_one (f);
  g_assert_cmpint (count (f), ==, 4);
}

static void
flip (Fixture *f, gsize bit)
{
  f->whole[bit / 8] ^= (char) (1 << bit % 8);
}

/* Within the last group a flipped bit looks like a torn end: nothing behind it says that it was synced. */
static void
test_every_flipped_bit_before_the_last_group_is_named (Fixture *f, gconstpointer data)
{
  guint n = 0;

  for (gsize bit = 0; bit < f->size * 8; bit++) {
    int found;

    flip (f, bit);
    put (f, f->size);
    found = count (f);
    flip (f, bit);
    if (bit / 8 < f->ends[3])
      g_assert_cmpint (found, ==, -1);
    else
      g_assert_cmpint (found, ==, bit / 8 < f->ends[4] ? 3 : 4);
    n++;
  }
  g_test_message ("%u bits flipped", n);
}

static void
test_an_earlier_segment_has_no_torn_end (Fixture *f, gconstpointer data)
{
  for (gsize size = 0; size < f->size; size++) {
    put (f, size);
    g_assert_cmpint (count (f), ==, -1);
  }
  put (f, f->size);
  g_assert_cmpint (count (f), ==, N_BLOCKS);
}

static void
test_every_flipped_bit_of_an_earlier_segment_is_named (Fixture *f, gconstpointer data)
{
  for (gsize bit = 0; bit < f->size * 8; bit++) {
    flip (f, bit);
    put (f, f->size);
    g_assert_cmpint (count (f), ==, -1);
    flip (f, bit);
  }
}

static void
test_a_segment_that_is_missing_is_named (Fixture *f, gconstpointer data)
{
  g_autofree char *path = scratch_path (&f->scratch, "blocks-2");
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (WeirLoggedBlock));
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_null (open_log (f, 0, found, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT);
  g_assert_nonnull (strstr (error->message, "the blocks before 4, from 2 on, are missing"));
}

static void
test_other_files_are_no_segments (Fixture *f, gconstpointer data)
{
  scratch_write (&f->scratch, "blocks-", "");
  scratch_write (&f->scratch, "blocks-x", "");
  scratch_write (&f->scratch, "notes", "");
  g_assert_cmpint (count (f), ==, N_BLOCKS);
}

#define ADD(size, name)                                                                                                \
  g_test_add ("/block-log-scan/" #name, Fixture, GSIZE_TO_POINTER (size), set_up, test_##name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (0, of_every_length_the_whole_blocks_are_left);
  ADD (0, of_every_length_zeros_behind_it_are_a_torn_end);
  ADD (0, of_a_torn_group_the_end_may_be_there_alone);
  ADD (0, every_flipped_bit_before_the_last_group_is_named);
  ADD (1, an_earlier_segment_has_no_torn_end);
  ADD (1, every_flipped_bit_of_an_earlier_segment_is_named);
  ADD (1, a_segment_that_is_missing_is_named);
  ADD (0, other_files_are_no_segments);
  return g_test_run ();
}
