"""Each reason of the risk gate by an example worked out by hand, and the order of the checks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from model.risk import (
    ACCOUNT,
    ASK,
    BID,
    KILLED,
    NOTHING_SET,
    OPEN,
    REDUCE_ONLY,
    SHORT_SALE_RESTRICTED,
    STRATEGY,
    SYMBOL,
    U16,
    U32,
    U64,
    Ask,
    Limits,
    Model,
    Reject,
)  # fmt: skip
from model.risk_gate import Gate, reasons
from model.risk_scenes import INSTRUMENTS, SCENES, AnyGate, open_gate, play

from appliance import native

HEADER = Path(__file__).parents[2] / "dpdk_glue" / "include" / "abi" / "risk.h"
ORDER = list(SCENES)
# No order has both: no shares and too many, no price and too much for it, a side and the other.
NEVER_BOTH = {("no_quantity", "quantity"), ("notional", "no_price"), ("long", "short")}
PAIRS = [pair for pair in pairwise(ORDER) if pair not in NEVER_BOTH]
# What the three leave out, each beside the nearest that it can meet.
PAIRS += [
    ("no_quantity", "no_price"),
    ("quantity", "no_price"),
    ("notional", "no_reference"),
    ("symbol_open_orders", "short"),
    ("long", "gross"),
]


@pytest.fixture(params=["model", "native"])
def gate(request: pytest.FixtureRequest) -> Iterator[AnyGate]:
    """Give an open gate without limits: the model, then the one under test."""
    if request.param == "model":
        model = Model(INSTRUMENTS)
        open_gate(model)
        yield model
    else:
        with Gate(INSTRUMENTS) as under_test:
            open_gate(under_test)
            yield under_test


def test_the_reasons_stand_in_the_order_of_their_checks() -> None:
    numbered = re.findall(r"^    RISK_(\w+) = (\d+)", HEADER.read_text(), re.M)
    listed = [name.lower() for name, _ in numbered if name not in ("ACCOUNT", "STRATEGY", "SYMBOL")]
    assert listed[listed.index("none") :] == ["none", *ORDER, "reasons"]
    assert reasons() == ["none", *ORDER]


def test_an_order_that_nothing_speaks_against_passes(gate: AnyGate) -> None:
    assert gate.check(Ask()) is None


@pytest.mark.parametrize("name", SCENES)
def test_each_reason_comes_with_the_two_numbers_compared(name: str, gate: AnyGate) -> None:
    assert play(gate, name) == Reject(name, SCENES[name].value, SCENES[name].limit)


@pytest.mark.parametrize("pair", PAIRS, ids=" before ".join)
def test_the_first_check_that_fails_names_the_reason(pair: tuple[str, str], gate: AnyGate) -> None:
    first, second = pair
    reject = play(gate, second, first)
    assert reject is not None
    assert reject.reason == first
    again = type(gate)(INSTRUMENTS)
    open_gate(again)
    alone = play(again, second)
    assert alone is not None
    assert alone.reason == second


def test_a_new_gate_is_killed_and_permits_nothing() -> None:
    with Gate(2) as gate:
        assert gate.check(Ask()) == Reject("killed", KILLED, OPEN)
        gate.set_state(OPEN)
        assert gate.check(Ask()) == Reject("not_permitted", 0, 2)
        assert gate.permit(0, True)
        assert gate.check(Ask()) == Reject("not_permitted", 0, 2)  # it has no limits
        assert gate.set_limits(SYMBOL, 0, Limits())
        assert gate.check(Ask()) == Reject("quantity", 100, 0)  # nor has anybody else
        assert gate.set_limits(ACCOUNT, 0, Limits())
        assert gate.check(Ask()) == Reject("quantity", 100, 0)
        assert gate.set_limits(STRATEGY, 0, Limits())
        assert gate.check(Ask()) is None


@pytest.mark.parametrize("instrument", [INSTRUMENTS, 1024, U32])
def test_an_instrument_that_does_not_exist_is_not_permitted(instrument: int, gate: AnyGate) -> None:
    assert gate.check(Ask(instrument=instrument)) == Reject("not_permitted", instrument, INSTRUMENTS)


@pytest.mark.parametrize(
    ("own", "word", "reason"),
    [
        (OPEN, OPEN, None),
        (OPEN, REDUCE_ONLY, "reduce_only"),
        (REDUCE_ONLY, OPEN, "reduce_only"),
        (OPEN, KILLED, "killed"),
        (KILLED, OPEN, "killed"),
        (REDUCE_ONLY, KILLED, "killed"),
        (OPEN, 3, "killed"),
        (OPEN, U32, "killed"),
    ],
)
def test_the_stricter_of_gate_and_kill_word_counts(
    own: int, word: int, reason: str | None, gate: AnyGate
) -> None:
    gate.set_state(own)
    gate.kill(word)
    reject = gate.check(Ask())
    assert (reject and reject.reason) == reason


def test_a_kill_word_that_is_taken_back_opens_the_gate_again(gate: AnyGate) -> None:
    gate.kill(KILLED)
    assert gate.check(Ask()) == Reject("killed", KILLED, OPEN)
    gate.kill(OPEN)
    assert gate.check(Ask()) is None


def test_reduce_only_lets_a_position_shrink_to_nothing_and_no_further(gate: AnyGate) -> None:
    gate.restore_shares(0, BID, 100_0000, 300)
    gate.set_state(REDUCE_ONLY)
    assert gate.check(Ask(side=BID, qty=1)) == Reject("reduce_only", 1, 0)
    assert gate.check(Ask(side=ASK, qty=200)) is None
    assert gate.check(Ask(side=ASK, qty=101)) == Reject("reduce_only", 301, 300)
    assert gate.check(Ask(side=ASK, qty=100)) is None
    assert gate.check(Ask(side=ASK, qty=1)) == Reject("reduce_only", 301, 300)


def test_reduce_only_lets_a_short_position_be_bought_back(gate: AnyGate) -> None:
    gate.restore_shares(0, ASK, 100_0000, 300)
    gate.set_state(REDUCE_ONLY)
    assert gate.check(Ask(side=ASK, qty=1)) == Reject("reduce_only", 1, 0)
    assert gate.check(Ask(side=BID, qty=301)) == Reject("reduce_only", 301, 300)
    assert gate.check(Ask(side=BID, qty=300)) is None


def test_a_restricted_sale_of_what_is_held_is_no_short_sale(gate: AnyGate) -> None:
    restricted = Ask(side=ASK, px=99_9900, flags=SHORT_SALE_RESTRICTED)
    gate.restore_shares(0, BID, 100_0000, 150)
    assert gate.check(restricted) is None  # 100 of 150
    assert gate.check(restricted) == Reject("short_sale", 99_9900, 99_9900)  # with the open sell 200 of 150
    assert gate.check(replace(restricted, px=99_9901)) is None  # above the best bid
    assert gate.check(replace(restricted, px=1, bid_px=0)) is None  # there is none
    assert gate.check(replace(restricted, side=BID)) is None


@pytest.mark.parametrize("scope", [ACCOUNT, STRATEGY, SYMBOL])
@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"qty": 99}, "quantity"),
        ({"notional": 99_999_999}, "notional"),
        ({"long_qty": 99}, "long"),
        ({"collar_bps": 0}, "collar"),
        ({"message_cycles": 5, "burst": 0}, "rate"),
        ({"open_orders": 0}, "open_orders"),
        ({"gross": 99_999_999}, "gross"),
    ],
)
def test_every_scope_can_be_the_strictest(
    scope: int, limits: dict[str, int], reason: str, gate: AnyGate
) -> None:
    strict = replace(Limits(), **limits)
    if scope == SYMBOL and reason == "gross":
        assert not gate.set_limits(scope, 0, strict)  # positions bound it
        assert gate.check(Ask()) is None
        return
    assert gate.set_limits(scope, 0, strict)
    reject = gate.check(Ask())
    assert reject is not None
    assert reject.reason.removeprefix("symbol_") == reason
    others = {one: gate.set_limits(one, 0, Limits()) for one in (ACCOUNT, STRATEGY, SYMBOL) if one != scope}
    assert all(others.values())
    assert gate.check(Ask(number=2)) is not None
    assert gate.set_limits(scope, 0, Limits())
    assert gate.check(Ask(number=3)) is None


def test_limits_are_read_as_they_were_set() -> None:
    strange = Limits(1, U64, 3, 4, 5, 6, 7, 8, 9, 10)
    with Gate(2) as gate:
        assert gate.read_limits(SYMBOL, 1) == NOTHING_SET
        for scope in (ACCOUNT, STRATEGY, SYMBOL):
            assert gate.set_limits(scope, 1, replace(strange, qty=scope))
        assert [gate.read_limits(scope, 1) for scope in (ACCOUNT, STRATEGY, SYMBOL)] == [
            replace(strange, qty=scope) for scope in (ACCOUNT, STRATEGY, SYMBOL)
        ]
        assert gate.read_limits(SYMBOL, 0) == NOTHING_SET
        assert gate.read_limits(SYMBOL, 2) is None
        assert gate.read_limits(3, 0) is None


def test_limits_of_nothing_are_refused(gate: AnyGate) -> None:
    assert not gate.set_limits(SYMBOL, INSTRUMENTS, Limits())
    assert not gate.set_limits(3, 0, Limits())
    assert not gate.permit(INSTRUMENTS, True)


@pytest.mark.parametrize("instruments", [0, U16 + 1])
def test_a_gate_has_an_instrument_and_not_too_many(instruments: int) -> None:
    with pytest.raises(ValueError, match=str(instruments)):
        Gate(instruments)


def test_a_check_touches_three_cache_lines() -> None:
    with Gate(1024) as gate:
        for instrument in (0, 1, 1023):
            parts = native.ffi().new("uint64_t[2]")
            size = native.library().api_risk_check_bytes(gate.handle, instrument, parts)
            assert size == 3 * 64
            assert [part % 64 for part in parts] == [0, 0]
            assert parts[1] % 128 == 0  # the two lines that are fetched together
