"""The ring of records against a queue that cannot be full, and its bounds, worked out by hand."""

from __future__ import annotations

import mmap
import os
import signal
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import native

SMALLEST = 4096
SLACK = 64


class Ring:
    """The ring under test."""

    def __init__(self, handle: Any) -> None:
        self.handle = handle

    def reserve(self, count: int) -> Any | None:
        """Ask for room."""
        to = native.library().api_records_reserve(self.handle, count)
        return None if to == native.ffi().NULL else to

    def write(self, record: bytes) -> bool:
        """Append a record, and fill its slack too; False when there is no room."""
        to = self.reserve(len(record))
        if to is None:
            return False
        native.ffi().memmove(to, record + b"\xee" * SLACK, len(record) + SLACK)
        native.library().api_records_commit(self.handle)
        return True

    def peek(self) -> bytes | None:
        """Look at the oldest record."""
        ffi = native.ffi()
        count = ffi.new("uint32_t *")
        at = native.library().api_records_peek(self.handle, count)
        if at == ffi.NULL:
            return None
        assert int(ffi.cast("uintptr_t", at)) % 8 == 0
        held = bytes(ffi.buffer(at, count[0] + SLACK))
        assert held[count[0] :] == b"\xee" * SLACK, "the slack is another's"
        return held[: count[0]]

    def read(self) -> bytes | None:
        """Take the oldest record."""
        record = self.peek()
        if record is not None:
            native.library().api_records_release(self.handle)
        return record


@contextmanager
def ring(size: int = SMALLEST) -> Iterator[Ring]:
    """Open a ring and close it."""
    handle = native.library().api_records_open(size)
    assert handle != native.ffi().NULL
    try:
        yield Ring(handle)
    finally:
        native.library().api_records_close(handle)


@given(st.data(), st.sampled_from([4096, 8192, 65536]))
def test_what_is_read_is_what_was_written_in_its_order(data: st.DataObject, size: int) -> None:
    """A write is refused only while something is in the ring."""
    waiting: deque[bytes] = deque()
    sizes = st.one_of(st.integers(0, 90), st.integers(0, size // 4), st.just(size // 4))
    steps = data.draw(st.lists(st.one_of(st.none(), sizes), max_size=150))
    with ring(size) as under_test:
        for number, step in enumerate(steps):
            if step is None:
                assert under_test.peek() == (waiting[0] if waiting else None)
                assert under_test.read() == (waiting.popleft() if waiting else None)
                continue
            record = bytes([number % 251]) * step
            if under_test.write(record):
                waiting.append(record)
            else:
                assert waiting
        while waiting:
            assert under_test.read() == waiting.popleft()
        assert under_test.read() is None


@pytest.mark.parametrize("size", [4096, 1 << 20])
def test_the_longest_record_is_a_quarter_of_the_ring_and_fits_wherever_the_ring_stands(size: int) -> None:
    longest = b"x" * (size // 4)
    with ring(size) as under_test:
        for before in range(0, size, size // 64):
            assert under_test.write(b"y" * (before // 4))
            assert under_test.read() is not None
            assert not under_test.write(longest + b"x")
            assert under_test.write(longest)
            assert under_test.read() == longest


def test_a_full_ring_takes_a_record_again_when_one_of_its_size_has_been_read() -> None:
    with ring() as under_test:
        number = 0
        while under_test.write(number.to_bytes(4, "big")):
            number += 1
        # Each takes 8 bytes in front, 4 of its own, its slack of 64, and is rounded up to 80.
        assert number == SMALLEST // 80
        for first in range(500):
            assert not under_test.write(bytes(4))
            assert under_test.read() == first.to_bytes(4, "big")
            assert under_test.write((first + number).to_bytes(4, "big"))


def test_a_reservation_that_is_not_committed_leaves_no_trace() -> None:
    with ring() as under_test:
        for turn in range(100):
            assert under_test.reserve(1024) is not None
            assert under_test.peek() is None
            record = bytes([turn]) * (turn * 7 % 600)
            assert under_test.write(record)
            assert under_test.reserve(1) is not None
            assert under_test.read() == record
            assert under_test.read() is None


def test_where_a_large_record_was_reserved_small_ones_of_the_same_bytes_have_room() -> None:
    """So one can ask for the room of a whole step, and then write it in pieces."""
    large = 1024
    with ring() as under_test:
        for turn in range(200):
            assert under_test.write(bytes(turn * 13 % 300))
            assert under_test.reserve(large) is not None
            written = 0
            for _ in range(large // (8 + 100 + SLACK + 4)):
                assert under_test.write(b"p" * 100)
                written += 1
            for _ in range(written + 1):
                assert under_test.read() is not None


@pytest.mark.parametrize(
    "size", [0, 1, 64, 2048, 4095, 4097, 6144, (1 << 31) + 1, 1 << 32, 1 << 63, 2**64 - 1]
)
def test_a_size_that_is_no_power_of_two_or_out_of_range_is_refused(size: int) -> None:
    assert native.library().api_records_open(size) == native.ffi().NULL


@contextmanager
def placed(size: int = SMALLEST, slack: int = SLACK) -> Iterator[tuple[Any, int]]:
    """Place a ring in shared memory, and give its address and what it takes."""
    bytes_taken = native.library().api_records_bytes(size)
    with mmap.mmap(-1, bytes_taken) as memory:
        base = native.ffi().from_buffer("uint8_t[]", memory)
        assert native.library().api_records_place(base, size, slack) != native.ffi().NULL
        yield base, bytes_taken
        native.ffi().release(base)


def attach(base: Any, size: int) -> Ring:
    """Join a ring as another process would."""
    handle = native.library().api_records_attach(base, size)
    assert handle != native.ffi().NULL
    return Ring(handle)


def test_a_reader_goes_on_where_its_predecessor_was_killed() -> None:
    """The one that it had looked at and not released comes again; nothing else does."""
    with placed(1 << 16) as (base, size):
        writer = attach(base, size)
        number = 0
        for turn in range(30):
            while writer.write(number.to_bytes(4, "big") * (number % 90)):
                number += 1
            child = os.fork()
            if not child:
                reader = attach(base, size)
                for _ in range(turn + 1):
                    reader.read()
                reader.peek()
                os.kill(os.getpid(), signal.SIGKILL)
            os.waitpid(child, 0)
        reader = attach(base, size)
        for expected in range(sum(range(1, 31)), number):
            assert reader.read() == expected.to_bytes(4, "big") * (expected % 90)
        assert reader.read() is None


def test_a_writer_goes_on_where_its_predecessor_was_killed() -> None:
    """What it had reserved and not committed is void."""
    with placed() as (base, size):
        for turn in range(60):
            child = os.fork()
            if not child:
                writer = attach(base, size)
                writer.write(bytes([turn]) * (turn * 11))
                writer.reserve(900)
                os.kill(os.getpid(), signal.SIGKILL)
            os.waitpid(child, 0)
            reader = attach(base, size)
            assert reader.read() == bytes([turn]) * (turn * 11)
            assert reader.read() is None


@given(st.lists(st.one_of(st.none(), st.integers(0, 900)), max_size=60))
def test_the_youngest_is_the_last_that_was_written_and_not_read(steps: list[int | None]) -> None:
    waiting: deque[bytes] = deque()
    count = native.ffi().new("uint32_t *")
    with ring() as under_test:
        for number, step in enumerate(steps):
            if step is None:
                assert under_test.read() == (waiting.popleft() if waiting else None)
            elif under_test.write(record := bytes([number]) * step):
                waiting.append(record)
            at = native.library().api_records_youngest(under_test.handle, count)
            assert (at == native.ffi().NULL) == (not waiting)
            if waiting:
                assert bytes(native.ffi().buffer(at, count[0])) == waiting[-1]
            spans = [(8 + len(record) + SLACK + 7) // 8 * 8 for record in waiting]
            assert native.library().api_records_waiting(under_test.handle) >= sum(spans)


def test_a_ring_without_slack_holds_more_records() -> None:
    """Each takes 8 bytes in front and 24 of its own."""
    with placed(slack=0) as (base, _):
        library, ffi = native.library(), native.ffi()
        handle = ffi.cast("struct records *", base)
        number = 0
        while (to := library.api_records_reserve(handle, 24)) != ffi.NULL:
            ffi.memmove(to, bytes(24), 24)
            library.api_records_commit(handle)
            number += 1
        assert number == SMALLEST // 32


@pytest.mark.parametrize(("at", "word"), [(0, SMALLEST + 1), (128, SMALLEST - 1), (128, 1 << 20), (136, 1)])
def test_a_ring_whose_words_contradict_each_other_is_not_joined(at: int, word: int) -> None:
    """More waits than it holds; a size that cannot be, or that the memory does not hold; no ring at all."""
    with placed() as (base, size):
        native.ffi().memmove(base + at, word.to_bytes(8, "little"), 8)
        assert native.library().api_records_attach(base, size) == native.ffi().NULL


def test_a_ring_is_placed_where_a_line_begins_and_joined_where_it_fits() -> None:
    with placed() as (base, size):
        null = native.ffi().NULL
        assert native.library().api_records_place(base + 8, SMALLEST, 0) == null
        assert native.library().api_records_place(base, SMALLEST - 1, 0) == null
        assert native.library().api_records_place(base, SMALLEST, SLACK + 1) == null
        assert native.library().api_records_attach(base, size - 1) == null
        assert native.library().api_records_attach(base, 8) == null
        assert native.library().api_records_attach(base + 64, size - 64) == null
