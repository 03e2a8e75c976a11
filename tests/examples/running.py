# SPDX-License-Identifier: Apache-2.0
"""Running programs whose output is read when a test wants it to be, and the peers that they connect to. Every wait is for
an event and has a deadline."""
import contextlib
import os
import select
import socket
import subprocess
import threading

from tap import Failed

DEADLINE_S = 30


def expect(found, wanted, what):
    if found != wanted:
        raise Failed(f"{what}: {found!r}, not {wanted!r}")


class Peer:
    """A server that does what the test says."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(DEADLINE_S)
        self.port, self.client = self.listener.getsockname()[1], None

    def accept(self):
        self.client, _ = self.listener.accept()
        self.client.settimeout(DEADLINE_S)

    def close(self):
        for each in (self.client, self.listener):
            if each is not None:
                each.close()


class Running:
    """A program. What it says on standard error is read at once; standard output waits until it is asked for, and then
    the program waits, too, once the pipe is full."""

    def __init__(self, command, stdout=subprocess.PIPE, **options):
        self.command, self.errors, self.seen, self.changed = command, "", b"", threading.Condition()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, **options)
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def _listen(self):
        for line in self.process.stderr:
            with self.changed:
                self.errors += line.decode(errors="replace")
                self.changed.notify_all()
        with self.changed:
            self.errors += "(end of standard error)\n"
            self.changed.notify_all()

    def said(self):
        with self.changed:
            return self.errors

    def fail(self, what):
        raise Failed(f"{self.command}: {what}; it said\n{self.said()}")

    def await_said(self, text, times=1, seconds=DEADLINE_S):
        with self.changed:
            came = self.changed.wait_for(lambda: self.errors.count(text) >= times or "(end of standard error)" in self.errors,
                                         seconds)
        if not came or self.said().count(text) < times:
            self.fail(f"has not said {text!r}")

    def read_some(self):
        """False at the end."""
        fd = self.process.stdout.fileno()
        if not select.select([fd], [], [], DEADLINE_S)[0]:
            self.fail("prints nothing")
        piece = os.read(fd, 65536)
        self.seen += piece
        return piece != b""

    def read_until(self, text, times=1):
        while self.seen.count(text) < times:
            if not self.read_some():
                self.fail(f"ended its output before {text[:80]!r}")

    def read_rest(self):
        while self.read_some():
            pass
        return self.seen

    def await_end(self, status):
        try:
            found = self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.fail("has not ended")
        self.listener.join(DEADLINE_S)
        if found != status:
            self.fail(f"ended with {found}, not {status}")

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            with contextlib.suppress(AttributeError, OSError):
                pipe.close()
