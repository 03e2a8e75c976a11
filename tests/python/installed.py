# SPDX-License-Identifier: Apache-2.0
"""weir as its users have it: installed under a prefix of its own, found by pkg-config, run against real sockets."""
import glob
import os
import re
import shlex
import signal
import socket
import subprocess
import tempfile
import threading
import time

from tap import Failed

WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wno-unused", "-Wno-unused-parameter", "-Wno-missing-field-initializers"]


def run(*command, timeout=120, **options):
    """Runs a command that must succeed; returns its output."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", timeout=timeout, **options)
    if done.returncode:
        raise Failed(f"$ {shlex.join(command)}\n{done.stdout[-6000:]}\nexit status {done.returncode}")
    return done.stdout


class Installed:
    """A temporary prefix with what `meson install` makes of a build directory."""

    def __init__(self, build):
        self.folder = tempfile.TemporaryDirectory(prefix="weir-installed-")
        dest = self.folder.name
        run("meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", dest)
        found = glob.glob(dest + "/**/pkgconfig/weir.pc", recursive=True)
        if len(found) != 1:
            raise Failed(f"meson install left {len(found)} files weir.pc below {dest}")
        with open(found[0]) as f:
            text = f.read()
        prefix = re.search(r"^prefix=(.*)$", text, re.MULTILINE)[1]
        # --destdir put the tree below a folder; the file still says where it was meant to be.
        with open(found[0], "w") as f:
            f.write(text.replace("prefix=" + prefix, "prefix=" + dest + prefix, 1))
        libraries = os.path.dirname(os.path.dirname(found[0]))
        self.env = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(found[0]), LD_LIBRARY_PATH=libraries,
                        PATH=os.path.join(dest + prefix, "bin") + os.pathsep + os.environ["PATH"])

    def flags(self):
        return shlex.split(run("pkg-config", "--cflags", "--libs", "weir", env=self.env))

    def compile(self, source, program, *more):
        run(os.environ.get("CC", "cc"), "-std=gnu11", "-O1", *WARNINGS, *more, "-o", program, source, *self.flags(), env=self.env)


class LineServer:
    """Serves a text to each client that connects to a loopback port, and keeps the connection open."""

    def __init__(self, text):
        self.text, self.clients = text, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
                self.clients.append(client)
                client.sendall(self.text.encode())
            except OSError:
                return

    def close(self):
        self.listener.close()
        for client in self.clients:
            client.close()


def matches(expected, line):
    """`...` in an expected line stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, expected.split("..."))), line.rstrip()) is not None


def missing_lines(expected, lines, any_order=False):
    """Which expected lines are not among the lines; in their order unless any will do."""
    lines, missing = list(lines), []
    for want in [line.rstrip() for line in expected.splitlines() if line.strip() not in ("", "...")]:
        at = next((i for i, line in enumerate(lines) if matches(want, line)), None)
        if at is None:
            missing.append(want)
        else:
            lines = lines[:at] + lines[at + 1:] if any_order else lines[at + 1:]
    return missing


class Program:
    """A running program whose output can be waited for."""

    def __init__(self, command, env, cwd=None):
        self.command, self.lines, self.changed = command, [], threading.Condition()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, errors="replace", env=env, cwd=cwd)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()

    def told(self):
        return f"$ {shlex.join(self.command)}\n" + "\n".join(self.lines[-60:])

    def await_lines(self, expected, any_order=False, seconds=30):
        end = time.monotonic() + seconds
        with self.changed:
            while missing_lines(expected, self.lines, any_order):
                if not self.changed.wait(min(0.2, end - time.monotonic())) and (
                        time.monotonic() >= end or not self.reader.is_alive()):
                    break
            missing = missing_lines(expected, self.lines, any_order)
        if missing:
            self.process.kill()
            self.process.wait()
            raise Failed(f"{self.told()}\nwaited for, but did not see: {missing}")

    def await_end(self, seconds=30):
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed(f"{self.told()}\nhas not ended within {seconds} s") from None
        self.reader.join(5)
        if status != 0:
            raise Failed(f"{self.told()}\nexit status {status}")

    def stop(self):
        """Asks it to stop as a service manager would; it must end well."""
        self.process.send_signal(signal.SIGTERM)
        self.await_end()
