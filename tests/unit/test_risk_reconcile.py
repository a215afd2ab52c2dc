"""Reconciliation: what the venue may tell beyond the record, and what keeps the gate shut."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.risk.reconcile import differences, told
from appliance.risk.record import Holding, OpenOrder, Record

ORDER = OpenOrder("SPY", "buy", 5_000_000, 100, 40, 60, heard=True)
BEFORE = Record(
    sequence=50,
    listed_sequence=50,
    fills=3,
    holdings={"SPY": Holding(40, 140, 100), "QQQ": Holding(-20, 0, 20)},
    orders={7: ORDER},
    open_orders=1,
)


def later(messages: int, **changes: Any) -> Record:
    """Return what the venue tells, so many messages behind the record."""
    sequence = BEFORE.sequence + messages
    return replace(BEFORE, sequence=sequence, listed_sequence=sequence, **changes)


def test_the_same_again_is_no_difference() -> None:
    assert differences(BEFORE, BEFORE) == []


def test_a_first_start_with_nothing_at_the_venue_is_no_difference() -> None:
    assert differences(None, Record(sequence=2, listed_sequence=2)) == []


def test_a_first_start_with_something_at_the_venue_is_one() -> None:
    assert differences(None, BEFORE) == [
        "nothing is on record, but 1 open orders and positions QQQ -20, SPY +40"
    ]


def test_a_fill_behind_the_record_is_explained_by_its_message() -> None:
    now = later(
        1,
        fills=4,
        holdings={**BEFORE.holdings, "SPY": Holding(100, 200, 100)},
        orders={},
        open_orders=0,
    )
    assert differences(BEFORE, now) == []


def test_a_fill_without_a_message_behind_the_record_is_not() -> None:
    now = replace(BEFORE, holdings={**BEFORE.holdings, "SPY": Holding(60, 160, 100)})
    assert differences(BEFORE, now) == [
        "SPY: the venue tells 60 shares (bought 160, sold 100); on record were 40 shares (bought 140, sold "
        "100), and no message behind it explains that"
    ]


def test_more_fills_than_messages_are_not_explained() -> None:
    found = differences(BEFORE, later(1, fills=6))
    assert found == ["3 fills are not on record, and only 1 messages of the venue are behind it"]


def test_shares_on_record_that_the_venue_does_not_know_are_a_difference() -> None:
    now = later(10, holdings={"QQQ": BEFORE.holdings["QQQ"]})
    (only,) = differences(BEFORE, now)
    assert only.startswith("SPY: the venue tells 0 shares")


def test_a_trade_that_the_venue_took_back_explains_fewer_shares() -> None:
    now = later(2, taken_back=1, holdings={**BEFORE.holdings, "SPY": Holding(0, 100, 100)})
    assert differences(BEFORE, now) == []


def test_an_order_that_is_gone_needs_a_message_unless_the_venue_never_had_it() -> None:
    now = replace(BEFORE, orders={}, open_orders=0)
    assert differences(BEFORE, now) == [
        "1 orders on record are not open at the venue, with 0 messages behind it"
    ]
    assert differences(BEFORE, replace(later(1), orders={}, open_orders=0)) == []
    unheard = replace(BEFORE, orders={7: replace(ORDER, heard=False)})
    assert differences(unheard, now) == []


def test_an_order_that_nobody_has_on_record_needs_a_message() -> None:
    both = {7: ORDER, 8: replace(ORDER, filled_qty=0, leaves_qty=100)}
    now = replace(BEFORE, orders=both, open_orders=2)
    assert differences(BEFORE, now) == [
        "1 open orders of the venue are not on record, with 0 messages behind it"
    ]
    assert differences(BEFORE, later(1, orders=both, open_orders=2)) == []


def test_orders_are_as_old_as_their_list_and_not_as_the_positions() -> None:
    """The list is written less often: a message between the two explains what it does not show."""
    old_list = replace(BEFORE, listed_sequence=49)
    assert differences(old_list, replace(BEFORE, orders={}, open_orders=0)) == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"symbol": "QQQ"}, "order 7: QQQ buy at the venue, SPY buy on record"),
        ({"side": "sell"}, "order 7: SPY sell at the venue"),
        ({"filled_qty": 20, "leaves_qty": 80}, "order 7: 20 filled at the venue, 40 on record"),
        ({"leaves_qty": 50}, "order 7: 40 filled and 50 open at the venue, 40 and 60 on record"),
    ],
)
def test_an_order_that_is_another_one_is_a_difference(changed: dict[str, Any], words: str) -> None:
    now = replace(BEFORE, orders={7: replace(ORDER, **changed)})
    (only,) = differences(BEFORE, now)
    assert only.startswith(words)


def test_what_could_not_be_understood_is_a_difference_whatever_the_rest_is() -> None:
    found = differences(BEFORE, replace(BEFORE, not_ours={"strange_fills": 2}))
    assert found == ["2 fills of orders that nobody knows: the position is not ours to tell"]


def test_a_shorter_session_is_another_one_and_fine_only_when_nothing_was_held() -> None:
    empty = Record(sequence=2, listed_sequence=2)
    (only,) = differences(BEFORE, empty)
    assert "50 were on record, with 1 open orders and positions" in only
    flat = replace(BEFORE, holdings={"SPY": Holding(0, 100, 100)}, orders={}, open_orders=0)
    assert differences(flat, empty) == []
    (only,) = differences(replace(flat, sequence=90, listed_sequence=90), BEFORE)
    assert "another session" in only


def test_a_position_that_its_own_trades_do_not_make_is_a_difference() -> None:
    now = later(5, fills=5, holdings={**BEFORE.holdings, "SPY": Holding(41, 140, 100)})
    assert "SPY: position 41, but bought 140 and sold 100" in differences(BEFORE, now)


@given(st.integers(0, 5), st.integers(0, 500), st.integers(0, 5))
def test_what_is_written_is_read_again(sequence: int, shares: int, orders: int) -> None:
    record = Record(
        sequence,
        sequence,
        holdings={"SPY": Holding(shares, shares, 0)} if shares else {},
        orders=dict.fromkeys(range(orders), ORDER),
        open_orders=orders,
        not_ours={"foreign": 1},
    )
    assert Record.of_json(json.loads(json.dumps(record.as_json()))) == record
    assert told(record).startswith(f"{orders} open orders")
