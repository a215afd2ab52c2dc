"""Trades, states, names and malformed messages, worked by hand, for the book under test and for the model."""

from __future__ import annotations

import pytest
from model.messages import message
from model.records import (
    ASK_CHANGED,
    BID_CHANGED,
    CROSSED,
    HALTED,
    LOCKED,
    SHORT_SALE_RESTRICTED,
    STATE_CHANGED,
    TRADE,
    U32,
    Event,
)
from model.told import HERE, STOCK, Books


def test_an_execution_takes_shares_in_place_and_trades_at_the_resting_price(books: Books) -> None:
    books.add(1, b"S", 100, 100_000)
    books.add(2, b"S", 50, 100_000)
    event = books.tell("E", 1, 30, 77)
    assert event == Event(3, 0, 0, 100_000, 0, 120, 0, 2, 100_000, 30, HERE, ASK_CHANGED | TRADE)
    assert books.asks() == [(1, 100_000, 70), (2, 100_000, 50)]
    summary = books.inner.summary(HERE)
    assert (summary.last_px, summary.last_qty, summary.traded_qty) == (100_000, 30, 30)


def test_an_execution_behind_the_best_gives_an_event_for_its_trade_only(books: Books) -> None:
    books.add(1, b"S", 100, 100_000)
    books.add(2, b"S", 50, 100_100)
    event = books.tell("E", 2, 50, 77)
    assert event == Event(3, 0, 0, 100_000, 0, 100, 0, 1, 100_100, 50, HERE, TRADE)


def test_an_execution_of_all_shares_removes_the_order(books: Books) -> None:
    books.add(1, b"S", 100, 100_000)
    books.tell("E", 1, 100, 77)
    assert books.asks() == []
    assert books.inner.counters["live_levels"] == 0
    assert books.counted() == {"trades": 1}


def test_an_overfill_removes_the_order_and_trades_what_was_open(books: Books) -> None:
    books.add(1, b"S", 100, 100_000)
    event = books.tell("E", 1, 101, 77)
    assert event is not None
    assert (event.trade_px, event.trade_qty, event.flags) == (100_000, 100, ASK_CHANGED | TRADE)
    assert books.asks() == []
    assert books.inner.summary(HERE).traded_qty == 100
    assert books.counted() == {"overfill": 1, "trades": 1}


def test_an_execution_with_price_trades_at_its_own_price(books: Books) -> None:
    books.add(1, b"S", 100, 100_000)
    event = books.tell("C", 1, 40, 77, b"Y", 99_000)
    assert event is not None
    assert (event.trade_px, event.trade_qty, event.flags) == (99_000, 40, ASK_CHANGED | TRADE)
    assert books.asks() == [(1, 100_000, 60)]


def test_an_execution_that_is_not_printable_takes_shares_but_is_no_trade(books: Books) -> None:
    books.add(1, b"S", 100, 100_000)
    event = books.tell("C", 1, 40, 77, b"N", 99_000)
    assert event is not None
    assert (event.trade_px, event.trade_qty, event.flags) == (0, 0, ASK_CHANGED)
    summary = books.inner.summary(HERE)
    assert (summary.last_px, summary.last_qty, summary.traded_qty) == (0, 0, 0)
    assert books.counted() == {}


def test_a_hidden_trade_prints_without_touching_the_book(books: Books) -> None:
    books.add(1, b"B", 100, 100_000)
    event = books.tell("P", 1, b"B", 60, STOCK, 100_050, 77)
    assert event == Event(2, 0, 100_000, 0, 100, 0, 1, 0, 100_050, 60, HERE, TRADE)
    assert books.bids() == [(1, 100_000, 100)]
    assert books.counted() == {"trades": 1}


def test_a_cross_prints_its_price_and_adds_to_the_volume(books: Books) -> None:
    event = books.tell("Q", 1 << 40, STOCK, 100_050, 77, b"O")
    assert event == Event(1, 0, 0, 0, 0, 0, 0, 0, 100_050, U32, HERE, TRADE)
    summary = books.inner.summary(HERE)
    assert (summary.last_px, summary.last_qty, summary.traded_qty) == (100_050, U32, 1 << 40)
    assert books.counted() == {"crosses": 1, "trades": 1}


def test_a_cross_without_shares_is_counted_and_sets_no_price(books: Books) -> None:
    books.tell("P", 1, b"B", 60, STOCK, 100_050, 77)
    assert books.tell("Q", 0, STOCK, 99, 77, b"C") is None
    summary = books.inner.summary(HERE)
    assert (summary.last_px, summary.last_qty, summary.traded_qty) == (100_050, 60, 60)
    assert books.counted() == {"crosses": 1, "trades": 1}


def test_volume_adds_up_over_all_kinds_of_trades(books: Books) -> None:
    books.add(1, b"B", 1000, 100_000)
    books.tell("E", 1, 1, 77)
    books.tell("C", 1, 20, 77, b"Y", 99_000)
    books.tell("C", 1, 20, 77, b"N", 99_000)
    books.tell("P", 1, b"B", 300, STOCK, 100_050, 77)
    books.tell("Q", 4000, STOCK, 100_050, 77, b"C")
    assert books.inner.summary(HERE).traded_qty == 4321
    assert books.counted() == {"crosses": 1, "trades": 4}


def test_a_broken_trade_is_counted_and_changes_nothing(books: Books) -> None:
    assert books.tell("B", 77) is None
    assert books.counted() == {"broken_trades": 1}


def test_equal_prices_lock_the_book_and_better_ones_cross_it(books: Books) -> None:
    books.add(1, b"B", 10, 100_000)
    locked = books.add(2, b"S", 10, 100_000)
    crossed = books.add(3, b"S", 10, 99_999)
    uncrossed = books.tell("D", 3)
    unlocked = books.tell("D", 1)
    flags = [event.flags for event in (locked, crossed, uncrossed, unlocked) if event is not None]
    assert flags == [ASK_CHANGED | LOCKED, ASK_CHANGED | CROSSED, ASK_CHANGED | LOCKED, BID_CHANGED]


@pytest.mark.parametrize("state", [b"H", b"P", b"Q"])
def test_a_book_is_halted_until_it_trades_again(books: Books, state: bytes) -> None:
    halted = books.tell("H", STOCK, state, b" ", b"LUDP")
    assert halted == Event(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, HERE, STATE_CHANGED | HALTED)
    added = books.add(1, b"B", 10, 100_000)
    assert added is not None
    assert added.flags == BID_CHANGED | HALTED
    assert books.inner.summary(HERE).flags == HALTED
    assert books.tell("H", STOCK, state, b" ", b"LUDP") is None, "the same state again is no change"
    trading = books.tell("H", STOCK, b"T", b" ", b"    ")
    assert trading is not None
    assert trading.flags == STATE_CHANGED
    summary = books.inner.summary(HERE)
    assert (summary.flags, summary.trading_state) == (0, b"T")


def test_a_book_whose_state_nobody_told_is_not_halted(books: Books) -> None:
    event = books.add(1, b"B", 10, 100_000)
    assert event is not None
    assert event.flags == BID_CHANGED
    assert books.inner.summary(HERE).flags == 0


def test_an_operational_halt_halts_whatever_the_trading_state_says(books: Books) -> None:
    flags = []
    for kind, values in (
        ("H", (STOCK, b"T", b" ", b"    ")),
        ("h", (STOCK, b"Q", b"H")),
        ("H", (STOCK, b"P", b" ", b"LUDP")),
        ("h", (STOCK, b"Q", b"T")),
        ("H", (STOCK, b"T", b" ", b"    ")),
    ):
        books.tell(kind, *values)
        flags.append(books.inner.summary(HERE).flags)
    assert flags == [0, HALTED, HALTED, HALTED, 0]


def test_a_short_sale_restriction_is_flagged_until_it_is_lifted(books: Books) -> None:
    restricted = books.tell("Y", STOCK, b"1")
    remains = books.tell("Y", STOCK, b"2")
    lifted = books.tell("Y", STOCK, b"0")
    assert restricted == Event(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, HERE, STATE_CHANGED | SHORT_SALE_RESTRICTED)
    assert remains is None
    assert lifted is not None
    assert lifted.flags == STATE_CHANGED


def test_a_name_is_learned_from_the_first_message_that_has_one(books: Books) -> None:
    assert books.inner.summary(HERE).symbol == b""
    books.tell("H", b"FIRST   ", b"T", b" ", b"    ")
    books.add(1, b"B", 10, 100_000)
    assert books.inner.summary(HERE).symbol == b"FIRST   "
    assert books.inner.counters["symbols"] == 1


def test_the_stock_directory_has_the_last_word_on_a_name(books: Books) -> None:
    books.add(1, b"B", 10, 100_000)
    directory = (b"Q", b"N", 100, b"N", b"C", b"Z ", b"P", b"N", b"N", b"1", b"N", 0, b"N")
    books.tell("R", b"LAST    ", *directory)
    assert books.inner.summary(HERE).symbol == b"LAST    "
    assert books.inner.counters["symbols"] == 1


def test_a_wrong_length_is_counted_and_ignored(books: Books) -> None:
    add = message("A", HERE, 0, 1, b"B", 10, STOCK, 100_000)
    for body in (b"", add[:-1], add + b"\0", b"A", b"S" * 65_535):
        assert books.raw(body) is None
    assert books.counted() == {"bad_length": 5}
    assert books.inner.by_type == {}


def test_an_unknown_type_is_counted_and_ignored(books: Books) -> None:
    for body in (b"a", b"Z" * 36, b"\0" * 11, b"\xff" * 300):
        assert books.raw(body) is None
    assert books.counted() == {"unknown_type": 4}


def test_every_framed_message_takes_one_sequence_number(books: Books) -> None:
    for body in (b"", b"A", b"Z", message("S", 0, 0, b"O"), message("D", HERE, 0, 5)):
        books.raw(body)
    event = books.add(1, b"B", 10, 100_000)
    assert event is not None
    assert event.sequence == 6
    assert books.inner.counters["messages"] == 6


def test_well_formed_messages_are_counted_by_type(books: Books) -> None:
    books.tell("S", b"O", locate=0)
    books.tell("D", 5)
    books.tell("D", 5, locate=0)
    assert books.inner.by_type == {"S": 1, "D": 2}
