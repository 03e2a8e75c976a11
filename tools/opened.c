/* Owns opening a checkpoint for a command, and reading its pieces with errors that name them. Must not know commands. One
 * thread. SPDX-License-Identifier: Apache-2.0
 */
#include "tools/opened.h"

#include <string.h>

#include <weir/error.h>

#include "engine/frame.h"

#define LEASE (10 * G_USEC_PER_SEC)

/* Transfer full. */
static char *
uri_of (const char *place, GError **error)
{
  g_autofree char *path = NULL;

  if (strchr (place, ':') != NULL)
    return g_strdup (place);
  path = g_canonicalize_filename (place, NULL);
  return g_filename_to_uri (path, NULL, error);
}

gboolean
weir_opened_init (WeirOpened *opened, const WeirPlace *place, gboolean read_only, GError **error)
{
  g_autofree char *uri = uri_of (place->place, error);
  const WeirStoreKlass *klass = uri != NULL ? weir_store_find_class (uri, error) : NULL;
  WeirStoreSettings settings = {
    .uri = uri, .lease = LEASE, .password_file = place->password_file, .read_only = read_only
  };

  *opened = (WeirOpened){ 0 };
  if (klass == NULL)
    return FALSE;
  opened->store = g_malloc0 (klass->instance_size);
  opened->store->klass = klass;
  if (!klass->open (opened->store, &settings, error)) {
    g_clear_pointer (&opened->store, g_free);
    return FALSE;
  }
  if (klass->find (opened->store, &opened->sealed, &opened->prepared, error))
    return TRUE;
  weir_opened_clear (opened);
  return FALSE;
}

void
weir_opened_clear (WeirOpened *opened)
{
  if (opened->store == NULL)
    return;
  opened->store->klass->close (opened->store);
  g_clear_pointer (&opened->store, g_free);
}

static void
name_place (WeirOpened *opened, guint64 epoch, const WeirBlob *blob, GError **error)
{
  g_autofree char *where = opened->store->klass->describe (opened->store, epoch, blob);

  g_prefix_error (error, "%s: ", where);
}

WeirManifest *
weir_opened_read_manifest (WeirOpened *opened, guint64 epoch, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  WeirManifest *manifest = NULL;

  if (!opened->store->klass->read_manifest (opened->store, epoch, bytes, error))
    return NULL;
  manifest = weir_manifest_decode (bytes->data, bytes->len, error);
  if (manifest == NULL)
    name_place (opened, epoch, NULL, error);
  return manifest;
}

gboolean
weir_opened_read_state (WeirOpened *opened, const WeirBlob *blob, GByteArray *bytes, const guint8 **payload,
                        gsize *size, GError **error)
{
  if (!opened->store->klass->read (opened->store, blob, bytes, error))
    return FALSE;
  if (weir_frame_open (bytes->data, bytes->len, WEIR_FRAME_STATE, payload, size, error))
    return TRUE;
  name_place (opened, blob->epoch, blob, error);
  return FALSE;
}

guint64
weir_state_size (const WeirSavedState *state)
{
  guint64 size = 0;

  for (guint i = 0; i < state->blobs->len; i++)
    size += g_array_index (state->blobs, WeirBlob, i).size;
  return size;
}

gboolean
weir_opened_read_plans (WeirOpened *opened, guint64 epoch, GPtrArray *plans, GError **error)
{
  guint64 last = MAX (opened->sealed, opened->prepared) + WEIR_OPEN_EPOCHS;

  for (; epoch <= last; epoch++) {
    g_autoptr (GPtrArray) some = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);

    if (!opened->store->klass->read_plans (opened->store, epoch, some, error))
      return FALSE;
    for (guint i = 0; i < some->len; i++)
      g_ptr_array_add (plans, g_bytes_ref (g_ptr_array_index (some, i)));
  }
  return TRUE;
}
