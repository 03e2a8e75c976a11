#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How the example jobs end: signals in the middle of a batch, much that is received and not yet counted, and what keeps
a job from starting or finding its peer.

usage: stops.py --examples DIR
"""
import argparse
import collections
import contextlib
import glob
import os
import re
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "python"))
from running import DEADLINE_S, Peer, Running, expect  # noqa: E402
from tap import Failed, run_cases  # noqa: E402

LONG_WORD = b"x" * 400000  # much longer than what a pipe holds


class Stops:
    def __init__(self, examples):
        self.examples = examples

    def command(self, name, *arguments):
        return [os.path.join(self.examples, name), *map(str, arguments)]

    @contextlib.contextmanager
    def job(self, name, *arguments, **options):
        """A job that is connected to a peer."""
        peer = Peer()
        running = Running(self.command(name, "127.0.0.1", peer.port, *arguments, "--batch.interval=100ms"), **options)
        try:
            peer.accept()
            yield running, peer
        finally:
            running.close()
            peer.close()

    @contextlib.contextmanager
    def in_the_middle_of_a_batch(self):
        """A job that prints a long batch, which stands still until its output is read, and has received another one."""
        with self.job("network_wordcount") as (running, peer):
            peer.client.sendall(LONG_WORD + b"\n")
            running.read_until(b"(xxx")
            peer.client.sendall(b"the next batch\n")
            yield running

    def stop_in_a_batch(self, number):
        with self.in_the_middle_of_a_batch() as running:
            running.process.send_signal(number)
            running.await_said("stopping")
            expect(running.process.poll(), None, "end before the batch is done")
            output = running.read_rest()
            running.await_end(0)
        for element in (LONG_WORD, b"the", b"next", b"batch"):
            expect(output.count(b"(" + element + b",1)\n"), 1, f"times that {element[:10]} was printed")

    def terminated(self):
        """SIGTERM in the middle of a long batch: that one and what was received meanwhile are done first."""
        self.stop_in_a_batch(signal.SIGTERM)

    def interrupted(self):
        """SIGINT does the same."""
        self.stop_in_a_batch(signal.SIGINT)

    def two_signals(self):
        """A second signal drops what waits, and says how much that is."""
        with self.in_the_middle_of_a_batch() as running:
            running.process.send_signal(signal.SIGTERM)
            running.await_said("stopping")
            running.process.send_signal(signal.SIGTERM)
            running.await_said("dropped")
            output = running.read_rest()
            running.await_end(0)
        expect(output.count(b"(next,1)"), 0, "times that the dropped batch was printed")

    def everything_received(self):
        """A stop right after much has arrived: all of it is counted and saved."""
        words = [f"word{i * i % 9973}" for i in range(600000)]
        with tempfile.TemporaryDirectory(prefix="weir-stops-") as folder:
            with self.job("save_wordcount", os.path.join(folder, "counts"), stdout=subprocess.DEVNULL) as (running, peer):
                peer.client.sendall("".join(" ".join(words[i:i + 10]) + "\n" for i in range(0, len(words), 10)).encode())
                peer.client.close()
                running.await_said("the peer has closed")
                running.process.send_signal(signal.SIGTERM)
                running.await_end(0)
            found = collections.Counter()
            for path in glob.glob(os.path.join(folder, "counts-*", "part-*")):
                with open(path) as f:
                    for line in f:
                        word, count = re.fullmatch(r"\((.*),(\d+)\)\n", line).groups()
                        found[word] += int(count)
            expect(found == collections.Counter(words), True, "the saved counts are those of the words")
            leftovers = [name for name in os.listdir(folder) if not re.fullmatch(r"counts-\d+", name)]
            expect(leftovers, [], "left behind")

    def nobody_there(self):
        """A host that nobody knows: batches go on, the job says so once, and ends when it is asked to."""
        running = Running(self.command("network_wordcount", "niemand-übrig.invalid", 4711, "--batch.interval=50ms"))
        with contextlib.closing(running):
            running.await_said('cannot find the host "niemand-übrig.invalid"')
            running.read_until(b"Time: ", times=30)
            running.process.send_signal(signal.SIGTERM)
            running.read_rest()
            running.await_end(0)
            expect(running.said().count("cannot find the host"), 1, "times it said so")

    def refuses(self, said, name, *arguments, **environment):
        done = subprocess.run(self.command(name, *arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=DEADLINE_S, env=dict(os.environ, **environment))
        if done.returncode != 1 or done.stdout or said not in done.stderr or done.stderr.count("\n") != 1:
            raise Failed(f"{name} {arguments} {environment}: status {done.returncode}, {done.stdout!r}, {done.stderr!r}")

    def mistakes(self):
        """What cannot be is refused in one line, before anything is printed."""
        for port in ("0", "65536", "http-", "1x", ""):
            self.refuses("which is none: give a number from 1 to 65535", "network_wordcount", "127.0.0.1", port)
        self.refuses("no host", "save_wordcount", "", "9", "counts")
        self.refuses('one argument too many, "c"', "network_wordcount", "a", "9", "c")
        self.refuses("missing argument SLIDE_S", "windowed_wordcount", "a", "9", "3")
        self.refuses("did you mean --memory.limit?", "network_wordcount", "a", "9", "--memory.limits=1GB")
        self.refuses("0 is out of range: it may be 1 to 256", "network_wordcount", "a", "9", "--workers=0")
        self.refuses("has no unit", "network_wordcount", "a", "9", "--batch.interval=5")
        self.refuses("WEIR_WORKERS", "network_wordcount", "a", "9", WEIR_WORKERS="many")
        self.refuses("No such file or directory", "network_wordcount", "a", "9", "--config=no-such-file.conf")

    def full_output(self):
        """An output that takes nothing ends the job with an error that says why."""
        with open("/dev/full", "w") as full, self.job("network_wordcount", stdout=full) as (running, _):
            running.await_end(1)
            expect(running.said().count("cannot print to standard output: No space left on device"), 1, "times it said why")

    def closed_output(self):
        """A job without a standard output ends with an error, too."""
        running = Running(["sh", "-c", 'exec "$@" >&-', "sh", *self.command("network_wordcount", "127.0.0.1", 1)])
        with contextlib.closing(running):
            running.await_end(1)
            expect(running.said().count("cannot print to standard output"), 1, "times it said why")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", required=True)
    stops = Stops(os.path.abspath(parser.parse_args().examples))
    functions = [stops.terminated, stops.interrupted, stops.two_signals, stops.everything_received, stops.nobody_there,
                 stops.mistakes, stops.full_output, stops.closed_output]
    return run_cases([(function.__doc__.rstrip("."), function) for function in functions])


if __name__ == "__main__":
    sys.exit(main())
