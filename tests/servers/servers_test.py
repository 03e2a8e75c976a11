#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The harness against its own servers: kafka or redis, the suite that it is run for."""
import os
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "python"))
sys.path.insert(0, HERE)
import tap  # noqa: E402
from kafka_jars import need  # noqa: E402
from process import is_gone, wait_gone  # noqa: E402
from servers import KafkaBroker, Missing, RedisError, RedisServer, ServerError, attach  # noqa: E402


def check(what, found, wanted):
    if found != wanted:
        raise tap.Failed(f"{what}: {found!r}, not {wanted!r}")


def values(broker, topic):
    return sorted(value for _, _, _, value in broker.read_topic(topic))


def killed_broker_keeps_its_data():
    with KafkaBroker() as broker:
        broker.start()
        broker.create_topic("t", 2, {"retention.ms": "12345678"})
        broker.admin("produce", "t", 100, "--partitions", 2)
        pid, brokers = broker.pid, broker.brokers
        broker.kill()
        check("the broker's process is gone", is_gone(pid), True)
        broker.start()
        check("the address after the restart", broker.brokers, brokers)
        check("the records after the restart", values(broker, "t"), sorted(b"line %d" % i for i in range(100)))
        broker.pause()
        broker.resume()
        broker.admin("produce", "t", 1, "--prefix", "after ")
        check("the ends after a pause", [end for _, end, _ in broker.end_offsets("t").values()], [51, 50])
        folder = broker.dir
    check("the folder is gone", os.path.exists(folder), False)


def topics_are_changed():
    with KafkaBroker(config={"log.retention.check.interval.ms": "200"}) as broker:
        broker.start()
        broker.create_topic("t", 1)
        broker.alter_topic("t", {"retention.ms": "1000000"})
        broker.add_partitions("t", 3)
        broker.admin("produce", "t", 30, "--partitions", 3)
        broker.delete_records("t", 2, 4)
        check("first offsets", [first for first, _, _ in broker.end_offsets("t").values()], [0, 0, 4])
        broker.delete_topic("t")
        try:
            broker.end_offsets("t")
        except ServerError as error:
            check("the error names the cause", "UNKNOWN_TOPIC" in str(error), True)
        else:
            raise tap.Failed("a deleted topic still has offsets")


def connects(address, ca):
    done = subprocess.run(["openssl", "s_client", "-connect", address, "-CAfile", ca, "-verify_return_error", "-brief"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    return done.returncode == 0, done.stdout


def listeners_speak_tls():
    with KafkaBroker(tls=True, sasl=True) as broker:
        broker.start()
        good, said = connects(broker.tls, broker.ca_file)
        check("a good certificate: " + said, good, True)
        good, said = connects(broker.tls_expired, broker.ca_file)
        check("an expired certificate is refused for its age", (good, "expired" in said), (False, True))
        good, said = connects(broker.tls, broker.other_ca_file)
        check("an unknown authority is refused", (good, "unable to get local issuer" in said), (False, True))


def run_owner(body):
    """A process that owns a server, prints its pid and folder, and waits to be killed."""
    code = f"import sys; sys.path.insert(0, {HERE!r}); from servers import *; s = {body}.start(); " \
           "print(s.pid, s.dir, flush=True); sys.stdin.read()"
    owner = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    pid, folder = owner.stdout.readline().split()
    return owner, int(pid), folder


def server_ends_with_its_owner():
    need("redis-server", "redis-server")
    owner, pid, folder = run_owner("RedisServer()")
    with owner:
        server = attach(folder)
        check("a server can be reached through its folder", server.command("PING"), b"PONG")
        owner.send_signal(signal.SIGKILL)
    check("the server ends soon after its owner", wait_gone(pid, 10), True)


def killed_redis_keeps_what_was_appended():
    with RedisServer(appendonly=True, appendfsync="always") as redis:
        redis.start()
        redis.command("SET", "key", b"a\r\nvalue")
        redis.restart()
        check("the value after a kill", redis.command("GET", "key"), b"a\r\nvalue")
        check("no value", redis.command("GET", "other"), None)


def killed_redis_without_log_forgets():
    with RedisServer() as redis:
        redis.start()
        redis.command("SET", "key", "value")
        redis.restart()
        check("the value after a kill", redis.command("GET", "key"), None)


def redis_asks_for_its_password():
    with RedisServer(password="open sesame".replace(" ", "-")) as redis:
        redis.start()
        check("with the password", redis.command("ECHO", "x"), b"x")
        redis.password = None
        try:
            redis.command("ECHO", "x")
        except RedisError as error:
            check("the error", str(error).split()[0], "NOAUTH")
        else:
            raise tap.Failed("Redis took a command without the password")


CASES = {
    "kafka": [killed_broker_keeps_its_data, topics_are_changed, listeners_speak_tls],
    "redis": [server_ends_with_its_owner, killed_redis_keeps_what_was_appended, killed_redis_without_log_forgets,
              redis_asks_for_its_password],
}


def case(function):
    def run():
        try:
            function()
        except Missing as missing:
            raise tap.Skipped(missing) from None
    return function.__name__.replace("_", " "), run


if __name__ == "__main__":
    sys.exit(tap.run_cases([case(function) for function in CASES[sys.argv[1]]]))
