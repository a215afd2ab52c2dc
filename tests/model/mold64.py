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


class Live(Stream):
    """The arbitration of a live feed, and what its caller decides."""

    def __init__(self, window: int = 64, far: int = 0, prefault: bool = False) -> None:
        self._handle = native.library().api_mold64_open_live(window, far, prefault)
        assert self._handle != native.ffi().NULL

    @property
    def handle(self) -> Any:
        """What C knows it by."""
        return self._handle

    @property
    def memory(self) -> int:
        """Of memory, for the window."""
        return int(native.library().api_mold64_bytes(self._handle))

    def gaps(self, room: int = 64) -> list[tuple[int, int]]:
        """The first gaps: first message, and how many."""
        found = native.ffi().new("struct mold64_gap[]", room)
        count = native.library().api_mold64_gaps(self._handle, found, room)
        return [(found[at].first, found[at].count) for at in range(count)]

    @property
    def sight(self) -> Any:
        """All that the recovery is told of the stream."""
        sight = native.ffi().new("struct recovery_sight *")
        native.library().api_recovery_see(sight, self._handle)
        return sight

    def give_up(self) -> list[Run]:
        """Give up the first gap; the runs behind it."""
        native.library().api_mold64_give_up(self._handle)
        return list(self._runs())

    def hold_all(self) -> None:
        """From now on nothing is delivered."""
        native.library().api_mold64_hold_all(self._handle)

    def join(self, sequence: int, session: bytes | None = None) -> list[Run] | None:
        """Go on behind a snapshot; the runs that follow it, or None if it does not fit."""
        named = native.ffi().NULL if session is None else session
        joined = native.library().api_mold64_join(self._handle, named, sequence)
        return list(self._runs()) if joined else None

    def release(self) -> list[Run]:
        """Go on without a snapshot."""
        native.library().api_mold64_release(self._handle)
        return list(self._runs())

    def leave(self) -> None:
        """Let another session begin."""
        native.library().api_mold64_leave(self._handle)


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


class LiveModel:
    """Arbitration of a live feed: packets that wait are a set, and one that finds it full costs another."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.expected = 1
        self.known_end = 1
        self.holding = False
        self.waiting: dict[tuple[int, int], list[bytes]] = {}
        self.delivered: list[tuple[int, bytes]] = []
        self.lost = 0
        self.dropped = 0

    def push(self, first: int, messages: list[bytes]) -> str:
        """Take one packet; what it was."""
        span = (first, first + len(messages))
        self.known_end = max(self.known_end, span[1])
        if span[1] <= self.expected:
            return "late"
        verdict = "delivered" if first == self.expected else "partial"
        if first > self.expected or self.holding:
            verdict = self._hold(span, messages)
        else:
            self.waiting[span] = messages
        self.release()
        return verdict

    def _hold(self, span: tuple[int, int], messages: list[bytes]) -> str:
        while True:
            if any(start <= span[0] and span[1] <= end for start, end in self.waiting):
                return "duplicate"
            others = [each for each in self.waiting if not (span[0] <= each[0] and each[1] <= span[1])]
            if len(others) < self.window:
                self.waiting = {each: self.waiting[each] for each in others}
                self.waiting[span] = messages
                return "held"
            if self.holding:
                if min(self.waiting)[0] >= span[0]:
                    return "no_room"
                del self.waiting[min(self.waiting)]
            else:
                if all(each[0] < span[0] for each in others):
                    return "no_room"
                del self.waiting[max(self.waiting)]
            self.dropped += 1

    def release(self) -> None:
        """Deliver what follows."""
        while self.waiting and not self.holding and min(self.waiting)[0] <= self.expected:
            first, end = lowest = min(self.waiting)
            new = enumerate(self.waiting.pop(lowest), first)
            self.delivered += [(number, body) for number, body in new if number >= self.expected]
            self.expected = max(self.expected, end)

    def give_up(self) -> None:
        """Give up the first gap."""
        if not self.holding and self.missing:
            end = min(self.waiting)[0] if self.waiting else self.known_end
            self.lost += end - self.expected
            self.expected = end
            self.release()

    def join(self, sequence: int) -> None:
        """Go on behind a snapshot of all that is known to exist."""
        self.waiting = {each: self.waiting[each] for each in self.waiting if each[1] > sequence}
        self.expected = sequence
        self.known_end = max(self.known_end, sequence)
        self.holding = False
        self.release()

    @property
    def missing(self) -> list[int]:
        """Every missing message that is known to exist."""
        there = {number for start, end in self.waiting for number in range(start, end)}
        return sorted(set(range(self.expected, self.known_end)) - there)
