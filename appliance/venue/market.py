"""The matching engine: clients' orders in a day that is made while it is sent."""

from __future__ import annotations

import mmap
import os
from dataclasses import asdict, dataclass
from typing import Any, Self

from appliance.book.software import BookLimits, SoftwareBook
from appliance.native import constants, ffi, library
from appliance.venue.day import Day
from appliance.venue.errors import VenueError

_SLACK = 64  # readable bytes behind the last message
_CLIENT_BYTES = 1 << 30  # of messages that clients cause; taken only when they do
_EVENTS_AT_ONCE = 1024

BID, ASK = 0, 1


@dataclass(frozen=True, slots=True)
class Entry:
    """An order as it is entered; see ``market_entry``."""

    tag: int
    locate: int
    side: int
    qty: int
    px: int
    ioc: bool = False
    post_only: bool = False
    day: bool = False
    min_qty: int = 0
    expire_ns: int = 0
    reference: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """What has befallen an order; see ``market_event``."""

    kind: str  # accepted, replaced, executed, cancelled, reduced, ended
    tag: int = 0
    qty: int = 0
    leaves: int = 0
    px: int = 0
    reference: int = 0
    replaced_tag: int = 0
    match: int = 0
    venue_ns: int = 0
    reason: str = ""
    liquidity: str = ""


class Market:
    """The engine, and the live day that it makes. ``file`` is what the sender inherits."""

    def __init__(
        self,
        script: Day,
        orders: int = 1 << 16,
        fat_finger: float = 0.0,
        least_reference: int = 0,
        least_match: int = 0,
    ) -> None:
        """Open the engine on a day that stays open; nothing is done of it yet."""
        self._c = library()
        self._handle: Any = None
        self._memory: mmap.mmap | None = None
        self.file = os.memfd_create("venue-live-day", os.MFD_CLOEXEC)
        try:
            room = 2 * script.bytes + _CLIENT_BYTES
            os.ftruncate(self.file, room + _SLACK)
            self._memory = mmap.mmap(self.file, room + _SLACK)
            self._live = ffi().from_buffer("uint8_t[]", self._memory)
            config = ffi().new(
                "struct market_config *",
                {
                    "books": asdict(BookLimits()),
                    "orders": orders,
                    "fat_finger_ppm": round(fat_finger * 1e6),
                    "least_reference": least_reference,
                    "least_match": least_match,
                },
            )
            error = ffi().new("char[]", constants()["API_ERROR_BYTES"])
            handle = self._c.api_venue_market_open(
                config, script.framed, script.bytes, self._live, room, error
            )
            if handle == ffi().NULL:
                raise VenueError(ffi().string(error).decode())
            self._handle = handle
        except BaseException:
            self.close()
            raise
        self._script = script
        self._events = ffi().new("struct market_event[]", _EVENTS_AT_ONCE)
        self._entry = ffi().new("struct market_entry *")
        kinds = ffi().typeof("enum market_event_kind").elements
        self._kinds = {number: name.removeprefix("MARKET_").lower() for number, name in kinds.items()}
        self._flags = ffi().typeof("enum market_flag").relements
        self.symbols = self._read_symbols()
        self.day = Day.borrowed(self.file, lambda: self._c.api_venue_market_day(self._open))

    def _read_symbols(self) -> dict[str, int]:
        names = bytes(ffi().buffer(self._c.api_venue_market_symbols(self._open), 65_536 * 8))
        return {
            names[at : at + 8].decode("latin-1").rstrip(): at // 8
            for at in range(8, len(names), 8)
            if names[at]
        }

    @property
    def _open(self) -> Any:
        if self._handle is None:
            raise VenueError("this market is closed: make it again")
        return self._handle

    def __enter__(self) -> Self:
        """Close at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close at the end of the block."""
        self.close()

    def close(self) -> None:
        """Stop the thread and give the memory back; nothing may look at the live day by then."""
        if self._handle is not None:
            self._c.api_venue_market_close(self._handle)
            self._handle = None
        if self._memory is not None:
            ffi().release(self._live)
            self._memory.close()
            self._memory = None
        if self.file >= 0:
            os.close(self.file)
            self.file = -1

    def start(self, segment: Any, plan: Any, bell: int) -> None:
        """Let a thread do the script at the plan's pace, for the sender of this segment."""
        error = ffi().new("char[]", constants()["API_ERROR_BYTES"])
        if self._c.api_venue_market_start(self._open, segment, plan, bell, error) < 0:
            raise VenueError(ffi().string(error).decode())

    def stop(self) -> None:
        """End the thread; nobody sends any more what orders still change."""
        self._c.api_venue_market_stop(self._open)

    def step(self, count: int = 1) -> int:
        """Do so many messages of the script now; how many there were."""
        return int(self._c.api_venue_match_step(self._open, count))

    def end(self) -> None:
        """Close the market: all orders are cancelled, and nothing more comes of the script."""
        self._c.api_venue_match_end(self._open)

    def _native(self, entry: Entry) -> Any:
        native, flags = self._entry, self._flags
        native.tag, native.reference, native.expire_ns = entry.tag, entry.reference, entry.expire_ns
        native.px, native.qty, native.min_qty = entry.px, entry.qty, entry.min_qty
        native.locate, native.side = entry.locate, entry.side
        native.flags = (
            entry.ioc * flags["MARKET_IOC"]
            | entry.post_only * flags["MARKET_POST_ONLY"]
            | entry.day * flags["MARKET_DAY"]
        )
        return native

    def enter(self, entry: Entry) -> int:
        """Enter an order; 0, or the OUCH number of the reason why not."""
        return int(self._c.api_venue_match_enter(self._open, self._native(entry)))

    def replace(self, reference: int, entry: Entry) -> int:
        """Put an order in the place of one at rest; 0, or why not. Symbol and side are the original's."""
        return int(self._c.api_venue_match_replace(self._open, reference, self._native(entry)))

    def cancel(self, reference: int, keep: int = 0, reason: str = "U") -> bool:
        """Take an order down to ``keep`` shares; without a reason it is told as ``reduced``."""
        return bool(self._c.api_venue_match_cancel(self._open, reference, keep, ord(reason) if reason else 0))

    def hold(self, entry: Entry) -> bool:
        """Enter an order that an earlier run has accepted, as soon as its symbol trades."""
        return bool(self._c.api_venue_match_hold(self._open, self._native(entry)))

    def events(self) -> list[Event]:
        """Return what has befallen orders since the last call."""
        found: list[Event] = []
        while True:
            count = self._c.api_venue_match_events(self._open, self._events, _EVENTS_AT_ONCE)
            found += [self._event(raw) for raw in self._events[0:count]]
            if count < _EVENTS_AT_ONCE:
                return found

    def _event(self, raw: Any) -> Event:
        return Event(
            self._kinds[raw.kind],
            raw.tag,
            raw.qty,
            raw.leaves,
            raw.px,
            raw.reference,
            raw.replaced_tag,
            raw.match,
            raw.venue_ns,
            chr(raw.reason) if raw.reason else "",
            chr(raw.liquidity) if raw.liquidity else "",
        )

    def status(self) -> dict[str, int]:
        """Return how the market stands, by the names of ``market_status``."""
        raw = ffi().new("struct market_status *")
        self._c.api_venue_market_status(self._open, raw)
        return {name: int(getattr(raw, name)) for name, _ in ffi().typeof("struct market_status").fields}

    def books(self) -> SoftwareBook:
        """Return the books of the engine; only while no thread works on them."""
        return SoftwareBook.borrowed(lambda: self._c.api_venue_market_books(self._open))

    def written(self) -> bytes:
        """Return the live day so far, framed."""
        assert self._memory is not None
        return self._memory[: self.status()["bytes"]]
