"""The risk gate under test, spoken to as its model is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Self

from model.risk import Ask, Limits, Model, Reject

from appliance import native


def reasons() -> list[str]:
    """The names of all reasons, by number."""
    names: list[str] = []
    name = native.library().api_risk_reason_name
    while (text := name(len(names))) != native.ffi().NULL:
        names.append(str(native.ffi().string(text).decode()))
    return names


def as_struct(ask: Ask) -> dict[str, Any]:
    """The members of the struct that asks the same."""
    members = asdict(ask)
    return members | {"best_px": [members.pop("bid_px"), members.pop("ask_px")]}


class Gate:
    """The gate of some instruments, with a kill word of its own."""

    def __init__(self, instruments: int) -> None:
        ffi = native.ffi()
        self._library = native.library()
        self._word = ffi.new("uint32_t *")
        self._handle = self._library.api_risk_open(instruments, self._word)
        if self._handle == ffi.NULL:
            raise ValueError(instruments)
        self._reasons = reasons()
        self._reject = ffi.new("struct risk_reject *")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._library.api_risk_close(self._handle)

    @property
    def handle(self) -> Any:
        """The gate, as C knows it."""
        return self._handle

    def set_limits(self, scope: int, index: int, limits: Limits) -> bool:
        """Set the limits of a scope; False where it was refused."""
        wanted = native.ffi().new("struct risk_limits *", asdict(limits))
        return bool(self._library.api_risk_set_limits(self._handle, scope, index, wanted) == 0)

    def read_limits(self, scope: int, index: int) -> Limits | None:
        """The limits of a scope, as they were set."""
        found = native.ffi().new("struct risk_limits *")
        if self._library.api_risk_read_limits(self._handle, scope, index, found):
            return None
        return Limits(**{name: getattr(found, name) for name in asdict(Limits())})

    def permit(self, instrument: int, permitted: bool) -> bool:
        """Permit an instrument or no longer; False where it was refused."""
        return bool(self._library.api_risk_permit(self._handle, instrument, permitted) == 0)

    def set_state(self, gate: int) -> None:
        """Open or shut the gate."""
        self._library.api_risk_set_state(self._handle, gate)

    def kill(self, word: int) -> None:
        """Store to the kill word."""
        self._word[0] = word

    def check(self, ask: Ask) -> Reject | None:
        """The verdict; None = it passes."""
        asked = native.ffi().new("struct risk_ask *", as_struct(ask))
        if self._library.api_risk_check(self._handle, asked, self._reject) == 0:
            return None
        told = self._reject
        assert (told.number, told.rx_cycles, told.px, told.qty) == (
            ask.number, ask.rx_cycles, ask.px, ask.qty,
        )  # fmt: skip
        assert (told.instrument, told.side, told.action) == (ask.instrument, ask.side, ask.action)
        return Reject(self._reasons[told.reason], told.value, told.limit)

    def fill(self, instrument: int, side: int, order_px: int, fill_px: int, qty: int) -> None:
        """Shares of an order were traded."""
        self._library.api_risk_fill(self._handle, instrument, side, order_px, fill_px, qty)

    def release(self, instrument: int, side: int, order_px: int, qty: int) -> None:
        """Shares of an order will not be."""
        self._library.api_risk_release(self._handle, instrument, side, order_px, qty)

    def close_order(self, instrument: int, side: int) -> None:
        """An order is over."""
        self._library.api_risk_close_order(self._handle, instrument, side)

    def own_best(self, instrument: int, side: int, px: int) -> None:
        """Our best order at rest."""
        self._library.api_risk_own_best(self._handle, instrument, side, px)

    def cancelled_message(self, instrument: int) -> None:
        """A cancel leaves."""
        self._library.api_risk_cancelled_message(self._handle, instrument)

    def restore_order(self, instrument: int, side: int, px: int, qty: int) -> None:
        """An order is open that nothing let through."""
        self._library.api_risk_restore_order(self._handle, instrument, side, px, qty)

    def restore_shares(self, instrument: int, side: int, px: int, qty: int) -> None:
        """Shares are there that no order of ours brought."""
        self._library.api_risk_restore_shares(self._handle, instrument, side, px, qty)

    def state(self, instrument: int) -> Any:
        """What is kept of an instrument, as cffi has it."""
        state = native.ffi().new("struct risk_state *")
        self._library.api_risk_read(self._handle, instrument, state)
        return state

    @property
    def totals(self) -> Any:
        """What is kept of all together, as cffi has it."""
        totals = native.ffi().new("struct risk_totals *")
        self._library.api_risk_read_totals(self._handle, totals)
        return totals


def differences(gate: Gate, model: Model) -> list[str]:
    """All that the two keep differently."""
    totals = gate.totals
    found = {
        "gross": totals.gross,
        "earned": totals.earned_cycles,
        "own gate": totals.own_gate,
        "gate": totals.gate,
        "orders": totals.open_orders,
        "cancels": totals.cancels,
        "surprises": totals.surprises,
        "overflows": totals.overflows,
        "rejected": {name: n for name, n in zip(reasons(), totals.rejected, strict=True) if n},
    }
    expected: dict[str, Any] = {
        "gross": min(model.gross, (1 << 64) - 1),
        "earned": model.earned_cycles,
        "own gate": model.gate,
        "gate": max(model.gate, model.kill_word),
        "orders": model.open_orders,
        "cancels": model.cancels,
        "surprises": model.surprises,
        "overflows": model.overflows,
        "rejected": dict(model.rejected),
    }
    for index, one in enumerate(model.instruments):
        state = gate.state(index)
        found[f"{index}"] = _kept(state)
        expected[f"{index}"] = {
            "position": one.position,
            "held_notional": one.cost,
            "exposure": min(one.exposure(), (1 << 64) - 1),
            "open_orders": one.open_orders,
            "earned_cycles": one.earned_cycles,
            "permitted": int(one.permitted and one.limits is not None),
            "open_qty": one.open_qty,
            "open_notional": one.open_notional,
            "own_px": one.own_px,
            "last_cycles": [cycles for cycles, _, _ in one.last],
            "last_px": [px for _, px, _ in one.last],
            "last_qty": [qty for _, _, qty in one.last],
        }
    return [f"{name}: {found[name]}, not {expected[name]}" for name in found if found[name] != expected[name]]


_NUMBERS: Sequence[str] = (
    "position", "held_notional", "exposure", "open_orders", "earned_cycles", "permitted",
)  # fmt: skip
_BY_SIDE: Sequence[str] = ("open_qty", "open_notional", "own_px", "last_cycles", "last_px", "last_qty")


def _kept(state: Any) -> dict[str, Any]:
    return {name: getattr(state, name) for name in _NUMBERS} | {
        name: list(getattr(state, name)) for name in _BY_SIDE
    }
