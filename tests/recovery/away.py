#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Servers that go away, drivers that stand still, clocks that jump, and steps that are never finished.

usage: away.py --programs DIR [--only CASE...] [--but CASE...]; WEIR_TEST_SOAK multiplies the rounds
"""
import argparse
import os
import re
import signal
import sys
import time
import uuid

from lives import OFTEN, SELDOM, Copy, Feed, Shown, WordCount, await_true, run_chosen
from servers import KafkaBroker, Missing, RedisServer
from tap import Failed, Skipped, comment

SEAL_POINTS = ["batch", "batch-done", "seal-prepare", "seal-write", "seal-decide", "seal-current", "seal-commit",
               "seal-forget", "seal-done", "store-begin", "store-put", "store-put-done", "store-prepare",
               "store-prepare-done", "store-seal", "store-seal-done", "store-forget", "folder-rename"]
FILE_POINTS = SEAL_POINTS + ["store-prepare-sync", "store-prepare-rename", "store-prepare-rename-done", "store-replace",
                             "store-replace-rename", "store-replace-rename-done", "store-replace-done"]
REDIS_POINTS = SEAL_POINTS + ["store-prepare-manifest-done"]
DECIDER_POINTS = ["batch", "seal-prepare", "kafka-flush", "store-prepare", "store-prepare-done", "seal-decide", "kafka-marker",
                  "kafka-commit", "kafka-commit-done", "seal-current", "store-seal", "store-seal-done", "seal-commit", "seal-done"]
PLAN_POINTS = ["store-plan", "store-plan-done", "batch-done", "seal-prepare", "seal-done"]


class Away:
    def __init__(self, programs):
        self.programs, self.rounds = programs, 3 * int(os.environ.get("WEIR_TEST_SOAK", "1"))
        try:
            self.broker, self.redis, self.missing = KafkaBroker().start(), RedisServer(appendonly=True).start(), None
        except Missing as why:
            self.missing = why

    def job(self, checkpoint="file://FOLDER/checkpoint", redis=None):
        """A word count on a topic of its own, which is being fed."""
        topic, feed = self.new_topic()
        if checkpoint == "redis":
            checkpoint = f"redis://{(redis or self.redis).address}/0?prefix={topic}"
        job = WordCount(self.programs, self.broker.brokers, topic, checkpoint)
        feed.start()
        return job, feed

    def go_on(self, job, life, what):
        """The life counts more than it has."""
        before = job.total()
        await_true(what, lambda: job.total() > before or life.process.poll() is not None)
        if life.process.poll() is not None:
            raise Failed(f"{what}: it ended; it said:\n{life.said()}")

    def kill_at(self, checkpoint, points):
        job, feed = self.job(checkpoint)
        self.kill_and_finish(job, feed, points)

    def kill_and_finish(self, job, feed, points):
        for point in points:
            job.kill_at(point)
        comment(f"killed at {len(points)} steps: {' '.join(points)}")
        job.finish(feed)
        job.clear()

    def new_topic(self):
        if self.missing:
            raise Skipped(self.missing)
        topic = "away-" + uuid.uuid4().hex[:12]
        return topic, Feed(self.broker, topic, 4)

    def place(self, topic, in_redis):
        return f"redis://{self.redis.address}/0?prefix={topic}" if in_redis else "file://FOLDER/checkpoint"

    def decisions(self, in_redis):
        topic, feed = self.new_topic()
        job = Copy(self.programs, self.broker, topic, self.place(topic, in_redis))
        feed.start()
        self.kill_and_finish(job, feed, DECIDER_POINTS)

    def decisions_on_disk(self):
        """kafka_to_kafka, killed at each step of a decision, the checkpoint on disk"""
        self.decisions(False)

    def decisions_in_redis(self):
        """kafka_to_kafka, killed at each step of a decision, the checkpoint in Redis"""
        self.decisions(True)

    def plans(self, in_redis):
        topic, feed = self.new_topic()
        job = Shown(self.programs, self.broker.brokers, topic, self.place(topic, in_redis))
        feed.start()
        self.kill_and_finish(job, feed, PLAN_POINTS + ([] if in_redis else ["store-plan-sync"]))

    def plans_on_disk(self):
        """what is shown at once, killed around the plan of a batch, the checkpoint on disk"""
        self.plans(False)

    def plans_in_redis(self):
        """what is shown at once, killed around the plan of a batch, the checkpoint in Redis"""
        self.plans(True)

    def steps_on_disk(self):
        """killed at each step of a batch and of a seal, the checkpoint on disk"""
        self.kill_at("file://FOLDER/checkpoint", FILE_POINTS)

    def steps_in_redis(self):
        """killed at each step of a batch and of a seal, the checkpoint in Redis"""
        self.kill_at("redis", REDIS_POINTS)

    def broker_killed(self):
        """a broker that is killed and started again: the job waits and goes on by itself"""
        job, feed = self.job()
        life = job.start(SELDOM)
        self.go_on(job, life, "counting begins")
        feed.stop()
        for _ in range(self.rounds):
            self.broker.kill()
            time.sleep(1)
            self.broker.start()
            feed.quit = False
            feed.start()
            self.go_on(job, life, "counting goes on with the broker")
            feed.stop()
        life.stop()
        feed.start()
        job.finish(feed)
        job.clear()

    def broker_paused(self):
        """a broker that stands still for 30 seconds"""
        job, feed = self.job()
        life = job.start(SELDOM)
        self.go_on(job, life, "counting begins")
        feed.stop()
        for _ in range(self.rounds):
            self.broker.pause()
            time.sleep(30)
            self.broker.resume()
            feed.quit = False
            feed.start()
            self.go_on(job, life, "counting goes on with the broker")
            feed.stop()
        life.stop()
        feed.start()
        job.finish(feed)
        job.clear()

    def redis_killed(self):
        """a Redis that keeps what it was told, killed and started again: the job waits and goes on by itself"""
        job, feed = self.job("redis")
        life = job.start()
        for _ in range(self.rounds):
            self.go_on(job, life, "counting goes on")
            self.redis.kill()
            time.sleep(1)
            self.redis.start()
        self.go_on(job, life, "counting goes on with Redis")
        life.stop()
        job.finish(feed)
        job.clear()

    def redis_forgets(self):
        """a Redis without an append-only file: a warning at the start, and what it has lost is noticed"""
        if self.missing:
            raise Skipped(self.missing)
        redis = RedisServer(appendonly=False, config={"save": ""}).start()
        job, feed = self.job("redis", redis)
        life = job.start()
        self.go_on(job, life, "counting begins")
        if "appendonly" not in life.said():
            raise Failed(f"no word of appendonly; it said:\n{life.said()}")
        redis.kill()
        redis.start()
        if life.await_end() == 0:
            raise Failed(f"it went on without its checkpoint; it said:\n{life.said()}")
        said = life.said()
        if "checkpoint" not in said.splitlines()[-1] or "lost" not in said.splitlines()[-1]:
            raise Failed(f"its last words do not say that the checkpoint is lost:\n{said}")
        comment(said.splitlines()[-1])
        feed.stop()
        redis.stop()
        job.clear()

    def two_on_disk(self):
        """a driver that stands still, and a second one: on disk the second is turned away and names the first"""
        job, feed = self.job()
        first = job.start()
        self.go_on(job, first, "counting begins")
        for _ in range(self.rounds):
            first.signal(signal.SIGSTOP)
            second = job.start()
            if second.await_end() == 0 or str(first.process.pid) not in second.said():
                raise Failed(f"the second one was not turned away by pid {first.process.pid}:\n{second.said()}")
            first.signal(signal.SIGCONT)
            self.go_on(job, first, "the first goes on")
        first.stop()
        job.finish(feed)
        job.clear()

    def two_in_redis(self):
        """a driver that stands still, and a second one: in Redis the second takes over, and the first touches nothing"""
        job, feed = self.job("redis")
        options = OFTEN[:2] + ["--checkpoint.lease=1s"]
        first = job.start(options)
        self.go_on(job, first, "counting begins")
        for _ in range(self.rounds):
            first.signal(signal.SIGSTOP)
            second = job.start(options)
            self.go_on(job, second, "the second takes over")
            first.signal(signal.SIGCONT)
            if first.await_end() == 0 or not re.search("no longer this process.s", first.said()):
                raise Failed(f"the first did not end as it should:\n{first.said()}")
            first = second
        self.go_on(job, first, "the last goes on")
        first.stop()
        job.finish(feed)
        job.clear()

    def late_to_fence(self):
        """a driver that stands still before it would shut out whoever writes: who has taken over since goes on"""
        topic, feed = self.new_topic()
        job = Copy(self.programs, self.broker, topic, self.place(topic, True))
        feed.start()
        options = OFTEN[:2] + ["--checkpoint.lease=1s"]
        for _ in range(self.rounds):
            first = job.start(options, {"WEIR_STOP_AT": "kafka-fence:1"})
            await_true("the first stands still", first.stands_still)
            second = job.start(options)
            await_true("the second takes over", lambda: second.phases()[1] == "seal-done" or second.process.poll() is not None)
            first.signal(signal.SIGCONT)
            if first.await_end() == 0 or not re.search("no longer this process.s", first.said()):
                raise Failed(f"the first did not end as it should:\n{first.said()}")
            second.stop()  # which says whether it was shut out: records still come
        job.finish(feed)
        job.clear()

    def clock(self):
        """the clock is set back and forth by an hour while the job runs: batch times increase, nothing is lost"""
        library = next((path for path in ("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
                                          "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1") if os.path.exists(path)), None)
        if library is None:
            raise Skipped("libfaketime is not there (Debian's package faketime)")
        job, feed = self.job()
        shift = os.path.join(job.folder, "shift")
        env = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": shift, "FAKETIME_NO_CACHE": "1",
               "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        life = None
        for hours in ("+0", "+3600", "+0", "-3600"):
            with open(shift + ".new", "w") as f:
                f.write(hours + "\n")
            os.replace(shift + ".new", shift)
            life = life or job.start(["--batch.interval=20ms", "--checkpoint.interval=100ms"], env)
            self.go_on(job, life, f"counting goes on at {hours} s")
        life.stop()
        times = re.findall(r"totals-(\d+)", " ".join(job.folders()))
        if len(times) != len(set(times)):
            raise Failed("two batches have one time")
        with open(shift, "w") as f:
            f.write("+0\n")
        job.finish(feed)
        job.clear()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", required=True)
    parser.add_argument("--only", nargs="+", metavar="CASE", default=[])
    parser.add_argument("--but", nargs="+", metavar="CASE", default=[])
    options = parser.parse_args()
    away = Away(os.path.abspath(options.programs))
    cases = [away.steps_on_disk, away.steps_in_redis, away.decisions_on_disk, away.decisions_in_redis,
             away.plans_on_disk, away.plans_in_redis, away.two_on_disk, away.two_in_redis, away.late_to_fence,
             away.broker_killed, away.redis_killed, away.redis_forgets, away.clock, away.broker_paused]
    return run_chosen(parser, cases, options.only, options.but)


if __name__ == "__main__":
    sys.exit(main())
