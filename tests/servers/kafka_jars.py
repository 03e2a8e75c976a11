# SPDX-License-Identifier: Apache-2.0
"""The jars of a Kafka version in the user's cache: $XDG_CACHE_HOME/weir/kafka-VERSION-N.

Maven fetches them the first time (pom.xml), checksums/kafka-VERSION.sha256 says what they must be, and later runs need
no network. Beside the jars is kept what formatting a data folder makes, which saves each broker a start of Java.
`python3 kafka_jars.py VERSION --record` writes a checksum list anew.
"""
import contextlib
import fcntl
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from process import Missing  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
VERSIONS = ("3.9", "4.1", "2.8")
FETCH_SECONDS = 600


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "weir")


def checksum_file(version):
    return os.path.join(HERE, "checksums", f"kafka-{version}.sha256")


def wanted_sums(version):
    """Name -> SHA-256 of each jar."""
    with open(checksum_file(version)) as f:
        lines = [line.split() for line in f if line.strip() and not line.startswith("#")]
    return {name: digest for digest, name in lines}


def sums_of(folder):
    sums = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.jar"))):
        with open(path, "rb") as f:
            sums[os.path.basename(path)] = hashlib.sha256(f.read()).hexdigest()
    return sums


def difference(wanted, found):
    """One line on the first jar that is not as it must be, or None."""
    for name in sorted(set(wanted) | set(found)):
        if wanted.get(name) != found.get(name):
            return f"{name}: is {found.get(name, 'not there')}, must be {wanted.get(name, 'not there')}"
    return None


@contextlib.contextmanager
def locked(name):
    """One process at a time, on this machine, for this user."""
    os.makedirs(cache_folder(), exist_ok=True)
    with open(os.path.join(cache_folder(), name + ".lock"), "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def need(program, package):
    path = shutil.which(program)
    if path is None:
        raise Missing(f"{program} is not installed (package {package})")
    return path


def fetch(version, folder):
    """Has Maven copy the jars of the version to the folder."""
    command = [need("mvn", "maven"), "-B", "-q", "-Dstyle.color=never", "-f", os.path.join(HERE, "pom.xml"), "-P", "kafka-" + version,
               "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=" + folder]
    print(f"weir: fetching the jars of Kafka {version} (once)", file=sys.stderr, flush=True)
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=FETCH_SECONDS)
    except subprocess.TimeoutExpired:
        raise Missing(f"Maven did not fetch the jars of Kafka {version} in {FETCH_SECONDS} s") from None
    if done.returncode:
        errors = [line for line in done.stdout.splitlines() if "ERROR" in line] or done.stdout.splitlines()[-1:]
        raise Missing(f"Maven could not fetch the jars of Kafka {version}: {' '.join(errors[:1])}")


def key_of(version):
    """Changes when the list of jars does, so that an old cache is not taken for the new one."""
    with open(checksum_file(version), "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()[:8]


def jars(version):
    """The folder with the verified jars of the version, fetched if need be."""
    need("java", "default-jre-headless")
    wanted = wanted_sums(version)
    folder = os.path.join(cache_folder(), f"kafka-{version}-{key_of(version)}")
    with locked("kafka-" + version):
        if not os.path.isdir(folder):
            with tempfile.TemporaryDirectory(dir=cache_folder()) as fresh:
                target = os.path.join(fresh, "jars")
                fetch(version, target)
                wrong = difference(wanted, sums_of(target))
                if wrong:
                    raise Missing(f"the jars of Kafka {version} that Maven fetched are not those of the list: {wrong}")
                os.rename(target, folder)
        wrong = difference(wanted, sums_of(folder))
        if wrong:
            raise Missing(f"the jars of Kafka {version} in {folder} were changed ({wrong}): remove that folder")
    return folder


def class_path(folder):
    return ":".join(sorted(glob.glob(os.path.join(folder, "*.jar"))))


def record(version):
    with tempfile.TemporaryDirectory() as fresh:
        fetch(version, fresh)
        with open(checksum_file(version), "w") as f:
            for name, digest in sums_of(fresh).items():
                f.write(f"{digest}  {name}\n")


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[2] == "--record" and sys.argv[1] in VERSIONS:
        record(sys.argv[1])
    elif len(sys.argv) == 2 and sys.argv[1] in VERSIONS:
        try:
            print(jars(sys.argv[1]))
        except Missing as missing:
            sys.exit(f"weir: {missing}")
    else:
        sys.exit(f"usage: kafka_jars.py {'|'.join(VERSIONS)} [--record]")
