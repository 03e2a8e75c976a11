#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kafka_to_kafka on a real broker, as a user runs it: every record once and in order per key, also where the job is killed
again and again.

usage: kafka_to_kafka.py --examples DIR [--kills N] [--seed N]
"""
import argparse
import collections
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "python"))
sys.path.insert(0, os.path.join(HERE, "..", "servers"))
from running import DEADLINE_S, Running, expect  # noqa: E402
from servers import Missing, admin_program, shared_brokers  # noqa: E402
from tap import Failed, Skipped, comment, run_cases  # noqa: E402

PARTITIONS, KEYS, LINES = 3, 12, 20000  # each key is in one partition: line i has key i % KEYS in partition i % PARTITIONS


class Topics:
    """An IN and an OUT of a case's own, and a folder for the checkpoint."""

    def __init__(self):
        try:
            self.brokers, self.program = shared_brokers(), admin_program()
        except Missing as why:
            raise Skipped(str(why)) from None
        self.name, self.written = f"copy-{uuid.uuid4()}", 0
        self.source, self.target = self.name + "-in", self.name + "-out"
        self.folder = tempfile.TemporaryDirectory(prefix="weir-copy-")
        for topic in (self.source, self.target):
            self.admin("create-topic", topic, PARTITIONS)

    def admin(self, *args):
        done = subprocess.run([self.program, self.brokers, *map(str, args)], capture_output=True, text=True)
        if done.returncode:
            raise Failed(f"kafka-admin {args}: {done.stderr}")
        return done.stdout

    def produce(self, n):
        self.admin("produce", self.source, n, "--partitions", PARTITIONS, "--key-prefix", "k", "--keys", KEYS,
                   "--prefix", f"{self.written} ")
        self.written += n

    def job(self, *options):
        return Running([os.path.join(self.examples, "kafka_to_kafka"), self.brokers, self.name, self.source, self.target,
                        "--batch.interval=50ms", *options])

    def durable_job(self):
        return self.job(f"--checkpoint=file://{self.folder.name}/checkpoint", "--checkpoint.interval=100ms")

    def read(self, topic):
        """key -> values, in order; committed ones."""
        found = collections.defaultdict(list)
        for line in self.admin("read", topic).splitlines():
            _, _, key, value = line.split(" ", 3)
            found[key].append(value)
        return found

    def n_copied(self):
        return sum(map(len, self.read(self.target).values()))

    def await_copies(self, n=None):
        end = time.monotonic() + DEADLINE_S
        while self.n_copied() < (n or self.written):
            if time.monotonic() > end:
                raise Failed(f"{self.n_copied()} of {self.written} records are there")

    def check(self):
        wanted, found = self.read(self.source), self.read(self.target)
        expect(sum(map(len, found.values())), self.written, "records")
        for key, values in wanted.items():
            expect(found[key] == values, True, f"the values of {key} are those of the source, in order")


def copies_all():
    topics = Topics()
    topics.produce(LINES)
    job = topics.job()
    topics.await_copies()
    job.process.send_signal(signal.SIGTERM)
    job.await_end(0)
    topics.check()


def a_missing_topic_ends_the_job():
    topics = Topics()
    job = Running([os.path.join(Topics.examples, "kafka_to_kafka"), topics.brokers, topics.name, topics.source, "missing-topic"])
    job.await_end(1)
    expect("has no topic 'missing-topic': make it" in job.said(), True, job.said())


@contextlib.contextmanager
def fed(topics):
    """Records keep coming meanwhile."""
    done = threading.Event()

    def feed():
        while not done.is_set():
            topics.produce(1000)

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        yield
    finally:
        done.set()
        feeder.join()


def copies_once_however_often_it_is_killed():
    topics = Topics()
    with fed(topics):
        for n in range(Topics.kills):
            job = topics.durable_job()
            if n > 0:
                job.await_said("going on from epoch")
            else:
                topics.await_copies(1)  # there is an epoch to go on from
            # Any instant: in a batch, in a seal, before anything was read.
            time.sleep(Topics.random.uniform(0, 0.6))
            job.process.kill()
            job.await_end(-signal.SIGKILL)
    job = topics.durable_job()
    topics.await_copies()
    job.process.send_signal(signal.SIGTERM)
    job.await_end(0)
    comment(f"{Topics.kills} kills, {topics.written} records")
    topics.check()


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("--examples", required=True)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    args = parser.parse_args()
    Topics.examples, Topics.kills, Topics.random = args.examples, args.kills, random.Random(args.seed)
    comment(f"seed {args.seed}")
    sys.exit(run_cases([
        ("kafka_to_kafka copies all records", copies_all),
        ("kafka_to_kafka names a missing topic and ends", a_missing_topic_ends_the_job),
        ("kafka_to_kafka copies each record once, however often it is killed", copies_once_however_often_it_is_killed),
    ]))


if __name__ == "__main__":
    main()
