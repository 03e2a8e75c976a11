#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The example jobs that show one thing each, fed over real sockets: what they print, batch by batch, and what they save.

usage: recipes.py --examples DIR
"""
import argparse
import contextlib
import glob
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "python"))
from jobs import FAST, await_later, await_true, expect, free_port, running  # noqa: E402
from running import Peer  # noqa: E402
from tap import run_cases  # noqa: E402


class Typist(Peer):
    """A peer that sends what the test types."""

    def type(self, text):
        if self.client is None:
            self.accept()
        self.client.sendall(text.encode())


@contextlib.contextmanager
def typists(n):
    peers = [Typist() for _ in range(n)]
    try:
        yield peers
    finally:
        for peer in peers:
            peer.close()


def seen(job):
    """All elements that it has printed, sorted, batch after batch; batches without any left out."""
    return [sorted(elements) for _, elements in job.batches_so_far() if elements]


def elements(job):
    return [element for batch in seen(job) for element in batch]


class Recipes:
    def __init__(self, folder):
        self.folder = folder

    @contextlib.contextmanager
    def job(self, name, peers, *arguments, options=FAST):
        ports = [peer.port for peer in peers]
        with running([os.path.join(self.folder, name), "127.0.0.1", *map(str, [*ports, *arguments]), *options]) as job:
            yield job

    def hot_words(self):
        """hot_words prints the most frequent words in order, adds up over batches, and saves the ranking of all."""
        with tempfile.TemporaryDirectory(prefix="weir-example-") as folder, typists(1) as (peer,):
            prefix = os.path.join(folder, "ranking")
            with self.job("hot_words", [peer], prefix, options=["--partitions=3"]) as job:
                peer.type("b c a b\n")
                await_true(job, lambda: job.batches_so_far() and job.batches_so_far()[-1][1] == ["(b,2)", "(a,1)", "(c,1)"],
                           "the first words")
                peer.type(" ".join(f"{word} " * 3 for word in "cdefghijkl") + "\n")
                top = ["(c,4)"] + [f"({word},3)" for word in "defghijkl"]
                await_true(job, lambda: job.batches_so_far()[-1][1] == top, "the first ten of twelve")
                await_true(job, lambda: self.saved(prefix) == top + ["(b,2)", "(a,1)"], "the ranking")
                job.stop_and_check(1000)

    def saved(self, prefix):
        """The lines of the newest folder that is complete, in the order of its files."""
        newest = max(glob.glob(prefix + "-*/_SUCCESS"), default=None)
        lines = []
        for path in sorted(glob.glob(os.path.join(os.path.dirname(newest), "part-*"))) if newest else []:
            with open(path) as f:
                lines += f.read().splitlines()
        return lines

    def sessions(self):
        """sessions prints a visit once, when nothing has come for the gap, and begins a new one with what comes then."""
        with typists(1) as (peer,), self.job("sessions", [peer], "--gap=1") as job:
            peer.type("ann /home\nbob /home\nann /cart\nnonsense\n")
            await_true(job, lambda: elements(job) == ["(ann,[2,0.0])", "(bob,[1,0.0])"], "both visits")
            peer.type("ann /again\n")
            await_true(job, lambda: elements(job)[2:] == ["(ann,[1,0.0])"], "the second visit")
            job.stop_and_check(100)

    def session_goes_on(self):
        """sessions counts pages of several batches as one visit, and how long it took."""
        with typists(1) as (peer,), self.job("sessions", [peer], "--gap=5") as job:
            peer.type("ann /home\n")
            await_later(job, 5)
            peer.type("ann /cart\n")
            await_true(job, lambda: elements(job), "the visit")
            job.stop_and_check(100)
            (visit,) = elements(job)
            pages, took = visit[len("(ann,["):-len("])")].split(",")
            expect((pages, 0.2 < float(took) < 5.0), ("2", True), visit)

    def click_join(self):
        """click_join counts clicks by campaign, joins them with impressions of earlier batches, and drops unknown ones."""
        with typists(2) as (impressions, clicks), self.job("click_join", [impressions, clicks]) as job:
            impressions.type("i1 shoes\ni2 hats\ni3 shoes\n")
            clicks.accept()
            await_later(job, 5)
            clicks.type("i1\ni2\ni3\ni9\n")
            await_true(job, lambda: seen(job), "the clicks")
            clicks.type("i2\n")
            await_true(job, lambda: len(elements(job)) >= 3, "another click")
            job.stop_and_check(100)
            counts = {}
            for element in elements(job):
                campaign, count = element.strip("()").split(",")
                counts[campaign] = counts.get(campaign, 0) + int(count)
            expect(counts, {"shoes": 2, "hats": 2}, "clicks")

    def enrich(self):
        """enrich puts names beside codes, and nothing beside codes that the table lacks."""
        with tempfile.NamedTemporaryFile("w", prefix="weir-example-") as table, typists(1) as (peer,):
            table.write("de Germany\nfr France\nnz New Zealand\n")
            table.flush()
            with self.job("enrich", [peer], table.name) as job:
                peer.type("de /home\nnz /cart\nxx /home\n")
                expected = ["(de,(/home,Germany))", "(nz,(/cart,New Zealand))", "(xx,(/home,null))"]
                await_true(job, lambda: sorted(elements(job)) == expected, "the visits")
                peer.type("fr /home\n")
                await_true(job, lambda: elements(job)[3:] == ["(fr,(/home,France))"], "the table in a later batch")
                job.stop_and_check(100)

    def table_is_missing(self):
        """enrich and spam_filter name the file that is not there."""
        for name, n_ports in (("enrich", 1), ("spam_filter", 2)):
            with self.job_that_ends(name, [free_port()] * n_ports, "/nowhere/table") as job:
                job.process.wait(30)
                expect((job.process.returncode, "/nowhere/table" in job.said()), (1, True), f"{name}: {job.said()}")

    @contextlib.contextmanager
    def job_that_ends(self, name, ports, *arguments):
        with running([os.path.join(self.folder, name), "127.0.0.1", *map(str, [*ports, *arguments])]) as job:
            yield job

    def dedupe(self):
        """dedupe lets the first line of an id pass, within a batch and from batch to batch."""
        with typists(1) as (peer,), self.job("dedupe", [peer]) as job:
            peer.type("m1 hello\nm2 hello\nm1 again\n")
            await_true(job, lambda: sorted(elements(job)) == ["m1 hello", "m2 hello"], "the first lines")
            peer.type("m2 again\nm3 hello\n")
            await_true(job, lambda: elements(job)[2:] == ["m3 hello"], "the third id alone")
            job.stop_and_check(100)

    def key_rates(self):
        """key_rates divides a key's bytes by ten seconds, and forgets the key when its records have left."""
        with typists(1) as (peer,), self.job("key_rates", [peer], options=["--batch.interval=500ms"]) as job:
            peer.type("/home 100\n/cart 50\n/home 300\nnonsense\n")
            await_true(job, lambda: seen(job) and seen(job)[-1] == ["(/cart,5.0)", "(/home,40.0)"], "the first rates")
            peer.type("/home 200\n")
            await_true(job, lambda: seen(job)[-1] == ["(/cart,5.0)", "(/home,60.0)"], "the second rates")
            await_true(job, lambda: seen(job)[-1] == ["(/home,20.0)"], "the first records to leave")
            await_true(job, lambda: job.batches_so_far()[-1][1] == [], "the last one to leave")
            job.stop_and_check(500)

    def log_alert(self):
        """log_alert names services with many errors over several batches, and shows the lines that are none apart."""
        with typists(1) as (peer,), self.job("log_alert", [peer], "--errors=2") as job:
            peer.type("ERROR shop no stock\nINFO shop ok\nERROR mail bounced\nwhat?\n")
            await_true(job, lambda: elements(job) == ["(no level and service,what?)"], "the bad line")
            peer.type("ERROR shop no stock\n")
            await_true(job, lambda: "(shop,2)" in elements(job), "the alert")
            job.stop()
            expect(set(elements(job)), {"(no level and service,what?)", "(shop,2)"}, "printed")

    def spam_filter(self):
        """spam_filter drops messages of listed senders at once, and of reported ones from the report on."""
        with tempfile.NamedTemporaryFile("w", prefix="weir-example-") as table, typists(2) as (messages, reports):
            table.write("mallory\n")
            table.flush()
            with self.job("spam_filter", [messages, reports], table.name) as job:
                messages.type("ann hello\nmallory win\ntrudy win\n")
                await_true(job, lambda: sorted(elements(job)) == ["(ann,hello)", "(trudy,win)"], "messages before the report")
                reports.type("trudy\ntrudy\n")
                await_later(job, 10)
                messages.type("trudy win\nmallory win\nann again\n")
                await_true(job, lambda: elements(job)[2:] == ["(ann,again)"], "messages after the report")
                job.stop_and_check(100)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", required=True)
    recipes = Recipes(os.path.abspath(parser.parse_args().examples))
    functions = [recipes.hot_words, recipes.sessions, recipes.session_goes_on, recipes.click_join, recipes.enrich,
                 recipes.table_is_missing, recipes.dedupe, recipes.key_rates, recipes.log_alert, recipes.spam_filter]
    return run_cases([(function.__doc__.rstrip("."), function) for function in functions])


if __name__ == "__main__":
    sys.exit(main())
