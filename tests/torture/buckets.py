"""Servers of S3 for a lake that is tortured: each gives the environment by which its bucket `lake` is reached."""

import contextlib
import hashlib
import os
import pathlib
import socket
import subprocess
import sys

from checks import harness

LAKE = pathlib.Path(__file__).resolve().parents[1] / "lake"


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def make_bucket(environment):
    """By curl, whose signature is enough for a path without anything special."""
    keys = f"{environment['AWS_ACCESS_KEY_ID']}:{environment['AWS_SECRET_ACCESS_KEY']}"
    nothing = hashlib.sha256(b"").hexdigest()
    subprocess.run(["curl", "-sf", "--retry", "9", "--retry-all-errors", "--retry-delay", "0", "--aws-sigv4",
                    "aws:amz:us-east-1:s3", "--user", keys, "-X", "PUT", "-H", f"x-amz-content-sha256: {nothing}",
                    environment["AWS_ENDPOINT_URL"] + "/lake"], check=True)


@contextlib.contextmanager
def serving(process, port, key, secret):
    environment = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": "us-east-1"}
    try:
        number = harness.wait_until(port, 20, "a server of S3")
        environment["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{number}"
        make_bucket(environment)
        yield environment
    finally:
        process.kill()
        process.wait()


def versitygw(directory):
    """None when tests/lake/servers cannot bring it."""
    found = subprocess.run([LAKE / "servers", "versitygw"], capture_output=True, text=True)
    if found.returncode:
        return None
    directory.mkdir()
    port = free_port()
    process = subprocess.Popen(
        [found.stdout.strip(), "--port", f"127.0.0.1:{port}", "--region", "us-east-1", "--quiet", "posix", str(directory)],
        env={**os.environ, "ROOT_ACCESS_KEY_ID": "factfsAK", "ROOT_SECRET_ACCESS_KEY": "factfsSK12345678"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return serving(process, lambda: listens(port) and port, "factfsAK", "factfsSK12345678")


def stub(directory, chance, seed):
    directory.mkdir()
    process = subprocess.Popen([sys.executable, "-B", str(LAKE / "stub.py"), str(directory), str(chance), str(seed)])
    return serving(process, lambda: (directory / "port").exists() and (directory / "port").read_text(), "stubAK", "stubSK")
