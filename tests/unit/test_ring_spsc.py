"""The ring of items against a queue that cannot be full, in memory that two mappings share."""

from __future__ import annotations

import mmap
import os
import signal
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.native import dtype
from appliance.ring import Ring, RingError, ring_bytes

HEADER = 384
NEAR_THE_END = 2**64 - 5
SIZES = [64, 128, 192, 512]


@contextmanager
def mapping(size: int) -> Iterator[tuple[mmap.mmap, mmap.mmap]]:
    """Give two mappings of the same memory, as two processes have them."""
    file = os.memfd_create("ring")
    try:
        os.ftruncate(file, size)
        yield mmap.mmap(file, size), mmap.mmap(file, size)  # they go with the last view of them
    finally:
        os.close(file)


@contextmanager
def pair(items: int, kind: np.dtype, position: int = 0, offset: int = 64) -> Iterator[tuple[Ring, Ring]]:
    """Give the producer and the consumer of one ring."""
    with mapping(offset + ring_bytes(items, kind.itemsize)) as (ours, theirs):
        producer = Ring.place(ours, offset, items, kind, position)
        consumer = Ring.attach(theirs, offset, kind)
        try:
            yield producer, consumer
        finally:
            producer.close()
            consumer.close()


def numbers(size: int) -> np.dtype:
    """Return items of this size that hold nothing but numbers."""
    return np.dtype([("number", "u8"), ("rest", "u8", (size // 8 - 1,))])


def write(ring: Ring, first: int, count: int) -> int:
    """Append up to ``count`` items, numbered from ``first`` on; how many there was room for."""
    room = ring.writable(count)
    room["number"] = first + np.arange(len(room), dtype=np.uint64)
    room["rest"] = room["number"][:, None]
    ring.commit(len(room))
    return len(room)


@given(
    st.sampled_from([1, 2, 8, 64]),
    st.sampled_from(SIZES),
    st.one_of(st.just(0), st.just(NEAR_THE_END), st.integers(0, 2**64 - 1)),
    st.lists(st.tuples(st.booleans(), st.integers(1, 80), st.integers(0, 80)), max_size=100),
)
def test_what_is_read_is_what_was_written_in_its_order(
    items: int, size: int, position: int, steps: list[tuple[bool, int, int]]
) -> None:
    """Each step writes or reads up to so many, and commits or releases part of them; also past index 2^64."""
    waiting: deque[int] = deque()
    number = 0
    with pair(items, numbers(size), position) as (producer, consumer):
        for writes, want, part in steps:
            if writes:
                room = producer.writable(want)
                assert bool(len(room)) == (len(waiting) < items)
                assert len(room) <= min(want, items - len(waiting))
                room["number"] = number + np.arange(len(room), dtype=np.uint64)
                room["rest"] = room["number"][:, None]
                kept = min(part, len(room))
                producer.commit(kept)
                waiting.extend(range(number, number + kept))
                number += kept
            else:
                seen = consumer.readable(want)
                assert bool(len(seen)) == bool(waiting)
                assert len(seen) <= want
                assert seen["number"].tolist() == list(waiting)[: len(seen)]
                assert (seen["rest"] == seen["number"][:, None]).all()
                taken = min(part, len(seen))
                consumer.release(taken)
                for _ in range(taken):
                    waiting.popleft()
            assert len(producer) == len(consumer) == len(waiting)


@pytest.mark.parametrize("position", [0, NEAR_THE_END])
def test_a_ring_holds_all_its_items_and_gives_what_lies_in_one_piece(position: int) -> None:
    """From 2^64 - 5 on, 5 items lie before the end of a memory of 8 and 3 at its beginning."""
    before_end = 8 - position % 8
    with pair(8, numbers(64), position) as (producer, consumer):
        assert write(producer, 0, 100) == before_end
        assert write(producer, before_end, 100) == 8 - before_end
        assert write(producer, 8, 1) == 0
        first = consumer.readable()
        assert first["number"].tolist() == list(range(before_end))
        consumer.release(len(first))
        assert consumer.readable()["number"].tolist() == list(range(before_end, 8))


def test_the_consumer_sees_the_memory_itself_and_cannot_write_it() -> None:
    with pair(4, dtype("book_event")) as (producer, consumer):
        room = producer.writable(1)
        room["sequence"] = 7
        producer.commit(1)
        seen = consumer.readable()
        assert seen["sequence"].tolist() == [7]
        room["sequence"] = 8
        assert seen["sequence"].tolist() == [8]
        with pytest.raises(ValueError, match="read-only"):
            seen["sequence"] = 9


def test_a_consumer_goes_on_where_its_predecessor_was_killed() -> None:
    """What it had looked at and not released comes again; nothing else does."""
    kind = numbers(64)
    with mapping(ring_bytes(64, kind.itemsize)) as (memory, _):
        producer = Ring.place(memory, 0, 64, kind)
        number = expected = 0
        for turn in range(20):
            while written := write(producer, number, 7):
                number += written
            child = os.fork()
            if not child:
                consumer = Ring.attach(memory, 0, kind)
                consumer.release(len(consumer.readable(turn + 1)))
                consumer.readable()
                os.kill(os.getpid(), signal.SIGKILL)
            os.waitpid(child, 0)
            successor = Ring.attach(memory, 0, kind)
            seen = successor.readable()["number"].tolist()
            assert seen[0] > expected or turn == 0
            expected = seen[0]
            assert seen == list(range(expected, expected + len(seen)))
            assert expected + len(successor) == number
            successor.close()
        producer.close()


@pytest.mark.parametrize(
    ("items", "size"), [(0, 64), (3, 64), (1 << 27, 64), (8, 0), (8, 32), (8, 100), (8, 576), (8, 2**32 + 64)]
)
def test_a_ring_that_cannot_be_is_refused(items: int, size: int) -> None:
    with pytest.raises(RingError, match="power of two"):
        ring_bytes(items, size)


def test_a_ring_takes_its_items_and_six_lines() -> None:
    assert ring_bytes(1, 64) == HEADER + 64
    assert ring_bytes(1024, 512) == HEADER + 1024 * 512


@pytest.mark.parametrize("offset", [-64, 1, 32, 64 + 64])
def test_a_ring_needs_a_place_that_holds_it_and_begins_a_line(offset: int) -> None:
    with mapping(64 + ring_bytes(8, 64)) as (memory, _), pytest.raises(RingError):
        Ring.place(memory, offset, 8, numbers(64))


def test_what_is_no_ring_is_not_joined() -> None:
    kind = numbers(64)
    with mapping(64 + ring_bytes(8, 64)) as (memory, _):
        with pytest.raises(RingError, match="no ring"):
            Ring.attach(memory, 0, kind)
        Ring.place(memory, 0, 8, kind).close()
        Ring.attach(memory, 0, kind).close()
        with pytest.raises(RingError, match="items of 64 bytes; 128"):
            Ring.attach(memory, 0, numbers(128))
        for offset in (64, 1, len(memory), len(memory) + 64, -64):
            with pytest.raises(RingError, match="no ring"):
                Ring.attach(memory, offset, kind)


@pytest.mark.parametrize(("at", "word"), [(0, 9), (264, 3), (264, 1 << 20), (272, 100), (272, 2**32 + 64)])
def test_a_ring_whose_words_contradict_each_other_is_not_joined(at: int, word: int) -> None:
    """More items wait than it holds; sizes that cannot be, or that the memory does not hold."""
    with mapping(ring_bytes(8, 64)) as (memory, _):
        Ring.place(memory, 0, 8, numbers(64)).close()
        memory[at : at + 8] = word.to_bytes(8, "little")
        with pytest.raises(RingError, match="no ring"):
            Ring.attach(memory, 0, numbers(64))
