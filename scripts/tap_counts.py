# SPDX-License-Identifier: Apache-2.0
"""Counts single test cases in meson's testlog.json.

A test program that speaks TAP counts one case for each `ok` and `not ok`; one that dies or runs out of time counts one
failed case more, for the case that it was in. A program that says nothing in TAP is one case, by its result.
"""
import collections
import json
import os
import re

Case = collections.namedtuple("Case", "profile name result seconds output")
Case.program = property(lambda case: case.name.split(" ")[0])

POINT = re.compile(r"^(not )?ok\b\s*\d*\s*-?\s*(.*?)\s*(?:#\s*(SKIP|TODO)\b\s*(.*))?$", re.IGNORECASE)
RESULTS = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}


def result_of(is_not, directive):
    if directive:
        return "skipped"
    return "failed" if is_not else "passed"


def points_of(stdout):
    """Yields each test point of the output with the comment lines that follow it."""
    point, comments = None, []
    for line in stdout.splitlines():
        match = POINT.match(line)
        if match:
            if point:
                yield point, comments
            point, comments = match, []
        elif line.startswith("#") and not re.match(r"# (Start|End) of ", line):
            comments.append(line)
    if point:
        yield point, comments


def cases_of_test(profile, entry):
    stdout, seconds = entry.get("stdout") or "", entry["duration"]
    program = entry["name"].split(" / ")[-1]
    said = stdout + (entry.get("stderr") or "")
    cases, shown = [], False
    for point, comments in points_of(stdout):
        result, output = result_of(point[1], point[3]), ""
        if result == "failed":
            # What a program said as a whole is shown with the first of its failures.
            output = "\n".join(comments) or ("" if shown else said)
            shown = True
        elif result == "skipped":
            output = point[4] or ""
        cases.append(Case(profile, f"{program} {point[2]}", result, seconds, output))
    verdict = RESULTS.get(entry["result"], "failed")
    if not cases:
        reason = re.search(r"^1\.\.0 # SKIP (.*)", stdout, re.MULTILINE)
        return [Case(profile, program, verdict, seconds, reason[1] if reason else said)]
    if verdict == "failed" and not shown:
        how = f"{program} ({entry['result'].lower()}, exit status {entry['returncode']})"
        cases.append(Case(profile, how, "failed", seconds, said))
    return cases


def cases_of_log(profile, path):
    """The cases of a testlog.json (one JSON object a line); none if nothing ran."""
    if not os.path.exists(path):
        return []
    with open(path, errors="replace") as f:
        entries = [json.loads(line) for line in f if line.strip()]
    return [case for entry in entries for case in cases_of_test(profile, entry)]
