#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The example jobs as a user runs them: real programs, a real `nc -lk`, what they print and what they leave behind.

usage: jobs.py --examples DIR
"""
import argparse
import contextlib
import glob
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "python"), os.path.join(HERE, "..", "servers")]
from installed import Program  # noqa: E402
from process import free_ports  # noqa: E402
from tap import Failed, Skipped, run_cases  # noqa: E402

# Ten a second, and none is skipped when the machine is busy with something else.
FAST = ["--batch.interval=100ms", "--catchup.batches=1000"]
RULE = "-" * 43
BATCH = re.compile(RULE + r"\nTime: (\d+) ms\n" + RULE + r"\n((?:.+\n)*)\n")


def free_port():
    """One that no connection of another test's is given before the server begins, or while it is away."""
    return free_ports(1)[0]


class Netcat:
    """`nc -lk PORT` with a person at it."""

    def __init__(self, port):
        if shutil.which("nc") is None:
            raise Skipped("nc is missing (apt-get install netcat-openbsd)")
        self.process = subprocess.Popen(["nc", "-lk", "127.0.0.1", str(port)], stdin=subprocess.PIPE)

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()


class Job(Program):
    """A job whose standard error goes to a file, so that standard output can be checked to the byte."""

    def __init__(self, command, **options):
        self.errors = tempfile.NamedTemporaryFile(prefix="weir-example-", mode="r")
        super().__init__(["sh", "-c", 'errors=$1; shift; exec "$@" 2> "$errors"', "sh", self.errors.name] + command,
                         dict(os.environ), **options)

    def said(self):
        with open(self.errors.name) as f:
            return f.read()

    def await_said(self, text, seconds=30):
        end = time.monotonic() + seconds
        while text not in self.said():
            if time.monotonic() > end or self.process.poll() is not None:
                self.process.kill()
                raise Failed(f"{self.told()}\n{self.said()}\nwaited for, but not said: {text}")
            with self.changed:
                self.changed.wait(0.05)

    def batches_so_far(self):
        """What it has printed: (time in ms, elements) of each whole batch."""
        text = "".join(line + "\n" for line in list(self.lines))
        return [(int(ms), elements.splitlines()) for ms, elements in BATCH.findall(text)]

    def batches(self):
        """The same, once it has ended. Anything between the batches is an error."""
        rest = BATCH.sub("", "".join(line + "\n" for line in self.lines))
        if rest:
            raise Failed(f"this is not in the form of Spark's print:\n{rest}")
        return self.batches_so_far()

    def stop_and_check(self, interval_ms, slide_ms=None):
        """Stops it. Batch times are multiples of the interval; where they begin is where the job began."""
        self.stop()
        step_ms, times = slide_ms or interval_ms, [ms for ms, _ in self.batches()]
        if any(ms % interval_ms for ms in times) or any(b - a != step_ms for a, b in zip(times, times[1:])):
            raise Failed(f"batch times are not {step_ms} ms apart: {times}")


@contextlib.contextmanager
def running(command):
    job = Job(command)
    try:
        yield job
    finally:
        if job.process.poll() is None:
            job.process.kill()
        job.process.wait()


def totals(batches):
    """Word counts of all batches, added up."""
    found = {}
    for _, elements in batches:
        for element in elements:
            match = re.fullmatch(r"\((.*),(\d+)\)", element)
            if not match:
                raise Failed(f"no pair: {element}")
            found[match[1]] = found.get(match[1], 0) + int(match[2])
    return found


def expect(found, wanted, what):
    if found != wanted:
        raise Failed(f"{what}: {found}, not {wanted}")


def await_true(job, condition, what, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end or job.process.poll() is not None:
            raise Failed(f"{job.told()}\n{job.said()}\nwaited for {what}")
        with job.changed:
            job.changed.wait(0.05)


def await_later(job, n, interval_ms=100):
    """Until a batch has been printed that was due n intervals from now: what was sent before is in it, or in one before."""
    due = time.time() * 1000 + n * interval_ms
    await_true(job, lambda: job.batches_so_far() and job.batches_so_far()[-1][0] >= due, f"{n} more batches")


class Examples:
    def __init__(self, folder):
        self.folder = folder

    def program(self, name, *arguments):
        return [os.path.join(self.folder, name), *map(str, arguments)]

    def run(self, name, *arguments):
        return subprocess.run(self.program(name, *arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)

    def network_wordcount(self):
        """network_wordcount counts what is typed into nc, each second, and ends well when it is asked to."""
        port = free_port()
        with Netcat(port) as nc, running(self.program("network_wordcount", "127.0.0.1", port)) as job:
            nc.type("to be or not to be\n")
            job.await_lines("(be,2)\n(not,1)\n(or,1)\n(to,2)", any_order=True)
            nc.type("to\r\n\nbe  or\n")
            await_true(job, lambda: totals(job.batches_so_far()).get("or") == 2, "the second lines")
            job.stop_and_check(1000)
            expect(totals(job.batches()), {"to": 3, "be": 3, "or": 2, "not": 1}, "counted")

    def more_than_ten(self):
        """network_wordcount shows ten words of a batch and dots for the rest."""
        port = free_port()
        with Netcat(port) as nc, running(self.program("network_wordcount", "127.0.0.1", port)) as job:
            nc.type(" ".join(f"word{i}" for i in range(11)) + "\n")
            job.await_lines("...")
            await_true(job, lambda: any(elements for _, elements in job.batches_so_far()), "the batch")
            job.stop_and_check(1000)
            sizes = [(len(elements), elements[-1]) for _, elements in job.batches() if elements]
            expect(sizes, [(11, "...")], "lines and the last one")

    def nc_goes_and_comes(self):
        """network_wordcount says once that its peer has gone, waits for it to come back, and goes on."""
        port = free_port()
        with running(self.program("network_wordcount", "127.0.0.1", port, *FAST)) as job:
            with Netcat(port) as nc:
                nc.type("first\n")
                job.await_lines("(first,1)")
            job.await_said("the peer has closed")
            n_batches = len(job.batches_so_far())
            await_true(job, lambda: len(job.batches_so_far()) >= n_batches + 20, "twenty batches without a peer")
            with Netcat(port) as nc:
                nc.type("second\n")
                job.await_lines("(second,1)")
                expect(job.said().count("the peer has closed"), 1, "times it said that the peer has gone")
                job.stop_and_check(100)

    def nobody_listens_yet(self):
        """network_wordcount may be started before its server."""
        port = free_port()
        with running(self.program("network_wordcount", "127.0.0.1", port, *FAST)) as job:
            job.await_said("trying again")
            with Netcat(port) as nc:
                nc.type("late\n")
                job.await_lines("(late,1)")
            job.stop_and_check(100)

    def reader_goes_away(self):
        """network_wordcount whose output nobody reads any more ends with an error, not by a signal."""
        port = free_port()
        process = subprocess.Popen(self.program("network_wordcount", "127.0.0.1", port, *FAST),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        process.stdout.readline()
        process.stdout.close()
        try:
            said = process.stderr.read()
            expect(process.wait(30), 1, "exit status")
        finally:
            process.kill()
            process.stderr.close()
        if said.count("cannot print to standard output: Broken pipe") != 1:
            raise Failed(f"said: {said}")

    def windowed_wordcount(self):
        """windowed_wordcount counts the last seconds and forgets what is older."""
        port = free_port()
        with Netcat(port) as nc, running(self.program("windowed_wordcount", "127.0.0.1", port, 3, 1)) as job:
            nc.type("a b a\n")
            await_true(job, lambda: job.batches_so_far() and job.batches_so_far()[-1][1] == [] and any(
                elements for _, elements in job.batches_so_far()), "the words to come and to go")
            job.stop_and_check(1000)
            seen = [sorted(elements) for _, elements in job.batches() if elements]
            expect(seen, [["(a,2)", "(b,1)"]] * 3, "the window of three seconds")

    def windowed_slide(self):
        """windowed_wordcount prints every SLIDE_S seconds."""
        port = free_port()
        with Netcat(port) as nc, running(self.program("windowed_wordcount", "127.0.0.1", port, 4, 2)) as job:
            nc.type("a\n")
            await_true(job, lambda: len(job.batches_so_far()) >= 3, "three windows")
            job.stop_and_check(1000, slide_ms=2000)
            expect([elements for _, elements in job.batches() if elements], [["(a,1)"]] * 2, "windows with the word")

    def windowed_mistakes(self):
        """windowed_wordcount explains a length that is none, and one that is no multiple of the interval."""
        for length, slide in (("x", "1"), ("0", "1"), ("3", "-1"), ("3", "1.5")):
            done = self.run("windowed_wordcount", "127.0.0.1", 1, length, "--", slide)
            if done.returncode != 1 or "whole seconds" not in done.stderr:
                raise Failed(f"{length} {slide}: status {done.returncode}, said {done.stderr!r}")
        done = self.run("windowed_wordcount", "127.0.0.1", 1, 3, 1, "--batch.interval=700ms")
        if done.returncode != 1 or "no multiple of the 700ms" not in done.stderr:
            raise Failed(f"status {done.returncode}, said {done.stderr!r}")

    def save_wordcount(self):
        """save_wordcount leaves a folder for each batch, whole, and nothing else."""
        port = free_port()
        with tempfile.TemporaryDirectory(prefix="weir-example-") as folder:
            prefix = os.path.join(folder, "made", "counts")
            with Netcat(port) as nc, running(self.program("save_wordcount", "127.0.0.1", port, prefix, *FAST,
                                                          "--partitions=3")) as job:
                nc.type("to be or not to be\n")
                await_true(job, lambda: self.saved(prefix).get("to") == 2, "the counts")
                job.stop()
            expect(self.saved(prefix), {"to": 2, "be": 2, "or": 1, "not": 1}, "saved")
            names = os.listdir(os.path.join(folder, "made"))
            if not names or any(not re.fullmatch(r"counts-\d+00", name) for name in names):
                raise Failed(f"left behind: {names}")
            for name in names:
                expect(sorted(os.listdir(os.path.join(folder, "made", name))),
                       ["_SUCCESS", "part-00000", "part-00001", "part-00002"], name)

    def newest(self, job):
        """The elements of the newest batch that it has printed, sorted."""
        batches = job.batches_so_far()
        return sorted(batches[-1][1]) if batches else None

    def stateful_network_wordcount(self):
        """stateful_network_wordcount adds up from batch to batch, and goes on where it was when it is started again."""
        port = free_port()
        with tempfile.TemporaryDirectory(prefix="weir-example-") as folder:
            command = self.program("stateful_network_wordcount", "127.0.0.1", port, *FAST, f"--checkpoint=file://{folder}/totals")
            with Netcat(port) as nc:
                with running(command) as job:
                    nc.type("a b a\n")
                    await_true(job, lambda: self.newest(job) == ["(a,2)", "(b,1)"], "the first totals")
                    nc.type("b c\n")
                    await_true(job, lambda: self.newest(job) == ["(a,2)", "(b,2)", "(c,1)"], "the second totals")
                    job.stop_and_check(100)
                with running(command) as job:
                    await_true(job, lambda: self.newest(job) == ["(a,2)", "(b,2)", "(c,1)"], "the totals of the first start")
                    nc.type("a\n")
                    await_true(job, lambda: self.newest(job) == ["(a,3)", "(b,2)", "(c,1)"], "the third totals")
                    job.stop_and_check(100)

    def checkpoint_in_use(self):
        """A second stateful_network_wordcount on one checkpoint ends with an error that names the first one."""
        port = free_port()
        with tempfile.TemporaryDirectory(prefix="weir-example-") as folder:
            arguments = ("127.0.0.1", port, *FAST, f"--checkpoint=file://{folder}/totals")
            with Netcat(port), running(self.program("stateful_network_wordcount", *arguments)) as job:
                await_true(job, lambda: job.batches_so_far(), "a batch")
                done = self.run("stateful_network_wordcount", *arguments)
                if done.returncode != 1 or str(job.process.pid) not in done.stderr:
                    raise Failed(f"status {done.returncode}, said {done.stderr!r}")
                job.stop_and_check(100)

    def saved(self, prefix):
        found = {}
        for path in glob.glob(prefix + "-*/part-*"):
            with open(path) as f:
                for word, n in totals([(0, f.read().splitlines())]).items():
                    found[word] = found.get(word, 0) + n
        return found

    def save_where_it_cannot(self):
        """save_wordcount ends with an error that names the path where it cannot write."""
        with tempfile.NamedTemporaryFile(prefix="weir-example-") as file:
            done = self.run("save_wordcount", "127.0.0.1", free_port(), file.name + "/counts", *FAST)
            if done.returncode != 1 or f"{file.name}: Not a directory" not in done.stderr:
                raise Failed(f"status {done.returncode}, said {done.stderr!r}")

    def port_in_use(self):
        """line_server names a port that somebody else has."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            done = self.run("line_server", f"--port={port}")
        if done.returncode != 1 or str(port) not in done.stderr or "in use" not in done.stderr:
            raise Failed(f"status {done.returncode}, said {done.stderr!r}")

    def options(self):
        """All examples know the options, show their help and name what is missing or wrong."""
        for name, words in (("network_wordcount", "HOST PORT"), ("windowed_wordcount", "HOST PORT LENGTH_S SLIDE_S"),
                            ("save_wordcount", "HOST PORT PREFIX"), ("stateful_network_wordcount", "HOST PORT")):
            helped, missing, wrong = self.run(name, "--help"), self.run(name, "localhost"), self.run(name, "--batch.intervall=1s")
            if helped.returncode != 0 or words not in helped.stdout or "--memory.limit" not in helped.stdout:
                raise Failed(f"{name} --help: status {helped.returncode}\n{helped.stdout}{helped.stderr}")
            if missing.returncode != 1 or "PORT" not in missing.stderr or missing.stdout:
                raise Failed(f"{name} localhost: status {missing.returncode}\n{missing.stdout}{missing.stderr}")
            if wrong.returncode != 1 or "batch.interval" not in wrong.stderr:
                raise Failed(f"{name} --batch.intervall: status {wrong.returncode}\n{wrong.stderr}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", required=True)
    examples = Examples(os.path.abspath(parser.parse_args().examples))
    functions = [examples.network_wordcount, examples.more_than_ten, examples.nc_goes_and_comes, examples.nobody_listens_yet,
                 examples.reader_goes_away, examples.windowed_wordcount, examples.windowed_slide, examples.windowed_mistakes,
                 examples.save_wordcount, examples.save_where_it_cannot, examples.stateful_network_wordcount, examples.checkpoint_in_use, examples.port_in_use, examples.options]
    return run_cases([(function.__doc__.rstrip("."), function) for function in functions])


if __name__ == "__main__":
    sys.exit(main())
