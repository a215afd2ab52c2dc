"""What follows from what a client was told: its open orders, its positions, its counts.

A venue and whoever reconciles with it start from the same messages; so does a venue that is started again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from appliance.venue.ouch import REJECTS, USER_REF_IDX, Message, Value

Key = tuple[int, int]  # channel, user reference


@dataclass(slots=True)
class Order:
    """One order as the client knows it."""

    key: Key
    values: dict[str, Value]  # of Accepted or Replaced
    options: dict[int, bytes]
    leaves: int
    executed: int = 0
    tag: int = 0  # in the market

    def number(self, name: str) -> int:
        """Return an integer field."""
        value = self.values[name]
        assert isinstance(value, int)
        return value

    @property
    def symbol(self) -> str:
        """The symbol."""
        return str(self.values["symbol"])

    @property
    def buys(self) -> bool:
        """Whether it buys."""
        return self.values["side"] == "B"


@dataclass(slots=True)
class Counts:
    """What became of the client's messages."""

    accepted: int = 0
    replaced: int = 0
    executed: int = 0  # messages
    executed_shares: int = 0
    canceled: int = 0
    canceled_shares: int = 0
    modified: int = 0
    retransmitted: int = 0
    ignored: int = 0  # about orders that are over, or never were
    malformed: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    position: Counter[str] = field(default_factory=Counter)


def key_of(message: Message, name: str = "user_ref") -> Key:
    """Return the order that a message is about."""
    return message.option(USER_REF_IDX), message.number(name)


class Ledger:
    """The state of an account behind its last message."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.counts = Counts()
        self.orders: dict[Key, Order] = {}  # those that are not over
        self.last: Counter[int] = Counter()  # the largest user reference of a channel
        self.is_enabled = True

    def note(self, message: Message) -> None:
        """Take the next message."""
        if "user_ref" in message.values:
            channel, user_ref = key_of(message)
            self.last[channel] = max(self.last[channel], user_ref)
        noted = getattr(self, f"_note_{message.name}", None)
        if noted is not None:
            noted(message)

    def _note_accepted(self, message: Message) -> None:
        self.counts.accepted += 1
        self._open(message)

    def _note_replaced(self, message: Message) -> None:
        self.counts.replaced += 1
        self.orders.pop(key_of(message, "original"), None)
        self._open(message)

    def _open(self, message: Message) -> None:
        key = key_of(message)
        if message.values["state"] == "L":
            self.orders[key] = Order(key, message.values, message.options, message.number("quantity"))

    def _reduce(self, message: Message) -> Order | None:
        order = self.orders.get(key_of(message))
        if order is not None:
            order.leaves -= message.number("quantity")
            if order.leaves <= 0:
                del self.orders[order.key]
        return order

    def _note_executed(self, message: Message) -> None:
        qty = message.number("quantity")
        self.counts.executed += 1
        self.counts.executed_shares += qty
        order = self._reduce(message)
        if order is not None:
            order.executed += qty
            self.counts.position[order.symbol] += qty if order.buys else -qty

    def _note_canceled(self, message: Message) -> None:
        self.counts.canceled += 1
        self.counts.canceled_shares += message.number("quantity")
        self._reduce(message)

    def _note_modified(self, message: Message) -> None:
        self.counts.modified += 1
        order = self.orders.get(key_of(message))
        if order is not None:
            order.leaves = message.number("quantity")
            order.values = {**order.values, "side": message.values["side"]}

    def _note_rejected(self, message: Message) -> None:
        self.counts.rejected[REJECTS[message.number("reason")]] += 1

    def _note_disabled(self, _: Message) -> None:
        self.is_enabled = False

    def _note_enabled(self, _: Message) -> None:
        self.is_enabled = True

    def report(self) -> dict[str, Any]:
        """Return the truth that others reconcile with."""
        counts = self.counts
        numbers = {
            name: getattr(counts, name) for name in Counts.__slots__ if name not in ("rejected", "position")
        }
        return {
            **numbers,
            "rejected": dict(sorted(counts.rejected.items())),
            "position": {symbol: shares for symbol, shares in sorted(counts.position.items()) if shares},
            "open": [
                {
                    "user_ref": order.key[1],
                    "symbol": order.symbol,
                    "side": order.values["side"],
                    "price": order.values["price"],
                    "leaves": order.leaves,
                    "executed": order.executed,
                    "reference": order.values["reference"],
                }
                for order in self.orders.values()
            ],
        }
