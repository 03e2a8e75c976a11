/* Owns the made-up checkpoints. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/stores/script.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weir/error.h>

#include "engine/frame.h"

#define ATTEMPTS 3 /* after errors that may pass, with the store as it is */

static const WeirLog quiet = { .name = "script", .level = WEIR_LOG_ERROR };

WeirStore *
script_new_store (const char *uri)
{
  g_autoptr (GError) error = NULL;
  const WeirStoreKlass *klass = weir_store_find_class (uri, &error);
  WeirStore *store;

  g_assert_no_error (error);
  store = g_malloc0 (klass->instance_size);
  store->klass = klass;
  return store;
}

WeirStore *
script_open_with (const WeirStoreSettings *settings, GError **error)
{
  WeirStore *store = script_new_store (settings->uri);

  if (store->klass->open (store, settings, error))
    return store;
  g_free (store);
  return NULL;
}

WeirStore *
script_open_for (const char *uri, gint64 lease, GError **error)
{
  WeirStoreSettings settings = { .uri = uri, .lease = lease, .log = &quiet };

  return script_open_with (&settings, error);
}

WeirStore *
script_open (const char *uri, GError **error)
{
  return script_open_for (uri, 10 * G_USEC_PER_SEC, error);
}

void
script_close (WeirStore *store)
{
  store->klass->close (store);
  g_free (store);
}

GBytes *
script_plan (guint64 epoch, guint i)
{
  char *text = g_strdup_printf ("plan %u of epoch %" G_GUINT64_FORMAT, i, epoch);

  return g_bytes_new_take (text, strlen (text));
}

GByteArray *
script_blob (guint64 epoch, guint i)
{
  GByteArray *blob = g_byte_array_new ();
  guint start = weir_frame_begin (blob);

  for (guint64 n = 0; n < 3 + i * 5; n++)
    weir_put_u64 (blob, epoch * 1000003 + i * 10007 + n);
  weir_frame_end (blob, start, WEIR_FRAME_STATE);
  return blob;
}

gboolean
script_append_plans (WeirStore *store, guint64 epoch, ScriptSaid said, GError **error)
{
  for (guint i = 0; i < SCRIPT_PLANS; i++) {
    g_autoptr (GBytes) plan = script_plan (epoch, i);
    gsize size;
    gconstpointer data = g_bytes_get_data (plan, &size);

    if (!store->klass->append_plan (store, epoch, data, size, error))
      return FALSE;
    if (said != NULL)
      said ("plan", epoch);
  }
  return TRUE;
}

static void
put_place (GByteArray *manifest, const WeirBlob *blob)
{
  weir_put_u64 (manifest, blob->epoch);
  weir_put_u64 (manifest, blob->offset);
  weir_put_u64 (manifest, blob->size);
}

static gboolean
take_places (const GByteArray *manifest, guint64 epoch, WeirBlob *places, guint *n, GError **error)
{
  const guint8 *payload;
  gsize size;
  WeirTaker taker;

  if (!weir_frame_open (manifest->data, manifest->len, WEIR_FRAME_MANIFEST, &payload, &size, error))
    return FALSE;
  weir_taker_init (&taker, payload, size);
  g_assert_cmpuint (weir_take_u64 (&taker), ==, epoch);
  *n = (guint) ((size - 8) / sizeof (WeirBlob));
  g_assert_cmpuint (*n, <=, 2 * SCRIPT_BLOBS);
  for (guint i = 0; i < *n; i++) {
    places[i].epoch = weir_take_u64 (&taker);
    places[i].offset = weir_take_u64 (&taker);
    places[i].size = weir_take_u64 (&taker);
  }
  g_assert_true (weir_taker_is_done (&taker));
  return TRUE;
}

/* The blobs that the epoch before put, as its manifest says. */
static gboolean
put_older (WeirStore *store, guint64 before, GByteArray *manifest, GError **error)
{
  g_autoptr (GByteArray) older = g_byte_array_new ();
  WeirBlob places[2 * SCRIPT_BLOBS];
  guint n;

  if (before == 0)
    return TRUE;
  if (!store->klass->read_manifest (store, before, older, error) || !take_places (older, before, places, &n, error))
    return FALSE;
  for (guint i = n - SCRIPT_BLOBS; i < n; i++)
    put_place (manifest, &places[i]);
  return TRUE;
}

gboolean
script_prepare (WeirStore *store, guint64 epoch, GError **error)
{
  g_autoptr (GByteArray) manifest = g_byte_array_new ();
  guint start = weir_frame_begin (manifest);

  weir_put_u64 (manifest, epoch);
  if (!put_older (store, epoch - 1, manifest, error) || !store->klass->begin (store, epoch, error))
    return FALSE;
  for (guint i = 0; i < SCRIPT_BLOBS; i++) {
    g_autoptr (GByteArray) data = script_blob (epoch, i);
    WeirBlob blob;

    if (!store->klass->put (store, data->data, data->len, &blob, error))
      return FALSE;
    put_place (manifest, &blob);
  }
  weir_frame_end (manifest, start, WEIR_FRAME_MANIFEST);
  return store->klass->prepare (store, manifest->data, manifest->len, error);
}

gboolean
script_write_epoch (WeirStore *store, guint64 epoch, ScriptSaid said, GError **error)
{
  guint64 keep[2] = { epoch - 1, epoch };

  if (!script_append_plans (store, epoch, said, error) || !script_prepare (store, epoch, error) ||
      !store->klass->seal (store, epoch, error))
    return FALSE;
  if (said != NULL)
    said ("sealed", epoch);
  return store->klass->forget (store, keep, 2, error);
}

static gboolean
check_blob (WeirStore *store, const WeirBlob *place, guint i, GError **error)
{
  g_autoptr (GByteArray) found = g_byte_array_new ();
  g_autoptr (GByteArray) expected = script_blob (place->epoch, i);
  const guint8 *payload;
  gsize size;

  if (!store->klass->read (store, place, found, error) ||
      !weir_frame_open (found->data, found->len, WEIR_FRAME_STATE, &payload, &size, error))
    return FALSE;
  g_assert_cmpmem (found->data, found->len, expected->data, expected->len);
  return TRUE;
}

gboolean
script_check (WeirStore *store, guint64 epoch, GError **error)
{
  g_autoptr (GByteArray) manifest = g_byte_array_new ();
  WeirBlob places[2 * SCRIPT_BLOBS];
  guint n;

  if (!store->klass->read_manifest (store, epoch, manifest, error) || !take_places (manifest, epoch, places, &n, error))
    return FALSE;
  g_assert_cmpuint (n, ==, epoch == 1 ? SCRIPT_BLOBS : 2 * SCRIPT_BLOBS);
  for (guint i = 0; i < n; i++) {
    g_assert_cmpuint (places[i].epoch, ==, n - i <= SCRIPT_BLOBS ? epoch : epoch - 1);
    if (!check_blob (store, &places[i], i % SCRIPT_BLOBS, error))
      return FALSE;
  }
  return TRUE;
}

void
script_check_plans (WeirStore *store, guint64 epoch, guint n_least)
{
  g_autoptr (GPtrArray) plans = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (GError) error = NULL;

  store->klass->read_plans (store, epoch, plans, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (plans->len, >=, n_least);
  for (guint i = 0, n = 0; i < plans->len; i++, n++) {
    g_autoptr (GBytes) next = script_plan (epoch, n);
    g_autoptr (GBytes) first = script_plan (epoch, 0); /* who begins again appends all again */

    if (g_bytes_equal (g_ptr_array_index (plans, i), next))
      continue;
    g_assert_true (g_bytes_equal (g_ptr_array_index (plans, i), first));
    n = 0;
  }
}

static void
say (const char *what, guint64 epoch)
{
  g_autofree char *line = g_strdup_printf ("%s %" G_GUINT64_FORMAT "\n", what, epoch);

  /* Not by printf (), whose writing a preloaded library does not see. */
  g_assert_cmpint (write (STDOUT_FILENO, line, strlen (line)), ==, (gssize) strlen (line));
}

/* What was prepared and not sealed is sealed if its number is even, dropped if it is odd. */
static gboolean
settle (WeirStore *store, guint64 *sealed, GError **error)
{
  guint64 prepared;

  if (!store->klass->find (store, sealed, &prepared, error))
    return FALSE;
  if (*sealed > 0 && !script_check (store, *sealed, error))
    return FALSE;
  if (prepared == 0)
    return TRUE;
  g_assert_cmpuint (prepared, ==, *sealed + 1);
  if (!script_check (store, prepared, error))
    return FALSE;
  if (prepared % 2 != 0)
    return store->klass->drop_prepared (store, prepared, error);
  *sealed = prepared;
  if (!store->klass->seal (store, prepared, error))
    return FALSE;
  say ("sealed", prepared);
  return TRUE;
}

static gboolean
work (WeirStore *store, guint64 last, GError **error)
{
  guint64 sealed;

  if (!settle (store, &sealed, error))
    return FALSE;
  for (guint64 epoch = sealed + 1; epoch <= last; epoch++)
    if (!script_write_epoch (store, epoch, say, error))
      return FALSE;
  return TRUE;
}

/* Once, with a store that may be open already. */
static gboolean
try_to_work (WeirStore **store, const char *uri, guint64 last, GError **error)
{
  const char *lease = g_getenv ("WEIR_TEST_LEASE");

  if (*store == NULL)
    *store = script_open_for (uri, lease != NULL ? g_ascii_strtoll (lease, NULL, 10) : 10 * G_USEC_PER_SEC, error);
  return *store != NULL && work (*store, last, error);
}

int
script_main (const char *uri, guint64 last)
{
  g_autoptr (WeirStore) store = NULL;

  for (guint i = 0; i < ATTEMPTS; i++) {
    g_autoptr (GError) error = NULL;

    if (try_to_work (&store, uri, last, &error))
      return 0;
    fprintf (stderr, "error %d: %s\n", error->code, error->message);
    if (!weir_error_is_retriable (error))
      break;
  }
  return 3;
}
