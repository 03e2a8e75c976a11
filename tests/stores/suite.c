/* Owns the tests that all stores share. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/stores/suite.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <weir/error.h>

typedef struct {
  const SuiteKind *kind;
  char *uri;
  WeirStore *store;
} Fixture;

static void
reopen (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&f->store, script_close);
  f->store = script_open (f->uri, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->kind = data;
  f->uri = f->kind->make ();
  reopen (f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->store, script_close);
  if (f->kind->clear != NULL)
    f->kind->clear (f->uri);
  g_free (f->uri);
}

#define done(call)                                                                                                     \
  do {                                                                                                                 \
    GError *done_error = NULL;                                                                                         \
    gboolean is_done = call;                                                                                           \
    g_assert_no_error (done_error);                                                                                    \
    g_assert_true (is_done);                                                                                           \
  } while (0)

static void
seal_epoch (Fixture *f, guint64 epoch)
{
  done (script_append_plans (f->store, epoch, NULL, &done_error));
  done (script_prepare (f->store, epoch, &done_error));
  done (f->store->klass->seal (f->store, epoch, &done_error));
}

static void
expect_found (Fixture *f, guint64 sealed, guint64 prepared)
{
  guint64 found_sealed = 77, found_prepared = 77;

  done (f->store->klass->find (f->store, &found_sealed, &found_prepared, &done_error));
  g_assert_cmpuint (found_sealed, ==, sealed);
  g_assert_cmpuint (found_prepared, ==, prepared);
}

static void
expect_epochs (Fixture *f, const char *expected)
{
  g_autoptr (GArray) epochs = g_array_new (FALSE, FALSE, sizeof (guint64));
  g_autoptr (GString) text = g_string_new (NULL);

  done (f->store->klass->list (f->store, epochs, &done_error));
  for (guint i = 0; i < epochs->len; i++)
    g_string_append_printf (text, "%s%" G_GUINT64_FORMAT, i > 0 ? " " : "", g_array_index (epochs, guint64, i));
  g_assert_cmpstr (text->str, ==, expected);
}

static guint
count_plans (Fixture *f, guint64 epoch)
{
  g_autoptr (GPtrArray) plans = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);

  done (f->store->klass->read_plans (f->store, epoch, plans, &done_error));
  return plans->len;
}

static void
expect_error (gboolean ok, GError *error, int code, const char *part)
{
  g_assert_false (ok);
  g_assert_error (error, WEIR_ERROR, code);
  if (part != NULL && strstr (error->message, part) == NULL)
    g_error ("no '%s' in: %s", part, error->message);
  g_error_free (error);
}

#define refused(call, code, part)                                                                                      \
  do {                                                                                                                 \
    GError *refused_error = NULL;                                                                                      \
    gboolean refused_ok = call;                                                                                        \
    expect_error (refused_ok, refused_error, code, part);                                                              \
  } while (0)

static void
test_new_store_is_empty (Fixture *f, gconstpointer data)
{
  expect_found (f, 0, 0);
  expect_epochs (f, "");
  g_assert_cmpuint (count_plans (f, 1), ==, 0);
  reopen (f);
  expect_found (f, 0, 0);
}

static void
test_sealed_epoch_is_read_again (Fixture *f, gconstpointer data)
{
  seal_epoch (f, 1);
  done (script_check (f->store, 1, &done_error));
  seal_epoch (f, 2);
  reopen (f);
  expect_found (f, 2, 0);
  expect_epochs (f, "1 2");
  done (script_check (f->store, 1, &done_error));
  done (script_check (f->store, 2, &done_error));
}

static void
test_prepared_is_not_sealed (Fixture *f, gconstpointer data)
{
  seal_epoch (f, 1);
  done (script_prepare (f->store, 2, &done_error));
  reopen (f);
  expect_found (f, 1, 2);
  done (script_check (f->store, 2, &done_error));
  done (f->store->klass->seal (f->store, 2, &done_error));
  expect_found (f, 2, 0);
}

static void
test_dropped_epoch_is_gone (Fixture *f, gconstpointer data)
{
  seal_epoch (f, 1);
  done (script_append_plans (f->store, 2, NULL, &done_error));
  done (script_prepare (f->store, 2, &done_error));
  done (f->store->klass->drop_prepared (f->store, 2, &done_error));
  expect_found (f, 1, 0);
  expect_epochs (f, "1");
  refused (f->store->klass->seal (f->store, 2, &refused_error), WEIR_ERROR_CHECKPOINT_CORRUPT, "2");
  reopen (f);
  expect_found (f, 1, 0);
  g_assert_cmpuint (count_plans (f, 2), ==, SCRIPT_PLANS); /* those are to be run again */
  seal_epoch (f, 2);
  done (script_check (f->store, 2, &done_error));
}

static void
test_begin_forgets_what_was_put (Fixture *f, gconstpointer data)
{
  WeirBlob blob;

  done (f->store->klass->begin (f->store, 1, &done_error));
  done (f->store->klass->put (f->store, "leftover", 8, &blob, &done_error));
  seal_epoch (f, 1);
  done (script_prepare (f->store, 2, &done_error));
  done (f->store->klass->begin (f->store, 2, &done_error));
  expect_found (f, 1, 0);
  reopen (f);
  expect_found (f, 1, 0);
  done (script_check (f->store, 1, &done_error));
}

static void
test_sealing_twice_changes_nothing (Fixture *f, gconstpointer data)
{
  seal_epoch (f, 1);
  done (f->store->klass->seal (f->store, 1, &done_error));
  expect_found (f, 1, 0);
}

static void
test_late_calls_hide_nothing (Fixture *f, gconstpointer data)
{
  seal_epoch (f, 1);
  seal_epoch (f, 2);
  refused (f->store->klass->seal (f->store, 1, &refused_error), WEIR_ERROR_FAILED, "newer");
  refused (f->store->klass->begin (f->store, 2, &refused_error), WEIR_ERROR_FAILED, "2");
  refused (f->store->klass->begin (f->store, 1, &refused_error), WEIR_ERROR_FAILED, "1");
  refused (f->store->klass->drop_prepared (f->store, 2, &refused_error), WEIR_ERROR_FAILED, "2");
  expect_found (f, 2, 0);
  done (script_check (f->store, 2, &done_error));
}

static void
test_sealing_what_was_not_prepared_is_refused (Fixture *f, gconstpointer data)
{
  WeirBlob blob;

  seal_epoch (f, 1);
  done (f->store->klass->begin (f->store, 2, &done_error));
  done (f->store->klass->put (f->store, "abc", 3, &blob, &done_error));
  refused (f->store->klass->seal (f->store, 2, &refused_error), WEIR_ERROR_CHECKPOINT_CORRUPT, "2");
  expect_found (f, 1, 0);
}

static void
test_putting_needs_a_beginning (Fixture *f, gconstpointer data)
{
  WeirBlob blob;

  refused (f->store->klass->put (f->store, "abc", 3, &blob, &refused_error), WEIR_ERROR_FAILED, "begin");
  refused (f->store->klass->prepare (f->store, "abc", 3, &refused_error), WEIR_ERROR_FAILED, "begin");
  expect_found (f, 0, 0);
}

static void
test_plans_stay_in_order (Fixture *f, gconstpointer data)
{
  done (script_append_plans (f->store, 1, NULL, &done_error));
  done (script_append_plans (f->store, 2, NULL, &done_error));
  reopen (f);
  done (script_append_plans (f->store, 2, NULL, &done_error));
  script_check_plans (f->store, 1, SCRIPT_PLANS);
  script_check_plans (f->store, 2, 2 * SCRIPT_PLANS);
  g_assert_cmpuint (count_plans (f, 1), ==, SCRIPT_PLANS);
  g_assert_cmpuint (count_plans (f, 2), ==, 2 * SCRIPT_PLANS);
  g_assert_cmpuint (count_plans (f, 3), ==, 0);
}

static void
test_empty_pieces_are_pieces (Fixture *f, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  WeirBlob blob;

  g_byte_array_append (bytes, (const guint8 *) "old", 3);
  done (f->store->klass->append_plan (f->store, 1, "", 0, &done_error));
  done (f->store->klass->begin (f->store, 1, &done_error));
  done (f->store->klass->put (f->store, "", 0, &blob, &done_error));
  done (f->store->klass->prepare (f->store, "", 0, &done_error));
  done (f->store->klass->seal (f->store, 1, &done_error));
  reopen (f);
  g_assert_cmpuint (count_plans (f, 1), ==, 1);
  done (f->store->klass->read (f->store, &blob, bytes, &done_error));
  g_assert_cmpuint (bytes->len, ==, 0);
  done (f->store->klass->read_manifest (f->store, 1, bytes, &done_error));
  g_assert_cmpuint (bytes->len, ==, 0);
}

static void
fill (guint8 *data, gsize size)
{
  guint64 x = 88172645463325252u;

  for (gsize i = 0; i < size; i++) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    data[i] = (guint8) x;
  }
}

static void
test_big_pieces_come_back (Fixture *f, gconstpointer data)
{
  gsize size = 40 * 1000 * 1000 + 17;
  g_autofree guint8 *big = g_malloc (size);
  g_autoptr (GByteArray) found = g_byte_array_new ();
  WeirBlob small, blob;

  fill (big, size);
  done (f->store->klass->begin (f->store, 1, &done_error));
  done (f->store->klass->put (f->store, "small", 5, &small, &done_error));
  done (f->store->klass->put (f->store, big, size, &blob, &done_error));
  done (f->store->klass->prepare (f->store, big, size / 2, &done_error));
  done (f->store->klass->seal (f->store, 1, &done_error));
  done (f->store->klass->read (f->store, &blob, found, &done_error));
  g_assert_cmpuint (found->len, ==, size);
  g_assert_true (memcmp (found->data, big, size) == 0);
  done (f->store->klass->read_manifest (f->store, 1, found, &done_error));
  g_assert_cmpuint (found->len, ==, size / 2);
  g_assert_true (memcmp (found->data, big, size / 2) == 0);
  done (f->store->klass->read (f->store, &small, found, &done_error));
  g_assert_cmpmem (found->data, found->len, "small", 5);
}

static void
test_forget_keeps_what_is_named (Fixture *f, gconstpointer data)
{
  guint64 keep[] = { 2, 4 };

  for (guint64 epoch = 1; epoch <= 5; epoch++)
    seal_epoch (f, epoch);
  done (script_append_plans (f->store, 6, NULL, &done_error));
  done (script_prepare (f->store, 6, &done_error));
  done (f->store->klass->forget (f->store, keep, 2, &done_error));
  expect_epochs (f, "2 4 5 6"); /* neither the current one nor what comes after is forgotten */
  expect_found (f, 5, 6);
  g_assert_cmpuint (count_plans (f, 1), ==, 0);
  g_assert_cmpuint (count_plans (f, 2), ==, SCRIPT_PLANS);
  g_assert_cmpuint (count_plans (f, 3), ==, 0);
  g_assert_cmpuint (count_plans (f, 5), ==, SCRIPT_PLANS);
  g_assert_cmpuint (count_plans (f, 6), ==, SCRIPT_PLANS);
  refused (script_check (f->store, 1, &refused_error), WEIR_ERROR_CHECKPOINT_CORRUPT, "1");
  done (script_check (f->store, 5, &done_error));
  done (script_check (f->store, 6, &done_error));
}

#define LEASE      (G_USEC_PER_SEC * 6 / 10)
#define LONG_LEASE (G_USEC_PER_SEC * 12) /* more than a busy machine keeps its owner from renewing it */

/* Somebody who wants the store while it is another's. */
typedef struct {
  const char *uri;
  pthread_mutex_t lock; /* of what follows */
  pthread_cond_t changed;
  gboolean is_done;
  WeirStore *store;
  GError *error;
} Rival;

static gpointer
try_to_open (gpointer data)
{
  Rival *rival = data;

  rival->store = script_open_for (rival->uri, LONG_LEASE, &rival->error);
  pthread_mutex_lock (&rival->lock);
  rival->is_done = TRUE;
  pthread_cond_signal (&rival->changed);
  pthread_mutex_unlock (&rival->lock);
  return NULL;
}

static void
renew_until_done (WeirStore *store, Rival *rival)
{
  pthread_mutex_lock (&rival->lock);
  while (!rival->is_done) {
    struct timespec until;

    done (store->klass->renew (store, &done_error));
    clock_gettime (CLOCK_REALTIME, &until);
    until.tv_nsec += LEASE / 10 * 1000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait (&rival->changed, &rival->lock, &until);
  }
  pthread_mutex_unlock (&rival->lock);
}

static void
test_second_owner_is_told_of_the_first (Fixture *f, gconstpointer data)
{
  g_autofree char *pid = g_strdup_printf ("process %d on host %s", (int) getpid (), g_get_host_name ());
  Rival rival = { .uri = f->uri, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
  pthread_t thread;

  script_close (f->store);
  f->store = script_open_for (f->uri, LONG_LEASE, NULL);
  seal_epoch (f, 1);
  g_assert_cmpint (pthread_create (&thread, NULL, try_to_open, &rival), ==, 0);
  renew_until_done (f->store, &rival);
  pthread_join (thread, NULL);
  g_assert_null (rival.store);
  expect_error (FALSE, rival.error, WEIR_ERROR_CHECKPOINT_LOCKED, pid);
  seal_epoch (f, 2);
  reopen (f);
  expect_found (f, 2, 0);
}

/* A store may remember for a part of the lease that the token is its own. */
static void
renew_until_fenced (WeirStore *store)
{
  gint64 deadline = g_get_monotonic_time () + 20 * LEASE;
  g_autoptr (GError) error = NULL;

  while (store->klass->renew (store, &error))
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_FENCED);
}

static void
expect_fenced (Fixture *f)
{
  const WeirStoreKlass *klass = f->store->klass;

  refused (klass->append_plan (f->store, 2, "x", 1, &refused_error), WEIR_ERROR_FENCED, NULL);
  renew_until_fenced (f->store);
  refused (klass->seal (f->store, 2, &refused_error), WEIR_ERROR_FENCED, NULL);
  refused (klass->drop_prepared (f->store, 2, &refused_error), WEIR_ERROR_FENCED, NULL);
  refused (klass->forget (f->store, NULL, 0, &refused_error), WEIR_ERROR_FENCED, NULL);
  refused (klass->begin (f->store, 3, &refused_error), WEIR_ERROR_FENCED, NULL);
}

static void
test_who_lost_the_token_touches_nothing (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  script_close (f->store);
  f->store = script_open_for (f->uri, LEASE, NULL);
  seal_epoch (f, 1);
  done (script_prepare (f->store, 2, &done_error));
  f->kind->take_over (f->uri);
  expect_fenced (f);
  script_close (f->store); /* the token that it gives back is not its own */
  f->store = script_open_with (&(WeirStoreSettings){ .uri = f->uri, .read_only = TRUE }, &error);
  g_assert_no_error (error);
  expect_found (f, 1, 2);
  g_assert_cmpuint (count_plans (f, 2), ==, 0);
}

static void
test_readers_change_nothing (Fixture *f, gconstpointer data)
{
  WeirStoreSettings settings = { .uri = f->uri, .read_only = TRUE };
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirStore) reader = NULL;

  seal_epoch (f, 1);
  reader = script_open_with (&settings, &error); /* beside the owner */
  g_assert_no_error (error);
  done (script_check (reader, 1, &done_error));
  refused (reader->klass->begin (reader, 2, &refused_error), WEIR_ERROR_FAILED, "reading");
  refused (reader->klass->append_plan (reader, 2, "x", 1, &refused_error), WEIR_ERROR_FAILED, "reading");
  refused (reader->klass->seal (reader, 1, &refused_error), WEIR_ERROR_FAILED, "reading");
  seal_epoch (f, 2);
}

static gpointer
append_in_between (gpointer data)
{
  WeirStore *store = data;

  for (guint i = 0; i < 20; i++)
    done (script_append_plans (store, 3 + i % 2, NULL, &done_error));
  return NULL;
}

static void
test_plans_come_from_another_thread (Fixture *f, gconstpointer data)
{
  pthread_t thread;

  g_assert_cmpint (pthread_create (&thread, NULL, append_in_between, f->store), ==, 0);
  for (guint i = 0; i < 5; i++)
    done (script_prepare (f->store, 1, &done_error));
  done (f->store->klass->seal (f->store, 1, &done_error));
  pthread_join (thread, NULL);
  script_check_plans (f->store, 3, 10 * SCRIPT_PLANS);
  script_check_plans (f->store, 4, 10 * SCRIPT_PLANS);
  done (script_check (f->store, 1, &done_error));
}

static void
test_places_can_be_told (Fixture *f, gconstpointer data)
{
  WeirBlob blob = { .epoch = 12, .offset = 3456, .size = 7 };
  g_autofree char *place = f->store->klass->describe (f->store, 12, &blob);
  g_autofree char *manifest = f->store->klass->describe (f->store, 13, NULL);

  g_assert_nonnull (strstr (place, "12"));
  g_assert_nonnull (strstr (place, "3456"));
  g_assert_nonnull (strstr (manifest, "13"));
}

static const struct {
  const char *name;
  void (*test) (Fixture *f, gconstpointer data);
} tests[] = {
  { "new-store-is-empty", test_new_store_is_empty },
  { "sealed-epoch-is-read-again", test_sealed_epoch_is_read_again },
  { "prepared-is-not-sealed", test_prepared_is_not_sealed },
  { "dropped-epoch-is-gone", test_dropped_epoch_is_gone },
  { "begin-forgets-what-was-put", test_begin_forgets_what_was_put },
  { "sealing-twice-changes-nothing", test_sealing_twice_changes_nothing },
  { "late-calls-hide-nothing", test_late_calls_hide_nothing },
  { "sealing-what-was-not-prepared-is-refused", test_sealing_what_was_not_prepared_is_refused },
  { "putting-needs-a-beginning", test_putting_needs_a_beginning },
  { "plans-stay-in-order", test_plans_stay_in_order },
  { "empty-pieces-are-pieces", test_empty_pieces_are_pieces },
  { "big-pieces-come-back", test_big_pieces_come_back },
  { "forget-keeps-what-is-named", test_forget_keeps_what_is_named },
  { "second-owner-is-told-of-the-first", test_second_owner_is_told_of_the_first },
  { "who-lost-the-token-touches-nothing", test_who_lost_the_token_touches_nothing },
  { "readers-change-nothing", test_readers_change_nothing },
  { "plans-come-from-another-thread", test_plans_come_from_another_thread },
  { "places-can-be-told", test_places_can_be_told },
};

void
suite_add (const SuiteKind *kind)
{
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++) {
    g_autofree char *path = g_strdup_printf ("/%s/%s", kind->name, tests[i].name);

    g_test_add (path, Fixture, kind, set_up, tests[i].test, tear_down);
  }
}
