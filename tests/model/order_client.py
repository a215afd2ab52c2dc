"""OUCH 5.0 and SoupBinTCP as a client sees them: formats typed from the protocol page, and nothing shared."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass, field
from typing import Any, Self

PATIENCE_S = 20.0
_ENTER = struct.Struct(">cIcI8sQccccc14s")
_REPLACE = struct.Struct(">cIIIQccc14s")

# Fields behind the type byte, and those of an appendage that must be there.
_OUTBOUND = {
    "S": (">Qc", "ns event"),
    "A": (">QIcI8sQccQcccc14s", "ns ref side qty symbol px tif display order capacity iso cross state token"),
    "U": (
        ">QIIcI8sQccQcccc14s",
        "ns old ref side qty symbol px tif display order capacity iso cross state token",
    ),
    "C": (">QIIc", "ns ref qty reason"),
    "E": (">QIIQcQ", "ns ref qty px liquidity match"),
    "J": (">QIH14s", "ns ref reason token"),
    "M": (">QIcI", "ns ref side qty"),
    "X": (">QI4s8s", "ns ref firm symbol"),
    "G": (">QI4s", "ns ref firm"),
    "K": (">QI4s", "ns ref firm"),
    "Q": (">QI", "ns next"),
}


def options(*tags: tuple[int, bytes]) -> bytes:
    """Build an appendage with its length."""
    elements = b"".join(bytes((1 + len(value), tag)) + value for tag, value in tags)
    return struct.pack(">H", len(elements)) + elements


def enter(ref: int, side: str, qty: int, px: int, symbol: str = "ACME", **other: Any) -> bytes:
    """Build an Enter Order."""
    letters = [
        other.get(name, default).encode()
        for name, default in (("tif", "5"), ("display", "Y"), ("capacity", "P"), ("iso", "N"), ("cross", "N"))
    ]
    fixed = _ENTER.pack(
        b"O", ref, side.encode(), qty, symbol.ljust(8).encode(), px, *letters, f"T{ref}".ljust(14).encode()
    )
    return fixed + options(*other.get("tags", ()))


def replace(old: int, ref: int, qty: int, px: int, tif: str = "5", tags: tuple[Any, ...] = ()) -> bytes:
    """Build a Replace Order."""
    token = f"T{ref}".ljust(14).encode()
    return _REPLACE.pack(b"U", old, ref, qty, px, tif.encode(), b"Y", b"N", token) + options(*tags)


def cancel(ref: int, size: int = 0) -> bytes:
    """Build a Cancel Order."""
    return struct.pack(">cII", b"X", ref, size)


def modify(ref: int, side: str, size: int) -> bytes:
    """Build a Modify Order."""
    return struct.pack(">cIcI", b"M", ref, side.encode(), size)


def mass_cancel(ref: int, symbol: str = "") -> bytes:
    """Build a Mass Cancel."""
    return struct.pack(">cI4s8s", b"C", ref, b"    ", symbol.ljust(8).encode()) + options()


def disable(ref: int) -> bytes:
    """Build a Disable Order Entry."""
    return struct.pack(">cI4s", b"D", ref, b"FIRM") + options()


def enable(ref: int) -> bytes:
    """Build an Enable Order Entry."""
    return struct.pack(">cI4s", b"E", ref, b"FIRM") + options()


@dataclass(frozen=True)
class Said:
    """One message of the venue."""

    kind: str
    values: dict[str, Any]
    body: bytes = field(repr=False)

    def __getattr__(self, name: str) -> Any:
        """Return a field."""
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def short(self) -> tuple[Any, ...]:
        """The kind, the order, and what matters most of the rest."""
        names = {"A": "qty", "U": "qty", "C": "qty reason", "E": "qty px", "J": "reason", "M": "side qty"}
        wanted = names.get(self.kind, "").split()
        return (self.kind, *([self.ref] if "ref" in self.values else []), *(self.values[n] for n in wanted))


def parse(body: bytes) -> Said:
    """Read one message."""
    form, names = _OUTBOUND[chr(body[0])]
    values = struct.unpack_from(form, body, 1)
    read = {
        name: value.decode().rstrip() if isinstance(value, bytes) else value
        for name, value in zip(names.split(), values, strict=True)
    }
    return Said(chr(body[0]), read, body)


def packet(kind: bytes, payload: bytes = b"") -> bytes:
    """Build a SoupBinTCP packet."""
    return struct.pack(">Hc", len(payload) + 1, kind) + payload


def login(sequence: int = 1, user: str = "", password: str = "", session: str = "") -> bytes:
    """Build a login."""
    return packet(
        b"L",
        user.ljust(6).encode() + password.ljust(10).encode() + session.rjust(10).encode()
        + str(sequence).rjust(20).encode(),
    )  # fmt: skip


class Client:
    """A client on asyncio streams."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.first = 0  # the number of the first message, as the venue has said
        self.session = ""
        self.heard: list[bytes] = []

    @classmethod
    async def connect(cls, at: tuple[Any, int], sequence: int = 1, **who: str) -> Self:
        """Log in."""
        client = cls(*await asyncio.open_connection(str(at[0]), at[1]))
        client.writer.write(login(sequence, **who))
        kind, payload = await client.read()
        assert kind == b"A", (kind, payload)
        client.session, client.first = payload[:10].decode().strip(), int(payload[10:])
        return client

    async def read(self) -> tuple[bytes, bytes]:
        """Return the next packet; nothing at the end of the connection."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                head = await self.reader.readexactly(3)
                return head[2:], await self.reader.readexactly(int.from_bytes(head[:2], "big") - 1)
            except (asyncio.IncompleteReadError, ConnectionError):
                return b"", b""

    def send(self, *bodies: bytes) -> None:
        """Send messages."""
        self.writer.write(b"".join(packet(b"U", body) for body in bodies))

    async def next(self) -> Said:
        """Return the next sequenced message."""
        while True:
            kind, payload = await self.read()
            if kind == b"S":
                self.heard.append(payload)
                return parse(payload)
            assert kind == b"H", (kind, payload)

    async def take(self, count: int) -> list[tuple[Any, ...]]:
        """Return so many messages, in short."""
        return [(await self.next()).short for _ in range(count)]

    async def ask(self, body: bytes, count: int = 1) -> list[tuple[Any, ...]]:
        """Send a message and return so many replies, in short."""
        self.send(body)
        return await self.take(count)

    async def until_closed(self) -> bytes:
        """Return the kinds of all packets until the connection ends."""
        kinds = b""
        while True:
            kind, payload = await self.read()
            if not kind:
                return kinds
            if kind == b"S":
                self.heard.append(payload)
            kinds += kind

    async def close(self) -> None:
        """Go away."""
        self.writer.close()


class Wire:
    """A client on a plain socket, for a venue in another process."""

    def __init__(self, at: tuple[str, int], sequence: int = 1) -> None:
        self.socket = socket.create_connection(at, timeout=PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(login(sequence))
        self._received = b""
        kind, payload = self.read()
        assert kind == b"A", (kind, payload)
        self.first = int(payload[10:])
        self.heard: list[bytes] = []

    def read(self) -> tuple[bytes, bytes]:
        """Return the next packet; nothing at the end of the connection."""
        while True:
            data = self._received
            end = 2 + int.from_bytes(data[:2], "big")
            if len(data) > 2 and len(data) >= end:
                self._received = data[end:]
                return data[2:3], data[3:end]
            try:
                more = self.socket.recv(1 << 16)
            except ConnectionError:
                more = b""
            if not more:
                return b"", b""
            self._received += more

    def send(self, *bodies: bytes) -> None:
        """Send messages."""
        self.socket.sendall(b"".join(packet(b"U", body) for body in bodies))

    def next(self) -> Said | None:
        """Return the next sequenced message; nothing behind the last."""
        while True:
            kind, payload = self.read()
            if kind == b"S":
                self.heard.append(payload)
                return parse(payload)
            if kind in (b"", b"Z"):
                return None

    def until(self, kind: str) -> Said:
        """Return the next message of a kind."""
        while (said := self.next()) is not None:
            if said.kind == kind:
                return said
        raise AssertionError(f"the session has ended without a message of type {kind}")

    def close(self) -> None:
        """Go away."""
        self.socket.close()
