# SPDX-License-Identifier: Apache-2.0
"""A job on real servers that is killed and started again, and what its output must be then.

    feed = Feed(broker, topic, 4); feed.start(rounds=20)        # writes while the job lives and dies
    job = WordCount(programs, broker, topic, "file://...")
    life = job.start(); life.kill()                              # SIGKILL; life.phase: what was interrupted
    job.finish(feed)                                             # a last life, until all is counted; then checks all

Programs must be built with -Dkill_points=true: they write down which step they are in (WEIR_TEST_PHASE_FILE).
"""
import collections
import itertools
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "python"), os.path.join(HERE, "..", "servers")]
from tap import Failed, comment, run_cases  # noqa: E402

DEADLINE_S = 60
LINES = 500  # in a round of a feed
KEYS = 48  # a multiple of the partitions, so that all records of a key are in one partition
# Short batches and a seal behind each: a kill at random finds something open, mostly. The lease is what a start waits for
# that finds the token of a killed one in Redis.
OFTEN = ["--batch.interval=20ms", "--checkpoint.interval=1ms", "--checkpoint.lease=500ms"]
# Where most of a life is waiting: each batch writes a folder.
SELDOM = ["--batch.interval=200ms"] + OFTEN[1:]

# Steps behind which nothing is open.
CLOSED = ("", "seal-done", "kafka-fence")

# What a kill can interrupt, by the step that was passed last; the first of each is where one is killed that chance has spared.
PHASES = {"a batch": ["batch"], "prepare": ["seal-prepare"], "write": ["seal-write", "store-begin", "store-put", "store-prepare"],
          "decide": ["seal-decide", "kafka-"], "seal": ["seal-current", "store-seal", "store-replace"],
          "commit": ["seal-commit", "folder-rename"], "clear up": ["seal-forget", "store-forget", "store-drop"]}


def await_true(what, condition, seconds=DEADLINE_S):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {seconds} s")
        time.sleep(0.02)


class Feed:
    """Writes numbered lines, round after round, round all partitions, on a thread of its own."""

    def __init__(self, broker, topic, n_partitions):
        self.broker, self.topic, self.n_partitions = broker, topic, n_partitions
        self.rounds, self.error, self.quit = 0, None, False
        broker.create_topic(topic, n_partitions)
        self.thread = None

    def write(self):
        try:
            while not self.quit:
                self.broker.admin("produce", self.topic, str(LINES), "--partitions", str(self.n_partitions),
                                  "--key-prefix", "k", "--keys", str(KEYS))
                self.rounds += 1
        except Exception as error:
            self.error = error

    def start(self):
        self.thread = threading.Thread(target=self.write, daemon=True)
        self.thread.start()

    def stop(self):
        self.quit = True
        self.thread.join()
        if self.error:
            raise Failed(f"feeding {self.topic}: {self.error}")

    def totals(self):
        totals = {str(i): self.rounds for i in range(LINES)}
        totals["line"] = self.rounds * LINES
        return totals


def run_chosen(parser, cases, only, but=()):
    """Runs the cases of those names, or all; returns the exit status. A name that is none is a mistake."""
    names = [case.__name__ for case in cases]
    unknown = sorted(set([*only, *but]) - set(names))
    if unknown:
        parser.error(f"no such case: {' '.join(unknown)}")
    wanted = set(only or names) - set(but)
    return run_cases([(case.__doc__, case) for case in cases if case.__name__ in wanted])


class Life:
    """One process of a job; others may live beside it."""

    n_lives = itertools.count()

    def __init__(self, command, folder, env):
        self.phase_file = os.path.join(folder, f"phase-{next(self.n_lives)}")
        self.log = open(os.path.join(folder, "log"), "ab")
        self.log_start = self.log.tell()
        env = dict(os.environ, WEIR_TEST_PHASE_FILE=self.phase_file, **env)
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=env)

    def signal(self, number):
        self.process.send_signal(number)

    def stands_still(self):
        """Stopped, by a signal or at a step."""
        with open(f"/proc/{self.process.pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "T"

    def await_end(self, seconds=DEADLINE_S):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failed(f"it did not end within {seconds} s; it said:\n{self.said()}") from None

    def kill(self):
        """True if a batch or a seal was open."""
        self.process.kill()
        status = self.process.wait()
        if status != -signal.SIGKILL:
            raise Failed(f"it had ended before it was killed, with status {status}; it said:\n{self.said()}")
        return self.is_open()

    def stop(self):
        """Once it has started: until then a signal ends it at once."""
        await_true("it starts", lambda: self.phases()[0] or self.process.poll() is not None)
        self.signal(signal.SIGINT)
        status = self.await_end()
        if status != 0:
            raise Failed(f"it ended with status {status}; it said:\n{self.said()}")

    def said(self):
        self.log.flush()
        with open(self.log.name, errors="replace") as f:
            f.seek(self.log_start)
            return f.read()[-6000:]

    def phases(self):
        try:
            with open(self.phase_file) as f:
                text = f.read().replace("\0", " ")
        except FileNotFoundError:
            return "", ""
        return text[:32].strip(), text[32:].strip()

    def is_open(self):
        batch, seal = self.phases()
        return batch == "batch" or seal not in CLOSED

    def phase(self):
        batch, seal = self.phases()
        parts = ["batch"] * (batch == "batch") + [seal] * (seal not in CLOSED)
        return " + ".join(parts) or "nothing open"


class Job:
    """A program with its arguments, in a temporary folder."""

    def __init__(self, programs, name, arguments, checkpoint):
        self.folder = tempfile.mkdtemp(prefix="weir-recovery-")
        self.checkpoint = checkpoint.replace("FOLDER", self.folder)
        self.command = [os.path.join(programs, name), *arguments, f"--checkpoint={self.checkpoint}"]
        self.killed = collections.Counter()

    def start(self, options=tuple(OFTEN), env=None):
        return Life(self.command + list(options), self.folder, env or {})

    def kill_at(self, point, options=tuple(OFTEN)):
        """Kills it where the step is passed for the third time."""
        life = self.start(options, {"WEIR_KILL_AT": f"{point}:3"})
        if life.await_end() != 137 or f"killed at {point}" not in life.said():
            raise Failed(f"it was not killed at {point}; it said:\n{life.said()}")

    def hit_each_phase(self, options):
        """Where no kill at random has hit a phase, one more does."""
        steps = [step for phase in self.killed for step in phase.split(" + ")]
        spared = {name: starts[0] for name, starts in PHASES.items() if not any(step.startswith(tuple(starts)) for step in steps)}
        for point in spared.values():
            self.kill_at(point, options())
        comment(f"phases hit by chance: {', '.join(name for name in PHASES if name not in spared)}; "
                + f"on purpose: {', '.join(spared) or 'none'}")

    def kill_often(self, n, options=lambda: OFTEN):
        """Kills it at random instants, until n of them have found a batch or a seal open."""
        n_open = n_tried = 0
        while n_open < n:
            life = self.start(options())
            time.sleep(random.uniform(0.02, 1.2))
            n_open += life.kill()
            n_tried += 1
            self.killed[life.phase()] += 1
            if n_tried > 20 * n:
                raise Failed(f"only {n_open} of {n_tried} kills found something open: {dict(self.killed)}")
        comment(f"{n_tried} kills, {n_open} with something open: "
                + ", ".join(f"{phase} {count}" for phase, count in self.killed.most_common()))
        if self.checkpoint:
            self.hit_each_phase(options)

    def clear(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class WordCount(Job):
    """stateful_kafka_wordcount: running totals in folders."""

    def __init__(self, programs, brokers, topic, checkpoint):
        super().__init__(programs, "stateful_kafka_wordcount", [brokers, "group-" + topic, topic], checkpoint)
        self.command += ["--output", os.path.join(self.folder, "totals")]

    def folders(self):
        return sorted((name for name in os.listdir(self.folder) if name.startswith("totals-")),
                      key=lambda name: int(name.removeprefix("totals-")))

    def read(self, name):
        """The totals of one batch."""
        folder, totals = os.path.join(self.folder, name), {}
        if not os.path.exists(os.path.join(folder, "_SUCCESS")):
            raise Failed(f"{name} is visible and has no _SUCCESS")
        for part in sorted(os.listdir(folder)):
            with open(os.path.join(folder, part)) as f:
                for line in f:
                    word, total = line.strip("()\n").rsplit(",", 1)
                    if word in totals:
                        raise Failed(f"{name}: {word} stands there twice")
                    totals[word] = int(total)
        return totals

    def total(self):
        folders = self.folders()
        return self.read(folders[-1]).get("line", 0) if folders else 0

    def check(self, expected):
        last = {}
        for name in self.folders():
            totals = self.read(name)
            less = [word for word in last if totals.get(word, 0) < last[word]]
            if less:
                raise Failed(f"{name}: the total of {less[0]} was {last[less[0]]} and is {totals.get(less[0])}")
            last = totals
        if last != expected:
            wrong = [word for word in set(last) | set(expected) if last.get(word) != expected.get(word)]
            raise Failed(f"{len(wrong)} totals of {len(expected)} are wrong, such as that of {wrong[0]}: "
                         f"{last.get(wrong[0])}, and {expected.get(wrong[0])} were written")

    def finish(self, feed, options=tuple(OFTEN)):
        feed.stop()
        expected = feed.totals()
        life = self.start(options)
        try:
            await_true("all records are counted", lambda: self.total() >= expected["line"] or life.process.poll() is not None)
            life.stop()
        except Failed as why:
            life.process.kill()
            raise Failed(f"{why}; it said:\n{life.said()}") from None
        self.check(expected)
        comment(f"{len(self.folders())} batches, {expected['line']} records: every total as it was written")


class Copy(Job):
    """kafka_to_kafka: every record once, in order."""

    def __init__(self, programs, broker, topic, checkpoint):
        self.broker, self.out = broker, topic + "-out"
        broker.create_topic(self.out, 4)
        super().__init__(programs, "kafka_to_kafka", [broker.brokers, "group-" + topic, topic, self.out], checkpoint)

    def written(self):
        by_key = collections.defaultdict(list)
        for _, _, key, value in self.broker.read_topic(self.out):
            by_key[key].append(value)
        return by_key

    def finish(self, feed):
        feed.stop()
        wanted = collections.defaultdict(list)
        for _, _, key, value in self.broker.read_topic(feed.topic):
            wanted[key].append(value)
        n = sum(map(len, wanted.values()))
        life = self.start()
        try:
            await_true("all records are copied", lambda: sum(map(len, self.written().values())) >= n
                       or life.process.poll() is not None)
            life.stop()
        except Failed as why:
            life.process.kill()
            raise Failed(f"{why}; it said:\n{life.said()}") from None
        found = self.written()
        for key in wanted:
            if found[key] != wanted[key]:
                raise Failed(f"key {key}: {len(found[key])} records of {len(wanted[key])}, or in another order")
        comment(f"{n} records of {len(wanted)} keys: each once, in order")


class Shown(Job):
    """kafka_wordcount --print-offsets: what is shown at once is shown again after a kill, as it was."""

    def __init__(self, programs, brokers, topic, checkpoint):
        super().__init__(programs, "kafka_wordcount", [brokers, "group-" + topic, topic, "--print-offsets"], checkpoint)

    def ranges(self):
        """(time, partition) -> all (from, until) that were shown. Without records a batch has no plan: what comes after a
        kill may be of its time."""
        ranges = collections.defaultdict(list)
        with open(os.path.join(self.folder, "log"), errors="replace") as f:
            for time_ms, partition, first, until in re.findall(r"^offsets (\d+) \S+ (\d+) (\d+) (\d+)$", f.read(), re.M):
                if first != until:
                    ranges[int(time_ms), int(partition)].append((int(first), int(until)))
        return ranges

    def check(self):
        """Returns the number of records that batches had."""
        reached = collections.Counter()
        for (time_ms, partition), shown in sorted(self.ranges().items()):
            if len(set(shown)) != 1:
                raise Failed(f"the batch of {time_ms} ms had the offsets {shown} of partition {partition}")
            first, until = shown[0]
            if first != reached[partition]:
                raise Failed(f"the batch of {time_ms} ms begins at {first} of partition {partition}, and not at {reached[partition]}")
            reached[partition] = until
        return sum(reached.values())

    def finish(self, feed):
        feed.stop()
        n = feed.rounds * LINES
        life = self.start()
        try:
            await_true("all records are shown", lambda: sum(until - first for ((first, until), *_) in self.ranges().values()) >= n
                       or life.process.poll() is not None)
            life.stop()
        except Failed as why:
            life.process.kill()
            raise Failed(f"{why}; it said:\n{life.said()}") from None
        if self.check() != n:
            raise Failed(f"{self.check()} records were in batches, and {n} were written")
        n_again = sum(len(shown) - 1 for shown in self.ranges().values())
        comment(f"{n} records, each in one batch; {n_again} ranges were shown again, as they were")


class Books(Job):
    """kafka_offsets_to_redis: totals and offsets in hashes, no checkpoint."""

    def __init__(self, programs, brokers, topic, redis):
        self.redis, self.group = redis, "group-" + topic
        host, port = redis.address.rsplit(":", 1)
        super().__init__(programs, "kafka_offsets_to_redis", [brokers, self.group, topic, host, port], "")
        self.command.pop()

    def totals(self):
        flat = self.redis.command("HGETALL", self.group + ":totals")
        return {flat[i].decode(): int(flat[i + 1]) for i in range(0, len(flat), 2)}

    def finish(self, feed):
        feed.stop()
        expected = feed.totals()
        life = self.start(["--batch.interval=20ms"])
        await_true("all records are counted", lambda: self.totals().get("line", 0) >= expected["line"]
                   or life.process.poll() is not None)
        life.stop()
        if self.totals() != expected:
            raise Failed(f"{self.totals().get('line')} lines are counted and {expected['line']} were written")
        comment(f"{expected['line']} records: every total as it was written")
