# SPDX-License-Identifier: Apache-2.0
"""One request of Kafka's protocol, written by hand: what a broker knows of its cluster, to see when it takes work."""
import collections
import socket
import struct

Cluster = collections.namedtuple("Cluster", "n_brokers n_led")
METADATA, VERSION = 3, 4


class Reader:
    """Reads the fields of an answer one after the other."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, kind):
        value, = struct.unpack_from(">" + kind, self.data, self.at)
        self.at += struct.calcsize(">" + kind)
        return value

    def text(self):
        size = self.number("h")
        self.at += max(0, size)

    def numbers(self):
        n = self.number("i")  # on a line of its own: += looks at self.at before this moves it
        self.at += 4 * n


def read_exactly(s, n):
    data = b""
    while len(data) < n:
        got = s.recv(n - len(data))
        if not got:
            raise OSError("closed")
        data += got
    return data


def ask(host, port):
    request = struct.pack(">hhih4sib", METADATA, VERSION, 1, 4, b"weir", -1, 0)
    with socket.create_connection((host, port), timeout=1) as s:
        s.settimeout(2)
        s.sendall(struct.pack(">i", len(request)) + request)
        return read_exactly(s, struct.unpack(">i", read_exactly(s, 4))[0])


def count_led(reader):
    """Partitions of one topic that have a leader."""
    reader.number("h"), reader.text(), reader.number("b")
    n_led = 0
    for _ in range(reader.number("i")):
        error, _, leader = reader.number("h"), reader.number("i"), reader.number("i")
        n_led += error == 0 and leader >= 0
        reader.numbers(), reader.numbers()
    return n_led


def cluster(host, port):
    """What the broker at the port says of its cluster; None while it does not answer."""
    try:
        reader = Reader(ask(host, port))
    except OSError:
        return None
    reader.number("i"), reader.number("i")
    n_brokers = reader.number("i")
    for _ in range(n_brokers):
        reader.number("i"), reader.text(), reader.number("i"), reader.text()
    reader.text(), reader.number("i")
    return Cluster(n_brokers, sum(count_led(reader) for _ in range(reader.number("i"))))
