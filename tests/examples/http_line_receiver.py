#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The example receiver for lines from a web server, against one that breaks off, answers errors, or is not there yet.

usage: http_line_receiver.py --examples DIR
"""
import argparse
import contextlib
import http.server
import os
import signal
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "python"), os.path.join(HERE, "..", "servers")]
from process import free_ports  # noqa: E402
from running import DEADLINE_S, Running, expect  # noqa: E402
from tap import Failed, run_cases  # noqa: E402


class Lines:
    """A web server. Each answer of `answers` is for one request, in order: a status and chunks of the body; what comes
    after the last one waits."""

    def __init__(self, answers, port=0):
        self.answers, self.n_requests, self.changed, self.is_closing = answers, 0, threading.Condition(), threading.Event()
        lines = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                lines.answer(self)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/lines"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, handler):
        with self.changed:
            number, self.n_requests = self.n_requests, self.n_requests + 1
            self.changed.notify_all()
        status, chunks = self.answers[number] if number < len(self.answers) else (200, [None])
        handler.send_response(status)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        for chunk in chunks:
            if chunk is None:  # goes on for ever
                handler.wfile.flush()
                self.is_closing.wait(DEADLINE_S)
                return
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        handler.wfile.write(b"0\r\n\r\n")

    def await_requests(self, n):
        with self.changed:
            if not self.changed.wait_for(lambda: self.n_requests >= n, DEADLINE_S):
                raise Failed(f"{self.n_requests} requests came, not {n}")

    def close(self):
        self.is_closing.set()
        self.server.shutdown()
        self.server.server_close()


class Receiver:
    def __init__(self, examples):
        self.program = os.path.join(examples, "http_line_receiver")

    @contextlib.contextmanager
    def job(self, url, *arguments):
        running = Running([self.program, url, "--batch.interval=50ms", *arguments])
        try:
            yield running
        finally:
            running.close()

    @contextlib.contextmanager
    def serve(self, *answers, port=0):
        server = Lines(list(answers), port)
        try:
            yield server
        finally:
            server.close()

    def lines_are_counted(self):
        """Lines arrive as they are sent, whatever the pieces; SIGTERM ends the job."""
        with self.serve((200, [b"one two\r\nt", b"wo th", b"ree\n", None])) as server, self.job(server.url) as job:
            job.read_until(b"(three,1)")
            job.process.send_signal(signal.SIGTERM)
            output = job.read_rest()
            job.await_end(0)
            expect(b"(two,2)" in output and b"(one,1)" in output, True, "the words before it")

    def it_connects_again(self):
        """When the answer has ended, or breaks off, it asks again; a line without an end is no line."""
        with self.serve((200, [b"one\nunfini"]), (503, [b"busy\n"]), (200, [b"one two\n", None])) as server, \
                self.job(server.url) as job:
            job.read_until(b"(two,1)")
            job.await_said("the server has ended the answer")
            job.await_said("starting again after a while")
            job.process.send_signal(signal.SIGTERM)
            output = job.read_rest()
            job.await_end(0)
            expect(b"(one,2)" in output, True, "both answers counted")
            expect(b"unfini" in output or b"busy" in output, False, "what is no line counted")
            expect(server.n_requests, 3, "requests")

    def the_server_may_come_later(self):
        """A server that is not there yet is tried until it is."""
        (port,) = free_ports(1)
        with self.job(f"http://127.0.0.1:{port}/lines") as job:
            job.await_said("starting again after a while")
            with self.serve((200, [b"one\n", None]), port=port):
                job.read_until(b"(one,1)")

    def a_killed_job_goes_on(self):
        """With a log nothing that was counted, or received and logged, is lost or counted twice."""
        with tempfile.TemporaryDirectory() as folder:
            durable = [f"--checkpoint=file://{folder}/totals", "--checkpoint.interval=50ms", "--receiver.wal=true",
                       "--receiver.block.interval=10ms"]
            with self.serve((200, [b"one\n" * 500, None]), (200, [b"one two\n", None])) as server:
                with self.job(server.url, *durable) as job:
                    job.read_until(b"(one,500)")
                    job.process.send_signal(signal.SIGKILL)
                with self.job(server.url, *durable) as job:
                    server.await_requests(2)
                    job.read_until(b"(two,1)")
                    job.process.send_signal(signal.SIGTERM)
                    expect(b"(one,501)" in job.read_rest(), True, "totals after the restart")
                    job.await_end(0)

    def a_url_is_asked_for(self):
        """Without a URL it says how it is used."""
        with self.job("--help") as job:
            output = job.read_rest()
            expect(b"http_line_receiver [OPTION" in output and b"URL" in output, True, "the usage")

    def cases(self):
        functions = [self.lines_are_counted, self.it_connects_again, self.the_server_may_come_later,
                     self.a_killed_job_goes_on, self.a_url_is_asked_for]
        return [(function.__doc__, function) for function in functions]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", required=True)
    return run_cases(Receiver(parser.parse_args().examples).cases())


if __name__ == "__main__":
    sys.exit(main())
