"""The software book as a Python object: framed ITCH in, events, levels and queues out.

For tests, research and the commands that look at a file; the trading path runs the same C without Python.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from appliance.native import NativeError, constants, dtype, ffi, library

Records = npt.NDArray[Any]

_EVENTS_AT_ONCE = 65_536


class BookMemoryError(NativeError):
    """The books' pools could not be mapped."""


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
        self._owned = True
        error = ffi().new("char[]", constants()["API_ERROR_BYTES"])
        self._set = self._c.api_book_open(BookLimits(**limits).native(), error)
        if self._set == ffi().NULL:
            raise BookMemoryError(ffi().string(error).decode())

    @classmethod
    def borrowed(cls, handle: Any) -> SoftwareBook:
        """Wrap books that somebody else owns."""
        book = cls.__new__(cls)
        book._c = library()
        book._owned = False
        book._set = handle
        return book

    def close(self) -> None:
        """Give the memory back, if it is ours; the object is of no use afterwards."""
        if self._owned and self._set != ffi().NULL:
            self._c.api_book_close(self._set)
        self._set = ffi().NULL

    def __enter__(self) -> Self:
        """Close at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close at the end of the block."""
        self.close()

    def feed(self, framed: bytes, first_sequence: int | None = None) -> Records:
        """Apply whole framed messages and return their events; a cut last message is left out."""
        if first_sequence is not None:
            self._c.api_book_sequence(self._set, first_sequence)
        chunks = []
        run = memoryview(framed)
        while True:
            events = np.zeros(min(_EVENTS_AT_ONCE, len(run) // 2 + 1), dtype("book_event"))
            count = ffi().new("uint32_t *")
            taken = self._c.api_book_feed(
                self._set,
                ffi().from_buffer("uint8_t[]", run),
                len(run),
                ffi().cast("struct book_event *", ffi().from_buffer(events)),
                len(events),
                count,
            )
            if taken < 0:
                raise BookMemoryError(f"no memory for a run of {len(run)} bytes: feed it in smaller runs")
            chunks.append(events[: count[0]])
            run = run[taken:]
            if not taken or not run:
                return np.concatenate(chunks) if len(chunks) > 1 else chunks[0]

    def view(self, locate: int) -> Any:
        """Return the top ten levels of a book, with its last trade and state (dtype ``book_view``)."""
        view = np.zeros(1, dtype("book_view"))
        self._c.api_book_view(self._set, locate, ffi().cast("struct book_view *", ffi().from_buffer(view)))
        return view[0]

    def levels(self, locate: int, side: int) -> Records:
        """Return all levels of one side, best first (dtype ``level_view``)."""
        return self._listed("level_view", self._c.api_book_levels, locate, side)

    def queue(self, locate: int, side: int) -> Records:
        """Return all orders of one side, best price first, oldest first (dtype ``queued_order``)."""
        return self._listed("queued_order", self._c.api_book_queue, locate, side)

    def _listed(self, struct: str, call: Any, locate: int, side: int) -> Records:
        count = call(self._set, locate, side, ffi().NULL, 0)
        rows = np.zeros(count, dtype(struct))
        if count:
            call(self._set, locate, side, ffi().cast(f"struct {struct} *", ffi().from_buffer(rows)), count)
        return rows

    def locate(self, symbol: str) -> int | None:
        """Return the locate of a symbol, or None when the feed has not named it."""
        found = int(self._c.api_book_locate(self._set, symbol.encode()))
        return found if found > 0 else None

    @property
    def next_sequence(self) -> int:
        """The sequence number the next message will have."""
        return int(self._c.api_book_next_sequence(self._set))

    def _counters(self) -> Any:
        counters = np.zeros(1, dtype("book_counters"))
        self._c.api_book_counters(
            self._set, ffi().cast("struct book_counters *", ffi().from_buffer(counters))
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
        return int(self._c.api_book_depth_digest(self._set))
