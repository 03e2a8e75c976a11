#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the tree against its own rules and reports in TAP.

usage: lint.py code|api|text [--root DIR] [--library libweir.so]

A rule is a function in a module *_rules.py, listed in its RULES: it takes a Tree and yields what it finds, one line
each. A tool that is not there skips the rule loudly, and fails it where CI=true.
"""
import argparse
import importlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tree import Missing, Tree  # noqa: E402


def run_rule(number, rule, tree):
    name = rule.__doc__.strip().splitlines()[0].rstrip(".")
    try:
        found = list(rule(tree))
    except Missing as missing:
        if os.environ.get("CI") == "true":
            print(f"not ok {number} - {name}\n# {missing}, and CI must not skip it", flush=True)
            return False
        print(f"ok {number} - {name} # SKIP {missing}", flush=True)
        return True
    print(f"{'not ok' if found else 'ok'} {number} - {name}", flush=True)
    for line in found:
        print(f"# {line}", flush=True)
    return not found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("module", choices=["code", "api", "text"])
    parser.add_argument("--root", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    parser.add_argument("--library", help="the built libweir.so")
    options = parser.parse_args()
    rules = importlib.import_module(options.module + "_rules").RULES
    tree = Tree(options.root, options.library)
    print(f"1..{len(rules)}", flush=True)
    results = [run_rule(number, rule, tree) for number, rule in enumerate(rules, 1)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
