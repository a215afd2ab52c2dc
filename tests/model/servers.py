"""Servers for tests, on loopback: SoupBinTCP as a script plays it, and retransmission over UDP.

Packets are made and read here by hand, from the protocol's tables, and not by the code under test.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from typing import NamedTuple, Self

PATIENCE_S = 30.0
SOUP_SESSION = b"    GLIMPS"


def soup(kind: bytes, payload: bytes = b"") -> bytes:
    """A SoupBinTCP packet."""
    return struct.pack(">H", 1 + len(payload)) + kind + payload


def login_accepted(following: int = 1, session: bytes = SOUP_SESSION) -> bytes:
    """The packet that lets a client in; both of its fields stand on the right."""
    return soup(b"A", session.rjust(10) + str(following).encode().rjust(20))


def login_rejected(reason: bytes) -> bytes:
    """The packet that does not."""
    return soup(b"J", reason)


def sequenced(messages: Iterable[bytes]) -> bytes:
    """Messages, each in a packet of its own."""
    return b"".join(soup(b"S", message) for message in messages)


def end_of_snapshot(following: int) -> bytes:
    """The last message of a GLIMPSE snapshot: where the live feed goes on."""
    return b"G" + str(following).encode().rjust(20)


class Connection:
    """The server's end of a connection."""

    def __init__(self, end: socket.socket, peer: object) -> None:
        end.settimeout(PATIENCE_S)
        self._end = end
        self._arrived = b""
        self.peer = peer

    def say(self, *packets: bytes) -> None:
        """Send all of this."""
        self._end.sendall(b"".join(packets))

    def reset(self) -> None:
        """Hang up rudely: the client's kernel is told at once, and unread bytes are lost."""
        self._end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._end.close()

    def hear(self) -> tuple[bytes, bytes] | None:
        """Return type and payload of the client's next packet; None when it has hung up."""
        head = self._read(2)
        if head is None:
            return None
        body = self._read(struct.unpack(">H", head)[0])
        return None if body is None else (body[:1], body[1:])

    def hear_login(self) -> bytes:
        """Return the payload of the login request, which must come first."""
        heard = self.hear()
        assert heard is not None
        kind, payload = heard
        assert kind == b"L"
        assert len(payload) == 6 + 10 + 10 + 20
        return payload

    def hear_until_the_end(self) -> list[bytes]:
        """Return the types of all packets until the client hangs up."""
        heard = []
        with contextlib.suppress(ConnectionError):
            while (packet := self.hear()) is not None:
                heard.append(packet[0])
        return heard

    def _read(self, count: int) -> bytes | None:
        while len(self._arrived) < count:
            more = self._end.recv(65536)
            if not more:
                return None
            self._arrived += more
        taken, self._arrived = self._arrived[:count], self._arrived[count:]
        return taken

    def close(self) -> None:
        """Hang up."""
        self._end.close()


Script = Callable[[Connection], None]


class SoupServer:
    """Plays a script to every client, one after the other, and keeps what went wrong in it."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._closing = False
        self.port: int = self._listener.getsockname()[1]
        self.served = 0
        self.wrong: list[BaseException] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._closing:
            end, peer = self._listener.accept()
            if self._closing:
                end.close()
                return
            connection = Connection(end, peer)
            try:
                self._script(connection)
                self.served += 1
            except BaseException as wrong:  # whatever it is, the test is to show it
                self.wrong.append(wrong)
            finally:
                connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        with contextlib.suppress(OSError):  # the thread may have left already
            socket.create_connection(("127.0.0.1", self.port), PATIENCE_S).close()
        self._thread.join()
        self._listener.close()
        assert self.wrong == []


class Request(NamedTuple):
    """What a client of the retransmission server asked for, and where its reply goes."""

    session: bytes
    first: int
    messages: int
    client: tuple[str, int]


class RequestServer:
    """A UDP socket that keeps the requests; its replies are what the test sends."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(PATIENCE_S)
        self.port: int = self._socket.getsockname()[1]

    def hear(self) -> Request:
        """Wait for a request."""
        packet, client = self._socket.recvfrom(65536)
        assert len(packet) == 20
        session, first, messages = struct.unpack(">10sQH", packet)
        return Request(session, first, messages, client)

    def say(self, client: tuple[str, int], *payloads: bytes) -> None:
        """Send datagrams from the port that was asked."""
        for payload in payloads:
            self._socket.sendto(payload, client)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
