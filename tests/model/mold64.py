"""MoldUDP64 for tests: packets, the arbitration under test as plain values, and an independent model."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

from model.messages import frame, split

from appliance import native

SESSION = b"0000000042"
SLACK = 64


def packet(
    first: int, messages: Sequence[bytes], session: bytes = SESSION, count: int | None = None
) -> bytes:
    """A downstream packet."""
    header = struct.pack(">10sQH", session, first, len(messages) if count is None else count)
    return header + frame(messages)


def heartbeat(following: int, session: bytes = SESSION) -> bytes:
    """A packet without messages."""
    return packet(following, [], session)


def end_of_session(following: int, session: bytes = SESSION) -> bytes:
    """The packet that takes the place of heartbeats at the end."""
    return packet(following, [], session, 0xFFFF)


class Run(NamedTuple):
    """Messages in sequence, and what is missing before them."""

    first: int
    messages: list[bytes]
    gap: int = 0
    new_session: bool = False


class Stream:
    """The arbitration under test. A verdict is its name."""

    def __init__(self, window: int = 64, settle: int = 0) -> None:
        self._handle = native.library().api_mold64_open(window, settle)
        assert self._handle != native.ffi().NULL

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        native.library().api_mold64_close(self._handle)

    def push(self, payload: bytes, line: int = 0) -> tuple[str, list[Run]]:
        """Push a packet; what it was, and the runs that it set free."""
        ffi, library = native.ffi(), native.library()
        kept = ffi.new("uint8_t[]", payload + bytes(SLACK))
        verdict = library.api_mold64_push(self._handle, kept, len(payload), line)
        assert verdict >= 0, f"line {line} is refused"
        return ffi.string(library.api_mold64_verdict_name(verdict)).decode(), list(self._runs())

    def finish(self) -> list[Run]:
        """Give up all gaps; the runs behind them."""
        native.library().api_mold64_finish(self._handle)
        return list(self._runs())

    def _runs(self) -> Iterable[Run]:
        ffi = native.ffi()
        run = ffi.new("struct mold64_run *")
        while native.library().api_mold64_next(self._handle, run):
            framed = bytes(ffi.buffer(run.blocks, run.length + SLACK))[: run.length] if run.messages else b""
            messages = split(framed)
            assert (len(messages), len(framed)) == (run.messages, run.length)
            yield Run(run.first_sequence, messages, run.gap_before, bool(run.new_session))

    @property
    def counters(self) -> Any:
        """The counters, as cffi has them."""
        counters = native.ffi().new("struct mold64_counters *")
        native.library().api_mold64_counters(self._handle, counters)
        return counters


class Model:
    """Arbitration in a few lines: packets ahead wait in a set, and the lowest goes first."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.expected: int | None = None
        self.waiting: dict[tuple[int, int], list[bytes]] = {}
        self.delivered: dict[int, bytes] = {}
        self.lost: set[int] = set()

    def push(self, first: int, messages: list[bytes]) -> None:
        """Take one packet."""
        self.expected = first if self.expected is None else self.expected
        span = (first, first + len(messages))
        if not any(start <= span[0] and span[1] <= end for start, end in self.waiting):
            covered = [other for other in self.waiting if span[0] <= other[0] and other[1] <= span[1]]
            self.waiting = {other: self.waiting[other] for other in self.waiting if other not in covered}
            self.waiting[span] = messages
        self._release(self.window)

    def finish(self) -> None:
        """Give up all gaps."""
        self._release(0)

    def _release(self, window: int) -> None:
        while self.waiting:
            assert self.expected is not None
            first, end = lowest = min(self.waiting)
            if first > self.expected and len(self.waiting) <= window:
                return
            self.lost |= set(range(self.expected, first))
            new = enumerate(self.waiting.pop(lowest), first)
            self.delivered |= {number: body for number, body in new if number >= self.expected}
            self.expected = max(self.expected, end)
