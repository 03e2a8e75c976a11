#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random instants: nothing lost, nothing doubled; on a real broker, checkpoints on disk and in Redis.

usage: kills.py --programs DIR [--kills N] [--only CASE ...]; WEIR_TEST_SOAK multiplies N
"""
import argparse
import os
import random
import sys
import uuid

from lives import OFTEN, Books, Copy, Feed, WordCount, run_chosen
from servers import KafkaBroker, Missing, RedisServer
from tap import Skipped


def draw():
    return [f"--workers={random.randint(1, 4)}", f"--partitions={random.randint(1, 16)}",
            f"--batch.interval={random.choice([5, 20, 50])}ms", "--checkpoint.interval=1ms", "--checkpoint.lease=500ms"]


def draw_with_compression(folder):
    path = os.path.join(folder, "properties")
    with open(path, "w") as f:
        f.write(f"compression.type={random.choice(['none', 'gzip', 'snappy', 'lz4', 'zstd'])}\n")
    return draw() + [f"--kafka.properties={path}"]


class Kills:
    def __init__(self, programs, n):
        self.programs, self.n = programs, n * int(os.environ.get("WEIR_TEST_SOAK", "1"))
        try:
            self.broker, self.redis, self.missing = KafkaBroker(lasting=True).start(), RedisServer().start(), None
        except Missing as why:
            self.missing = why

    def topic(self):
        return "kills-" + uuid.uuid4().hex[:12]

    def redis_uri(self, topic):
        return f"redis://{self.redis.address}/0?prefix={topic}"

    def count(self, checkpoint_of, n, options=lambda: OFTEN):
        if self.missing:
            raise Skipped(self.missing)
        topic = self.topic()
        feed = Feed(self.broker, topic, 4)
        job = WordCount(self.programs, self.broker.brokers, topic, checkpoint_of(topic))
        feed.start()
        job.kill_often(n, options)
        job.finish(feed)
        job.clear()

    def file(self):
        """stateful_kafka_wordcount with its checkpoint on disk"""
        self.count(lambda topic: "file://FOLDER/checkpoint", self.n)

    def in_redis(self):
        """stateful_kafka_wordcount with its checkpoint in Redis"""
        self.count(self.redis_uri, self.n)

    def changed_options(self):
        """workers, partitions and interval are others at each start"""
        self.count(lambda topic: "file://FOLDER/checkpoint", max(1, self.n * 4 // 5), draw)

    def copy_often(self, n, options=None):
        if self.missing:
            raise Skipped(self.missing)
        topic = self.topic()
        feed = Feed(self.broker, topic, 4)
        job = Copy(self.programs, self.broker, topic, "file://FOLDER/checkpoint")
        feed.start()
        job.kill_often(n, (lambda: options(job.folder)) if options else lambda: OFTEN)
        job.finish(feed)
        job.clear()

    def copy(self):
        """kafka_to_kafka, read back with read_committed"""
        self.copy_often(self.n)

    def copy_with_changed_options(self):
        """kafka_to_kafka, whose compression is another at each start, too"""
        self.copy_often(max(1, self.n * 4 // 5), draw_with_compression)

    def books(self):
        """kafka_offsets_to_redis, which keeps its own offsets"""
        if self.missing:
            raise Skipped(self.missing)
        topic = self.topic()
        feed = Feed(self.broker, topic, 4)
        job = Books(self.programs, self.broker.brokers, topic, self.redis)
        feed.start()
        job.kill_often(max(1, self.n * 2 // 5), lambda: ["--batch.interval=5ms"])
        job.finish(feed)
        job.clear()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", required=True)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--only", nargs="+", default=[], metavar="CASE")
    options = parser.parse_args()
    kills = Kills(os.path.abspath(options.programs), options.kills)
    cases = [kills.file, kills.in_redis, kills.changed_options, kills.copy,
             kills.copy_with_changed_options, kills.books]
    return run_chosen(parser, cases, options.only)


if __name__ == "__main__":
    sys.exit(main())
