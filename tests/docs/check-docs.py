#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles and runs the code blocks of the pages, against weir as it is installed. CONTRIBUTING.md tells how to mark them.

usage: check-docs.py --root DIR --build DIR [PAGE...]
"""
import argparse
import glob
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "python"), os.path.join(HERE, "..", "lint")]
from installed import Installed, LineServer, Program, missing_lines  # noqa: E402
from tap import Failed, run_cases  # noqa: E402
from tree import Tree, without_comments  # noqa: E402

# What a fragment may use without declaring it.
FRAGMENT = """static void
fragment (WeirContext *ctx, WeirStream *s, WeirStream *lines, WeirStream *words, WeirStream *pairs, WeirTask *task,
          WeirValue value, WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  {
%s
  }
}
"""


class Block:
    """A fenced block: its language, its text, its file's name if it has one, its mark (the comment before it), its place."""

    def __init__(self, page, line, language, name, mark, text):
        self.page, self.line, self.language, self.name, self.text = page, line, language, name, text
        self.mark, _, rest = mark.partition(":")
        self.mark, self.rest = self.mark.strip(), rest.strip()
        self.input, self.output, self.any_order = None, None, False

    def __str__(self):
        return f"{self.page}:{self.line} {self.language} {self.mark or 'program'}"

    def is_program(self):
        return re.search(r"\bmain\s*\(", without_comments(self.text)) is not None


def blocks_of(page, text):
    fence = re.compile(r"(?:^<!--([^\n]*?)-->[ \t]*\n\s*)?^(```+)([\w+-]*)[ \t]*([\w.-]*)[^\n]*\n(.*?)^\2[ \t]*$",
                       re.DOTALL | re.MULTILINE)
    for match in fence.finditer(text):
        line = text[:match.start(2)].count("\n") + 1
        yield Block(page, line, match[3], match[4], (match[1] or "").strip(), match[5])


def attach_texts(blocks):
    """Gives a program or shell block the output that is shown after it; what follows an input is the program's."""
    program = last = None
    for block in blocks:
        if block.language == "c" and block.is_program():
            program = last = block
        elif block.mark == "test":
            last = block
        elif block.mark in ("input", "output") and last is None:
            raise SystemExit(f"{block}: no program stands before it")
        elif block.mark == "input":
            program.input, last = block.text, program
        elif block.mark == "output":
            last.output, last.any_order = block.text, block.rest == "any order"


class Checker:
    def __init__(self, root, build):
        self.tree, self.build, self.weir = Tree(root), build, None
        self.scratch = tempfile.TemporaryDirectory(prefix="weir-docs-")

    def installed(self):
        self.weir = self.weir or Installed(self.build)
        return self.weir

    def write(self, text, name="page.c"):
        path = os.path.join(self.scratch.name, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def compile(self, text, *more):
        program = os.path.join(self.scratch.name, "page")
        self.installed().compile(self.write(text), program, *more)
        return program

    def check_program(self, block):
        program = self.compile(block.text)
        arguments = shlex.split(block.rest) if block.mark == "run" else ["--help"]
        if "$PORT" in arguments:
            self.check_with_socket(block, program, arguments)
            return
        running = Program([program] + arguments, self.weir.env, cwd=self.scratch.name)
        running.await_end()
        missing = missing_lines(block.output or "", running.lines, block.any_order)
        if missing:
            raise Failed(f"{running.told()}\nnot in the output: {missing}")

    def check_with_socket(self, block, program, arguments):
        if not block.input or not block.output:
            raise Failed("a program that reads $PORT needs an <!-- input --> and an <!-- output --> block after it")
        server = LineServer(block.input)
        arguments = [str(server.port) if a == "$PORT" else a for a in arguments]
        running = Program([program] + arguments, self.weir.env, cwd=self.scratch.name)
        try:
            running.await_lines(block.output, block.any_order)
            running.stop()
        finally:
            server.close()

    def check_fragment(self, before, block):
        included = re.findall(r"^#include.*\n", block.text, re.MULTILINE)
        body = re.sub(r"^#include.*\n", "", block.text, flags=re.MULTILINE)
        text = body if block.rest == "file" else FRAGMENT % body
        above = "".join(b.text for b in before)
        self.compile("#include <weir/weir.h>\n" + "".join(included) + above + text, "-c")

    def run_script(self, script, folder):
        """Status and output. What the script has left running in the background ends with it."""
        with tempfile.TemporaryFile("w+", errors="replace") as out:
            shell = subprocess.Popen(["bash", "-x", "-c", script], cwd=folder, env=self.installed().env, stdin=subprocess.DEVNULL,
                                     stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
            try:
                status = shell.wait(240)
            except subprocess.TimeoutExpired:
                status = "none after 240 s"
            try:
                os.killpg(shell.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            shell.wait()
            out.seek(0)
            return status, out.read()

    def check_shell(self, page, blocks, files):
        """A page's blocks are one script, run in a fresh copy of the tree, beside the page's files, with weir installed."""
        with tempfile.TemporaryDirectory(prefix="weir-docs-") as folder:
            for name in self.tree.files:
                os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
                subprocess.check_call(["cp", "-p", self.tree.path(name), os.path.join(folder, name)])
            for block in files:
                with open(os.path.join(folder, block.name), "w") as f:
                    f.write(block.text)
            script = "set -euo pipefail\n" + "".join(f": line {b.line}\n{b.text}" for b in blocks)
            status, text = self.run_script(script, folder)
        if status:
            raise Failed(f"{text[-6000:]}\nexit status {status}")
        for block in blocks:
            missing = missing_lines(block.output or "", text.splitlines(), block.any_order)
            if missing:
                raise Failed(f"{text[-6000:]}\nnot in the output: {missing}")

    def unmarked(self, block):
        raise Failed("C that is no program needs a mark: <!-- compile -->, <!-- compile: file --> or <!-- shown: WHY -->")

    def cases_of_page(self, page):
        blocks = list(blocks_of(page, self.tree.text(page)))
        attach_texts(blocks)
        shell = [b for b in blocks if b.mark == "test"]
        for i, block in enumerate(blocks):
            if block.language != "c" or (block.mark == "shown" and block.rest):
                continue
            if block.is_program():
                yield str(block), lambda b=block: self.check_program(b)
            elif block.mark == "compile":
                before = [b for b in blocks[:i] if b.mark == "compile" and b.rest == "file"]
                yield str(block), lambda b=block, a=before: self.check_fragment(a, b)
            else:
                yield str(block), lambda b=block: self.unmarked(b)
        if shell:
            yield f"{page} shell", lambda: self.check_shell(page, shell, [b for b in blocks if b.name])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("pages", nargs="*")
    options = parser.parse_args()
    found = [p for pattern in ("*.md", "docs/**/*.md") for p in glob.glob(pattern, root_dir=options.root, recursive=True)]
    checker = Checker(options.root, options.build)
    cases = [case for page in sorted(options.pages or found) for case in checker.cases_of_page(page)]
    return run_cases(cases)


if __name__ == "__main__":
    sys.exit(main())
