#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The first thing that a stranger runs: scripts/demo, and the two programs behind it.

usage: demo.py --root DIR --examples DIR
"""
import argparse
import collections
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "python"))
from running import DEADLINE_S, Peer, Running, expect  # noqa: E402
from tap import Failed, run_cases  # noqa: E402

HEADER = re.compile(r"batch +records +records/s +processing +words +most frequent so far")
ROW = re.compile(r"\d\d:\d\d:\d\d\.\d{3} +(\d+) +(\d+) +\d+\.\d\d ms +(\d+)  (.*)")
LAST = re.compile(r"(\d+) batches, (\d+) records, (\d+) records/s")
START_SECONDS = 2  # a second start of the demo, which has nothing to build


class Shown:
    """What demo_wordcount printed, which must be a header, a row a batch and a last line that adds them up."""

    def __init__(self, output):
        lines = output.decode().splitlines()
        last = LAST.fullmatch(lines[-1])
        rows = [ROW.fullmatch(line) for line in lines[1:-1]]
        if not HEADER.fullmatch(lines[0]) or not last or None in rows:
            raise Failed("this is not what the demo prints:\n" + "\n".join(lines))
        self.n_batches, self.n_records, self.rate = map(int, last.groups())
        self.records, self.words = [int(row[1]) for row in rows], [row[4] for row in rows]
        self.n_words = int(rows[-1][3])
        expect((self.n_batches, self.n_records), (len(rows), sum(self.records)), "batches and records in the last line")


class Demo:
    def __init__(self, root, examples):
        self.root, self.examples = root, examples

    def program(self, name, *arguments):
        return [os.path.join(self.examples, name), *map(str, arguments)]

    def script(self, *arguments, **options):
        return Running([os.path.join(self.root, "scripts", "demo"), *map(str, arguments)], **options)

    def counts(self):
        """demo_wordcount shows each batch and its most frequent words, and ends by itself."""
        started = time.monotonic()
        with contextlib.closing(Peer()) as peer:
            job = Running(self.program("demo_wordcount", f"--socket=127.0.0.1:{peer.port}", "--batch.interval=100ms", "--seconds=2",
                                       "--catchup.batches=1000"))
            with contextlib.closing(job):
                peer.accept()
                peer.client.sendall(b"e d c b a\nd c b a\nc b a\nb a\nb\n")
                shown = Shown(job.read_rest())
                elapsed_s = time.monotonic() - started
                job.await_end(0)
        expect(shown.n_records, 5, "records")
        expect((shown.n_words, shown.words[-1]), (15, "b 5, a 4, c 3, d 2"), "words shown")
        if shown.n_batches < 19 or shown.rate > 3 or elapsed_s < 1.5:
            raise Failed(f"{shown.n_batches} batches, {shown.rate} records/s, in {elapsed_s} s")

    def rate(self):
        """The last line's records/s are those of the time that has passed, wherever between two batches it began."""
        started = time.monotonic()
        with contextlib.closing(self.serve("--rate=5000")) as server:
            job = Running(self.program("demo_wordcount", f"--socket=127.0.0.1:{self.port_of(server)}", "--seconds=2"))
            with contextlib.closing(job):
                shown = Shown(job.read_rest())
                elapsed_s = time.monotonic() - started
                job.await_end(0)
        # However many were served: between the job's two seconds and all that the test took.
        if not shown.n_records / elapsed_s - 1 <= shown.rate <= shown.n_records / 2 + 1 or shown.n_records == 0:
            raise Failed(f"{shown.rate} records/s, {shown.n_records} records in {elapsed_s} s")

    def seconds_out_of_range(self):
        """demo_wordcount, mock_kafka and line_server name the option whose number is out of range."""
        for said, command in (("--seconds is out of range", self.program("demo_wordcount", "--socket=localhost:9", "--seconds=-1")),
                              ("one thing to read", self.program("demo_wordcount")),
                              ("one thing to read", self.program("demo_wordcount", "--socket=a:1", "--brokers=b:1")),
                              ("name a topic", self.program("demo_wordcount", "--brokers=b:1")),
                              ("--partitions is out of range", self.program("mock_kafka", "--partitions=0")),
                              ("--rate is out of range", self.program("mock_kafka", "--rate=0")),
                              ("--port is out of range", self.program("line_server", "--port=65536")),
                              ("--rate is out of range", self.program("line_server", "--rate=nan")),
                              ("--seconds is out of range", self.program("line_server", "--seconds=-1")),
                              ("takes options and nothing else", self.program("line_server", "9999"))):
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_S)
            if done.returncode != 1 or said not in done.stderr or done.stdout:
                raise Failed(f"{command}: status {done.returncode}, {done.stdout!r}, {done.stderr!r}")

    def serve(self, *arguments):
        server = Running(self.program("line_server", *arguments))
        server.read_until(b"\n")
        return server

    def port_of(self, server):
        match = re.fullmatch(rb"line_server: listening on 127\.0\.0\.1 (\d+)\n", server.seen)
        if not match:
            raise Failed(f"line_server said {server.seen!r}")
        return int(match[1])

    def read_lines(self, port, n):
        with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as client, client.makefile("r") as lines:
            return [next(lines) for _ in range(n)]

    def lines_of_seed(self, seed):
        with contextlib.closing(self.serve("--rate=0", f"--seed={seed}")) as server:
            return self.read_lines(self.port_of(server), 2000)

    def seeds(self):
        """line_server serves the same lines for the same seed: words of very unequal frequency."""
        first, again, other = [self.lines_of_seed(seed) for seed in (1, 1, 2)]
        expect(first == again, True, "the same seed gives the same lines")
        expect(first == other, False, "another seed gives the same lines")
        counts = collections.Counter(word for line in first for word in line.split()).most_common()
        ratio = counts[0][1] / counts[1][1]
        if not 1.8 <= ratio <= 2.2 or any(not 5 <= len(line.split()) <= 15 for line in first):
            raise Failed(f"the most frequent words: {counts[:4]}")

    def clients(self):
        """line_server serves one client after the other, and notices one that leaves although no line is due."""
        with contextlib.closing(self.serve("--rate=1", "--seconds=20")) as server:
            port = self.port_of(server)
            for _ in range(3):
                socket.create_connection(("127.0.0.1", port), DEADLINE_S).close()
            expect(len(self.read_lines(port, 1)), 1, "lines for the fourth")

    def ends(self):
        """line_server ends after its time, even with a client that reads nothing."""
        with contextlib.closing(self.serve("--rate=0", "--seconds=1")) as server:
            with socket.create_connection(("127.0.0.1", self.port_of(server)), DEADLINE_S):
                server.await_end(0)

    def script_is_killed_and_goes_on(self):
        """scripts/demo kills its job half-way, and the one that goes on has counted every word once."""
        with contextlib.closing(self.script("--seconds", 6)) as demo:
            demo.await_said("totals of words", seconds=240)  # it builds first
            demo.await_said("SIGKILL, half-way", seconds=60)
            demo.await_said("words were counted, none twice", seconds=60)
            demo.read_rest()
            demo.await_end(0)
        lives = demo.seen.decode().split("batch  ")[1:]
        expect(len(lives), 2, "lives of the job")
        shown = Shown(("batch  " + lives[1]).encode())
        if shown.n_records == 0 or "the " not in shown.words[-1]:
            raise Failed(f"{shown.n_batches} batches, {shown.n_records} records: {shown.words}")

    def script_has_a_checkpoint_of_its_own(self):
        """scripts/demo --checkpoint counts right in a place where another run has left a checkpoint."""
        with tempfile.TemporaryDirectory(prefix="weir-demo-") as folder:
            for _ in range(2):
                with contextlib.closing(self.script("--seconds", 1, "--checkpoint", f"file://{folder}")) as demo:
                    demo.await_said("words were counted, none twice", seconds=60)
                    demo.read_rest()
                    demo.await_end(0)
            expect(len(os.listdir(folder)), 2, "checkpoints that stay")

    def script_starts_again(self):
        """scripts/demo starts within two seconds once it is built."""
        took, end = [], time.monotonic() + 4 * DEADLINE_S
        while time.monotonic() < end:  # other programs may have the machine for a while
            started = time.monotonic()
            with contextlib.closing(self.script("--seconds", 1)) as demo:
                demo.read_until(b"most frequent so far\n")
                took.append(time.monotonic() - started - 1)  # the first batch comes within a second of the start
                demo.read_rest()
                demo.await_end(0)
            if took[-1] < START_SECONDS:
                return
        raise Failed(f"it took {took} s")

    def script_reads_a_socket(self):
        """scripts/demo --socket HOST:PORT reads the user's own, and after Ctrl-C shows all that it had received."""
        with contextlib.closing(Peer()) as peer:
            demo = self.script("--socket", f"127.0.0.1:{peer.port}", "--seconds=0", "--batch.interval=100ms", start_new_session=True)
            with contextlib.closing(demo):
                peer.accept()
                peer.client.sendall(b"my own words my own\n")
                demo.read_until(b"  my 2, own 2, words 1\n")
                os.killpg(demo.process.pid, signal.SIGINT)  # as a terminal does it
                shown = Shown(demo.read_rest())
                demo.await_end(0)
        expect(shown.n_records, 1, "records")

    def script_ends_when_told(self):
        """scripts/demo ends at Ctrl-C at any moment of its start, and leaves no program behind."""
        for tenth in range(10):
            demo = self.script("--seconds=60", start_new_session=True)
            with contextlib.closing(demo):
                time.sleep(tenth / 10)  # a moment, whatever it is
                os.killpg(demo.process.pid, signal.SIGINT)
                demo.read_rest()  # until nobody of them holds its end of the pipe
                if demo.process.wait(DEADLINE_S) not in (0, 130, 143, -signal.SIGINT):
                    raise Failed(f"after {tenth}/10 s: status {demo.process.returncode}, {demo.said()}")

    def script_mistakes(self):
        """scripts/demo names what it was called with by mistake, and starts nothing."""
        for said, arguments in (("--seconds takes a whole number, not 'x'", ["--seconds", "x"]),
                                ("--rate needs a value", ["--rate"]),
                                ("--socket takes HOST:PORT, not 'localhost'", ["--socket=localhost"]),
                                ("--socket takes HOST:PORT, not ':9'", ["--socket", ":9"]),
                                ("a socket or a topic, not both", ["--socket", "a:9", "--brokers", "b:9"]),
                                ("--brokers needs a --topic", ["--brokers", "b:9"]),
                                ("--topic needs --brokers", ["--topic=t"]),
                                ("--checkpoint takes a URI: file:///a/folder", ["--checkpoint", "/a/folder"]),
                                ("--checkpoint takes a URI, file:///FOLDER or", ["--checkpoint=folder"])):
            done = subprocess.run([os.path.join(self.root, "scripts", "demo"), *arguments], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=DEADLINE_S)
            if done.returncode != 1 or said not in done.stderr or done.stdout:
                raise Failed(f"{arguments}: status {done.returncode}, {done.stdout!r}, {done.stderr!r}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", required=True)
    parser.add_argument("--examples", required=True)
    options = parser.parse_args()
    demo = Demo(os.path.abspath(options.root), os.path.abspath(options.examples))
    functions = [demo.counts, demo.rate, demo.seconds_out_of_range, demo.seeds, demo.clients, demo.ends, demo.script_is_killed_and_goes_on,
                 demo.script_has_a_checkpoint_of_its_own, demo.script_starts_again, demo.script_reads_a_socket, demo.script_ends_when_told,
                 demo.script_mistakes]
    return run_cases([(function.__doc__.rstrip("."), function) for function in functions])


if __name__ == "__main__":
    sys.exit(main())
