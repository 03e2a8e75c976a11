#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds weir under one or more profiles, runs their suites and counts the single test cases.

A profile is a build directory below build/, configured once. The counts come from what the tests printed (TAP), as
meson recorded it. The last line is `N passed, N failed, N skipped`; the exit status is 0 only if nothing failed and
something ran.
"""
import argparse
import concurrent.futures
import glob
import os
import re
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "scripts"), os.path.join(ROOT, "tests", "servers")]
from servers import KafkaBroker, Missing, RedisServer, ServerError  # noqa: E402
from tap_counts import Case, cases_of_log  # noqa: E402

CODE_SUITES = ["unit", "operator", "integration", "conformance", "property", "fuzz"]
SERVER_SUITES = ["kafka", "redis"]
# A test's time is for a machine that does nothing else; one that hangs is ended, one that is only slow is not.
PATIENCE = 4
# Where brokers differ: what they say of topics and offsets, members of groups, transactions.
OTHER_BROKERS_TESTS = [
    "clients/kafka-test", "sources/kafka-open-test", "sources/kafka-partitions-test", "sources/kafka-reader-test",
    "sources/kafka-receiver-test", "sources/kafka-restart-test", "sinks/kafka-output-test", "sinks/kafka-decider-test",
    "sinks/kafka-marker-test", "examples/kafka-to-kafka",
]
BUILDING = threading.Lock()  # two profiles may share a directory
RUNNING = set()  # commands, of all threads
SANITIZER_SETUP = ["-Dbuildtype=debugoptimized", "-Dbench=false", "-Db_lundef=false"]
PROFILES = {
    "gcc": {
        "about": "release build with gcc; every suite, heavy only with --full",
        "env": {"CC": "gcc"},
        "setup": ["-Dbuildtype=release", "-Dwerror=true"],
        "suites": CODE_SUITES + SERVER_SUITES + ["recovery", "examples", "lint"],
        "servers": ["kafka-3.9", "redis"],
    },
    "clang": {
        "about": "release build of everything with clang; unit and operator suites",
        "env": {"CC": "clang"},
        "setup": ["-Dbuildtype=release", "-Dwerror=true"],
        "suites": ["unit", "operator"],
    },
    "asan": {
        "about": "AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer (gcc); all suites of the code",
        "env": {"CC": "gcc"},
        "setup": SANITIZER_SETUP + ["-Db_sanitize=address,undefined", "-Dc_args=-fno-sanitize-recover=undefined",
                                    "-Dkill_points=true"],
        "suites": CODE_SUITES + SERVER_SUITES,
        "servers": ["kafka-3.9", "redis"],
        "timeouts": 2,
        "run_env": {
            "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1:detect_leaks=1",
            "UBSAN_OPTIONS": "print_stacktrace=1",
            "G_SLICE": "always-malloc",
        },
    },
    "tsan": {
        "about": "ThreadSanitizer (gcc); unit, operator, integration, conformance and property suites",
        "env": {"CC": "gcc"},
        "setup": SANITIZER_SETUP + ["-Db_sanitize=thread"],
        "suites": ["unit", "operator", "integration", "conformance", "property"],
        "timeouts": 3,
        # ThreadSanitizer wants its shadow where address space randomisation may put something else.
        "wrap": ["setarch", os.uname().machine, "-R"],
        "run_env": {
            "TSAN_OPTIONS": "exitcode=66:second_deadlock_stack=1:suppressions=" + ROOT + "/tests/tsan.supp",
            "G_SLICE": "always-malloc",
        },
    },
    "recovery": {
        "about": "release build with kill points (gcc); kills, clocks, and servers that go away",
        "env": {"CC": "gcc"},
        "setup": ["-Dbuildtype=release", "-Dbench=false", "-Dkill_points=true"],
        "target": "kills",
        "suites": ["kills"],
    },
    "kafka-4.1": {
        "about": "the gcc build against Kafka 4.1; ten Kafka tests, all with --full",
        "env": {"CC": "gcc"},
        "like": "gcc",
        "suites": ["kafka"],
        "servers": ["kafka-4.1"],
        "tests": OTHER_BROKERS_TESTS,
    },
    "kafka-2.8": {
        "about": "the gcc build against Kafka 2.8 with its ZooKeeper; ten Kafka tests, all with --full",
        "env": {"CC": "gcc"},
        "like": "gcc",
        "beside": "kafka-4.1",
        "suites": ["kafka"],
        "servers": ["kafka-2.8"],
        "tests": OTHER_BROKERS_TESTS,
    },
    "fuzz": {
        "about": "libFuzzer targets with AddressSanitizer and UndefinedBehaviorSanitizer (clang), two at a time",
        "env": {"CC": "clang"},
        "setup": ["-Dbuildtype=debugoptimized", "-Dbench=false", "-Dexamples=false", "-Db_lundef=false", "-Dfuzz=true",
                  "-Db_sanitize=address,undefined", "-Dc_args=-fno-sanitize-recover=undefined"],
        "target": "fuzzers",
    },
}


def say(text):
    print(text, flush=True)


def run_logged(command, log, env):
    """Runs command with its output in the file log; returns the exit status."""
    with open(log, "w") as out:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=env)
    RUNNING.add(child)
    try:
        return child.wait()
    finally:
        RUNNING.discard(child)


def show_tail(log, n_lines, only=None):
    with open(log, errors="replace") as f:
        lines = f.read().splitlines()
    if only:
        lines = [line for line in lines if re.search(only, line)] or lines
    for line in lines[-n_lines:]:
        say("    " + line)


class Profile:
    def __init__(self, name, options):
        self.name, self.options, self.spec = name, options, PROFILES[name]
        self.dir = os.path.join(ROOT, "build", self.spec.get("like", name))
        self.env = dict(os.environ, **self.spec["env"])
        self.log = os.path.join(ROOT, "build", name + ".test.log")
        self.cases = []

    def fail(self, what):
        self.cases.append(Case(self.name, what, "failed", 0.0, ""))

    def setup(self):
        return self.spec.get("setup") or PROFILES[self.spec["like"]]["setup"]

    def build(self):
        os.makedirs(os.path.dirname(self.dir), exist_ok=True)
        if not os.path.exists(os.path.join(self.dir, "build.ninja")):
            log = self.dir + ".setup.log"
            if run_logged(["meson", "setup", self.dir, ROOT] + self.setup(), log, self.env):
                say(f"{self.name}: meson setup did not work ({log}):")
                show_tail(log, 15)
                return False
        log = self.dir + ".build.log"
        if run_logged(["ninja", "-C", self.dir, self.spec.get("target", "all")], log, self.env):
            say(f"{self.name}: the build did not work ({log}):")
            show_tail(log, 40, r"error|FAILED|undefined reference|warning:")
            return False
        return True

    def run(self):
        """Returns the line that sums it up."""
        start = time.monotonic()
        with BUILDING:
            built = self.build()
        build_s = time.monotonic() - start
        if not built:
            self.fail("build")
        elif self.name == "fuzz":
            self.run_fuzzers()
        else:
            self.run_with_servers()
        counts = [sum(c.result == r for c in self.cases) for r in ("passed", "failed", "skipped")]
        return (f"{self.name:9} build {build_s:4.0f} s, run {time.monotonic() - start - build_s:4.0f} s: "
                f"{counts[0]} passed, {counts[1]} failed, {counts[2]} skipped  ({self.spec['about']})")

    def start_server(self, name):
        """Starts one and tells the tests of it, or says why not: they skip then, and fail in CI."""
        try:
            server = RedisServer() if name == "redis" else KafkaBroker(name.removeprefix("kafka-"), lasting=True)
            self.servers.append(server)
            server.start()
        except (Missing, ServerError) as why:
            say(f"{self.name}: no {name} for the tests: {why}")
            if isinstance(why, ServerError) or os.environ.get("CI") == "true":
                self.fail(f"start {name}")
            return
        if name == "redis":
            self.env["WEIR_TEST_REDIS"] = server.address
        else:
            self.env.update(WEIR_TEST_BROKERS=server.address, WEIR_TEST_KAFKA_VERSION=server.version)

    def run_with_servers(self):
        self.servers = []
        try:
            for name in self.spec.get("servers", []):
                self.start_server(name)
            self.run_suites()
        finally:
            for server in self.servers:
                server.stop()

    def run_suites(self):
        logs = os.path.join(self.dir, "meson-logs", self.name)
        for old in glob.glob(logs + ".*"):
            os.remove(old)
        # One more than there are processors: many tests wait for servers.
        command = ["meson", "test", "-C", self.dir, "--no-rebuild", "--logbase", self.name,
                   "--num-processes", str((os.cpu_count() or 2) + 1),
                   "--timeout-multiplier", str(PATIENCE * self.spec.get("timeouts", 1) * self.options.soak)]
        for suite in self.spec["suites"] + (["heavy"] if self.name == "gcc" and self.options.full else []):
            command += ["--suite", "weir:" + suite]
        env = dict(self.env, WEIR_TEST_SOAK=str(self.options.soak), **self.spec.get("run_env", {}))
        tests = self.options.tests or ([] if self.options.full else self.spec.get("tests", []))
        status = run_logged(self.spec.get("wrap", []) + command + tests, self.log, env)
        self.cases += cases_of_log(self.name, logs + ".json")
        # meson's own verdict counts too: a test that we cannot account for must not pass by being overlooked.
        if status and not any(c.result == "failed" for c in self.cases):
            self.fail("meson test")
            show_tail(self.log, 20)

    def run_fuzzers(self):
        targets = sorted(glob.glob(os.path.join(self.dir, "tests", "fuzz", "fuzz-*")))
        targets = [t for t in targets if os.path.isfile(t) and os.access(t, os.X_OK)]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            self.cases += pool.map(self.fuzz, targets)

    def fuzz(self, target):
        name = os.path.basename(target)
        seeds = os.path.join(ROOT, "tests", "fuzz", "corpus", name.removeprefix("fuzz-"))
        found = os.path.join(self.dir, "corpus", name)
        os.makedirs(found, exist_ok=True)
        log = os.path.join(self.dir, name + ".log")
        words = os.path.join(ROOT, "tests", "fuzz", name.removeprefix("fuzz-") + ".dict")
        command = [target, f"-max_total_time={self.options.fuzz_seconds}", "-timeout=10", "-rss_limit_mb=2048",
                   "-print_final_stats=1", f"-artifact_prefix={self.dir}/{name}-"]
        command += [f"-dict={words}"] if os.path.exists(words) else []
        start = time.monotonic()
        status = run_logged(command + [found] + ([seeds] if os.path.isdir(seeds) else []), log, self.env)
        with open(log, errors="replace") as f:
            text = f.read()
        runs = re.search(r"number_of_executed_units:\s*(\d+)", text)
        good = status == 0 and runs is not None and int(runs[1]) > 0
        tail = "\n".join(text.splitlines()[-40:])
        return Case(self.name, name, "passed" if good else "failed", time.monotonic() - start, "" if good else tail)

    def show_failures(self):
        for case in self.cases:
            if case.result == "failed":
                say(f"  FAILED {self.name} {case.name}")
                for line in case.output.splitlines()[-60:]:
                    say("    " + line)


def parse_options():
    ci = os.environ.get("CI") == "true"
    about = "\n".join(f"  {name:9} {spec['about']}" for name, spec in PROFILES.items())
    parser = argparse.ArgumentParser(
        prog="scripts/test", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Builds weir and runs its tests, under every profile unless told otherwise.",
        epilog="profiles:\n" + about + "\n\nBuild directories and logs are in build/.")
    parser.add_argument("--quick", action="store_true", help="profile gcc only, no fuzzing")
    parser.add_argument("--full", action="store_true", help="the heavy suite as well, all Kafka tests on other brokers, fuzz targets a minute each (as with CI=true)")
    parser.add_argument("--profile", action="append", choices=list(PROFILES), metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--soak", type=int, default=1, metavar="N", help="N times the kills, rounds and power cuts (1)")
    parser.add_argument("--fuzz-seconds", type=int, metavar="N", help="time for each fuzz target (10; 60 with --full)")
    parser.add_argument("tests", nargs="*", metavar="TEST", help="only these tests, as meson names them: engine/value-test")
    options = parser.parse_args()
    if options.fuzz_seconds is None:
        options.fuzz_seconds = 60 if options.full or ci else 10
    if options.soak < 1:
        parser.error("--soak: at least 1")
    if options.fuzz_seconds < 1:
        parser.error("--fuzz-seconds: at least 1")
    options.profile = options.profile or (["gcc"] if options.quick else list(PROFILES))
    if options.tests and "fuzz" in options.profile:
        options.profile.remove("fuzz")
    return options


def show_slowest(profiles):
    tests = {}
    for profile in profiles:
        for case in profile.cases:
            # The cases of one program share its time.
            tests[profile.name, case.program] = case.seconds
    slowest = sorted(tests.items(), key=lambda item: -item[1])[:10]
    if slowest:
        say("slowest:")
    for (profile, program), seconds in slowest:
        say(f"  {seconds:7.2f} s  {profile:9} {program}")


def grouped(profiles):
    """Profiles that run at the same time: their tests mostly wait for servers."""
    groups = []
    for profile in profiles:
        if groups and profile.spec.get("beside") == groups[-1][-1].name:
            groups[-1].append(profile)
        else:
            groups.append([profile])
    return groups


def main():
    options = parse_options()
    profiles = [Profile(name, options) for name in options.profile]
    for group in grouped(profiles):
        with concurrent.futures.ThreadPoolExecutor(len(group)) as pool:
            try:
                lines = list(pool.map(Profile.run, group))
            except KeyboardInterrupt:
                for child in list(RUNNING):
                    child.terminate()
                raise
        for profile, line in zip(group, lines):
            say(line)
            profile.show_failures()
    show_slowest(profiles)
    cases = [case for profile in profiles for case in profile.cases]
    for case in cases:
        if case.result == "skipped":
            say(f"skipped: {case.profile} {case.name}: {case.output}")
    passed, failed, skipped = (sum(c.result == r for c in cases) for r in ("passed", "failed", "skipped"))
    say(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if passed > 0 and failed == 0 else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
