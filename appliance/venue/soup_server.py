"""A SoupBinTCP 3.00 server of one session: a sequenced stream out, unsequenced messages in.

One client is served at a time: who logs in takes the place of the one before, whose connection is closed
first. All messages of the session can be had again from any number on.

What goes wrong on purpose, by a seed: the connection is dropped behind a message, or in the middle of its
packet; messages are held back for a time; a login is answered with an earlier number than it asked for, so
that the client sees messages again that it has (a sequenced stream has no other way to tell things twice).
The first three befall messages as they happen, not those that are told again.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from random import Random

from appliance.venue.order_stream import Stream

_LOGIN = struct.Struct(">6s10s10s20s")
_LOGIN_S = 10.0
_HEARTBEAT_S = 1.0
_SILENCE_S = 15.0
_GOODBYE_S = 2.0
_TICK_S = 0.25
_MOST_AGAIN = 10  # messages that a client sees again, at most


@dataclass(frozen=True, slots=True)
class Faults:
    """Probabilities a message (of ``duplicate``: a login), and a time for all of them."""

    drop: float = 0.0
    half: float = 0.0
    duplicate: float = 0.0
    delay_ms: float = 0.0


@dataclass(slots=True)
class SoupCounters:
    """What became of connections."""

    connections: int = 0
    refused: int = 0  # logins
    logins: int = 0
    dropped: int = 0  # on purpose, behind a message
    halved: int = 0  # on purpose, in a packet
    again: int = 0  # messages told again without being asked for
    broken: int = 0  # senseless or silent

    def as_dict(self) -> dict[str, int]:
        """Return them by name."""
        return asdict(self)


def packet(kind: bytes, payload: bytes = b"") -> bytes:
    """Return one SoupBinTCP packet."""
    return struct.pack(">Hc", 1 + len(payload), kind) + payload


class SoupServer:
    """The session. ``heard`` gets each message of the client, ``left`` is called when it has gone."""

    def __init__(
        self,
        stream: Stream,
        session: str,
        user: str = "",
        password: str = "",
        faults: Faults | None = None,
        seed: int = 1,
        heard: Callable[[bytes], None] = lambda _: None,
        left: Callable[[], None] = lambda: None,
    ) -> None:
        """Serve a stream to a user; an empty one: to anyone."""
        self.counters = SoupCounters()
        self.stream = stream
        self.session = session
        self.faults = faults or Faults()
        self.chance = Random(seed)
        self.heard = heard
        self.left = left
        self.last_s = 0.0  # when somebody was last here
        self._credentials = (user.lower().encode(), password.lower().encode())
        self._client: Connection | None = None
        self._has_left = False  # and it has not been said yet
        self._server: asyncio.Server | None = None
        self._open: set[Connection] = set()
        stream.listeners.append(self._pump)

    async def open(self, host: str, port: int) -> tuple[str, int]:
        """Listen; where."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), host, port)
        address = self._server.sockets[0].getsockname()
        return str(address[0]), int(address[1])

    def close(self) -> None:
        """Listen no more, and leave all clients."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._open):
            connection.leave()

    @property
    def is_busy(self) -> bool:
        """Whether somebody is here."""
        return bool(self._open)

    def _pump(self) -> None:
        if self._client is not None:
            self._client.pump()

    # --- for connections ------------------------------------------------------------------------------------

    def refusal(self, payload: bytes) -> bytes:
        """Return the reason to reject a login, or nothing."""
        user, password, session, sequence = (part.strip() for part in _LOGIN.unpack(payload))
        if self._credentials[0] and (user.lower(), password.lower()) != self._credentials:
            return b"A"
        known = session in (b"", self.session.strip().encode()) and sequence.isdigit()
        return b"" if known and int(sequence) <= len(self.stream.messages) + 1 else b"S"

    def first_for(self, payload: bytes) -> int:
        """Return the number of the first message that a login gets."""
        wanted = int(_LOGIN.unpack(payload)[3])
        first = wanted or len(self.stream.messages) + 1
        if self.faults.duplicate and self.chance.random() < self.faults.duplicate:
            earlier = max(first - self.chance.randint(1, _MOST_AGAIN), 1)
            self.counters.again += first - earlier
            first = earlier
        return first

    def came(self, connection: Connection) -> None:
        """Note a new connection."""
        self.counters.connections += 1
        self._open.add(connection)

    def take(self, connection: Connection) -> None:
        """Serve this one from now on."""
        if self._client is not None:
            self._client.leave()
        self._say_left()
        self.counters.logins += 1
        self._client = connection

    def gone(self, connection: Connection) -> None:
        """Forget a connection; its client, if it was one, has left.

        Whoever is told of that may have more to say. A line breaks while something is being said, so this
        waits until all of that is out, but not longer than to the next login.
        """
        self._open.discard(connection)
        self.last_s = time.monotonic()
        if self._client is connection:
            self._client = None
            self._has_left = True
            asyncio.get_running_loop().call_soon(self._say_left)

    def _say_left(self) -> None:
        if self._has_left:
            self._has_left = False
            self.left()


class Connection(asyncio.Protocol):
    """One connection, from the login to its end."""

    def __init__(self, server: SoupServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._next = 0  # the number of the next message to send; 0 = no login yet
        self._replayed = 0  # up to this number, messages are told again
        self._began_s = self._heard_s = self._said_s = time.monotonic()
        self._ended_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a login."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.came(self)
        self._tick()

    def connection_lost(self, _: Exception | None) -> None:
        """Say so, once."""
        self._forget()

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._server.gone(self)

    def leave(self, *, at_once: bool = False) -> None:
        """Close the connection: behind what is written, or without it."""
        transport, self._transport = self._transport, None
        if transport is None:
            return
        if at_once:
            transport.abort()
        else:
            transport.close()
        self._forget()

    def _break(self) -> None:
        self._server.counters.broken += 1
        self.leave()

    # --- what comes -----------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Take whole packets, however they are cut."""
        self._received += data
        self._heard_s = time.monotonic()
        at = 0
        received = self._received
        while self._transport is not None and at + 2 <= len(received):
            end = at + 2 + (received[at] << 8 | received[at + 1])
            if end == at + 2:
                self._break()
                return
            if end > len(received):
                break
            self._take(bytes(received[at + 2 : at + 3]), bytes(received[at + 3 : end]))
            at = end
        del received[:at]

    def _take(self, kind: bytes, payload: bytes) -> None:
        if not self._next:
            self._log_in(kind, payload)
        elif kind == b"U":
            self._server.heard(payload)
        elif kind == b"O":
            self.leave()
        elif kind not in (b"R", b"+"):
            self._break()

    def _log_in(self, kind: bytes, payload: bytes) -> None:
        server = self._server
        if kind == b"+":
            return
        if kind != b"L" or len(payload) != _LOGIN.size:
            self._break()
            return
        reason = server.refusal(payload)
        if reason:
            server.counters.refused += 1
            self._write(packet(b"J", reason))
            self.leave()
            return
        server.take(self)  # whoever was here has gone by now, and what that has changed has been said
        self._next = server.first_for(payload)
        self._replayed = len(server.stream.messages)
        session = server.session.strip().encode().rjust(10)
        self._write(packet(b"A", session + str(self._next).encode().rjust(20)))
        self._send(self._replayed)

    # --- what goes ------------------------------------------------------------------------------------------

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._said_s = time.monotonic()
            self._transport.write(data)

    def pump(self) -> None:
        """Send what is new."""
        if not self._next:
            return
        last, delay_ms = len(self._server.stream.messages), self._server.faults.delay_ms
        if delay_ms:
            asyncio.get_running_loop().call_later(delay_ms / 1e3, self._send, last)
        else:
            self._send(last)

    def _send(self, last: int) -> None:
        """Send the messages up to this number."""
        messages = self._server.stream.messages
        if self._next <= self._replayed:
            until = min(last, self._replayed)
            self._write(b"".join(packet(b"S", body) for body in messages[self._next - 1 : until]))
            self._next = until + 1
        while self._next <= last and self._transport is not None:
            self._send_live(packet(b"S", messages[self._next - 1]))
            self._next += 1
        if self._server.stream.ended and self._next > len(messages) and not self._ended_s:
            self._ended_s = time.monotonic()
            self._write(packet(b"Z"))

    def _send_live(self, data: bytes) -> None:
        server = self._server
        faults, chance = server.faults, server.chance
        if faults.half and chance.random() < faults.half:
            server.counters.halved += 1
            self._write(data[: len(data) // 2])
            self.leave()
            return
        self._write(data)
        if faults.drop and chance.random() < faults.drop:
            server.counters.dropped += 1
            self.leave()

    def _tick(self) -> None:
        """Look at the clocks."""
        now_s = time.monotonic()
        self._timer = asyncio.get_running_loop().call_later(_TICK_S, self._tick)
        if not self._next:
            if now_s - self._began_s > _LOGIN_S:
                self._break()
        elif now_s - self._heard_s > _SILENCE_S:
            self._break()
        elif self._ended_s and now_s - self._ended_s > _GOODBYE_S:
            self.leave()
        elif now_s - self._said_s >= _HEARTBEAT_S - _TICK_S / 2:
            self._write(packet(b"H"))
