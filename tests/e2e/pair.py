"""A wire of its own for a port of DPDK: a veth pair in the namespace of the test, one end for each side."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from e2e.wire import ip

from appliance.netlab import sender_computes_checksums

EXCHANGE, APPLIANCE = "e2efeed0", "e2efeed1"
ADDRESS = "10.66.0.2"


@contextmanager
def pair(mtu: int = 1500) -> Iterator[None]:
    """Have the pair: what leaves its end ``EXCHANGE``, which has ``ADDRESS``, arrives at ``APPLIANCE``."""
    one_queue = ("mtu", str(mtu), "numtxqueues", "1", "numrxqueues", "1")
    ip("link", "add", EXCHANGE, *one_queue, "type", "veth", "peer", "name", APPLIANCE, *one_queue)
    try:
        for name in (EXCHANGE, APPLIANCE):
            quiet = Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6")
            if quiet.exists():
                quiet.write_text("1")
            sender_computes_checksums(name)
            ip("link", "set", name, "up")
        ip("address", "add", f"{ADDRESS}/24", "dev", EXCHANGE)
        yield
    finally:
        ip("link", "delete", EXCHANGE)


class Frames:
    """Puts whole frames on the exchange's end."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self._socket.bind((EXCHANGE, 0))

    def send(self, frame: bytes) -> None:
        """Send one."""
        self._socket.send(frame)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
