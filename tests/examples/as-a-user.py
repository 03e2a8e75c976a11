#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""weir in the hands of a user: a job built by pkg-config, one made by scripts/new-job, and weir as a subproject.

usage: as-a-user.py --root DIR --build DIR
"""
import argparse
import functools
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "python"))
from installed import Installed, LineServer, Program, run  # noqa: E402
from tap import Failed, Skipped, run_cases  # noqa: E402

SUBPROJECT_USER = """project('user', 'c', default_options: ['c_std=gnu11'])
weir = dependency('weir', fallback: 'weir')
test('job', executable('job-test', ['job-test.c', 'job.c'], dependencies: weir), args: '--tap', protocol: 'tap')
"""


class Users:
    def __init__(self, root, build):
        self.root, self.build = root, build

    @functools.cached_property
    def weir(self):
        return Installed(self.build)

    def new_job(self, folder, name):
        run(os.path.join(self.root, "scripts", "new-job"), name, cwd=folder)
        return os.path.join(folder, name)

    def first_job(self):
        """The documentation's first job compiles by pkg-config alone and counts words from a socket."""
        with tempfile.TemporaryDirectory(prefix="weir-first-job-") as folder:
            program = os.path.join(folder, "first-job")
            self.weir.compile(os.path.join(HERE, "first-job.c"), program)
            server = LineServer("to be or not to be\n")
            running = Program([program, "127.0.0.1", str(server.port)], self.weir.env)
            try:
                running.await_lines("(be,2)\n(not,1)\n(or,1)\n(to,2)", any_order=True)
                running.stop()
            finally:
                server.close()

    def cxx_job(self):
        """The same job compiles as C++."""
        with tempfile.TemporaryDirectory(prefix="weir-cxx-") as folder:
            run("c++", "-std=c++17", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-x", "c++",
                os.path.join(HERE, "first-job.c"), "-o", os.path.join(folder, "first-job"), *self.weir.flags(), env=self.weir.env)
            run(os.path.join(folder, "first-job"), "--help", env=self.weir.env)

    def contract(self):
        """What the headers declare is what programs have been written against: names, signatures, members of structs."""
        with tempfile.TemporaryDirectory(prefix="weir-contract-") as folder:
            program = os.path.join(folder, "contract")
            self.weir.compile(os.path.join(HERE, "contract.c"), program)
            run(program, env=self.weir.env)

    def made_job(self):
        """scripts/new-job makes a job that builds without a warning, passes its test and shows its help, as it says: setup, test, --help."""
        with tempfile.TemporaryDirectory(prefix="weir-new-job-") as folder:
            job = self.new_job(folder, "tide-counts")
            build = os.path.join(job, "build")
            run("meson", "setup", build, job, "-Dwerror=true", env=self.weir.env)
            tested = run("meson", "test", "-C", build, "--verbose", env=self.weir.env)
            if "/tide-counts/counts-the-words-of-each-batch" not in tested:
                raise Failed(f"the job's test did not run:\n{tested}")
            helped = run(os.path.join(build, "tide-counts"), "--help", env=self.weir.env)
            if "HOST PORT" not in helped:
                raise Failed(f"--help does not tell the usage:\n{helped}")

    def chosen_allocator(self):
        """A job of scripts/new-job asks jemalloc for its memory if it is built so, and the system's allocator if not."""
        if subprocess.run(["pkg-config", "--exists", "jemalloc"]).returncode:
            raise Skipped("jemalloc is not on this machine")
        with tempfile.TemporaryDirectory(prefix="weir-new-job-") as folder:
            job = self.new_job(folder, "tide-counts")
            for allocator in ("jemalloc", "system"):
                build = os.path.join(folder, allocator)
                run("meson", "setup", build, job, f"-Dallocator={allocator}", env=self.weir.env)
                run("ninja", "-C", build, "tide-counts", env=self.weir.env)
                bound = run(os.path.join(build, "tide-counts"), "--help", env=dict(self.weir.env, LD_DEBUG="bindings"))
                asked = "libjemalloc" in "".join(re.findall(r"libglib.* to (\S+) .*normal symbol `malloc'", bound))
                if asked != (allocator == "jemalloc"):
                    raise Failed(f"built with -Dallocator={allocator}, jemalloc asked: {asked}")

    def refused_names(self):
        """scripts/new-job refuses a bad name and a folder that is there, and touches nothing."""
        with tempfile.TemporaryDirectory(prefix="weir-new-job-") as folder:
            os.mkdir(os.path.join(folder, "there"))
            for name in ("Upper", "1st", "a b", "x_y", "test", "there", "--all", ""):
                command = [os.path.join(self.root, "scripts", "new-job"), name]
                done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
                if done.returncode == 0 or not done.stderr:
                    raise Failed(f"new-job {name!r}: exit status {done.returncode}, said {done.stderr!r}")
            if os.listdir(folder) != ["there"] or os.listdir(os.path.join(folder, "there")):
                raise Failed(f"left behind: {os.listdir(folder)}")

    def subproject(self):
        """A project that has weir as a meson subproject builds it alone, without its tests and examples."""
        with tempfile.TemporaryDirectory(prefix="weir-subproject-") as folder:
            # As new-job says where weir is not installed.
            bare = dict(os.environ, PKG_CONFIG_LIBDIR=folder, PKG_CONFIG_PATH="")
            said = run(os.path.join(self.root, "scripts", "new-job"), "user", cwd=folder, env=bare)
            run("sh", "-c", "".join(re.findall(r"^  (mkdir .*)$", said, re.MULTILINE)), cwd=folder)
            job = os.path.join(folder, "user")
            if not os.path.samefile(self.root, os.path.join(job, "subprojects", "weir")):
                raise Failed(f"the job does not have this checkout: {said}")
            with open(os.path.join(job, "meson.build"), "w") as f:
                f.write(SUBPROJECT_USER)
            build = os.path.join(folder, "build")
            run("meson", "setup", build, job, "-Dbuildtype=debug", "--wrap-mode=nodownload")
            run("ninja", "-C", build, timeout=900)  # all of weir, beside other tests
            run("meson", "test", "-C", build)
            if os.path.exists(os.path.join(build, "subprojects", "weir", "examples")):
                raise Failed("the subproject built its examples too")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", required=True)
    parser.add_argument("--build", required=True)
    options = parser.parse_args()
    users = Users(os.path.abspath(options.root), os.path.abspath(options.build))
    functions = [users.first_job, users.cxx_job, users.contract, users.made_job, users.chosen_allocator, users.refused_names, users.subproject]
    return run_cases([(function.__doc__.rstrip("."), function) for function in functions])


if __name__ == "__main__":
    sys.exit(main())
