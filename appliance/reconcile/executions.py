"""An execution as both sides tell it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

EXECUTED, BROKEN = "executed", "broken"


@dataclass(frozen=True)
class Execution:
    """A trade of one of our orders, or that it was broken. ``where`` says where it stands."""

    what: str
    user_ref: int
    match: int
    qty: int
    px: int
    liquidity: str
    venue_ns: int
    where: str
    channel: int = 0
    symbol: str = ""  # the order's, if it was told of
    side: str = ""

    @property
    def order(self) -> tuple[int, int]:
        """The order that it is of: channel and user reference."""
        return self.channel, self.user_ref

    def as_data(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {
            "user_ref": self.user_ref,
            "channel": self.channel,
            "symbol": self.symbol,
            "side": self.side,
            "qty": self.qty,
            "px": self.px / 1e4,
            "match": self.match,
            "liquidity": self.liquidity,
            "venue_ns": self.venue_ns,
            "where": self.where,
        }

    def __str__(self) -> str:
        """Say it in one line."""
        if self.what == BROKEN:
            return f"match {self.match} of order {self.user_ref} broken ({self.where})"
        side = {"B": "bought", "": "traded"}.get(self.side, "sold")
        return (
            f"{side} {self.qty:,} {self.symbol or 'shares'} @ {self.px / 1e4:.4f}, match {self.match} of "
            f"order {self.user_ref} ({self.where})"
        )


def positions(executions: Sequence[Execution]) -> dict[str, int]:
    """Return the shares of each symbol that trades leave, without those that were broken; 0 is left out."""
    broken = {(one.order, one.match) for one in executions if one.what == BROKEN}
    held: Counter[str] = Counter()
    for one in executions:
        if one.what == EXECUTED and (one.order, one.match) not in broken:
            held[one.symbol] += one.qty if one.side == "B" else -one.qty
    return {symbol: shares for symbol, shares in sorted(held.items()) if shares}
