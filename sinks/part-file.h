/* A file of a batch's folder while a worker writes it. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/task.h"
#include "sinks/batch-folder.h"

/* One worker. Begins zeroed. */
typedef struct {
  int fd;
  char *path;
} WeirPartFile;

/* Each fails the task with path, reason and what to do; the first failure counts. */
void weir_part_file_open (WeirTask *task, WeirPartFile *file,
                          const WeirBatchFolder *folder); /* named by the task's number */
void weir_part_file_write (WeirTask *task, const WeirPartFile *file, gconstpointer data, gsize size);
void weir_part_file_sync (WeirTask *task, const WeirPartFile *file);
void weir_part_file_close (WeirTask *task, WeirPartFile *file); /* in any case, once */
