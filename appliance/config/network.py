"""The interfaces of this machine, and their addresses."""

from __future__ import annotations

import errno
import fcntl
import socket
import struct
from ipaddress import IPv4Address

_SIOCGIFADDR = 0x8915
_NAME_BYTES = 15


def interface_names() -> list[str]:
    """Return the names of all interfaces."""
    return [name for _, name in socket.if_nameindex()]


def interface_address(name: str) -> IPv4Address | None:
    """Return the first IPv4 address of an interface; None if it has none, or is not there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            request = struct.pack("40s", name.encode()[:_NAME_BYTES])
            answer = fcntl.ioctl(any_socket, _SIOCGIFADDR, request)
        except OSError:
            return None
    return IPv4Address(answer[20:24])


def is_own_address(address: str) -> bool:
    """Whether this machine has the address, on whichever interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            any_socket.bind((address, 0))
        except OSError as error:
            return error.errno != errno.EADDRNOTAVAIL
    return True
