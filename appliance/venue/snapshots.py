"""The snapshot server: GLIMPSE 5.0 over SoupBinTCP 3.00, the state of all books at the message sent last."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass

from appliance.venue.books import Books, Snapshot
from appliance.venue.errors import VenueError
from appliance.venue.sender import Position
from appliance.venue.settings import SnapshotServer
from appliance.venue.soup_server import packet

_LOGIN = struct.Struct(">6s10s10s20s")
_LOGIN_S = 10.0
_HEARTBEAT_S = 1.0
_SILENCE_S = 15.0
_GOODBYE_S = 5.0
_CHUNK_BYTES = 1 << 18
_GARBAGE = b"\x00\x05\x07no idea what this is"


@dataclass(slots=True)
class SnapshotCounters:
    """What became of connections."""

    connections: int = 0
    refused: int = 0  # logins
    broken: int = 0  # no login, or the client went away
    served: int = 0  # to the end
    cut: int = 0  # on purpose
    messages: int = 0
    bytes: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return them by name."""
        return asdict(self)


def _end_of(packets: bytearray, messages: int) -> int:
    """Return where the first so many packets end."""
    at = 0
    while messages and at < len(packets):
        at += 2 + int.from_bytes(packets[at : at + 2], "big")
        messages -= 1
    return at


def _count(packets: memoryview) -> int:
    count = at = 0
    while at < len(packets):
        at += 2 + (packets[at] << 8 | packets[at + 1])
        count += 1
    return count


class _Client:
    """One connection: who it is, and when either side was heard last."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.heard_s = self.said_s = time.monotonic()
        self.left = asyncio.Event()
        self._writing = asyncio.Lock()  # what is written in pieces must not have a heartbeat in its middle

    async def read_packet(self) -> tuple[bytes, bytes]:
        head = await self.reader.readexactly(3)
        length = int.from_bytes(head[:2], "big")
        if not length:
            raise ConnectionError("a packet without a type")
        self.heard_s = time.monotonic()
        return head[2:], await self.reader.readexactly(length - 1)

    async def write(self, data: bytes | memoryview) -> None:
        async with self._writing:
            for at in range(0, len(data), _CHUNK_BYTES):
                if self.left.is_set():
                    raise ConnectionError("the client has logged out")
                self.writer.write(data[at : at + _CHUNK_BYTES])
                await self.writer.drain()
                self.said_s = time.monotonic()

    async def listen(self) -> None:
        """Read until the client logs out, goes, or is silent for too long."""
        with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            kind = b""
            while kind != b"O":
                kind, _ = await asyncio.wait_for(self.read_packet(), _SILENCE_S)
        self.left.set()

    async def beat(self) -> None:
        """Send a heartbeat whenever nothing was said for a second."""
        with suppress(OSError):
            while not self.left.is_set():
                quiet_s = time.monotonic() - self.said_s
                if quiet_s >= _HEARTBEAT_S:
                    await self.write(packet(b"H"))
                else:
                    await asyncio.sleep(_HEARTBEAT_S - quiet_s)


class Snapshots:
    """Serves any number of clients at once."""

    def __init__(
        self, settings: SnapshotServer, books: Books, sessions: list[bytes], sent: Callable[[], Position]
    ) -> None:
        """Take what is served, to whom and how."""
        self.counters = SnapshotCounters()
        self.last_s = 0.0  # when somebody was last here
        self.open = 0
        self.trouble = ""  # why a snapshot could not be made
        self._settings = settings
        self._books = books
        self._sessions = sessions
        self._sent = sent

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection from login to the end of the session."""
        self.counters.connections += 1
        self.open += 1
        client = _Client(reader, writer)
        try:
            await self._serve(client)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            self.counters.broken += 1
        except VenueError as error:
            self.counters.broken += 1
            self.trouble = str(error)
        finally:
            self.open -= 1
            self.last_s = time.monotonic()
            writer.close()

    async def _serve(self, client: _Client) -> None:
        kind, payload = await asyncio.wait_for(client.read_packet(), _LOGIN_S)
        reason = self._refusal(kind, payload)
        if reason:
            self.counters.refused += 1
            await client.write(packet(b"J", reason))
            return
        tasks = [asyncio.create_task(client.listen())]
        try:
            if await self._send_snapshot(client, tasks):
                with suppress(TimeoutError):  # a client that stays, though it was told to go, is left
                    await asyncio.wait_for(client.left.wait(), _GOODBYE_S)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _refusal(self, kind: bytes, payload: bytes) -> bytes:
        """Return the reason to reject a login, or nothing."""
        if kind != b"L" or len(payload) != _LOGIN.size:
            raise ConnectionError("no login")
        user, password, session, sequence = (part.strip() for part in _LOGIN.unpack(payload))
        wanted = self._settings
        if wanted.fault == "refuse":
            return b"A"
        if wanted.user and (user.lower(), password.lower()) != (
            wanted.user.strip().lower().encode(),
            wanted.password.strip().lower().encode(),
        ):
            return b"A"
        current = self._sessions[self._sent().session].strip()
        return b"" if session in (b"", current) and sequence == b"1" else b"S"

    async def _send_snapshot(self, client: _Client, tasks: list[asyncio.Task[None]]) -> bool:
        settings = self._settings
        session = self._sessions[self._sent().session].strip()
        if settings.fault == "wrong-session":
            session = b"WRONG"
        await client.write(packet(b"A", session.rjust(10) + b"1".rjust(20)))
        tasks.append(asyncio.create_task(client.beat()))
        if settings.delay_ms:
            with suppress(TimeoutError):
                await asyncio.wait_for(client.left.wait(), settings.delay_ms / 1e3)
        if settings.fault == "garbage":
            await client.write(_GARBAGE)
            self.counters.cut += 1
            return False
        packets = await self._packets()
        whole = settings.cut_after is None
        if settings.cut_after is not None:
            del packets[_end_of(packets, settings.cut_after) :]
        await client.write(memoryview(packets))
        self.counters.bytes += len(packets)
        self.counters.messages += await asyncio.to_thread(_count, memoryview(packets))
        if not whole:
            self.counters.cut += 1
            return False
        self.counters.served += 1
        with suppress(OSError):  # who has read the end of the snapshot may be gone
            await client.write(packet(b"Z"))
            client.writer.write_eof()
        return True

    async def _packets(self) -> bytearray:
        snapshot: Snapshot | None = None
        for _ in range(3):  # a session may have begun while the login was answered
            sent = self._sent()
            snapshot = await asyncio.to_thread(self._books.snapshot, sent.session, sent.sequence)
            if snapshot.session == sent.session:
                break
        assert snapshot is not None
        if self._settings.fault == "wrong-sequence":
            snapshot.packets[-20:] = b"not a number".rjust(20)
        return snapshot.packets
