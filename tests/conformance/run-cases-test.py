# SPDX-License-Identifier: Apache-2.0
"""Tests of the runner itself: cases that do not hold are told, each with what was expected and what came, and what it does
not know is no success."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
import tap  # noqa: E402
from tap import Failed  # noqa: E402


def case(**changes):
    whole = {"suite": "s", "name": "n", "kind": "pipeline", "ops": [{"op": "map", "fn": "x -> x + 1"}],
             "input": [[1, 2]], "expected": [[2, 3]], "ordered": True}
    return {**whole, **changes}


class Runner:
    def __init__(self, program):
        self.program = program

    def run(self, cases):
        """(status, first line) of the runner."""
        with tempfile.TemporaryDirectory(prefix="weir-cases-") as folder:
            path = os.path.join(folder, "cases.json")
            with open(path, "w", encoding="utf-8") as file:
                file.write(cases if isinstance(cases, str) else json.dumps(cases))
            done = subprocess.run([self.program, path], capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, (done.stdout.splitlines() or [""])[0], done.stderr

    def expect(self, one, word, *fragments):
        status, line, _ = self.run([one])
        if not line.startswith(word + " "):
            raise Failed(f"'{line}' is no {word}")
        for fragment in fragments:
            if fragment not in line:
                raise Failed(f"'{line}' does not say '{fragment}'")
        if (status == 0) != (word in ("pass", "n/a", "elsewhere", "DIFFERENT")):
            raise Failed(f"status {status} with '{line}'")


def tests(runner):
    def what_holds_passes():
        runner.expect(case(), "pass", "s / n")
        runner.expect(case(input=[[2, 1]], ordered=False), "pass")

    def what_differs_is_shown():
        runner.expect(case(expected=[[2, 4]]), "FAIL", "at 1000 ms", "expected [2,4]", "got [2,3]")

    def order_counts_where_the_case_says_so():
        runner.expect(case(input=[[2, 1]]), "FAIL", "got [3,2]")

    def kinds_of_values_count():
        runner.expect(case(expected=[[2.0, 3.0]]), "FAIL")
        runner.expect(case(expected=[["2", "3"]]), "FAIL")

    def batches_are_counted():
        runner.expect(case(expected=[[2, 3], []]), "FAIL", "1 batches, not the 2")
        runner.expect(case(expected=[]), "FAIL", "more batches")

    def states_are_compared():
        ops = [{"op": "count"}]
        runner.expect(case(ops=ops, expected=[[2]], expected_state=[[1]]), "UNSUPPORTED", "states are expected")

    def partitions_are_compared():
        ops = [{"op": "repartition", "n": 3}]
        runner.expect(case(ops=ops, expected=[[1, 2]], ordered=False, expected_partitions=2), "FAIL", "3 partitions")

    def what_must_fail_fails():
        runner.expect(case(kind="error", error="why"), "FAIL", "must fail: why")

    def recoveries_are_compared_in_both_lives():
        one = case(kind="recovery", input=[[1], [2]], stop_after=1)
        runner.expect({**one, "expected": [[2], [3]]}, "pass")
        runner.expect({**one, "expected": [[3], [3]]}, "FAIL", "at 1000 ms")
        runner.expect({**one, "expected": [[2], [4]]}, "FAIL", "at 2000 ms")

    def what_is_saved_is_compared():
        ops = [{"op": "save_per_batch"}, {"op": "map", "fn": "x -> x + 1"}]
        runner.expect(case(ops=ops), "FAIL", "saved at 1000 ms")

    def own_answers_are_told():
        runner.expect(case(expected=[[9]], weir_expected=[[2, 3]]), "DIFFERENT", "as listed")
        runner.expect(case(weir_expected=[[9]]), "FAIL")

    def the_unknown_is_no_success():
        runner.expect(case(ops=[{"op": "levitate"}]), "UNSUPPORTED", "unknown operator 'levitate'")
        runner.expect(case(ops=[{"op": "map", "fn": "x -> levitate(x)"}]), "UNSUPPORTED", "'levitate'")
        runner.expect(case(ops=[{"op": "map", "fn": "x -> x +"}]), "UNSUPPORTED", "something is missing")
        runner.expect(case(ops=[{"op": "map", "fn": "x -> x x"}]), "UNSUPPORTED", "unknown words")
        runner.expect(case(ops=[{"op": "map"}]), "UNSUPPORTED", "has no 'fn'")
        runner.expect(case(ops=[{"op": "transform", "fn": "levitate"}]), "UNSUPPORTED")
        runner.expect(case(kind="levitation"), "UNSUPPORTED", "unknown kind")

    def members_that_nobody_reads_are_told():
        runner.expect(case(ops=[{"op": "count", "levitate": 1}]), "UNSUPPORTED", "unknown 'levitate'")
        runner.expect(case(kind="source", ops=[{"op": "levitate"}]), "UNSUPPORTED", "unknown source")
        runner.expect(case(kind="recovery_set", ops=[{"op": "levitate"}]), "UNSUPPORTED", "unknown operator")

    def topics_are_compared():
        one = case(kind="source", ops=[{"op": "kafka_direct", "reset": "latest"}], input=[["a x10"], ["b x10"]])
        runner.expect({**one, "expected": [["b"]]}, "pass")
        runner.expect({**one, "expected": [["a"]]}, "FAIL", "got [\"b\"")
        one = case(kind="source", ops=[{"op": "kafka_direct", "reset": "earliest"}], input=[["t", 16]])
        runner.expect({**one, "expected": [15]}, "FAIL", "expected 15 elements, got 16")
        runner.expect(case(kind="source", ops=[{"op": "kafka_direct", "levitate": 1}], input=[["t", 1]], expected=[1]),
                      "UNSUPPORTED", "unknown 'levitate'")
        sums = [{"op": "kafka_direct", "reset": "earliest"}, {"op": "map", "fn": "x -> ('key', int)"},
                {"op": "updateStateByKey", "fn": "running_sum"}]
        runner.expect(case(kind="recovery_set", ops=sums, input=[[1, 2], [3]], expected=[[3], [7]]), "FAIL", "phase 2")

    def keys_of_what_is_no_pair_are_told():
        runner.expect(case(ops=[{"op": "filter", "fn": "key > 1"}]), "FAIL", "which is no pair")

    def what_is_not_run_here_is_told():
        runner.expect(case(weir="n/a"), "n/a")
        runner.expect(case(kind="table"), "elsewhere")

    def files_that_hold_no_cases_are_told():
        for text in ("", "3", "{}", "[1"):
            status, _, errors = runner.run(text)
            if status == 0 or "run-cases: " not in errors:
                raise Failed(f"status {status}, '{errors}' for '{text}'")
        status, line, _ = runner.run([3])
        if status == 0 or "no object" not in line:
            raise Failed(f"status {status}, '{line}' for a case that is no object")

    return [(name.replace("_", " "), function) for name, function in locals().items() if callable(function)]


def main():
    parser = argparse.ArgumentParser(description="Tests tests/conformance/run-cases.")
    parser.add_argument("--runner", required=True)
    return tap.run_cases(tests(Runner(parser.parse_args().runner)))


if __name__ == "__main__":
    sys.exit(main())
