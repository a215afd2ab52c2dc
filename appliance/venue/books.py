"""The state of the market at the message sent last: what snapshots tell, and the digests of the report."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from appliance.book.software import BookLimits, BookMemoryError, SoftwareBook
from appliance.native import constants, ffi, library
from appliance.venue.day import Day
from appliance.venue.errors import VenueError

_STEP_MESSAGES = 100_000  # a few milliseconds under the lock


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A GLIMPSE snapshot as SoupBinTCP packets, the last of them the end of the snapshot."""

    session: int
    next_sequence: int
    packets: bytearray


class Books:
    """Books that go forward with the day. Threads may use them at once."""

    def __init__(self, day: Day, limits: BookLimits | None = None) -> None:
        """Map the pools."""
        self._c = library()
        self._day = day
        self._lock = threading.Lock()
        self._handle: Any = None
        error = ffi().new("char[]", constants()["API_ERROR_BYTES"])
        handle = self._c.api_venue_books_open(day.handle, (limits or BookLimits()).native(), error)
        if handle == ffi().NULL:
            raise BookMemoryError(ffi().string(error).decode())
        self._handle = handle

    def close(self) -> None:
        """Give the memory back; a second call does nothing."""
        with self._lock:
            if self._handle is not None:
                self._c.api_venue_books_close(self._handle)
                self._handle = None

    def _open(self) -> Any:
        if self._handle is None:
            raise VenueError("the books of the exchange are closed")
        return self._handle

    def advance(self, session: int, sequence: int) -> None:
        """Apply the day up to this message of this session; what is applied already stays."""
        while True:
            with self._lock:
                count = self._c.api_venue_books_advance(self._open(), session, sequence, _STEP_MESSAGES)
            if not count:
                return

    def snapshot(self, session: int, sequence: int) -> Snapshot:
        """Return the state at this message, or a later one if somebody else has asked for that."""
        self.advance(session, sequence)
        with self._lock:
            handle = self._open()
            book = SoftwareBook.borrowed(lambda: self._c.api_venue_books_set(handle))
            if book.counters["untrusted_books"]:
                raise VenueError("the books of the exchange are too small for its day: no snapshot is whole")
            room = bytearray(max(self._c.api_venue_snapshot(handle, ffi().NULL, 0), 1))
            written = self._c.api_venue_snapshot(handle, ffi().from_buffer("uint8_t[]", room), len(room))
            if written < 0:
                raise BookMemoryError("no memory for a snapshot")
            at = int(self._c.api_venue_books_session(handle))
            return Snapshot(at, book.next_sequence, room[:written])

    def digests(self) -> tuple[int, int]:
        """Return the rolling digest of all sessions so far, and that of every order now."""
        with self._lock:
            handle = self._open()
            book = SoftwareBook.borrowed(lambda: self._c.api_venue_books_set(handle))
            return book.digest, book.depth_digest()
