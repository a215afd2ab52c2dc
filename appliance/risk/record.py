"""Positions and open orders as the data plane shows them: put on record, and compared after a restart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

FILE = "record.json"
# Counters of the order pool that say: what the venue has told could not all be understood.
NOT_OURS = {
    "strange_fills": "fills of orders that nobody knows",
    "no_room": "orders of an earlier life for which there was no room: raise trading.orders",
    "foreign": "orders of an earlier life in symbols that books.symbols has not",
    "unreadable": "messages of the venue that could not be read",
}


@dataclass(frozen=True)
class Holding:
    """What a symbol has traded today, and what is held of it."""

    position: int = 0
    bought_qty: int = 0
    sold_qty: int = 0


@dataclass(frozen=True)
class OpenOrder:
    """An order that is not over. ``heard``: the venue is known to have it."""

    symbol: str
    side: str
    px: int
    entered_qty: int
    filled_qty: int
    leaves_qty: int
    heard: bool


@dataclass(frozen=True)
class Record:
    """As of the venue's message ``sequence``; the orders as of ``listed_sequence``."""

    sequence: int = 0
    listed_sequence: int = 0
    fills: int = 0
    taken_back: int = 0  # trades that the venue has broken or corrected
    holdings: dict[str, Holding] = field(default_factory=dict)
    orders: dict[int, OpenOrder] = field(default_factory=dict)
    open_orders: int = 0  # all of them; ``orders`` holds as many as there was room for
    not_ours: dict[str, int] = field(default_factory=dict)

    @property
    def is_flat(self) -> bool:
        """Whether nothing is held and nothing is open."""
        return not self.open_orders and not any(one.position for one in self.holdings.values())

    def as_json(self) -> dict[str, Any]:
        """Return it as it is written."""
        return asdict(self)

    @classmethod
    def of_json(cls, found: dict[str, Any]) -> Record:
        """Read what was written."""
        holdings = {symbol: Holding(**one) for symbol, one in found["holdings"].items()}
        orders = {int(number): OpenOrder(**one) for number, one in found["orders"].items()}
        return cls(**{**found, "holdings": holdings, "orders": orders})


def record_of(decisions: Any, symbols: Sequence[str]) -> Record:
    """Return what a consistent copy of ``struct shm_decisions`` shows."""
    pool = decisions["pool"]
    listed = min(int(decisions["open_orders"]), len(decisions["order"]))
    holdings = {}
    for symbol, one in zip(symbols, decisions["position"], strict=False):
        holding = Holding(int(one["position"]), int(one["bought_qty"]), int(one["sold_qty"]))
        if holding != Holding():
            holdings[symbol] = holding
    return Record(
        sequence=int(decisions["venue_sequence"]),
        listed_sequence=int(decisions["listed_sequence"]),
        fills=int(pool["fills"]),
        taken_back=int(pool["broken_trades"]) + int(pool["corrected_trades"]),
        holdings=holdings,
        orders={int(one["user_ref"]): open_order(one) for one in decisions["order"][:listed]},
        open_orders=int(decisions["open_orders"]),
        not_ours={name: int(pool[name]) for name in NOT_OURS if int(pool[name])},
    )


def open_order(view: Any) -> OpenOrder:
    """Return one ``struct order_view``."""
    return OpenOrder(
        symbol=bytes(view["symbol"]).decode(errors="replace").rstrip(),
        side="sell" if int(view["side"]) else "buy",
        px=int(view["px"]),
        entered_qty=int(view["entered_qty"]),
        filled_qty=int(view["filled_qty"]),
        leaves_qty=int(view["leaves_qty"]),
        heard=bool(view["heard"]),
    )
