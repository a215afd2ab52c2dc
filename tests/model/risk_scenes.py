"""A gate that minds nothing, and for each reason what makes it mind, worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from model.risk import (
    ACCOUNT,
    ASK,
    HALTED,
    KILLED,
    OPEN,
    REDUCE_ONLY,
    SHORT_SALE_RESTRICTED,
    STALE,
    STRATEGY,
    SYMBOL,
    UNTRUSTED,
    Ask,
    Limits,
    Model,
    Reject,
)  # fmt: skip
from model.risk_gate import Gate

INSTRUMENTS = 3
AnyGate = Gate | Model


def open_gate(gate: AnyGate) -> None:
    """Open a gate to all that is not impossible."""
    assert gate.set_limits(ACCOUNT, 0, Limits())
    assert gate.set_limits(STRATEGY, 0, Limits())
    for instrument in range(INSTRUMENTS):
        assert gate.set_limits(SYMBOL, instrument, Limits())
        assert gate.permit(instrument, True)
    gate.set_state(OPEN)


def _nothing(gate: AnyGate, ask: Ask) -> None:
    del gate, ask


@dataclass(frozen=True)
class Scene:
    """What makes a gate refuse: what happens before limits are set, limits, and what the ask is like."""

    value: int
    limit: int
    ask: dict[str, int] = field(default_factory=dict)
    account: dict[str, int] = field(default_factory=dict)
    symbol: dict[str, int] = field(default_factory=dict)
    before: Callable[[AnyGate, Ask], Any] = _nothing


def _earlier(gate: AnyGate, ask: Ask) -> None:
    assert gate.check(replace(ask, rx_cycles=ask.rx_cycles - 499)) is None


# In the order of the checks. The ask is for 100 shares at 100.00; bid and last trade 99.99, ask 100.00.
SCENES = {
    "killed": Scene(KILLED, OPEN, before=lambda gate, _: gate.kill(KILLED)),
    "reduce_only": Scene(100, 0, before=lambda gate, _: gate.set_state(REDUCE_ONLY)),
    "untrusted": Scene(128, 0, {"flags": UNTRUSTED}),
    "stale": Scene(64, 0, {"flags": STALE}),
    "not_permitted": Scene(0, INSTRUMENTS, before=lambda gate, _: gate.permit(0, False)),
    "no_side": Scene(2, 1, {"side": 2}),
    "halted": Scene(32, 0, {"flags": HALTED}),
    "short_sale": Scene(
        99_9900,
        99_9900,
        {"flags": SHORT_SALE_RESTRICTED, "side": ASK, "px": 99_9900},
        before=lambda gate, _: gate.restore_shares(0, ASK, 100_0000, 1),
    ),
    "no_quantity": Scene(0, 1, {"qty": 0}),
    "quantity": Scene(100, 99, account={"qty": 99}),
    "notional": Scene(100_000_000, 99_999_999, account={"notional": 99_999_999}),
    "no_price": Scene(0, 1, {"px": 0}),
    "no_reference": Scene(100_0000, 0, {"bid_px": 0, "ask_px": 0, "last_px": 0}, account={"collar_bps": 10}),
    # 10 basis points above 99.99 are 100.08999
    "collar": Scene(100_0900, 100_0899, {"px": 100_0900}, account={"collar_bps": 10}),
    "duplicate": Scene(499, 500, account={"duplicate_cycles": 500}, before=_earlier),
    "rate": Scene(100, 0, account={"message_cycles": 100, "burst": 0}),
    "symbol_rate": Scene(100, 0, symbol={"message_cycles": 100, "burst": 0}),
    "open_orders": Scene(1, 0, account={"open_orders": 0}),
    "symbol_open_orders": Scene(1, 0, symbol={"open_orders": 0}),
    "long": Scene(100, 99, account={"long_qty": 99}),
    "short": Scene(100, 99, {"side": ASK}, account={"short_qty": 99}),
    "gross": Scene(100_000_000, 99_999_999, account={"gross": 99_999_999}),
    "self_trade": Scene(100_0000, 100_0000, before=lambda gate, _: gate.own_best(0, ASK, 100_0000)),
}


def play(gate: AnyGate, *names: str) -> Reject | None:
    """The verdict of an open gate when all the named scenes are played at once."""
    scenes = [SCENES[name] for name in names]
    changes: dict[str, int] = {}
    account: dict[str, int] = {}
    symbol: dict[str, int] = {}
    for scene in scenes:
        flags = changes.get("flags", 0) | scene.ask.get("flags", 0)
        changes |= scene.ask | {"flags": flags}
        account |= scene.account
        symbol |= scene.symbol
    ask = replace(Ask(), **changes)
    for scene in scenes:
        scene.before(gate, ask)
    assert gate.set_limits(ACCOUNT, 0, replace(Limits(), **account))
    assert gate.set_limits(SYMBOL, 0, replace(Limits(), **symbol))
    return gate.check(ask)
