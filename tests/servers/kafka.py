#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A Kafka broker for a script or a test in C: kafka.py VERB [OPTION...], see --help. The class is in servers.py.

  eval "$(kafka.py start --version 3.9)"     sets KAFKA_DIR, KAFKA_ADDRESS, ...; gone when the script that called it is
  kafka.py kill "$KAFKA_DIR"                 likewise start-again, terminate, pause, resume, restart, stop, log
  kafka.py admin "$KAFKA_DIR" create-topic t 4
  kafka.py run                               for a parent with pipes: see control.py
"""
import sys

from control import main
from servers import PASSWORD, VERSIONS, KafkaBroker


def add_options(parser):
    parser.add_argument("--version", choices=VERSIONS, help="the one under test unless told otherwise")
    parser.add_argument("--tls", action="store_true", help="listeners with a good and with an expired certificate")
    parser.add_argument("--sasl", action="store_true", help="a listener for SASL PLAIN")


def make(options, config):
    return KafkaBroker(options.version, tls=options.tls, sasl=options.sasl, config=config, owner=options.owner)


def facts(broker):
    yield "address", broker.address
    if "TLS" in broker.ports:
        yield from (("tls", broker.tls), ("expired", broker.tls_expired))
        yield from (("ca", broker.ca_file), ("other-ca", broker.other_ca_file))
    if "SASL" in broker.ports:
        yield from (("sasl", broker.sasl), ("user", "weir"), ("password", PASSWORD))


if __name__ == "__main__":
    sys.exit(main("kafka", __doc__, add_options, make, facts))
