/* Damage to the files of a small checkpoint: each file cut to each length, and each of its bits turned, one at a time.
 * Whatever is found must be told, or be what was there; counts are printed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include <weir/error.h>

#include "tests/stores/file-place.h"
#include "tests/stores/script.h"

/* Epochs 1 and 2 are sealed, 3 is prepared; there are plans of all three. */
typedef struct {
  char *uri;
  char *name; /* of the file that is damaged */
  char *path;
  char *whole;
  gsize size;
  guint n_told, n_cut, n_right; /* cases: damage told; a torn end cut off; what is asked for is elsewhere */
} Fixture;

static void
set_up (Fixture *f, gconstpointer name)
{
  g_autoptr (GError) error = NULL;
  WeirStore *store;

  f->uri = file_place_make ();
  f->name = (char *) name;
  store = script_open (f->uri, &error);
  g_assert_no_error (error);
  g_assert_true (script_write_epoch (store, 1, NULL, &error));
  g_assert_true (script_write_epoch (store, 2, NULL, &error));
  g_assert_true (script_append_plans (store, 3, NULL, &error));
  g_assert_true (script_prepare (store, 3, &error));
  script_close (store);
  f->path = file_place_path (f->uri, name);
  g_assert_true (g_file_get_contents (f->path, &f->whole, &f->size, NULL));
}

static void
tear_down (Fixture *f, gconstpointer name)
{
  g_test_message ("%s, %" G_GSIZE_FORMAT " bytes: %u cases told, %u torn ends cut off, %u elsewhere", f->name, f->size,
                  f->n_told, f->n_cut, f->n_right);
  file_place_clear (f->uri);
  g_free (f->uri);
  g_free (f->path);
  g_free (f->whole);
}

/* Told, and the file is named. */
static gboolean
is_told (Fixture *f, gboolean ok, GError **error)
{
  if (ok) {
    g_assert_no_error (*error);
    return FALSE;
  }
  g_assert_error (*error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT);
  g_clear_error (error);
  f->n_told++;
  return TRUE;
}

/* Did looking for the checkpoint tell of damage? If not it found what is there. */
static gboolean
look (Fixture *f, WeirStore *store)
{
  g_autoptr (GError) error = NULL;
  guint64 sealed, prepared;

  if (is_told (f, store->klass->find (store, &sealed, &prepared, &error), &error))
    return TRUE;
  g_assert_cmpuint (sealed, ==, 2);
  g_assert_cmpuint (prepared, ==, 3);
  return FALSE;
}

static void
check_current (Fixture *f, WeirStore *store)
{
  g_assert_true (look (f, store));
}

/* A damaged epoch is told when it is read; others are as they were, unless they refer to it. */
static void
check_epoch (Fixture *f, WeirStore *store)
{
  guint64 damaged = (guint64) (f->name[strlen (f->name) - 1] - '0');

  g_assert_false (look (f, store));
  for (guint64 epoch = 1; epoch <= 3; epoch++) {
    g_autoptr (GError) error = NULL;
    gboolean told = is_told (f, script_check (store, epoch, &error), &error);

    if (epoch == damaged)
      g_assert_true (told);
    else if (!told)
      f->n_right++;
    else
      g_assert_cmpuint (epoch, ==, damaged + 1);
  }
}

/* A damaged file of plans is told, or its last entry counts as torn. */
static void
check_plans (Fixture *f, WeirStore *store)
{
  guint64 damaged = (guint64) (f->name[strlen (f->name) - 1] - '0');

  g_assert_false (look (f, store));
  for (guint64 epoch = 2; epoch <= 3; epoch++) {
    g_autoptr (GPtrArray) plans = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
    g_autoptr (GError) error = NULL;

    if (is_told (f, store->klass->read_plans (store, epoch, plans, &error), &error)) {
      g_assert_cmpuint (epoch, ==, damaged);
      continue;
    }
    if (epoch != damaged)
      g_assert_cmpuint (plans->len, ==, SCRIPT_PLANS);
    else
      f->n_cut++;
    script_check_plans (store, epoch, 0); /* those that are there are right */
  }
}

static void
check (Fixture *f, void (*check_kind) (Fixture *f, WeirStore *store), const char *content, gsize size)
{
  WeirStoreSettings settings = { .uri = f->uri, .read_only = TRUE };
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirStore) store = NULL;
  int fd = open (f->path, O_WRONLY | O_TRUNC | O_CLOEXEC);

  g_assert_cmpint (write (fd, content, size), ==, (gssize) size);
  close (fd);
  store = script_open_with (&settings, &error);
  g_assert_no_error (error);
  check_kind (f, store);
}

static void
check_all (Fixture *f, void (*check_kind) (Fixture *f, WeirStore *store))
{
  for (gsize size = 0; size < f->size; size++)
    check (f, check_kind, f->whole, size);
  for (gsize bit = 0; bit < f->size * 8; bit++) {
    f->whole[bit / 8] ^= (char) (1 << bit % 8);
    check (f, check_kind, f->whole, f->size);
    f->whole[bit / 8] ^= (char) (1 << bit % 8);
  }
  g_assert_cmpuint (f->n_told, >, f->size);
}

static void
test_current (Fixture *f, gconstpointer name)
{
  check_all (f, check_current);
  g_assert_cmpuint (f->n_told, ==, 9 * f->size);
}

static void
test_epoch (Fixture *f, gconstpointer name)
{
  check_all (f, check_epoch);
  g_assert_cmpuint (f->n_told, >=, 9 * f->size);
}

static void
test_plans (Fixture *f, gconstpointer name)
{
  check_all (f, check_plans);
  g_assert_cmpuint (f->n_told + f->n_cut, ==, 9 * f->size);
}

/* What has lost its newest file altogether says so, too. */
static void
test_missing (Fixture *f, gconstpointer name)
{
  WeirStoreSettings settings = { .uri = f->uri, .read_only = TRUE };
  g_autoptr (WeirStore) store = NULL;

  g_assert_cmpint (g_unlink (f->path), ==, 0);
  store = script_open_with (&settings, NULL);
  if (g_str_equal (name, "current"))
    check_current (f, store);
  else
    check_epoch (f, store);
}

#define add(path, name, test) g_test_add ("/file-damage/" path, Fixture, name, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("current", "current", test_current);
  add ("older-epoch", "epoch-1", test_epoch);
  add ("sealed-epoch", "epoch-2", test_epoch);
  add ("plans-of-the-sealed-epoch", "plans-2", test_plans);
  add ("plans-of-the-open-epoch", "plans-3", test_plans);
  add ("current-is-missing", "current", test_missing);
  add ("sealed-epoch-is-missing", "epoch-2", test_missing);
  return g_test_run ();
}
