/* A record of calls on files: headers, each followed by its path, the second path of a rename, and its data.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <stdint.h>

typedef enum {
  RECORD_CREATE,
  RECORD_MKDIR,
  RECORD_WRITE,
  RECORD_TRUNCATE, /* offset: the new size */
  RECORD_SYNC,     /* of a file or a folder */
  RECORD_RENAME,
  RECORD_UNLINK,
  RECORD_SAID, /* on standard output */
} RecordKind;

typedef struct {
  uint64_t offset;
  uint32_t kind, path_size, to_size, data_size;
} RecordHeader;
