"""The software book as a Python object: framed ITCH in, events, levels and queues out.

For tests, research and the commands that look at a file; the trading path runs the same C without Python.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from appliance.errors import ApplianceError
from appliance.native import constants, dtype, ffi, library

Records = npt.NDArray[Any]

# What a book cannot make sense of, or has no room for; all but the first are faults of the feed or a limit.
ODDITIES = (
    "unknown_type",
    "bad_length",
    "bad_side",
    "bad_locate",
    "unknown_reference",
    "duplicate_reference",
    "wrong_locate",
    "zero_quantity",
    "overfill",
    "no_order_page",
    "no_order",
    "no_level",
)

_EVENTS_AT_ONCE = 65_536
_BYTES_AT_ONCE = 1 << 20  # whatever is given at once is copied; the longest message has 65,537 bytes


class BookError(ApplianceError):
    """The books cannot do what is asked of them."""


class BookMemoryError(BookError):
    """There is no memory for the books, or for what is fed to them."""


@dataclass(frozen=True)
class BookLimits:
    """How large the books may grow; the defaults take 290 MB when all of it is touched."""

    orders: int = 4 << 20
    order_pages: int = 24 << 10
    levels: int = 1 << 20
    locates: int = 65_535
    prefault: int = 0  # 1 = touch all of it at start

    def native(self) -> Any:
        """Return the limits as C takes them."""
        return ffi().new("struct book_limits *", asdict(self))


class SoftwareBook:
    """All books of one feed. Limits bound the memory; see ``book.h`` for what each message does."""

    def __init__(self, **limits: int) -> None:
        """Map the pools; limits by name, as in BookLimits."""
        self._c = library()
        self._own: Any = None
        self._owner: Callable[[], Any] | None = None
        error = ffi().new("char[]", constants()["API_ERROR_BYTES"])
        own = self._c.api_book_open(BookLimits(**limits).native(), error)
        if own == ffi().NULL:
            raise BookMemoryError(ffi().string(error).decode())
        self._own = own

    @classmethod
    def borrowed(cls, owner: Callable[[], Any]) -> SoftwareBook:
        """Wrap books that somebody else owns: ``owner`` gives the handle, or raises once it is gone."""
        book = cls.__new__(cls)
        book._c = library()
        book._own = None
        book._owner = owner
        return book

    def close(self) -> None:
        """Give the memory back, if it is ours; a second call does nothing."""
        if self._own is not None:
            self._c.api_book_close(self._own)
        self._own = self._owner = None

    @property
    def handle(self) -> Any:
        """The books as C takes them."""
        if self._owner is not None:
            return self._owner()
        if self._own is None:
            raise BookError("these books are closed: open new ones")
        return self._own

    def __enter__(self) -> Self:
        """Close at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close at the end of the block."""
        self.close()

    def feed(self, framed: bytes, first_sequence: int | None = None) -> Records:
        """Apply whole framed messages and return their events; a cut last message is left out."""
        if first_sequence is not None:
            self._c.api_book_sequence(self.handle, first_sequence)
        chunks = []
        rest = memoryview(framed)
        while True:
            run = rest[:_BYTES_AT_ONCE]
            events = np.zeros(min(_EVENTS_AT_ONCE, len(run) // 2 + 1), dtype("book_event"))
            count = ffi().new("uint32_t *")
            taken = self._c.api_book_feed(
                self.handle,
                ffi().from_buffer("uint8_t[]", run),
                len(run),
                ffi().cast("struct book_event *", ffi().from_buffer(events)),
                len(events),
                count,
            )
            if taken < 0:
                raise BookMemoryError(f"no memory for a run of {len(run)} bytes: feed it in smaller runs")
            chunks.append(events[: count[0]])
            rest = rest[taken:]
            if not taken or not rest:
                return np.concatenate(chunks) if len(chunks) > 1 else chunks[0]

    def view(self, locate: int) -> Any:
        """Return the top ten levels of a book, with its last trade and state (dtype ``book_view``)."""
        view = np.zeros(1, dtype("book_view"))
        self._c.api_book_view(self.handle, locate, ffi().cast("struct book_view *", ffi().from_buffer(view)))
        return view[0]

    def levels(self, locate: int, side: int) -> Records:
        """Return all levels of one side, best first (dtype ``level_view``)."""
        return self._listed("level_view", self._c.api_book_levels, locate, side)

    def queue(self, locate: int, side: int) -> Records:
        """Return all orders of one side, best price first, oldest first (dtype ``queued_order``)."""
        return self._listed("queued_order", self._c.api_book_queue, locate, side)

    def _listed(self, struct: str, call: Any, locate: int, side: int) -> Records:
        count = call(self.handle, locate, side, ffi().NULL, 0)
        rows = np.zeros(count, dtype(struct))
        if count:
            call(self.handle, locate, side, ffi().cast(f"struct {struct} *", ffi().from_buffer(rows)), count)
        return rows

    def locate(self, symbol: str) -> int | None:
        """Return the locate of a symbol, or None when the feed has not named it."""
        found = int(self._c.api_book_locate(self.handle, symbol.encode()))
        return found if found > 0 else None

    @property
    def next_sequence(self) -> int:
        """The sequence number the next message will have."""
        return int(self._c.api_book_next_sequence(self.handle))

    def _counters(self) -> Any:
        counters = np.zeros(1, dtype("book_counters"))
        self._c.api_book_counters(
            self.handle, ffi().cast("struct book_counters *", ffi().from_buffer(counters))
        )
        return counters[0]

    @property
    def counters(self) -> dict[str, int]:
        """Everything that is counted, by name."""
        counters = self._counters()
        return {name: int(counters[name]) for name in counters.dtype.names if name != "by_type"}

    @property
    def by_type(self) -> dict[str, int]:
        """Well-formed messages by type, those seen only."""
        return {chr(code): int(count) for code, count in enumerate(self._counters()["by_type"]) if count}

    @property
    def digest(self) -> int:
        """The rolling digest; ``abi.h`` defines it."""
        return self.counters["digest"]

    def depth_digest(self) -> int:
        """Return a digest over every order of every book, in order."""
        return int(self._c.api_book_depth_digest(self.handle))
