/* Owns the model of a disk. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/shims/power-cut.h"

#include <string.h>

#include <glib/gstdio.h>

#include "tests/shims/record.h"

typedef struct {
  RecordKind kind;
  guint64 offset;
  char *path, *to; /* below the root */
  GBytes *data;
} Event;

struct _PowerCut {
  GPtrArray *events; /* of Event */
};

/* A file's content: a folder has none. */
typedef struct {
  gboolean is_folder;
  GByteArray *synced;
  GPtrArray *writes; /* of Event: not synced */
} Node;

/* A name that changed, and is not synced. */
typedef struct {
  char *folder; /* that it is in */
  char *from;   /* NULL: none went */
  char *to;     /* NULL: none came */
  Node *node;
} Change;

typedef struct {
  GHashTable *seen;   /* path -> Node: as processes see it */
  GHashTable *kept;   /* path -> Node: as the disk has it */
  GPtrArray *changes; /* of Change */
  GPtrArray *nodes;   /* all */
} Disk;

static void
event_free (gpointer data)
{
  Event *event = data;

  g_free (event->path);
  g_free (event->to);
  g_bytes_unref (event->data);
  g_free (event);
}

static char *
below (const char *path, const char *root)
{
  gsize n = strlen (root);

  if (strncmp (path, root, n) != 0 || (path[n] != '/' && path[n] != '\0'))
    return NULL;
  return g_strdup (path[n] == '/' ? path + n + 1 : "");
}

/* NULL: it is of something else. */
static Event *
event_new (const RecordHeader *header, const char *strings, const char *root)
{
  g_autofree char *path = g_strndup (strings, header->path_size);
  g_autofree char *to = g_strndup (strings + header->path_size, header->to_size);
  Event *event = g_new0 (Event, 1);

  event->kind = header->kind;
  event->offset = header->offset;
  event->path = header->kind == RECORD_SAID ? g_strdup ("") : below (path, root);
  event->to = below (to, root);
  event->data = g_bytes_new (strings + header->path_size + header->to_size, header->data_size);
  if (event->path != NULL)
    return event;
  event_free (event);
  return NULL;
}

PowerCut *
power_cut_new (const char *record, const char *root)
{
  PowerCut *cut = g_new0 (PowerCut, 1);
  g_autofree char *bytes = NULL;
  gsize size, at = 0;

  cut->events = g_ptr_array_new_with_free_func (event_free);
  g_assert_true (g_file_get_contents (record, &bytes, &size, NULL));
  while (at < size) {
    RecordHeader header;
    Event *event;

    g_assert_cmpuint (at + sizeof header, <=, size);
    memcpy (&header, bytes + at, sizeof header);
    at += sizeof header;
    event = event_new (&header, bytes + at, root);
    at += header.path_size + header.to_size + header.data_size;
    g_assert_cmpuint (at, <=, size);
    if (event != NULL)
      g_ptr_array_add (cut->events, event);
  }
  return cut;
}

void
power_cut_free (PowerCut *cut)
{
  g_ptr_array_unref (cut->events);
  g_free (cut);
}

guint
power_cut_n_events (const PowerCut *cut)
{
  return cut->events->len;
}

/* --- the disk --- */

static void
node_free (gpointer data)
{
  Node *node = data;

  g_byte_array_unref (node->synced);
  g_ptr_array_unref (node->writes);
  g_free (node);
}

static void
change_free (gpointer data)
{
  Change *change = data;

  g_free (change->folder);
  g_free (change->from);
  g_free (change->to);
  g_free (change);
}

static void
disk_init (Disk *disk)
{
  disk->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  disk->kept = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  disk->changes = g_ptr_array_new_with_free_func (change_free);
  disk->nodes = g_ptr_array_new_with_free_func (node_free);
}

static void
disk_clear (Disk *disk)
{
  g_hash_table_unref (disk->seen);
  g_hash_table_unref (disk->kept);
  g_ptr_array_unref (disk->changes);
  g_ptr_array_unref (disk->nodes);
}

static Node *
add_node (Disk *disk, gboolean is_folder)
{
  Node *node = g_new0 (Node, 1);

  node->is_folder = is_folder;
  node->synced = g_byte_array_new ();
  node->writes = g_ptr_array_new ();
  g_ptr_array_add (disk->nodes, node);
  return node;
}

/* What is below a folder that moves goes with it. */
static void
move_below (GHashTable *names, const char *from, const char *to)
{
  g_autofree char *prefix = g_strconcat (from, "/", NULL);
  g_autoptr (GList) paths = g_hash_table_get_keys (names);

  for (GList *path = paths; path != NULL; path = path->next)
    if (g_str_has_prefix (path->data, prefix)) {
      char *moved = g_strconcat (to, "/", (char *) path->data + strlen (prefix), NULL);
      gpointer node = g_hash_table_lookup (names, path->data);

      g_hash_table_remove (names, path->data);
      g_hash_table_insert (names, moved, node);
    }
}

static void
apply_change (GHashTable *names, const Change *change)
{
  if (change->from != NULL)
    g_hash_table_remove (names, change->from);
  if (change->to != NULL)
    g_hash_table_insert (names, g_strdup (change->to), change->node);
  if (change->from != NULL && change->to != NULL && change->node->is_folder)
    move_below (names, change->from, change->to);
}

static void
change_name (Disk *disk, const char *from, const char *to, Node *node)
{
  Change *change = g_new0 (Change, 1);

  change->folder = g_path_get_dirname (to != NULL ? to : from);
  change->from = g_strdup (from);
  change->to = g_strdup (to);
  change->node = node;
  apply_change (disk->seen, change);
  g_ptr_array_add (disk->changes, change);
}

static void
sync_folder (Disk *disk, const char *path)
{
  const char *folder = path[0] == '\0' ? "." : path;

  for (guint i = 0; i < disk->changes->len;) {
    Change *change = g_ptr_array_index (disk->changes, i);

    if (!g_str_equal (change->folder, folder)) {
      i++;
      continue;
    }
    apply_change (disk->kept, change);
    g_ptr_array_remove_index (disk->changes, i);
  }
}

/* @size: so much of the data; -1: all. */
static void
apply_write (GByteArray *content, const Event *event, gssize size)
{
  gsize n;
  const guint8 *data = g_bytes_get_data (event->data, &n);
  guint end, old = content->len;

  if (event->kind == RECORD_TRUNCATE) {
    g_byte_array_set_size (content, (guint) event->offset);
    if (content->len > old)
      memset (content->data + old, 0, content->len - old);
    return;
  }
  n = size >= 0 ? (gsize) size : n;
  end = (guint) (event->offset + n);
  if (end > old) {
    g_byte_array_set_size (content, end);
    memset (content->data + old, 0, end - old);
  }
  if (n > 0)
    memcpy (content->data + event->offset, data, n);
}

static void
sync_node (Node *node)
{
  for (guint i = 0; i < node->writes->len; i++)
    apply_write (node->synced, g_ptr_array_index (node->writes, i), -1);
  g_ptr_array_set_size (node->writes, 0);
}

static void
disk_do (Disk *disk, const Event *event)
{
  Node *node = g_hash_table_lookup (disk->seen, event->path);

  switch (event->kind) {
  case RECORD_CREATE:
  case RECORD_MKDIR:
    change_name (disk, NULL, event->path, add_node (disk, event->kind == RECORD_MKDIR));
    break;
  case RECORD_UNLINK:
    change_name (disk, event->path, NULL, node);
    break;
  case RECORD_RENAME:
    g_assert_nonnull (node);
    change_name (disk, event->path, event->to, node);
    break;
  case RECORD_SYNC:
    if (node != NULL && !node->is_folder)
      sync_node (node);
    else
      sync_folder (disk, event->path);
    break;
  case RECORD_WRITE:
  case RECORD_TRUNCATE:
    g_assert_nonnull (node);
    g_ptr_array_add (node->writes, (gpointer) event);
    break;
  case RECORD_SAID:
    break;
  }
}

/* --- what is left --- */

static void
keep_some_changes (Disk *disk, GRand *random)
{
  gboolean in_order = g_rand_boolean (random);
  guint n = in_order ? (guint) g_rand_int_range (random, 0, (gint32) disk->changes->len + 1) : disk->changes->len;

  for (guint i = 0; i < n; i++)
    if (in_order || g_rand_boolean (random))
      apply_change (disk->kept, g_ptr_array_index (disk->changes, i));
}

static void
keep_some_writes (Node *node, GRand *random)
{
  for (guint i = 0; i < node->writes->len; i++) {
    const Event *event = g_ptr_array_index (node->writes, i);
    gssize size = (gssize) g_bytes_get_size (event->data);

    switch (g_rand_int_range (random, 0, 3)) {
    case 0:
      apply_write (node->synced, event, -1);
      break;
    case 1:
      if (event->kind == RECORD_WRITE)
        apply_write (node->synced, event, g_rand_int_range (random, 0, (gint32) size + 1));
      break;
    default:
      break;
    }
  }
}

/* Are all folders that it is in on the disk? What is in one that is lost is lost with it. */
static gboolean
is_reachable (const Disk *disk, const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);

  if (g_str_equal (folder, "."))
    return TRUE;
  return g_hash_table_contains (disk->kept, folder) && is_reachable (disk, folder);
}

static void
write_kept (Disk *disk, const char *into)
{
  GHashTableIter iter;
  gpointer path, value;

  g_hash_table_iter_init (&iter, disk->kept);
  while (g_hash_table_iter_next (&iter, &path, &value)) {
    const Node *node = value;
    g_autofree char *whole = g_build_filename (into, path, NULL);
    g_autofree char *folder = g_path_get_dirname (whole);

    if (!is_reachable (disk, path))
      continue;
    g_assert_cmpint (g_mkdir_with_parents (node->is_folder ? whole : folder, 0700), ==, 0);
    if (!node->is_folder)
      g_assert_true (g_file_set_contents (whole, (char *) node->synced->data, (gssize) node->synced->len, NULL));
  }
}

void
power_cut_write (const PowerCut *cut, guint n, GRand *random, const char *into, GString *said)
{
  Disk disk;

  disk_init (&disk);
  for (guint i = 0; i < n; i++) {
    const Event *event = g_ptr_array_index (cut->events, i);

    disk_do (&disk, event);
    if (event->kind == RECORD_SAID)
      g_string_append_len (said, g_bytes_get_data (event->data, NULL), (gssize) g_bytes_get_size (event->data));
  }
  keep_some_changes (&disk, random);
  for (guint i = 0; i < disk.nodes->len; i++)
    keep_some_writes (g_ptr_array_index (disk.nodes, i), random);
  write_kept (&disk, into);
  disk_clear (&disk);
}

guint
power_cut_n_states (guint n)
{
  const char *soak = g_getenv ("WEIR_TEST_SOAK");

  return n * (soak != NULL ? (guint) MAX (1, g_ascii_strtoull (soak, NULL, 10)) : 1);
}
