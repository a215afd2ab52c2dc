"""Where the tests of this folder send their packets: a network namespace of their own, or plain loopback.

Only root can make a namespace. This thread enters one that has no name and is gone with the last process in
it, so that nothing has to be cleaned up, whatever happens. Everybody else gets loopback, and groups that no
other test process uses.
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

HERE = "127.0.0.1"
PATIENCE_S = 120.0
PORTS = (26_400, 26_401)
_CLONE_NEWNET = 0x40000000
_NUMBERS = count(os.getpid() % 10_000 * 6)
_LIBC = ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def can_have_namespace() -> bool:
    """Whether this process may make a network namespace; it is tried in a child."""
    if os.geteuid() != 0:
        return False
    child = os.fork()
    if child == 0:
        os._exit(0 if _LIBC.unshare(_CLONE_NEWNET) == 0 else 1)
    return os.waitpid(child, 0)[1] == 0


def ip(*words: str) -> None:
    """Run ``ip`` where this thread is."""
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def namespace() -> Iterator[None]:
    """Be in a fresh network namespace with loopback; what this thread starts is in there too."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _check(_LIBC.unshare(_CLONE_NEWNET))
        try:
            ip("link", "set", "lo", "up")
            yield
        finally:
            _check(_LIBC.setns(before, _CLONE_NEWNET))
    finally:
        os.close(before)


def groups() -> tuple[str, str]:
    """Return the groups of two lines, which nobody else on this host has at the moment."""
    numbers = [next(_NUMBERS) % 62_500 for _ in PORTS]
    first, second = (f"239.195.{number // 250}.{number % 250 + 1}" for number in numbers)
    return first, second


def listen(group: str, port: int) -> socket.socket:
    """Return a socket that hears this group beside whoever else does."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((group, port))
    membership = socket.inet_aton(group) + socket.inet_aton(HERE)
    listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    listener.settimeout(PATIENCE_S)
    return listener
