/* Parses the benchmark programs' command line. Owns the table of options; must not know what they are used for. One
 * thread, before any work.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum { TEXT, COUNT, REAL } Kind;

typedef struct {
  const char *name;
  Kind kind;
  size_t offset;
} Option;

static const Option options[] = {
  { "corpus", TEXT, offsetof (BenchArgs, corpus) },
  { "bytes", COUNT, offsetof (BenchArgs, bytes) },
  { "seed", COUNT, offsetof (BenchArgs, seed) },
  { "seconds", REAL, offsetof (BenchArgs, seconds) },
  { "processes", COUNT, offsetof (BenchArgs, processes) },
  { "workers", COUNT, offsetof (BenchArgs, workers) },
  { "by", TEXT, offsetof (BenchArgs, by) },
  { "interval-us", COUNT, offsetof (BenchArgs, interval_us) },
  { "port", COUNT, offsetof (BenchArgs, port) },
  { "bytes-per-second", COUNT, offsetof (BenchArgs, bytes_per_second) },
  { "records-per-second", COUNT, offsetof (BenchArgs, records_per_second) },
  { "keys", COUNT, offsetof (BenchArgs, keys) },
  { "panes", COUNT, offsetof (BenchArgs, panes) },
  { "slides", COUNT, offsetof (BenchArgs, slides) },
  { "batches", COUNT, offsetof (BenchArgs, batches) },
  { "items", COUNT, offsetof (BenchArgs, items) },
  { "touched", COUNT, offsetof (BenchArgs, touched) },
  { "leaving", COUNT, offsetof (BenchArgs, leaving) },
  { "directory", TEXT, offsetof (BenchArgs, directory) },
  { "lines-per-second", COUNT, offsetof (BenchArgs, lines_per_second) },
  { "brokers", TEXT, offsetof (BenchArgs, brokers) },
  { "topic", TEXT, offsetof (BenchArgs, topic) },
  { "output", TEXT, offsetof (BenchArgs, output) },
  { "messages", COUNT, offsetof (BenchArgs, messages) },
  { "partitions", COUNT, offsetof (BenchArgs, partitions) },
};

static const BenchArgs defaults = {
  .corpus = "zipf",
  .bytes = BENCH_CORPUS_SIZE,
  .seed = BENCH_CORPUS_SEED,
  .seconds = 5,
  .processes = 1,
  .workers = 1,
  .by = "flat_map",
  .interval_us = 1000000,
  .records_per_second = 100,
  .keys = 100000,
  .panes = 60,
  .slides = 300,
  .batches = 1,
  .items = 1000000,
  .touched = 10000,
  .directory = "",
  .partitions = 4,
};

static const Option *
find_option (const char *name, size_t size)
{
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    if (strlen (options[i].name) == size && memcmp (options[i].name, name, size) == 0)
      return &options[i];
  return NULL;
}

static int
set_option (BenchArgs *args, const Option *option, const char *value)
{
  void *field = (char *) args + option->offset;
  char *end = NULL;

  errno = 0;
  if (option->kind == TEXT)
    *(const char **) field = value;
  else if (option->kind == COUNT)
    *(uint64_t *) field = strtoull (value, &end, 10);
  else
    *(double *) field = strtod (value, &end);
  return errno == 0 && (end == NULL || *end == '\0') && *value != '\0' && *value != '-';
}

static void
refuse (const char *argument)
{
  fprintf (stderr, "cannot use the argument '%s': expected --NAME VALUE with NAME one of", argument);
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    fprintf (stderr, " %s", options[i].name);
  fprintf (stderr, "\n");
  exit (2);
}

void
bench_args_parse (BenchArgs *args, int argc, char **argv)
{
  *args = defaults;
  for (int i = 1; i < argc; i++) {
    size_t size = strncmp (argv[i], "--", 2) == 0 ? strcspn (argv[i] + 2, "=") : 0;
    const Option *option = find_option (argv[i] + (size > 0 ? 2 : 0), size);
    const char *argument = argv[i], *value = NULL;

    if (size > 0 && argument[2 + size] == '=')
      value = argument + 2 + size + 1;
    else if (i + 1 < argc)
      value = argv[++i];
    if (option == NULL || value == NULL || !set_option (args, option, value))
      refuse (argument);
  }
}

BenchCorpus *
bench_args_corpus (const BenchArgs *args)
{
  BenchCorpusKind kind;

  if (!bench_corpus_kind_from_name (args->corpus, &kind))
    refuse (args->corpus);
  return bench_corpus_new (kind, args->bytes, args->seed);
}
