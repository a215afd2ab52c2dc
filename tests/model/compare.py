"""What it means that the book under test and the model agree."""

from __future__ import annotations

from collections.abc import Iterable

from model.book import Model
from model.native import NativeBooks
from model.records import ASK, BID


def assert_same_book(book: NativeBooks, model: Model, locate: int) -> None:
    """Compare one book: top ten levels, last trade, state, all levels and both queues."""
    assert book.summary(locate) == model.summary(locate)
    for side in (BID, ASK):
        assert book.levels(locate, side) == model.levels(locate, side)
        assert book.queue(locate, side) == model.queue(locate, side)


def assert_same_touched(book: NativeBooks, model: Model) -> None:
    """Compare the queues of the levels that the model's last message touched."""
    for locate, side, px in model.touched:
        assert book.queue_at(locate, side, px) == model.queue_at(locate, side, px)


def assert_same_totals(book: NativeBooks, model: Model) -> None:
    """Compare counters and the rolling digest."""
    counted = book.counters
    assert {name: counted[name] for name in model.counters} == model.counters
    assert book.by_type == model.by_type
    assert book.digest == model.digest


def assert_same(book: NativeBooks, model: Model, locates: Iterable[int] | None = None) -> None:
    """Compare everything: these books, or all that the model has heard of."""
    for locate in sorted(model.books) if locates is None else locates:
        assert_same_book(book, model, locate)
    assert_same_totals(book, model)
    assert book.depth_digest() == model.depth_digest()
