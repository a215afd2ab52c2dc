"""What the risk gate counts against its limits: positions, open orders, and one in the place of another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from model.risk import ACCOUNT, ASK, BID, OPEN, REDUCE_ONLY, REPLACE, Ask, Limits, Reject
from model.risk_gate import Gate
from model.risk_scenes import INSTRUMENTS, open_gate

PX = 10_0000


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Give an open gate without limits."""
    with Gate(INSTRUMENTS) as gate:
        open_gate(gate)
        yield gate


def buy(qty: int, px: int = PX, **more: int) -> Ask:
    return Ask(side=BID, qty=qty, px=px, **more)


def sell(qty: int, px: int = PX, **more: int) -> Ask:
    return Ask(side=ASK, qty=qty, px=px, **more)


# --- positions


def test_open_orders_count_as_filled_and_the_other_side_does_not_help(gate: Gate) -> None:
    assert gate.set_limits(ACCOUNT, 0, Limits(long_qty=300, short_qty=200))
    assert gate.check(buy(200)) is None
    assert gate.check(sell(200)) is None
    assert gate.check(buy(101)) == Reject("long", 301, 300)
    assert gate.check(sell(1)) == Reject("short", 201, 200)
    gate.fill(0, BID, PX, PX, 200)
    assert gate.check(buy(101)) == Reject("long", 301, 300)
    assert gate.check(sell(201)) == Reject("short", 201, 200)  # 400 of 200 held
    assert gate.check(sell(200)) is None
    gate.release(0, ASK, PX, 400)
    assert gate.check(sell(401)) == Reject("short", 201, 200)
    assert gate.check(sell(400)) is None


def test_above_a_lowered_limit_only_what_shrinks_the_position_passes(gate: Gate) -> None:
    gate.restore_shares(0, BID, PX, 1000)
    assert gate.set_limits(ACCOUNT, 0, Limits(long_qty=100, gross=1))
    assert gate.check(buy(1)) == Reject("long", 1001, 100)
    assert gate.check(sell(1001)) == Reject("gross", 1001 * PX + 1000 * PX, 1)
    assert gate.check(sell(600)) is None
    assert gate.check(sell(400)) is None
    assert gate.check(sell(1)) == Reject("gross", 1001 * PX + 1000 * PX, 1)
    assert gate.totals.gross == 1000 * PX
    gate.fill(0, ASK, PX, PX, 1000)
    assert gate.totals.gross == 0


# --- gross exposure


def test_gross_is_what_positions_cost_and_what_open_orders_would(gate: Gate) -> None:
    assert gate.check(buy(100, 10_0000)) is None
    assert gate.check(sell(50, 11_0000)) is None
    assert gate.check(Ask(instrument=2, side=ASK, qty=10, px=5_0000)) is None
    assert gate.totals.gross == 100 * 10_0000 + 50 * 11_0000 + 10 * 5_0000
    gate.fill(0, BID, 10_0000, 9_9000, 40)  # cheaper than asked for: not counted as less
    assert gate.state(0).held_notional == 40 * 10_0000
    assert gate.totals.gross == 100 * 10_0000 + 50 * 11_0000 + 10 * 5_0000
    gate.fill(2, ASK, 5_0000, 5_0100, 10)  # dearer: counted
    assert gate.state(2).held_notional == 10 * 5_0100
    gate.fill(0, BID, 10_0000, 10_0000, 10)
    assert gate.state(0).position == 50
    assert gate.state(0).exposure == 50 * 10_0000 + 50 * 10_0000  # the sells can only close now
    gate.fill(0, BID, 10_0000, 10_0000, 10)
    gate.fill(0, ASK, 11_0000, 11_0000, 50)
    assert (gate.state(0).position, gate.state(0).held_notional) == (10, 10 * 10_0000)


def test_the_cost_of_what_is_left_is_rounded_up(gate: Gate) -> None:
    gate.restore_shares(0, BID, 10, 1)
    gate.restore_shares(0, BID, 11, 2)
    assert gate.state(0).held_notional == 32
    gate.restore_shares(0, ASK, 999, 1)
    assert gate.state(0).held_notional == 22  # two thirds of 32 are 21.3
    gate.restore_shares(0, ASK, 999, 1)
    assert gate.state(0).held_notional == 11
    gate.restore_shares(0, ASK, 7, 4)
    assert (gate.state(0).position, gate.state(0).held_notional) == (-3, 21)


def test_a_broken_trade_is_taken_away_again(gate: Gate) -> None:
    assert gate.check(buy(100)) is None
    gate.fill(0, BID, PX, PX, 100)
    gate.close_order(0, BID)
    gate.restore_shares(0, ASK, PX, 100)
    state = gate.state(0)
    assert (state.position, state.held_notional, state.exposure, state.open_orders) == (0, 0, 0, 0)
    assert gate.totals.surprises == 0


def test_an_order_that_would_turn_the_position_counts_with_all_of_its_side(gate: Gate) -> None:
    gate.restore_shares(0, BID, PX, 100)
    assert gate.check(sell(100, 2 * PX)) is None
    assert gate.totals.gross == 100 * PX
    assert gate.check(sell(1, 2 * PX)) is None
    assert gate.totals.gross == 100 * PX + 101 * 2 * PX


# --- one in the place of another


def test_a_replace_is_checked_with_the_larger_of_both_and_keeps_both(gate: Gate) -> None:
    assert gate.set_limits(ACCOUNT, 0, Limits(long_qty=100, gross=100 * PX))
    assert gate.check(buy(100)) is None
    smaller = buy(60, action=REPLACE, replaces_px=PX, replaces_qty=100)
    assert gate.check(buy(60)) == Reject("long", 160, 100)
    assert gate.check(buy(101, action=REPLACE, replaces_px=PX, replaces_qty=100)) == Reject("long", 101, 100)
    dearer = buy(100, PX + 1, action=REPLACE, replaces_px=PX, replaces_qty=100)
    assert gate.check(dearer) == Reject("gross", 100 * (PX + 1), 100 * PX)
    assert gate.check(smaller) is None
    assert gate.state(0).open_qty[BID] == 160
    assert gate.check(buy(1)) == Reject("long", 161, 100)  # until the venue has answered
    gate.release(0, BID, PX, 100)
    gate.close_order(0, BID)
    assert gate.state(0).open_qty[BID] == 60
    assert gate.totals.gross == 60 * PX
    assert gate.check(buy(40)) is None


def test_a_replace_counts_shares_of_both_at_the_price_of_the_dearer(gate: Gate) -> None:
    assert gate.check(buy(100, 10_0000)) is None
    cheaper = buy(150, 9_0000, action=REPLACE, replaces_px=10_0000, replaces_qty=100)
    worst = 100 * 10_0000 + 50 * 9_0000  # all of the old one is filled, and then 50 of the new one
    assert gate.set_limits(ACCOUNT, 0, Limits(gross=worst - 1))
    assert gate.check(cheaper) == Reject("gross", worst, worst - 1)
    assert gate.set_limits(ACCOUNT, 0, Limits(gross=worst))
    assert gate.check(cheaper) is None
    gate.fill(0, BID, 10_0000, 10_0000, 100)
    gate.close_order(0, BID)
    gate.release(0, BID, 9_0000, 100)
    assert gate.totals.gross == worst


def test_a_smaller_and_dearer_replace_counts_as_one_of_both(gate: Gate) -> None:
    assert gate.check(buy(100, 10_0000)) is None
    assert gate.set_limits(ACCOUNT, 0, Limits(gross=100 * 10_0000))
    assert gate.check(buy(50, 20_0000, action=REPLACE, replaces_px=10_0000, replaces_qty=100)) is None
    gate.release(0, BID, 20_0000, 50)
    beyond = buy(51, 20_0000, action=REPLACE, replaces_px=10_0000, replaces_qty=100)
    assert gate.check(beyond) == Reject("gross", 51 * 20_0000, 100 * 10_0000)


def test_a_replace_that_is_refused_leaves_what_it_was_to_replace(gate: Gate) -> None:
    assert gate.check(buy(100)) is None
    assert gate.check(buy(70, PX - 100, action=REPLACE, replaces_px=PX, replaces_qty=100)) is None
    assert gate.state(0).open_orders == 2
    gate.release(0, BID, PX - 100, 70)
    gate.close_order(0, BID)
    state = gate.state(0)
    assert (list(state.open_qty), list(state.open_notional)) == ([100, 0], [100 * PX, 0])
    assert state.open_orders == 1
    assert gate.totals.surprises == 0


def test_a_replace_of_more_than_is_open_counts_with_all_that_it_says(gate: Gate) -> None:
    claims = buy(1, action=REPLACE, replaces_px=PX, replaces_qty=100)
    assert gate.set_limits(ACCOUNT, 0, Limits(gross=100 * PX - 1))
    assert gate.check(claims) == Reject("gross", 100 * PX, 100 * PX - 1)
    assert gate.set_limits(ACCOUNT, 0, Limits(long_qty=99))
    assert gate.check(claims) == Reject("long", 100, 99)
    assert gate.set_limits(ACCOUNT, 0, Limits())
    assert gate.check(claims) is None
    assert gate.totals.gross == PX


def test_what_an_order_that_enters_says_of_another_is_not_looked_at(gate: Gate) -> None:
    assert gate.set_limits(ACCOUNT, 0, Limits(long_qty=100))
    assert gate.check(buy(100)) is None
    assert gate.check(buy(100, replaces_px=PX, replaces_qty=100)) == Reject("long", 200, 100)


def test_above_a_lowered_limit_a_replace_passes_that_adds_nothing(gate: Gate) -> None:
    assert gate.check(buy(100)) is None
    assert gate.set_limits(ACCOUNT, 0, Limits(long_qty=10, gross=1))
    replaces = {"action": REPLACE, "replaces_px": PX, "replaces_qty": 100}
    assert gate.check(buy(101, PX - 100_000, **replaces)) == Reject("no_price", 0, 1)
    assert gate.check(buy(101, PX - 1_0000, **replaces)) == Reject("long", 101, 10)
    assert gate.check(buy(100, PX + 1, **replaces)) == Reject("gross", 100 * (PX + 1), 1)
    assert gate.check(buy(100, PX - 1, **replaces)) is None


def test_reduce_only_lets_a_replace_through_that_stays_within_the_position(gate: Gate) -> None:
    gate.restore_shares(0, BID, PX, 100)
    assert gate.check(sell(100)) is None
    gate.set_state(REDUCE_ONLY)
    replaces = {"action": REPLACE, "replaces_px": PX, "replaces_qty": 100}
    assert gate.check(sell(101, **replaces)) == Reject("reduce_only", 101, 100)
    assert gate.check(sell(100, PX - 1, **replaces)) is None
    gate.set_state(OPEN)


# --- self-trade


@pytest.mark.parametrize(("side", "px", "meets"), [
    (BID, 10_0499, False), (BID, 10_0500, True), (BID, 10_0501, True),
    (ASK, 9_9501, False), (ASK, 9_9500, True), (ASK, 9_9499, True),
])  # fmt: skip
def test_an_order_may_not_meet_our_own(side: int, px: int, meets: bool, gate: Gate) -> None:
    gate.own_best(0, BID, 9_9500)
    gate.own_best(0, ASK, 10_0500)
    own = 10_0500 if side == BID else 9_9500
    expected = Reject("self_trade", px, own) if meets else None
    assert gate.check(Ask(side=side, px=px)) == expected
    gate.own_best(0, 1 - side, 0)
    assert gate.check(Ask(side=side, px=px, number=2)) is None
