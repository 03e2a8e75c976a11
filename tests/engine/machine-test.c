/* What of the machine the process may use, on machines laid out in a temporary directory.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/machine.h"

#include <glib/gstdio.h>
#include <sched.h>
#include <unistd.h>

/* Both limits of the laid-out machines are below any real one. */
#define TINY_MEMORY "4096000\n"

static void
add_file (const char *root, const char *path, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *file = g_build_filename (root, path, NULL);
  g_autofree char *folder = g_path_get_dirname (file);
  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_file_set_contents (file, text, -1, &error);
  g_assert_no_error (error);
}

static char *
new_root (void)
{
  g_autoptr (GError) error = NULL;
  char *root = g_dir_make_tmp ("weir-machine-XXXXXX", &error);
  g_assert_no_error (error);
  return root;
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  if (folder == NULL) {
    g_assert_cmpint (g_unlink (path), ==, 0);
    return;
  }
  for (const char *name = g_dir_read_name (folder); name != NULL; name = g_dir_read_name (folder)) {
    g_autofree char *child = g_build_filename (path, name, NULL);
    remove_tree (child);
  }
  g_assert_cmpint (g_rmdir (path), ==, 0);
}

static gint64
physical_memory (void)
{
  return (gint64) sysconf (_SC_PHYS_PAGES) * sysconf (_SC_PAGESIZE);
}

static guint
affinity_cpus (void)
{
  cpu_set_t set;
  g_assert_cmpint (sched_getaffinity (0, sizeof set, &set), ==, 0);
  return (guint) CPU_COUNT (&set);
}

static void
test_without_control_groups_the_machine_counts (void)
{
  g_autofree char *root = new_root ();
  g_assert_cmpint (weir_machine_memory (root), ==, physical_memory ());
  g_assert_cmpuint (weir_machine_cpus (root), ==, affinity_cpus ());
  remove_tree (root);
}

static void
test_affinity_counts (void)
{
  cpu_set_t before, one;
  g_autofree char *root = new_root ();
  g_assert_cmpint (sched_getaffinity (0, sizeof before, &before), ==, 0);
  CPU_ZERO (&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT (&one) == 0; cpu++)
    if (CPU_ISSET (cpu, &before))
      CPU_SET (cpu, &one);
  g_assert_cmpint (sched_setaffinity (0, sizeof one, &one), ==, 0);
  g_assert_cmpuint (weir_machine_cpus (root), ==, 1);
  g_assert_cmpint (sched_setaffinity (0, sizeof before, &before), ==, 0);
  remove_tree (root);
}

static void
test_version_2_limits (void)
{
  g_autofree char *root = new_root ();
  add_file (root, "proc/self/cgroup", "0::/jobs/count\n");
  add_file (root, "sys/fs/cgroup/jobs/count/memory.max", TINY_MEMORY);
  add_file (root, "sys/fs/cgroup/jobs/count/cpu.max", "50000 100000\n");
  g_assert_cmpint (weir_machine_memory (root), ==, 4096000);
  g_assert_cmpuint (weir_machine_cpus (root), ==, 1);
  remove_tree (root);
}

static void
test_version_2_without_limits (void)
{
  g_autofree char *root = new_root ();
  add_file (root, "proc/self/cgroup", "0::/\n");
  add_file (root, "sys/fs/cgroup/memory.max", "max\n");
  add_file (root, "sys/fs/cgroup/cpu.max", "max 100000\n");
  g_assert_cmpint (weir_machine_memory (root), ==, physical_memory ());
  g_assert_cmpuint (weir_machine_cpus (root), ==, affinity_cpus ());
  remove_tree (root);
}

static void
test_a_parent_limits_its_children (void)
{
  g_autofree char *root = new_root ();
  add_file (root, "proc/self/cgroup", "0::/a/b/c\n");
  add_file (root, "sys/fs/cgroup/a/memory.max", TINY_MEMORY);
  add_file (root, "sys/fs/cgroup/a/b/c/memory.max", "max\n");
  g_assert_cmpint (weir_machine_memory (root), ==, 4096000);
  remove_tree (root);
}

static void
test_version_1_limits (void)
{
  g_autofree char *root = new_root ();
  add_file (root, "proc/self/cgroup", "9:name=systemd:/\n4:memory:/box\n3:cpu,cpuacct:/box\n");
  add_file (root, "sys/fs/cgroup/memory/box/memory.limit_in_bytes", TINY_MEMORY);
  add_file (root, "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "100000\n");
  add_file (root, "sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
  g_assert_cmpint (weir_machine_memory (root), ==, 4096000);
  g_assert_cmpuint (weir_machine_cpus (root), ==, 1);
  remove_tree (root);
}

static void
test_in_a_container_the_mount_itself_is_asked (void)
{
  g_autofree char *root = new_root ();
  add_file (root, "proc/self/cgroup", "4:memory:/host/path/that/is/not/here\n");
  add_file (root, "sys/fs/cgroup/memory/memory.limit_in_bytes", TINY_MEMORY);
  g_assert_cmpint (weir_machine_memory (root), ==, 4096000);
  remove_tree (root);
}

static void
test_version_1_without_limits (void)
{
  g_autofree char *root = new_root ();
  add_file (root, "proc/self/cgroup", "4:memory:/\n3:cpu:/\n");
  add_file (root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  add_file (root, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  add_file (root, "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  g_assert_cmpint (weir_machine_memory (root), ==, physical_memory ());
  g_assert_cmpuint (weir_machine_cpus (root), ==, affinity_cpus ());
  remove_tree (root);
}

static void
test_files_that_make_no_sense_limit_nothing (void)
{
  g_autofree char *root = new_root ();
  add_file (root, "proc/self/cgroup", "nonsense\n::\n0::\n0::/../..\n\n4:memory\n");
  add_file (root, "sys/fs/cgroup/memory.max", "");
  add_file (root, "sys/fs/cgroup/cpu.max", "1000 0\n");
  g_assert_cmpint (weir_machine_memory (root), ==, physical_memory ());
  g_assert_cmpuint (weir_machine_cpus (root), ==, affinity_cpus ());
  remove_tree (root);
}

static void
test_this_machine_has_something (void)
{
  g_assert_cmpuint (weir_machine_cpus ("/"), >=, 1);
  g_assert_cmpuint (weir_machine_cpus ("/"), <=, affinity_cpus ());
  g_assert_cmpint (weir_machine_memory ("/"), >, 0);
  g_assert_cmpint (weir_machine_memory ("/"), <=, physical_memory ());
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine/without-control-groups-the-machine-counts",
                   test_without_control_groups_the_machine_counts);
  g_test_add_func ("/machine/affinity-counts", test_affinity_counts);
  g_test_add_func ("/machine/version-2-limits", test_version_2_limits);
  g_test_add_func ("/machine/version-2-without-limits", test_version_2_without_limits);
  g_test_add_func ("/machine/a-parent-limits-its-children", test_a_parent_limits_its_children);
  g_test_add_func ("/machine/version-1-limits", test_version_1_limits);
  g_test_add_func ("/machine/version-1-without-limits", test_version_1_without_limits);
  g_test_add_func ("/machine/in-a-container-the-mount-itself-is-asked", test_in_a_container_the_mount_itself_is_asked);
  g_test_add_func ("/machine/files-that-make-no-sense-limit-nothing", test_files_that_make_no_sense_limit_nothing);
  g_test_add_func ("/machine/this-machine-has-something", test_this_machine_has_something);
  return g_test_run ();
}
