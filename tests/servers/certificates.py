# SPDX-License-Identifier: Apache-2.0
"""Certificates for a test, good for two days: an authority, a server of 127.0.0.1 signed by it, the same expired, and an
authority that signed nothing. A server's file holds its key, under a password, and its certificate, as Kafka's PEM key
stores want it; 2.8 takes no key without a password, and Java no newer cipher for it."""
import os
import subprocess

from kafka_jars import need

KEY_PASSWORD = "a-password-of-the-key"
SAN = "subjectAltName=IP:127.0.0.1,DNS:localhost\n"


def openssl(folder, *args):
    done = subprocess.run([need("openssl", "openssl"), *args], cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f"openssl {' '.join(args)}: {done.stdout}")
    return done.stdout


def make_key(folder, name):
    openssl(folder, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", name + ".key")


def make_authority(folder, name):
    make_key(folder, name)
    openssl(folder, "req", "-x509", "-new", "-key", name + ".key", "-subj", "/CN=weir test " + name, "-days", "2",
            "-out", name + ".pem")


def make_server(folder, name, days):
    make_key(folder, name)
    openssl(folder, "req", "-new", "-key", name + ".key", "-subj", "/CN=127.0.0.1", "-out", name + ".csr")
    with open(os.path.join(folder, "san.ext"), "w") as f:
        f.write(SAN)
    openssl(folder, "x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", str(days), "-extfile", "san.ext", "-out", name + ".crt")
    openssl(folder, "pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-in", name + ".key", "-passout", "pass:" + KEY_PASSWORD,
            "-out", name + ".p8")
    with open(os.path.join(folder, name + ".pem"), "w") as out:
        for part in (name + ".p8", name + ".crt"):
            with open(os.path.join(folder, part)) as f:
                out.write(f.read())


def make_certificates(folder):
    """ca.pem, other-ca.pem, server.pem and expired.pem in the folder, which is made."""
    os.mkdir(folder)
    make_authority(folder, "ca")
    make_authority(folder, "other-ca")
    make_server(folder, "server", 2)
    make_server(folder, "expired", -1)
