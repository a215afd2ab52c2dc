"""Servers that stand before those of the exchange, and do to each request what a test says."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Self

from e2e.wire import HERE

_LOOK_S = 0.05
_LONGEST = 65_536

# What becomes of the reply to the request of this number, from 0 on: what is sent instead.
Mood = Callable[[int, bytes], list[bytes]]

Address = tuple[str, int]


class Requests:
    """Retransmission: asks the exchange, and sends on what the mood makes of its reply."""

    def __init__(self, server: Address, mood: Mood) -> None:
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.bind((HERE, 0))
        self._back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._back.connect(server)
        self._mood = mood
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self.port = int(self._front.getsockname()[1])
        self.replies = 0

    def _serve(self) -> None:
        client: Address = (HERE, 0)
        while not self._stop.is_set():
            ready, _, _ = select.select([self._front, self._back], [], [], _LOOK_S)
            with contextlib.suppress(ConnectionError):  # the exchange may have ended
                if self._front in ready:
                    request, client = self._front.recvfrom(_LONGEST)
                    self._back.send(request)
                if self._back in ready:
                    for payload in self._mood(self.replies, self._back.recv(_LONGEST)):
                        self._front.sendto(payload, client)
                    self.replies += 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._front.close()
        self._back.close()


# How many bytes of the snapshot a connection carries before it is cut: 0 = it is cut at once, None = never.
Cuts = Callable[[int], int | None]


class Snapshots:
    """GLIMPSE: connects each client to the exchange, and cuts the connections that it is told to cut."""

    def __init__(self, server: Address, cuts: Cuts) -> None:
        self._server = server
        self._cuts = cuts
        self._listener = socket.create_server((HERE, 0))
        self._listener.settimeout(_LOOK_S)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self.port = int(self._listener.getsockname()[1])
        self.connections = 0

    def _serve(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                client, _ = self._listener.accept()
                with client, contextlib.suppress(ConnectionError):
                    self.connections += 1
                    self._relay(client, self._cuts(self.connections - 1))

    def _relay(self, client: socket.socket, limit: int | None) -> None:
        if limit == 0:
            return
        with socket.create_connection(self._server) as server:
            carried = 0
            while not self._stop.is_set():
                ready, _, _ = select.select([client, server], [], [], _LOOK_S)
                for end, other in ((client, server), (server, client)):
                    if end not in ready:
                        continue
                    data = end.recv(_LONGEST)
                    if not data:
                        return
                    if end is server and limit is not None:
                        data = data[: limit - carried]
                        carried += len(data)
                    other.sendall(data)
                    if limit is not None and carried >= limit:
                        return

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._listener.close()


def dead_port() -> int:
    """Return a port of loopback at which nobody listens."""
    with socket.create_server((HERE, 0)) as listener:
        return int(listener.getsockname()[1])


def slow(seconds: float) -> Callable[[int, bytes], list[bytes]]:
    """A mood: every reply takes so long, and those behind it wait."""

    def wait(_: int, reply: bytes) -> list[bytes]:
        time.sleep(seconds)
        return [reply]

    return wait
