"""Pools far too small: a book that lost an order says so, all others stay right, and nothing crashes."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model.book import Model
from model.compare import assert_same_book
from model.messages import Value, frame, message
from model.native import NativeBooks
from model.records import ASK, BID, BID_CHANGED, STATE_CHANGED, UNTRUSTED, Event
from property.hostile import hostile

LOCATES = (1, 2, 3, 4, 5)
STOCK = b"ABCD    "
PER_PAGE = 1024
LOST = ("no_order_page", "no_order", "no_level")


class Step(NamedTuple):
    """One message about an order.

    Each locate has references of its own: an order that one book lost must not free another's reference.
    """

    kind: str
    locate: int
    reference: int
    other: int
    side: bytes
    qty: int
    px: int

    def message(self) -> bytes:
        """Return the bytes."""
        reference, other = (self.locate << 40 | number for number in (self.reference, self.other))
        bodies: dict[str, tuple[Value, ...]] = {
            "A": (reference, self.side, self.qty, STOCK, self.px),
            "E": (reference, self.qty, 1),
            "X": (reference, self.qty),
            "D": (reference,),
            "U": (reference, other, self.qty, self.px),
        }
        return message(self.kind, self.locate, 0, *bodies[self.kind])


# References lie on one page or on many; prices are one level or many.
_NUMBERS = st.one_of(st.integers(0, 5), st.integers(0, 12).map(lambda page: page * PER_PAGE))
STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from("AAAAAAEXDDUU"),
        st.sampled_from(LOCATES),
        _NUMBERS,
        _NUMBERS,
        st.sampled_from((b"B", b"S")),
        st.integers(1, 3),
        st.integers(100, 112),
    ),
    max_size=120,
)


def untrusted(book: NativeBooks) -> set[int]:
    """Return the books that say they are not to be trusted."""
    return {locate for locate in LOCATES if book.summary(locate).flags & UNTRUSTED}


def lost_orders(book: NativeBooks) -> int:
    """Return how many orders found no room."""
    return sum(book.counters[reason] for reason in LOST)


def assert_sound(book: NativeBooks, locate: int) -> None:
    """Check what holds for any book: sorted, no empty level, a level is the sum of its queue."""
    for side in (BID, ASK):
        queue, levels = book.queue(locate, side), book.levels(locate, side)
        prices = [px for px, _, _ in levels]
        assert prices == sorted(set(prices), reverse=side == BID)
        assert [(px, orders, qty) for px, orders, qty in levels] == [
            (px, len(at), sum(at)) for px in prices for at in [[qty for _, p, qty in queue if p == px]]
        ]
        assert all(qty for _, _, qty in queue)


@settings(max_examples=300, deadline=None)
@given(steps=STEPS, orders=st.integers(1, 20), order_pages=st.integers(1, 8), levels=st.integers(1, 12))
def test_a_pool_that_runs_out_harms_only_the_book_that_needed_it(
    steps: list[Step], orders: int, order_pages: int, levels: int
) -> None:
    model = Model()
    with NativeBooks(orders=orders, order_pages=order_pages, levels=levels) as book:
        for step in steps:
            body = step.message()
            lost_before, distrusted_before = lost_orders(book), untrusted(book)
            events = book.feed(frame([body]))
            model.message(body)
            lost = lost_orders(book) - lost_before
            assert lost in ((0, 1) if step.kind in "AU" else (0,))
            if lost:
                assert step.locate in untrusted(book)
            if untrusted(book) != distrusted_before:
                assert [bool(event.flags & STATE_CHANGED) for event in events] == [True]
            for event in events:
                assert bool(event.flags & UNTRUSTED) == (event.locate in untrusted(book))
        distrusted = untrusted(book)
        assert_counted(book, len(steps), distrusted)
        for locate in LOCATES:
            if locate in distrusted:
                assert_sound(book, locate)
            else:
                assert_same_book(book, model, locate)


def assert_counted(book: NativeBooks, messages: int, distrusted: set[int]) -> None:
    """Check the counters against what the books hold."""
    counted = book.counters
    queues = [book.queue(locate, side) for locate in LOCATES for side in (BID, ASK)]
    sides = [book.levels(locate, side) for locate in LOCATES for side in (BID, ASK)]
    assert counted["messages"] == messages
    assert counted["untrusted_books"] == len(distrusted)
    assert bool(distrusted) == bool(lost_orders(book))
    assert counted["live_orders"] == sum(map(len, queues))
    assert counted["live_levels"] == sum(map(len, sides))
    pages = {reference // PER_PAGE for queue in queues for reference, _, _ in queue}
    assert counted["order_pages"] == len(pages)
    assert counted["order_nodes"] >= counted["live_orders"]


def _add(locate: int, reference: int, px: int) -> bytes:
    return message("A", locate, 0, reference, b"B", 1, STOCK, px)


@pytest.mark.parametrize(
    ("pool", "reason"), [("orders", "no_order"), ("order_pages", "no_order_page"), ("levels", "no_level")]
)
def test_a_pool_runs_out_at_its_number(pool: str, reason: str) -> None:
    """Each order of the three has a page and a level of its own."""
    with NativeBooks(**{pool: 3}) as book:
        book.feed(frame(_add(1, page * PER_PAGE, page) for page in range(3)))
        assert untrusted(book) == set()
        book.feed(frame([_add(2, 3 * PER_PAGE, 100)]))
        assert untrusted(book) == {2}
        assert {name: book.counters[name] for name in LOST} == dict.fromkeys(LOST, 0) | {reason: 1}
        assert len(book.queue(1, BID)) == len(book.levels(1, BID)) == 3
        assert book.queue(2, BID) == book.levels(2, BID) == []


def test_orders_of_one_page_and_one_level_need_no_more_of_them() -> None:
    with NativeBooks(order_pages=1, levels=1) as book:
        book.feed(frame(_add(1, reference, 100) for reference in range(1000)))
        assert untrusted(book) == set()
        assert book.levels(1, BID) == [(100, 1000, 1000)]


def test_an_order_that_was_lost_is_unknown_afterwards() -> None:
    with NativeBooks(levels=1) as book:
        book.feed(frame([_add(1, 1, 100), _add(1, 2, 101), message("D", 1, 0, 2)]))
        assert book.counters["unknown_reference"] == 1
        assert book.queue(1, BID) == [(1, 100, 1)]


def test_a_replace_needs_no_more_room_than_its_original_gave_back() -> None:
    with NativeBooks(orders=1, order_pages=1, levels=1) as book:
        run = [message("U", 1, 0, turn * PER_PAGE, (turn + 1) * PER_PAGE, 1, turn) for turn in range(100)]
        book.feed(frame([_add(1, 0, 100), *run]))
        assert untrusted(book) == set()
        assert book.queue(1, BID) == [(100 * PER_PAGE, 99, 1)]


def test_a_book_stays_untrusted_when_there_is_room_again() -> None:
    with NativeBooks(levels=1) as book:
        book.feed(frame([_add(1, 1, 100), _add(1, 2, 101), message("D", 1, 0, 1), _add(1, 3, 102)]))
        assert book.queue(1, BID) == [(3, 102, 1)]
        assert untrusted(book) == {1}
        assert book.counters["untrusted_books"] == 1


@pytest.mark.parametrize(
    ("limits", "kind"), [({"levels": 1}, "A"), ({"orders": 1}, "A"), ({"order_pages": 1}, "F")]
)
def test_an_order_that_is_lost_gives_an_event_that_says_so_once(limits: dict[str, int], kind: str) -> None:
    """Worked by hand: nothing of the book changes but its trust."""
    mpid = (b"GSCO",) if kind == "F" else ()
    lost = [
        message(kind, 1, 77, reference, b"B", 5, STOCK, 101, *mpid) for reference in (PER_PAGE, 2 * PER_PAGE)
    ]
    with NativeBooks(**limits) as book:
        book.feed(frame([_add(1, 1, 100)]))
        assert book.feed(frame(lost[:1])) == [
            Event(2, 77, 100, 0, 1, 0, 1, 0, 0, 0, 1, UNTRUSTED | STATE_CHANGED)
        ]
        digest = book.digest
        assert book.feed(frame(lost[1:])) == []
        assert book.digest == digest
        assert book.counters["untrusted_books"] == 1


def test_a_replace_that_is_lost_gives_an_event_of_what_left_and_of_the_trust() -> None:
    """Two orders of one share at the only level there may be: one leaves it, and finds no other."""
    with NativeBooks(levels=1) as book:
        book.feed(frame([_add(1, 1, 100), _add(1, 2, 100)]))
        assert book.feed(frame([message("U", 1, 77, 1, 3, 9, 101)])) == [
            Event(3, 77, 100, 0, 1, 0, 1, 0, 0, 0, 1, BID_CHANGED | UNTRUSTED | STATE_CHANGED)
        ]
        assert book.queue(1, BID) == [(2, 100, 1)]


def test_a_replace_behind_the_best_that_is_lost_gives_an_event_of_the_trust_alone() -> None:
    with NativeBooks(levels=2) as book:
        book.feed(frame([_add(1, 1, 100), _add(1, 2, 100), _add(1, 3, 102)]))
        assert book.feed(frame([message("U", 1, 77, 1, 4, 9, 101)])) == [
            Event(4, 77, 102, 0, 1, 0, 1, 0, 0, 0, 1, UNTRUSTED | STATE_CHANGED)
        ]
        assert book.queue(1, BID) == [(3, 102, 1), (2, 100, 1)]


def test_the_next_event_of_a_book_that_lost_an_order_says_so() -> None:
    with NativeBooks(levels=1) as book:
        book.feed(frame([_add(1, 1, 100), _add(1, 2, 101)]))
        event = book.feed(frame([message("X", 1, 0, 1, 1)]))[0]
        assert event.flags & UNTRUSTED
        assert not book.feed(frame([_add(2, 3, 100)]))[0].flags & UNTRUSTED


def test_what_orders_give_back_others_use() -> None:
    """One order at a time, through many pages, levels and books, never needs more than one of each."""
    with NativeBooks(orders=1, order_pages=1, levels=1) as book:
        run = []
        for turn in range(2000):
            locate, reference = 1 + turn % 5, turn * PER_PAGE
            run += [_add(locate, reference, turn), message("D", locate, 0, reference)]
        book.feed(frame(run))
        assert untrusted(book) == set()
        assert book.counters["live_orders"] == book.counters["order_pages"] == 0
        assert book.counters["order_nodes"] == 1


def test_the_smallest_limits_serve_every_locate_in_turn() -> None:
    """A side that was used and is empty again costs nothing that another locate could want."""
    with NativeBooks(orders=1, order_pages=1, levels=1) as book:
        run = []
        for locate in range(1, 65_536):
            run += [_add(locate, locate, 100), message("D", locate, 0, locate)]
        book.feed(frame(run))
        assert lost_orders(book) == book.counters["untrusted_books"] == 0


@pytest.mark.parametrize(
    ("orders", "order_pages", "levels"),
    [(1, 1, 1), (5000, 2, 500), (5000, 5000, 2), (7, 5000, 5000), (40, 40, 40), (300, 300, 300)],
)
def test_a_long_hostile_stream_in_small_pools_keeps_every_book_sound(
    orders: int, order_pages: int, levels: int
) -> None:
    messages = hostile(9, 20_000, width=300)
    with NativeBooks(orders=orders, order_pages=order_pages, levels=levels) as book:
        book.feed(frame(messages))
        assert book.counters["messages"] == len(messages)
        assert book.counters["order_nodes"] <= orders
        assert book.counters["order_pages"] <= order_pages
        assert book.counters["live_levels"] <= levels
        for locate in (1, 2, 3, 65_535):
            assert_sound(book, locate)
