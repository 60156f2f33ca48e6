"""Helpers for tests that start a server in another process."""

import socket
import time
import urllib.request


def free_ports(count):
    """Distinct free loopback ports."""
    sockets = [socket.socket() for _ in range(count)]
    for held in sockets:
        held.bind(("127.0.0.1", 0))
    ports = [held.getsockname()[1] for held in sockets]
    for held in sockets:
        held.close()
    return ports


def wait_until_answers(url, process, limit_s):
    """Wait until `url` answers. Fails if `process` ends, or after `limit_s` seconds."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"no answer from {url}")
