# SPDX-License-Identifier: Apache-2.0
"""The command line of kafka.py and redis.py.

`run` serves one server to a parent: once it answers, lines `NAME VALUE` tell of it, then `ok`; or `missing WHY`, or
`error WHY`. Then each line of stdin is one of WORDS, answered by the new facts and `ok`, or by `error WHY`. The end of
stdin, which is also the end of a parent that crashed, ends the server.
"""
import argparse
import os
import shlex
import signal
import subprocess
import sys

from servers import Missing, ServerError, admin_program, attach

WORDS = {"kill": "kill", "terminate": "terminate", "start": "start", "start-again": "start", "restart": "restart",
         "pause": "pause", "resume": "resume"}


def parse_config(settings):
    config = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            sys.exit(f"--set {setting}: write NAME=VALUE")
        config[name] = value
    return config


def say_facts(server, facts):
    said = dict(facts(server), pid=server.pid, dir=server.dir)
    for name, value in said.items():
        print(name, value)
    print("ok", flush=True)


def one_line(error):
    return " ".join(str(error).split())


def obey(server, word):
    if word not in WORDS:
        raise ServerError(f"{word}: not one of {', '.join(WORDS)}")
    getattr(server, WORDS[word])()


def run(make, facts):
    # The parent's end ends this process too; an interrupt at the terminal is the parent's business.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        server = make()
    except Missing as missing:
        print("missing", one_line(missing), flush=True)
        return 0
    with server:
        try:
            server.start()
            say_facts(server, facts)
        except ServerError as error:
            print("error", one_line(error), flush=True)
            return 1
        for line in sys.stdin:
            try:
                obey(server, line.strip())
                say_facts(server, facts)
            except ServerError as error:
                print("error", one_line(error), flush=True)
    return 0


def start(name, make, facts):
    server = make()
    try:
        server.start()
    except ServerError:
        server.stop()
        raise
    for fact, value in dict(facts(server), pid=server.pid, dir=server.dir).items():
        print(f"{name.upper()}_{fact.upper().replace('-', '_')}={shlex.quote(str(value))}")
    return 0


def act(verb, folder, words):
    if verb == "stop" and not os.path.isdir(folder):
        return 0
    server = attach(folder)
    if verb == "stop":
        server.stop()
    elif verb == "log":
        sys.stdout.write(server.log_tail(1 << 30))
    elif verb == "admin":
        return subprocess.call([admin_program(), server.address] + words)
    else:
        obey(server, verb)
    return 0


def parse(name, about, add_options):
    parser = argparse.ArgumentParser(prog=name + ".py", description=about,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, text in (("start", "start one, print shell variables"), ("run", "start one, obey stdin")):
        sub = verbs.add_parser(verb, help=text)
        sub.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the server's")
        sub.add_argument("--owner", type=int, default=os.getppid() if verb == "start" else None, metavar="PID",
                         help="the process whose end ends the server")
        add_options(sub)
    for verb in sorted(set(WORDS) - {"start"}) + ["stop", "log"] + ["admin"] * (name == "kafka"):
        sub = verbs.add_parser(verb, help={"stop": "end it for good", "log": "print its log"}.get(verb))
        sub.add_argument("folder")
        if verb == "admin":
            sub.add_argument("words", nargs=argparse.REMAINDER)
    return parser.parse_args()


def main(name, about, add_options, make, facts):
    options = parse(name, about, add_options)
    try:
        if options.verb not in ("start", "run"):
            return act(options.verb, options.folder, getattr(options, "words", []))
        config = parse_config(options.set)
        if options.verb == "run":
            return run(lambda: make(options, config), facts)
        return start(name, lambda: make(options, config), facts)
    except (Missing, ServerError) as error:
        print(f"{name}.py: {error}", file=sys.stderr)
        return 1
