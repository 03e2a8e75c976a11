/* The program `weir`: owns the list of its verbs, nothing else. One thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "engine/descriptors.h"
#include "tools/command.h"

typedef struct {
  const char *name, *help;
  int (*run) (int argc, char **argv); /* argv[0]: the verb */
} Verb;

static const Verb verbs[] = {
  { "checkpoint", "looks at checkpoints, checks and changes them", weir_checkpoint_main },
};

static int
print_help (FILE *to)
{
  fputs ("usage: weir VERB [ARGUMENT...]\n\n", to);
  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++)
    fprintf (to, "  %-12s %s\n", verbs[i].name, verbs[i].help);
  fputs ("\nweir VERB --help tells more; weir --version says which weir this is\n", to);
  return to == stdout ? WEIR_EXIT_DONE : WEIR_EXIT_USAGE;
}

int
main (int argc, char **argv)
{
  g_set_prgname ("weir");
  weir_descriptors_hold ();
  if (argc < 2)
    return print_help (stderr);
  if (g_str_equal (argv[1], "--help") || g_str_equal (argv[1], "-h"))
    return print_help (stdout);
  if (g_str_equal (argv[1], "--version")) {
    puts ("weir " WEIR_VERSION);
    return WEIR_EXIT_DONE;
  }
  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (g_str_equal (argv[1], verbs[i].name))
      return verbs[i].run (argc - 1, argv + 1);
  fprintf (stderr, "weir: there is no verb '%s'; weir --help lists them\n", argv[1]);
  return WEIR_EXIT_USAGE;
}
