"""What each message does to the orders, worked by hand, for the book under test and for the model."""

from __future__ import annotations

import pytest
from model.messages import frame, message
from model.records import (
    ASK,
    ASK_CHANGED,
    BID,
    BID_CHANGED,
    LOCKED,
    STALE,
    U32,
    Event,
)
from model.told import HERE, STOCK, THERE, Books


def test_a_message_of_a_wrong_length_makes_only_the_book_stale_that_it_names(books: Books) -> None:
    books.add(1, b"B", 300, 100_500)
    books.add(2, b"B", 300, 100_500, locate=THERE)
    assert books.raw(b"D" + HERE.to_bytes(2, "big") + bytes(8)) is None
    assert books.counted() == {"bad_length": 1}
    here, there = books.add(3, b"B", 10, 100_600), books.add(4, b"B", 10, 100_600, locate=THERE)
    assert here is not None
    assert there is not None
    assert here.flags == BID_CHANGED | STALE
    assert there.flags == BID_CHANGED
    assert [books.inner.summary(locate).flags for locate in (HERE, THERE)] == [STALE, 0]


def test_what_came_before_a_malformed_message_is_not_stale_however_it_was_fed(books: Books) -> None:
    short = b"D" + HERE.to_bytes(2, "big") + bytes(8)
    events = books.inner.feed(
        frame([message("A", HERE, 0, 1, b"B", 300, STOCK, 100_500), short, message("D", HERE, 0, 1)])
    )
    assert [event.flags for event in events] == [BID_CHANGED, BID_CHANGED | STALE]


def test_an_added_bid_becomes_the_best_and_gives_an_event(books: Books) -> None:
    event = books.add(1, b"B", 300, 100_500, at_ns=34_200_000_000_001)
    assert event == Event(1, 34_200_000_000_001, 100_500, 0, 300, 0, 1, 0, 0, 0, HERE, BID_CHANGED)
    assert books.bids() == [(1, 100_500, 300)]
    assert books.inner.counters["live_orders"] == 1
    assert books.inner.counters["live_levels"] == 1


def test_an_added_ask_with_attribution_joins_like_any_other(books: Books) -> None:
    event = books.tell("F", 1, b"S", 300, STOCK, 100_500, b"GSCO")
    assert event is not None
    assert (event.ask_px, event.ask_qty, event.ask_orders, event.flags) == (100_500, 300, 1, ASK_CHANGED)
    assert books.asks() == [(1, 100_500, 300)]


def test_orders_at_one_price_queue_in_the_order_they_came(books: Books) -> None:
    for reference, qty in ((5, 100), (3, 200), (9, 300)):
        books.add(reference, b"B", qty, 100_000)
    assert books.bids() == [(5, 100_000, 100), (3, 100_000, 200), (9, 100_000, 300)]
    assert books.inner.levels(HERE, BID) == [(100_000, 3, 600)]


def test_the_best_bid_is_the_highest_and_the_best_ask_the_lowest(books: Books) -> None:
    for reference, px in enumerate((100_100, 100_300, 100_200), 1):
        books.add(reference, b"B", 10, px)
        books.add(reference + 10, b"S", 10, px + 1000)
    assert [px for _, px, _ in books.bids()] == [100_300, 100_200, 100_100]
    assert [px for _, px, _ in books.asks()] == [101_100, 101_200, 101_300]


def test_a_change_behind_the_best_gives_no_event(books: Books) -> None:
    books.add(1, b"B", 10, 100_300)
    assert books.add(2, b"B", 10, 100_200) is None
    assert books.tell("X", 2, 5) is None
    assert books.tell("D", 2) is None


def test_the_lowest_and_the_highest_price_are_prices_like_any_other(books: Books) -> None:
    for reference, (side, px) in enumerate(((b"B", 0), (b"B", U32), (b"S", 0), (b"S", U32)), 1):
        books.add(reference, side, 10, px)
    assert books.bids() == [(2, U32, 10), (1, 0, 10)]
    assert books.asks() == [(3, 0, 10), (4, U32, 10)]
    event = books.tell("D", 2)
    assert event is not None
    assert (event.bid_px, event.bid_qty, event.bid_orders) == (0, 10, 1)
    assert event.flags == BID_CHANGED | LOCKED


def test_a_level_holds_more_than_32_bits_of_shares_and_the_event_says_the_most_it_can(books: Books) -> None:
    books.add(1, b"B", U32, 100_000)
    event = books.add(2, b"B", U32, 100_000)
    assert event is not None
    assert (event.bid_qty, event.bid_orders) == (U32, 2)
    assert books.inner.levels(HERE, BID) == [(100_000, 2, 2 * U32)]
    assert books.tell("X", 2, 10) is None, "nothing that an event could show has changed"
    assert books.inner.levels(HERE, BID) == [(100_000, 2, 2 * U32 - 10)]


def test_a_live_reference_stays_what_it_was_when_it_is_added_again(books: Books) -> None:
    books.add(1, b"B", 10, 100_000)
    assert books.add(1, b"S", 20, 100_500) is None
    assert books.add(1, b"B", 20, 100_500, locate=THERE) is None
    assert books.bids() == [(1, 100_000, 10)]
    assert books.asks() == books.inner.queue(THERE, BID) == []
    assert books.counted() == {"duplicate_reference": 2}


def test_a_reference_that_has_left_may_come_back(books: Books) -> None:
    books.add(1, b"B", 10, 100_000)
    books.tell("D", 1)
    books.add(1, b"S", 20, 100_500, locate=THERE)
    assert books.inner.queue(THERE, ASK) == [(1, 100_500, 20)]
    assert books.counted() == {}


def test_an_add_is_checked_for_locate_then_side_then_shares_then_reference(books: Books) -> None:
    books.add(1, b"B", 10, 100_000)
    books.add(1, b"?", 0, 100_000, locate=0)
    assert books.counted() == {"bad_locate": 1}
    books.add(1, b"?", 0, 100_000)
    assert books.counted() == {"bad_locate": 1, "bad_side": 1}
    books.add(1, b"B", 0, 100_000)
    assert books.counted() == {"bad_locate": 1, "bad_side": 1, "zero_quantity": 1}
    books.add(1, b"B", 10, 100_000)
    assert books.counted() == {
        "bad_locate": 1,
        "bad_side": 1,
        "zero_quantity": 1,
        "duplicate_reference": 1,
    }
    assert books.bids() == [(1, 100_000, 10)]


@pytest.mark.parametrize("locate", [0, 101, 65_535])
@pytest.mark.parametrize("reference", [1, 2])
def test_a_bad_locate_is_the_first_check_of_every_order_message(
    books: Books, locate: int, reference: int
) -> None:
    """Whether the reference is live (1) or unknown (2)."""
    books.add(1, b"B", 10, 100_000)
    books.tell("E", reference, 0, 1, locate=locate)
    books.tell("C", reference, 1, 1, b"Y", 100_000, locate=locate)
    books.tell("X", reference, 1, locate=locate)
    books.tell("D", reference, locate=locate)
    books.tell("U", reference, 3, 0, 100_000, locate=locate)
    books.tell("F", reference, b"B", 0, STOCK, 100_000, b"GSCO", locate=locate)
    assert books.counted() == {"bad_locate": 6}
    assert books.bids() == [(1, 100_000, 10)]


def test_the_last_configured_locate_is_a_book(books: Books) -> None:
    books.add(1, b"B", 10, 100_000, locate=100)
    assert books.inner.queue(100, BID) == [(1, 100_000, 10)]
    assert books.counted() == {}


@pytest.mark.parametrize("asked", [100, 101, U32])
def test_a_cancel_of_all_shares_or_more_removes_the_order(books: Books, asked: int) -> None:
    books.add(1, b"B", 100, 100_000)
    books.tell("X", 1, asked)
    assert books.bids() == []
    assert books.counted() == ({"overfill": 1} if asked > 100 else {})


def test_taking_zero_shares_changes_nothing(books: Books) -> None:
    books.add(1, b"B", 100, 100_000)
    assert books.tell("E", 1, 0, 77) is None
    assert books.tell("C", 1, 0, 77, b"Y", 100_000) is None
    assert books.tell("X", 1, 0) is None
    assert books.bids() == [(1, 100_000, 100)]
    assert books.counted() == {"zero_quantity": 3}


def test_an_unknown_reference_harms_nothing(books: Books) -> None:
    books.add(1, b"B", 100, 100_000)
    for unknown in (0, 2, 1 << 32 | 1, (1 << 64) - 1):
        assert books.tell("E", unknown, 0, 77) is None
        assert books.tell("C", unknown, 10, 77, b"Y", 100_000) is None
        assert books.tell("X", unknown, 10) is None
        assert books.tell("D", unknown) is None
        assert books.tell("U", unknown, 3, 10, 100_000) is None
    assert books.bids() == [(1, 100_000, 100)]
    assert books.counted() == {"unknown_reference": 20}


def test_an_order_of_another_locate_is_left_alone(books: Books) -> None:
    books.add(1, b"B", 100, 100_000)
    books.tell("E", 1, 0, 77, locate=THERE)
    books.tell("C", 1, 10, 77, b"Y", 100_000, locate=THERE)
    books.tell("X", 1, 10, locate=THERE)
    books.tell("D", 1, locate=THERE)
    books.tell("U", 1, 3, 0, 100_000, locate=THERE)
    assert books.bids() == [(1, 100_000, 100)]
    assert books.counted() == {"wrong_locate": 5}


def test_a_replace_moves_to_the_tail_and_keeps_its_side(books: Books) -> None:
    for reference in (1, 2, 3):
        books.add(reference, b"S", 100, 100_000)
    event = books.tell("U", 1, 4, 70, 100_000)
    assert event is not None
    assert (event.ask_qty, event.ask_orders) == (270, 3)
    assert books.asks() == [(2, 100_000, 100), (3, 100_000, 100), (4, 100_000, 70)]


def test_a_replace_by_the_same_reference_loses_its_place(books: Books) -> None:
    for reference in (1, 2):
        books.add(reference, b"S", 100, 100_000)
    assert books.tell("U", 1, 1, 100, 100_000) is None, "the best is what it was"
    assert books.asks() == [(2, 100_000, 100), (1, 100_000, 100)]
    assert books.counted() == {}


def test_a_replace_to_zero_shares_only_removes(books: Books) -> None:
    books.add(1, b"S", 100, 100_000)
    books.tell("U", 1, 2, 0, 100_000)
    assert books.asks() == []
    assert books.counted() == {"zero_quantity": 1}


def test_a_replace_by_another_live_reference_only_removes(books: Books) -> None:
    books.add(1, b"S", 100, 100_000)
    books.add(2, b"S", 50, 100_100)
    books.tell("U", 1, 2, 10, 100_000)
    assert books.asks() == [(2, 100_100, 50)]
    assert books.counted() == {"duplicate_reference": 1}


def test_a_replace_is_one_message_and_one_event(books: Books) -> None:
    books.add(1, b"B", 100, 100_000)
    event = books.tell("U", 1, 2, 100, 100_100)
    assert event == Event(2, 0, 100_100, 0, 100, 0, 1, 0, 0, 0, HERE, BID_CHANGED)
