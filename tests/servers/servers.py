# SPDX-License-Identifier: Apache-2.0
"""Real servers for tests, each on free ports of 127.0.0.1 and in a temporary folder; gone when their owner is.

    from servers import KafkaBroker, RedisServer, Missing

    with KafkaBroker(version="3.9", tls=False, sasl=False, config={"log.retention.ms": "1000"}) as broker:
        broker.start()                    # formats, starts, waits until it answers; restart keeps port and data
        broker.brokers                    # "127.0.0.1:PORT"; with tls=True also .tls, .tls_expired, .ca_file, .other_ca_file
        broker.create_topic("t", 4, {"cleanup.policy": "compact"})
        broker.admin("produce", "t", "1000", "--partitions", "4")      # kafka-admin.c; see `kafka-admin help`
        broker.read_topic("t")            # committed records: [(partition, offset, key, value)] of bytes, key None: no key
        broker.kill(); broker.start(); broker.pause(); broker.resume(); broker.restart(); broker.terminate()
        broker.pid, broker.log, broker.dir

    with RedisServer(appendonly=True, appendfsync="always", password=None, config={}) as redis:
        redis.start()
        redis.address, redis.command("SET", "key", "value")            # the reply: bytes, int, None, list; RedisError

The version is the one under test unless given: WEIR_TEST_KAFKA_VERSION, else 3.9. A broker with lasting=True is for tests
that do not kill it: a busy machine may hold it up for a minute before its session ends, and with that all that it leads.
Both have owner=PID: whose end ends the server (this process). attach(FOLDER) gives the object of a server that another process started. Missing is raised
where a server cannot be had: no Java, no registry and nothing in the cache.
shared_brokers() and shared_redis() give the servers that scripts/test keeps for a whole run, from the environment
(WEIR_TEST_BROKERS, WEIR_TEST_REDIS), or raise Missing.
"""
import base64
import os
import re
import shutil
import socket
import subprocess
import sys
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from certificates import KEY_PASSWORD, make_certificates  # noqa: E402
from kafka_jars import VERSIONS, class_path, jars, locked, need  # noqa: E402
from kafka_wire import cluster  # noqa: E402
from process import Missing, Server, ServerError, free_ports  # noqa: E402
from process import kill_folder, wait_gone  # noqa: E402,F401

HEAP = ["-Xms256m", "-Xmx768m"]
JVM = HEAP + ["-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-Xshare:auto", "-Xlog:disable", "-Xlog:all=error:stderr",
              "-Djava.awt.headless=true", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
              "-Dorg.slf4j.simpleLogger.showDateTime=true",
              "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS"]
COMMON = {
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
    "delete.topic.enable": "true",
    # Faults of days happen in a test's seconds.
    "log.retention.check.interval.ms": "500",
    "log.cleaner.backoff.ms": "500",
    "log.segment.delete.delay.ms": "1000",
    "offsets.retention.check.interval.ms": "5000",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    "log.cleaner.dedupe.buffer.size": "20000000",
}
PASSWORD = "a-password-of-the-test"


def cluster_id():
    """Sixteen random bytes as Kafka writes them; it forbids a leading dash."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def write_properties(path, properties):
    with open(path, "w") as f:
        f.writelines(f"{name}={value}\n" for name, value in properties.items())


class KafkaBroker(Server):
    kind = "kafka"
    main_process = "broker"

    def __init__(self, version=None, tls=False, sasl=False, config=None, owner=None, folder=None, lasting=False):
        version = version or os.environ.get("WEIR_TEST_KAFKA_VERSION") or VERSIONS[0]
        if folder is None and version not in VERSIONS:
            raise ValueError(f"no Kafka {version} here, only {', '.join(VERSIONS)}")
        self.jars = None if folder else jars(version)
        super().__init__(owner, folder)
        if folder:
            state = self.load_state()
            self.version, self.ports, self.jars = state["version"], state["ports"], state["jars"]
            return
        self.version, self.lasting = version, lasting
        names = ["PLAINTEXT", "CONTROLLER"] + ["TLS", "EXPIRED"] * tls + ["SASL"] * sasl
        self.ports = dict(zip(names, free_ports(len(names))))
        self.port = self.ports["PLAINTEXT"]
        self.save_state(version=version, ports=self.ports, jars=self.jars)
        if tls:
            make_certificates(os.path.join(self.dir, "certificates"))
        self.configure(config or {})

    @property
    def brokers(self):
        return self.address

    @property
    def tls(self):
        """Address of the listener with a good certificate (of 127.0.0.1, signed by ca_file)."""
        return f"{self.host}:{self.ports['TLS']}"

    @property
    def tls_expired(self):
        return f"{self.host}:{self.ports['EXPIRED']}"

    @property
    def sasl(self):
        """Address of the listener for SASL PLAIN, user `weir`, password PASSWORD."""
        return f"{self.host}:{self.ports['SASL']}"

    @property
    def ca_file(self):
        return os.path.join(self.dir, "certificates", "ca.pem")

    @property
    def other_ca_file(self):
        return os.path.join(self.dir, "certificates", "other-ca.pem")

    @property
    def has_zookeeper(self):
        return self.version == "2.8"

    @property
    def config_file(self):
        return os.path.join(self.dir, "server.properties")

    def configure(self, config):
        names = [name for name in self.ports if name != "CONTROLLER"]
        listeners = ",".join(f"{name}://{self.host}:{self.ports[name]}" for name in names)
        protocols = {"TLS": "SSL", "EXPIRED": "SSL", "SASL": "SASL_PLAINTEXT"}
        properties = dict(COMMON, **{
            "listeners": listeners,
            "advertised.listeners": listeners,
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": ",".join(f"{name}:{protocols.get(name, 'PLAINTEXT')}" for name in self.ports),
            "log.dirs": os.path.join(self.dir, "data"),
        })
        properties.update(self.zookeeper_properties() if self.has_zookeeper else self.kraft_properties(listeners))
        properties.update(self.security_properties())
        properties.update(config)
        write_properties(self.config_file, properties)
        if self.has_zookeeper:
            write_properties(os.path.join(self.dir, "zookeeper.properties"), {
                "dataDir": os.path.join(self.dir, "zookeeper"), "clientPort": self.ports["CONTROLLER"],
                "clientPortAddress": self.host, "admin.enableServer": "false", "tickTime": "500",
                "minSessionTimeout": "1000", "maxSessionTimeout": "60000", "maxClientCnxns": "0"})
        else:
            self.format()

    def kraft_properties(self, listeners):
        controller = f"{self.host}:{self.ports['CONTROLLER']}"
        return {"process.roles": "broker,controller", "node.id": "1", "controller.quorum.voters": "1@" + controller,
                "controller.listener.names": "CONTROLLER", "listeners": f"{listeners},CONTROLLER://{controller}",
                # A killed broker's registration is in the way of the next until this has passed.
                "broker.session.timeout.ms": "60000" if self.lasting else "3000", "broker.heartbeat.interval.ms": "500"}

    def zookeeper_properties(self):
        # Until a session has ended the name of a killed broker is in the way of the next; where it ends because the
        # machine was busy, what the broker is asked to do meanwhile fails.
        return {"broker.id": "1", "zookeeper.connect": f"{self.host}:{self.ports['CONTROLLER']}",
                "zookeeper.session.timeout.ms": "60000" if self.lasting else "8000", "zookeeper.connection.timeout.ms": "20000"}

    def security_properties(self):
        properties = {}
        for name, file in (("tls", "server.pem"), ("expired", "expired.pem")):
            if name.upper() in self.ports:
                properties[f"listener.name.{name}.ssl.keystore.type"] = "PEM"
                properties[f"listener.name.{name}.ssl.keystore.location"] = os.path.join(self.dir, "certificates", file)
                properties[f"listener.name.{name}.ssl.key.password"] = KEY_PASSWORD
        if "SASL" in self.ports:
            properties["sasl.enabled.mechanisms"] = "PLAIN"
            properties["listener.name.sasl.plain.sasl.jaas.config"] = (
                "org.apache.kafka.common.security.plain.PlainLoginModule required "
                f'username="weir" password="{PASSWORD}" user_weir="{PASSWORD}";')
        return properties

    def java(self, *args):
        return [need("java", "default-jre-headless")] + JVM + ["-cp", class_path(self.jars)] + list(args)

    def command(self):
        return self.java("kafka.Kafka", self.config_file)

    def format(self):
        """A formatted data folder: what formatting wrote once for the version, with a cluster id of its own."""
        with locked("kafka-format-" + self.version):
            made = os.path.join(self.jars, "formatted")
            if not os.path.isdir(made):
                self.format_once(made)
        shutil.copytree(made, os.path.join(self.dir, "data"))
        write_properties(os.path.join(self.dir, "data", "meta.properties"),
                         {"version": "1", "node.id": "1", "cluster.id": cluster_id(), "directory.id": cluster_id()})

    def format_once(self, made):
        command = self.java("kafka.tools.StorageTool", "format", "-t", cluster_id(), "-c", self.config_file)
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise ServerError(f"Kafka {self.version} did not format its data folder:\n{done.stdout}")
        data = os.path.join(self.dir, "data")
        os.remove(os.path.join(data, "meta.properties"))
        shutil.move(data, made)

    def start(self):
        if self.has_zookeeper and not self.pid_of("zookeeper"):
            # Nobody cuts its power: it need not wait for the disk, which a session may not survive.
            self.spawn("zookeeper", self.java("-Dzookeeper.forceSync=no", "org.apache.zookeeper.server.quorum.QuorumPeerMain",
                                              "zookeeper.properties"))
        return super().start()

    def partitions_on_disk(self):
        folder = os.path.join(self.dir, "data")
        names = os.listdir(folder) if os.path.isdir(folder) else []
        return sum(1 for name in names if re.search(r"-\d+$", name) and not name.startswith("__cluster_metadata"))

    def answers(self):
        """It takes work: it knows itself, and again leads what it has on disk, which comes a little later."""
        found = cluster(self.host, self.port)
        return bool(found and found.n_brokers and found.n_led >= self.partitions_on_disk())

    def may_try_again(self):
        """ZooKeeper keeps the name of a killed broker until its session ends, which ends the next one at its start."""
        return self.has_zookeeper and "NodeExists" in self.log_tail()

    def run_admin(self, *args, text=True):
        """Runs kafka-admin on this broker; the finished process."""
        return subprocess.run([admin_program(), self.brokers, *map(str, args)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=text)

    def admin(self, *args):
        """What kafka-admin printed; ServerError if it failed."""
        done = self.run_admin(*args)
        if done.returncode:
            raise ServerError(f"kafka-admin {' '.join(map(str, args))}: {done.stderr.strip()}")
        return done.stdout

    def create_topic(self, name, partitions=1, config=None):
        self.admin("create-topic", name, partitions, *(f"{key}={value}" for key, value in (config or {}).items()))

    def delete_topic(self, name):
        self.admin("delete-topic", name)

    def add_partitions(self, name, total):
        self.admin("add-partitions", name, total)

    def alter_topic(self, name, config):
        self.admin("alter-config", name, *(f"{key}={value}" for key, value in config.items()))

    def delete_records(self, name, partition, before):
        self.admin("delete-records", name, f"{partition}={before}")

    def end_offsets(self, name):
        """partition -> (first offset, end of the log, end of what is committed)"""
        rows = [[int(word) for word in line.split()] for line in self.admin("offsets", name).splitlines()]
        return {row[0]: tuple(row[1:]) for row in rows}

    def read_topic(self, name, *options):
        """The committed records (see `kafka-admin help`, read): [(partition, offset, key, value)]."""
        done = self.run_admin("read", name, *options, text=False)
        if done.returncode:
            raise ServerError(f"kafka-admin read {name}: {done.stderr.decode(errors='replace').strip()}")
        rows = [line.split(b" ", 3) for line in done.stdout.split(b"\n")[:-1]]
        return [(int(p), int(o), None if key == b"-" else key, value) for p, o, key, value in rows]


class RedisError(Exception):
    pass


class RedisServer(Server):
    kind = "redis"
    main_process = "redis"
    start_seconds = 120

    def __init__(self, appendonly=False, appendfsync="always", password=None, config=None, owner=None, folder=None):
        need("redis-server", "redis-server")
        super().__init__(owner, folder)
        if folder:
            self.password = self.load_state()["password"]
            return
        self.password, (self.port,) = password, free_ports(1)
        self.save_state(password=password)
        settings = {"bind": self.host, "port": self.port, "dir": self.dir, "save": '""', "daemonize": "no",
                    "appendonly": "yes" if appendonly else "no", "appendfsync": appendfsync}
        settings.update({"requirepass": password} if password else {})
        settings.update(config or {})
        with open(os.path.join(self.dir, "redis.conf"), "w") as f:
            f.writelines(f"{name} {value}\n" for name, value in settings.items())

    def command(self, *words):
        """Without words the server's command line; with words a Redis command, whose reply is returned."""
        if not words:
            return [need("redis-server", "redis-server"), os.path.join(self.dir, "redis.conf")]
        with socket.create_connection((self.host, self.port), timeout=10) as s, s.makefile("rwb") as stream:
            if self.password:
                self.exchange(stream, "AUTH", self.password)
            return self.exchange(stream, *words)

    def exchange(self, stream, *words):
        data = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        stream.write(b"*%d\r\n" % len(data) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in data))
        stream.flush()
        return self.reply(stream)

    def reply(self, stream):
        line = stream.readline().rstrip(b"\r\n")
        if not line:
            raise OSError("closed")
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            raise RedisError(rest.decode())
        if kind == b"$":
            return None if int(rest) < 0 else stream.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return None if int(rest) < 0 else [self.reply(stream) for _ in range(int(rest))]
        return int(rest) if kind == b":" else rest

    def answers(self):
        try:
            return self.command("PING") == b"PONG"
        except (OSError, RedisError):
            return False


def admin_program():
    """The built kafka-admin: named by WEIR_TEST_KAFKA_ADMIN, or of the build tree that the test runs in."""
    root = os.environ.get("WEIR_TEST_BUILD_ROOT", "")
    path = os.environ.get("WEIR_TEST_KAFKA_ADMIN") or os.path.join(root, "tests", "servers", "kafka-admin")
    if not os.access(path, os.X_OK):
        raise Missing("kafka-admin is not there: build weir, and set WEIR_TEST_BUILD_ROOT or WEIR_TEST_KAFKA_ADMIN")
    return path


def attach(folder):
    """The object of a server that runs, or ran, in the folder."""
    if not os.path.exists(os.path.join(folder, "server.json")):
        raise ServerError(f"{folder}: no server's folder, or it is gone")
    is_kafka = os.path.exists(os.path.join(folder, "server.properties"))
    return KafkaBroker(folder=folder) if is_kafka else RedisServer(folder=folder)


def shared(name, what):
    value = os.environ.get(name)
    if not value:
        raise Missing(f"{name} is not set: scripts/test starts {what} for the tests")
    return value


def shared_brokers():
    return shared("WEIR_TEST_BROKERS", "a Kafka broker")


def shared_redis():
    return shared("WEIR_TEST_REDIS", "a redis-server")
