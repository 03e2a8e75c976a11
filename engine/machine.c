/* Asks the kernel how much of the machine this process may use. Reads /proc and /sys under a root directory,
 * so that tests can lay out a machine of their own. Control groups of version 2 and version 1; the tightest
 * limit on the way from the process' group to the root counts. What cannot be read limits nothing. Knows
 * nothing of options. No state; any thread; blocks only for files that the kernel makes up.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/machine.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

#define MAX_CPUS 8192 /* what the affinity mask has room for; the kernel's own largest value of NR_CPUS */

/* One limit of one group's folder; G_MAXINT64 when there is none. */
typedef gint64 (*ReadLimit) (const char *folder);

static char *
read_in (const char *folder, const char *file)
{
  g_autofree char *path = g_build_filename (folder, file, NULL);
  char *text = NULL;
  return g_file_get_contents (path, &text, NULL, NULL) ? text : NULL;
}

static gint64
number_or_none (const char *text)
{
  if (text == NULL || !g_ascii_isdigit (text[0]))
    return G_MAXINT64; /* "max", or -1 */
  return g_ascii_strtoll (text, NULL, 10);
}

static gint64
cpus_of_quota (gint64 quota, gint64 period)
{
  if (quota == G_MAXINT64 || period == G_MAXINT64 || period == 0)
    return G_MAXINT64;
  return MAX (1, quota / period + (quota % period != 0));
}

static gint64
memory_v2 (const char *folder)
{
  g_autofree char *max = read_in (folder, "memory.max");
  return number_or_none (max);
}

static gint64
memory_v1 (const char *folder)
{
  g_autofree char *limit = read_in (folder, "memory.limit_in_bytes");
  return number_or_none (limit);
}

static gint64
cpus_v2 (const char *folder)
{
  g_autofree char *max = read_in (folder, "cpu.max"); /* "200000 100000" or "max 100000" */
  const char *period = max != NULL ? strchr (max, ' ') : NULL;
  return period != NULL ? cpus_of_quota (number_or_none (max), number_or_none (period + 1)) : G_MAXINT64;
}

static gint64
cpus_v1 (const char *folder)
{
  g_autofree char *quota = read_in (folder, "cpu.cfs_quota_us");
  g_autofree char *period = read_in (folder, "cpu.cfs_period_us");
  return cpus_of_quota (number_or_none (quota), number_or_none (period));
}

/* In a container the group's path is often the host's and does not exist here: its parents are asked all the
 * same. */
static gint64
tightest (const char *mount, const char *group, ReadLimit read)
{
  gint64 limit = read (mount);
  g_autofree char *path = g_strdup (group);
  for (char *slash = strrchr (path, '/'); slash != NULL; slash = strrchr (path, '/')) {
    g_autofree char *folder = g_build_filename (mount, path, NULL);
    limit = MIN (limit, read (folder));
    *slash = '\0';
  }
  return limit;
}

/* A line of /proc/self/cgroup: "4:memory:/path" names a hierarchy of version 1, "0::/path" that of version 2.
 */
static gint64
limit_of_line (const char *root, const char *line, const char *controller, ReadLimit v1, ReadLimit v2)
{
  g_auto (GStrv) fields = g_strsplit (line, ":", 3);
  if (g_strv_length (fields) < 3)
    return G_MAXINT64;
  gboolean is_v2 = fields[1][0] == '\0';
  g_auto (GStrv) controllers = g_strsplit (fields[1], ",", -1);
  if (!is_v2 && !g_strv_contains ((const char *const *) controllers, controller))
    return G_MAXINT64;
  g_autofree char *mount = g_build_filename (root, "sys/fs/cgroup", is_v2 ? NULL : controller, NULL);
  return tightest (mount, fields[2], is_v2 ? v2 : v1);
}

static gint64
group_limit (const char *root, const char *controller, ReadLimit v1, ReadLimit v2)
{
  gint64 limit = G_MAXINT64;
  g_autofree char *text = read_in (root, "proc/self/cgroup");
  g_auto (GStrv) lines = g_strsplit (text != NULL ? text : "", "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    limit = MIN (limit, limit_of_line (root, *line, controller, v1, v2));
  return limit;
}

static gint64
cpus_of_affinity (void)
{
  gint64 n = sysconf (_SC_NPROCESSORS_ONLN);
  cpu_set_t *set = CPU_ALLOC (MAX_CPUS);
  gsize size = CPU_ALLOC_SIZE (MAX_CPUS);
  if (set != NULL && sched_getaffinity (0, size, set) == 0)
    n = CPU_COUNT_S (size, set);
  CPU_FREE (set);
  return n;
}

/* CPUs that this process may run on, at least 1; a quota of 1.5 CPUs counts as 2. @root is "/" but in tests.
 */
guint
weir_machine_cpus (const char *root)
{
  gint64 n = MIN (cpus_of_affinity (), group_limit (root, "cpu", cpus_v1, cpus_v2));
  return (guint) CLAMP (n, 1, MAX_CPUS);
}

/* Bytes of memory that this process may have: the smaller of the machine's and its control group's. */
gint64
weir_machine_memory (const char *root)
{
  gint64 physical = (gint64) sysconf (_SC_PHYS_PAGES) * sysconf (_SC_PAGESIZE);
  return MIN (physical, group_limit (root, "memory", memory_v1, memory_v2));
}
