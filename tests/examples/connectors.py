#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The examples with connectors of their own: what they write, and that a job which is killed in the middle, again and
again, has written everything once in the end.

usage: connectors.py --examples DIR
"""
import argparse
import collections
import contextlib
import glob
import os
import re
import signal
import sqlite3
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "python"))
from running import DEADLINE_S, Running, expect  # noqa: E402
from tap import Failed, Skipped, run_cases  # noqa: E402

FAST = ["--batch.interval=20ms", "--checkpoint.interval=60ms", "--catchup.batches=1000000", "--log.level=warning"]
KILLS = 5
RATE = 5000


def await_true(job, condition, what):
    """Looks again until it is so, or the job has ended, or the time is over."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > end or job.process.poll() is not None:
            job.fail(f"{what} has not come")
        time.sleep(0.005)


class Connectors:
    def __init__(self, examples):
        self.examples = examples

    @contextlib.contextmanager
    def job(self, name, *arguments, options=FAST):
        program = os.path.join(self.examples, name)
        if not os.path.exists(program):
            raise Skipped(f"{name} is not built: what it needs is missing")
        running = Running([program, *map(str, arguments), *options])
        try:
            yield running
        finally:
            running.close()

    def stop(self, job):
        job.process.send_signal(signal.SIGTERM)
        job.read_rest()
        job.await_end(0)

    # --- tail_wordcount ---

    def counted(self, folder):
        words = collections.Counter()
        for path in glob.glob(os.path.join(folder, "out-*", "part-*")):
            with open(path) as f:
                for word, n in re.findall(r"^\((\w+),(\d+)\)$", f.read(), re.MULTILINE):
                    words[word] += int(n)
        return words

    def tail(self, folder, *more):
        return self.job("tail_wordcount", os.path.join(folder, "in.log"), os.path.join(folder, "out"), *more)

    def append(self, folder, text):
        with open(os.path.join(folder, "in.log"), "a") as f:
            f.write(text)

    def tailed(self):
        """tail_wordcount counts what is in the file and what is appended, whole lines only."""
        with tempfile.TemporaryDirectory() as folder:
            self.append(folder, "to be\nor not\nto")
            with self.tail(folder) as job:
                await_true(job, lambda: self.counted(folder) == {"to": 1, "be": 1, "or": 1, "not": 1}, "the first lines")
                self.append(folder, " be\n\nor" + " not" * 100000 + "\n")
                await_true(job, lambda: self.counted(folder) == {"to": 2, "be": 2, "or": 2, "not": 100001}, "what was appended")
                self.stop(job)

    def tail_killed(self):
        """tail_wordcount, killed again and again while the file grows, counts every line once."""
        with tempfile.TemporaryDirectory() as folder:
            self.append(folder, "start\n")
            for life in range(KILLS):
                with self.tail(folder, f"--checkpoint=file://{folder}/checkpoint") as job:
                    for i in range(20):
                        self.append(folder, f"a life{life} " + "word " * 50 + "\n")
                    await_true(job, lambda: self.counted(folder)[f"life{life}"] > 0, "a sealed batch")
                    self.append(folder, f"late life{life}\n")
                    job.process.kill()
                    job.process.wait()
            wanted = {"start": 1, "a": 20 * KILLS, "word": 1000 * KILLS, "late": KILLS,
                      **{f"life{i}": 21 for i in range(KILLS)}}
            with self.tail(folder, f"--checkpoint=file://{folder}/checkpoint") as job:
                await_true(job, lambda: self.counted(folder)[f"late"] >= KILLS, "the end of the file")
                self.stop(job)
            expect(dict(self.counted(folder)), wanted, "words")

    def tail_replaced(self):
        """A file that is not the one that was read stops the start and is named."""
        with tempfile.TemporaryDirectory() as folder:
            self.append(folder, "one two\n")
            with self.tail(folder, f"--checkpoint=file://{folder}/checkpoint") as job:
                await_true(job, lambda: self.counted(folder)["two"] > 0, "the first line")
                self.stop(job)
            self.append(folder, "three\n")
            os.truncate(os.path.join(folder, "in.log"), 3)
            with self.tail(folder, f"--checkpoint=file://{folder}/checkpoint") as job:
                job.await_end(1)
                job.await_said("has been truncated since byte 8")
                job.await_said("lines: ")

    # --- sqlite_sales ---

    def rows(self, folder, query):
        try:
            with contextlib.closing(sqlite3.connect(os.path.join(folder, "sales.db"), timeout=DEADLINE_S)) as db:
                return db.execute(query).fetchall()
        except sqlite3.OperationalError:  # it is not there yet
            return []

    def sales(self, folder, *more):
        return self.job("sqlite_sales", os.path.join(folder, "sales.db"), f"--rate={RATE}", *more)

    def n_batches(self, folder):
        return (self.rows(folder, "SELECT count (*) FROM batches") or [(0,)])[0][0]

    def expect_sales(self, folder):
        """Sums are those of sales 0 to n - 1, for an n that follows from the time that the batches cover."""
        found = dict(self.rows(folder, "SELECT shop, sum (amount) FROM sales GROUP BY shop"))
        first, last, n_batches = self.rows(folder, "SELECT min (time), max (time), count (*) FROM batches")[0]
        n = (last - first + 20000) * RATE // 1000000
        wanted = {shop: sum(i % 100 for i in range(shop, n, 7)) for shop in range(7)}
        expect(found, wanted, "sums")
        expect(n_batches, (last - first) // 20000 + 1, "batches")

    def sold(self):
        """sqlite_sales sums up each batch in one transaction."""
        with tempfile.TemporaryDirectory() as folder:
            with self.sales(folder) as job:
                await_true(job, lambda: self.n_batches(folder) >= 5, "five batches")
                self.stop(job)
            self.expect_sales(folder)

    def sales_killed(self):
        """sqlite_sales, killed again and again, has each batch in its table once."""
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(KILLS):
                before = self.n_batches(folder)
                with self.sales(folder, f"--checkpoint=file://{folder}/checkpoint") as job:
                    await_true(job, lambda: self.n_batches(folder) >= before + 5, "five more batches")
                    job.process.kill()
                    job.process.wait()
            with self.sales(folder, f"--checkpoint=file://{folder}/checkpoint") as job:
                before = self.n_batches(folder)
                await_true(job, lambda: self.n_batches(folder) >= before + 5, "the last batches")
                self.stop(job)
            self.expect_sales(folder)

    def no_database(self):
        """A database that cannot be opened stops the start and is named."""
        with self.sales("/nonexistent") as job:
            job.await_end(1)
            job.await_said("table: database /nonexistent/sales.db: unable to open database file")

    # --- spool_wordcount ---

    def spool(self, folder, *more):
        return self.job("spool_wordcount", os.path.join(folder, "in"), os.path.join(folder, "out"), *more)

    def put(self, folder, name, text):
        with open(os.path.join(folder, "in", "." + name), "w") as f:
            f.write(text)
        os.rename(os.path.join(folder, "in", "." + name), os.path.join(folder, "in", name))

    def spooled_words(self, folder):
        words = collections.Counter()
        for path in glob.glob(os.path.join(folder, "out", "*")):
            with open(path) as f:
                for word, n in re.findall(r"^\((\w+),(\d+)\)$", f.read(), re.MULTILINE):
                    words[word] += int(n)
        return words

    def spooled(self):
        """spool_wordcount takes each file away, counts its words, and leaves alone what is still being written."""
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "in"))
            os.mkdir(os.path.join(folder, "out"))
            self.put(folder, "first", "to be\n\nor not\n")
            with open(os.path.join(folder, "in", ".half"), "w") as f:
                f.write("half a li")
            with self.spool(folder) as job:
                await_true(job, lambda: self.spooled_words(folder) == {"to": 1, "be": 1, "or": 1, "not": 1}, "the first file")
                self.put(folder, "empty", "")
                self.put(folder, "second", "to be")
                await_true(job, lambda: self.spooled_words(folder) == {"to": 2, "be": 2, "or": 1, "not": 1}, "the second file")
                await_true(job, lambda: os.listdir(os.path.join(folder, "in")) == [".half"], "the end of the files")
                self.stop(job)

    def spool_killed(self):
        """spool_wordcount, killed as soon as it has taken a file away, has counted it when it has run again."""
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "in"))
            os.mkdir(os.path.join(folder, "out"))
            durable = [f"--checkpoint=file://{folder}/checkpoint", "--receiver.wal=true"]
            for life in range(KILLS):
                with self.spool(folder, *durable) as job:
                    self.put(folder, f"file{life}", f"word life{life}\n" * 100)
                    await_true(job, lambda: not os.listdir(os.path.join(folder, "in")), "the removal")
                    job.process.kill()
                    job.process.wait()
            wanted = {"last": 1, "word": 100 * KILLS, **{f"life{i}": 100 for i in range(KILLS)}}
            with self.spool(folder, *durable) as job:
                self.put(folder, "last", "last")
                await_true(job, lambda: self.spooled_words(folder) == wanted, "what had been taken")
                self.stop(job)

    def no_spool(self):
        """A folder that is not there yet is tried until it is."""
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "out"))
            with self.job("spool_wordcount", *[os.path.join(folder, name) for name in ("in", "out")], options=FAST[:-1]) as job:
                job.await_said("starting again after a while")
                os.mkdir(os.path.join(folder, "in"))
                self.put(folder, "first", "late\n")
                await_true(job, lambda: self.spooled_words(folder) == {"late": 1}, "the file")
                self.stop(job)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", required=True)
    each = Connectors(parser.parse_args().examples)
    tests = [each.tailed, each.tail_killed, each.tail_replaced, each.sold, each.sales_killed, each.no_database,
             each.spooled, each.spool_killed, each.no_spool]
    return run_cases([(test.__doc__, test) for test in tests])


if __name__ == "__main__":
    sys.exit(main())
