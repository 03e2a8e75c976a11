#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A redis-server for a script or a test in C: redis.py VERB [OPTION...], see --help. The class is in servers.py.

  eval "$(redis.py start --appendonly)"      sets REDIS_DIR, REDIS_ADDRESS, ...; gone when the script that called it is
  redis.py kill "$REDIS_DIR"                 likewise start-again, terminate, pause, resume, restart, stop, log
  redis.py run                               for a parent with pipes: see control.py
"""
import sys

from control import main
from servers import RedisServer


def add_options(parser):
    parser.add_argument("--appendonly", action="store_true", help="data outlive the process")
    parser.add_argument("--appendfsync", choices=["always", "everysec", "no"], default="always")
    parser.add_argument("--password")


def make(options, config):
    return RedisServer(options.appendonly, options.appendfsync, options.password, config, owner=options.owner)


def facts(server):
    yield "address", server.address
    yield "port", server.port


if __name__ == "__main__":
    sys.exit(main("redis", __doc__, add_options, make, facts))
