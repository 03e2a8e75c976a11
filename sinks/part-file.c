/* Owns the descriptor of a part that is written. Must not know what is in it.
 *
 * Workers, each its own.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sinks/part-file.h"

#include <errno.h>
#include <unistd.h>

#include <weir/error.h>

static void
fail (WeirTask *task, const WeirPartFile *file, const char *what)
{
  g_autoptr (GError) error = NULL;

  weir_batch_folder_set_error (&error, what, file->path, errno);
  weir_task_fail (task, WEIR_ERROR_SINK, "%s", error->message);
}

void
weir_part_file_open (WeirTask *task, WeirPartFile *file, const WeirBatchFolder *folder)
{
  char name[sizeof "part-4294967295"];

  g_snprintf (name, sizeof name, "part-%05u", task->task_run->index);
  file->fd = weir_batch_folder_create (folder, name, &file->path);
  if (file->fd < 0)
    fail (task, file, "create");
}

void
weir_part_file_write (WeirTask *task, const WeirPartFile *file, gconstpointer data, gsize size)
{
  const char *at = data;

  while (size > 0 && weir_task_is_going (task)) {
    gssize n = write (file->fd, at, size);

    if (n < 0 && errno != EINTR)
      fail (task, file, "write");
    at += MAX (n, 0);
    size -= (gsize) MAX (n, 0);
  }
}

void
weir_part_file_sync (WeirTask *task, const WeirPartFile *file)
{
  if (weir_task_is_going (task) && fsync (file->fd) != 0)
    fail (task, file, "sync");
}

void
weir_part_file_close (WeirTask *task, WeirPartFile *file)
{
  if (file->fd >= 0 && close (file->fd) != 0)
    fail (task, file, "close");
  g_free (file->path);
}
