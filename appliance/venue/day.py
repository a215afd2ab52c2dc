"""The day that an exchange sends: framed messages in a file in memory, shared with the sender."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from appliance.errors import printable
from appliance.native import constants, ffi, library
from appliance.synth import Market, SyntheticMarket
from appliance.venue.errors import VenueError

_SLACK = 64  # readable bytes behind the last message
_FRAMES_AT_ONCE = 64
_ITCH_KIND = "PORT_ITCH"

Told = Callable[[int], None]


def _market_pieces(market: Market) -> Iterator[memoryview]:
    with SyntheticMarket(market) as running:
        yield from running.chunks()


def _file_pieces(path: Path) -> Iterator[memoryview]:
    api, error = library(), ffi().new("char[]", constants()["API_ERROR_BYTES"])
    port = api.api_port_open(os.fsencode(path), 0, error)
    if port == ffi().NULL:
        raise VenueError(printable(ffi().string(error)))
    itch = ffi().typeof("enum port_kind").relements[_ITCH_KIND]
    try:
        frames = ffi().new("struct port_frame[]", _FRAMES_AT_ONCE)
        while (count := api.api_port_rx(port, frames, _FRAMES_AT_ONCE, error)) >= 0:
            for frame in frames[0:count]:
                if frame.kind != itch:
                    raise VenueError(
                        f"{printable(path)}: a capture of packets: a day is framed messages (appliance synth)"
                    )
                yield memoryview(ffi().buffer(frame.data, frame.length))
        if count == -2:
            raise VenueError(printable(ffi().string(error)))
    finally:
        api.api_port_close(port)


class Day:
    """All messages of one day, found by their number. ``file`` is what the sender inherits."""

    def __init__(
        self, pieces: Iterator[memoryview], messages: int | None = None, told: Told | None = None
    ) -> None:
        """Take all pieces in; with ``messages``, keep no more than so many."""
        self._c = library()
        self._handle: Any = None
        self._owner: Callable[[], Any] | None = None
        self._memory: mmap.mmap | None = None
        self.file = os.memfd_create("venue-day", os.MFD_CLOEXEC)
        try:
            self.bytes = self._write(pieces, told)
            os.ftruncate(self.file, self.bytes + _SLACK)
            self._memory = mmap.mmap(self.file, self.bytes + _SLACK, prot=mmap.PROT_READ)
            error = ffi().new("char[]", constants()["API_ERROR_BYTES"])
            self._framed = ffi().from_buffer("uint8_t[]", self._memory)
            self._handle = self._c.api_venue_day_open(self._framed, self.bytes, error)
            if self._handle == ffi().NULL:
                self._handle = None
                raise VenueError(f"this day cannot be sent: {ffi().string(error).decode()}")
            self._cut(messages, error)
        except BaseException:
            self.close()
            raise

    @classmethod
    def of_market(cls, market: Market, messages: int | None = None, told: Told | None = None) -> Self:
        """Make a synthetic day."""
        return cls(_market_pieces(market), messages, told)

    @classmethod
    def of_file(cls, path: Path, messages: int | None = None, told: Told | None = None) -> Self:
        """Read framed messages."""
        return cls(_file_pieces(path), messages, told)

    @classmethod
    def borrowed(cls, file: int, owner: Callable[[], Any]) -> Self:
        """Wrap a day that somebody else makes and closes; ``owner`` gives its handle, as long as it lives."""
        day = cls.__new__(cls)
        day._c = library()
        day._handle = day._memory = None
        day._owner = owner
        day.file, day.bytes = file, 0
        return day

    def _write(self, pieces: Iterator[memoryview], told: Told | None) -> int:
        written = 0
        for piece in pieces:
            rest = piece
            while rest:
                try:
                    count = os.write(self.file, rest)
                except OSError as error:
                    raise VenueError(f"no memory for a day of {written:,} bytes: {error.strerror}") from None
                written += count
                rest = rest[count:]
            if told:
                told(written)
        if not written:
            raise VenueError("this day has no messages: there is nothing to send")
        return written

    def _cut(self, messages: int | None, error: Any) -> None:
        if messages is None or messages >= self.messages:
            return
        self.bytes = int(self._c.api_venue_day_bytes(self._handle, messages))
        self._c.api_venue_day_close(self._handle)
        self._handle = self._c.api_venue_day_open(self._framed, self.bytes, error)

    def __enter__(self) -> Self:
        """Close at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close at the end of the block."""
        self.close()

    def close(self) -> None:
        """Give the memory back; nothing may look at the day by then."""
        if self._handle is not None:
            self._c.api_venue_day_close(self._handle)
            self._handle = None
        if self._memory is not None:
            ffi().release(self._framed)
            self._memory.close()
            self._memory = None
        if self.file >= 0 and not self._owner:
            os.close(self.file)
            self.file = -1

    @property
    def handle(self) -> Any:
        """The day as C takes it."""
        if self._owner:
            return self._owner()
        if self._handle is None:
            raise VenueError("this day is closed: make it again")
        return self._handle

    @property
    def framed(self) -> Any:
        """All of its bytes, as C takes them."""
        if self._memory is None:
            raise VenueError("this day is closed: make it again")
        return self._framed

    @property
    def file_bytes(self) -> int:
        """The size of the file that is shared."""
        return os.fstat(self.file).st_size

    @property
    def messages(self) -> int:
        """How many messages the day has."""
        return int(self._c.api_venue_day_messages(self.handle))

    def packet(self, session: bytes, first: int, count: int, last: int, room: bytearray) -> int:
        """Write the MoldUDP64 packet that answers a request into ``room``; its bytes, 0 = nothing to say."""
        return int(
            self._c.api_venue_reply(
                self.handle, session, first, count, last, ffi().from_buffer("uint8_t[]", room), len(room)
            )
        )


def session_names(first: str, days: int) -> list[bytes]:
    """Return the ten bytes of every session's name: the digits at the end of the first count up."""
    padded = first.ljust(10).encode()
    name = ffi().new("char[10]")
    names = []
    for before in range(days):
        if library().api_venue_session(padded, before, name) < 0:
            raise VenueError(
                f"session {first!r}: the digits at its end do not count to {days}: choose more of them"
            )
        names.append(bytes(ffi().buffer(name)))
    return names
