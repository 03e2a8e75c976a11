/* Holds the places of standard input, output and error where a process is started without them. Must not know who prints.
 * The process's; the main thread, early.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/descriptors.h"

#include <fcntl.h>
#include <unistd.h>

void
weir_descriptors_hold (void)
{
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl (fd, F_GETFD) < 0 && open ("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
      return;
}
