#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The example jobs that look at what came from several sides: what they say of files and of frames.

usage: reports.py --examples DIR
"""
import argparse
import glob
import os
import re
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "python"))
from jobs import BATCH, FAST, await_true, expect, running  # noqa: E402
from recipes import elements, typists  # noqa: E402
from tap import Failed, run_cases  # noqa: E402


class Reports:
    def __init__(self, folder):
        self.folder = folder

    def program(self, name, *arguments):
        return [os.path.join(self.folder, name), *map(str, arguments)]

    def report(self, sales, returns):
        with tempfile.TemporaryDirectory(prefix="weir-example-") as folder:
            paths = [os.path.join(folder, name) for name in ("sales", "returns")]
            for path, text in zip(paths, (sales, returns)):
                with open(path, "w") as f:
                    f.write(text)
            return subprocess.run(self.program("sales_report", *paths), stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, timeout=60)

    def sales_report(self):
        """sales_report says of each region what was sold, in eight ways, and ends by itself."""
        done = self.report("north 10\nsouth 2.5\nnorth 20\nnorth 0\nnothing\n", "north 10\neast 1\n")
        expect(done.returncode, 0, done.stderr)
        expect([sorted(text.splitlines()) for _, text in BATCH.findall(done.stdout)], [
            ["6"],
            ["(east,-1.0)", "(north,20.0)", "(south,2.5)"],
            ["(north,mean 10.00 of 3)", "(south,mean 2.50 of 1)"],
            ["(north,[0.0,20.0])", "(south,[2.5,2.5])"],
            ["(north,10.0)", "(south,2.5)"],
            ["(north,(3,1))", "(south,(1,null))"],
            ["(east,(null,1.0))", "(north,(30.0,10.0))"],
            ["(east,([],[1.0]))", "(north,([10.0,20.0,0.0],[10.0]))", "(south,([2.5],[]))"],
        ], "the report")
        if "1 for nothing" not in done.stderr:
            raise Failed(f"said: {done.stderr}")

    def nothing_was_sold(self):
        """sales_report of empty files shows a count of 0 and no region."""
        done = self.report("", "")
        expect(done.returncode, 0, done.stderr)
        expect([text.splitlines() for _, text in BATCH.findall(done.stdout)], [["0"]] + [[]] * 7, "the report")

    def baskets(self):
        """baskets says of each file that is there or comes what was bought, how often, together, and without a price."""
        with tempfile.TemporaryDirectory(prefix="weir-example-") as folder:
            self.put(folder, "monday", "1 bread milk\n2 milk bread tea\n3 tea\n")
            self.put(folder, "notes", "4 gold\n")
            with running(self.program("baskets", folder, *FAST)) as job:
                job.await_lines("3 kinds in 1 partitions\nsold (bread,2)\nsold (milk,2)\nsold (tea,2)\n"
                                "together ((bread,milk),2)\ntogether ((bread,tea),1)\ntogether ((milk,tea),1)\n"
                                "no price (tea,(2,null))\nlongest 2 milk bread tea")
                self.put(folder, "tuesday", "5 milk milk\n")
                job.await_lines("1 kinds in 1 partitions\nsold (milk,2)\nlongest 5 milk milk")
                job.stop()

    def put(self, folder, name, text):
        path = os.path.join(folder, name)
        with open(path + ".tmp", "w") as f:
            f.write(text)
        os.rename(path + ".tmp", path)

    def send(self, peer, *messages):
        if peer.client is None:
            peer.accept()
        peer.client.sendall(b"".join(struct.pack(">I", len(m.encode())) + m.encode() for m in messages))

    def sensor_watch(self):
        """sensor_watch counts and averages what came of late, knows which sensors there are, and keeps the readings."""
        with tempfile.TemporaryDirectory(prefix="weir-example-") as folder, typists(1) as (peer,):
            prefix = os.path.join(folder, "readings")
            with running(self.program("sensor_watch", "127.0.0.1", peer.port, prefix)) as job:
                self.send(peer, "kitchen 21.5", "kitchen 22.5", "cellar 9", "bad")
                await_true(job, lambda: "(cellar,on)" in elements(job), "the sensors")
                for what in ("3", "22.5", "(kitchen,22.5)", "(kitchen,22.0)", "(kitchen,[21.5,22.5])", "(home,20.0)"):
                    await_true(job, lambda: what in elements(job), what)
                self.send(peer, "cellar off")
                await_true(job, lambda: "(cellar,off)" in elements(job), "the end of a sensor")
                job.await_said("4 messages, waited")
                job.stop()
                if "a sensor and degrees are needed" not in job.said():
                    raise Failed(f"said: {job.said()}")
            if not glob.glob(prefix + "-*/_SUCCESS"):
                raise Failed(f"no readings are kept: {os.listdir(folder)}")

    def reading_report(self):
        """reading_report says of the readings that sensor_watch has kept what they were, and what the limits say of them."""
        with tempfile.TemporaryDirectory(prefix="weir-example-") as folder, typists(1) as (peer,):
            kept, limits = os.path.join(folder, "kept"), os.path.join(folder, "limits")
            os.mkdir(kept)
            with running(self.program("sensor_watch", "127.0.0.1", peer.port, os.path.join(kept, "readings"), *FAST)) as job:
                self.send(peer, "kitchen 21.5", "kitchen 22.5", "cellar 9", "attic 30", "cellar off")
                await_true(job, lambda: "(cellar,off)" in elements(job), "the last reading")
                job.stop()
            self.put(folder, "limits", "kitchen 22\ncellar 12\ngarage 10\n")
            with running(self.program("reading_report", kept, limits, *FAST)) as job:
                job.await_lines("readings (attic,1)\nreadings (cellar,1)\nreadings (kitchen,2)\n"
                                "mean (attic,30.0)\nmean (cellar,9.0)\nmean (kitchen,22.0)\n"
                                "span (attic,(30.0,30.0))\nspan (cellar,(9.0,9.0))\nspan (kitchen,(21.5,22.5))\n"
                                "silent garage\nalarm attic is unknown\nalarm kitchen: 22.5, not 22")
                job.stop()

    def no_limits(self):
        """reading_report says which file has no limits in it."""
        with tempfile.TemporaryDirectory(prefix="weir-example-") as folder:
            self.put(folder, "limits", "kitchen warm\n")
            done = subprocess.run(self.program("reading_report", folder, os.path.join(folder, "limits")), timeout=60,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True)
            expect(done.returncode, 1, done.stderr)
            if "limits: a line is not a sensor and degrees" not in done.stderr:
                raise Failed(f"said: {done.stderr}")

    def parcels(self):
        """parcels says what goes where and in which van; a label that it has printed is read as the shipment that it is of."""
        with typists(2) as peers, running(self.program("parcels", 2, "127.0.0.1", *[p.port for p in peers], *FAST)) as job:
            peers[0].type("p1 Bonn 2.5,1 express\n")
            job.await_said("p1: label ")
            for what in ("(0,1)", "(Bonn,3.5)", "[p1]", "[]"):
                await_true(job, lambda: what in elements(job), what)
            label = re.search(r"p1: (label \S+)\n", job.said())[1]
            peers[1].type(label + "\n")
            job.await_said(f"p1: {label}\n", 2)
            await_true(job, lambda: elements(job).count("(Bonn,3.5)") == 2, "the parcel again")
            peers[1].type("label bm8gbGFiZWw=\n")
            job.await_said("cannot decode")
            job.stop()

    def too_hot(self):
        """sensor_watch ends with an error that has the degrees which it does not believe."""
        with typists(1) as (peer,), running(self.program("sensor_watch", "127.0.0.1", peer.port, *FAST)) as job:
            self.send(peer, "oven 5000")
            job.await_said("will not pass")
            expect(job.process.wait(30), 1, "exit status")
            if "5000 degrees" not in job.said():
                raise Failed(f"said: {job.said()}")

    def cannot_keep(self):
        """sensor_watch says which output failed where it cannot keep the readings."""
        with tempfile.NamedTemporaryFile() as file, typists(1) as (peer,):
            with running(self.program("sensor_watch", "127.0.0.1", peer.port, file.name + "/readings", *FAST)) as job:
                self.send(peer, "kitchen 20")
                job.await_said("output 7, ")
                expect(job.process.wait(30), 1, "exit status")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", required=True)
    reports = Reports(os.path.abspath(parser.parse_args().examples))
    functions = [reports.sales_report, reports.nothing_was_sold, reports.baskets, reports.sensor_watch,
                 reports.reading_report, reports.no_limits, reports.parcels, reports.too_hot, reports.cannot_keep]
    return run_cases([(function.__doc__.rstrip("."), function) for function in functions])


if __name__ == "__main__":
    sys.exit(main())
