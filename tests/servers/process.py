# SPDX-License-Identifier: Apache-2.0
"""A server process in a temporary folder: started, killed, stopped and continued, and gone with whoever wanted it.

A Server writes nothing outside of its folder. Each of its processes writes its pid and start time to run/NAME.stat
there just before it becomes the server; a watcher process, which waits for the owner's end, then kills what is listed and removes the folder.
So a test that is killed with -9 leaves nothing behind. Whoever knows the folder can act on the server (see attach in
servers.py): the state is in the folder, not in this process.
"""
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

# The shell's own line of /proc: pid and start time, which stay when it becomes the server.
LAUNCH = 'read -r line < /proc/$$/stat && echo "$line" > "$1" || exit 1; shift; exec "$@"'
# Below the range that the kernel gives to outgoing connections: a server that is down for a while finds its port free.
PORTS = (20000, 32000)


class Missing(Exception):
    """What a server needs is not on this machine: a test skips, or fails in CI."""


class ServerError(Exception):
    """A server did not do what it was told; the message has the end of its log."""


held = []  # sockets, as long as this process lives


def free_ports(n):
    """n ports of 127.0.0.1 that nobody has, and that nobody is given here while this process lives: a server may take
    long to listen, or be down for a while. It sets SO_REUSEADDR, as servers do, and so may have what is held."""
    found = []
    while len(found) < n:
        s = socket.socket()
        try:
            s.bind(("127.0.0.1", random.SystemRandom().randrange(*PORTS)))
        except OSError:
            s.close()
            continue
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.append(s)
        found.append(s.getsockname()[1])
    return found


def read_stat(path):
    """(pid, state, start time) of a line as /proc/PID/stat has it; None if there is none."""
    try:
        with open(path) as f:
            line = f.read()
    except OSError:
        return None
    if not line.endswith("\n"):
        return None
    fields = line.rsplit(")", 1)[1].split()
    return int(line.split(" ", 1)[0]), fields[0], fields[19]


def process_of(path):
    """The pid of the process that wrote the file, 0 when it does not run any more: pids are used again."""
    written = read_stat(path)
    now = written and read_stat(f"/proc/{written[0]}/stat")
    return written[0] if now and now[2] == written[2] and not is_gone(written[0]) else 0


def is_gone(pid):
    """Whether the process ended; a child is reaped."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
    stat = read_stat(f"/proc/{pid}/stat")
    return stat is None or stat[1] in "ZX"


def wait_gone(pid, seconds):
    """Waits for the end of any process, child or not; whether it ended."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        ended = bool(select.select([fd], [], [], seconds)[0])
    finally:
        os.close(fd)
    return is_gone(pid) or ended


def kill_folder(folder):
    """Kills the processes listed in the folder and removes it."""
    run = os.path.join(folder, "run")
    for name in os.listdir(run) if os.path.isdir(run) else []:
        path = os.path.join(run, name)
        deadline = time.monotonic() + 1
        while read_stat(path) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        pid = process_of(path)
        if pid:
            os.kill(pid, signal.SIGKILL)
            wait_gone(pid, 10)
    shutil.rmtree(folder, ignore_errors=True)


def watch(owner, folder):
    """Body of the watcher: returns when the owner is gone, or the folder is (looked at every ten seconds)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        fd = os.pidfd_open(owner)
    except ProcessLookupError:
        fd = None
    while fd is not None and os.path.isdir(folder):
        if select.select([fd], [], [], 10)[0]:
            break
    # The new name first: a process that has not written its pid yet then cannot, and gives up.
    dead = folder + ".dead"
    try:
        os.rename(folder, dead)
    except OSError:
        return
    kill_folder(dead)


class Server:
    """Base of KafkaBroker and RedisServer, which say how to make files, which command, and when it answers."""

    kind = "server"
    main_process = "server"
    start_seconds = 120

    def __init__(self, owner=None, folder=None):
        self.host, self.port = "127.0.0.1", 0
        self.dir = folder
        if folder is None:
            base = os.environ.get("WEIR_TEST_TMPDIR") or tempfile.gettempdir()
            self.dir = tempfile.mkdtemp(prefix=f"weir-{self.kind}-", dir=base)
            os.mkdir(os.path.join(self.dir, "run"))
            subprocess.Popen([sys.executable, "-I", "-S", os.path.abspath(__file__), str(owner or os.getpid()), self.dir],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             start_new_session=True, close_fds=True)

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    @property
    def pid(self):
        """The server's pid, 0 when it does not run."""
        return self.pid_of(self.main_process)

    @property
    def log(self):
        return os.path.join(self.dir, self.main_process + ".log")

    def pid_of(self, name):
        return process_of(os.path.join(self.dir, "run", name + ".stat"))

    def save_state(self, **more):
        with open(os.path.join(self.dir, "server.json"), "w") as f:
            json.dump(dict(more, kind=self.kind, port=self.port), f)

    def load_state(self):
        with open(os.path.join(self.dir, "server.json")) as f:
            state = json.load(f)
        self.port = state["port"]
        return state

    def spawn(self, name, command):
        stat_file = os.path.join(self.dir, "run", name + ".stat")
        if os.path.exists(stat_file):
            os.remove(stat_file)
        with open(os.path.join(self.dir, name + ".log"), "ab") as log:
            child = subprocess.Popen(["/bin/sh", "-c", LAUNCH, "sh", stat_file] + command, stdin=subprocess.DEVNULL,
                                     stdout=log, stderr=log, cwd=self.dir, start_new_session=True)
        child.returncode = 0  # reaped by is_gone, so that Popen has nothing to warn of
        return child.pid

    def log_tail(self, n_lines=15, name=None):
        try:
            with open(os.path.join(self.dir, (name or self.main_process) + ".log"), errors="replace") as f:
                return "".join("    " + line for line in f.readlines()[-n_lines:])
        except OSError:
            return "    (no log)"

    def wait_answer(self, pid, seconds):
        deadline = time.monotonic() + seconds
        while not self.answers():
            if is_gone(pid):
                return False
            if time.monotonic() > deadline:
                raise ServerError(f"{self.kind} at {self.address} does not answer after {seconds} s:\n{self.log_tail()}")
            time.sleep(0.02)
        return True

    def start(self):
        """Starts it, on the data and the port that it had, and waits until it answers. Again what ends early."""
        if self.pid:
            raise ServerError(f"{self.kind} at {self.address} runs already (pid {self.pid})")
        if self.answers():
            raise ServerError(f"somebody else answers at {self.address}, which {self.kind} is to have")
        deadline = time.monotonic() + self.start_seconds
        while time.monotonic() < deadline:
            pid = self.spawn(self.main_process, self.command())
            if self.wait_answer(pid, max(1, deadline - time.monotonic())):
                return self
            if not self.may_try_again():
                break
        raise ServerError(f"{self.kind} at {self.address} ended while it started:\n{self.log_tail()}")

    def may_try_again(self):
        return False

    def signal(self, number):
        pid = self.pid
        if not pid:
            raise ServerError(f"{self.kind} at {self.address} does not run")
        os.kill(pid, number)
        return pid

    def kill(self):
        """kill -9; returns when the process is gone. Its data stay."""
        wait_gone(self.signal(signal.SIGKILL), 30)

    def terminate(self):
        """SIGTERM, the clean end; returns when the process is gone. Its data stay."""
        pid = self.signal(signal.SIGTERM)
        if not wait_gone(pid, 120):
            raise ServerError(f"{self.kind} at {self.address} does not end 120 s after SIGTERM:\n{self.log_tail()}")

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def restart(self):
        """kill -9 and start, on the same port and data."""
        if self.pid:
            self.kill()
        return self.start()

    def stop(self):
        """Ends it for good and removes its folder; never fails, may be called twice."""
        if os.path.isdir(self.dir):
            kill_folder(self.dir)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


if __name__ == "__main__":
    watch(int(sys.argv[1]), sys.argv[2])
