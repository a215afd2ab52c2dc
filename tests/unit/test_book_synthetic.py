"""A synthetic market of a million messages through the book under test and the model."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest
from model.book import Model
from model.compare import assert_same, assert_same_touched
from model.messages import frame, frame_ends, split
from model.native import NativeBooks

from appliance.synth import Market, SyntheticMarket

MESSAGES = 1_000_000
SYMBOLS = 100
SEED = 7
BETWEEN_SAMPLES = 50
FEW_ORDERS = 1_500  # at rest at any time: so few that listing a queue is cheap
BETWEEN_FULL_QUEUES = 50_000
POOLS = {"orders": 1 << 16, "order_pages": 1024, "levels": 1 << 16}


def framed(market: Market) -> bytes:
    """Give a whole day."""
    with SyntheticMarket(market) as running:
        return b"".join(bytes(piece) for piece in running.chunks())


@pytest.fixture(scope="module")
def market() -> bytes:
    """Give the whole day, framed."""
    return framed(Market(MESSAGES, symbols=SYMBOLS, seed=SEED))


@pytest.mark.heavy
def test_the_books_of_a_synthetic_day_are_the_models_after_every_message(market: bytes) -> None:
    """Event and top ten each time, sampled touched queues, and all queues of all symbols twenty times."""
    model = Model()
    with NativeBooks(**POOLS) as book:
        for number, body in enumerate(split(market), 1):
            event = model.message(body)
            assert book.feed(frame([body])) == ([event] if event else []), f"message {number}"
            locate = int.from_bytes(body[1:3], "big")
            assert book.summary(locate) == model.summary(locate), f"message {number}"
            if number % BETWEEN_SAMPLES == 0:
                assert_same_touched(book, model)
            if number % BETWEEN_FULL_QUEUES == 0:
                assert_same(book, model)
        assert_same(book, model)
        assert book.counters["messages"] == MESSAGES
        assert book.counters["untrusted_books"] == 0
    assert len(model.books) == SYMBOLS


@pytest.mark.heavy
def test_every_queue_that_a_message_touched_is_the_models_after_every_message() -> None:
    """A day of as many messages, with fewer orders at rest."""
    model = Model()
    with NativeBooks(**POOLS) as book:
        day = framed(Market(MESSAGES, symbols=SYMBOLS, seed=SEED, live_orders=FEW_ORDERS))
        for body in split(day):
            event = model.message(body)
            assert book.feed(frame([body])) == ([event] if event else [])
            assert_same_touched(book, model)
        assert_same(book, model)
        assert book.counters["messages"] == MESSAGES


@pytest.mark.parametrize("messages", [1, 1000])
def test_cutting_the_day_into_small_feeds_gives_the_digests_of_one_feed(market: bytes, messages: int) -> None:
    ends = [0, *islice(frame_ends(market), 100_000)]
    whole = market[: ends[-1]]
    with NativeBooks(**POOLS) as in_one, NativeBooks(**POOLS) as in_many:
        in_one.feed(whole)
        for start, end in pairwise([*ends[:-1:messages], ends[-1]]):
            in_many.feed(market[start:end])
        assert in_many.digest == in_one.digest
        assert in_many.depth_digest() == in_one.depth_digest()
        assert in_many.counters == in_one.counters
