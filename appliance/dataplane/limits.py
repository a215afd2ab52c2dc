"""Risk limits by their names: what an operator writes, and what the gate reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from appliance.native import constants, library

_NONE32, _NONE64, _NONE16 = 2**32 - 1, 2**64 - 1, 2**16 - 1


@dataclass(frozen=True)
class RiskLimits:
    """Of one scope; None = no limit. Money is in dollars, times are in milliseconds or a second."""

    order_qty: int | None = None
    order_dollars: int | None = None
    gross_dollars: int | None = None
    long_qty: int | None = None
    short_qty: int | None = None
    open_orders: int | None = None
    collar_bps: int | None = None
    duplicate_ms: int | None = None
    orders_per_s: int | None = None
    burst: int | None = None

    def fill(self, record: Any, cycles_per_s: int) -> None:
        """Write it as the gate has it."""
        record["notional"] = _dollars(self.order_dollars)
        record["gross"] = _dollars(self.gross_dollars)
        record["duplicate_cycles"] = (self.duplicate_ms or 0) * cycles_per_s // 1000
        record["message_cycles"] = cycles_per_s // self.orders_per_s if self.orders_per_s else 0
        record["burst"] = _or(self.burst, _NONE32)
        record["qty"] = _or(self.order_qty, _NONE32)
        record["long_qty"] = _or(self.long_qty, _NONE32)
        record["short_qty"] = _or(self.short_qty, _NONE32)
        record["open_orders"] = _or(self.open_orders, _NONE32)
        record["collar_bps"] = _or(self.collar_bps, _NONE16)


def _or(value: int | None, none: int) -> int:
    return none if value is None else value


def _dollars(value: int | None) -> int:
    return _NONE64 if value is None else value * 10_000


@dataclass(frozen=True)
class Limits:
    """Of the account, of the strategy, and of each symbol: a default, and those that differ from it."""

    account: RiskLimits = field(default_factory=RiskLimits)
    strategy: RiskLimits = field(default_factory=RiskLimits)
    symbol: RiskLimits = field(default_factory=RiskLimits)
    symbols: Mapping[str, RiskLimits] = field(default_factory=dict)

    def of(self, symbol: str) -> RiskLimits:
        """Return those of a symbol."""
        return self.symbols.get(symbol, self.symbol)

    def fill(self, records: Any, symbols: Sequence[str]) -> None:
        """Write all of them as the data plane takes them up at its start."""
        cycles_per_s = clock_rate()
        self.account.fill(records[0], cycles_per_s)
        self.strategy.fill(records[1], cycles_per_s)
        for index, symbol in enumerate(symbols):
            self.of(symbol).fill(records[2 + index], cycles_per_s)


LIMIT_NAMES = tuple(one.name for one in fields(RiskLimits))


def clock_rate() -> int:
    """Return how many cycles the clock of this machine counts a second."""
    return int(library().api_clock_rate() * 1e9)


def most_instruments() -> int:
    """Return how many symbols may have limits."""
    return constants()["ABI_MAX_VIEWS"]
