"""Real flow through the book under test and the model, compared after every message."""

from __future__ import annotations

from pathlib import Path

import pytest
from model.book import Model
from model.compare import assert_same, assert_same_totals
from model.messages import frame, split
from model.native import NativeBooks
from model.records import Event

FEEDS = ["es_20231225_as_itch50.itch", "nasdaq_20191230_open_1000.itch"]
POOLS = {"orders": 1 << 16, "order_pages": 512, "levels": 16_384}
BETWEEN_FULL_QUEUES = 1000


@pytest.fixture(scope="module", params=FEEDS)
def feed(request: pytest.FixtureRequest, data: Path) -> bytes:
    """Give the framed messages of one feed file."""
    path: Path = data / request.param
    return path.read_bytes()


def test_after_every_message_event_top_and_touched_queues_are_the_models(feed: bytes) -> None:
    model = Model()
    with NativeBooks(**POOLS) as book:
        for number, body in enumerate(split(feed), 1):
            event = model.message(body)
            assert book.feed(frame([body])) == ([event] if event else [])
            for locate, side, px in model.touched:
                assert book.summary(locate) == model.summary(locate), f"message {number}"
                assert book.queue_at(locate, side, px) == model.queue_at(locate, side, px), (
                    f"message {number}"
                )
            if number % BETWEEN_FULL_QUEUES == 0:
                assert_same(book, model)
        assert_same(book, model)


@pytest.mark.parametrize("run", [1, 7, 1000, 1 << 30])
def test_the_events_are_the_same_in_runs_of_any_length(feed: bytes, run: int) -> None:
    model = Model()
    expected = model.feed(feed)
    messages = split(feed)
    events: list[Event] = []
    with NativeBooks(**POOLS) as book:
        for at in range(0, len(messages), run):
            events += book.feed(frame(messages[at : at + run]))
        assert events == expected
        assert_same(book, model)


def test_the_futures_day_ends_with_an_empty_book(data: Path) -> None:
    """As its origin says: 70,669 messages, every order gone at the end."""
    with NativeBooks(**POOLS) as book:
        book.feed((data / FEEDS[0]).read_bytes())
        assert book.by_type == {"A": 29_216, "D": 23_887, "U": 9_982, "E": 6_217, "X": 1_367}
        assert book.counters["messages"] == 70_669
        assert (
            book.counters["live_orders"] == book.counters["live_levels"] == book.counters["order_pages"] == 0
        )


def test_a_start_in_mid_day_counts_the_orders_it_never_saw(data: Path) -> None:
    """The types are those of the file's description; what is unknown is counted by a set of references."""
    feed = (data / FEEDS[1]).read_bytes()
    seen: set[bytes] = set()
    unknown = 0
    for body in split(feed):
        if body[:1] in (b"A", b"F"):
            seen.add(body[11:19])
        elif body[:1] in (b"E", b"C", b"X", b"D", b"U"):
            if body[11:19] not in seen:
                unknown += 1
            elif body[:1] == b"U":
                seen.add(body[19:27])
    model = Model()
    with NativeBooks(**POOLS) as book:
        book.feed(feed)
        model.feed(feed)
        assert book.by_type == {
            "A": 367,
            "U": 225,
            "F": 193,
            "D": 167,
            "E": 28,
            "X": 6,
            "I": 4,
            "P": 4,
            "Q": 4,
            "S": 1,
            "C": 1,
        }
        assert unknown > 200
        assert book.counters["unknown_reference"] == unknown
        assert_same_totals(book, model)
