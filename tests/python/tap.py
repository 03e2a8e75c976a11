# SPDX-License-Identifier: Apache-2.0
"""Test cases written in Python: each is a function that raises Failed or Skipped, or neither; the report is TAP."""
import os
import traceback


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def comment(text):
    for line in str(text).rstrip().splitlines():
        print("# " + line, flush=True)


def run_case(number, name, function):
    try:
        function()
    except Skipped as why:
        if os.environ.get("CI") != "true":
            print(f"ok {number} - {name} # SKIP {why}", flush=True)
            return True
        print(f"not ok {number} - {name}", flush=True)
        comment(f"{why}, and CI must not skip it")
        return False
    except Failed as why:
        print(f"not ok {number} - {name}", flush=True)
        comment(why)
        return False
    except Exception:
        print(f"not ok {number} - {name}", flush=True)
        comment(traceback.format_exc())
        return False
    print(f"ok {number} - {name}", flush=True)
    return True


def run_cases(cases):
    """Runs (name, function) pairs one after the other; returns the exit status."""
    print(f"1..{len(cases)}" if cases else "1..0 # SKIP nothing to check", flush=True)
    results = [run_case(number, name, function) for number, (name, function) in enumerate(cases, 1)]
    return 0 if all(results) else 1
