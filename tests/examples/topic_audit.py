#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""topic_audit on a broker in memory and a real Redis: the bytes of each partition, of all and of one alone.

usage: topic_audit.py --examples DIR
"""
import argparse
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "python"))
sys.path.insert(0, os.path.join(HERE, "..", "servers"))
from jobs import await_true, running  # noqa: E402
from servers import Missing, RedisServer  # noqa: E402
from tap import Skipped, run_cases  # noqa: E402

HOST = re.compile(r"at (\S+)$")


class Audits:
    def __init__(self, folder):
        self.folder = folder

    def program(self, name, *arguments):
        return [os.path.join(self.folder, name), *map(str, arguments)]

    def hash(self, redis, database):
        script = f"redis.call('SELECT', {database}) return redis.call('HGETALL', 'audit')"
        fields = redis.command("EVAL", script, 0)
        return {name.decode(): int(value) for name, value in zip(fields[::2], fields[1::2])}

    def audit(self, redis, brokers, database, *options):
        uri, group = f"redis://{redis.address}/{database}", f"audit-{database}"
        return running(self.program("topic_audit", brokers, group, "lines", group + "-sizes", uri, *options))

    def compare(self, redis, brokers):
        """Two jobs side by side, until both have all."""
        with self.audit(redis, brokers, 0) as both, self.audit(redis, brokers, 1, "--partition=1") as one:
            await_true(both, lambda: sorted(self.hash(redis, 0)) == ["lines/0", "lines/1"], "both partitions")
            await_true(one, lambda: self.hash(redis, 1) == {"lines/1": self.hash(redis, 0)["lines/1"]}, "the one partition")
            both.await_said("kafka of receiver_stream-0 reads")
            both.stop()
            one.stop()

    def sizes(self):
        """topic_audit keeps the bytes of each partition in Redis, by way of a topic, and those of one alone if asked to."""
        try:
            redis = RedisServer().start()
        except Missing as why:
            raise Skipped(str(why)) from None
        try:
            with running(self.program("mock_kafka", "--topic=lines", "--partitions=2", "--rate=400", "--seconds=1")) as mock:
                await_true(mock, lambda: any("wrote" in line for line in mock.lines), "the lines")
                brokers = HOST.search(mock.lines[0])[1]
                self.compare(redis, brokers)
        finally:
            redis.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", required=True)
    audits = Audits(os.path.abspath(parser.parse_args().examples))
    return run_cases([(audits.sizes.__doc__.rstrip("."), audits.sizes)])


if __name__ == "__main__":
    sys.exit(main())
