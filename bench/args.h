/* The command line that all benchmark programs share, weir's and the reference loops': `--name VALUE`. A program
 * reads the fields that it needs. Knows nothing of weir or GLib.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "bench/corpus.h"

typedef struct {
  const char *corpus; /* zipf, few, many, fixed */
  uint64_t bytes;     /* of the corpus */
  uint64_t seed;
  double seconds;            /* at least so long, whole passes */
  uint64_t processes;        /* reference: forked, each with its share of the lines */
  uint64_t workers;          /* weir */
  const char *by;            /* weir: which way to write the job */
  uint64_t interval_us;      /* weir: batch interval */
  uint64_t port;             /* socket programs; 0 = any, push-server only */
  uint64_t bytes_per_second; /* push-server; 0 = as fast as it is taken */
  uint64_t records_per_second;
  uint64_t keys; /* of a table or pane */
  uint64_t panes;
  uint64_t slides;
  uint64_t items;                       /* pairs or numbers of a batch */
  uint64_t touched;                     /* keys that a batch brings records of */
  uint64_t leaving;                     /* of which so many are new and as many others time out */
  const char *directory;                /* of a checkpoint; "": none */
  uint64_t lines_per_second;            /* 0: as fast as they are taken */
  uint64_t batches;                     /* of a slide */
  const char *brokers, *topic, *output; /* Kafka programs */
  uint64_t messages, partitions;        /* kafka-topic */
} BenchArgs;

/* Starts from the defaults; a mistake is printed and ends the process with status 2. */
void bench_args_parse (BenchArgs *args, int argc, char **argv);
BenchCorpus *bench_args_corpus (const BenchArgs *args);
