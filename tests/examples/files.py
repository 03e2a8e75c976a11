#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""file_wordcount: what it counts of files that come while it runs, and that a job which is killed in the middle, again and
again, has counted everything once in the end.

usage: files.py --examples DIR
"""
import argparse
import collections
import contextlib
import glob
import os
import re
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "python"))
from running import DEADLINE_S, Running, expect  # noqa: E402
from tap import run_cases  # noqa: E402

FAST = ["--batch.interval=20ms", "--checkpoint.interval=60ms", "--catchup.batches=1000000", "--log.level=warning"]
KILLS = 8
FILES = 15


class Folder:
    """A folder that files come into, and what was counted of them."""

    def __init__(self, path):
        self.path, self.inbox = path, os.path.join(path, "in")
        os.mkdir(self.inbox)

    def put(self, name, text):
        made = os.path.join(self.path, "made")
        with open(made, "w") as f:
            f.write(text)
        os.rename(made, os.path.join(self.inbox, name))

    def counted(self):
        words = collections.Counter()
        for path in glob.glob(os.path.join(self.path, "out-*", "part-*")):
            with open(path) as f:
                for word, n in re.findall(r"^\((\w+),(\d+)\)$", f.read(), re.MULTILINE):
                    words[word] += int(n)
        return words

    def await_counted(self, job, condition, what):
        end = time.monotonic() + DEADLINE_S
        while not condition(self.counted()):
            if time.monotonic() > end or job.process.poll() is not None:
                job.fail(f"{what} has not been counted")
            time.sleep(0.005)


class Files:
    def __init__(self, examples):
        self.examples = examples

    @contextlib.contextmanager
    def folder(self):
        with tempfile.TemporaryDirectory(prefix="weir-files-") as path:
            yield Folder(path)

    @contextlib.contextmanager
    def job(self, folder, *more):
        running = Running([os.path.join(self.examples, "file_wordcount"), folder.inbox, os.path.join(folder.path, "out"),
                           *more, *FAST])
        try:
            yield running
        finally:
            running.close()

    def stop(self, job):
        job.process.send_signal(signal.SIGTERM)
        job.read_rest()
        job.await_end(0)

    def counted(self):
        """Files that come are counted, those that were there are not, a large one in pieces; what was deleted is no matter."""
        with self.folder() as folder:
            folder.put("old", "old\n")
            with self.job(folder) as job:
                self.await_first(folder, job)
                folder.put("one", "to be\nor not\nto be")
                folder.await_counted(job, lambda words: words["be"] == 2, "the first file")
                os.unlink(os.path.join(folder.inbox, "one"))
                folder.put("large", "some words that are counted\n" * 4000000)
                folder.await_counted(job, lambda words: words["words"] == 4000000, "a large file")
                self.stop(job)
            wanted = {"to": 2, "be": 2, "or": 1, "not": 1, "some": 4000000, "words": 4000000, "that": 4000000,
                      "are": 4000000, "counted": 4000000}
            expect(dict(folder.counted()), wanted, "words")

    def await_first(self, folder, job):
        """The folder of a batch is there: the job has seen what was there at its start."""
        end = time.monotonic() + DEADLINE_S
        while not glob.glob(os.path.join(folder.path, "out-*")):
            if time.monotonic() > end:
                job.fail("no batch has been saved")
            time.sleep(0.005)

    def killed(self):
        """Killed again and again while files come, also while it is away: every word is counted once."""
        with self.folder() as folder:
            checkpoint = f"--checkpoint=file://{folder.path}/checkpoint"
            with self.job(folder, checkpoint) as job:
                self.await_first(folder, job)
                self.stop(job)
            for life in range(KILLS):
                with self.job(folder, checkpoint) as job:
                    for i in range(FILES):
                        folder.put(f"life{life}-{i}", f"a life{life}\n" + "word " * 50)
                    folder.await_counted(job, lambda words: words[f"life{life}"] > 0, "a sealed batch")
                    folder.put(f"late{life}", "late\n")
                    job.process.kill()
                    job.process.wait()
                folder.put(f"away{life}", "away\n")
            with self.job(folder, checkpoint) as job:
                folder.await_counted(job, lambda words: words["away"] >= KILLS and words["late"] >= KILLS, "the rest")
                self.stop(job)
            wanted = {"a": FILES * KILLS, "word": 50 * FILES * KILLS, "late": KILLS, "away": KILLS,
                      **{f"life{i}": FILES for i in range(KILLS)}}
            expect(dict(folder.counted()), wanted, "words")

    def missing(self):
        """A folder that is not there is named, and nothing starts."""
        with self.folder() as folder:
            os.rmdir(folder.inbox)
            with self.job(folder) as job:
                job.await_end(1)
                job.await_said(f"cannot list the folder {folder.inbox}: No such file or directory")

    def deleted(self):
        """A file may be deleted as soon as the folder of its batch can be seen, whatever then happens to the job."""
        with self.folder() as folder:
            checkpoint = f"--checkpoint=file://{folder.path}/checkpoint"
            with self.job(folder, checkpoint) as job:
                self.await_first(folder, job)
                folder.put("kept", "kept\n")
                folder.await_counted(job, lambda words: words["kept"] == 1, "the file")
                os.unlink(os.path.join(folder.inbox, "kept"))
                job.process.kill()
                job.process.wait()
            with self.job(folder, checkpoint) as job:
                folder.put("next", "next\n")
                folder.await_counted(job, lambda words: words["next"] == 1, "the next file")
                self.stop(job)
            expect(dict(folder.counted()), {"kept": 1, "next": 1}, "words")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", required=True)
    files = Files(parser.parse_args().examples)
    return run_cases([(each.__doc__, each) for each in (files.counted, files.killed, files.missing, files.deleted)])


if __name__ == "__main__":
    sys.exit(main())
