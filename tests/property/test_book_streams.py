"""Random streams through the book under test and the model: they must agree after every message."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model.book import Model
from model.compare import assert_same, assert_same_book, assert_same_totals, assert_same_touched
from model.messages import frame
from model.native import NativeBooks
from property.hostile import hostile
from property.streams import LOCATES, STREAMS, Choice, to_messages

Stream = list[Choice | bytes]


@settings(max_examples=200, deadline=None)
@given(stream=STREAMS)
def test_after_every_message_the_book_is_what_the_model_says(stream: Stream) -> None:
    model = Model()
    with NativeBooks() as book:
        for body in to_messages(stream):
            event = model.message(body)
            assert book.feed(frame([body])) == ([event] if event else [])
            for locate in LOCATES:
                assert_same_book(book, model, locate)
            assert_same_totals(book, model)
        assert book.depth_digest() == model.depth_digest()


@settings(max_examples=200, deadline=None)
@given(stream=STREAMS, cuts=st.lists(st.integers(0, 150), max_size=12))
def test_how_a_stream_is_cut_into_feeds_does_not_matter(stream: Stream, cuts: list[int]) -> None:
    messages = to_messages(stream)
    edges = [0, *sorted(cut for cut in cuts if cut < len(messages)), len(messages)]
    model = Model()
    with NativeBooks() as book:
        events = []
        for start, end in pairwise(edges):
            events += book.feed(frame(messages[start:end]))
        assert events == model.feed(frame(messages))
        assert_same(book, model, LOCATES)


@settings(max_examples=50, deadline=None)
@given(stream=STREAMS, cut=st.integers(0, 10_000))
def test_a_cut_last_message_is_not_taken(stream: Stream, cut: int) -> None:
    framed = frame(to_messages(stream))[:cut]
    model = Model()
    whole = 0
    while whole + 2 <= len(framed):
        end = whole + 2 + int.from_bytes(framed[whole : whole + 2], "big")
        if end > len(framed):
            break
        whole = end
    with NativeBooks() as book:
        assert book.feed(framed) == model.feed(framed[:whole])
        assert_same(book, model, LOCATES)


@given(stream=STREAMS, first=st.integers(1, (1 << 64) - 1000))
@settings(max_examples=25, deadline=None)
def test_a_stream_may_start_at_any_sequence_number(stream: Stream, first: int) -> None:
    messages = to_messages(stream)
    model = Model()
    model.sequence = first - 1
    with NativeBooks() as book:
        assert book.feed(frame(messages), first) == model.feed(frame(messages))
        assert book.digest == model.digest


@pytest.mark.parametrize(
    ("seed", "width"),
    [(1, 8), (2, 60), (3, 400), (4, 3000)],
    ids=["few prices", "some prices", "many prices", "thousands of prices"],
)
def test_a_long_hostile_stream_gives_the_models_events_and_queues(seed: int, width: int) -> None:
    print(f"seed {seed}")
    messages = hostile(seed, 40_000, width=width)
    rng = random.Random(seed)
    model = Model()
    with NativeBooks(orders=20_000, order_pages=20_000, levels=20_000) as book:
        at = 0
        while at < len(messages):
            size = rng.choice((1, 2, 31, 32, 33, 64, 500))
            run = frame(messages[at : at + size])
            at += size
            assert book.feed(run) == model.feed(run)
            assert_same_touched(book, model)
            if rng.random() < 0.02:
                assert_same(book, model, LOCATES)
        assert_same(book, model, LOCATES)
    counted = model.counters
    assert all(counted[name] for name in ("overfill", "duplicate_reference", "wrong_locate")), counted


def test_nothing_fed_is_nothing_done() -> None:
    with NativeBooks() as book:
        assert book.feed(b"") == []
        assert book.feed(b"\0") == []
        assert set(book.counters.values()) == {0}
