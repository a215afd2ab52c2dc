"""The risk gate at the edges: of its types, of time, of what is open and what it cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model.risk import (
    ACCOUNT,
    ASK,
    BID,
    KILLED,
    REPLACE,
    STRATEGY,
    SYMBOL,
    U32,
    U64,
    Ask,
    Limits,
    Reject,
)  # fmt: skip
from model.risk_gate import Gate
from model.risk_scenes import INSTRUMENTS, open_gate

MOST = (1 << 31) - 1


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Give an open gate without limits."""
    with Gate(INSTRUMENTS) as gate:
        open_gate(gate)
        yield gate


# --- types


def test_the_largest_notional_is_exact(gate: Gate) -> None:
    largest = U32 * U32
    assert gate.set_limits(ACCOUNT, 0, Limits(notional=largest - 1))
    assert gate.check(Ask(px=U32, qty=U32)) == Reject("notional", largest, largest - 1)
    assert gate.set_limits(ACCOUNT, 0, Limits(notional=largest))
    assert gate.check(Ask(px=U32, qty=U32)) == Reject("long", U32, MOST)  # so many cannot be kept


def test_no_more_shares_are_let_through_than_can_be_kept(gate: Gate) -> None:
    gate.restore_shares(0, ASK, 1, MOST)
    assert gate.check(Ask(qty=U32)) == Reject("long", U32 - MOST, MOST)
    assert gate.check(Ask(qty=U32 - 1)) is None
    assert gate.state(0).position == -MOST
    assert gate.state(0).open_qty[BID] == U32 - 1
    assert gate.check(Ask(qty=2)) == Reject("long", MOST + 2, MOST)
    # one in the place of the other, and both may be open for a moment: no more than can be counted
    swap = Ask(action=REPLACE, replaces_px=100_0000, replaces_qty=10, qty=1)
    assert gate.check(replace(swap, qty=2)) == Reject("long", U32 + 1, U32)
    assert gate.check(swap) is None
    assert gate.check(swap) == Reject("long", U32 + 1, U32)


def test_gross_exposure_is_exact_beyond_64_bits_and_shown_as_the_largest_number(gate: Gate) -> None:
    for instrument in range(INSTRUMENTS):
        assert gate.check(Ask(instrument=instrument, side=BID, px=U32, qty=MOST)) is None
        assert gate.check(Ask(instrument=instrument, side=ASK, px=U32, qty=MOST)) is None
    assert 6 * U32 * MOST > U64
    assert gate.totals.gross == U64
    for instrument in range(INSTRUMENTS):
        gate.release(instrument, ASK, U32, MOST)
    assert gate.totals.gross == U64
    gate.release(2, BID, U32, MOST)
    gate.release(1, BID, U32, MOST - 1)
    assert gate.totals.gross == U32 * MOST + U32
    assert gate.set_limits(STRATEGY, 0, Limits(gross=U64 - 1))
    beyond = Ask(instrument=2, side=ASK, px=U32, qty=MOST)
    assert gate.check(beyond) is None
    assert gate.check(replace(beyond, instrument=1)) == Reject("gross", U64, U64 - 1)


def test_gross_exposure_is_exact_where_both_orders_of_a_replace_are_beyond_64_bits(gate: Gate) -> None:
    highest = {"px": U32, "bid_px": U32, "ask_px": U32, "last_px": U32}
    for side in (BID, ASK):
        assert gate.check(Ask(side=side, qty=MOST, **highest)) is None
    before = 2 * U32 * MOST
    assert gate.totals.gross == before
    assert before + 10 * U32 > U64
    replaces = {"action": REPLACE, "replaces_px": U32, "replaces_qty": MOST}
    assert gate.check(Ask(qty=10, **highest, **replaces)) is None
    assert gate.totals.gross == U64
    assert gate.check(Ask(instrument=1, px=7, qty=1)) is None
    gate.release(0, BID, U32, 10)
    assert gate.totals.gross == before + 7
    assert gate.check(Ask(instrument=1, px=5, qty=1)) is None
    assert gate.totals.gross == before + 12


def test_beyond_64_bits_every_gross_limit_is_passed(gate: Gate) -> None:
    for instrument in range(INSTRUMENTS):
        gate.restore_order(instrument, BID, U32, U32)
    assert gate.set_limits(ACCOUNT, 0, Limits(gross=U64 - 1))
    assert gate.check(Ask(side=ASK, px=100, qty=1)) == Reject("gross", U64, U64 - 1)


def test_no_quantity_leaves_no_notional(gate: Gate) -> None:
    assert gate.check(Ask(px=100_0000, qty=100)) is None
    gate.release(0, BID, 99_0000, 100)
    assert list(gate.state(0).open_notional) == [0, 0]
    assert gate.totals.gross == 0


def test_a_position_beyond_what_can_be_kept_kills_the_gate(gate: Gate) -> None:
    gate.restore_shares(0, BID, 1, MOST)
    assert gate.totals.overflows == 0
    gate.fill(0, BID, 1, 1, 1)
    assert (gate.state(0).position, gate.state(0).held_notional) == (MOST, MOST)
    assert gate.totals.overflows == 1
    assert gate.check(Ask()) == Reject("killed", KILLED, 0)


def test_an_open_quantity_beyond_what_can_be_kept_kills_the_gate(gate: Gate) -> None:
    gate.restore_order(0, ASK, U32, U32)
    assert gate.state(0).open_notional[ASK] == U32 * U32
    assert gate.totals.gate != KILLED
    gate.restore_order(0, ASK, U32, 1)
    assert gate.state(0).open_qty[ASK] == U32
    assert gate.state(0).open_orders == 2
    assert gate.totals.gate == KILLED


# --- collar

BOOK = {"bid_px": 10_0000, "ask_px": 10_1000, "last_px": 10_0500}


@pytest.mark.parametrize(
    ("side", "book", "bps", "last_allowed"),
    [
        (BID, BOOK, 100, 10_1505),  # of 10.05, the lower of ask and last trade
        (BID, BOOK | {"last_px": 0}, 100, 10_2010),  # of 10.10
        (BID, BOOK | {"ask_px": 0}, 100, 10_1505),  # of 10.05
        (BID, BOOK | {"ask_px": 0, "last_px": 0}, 100, 10_1000),  # of 10.00
        (BID, BOOK | {"last_px": 99_0000}, 100, 10_2010),  # of 10.10
        (BID, BOOK, 0, 10_0500),
        (BID, BOOK, 65534, 75_9116),  # 655.34 % of 10.05 more: 75.91167
        (ASK, BOOK, 100, 9_9495),  # of 10.05, the higher of bid and last trade
        (ASK, BOOK | {"last_px": 0}, 100, 9_9000),  # of 10.00
        (ASK, BOOK | {"bid_px": 0}, 100, 9_9495),
        (ASK, BOOK | {"bid_px": 0, "last_px": 0}, 100, 9_9990),  # of 10.10
        (ASK, BOOK | {"last_px": 1}, 100, 9_9000),
        (ASK, BOOK, 0, 10_0500),
        (ASK, BOOK, 33, 10_0169),  # 10.016835
        (BID, BOOK, 33, 10_0831),  # 10.083165
    ],
)
def test_the_collar_ends_where_the_reference_puts_it(
    side: int, book: dict[str, int], bps: int, last_allowed: int, gate: Gate
) -> None:
    assert gate.set_limits(SYMBOL, 0, Limits(collar_bps=bps))
    beyond = last_allowed + (1 if side == BID else -1)
    assert gate.check(Ask(side=side, px=beyond, **book)) == Reject("collar", beyond, last_allowed)
    assert gate.check(Ask(side=side, px=last_allowed, **book)) is None


def test_the_passive_side_of_the_reference_is_free(gate: Gate) -> None:
    assert gate.set_limits(SYMBOL, 0, Limits(collar_bps=0))
    assert gate.check(Ask(side=BID, px=1, **BOOK)) is None
    assert gate.check(Ask(side=ASK, px=U32, **BOOK)) is None


def test_a_sell_may_go_down_to_the_lowest_price_where_the_collar_is_all_of_it(gate: Gate) -> None:
    for bps in (10_000, 10_001, 65_534):
        assert gate.set_limits(SYMBOL, 0, Limits(collar_bps=bps))
        assert gate.check(Ask(side=ASK, px=1, **BOOK)) is None


def test_the_collar_is_exact_at_the_highest_price(gate: Gate) -> None:
    assert gate.set_limits(SYMBOL, 0, Limits(collar_bps=1))
    highest = {"bid_px": U32, "ask_px": U32, "last_px": U32}
    assert gate.check(Ask(side=BID, px=U32, qty=1, **highest)) is None
    bound = -(-U32 * 9_999 // 10_000)
    assert gate.check(Ask(side=ASK, px=bound - 1, qty=1, **highest)) == Reject("collar", bound - 1, bound)
    assert gate.check(Ask(side=ASK, px=bound, qty=1, **highest)) is None


def test_without_a_collar_a_book_without_prices_is_no_obstacle(gate: Gate) -> None:
    assert gate.check(Ask(bid_px=0, ask_px=0, last_px=0)) is None


# --- duplicates


def test_a_duplicate_is_the_last_order_of_its_side_once_more(gate: Gate) -> None:
    assert gate.set_limits(ACCOUNT, 0, Limits(duplicate_cycles=1000))
    order = Ask(rx_cycles=5000)
    assert gate.check(order) is None
    assert gate.check(replace(order, rx_cycles=5999)) == Reject("duplicate", 999, 1000)
    assert gate.check(replace(order, rx_cycles=4000)) == Reject("duplicate", 0, 1000)  # time went back
    assert gate.check(replace(order, side=ASK, rx_cycles=5001)) is None
    assert gate.check(replace(order, instrument=1, rx_cycles=5001)) is None
    assert gate.check(replace(order, rx_cycles=5999)) == Reject("duplicate", 999, 1000)
    assert gate.check(replace(order, rx_cycles=6000)) is None
    assert gate.check(replace(order, qty=101, rx_cycles=6001)) is None
    assert gate.check(replace(order, rx_cycles=6002)) is None  # another came between
    assert gate.check(replace(order, px=99_9999, rx_cycles=6003)) is None


def test_a_refused_order_is_no_original(gate: Gate) -> None:
    assert gate.set_limits(ACCOUNT, 0, Limits(duplicate_cycles=1000, qty=99))
    assert gate.check(Ask()) == Reject("quantity", 100, 99)
    assert gate.set_limits(ACCOUNT, 0, Limits(duplicate_cycles=1000))
    assert gate.check(Ask()) is None


# --- rate


def test_a_burst_is_used_up_and_earned_again(gate: Gate) -> None:
    assert gate.set_limits(ACCOUNT, 0, Limits(message_cycles=100, burst=3))
    at = Ask(rx_cycles=10_000)
    assert [gate.check(at) for _ in range(3)] == [None, None, None]
    assert gate.check(at) == Reject("rate", 400, 300)
    assert gate.check(replace(at, rx_cycles=10_099)) == Reject("rate", 301, 300)
    assert gate.check(replace(at, rx_cycles=10_100)) is None
    assert gate.check(replace(at, rx_cycles=10_100, instrument=1)) == Reject("rate", 400, 300)
    assert gate.check(replace(at, rx_cycles=9_000)) == Reject("rate", 1500, 300)
    assert [gate.check(replace(at, rx_cycles=99_000)) for _ in range(3)] == [None, None, None]
    assert gate.check(replace(at, rx_cycles=99_000)) == Reject("rate", 400, 300)


def test_a_symbol_has_a_bucket_of_its_own(gate: Gate) -> None:
    assert gate.set_limits(SYMBOL, 0, Limits(message_cycles=100, burst=1))
    assert gate.check(Ask()) is None
    assert gate.check(Ask()) == Reject("symbol_rate", 200, 100)
    assert gate.check(Ask(rx_cycles=1_000_099)) == Reject("symbol_rate", 101, 100)
    assert gate.check(Ask(instrument=1)) is None
    assert gate.check(Ask(instrument=1)) is None


def test_cancels_use_no_messages_up_and_are_counted(gate: Gate) -> None:
    assert gate.set_limits(ACCOUNT, 0, Limits(message_cycles=100, burst=1))
    for _ in range(10):
        gate.cancelled_message(0)
    assert gate.check(Ask()) is None
    assert gate.totals.cancels == 10


@given(
    scope=st.sampled_from([ACCOUNT, STRATEGY, SYMBOL]),
    cycles=st.integers(1, 1000),
    burst=st.integers(1, 5),
    gaps=st.lists(st.integers(0, 3000), min_size=1, max_size=40),
)
def test_the_bucket_lets_through_what_counted_tokens_would(
    scope: int, cycles: int, burst: int, gaps: list[int]
) -> None:
    with Gate(INSTRUMENTS) as gate:
        open_gate(gate)
        assert gate.set_limits(scope, 0, Limits(message_cycles=cycles, burst=burst))
        now, tokens = 50_000, Fraction(burst)
        for gap in gaps:
            now += gap
            tokens = min(Fraction(burst), tokens + Fraction(gap, cycles))
            passes = tokens >= 1
            tokens -= passes
            assert (gate.check(Ask(rx_cycles=now)) is None) == passes


def test_the_end_of_time_shuts_the_gate_and_wraps_nothing(gate: Gate) -> None:
    assert gate.set_limits(ACCOUNT, 0, Limits(message_cycles=U32, burst=2))
    assert gate.check(Ask(rx_cycles=U64)) is None
    assert gate.totals.earned_cycles == U64
    assert gate.check(Ask(rx_cycles=0)) == Reject("rate", U64, 2 * U32)


# --- open orders


def test_open_orders_are_counted_in_all_and_by_symbol(gate: Gate) -> None:
    assert gate.set_limits(ACCOUNT, 0, Limits(open_orders=3))
    assert gate.set_limits(SYMBOL, 0, Limits(open_orders=2))
    assert gate.check(Ask()) is None
    assert gate.check(Ask(side=ASK)) is None
    assert gate.check(Ask()) == Reject("symbol_open_orders", 3, 2)
    assert gate.check(Ask(instrument=1)) is None
    assert gate.check(Ask(instrument=1)) == Reject("open_orders", 4, 3)
    assert gate.check(Ask(action=REPLACE, replaces_px=100_0000, replaces_qty=100)) is None
    gate.close_order(0, BID)
    gate.close_order(0, BID)
    assert gate.totals.open_orders == 2
    assert gate.check(Ask()) is None


def test_what_ends_without_having_begun_is_a_surprise(gate: Gate) -> None:
    gate.close_order(0, BID)
    gate.release(0, BID, 100, 1)
    gate.fill(0, ASK, 100, 100, 5)
    gate.fill(INSTRUMENTS, ASK, 100, 100, 5)
    gate.own_best(U32, ASK, 100)
    assert gate.totals.surprises == 5
    assert gate.totals.open_orders == 0
    assert gate.state(0).position == -5
    assert gate.totals.gross == 500
