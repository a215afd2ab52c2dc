"""A feed file on its way through the books, step by step."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from appliance.book.software import BookLimits, SoftwareBook
from appliance.errors import ApplianceError, printable
from appliance.native import constants, ffi, library

ALL = 2**64 - 1
_STEP_MESSAGES = 1 << 18
_TEXT_BYTES = 1 << 20


class FeedFileError(ApplianceError):
    """The file cannot be read, or is not a feed."""


class FeedFile:
    """One file and the books it fills; iterate ``advance`` to the end, then ask."""

    def __init__(self, path: Path, limits: BookLimits | None = None) -> None:
        """Open the file and map the books."""
        self._c = library()
        self._error = ffi().new("char[]", constants()["API_ERROR_BYTES"])
        self._path = path
        feed = self._c.api_feed_open(os.fsencode(path), (limits or BookLimits()).native(), self._error)
        if feed == ffi().NULL:
            raise self._failure()
        self._feed: Any = feed

    def _open(self) -> Any:
        if self._feed is None:
            raise FeedFileError(f"{printable(self._path)}: this feed file is closed: open it again")
        return self._feed

    def _failure(self) -> FeedFileError:
        return FeedFileError(printable(ffi().string(self._error)))

    def __enter__(self) -> Self:
        """Close at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close at the end of the block."""
        self.close()

    def close(self) -> None:
        """Give file and books back; a second call does nothing."""
        if self._feed is not None:
            self._c.api_feed_close(self._feed)
            self._feed = None

    def advance(self, until: int = ALL) -> Iterator[int]:
        """Apply messages up to sequence number ``until``; yields after each step how many it took."""
        while True:
            count = self._c.api_feed_advance(self._open(), until, _STEP_MESSAGES, self._error)
            if count < 0:
                raise self._failure()
            if not count:
                return
            yield int(count)

    def trace(self, depth: int, symbol: str | None) -> Iterator[bytes]:
        """Yield CSV lines, many at a time: the book after every message that touched it."""
        name = ffi().NULL if symbol is None else ffi().new("char[]", symbol.encode())
        trace = self._c.api_trace_open(self._open(), depth, name, self._error)
        if trace == ffi().NULL:
            raise self._failure()
        try:
            room = max(_TEXT_BYTES, self._c.api_trace_row_bytes(trace))
            text = ffi().new("char[]", room)
            ended = ffi().new("int *")
            while not ended[0]:
                self._open()  # a trace looks into its feed: nobody may have closed it since
                count = self._c.api_trace_fill(trace, text, room, _STEP_MESSAGES, ended, self._error)
                if count < 0:
                    raise self._failure()
                yield bytes(ffi().buffer(text, count))
        finally:
            self._c.api_trace_close(trace)

    @property
    def books(self) -> SoftwareBook:
        """The books as they are whenever they are asked, until the file is closed."""
        return SoftwareBook.borrowed(lambda: self._c.api_feed_books(self._open()))

    @property
    def progress(self) -> tuple[int, int]:
        """Bytes of the file dealt with, and in all (0 = not known)."""
        done, total = ffi().new("uint64_t *"), ffi().new("uint64_t *")
        self._c.api_feed_progress(self._open(), done, total)
        return int(done[0]), int(total[0])

    @property
    def stale(self) -> bool:
        """True when messages are missing, so that no book can be relied on."""
        return bool(self._c.api_feed_stale(self._open()))

    def packets(self) -> dict[str, Any] | None:
        """Return what became of the packets of a capture; None when the file holds bare messages."""
        frames = ffi().new("struct frame_counters *")
        lines = ffi().new("struct line_map *")
        mold = ffi().new("struct mold64_counters *")
        if not self._c.api_feed_packets(self._open(), frames, lines, mold):
            return None
        return {
            "frames": int(frames.frames),
            "refused": self._named(frames.by_verdict, self._c.api_frame_verdict_name, first=1),
            "other_destinations": int(lines.other),
            "sessions": int(mold.sessions),
            "messages": int(mold.messages),
            "gaps": int(mold.gaps),
            "lost": int(mold.lost),
            "lines": {
                "AB"[index]: {
                    "packets": int(mold.line[index].packets),
                    "gaps": int(mold.line[index].gaps),
                    **self._named(mold.line[index].by_verdict, self._c.api_mold64_verdict_name),
                }
                for index in range(lines.found)
            },
        }

    @staticmethod
    def _named(counts: Any, name_of: Any, first: int = 0) -> dict[str, int]:
        named = {}
        for index in range(first, len(counts)):
            name = name_of(index)
            if name != ffi().NULL and counts[index]:
                named[ffi().string(name).decode()] = int(counts[index])
        return named
