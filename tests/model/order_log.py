"""The venue's word about orders, out of its log: SoupBinTCP packets with OUCH 5.0 messages, by the tables.

Written from the protocol's page alone. Of messages it makes what somebody has to know who has seen them all:
shares held by symbol, and the orders that are open.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Order:
    """An open order."""

    symbol: str
    side: str
    px: int
    leaves: int
    filled: int = 0


@dataclass
class Account:
    """What the first messages of a session amount to."""

    position: dict[str, int] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    fills: int = 0
    symbols: dict[int, tuple[str, str]] = field(
        default_factory=dict
    )  # and sides, of all orders there ever were

    @classmethod
    def of(cls, messages: Sequence[bytes]) -> Account:
        account = cls()
        for message in messages:
            account.take(message)
        return account

    def take(self, message: bytes) -> None:
        match message[:1]:
            case b"A":
                number, side, qty, symbol, px = struct.unpack_from(">IcI8sQ", message, 9)
                self._open(number, side, qty, symbol, px, message[47:48])
            case b"U":
                old, number, side, qty, symbol, px = struct.unpack_from(">IIcI8sQ", message, 9)
                self.orders.pop(old, None)
                self._open(number, side, qty, symbol, px, message[51:52])
            case b"E":
                number, qty = struct.unpack_from(">II", message, 9)
                symbol, side = self.symbols[number]
                self.position[symbol] = self.position.get(symbol, 0) + (qty if side == "buy" else -qty)
                self.fills += 1
                if number in self.orders:
                    self.orders[number].filled += qty
                self._less(number, qty)
            case b"C" | b"D":
                self._less(*struct.unpack_from(">II", message, 9))

    def _open(self, number: int, side: bytes, qty: int, symbol: bytes, px: int, state: bytes) -> None:
        name, way = symbol.decode().rstrip(), "buy" if side == b"B" else "sell"
        self.symbols[number] = name, way
        if state == b"L":
            self.orders[number] = Order(name, way, px, qty)

    def _less(self, number: int, qty: int) -> None:
        order = self.orders.get(number)
        if order:
            order.leaves -= qty
            if order.leaves <= 0:
                del self.orders[number]

    @property
    def held(self) -> dict[str, int]:
        """Positions that are not zero."""
        return {symbol: shares for symbol, shares in sorted(self.position.items()) if shares}


def read_log(path: Path) -> list[bytes]:
    """Return the sequenced messages that are whole in the file."""
    data, at, found = path.read_bytes(), 0, []
    while at + 2 <= len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if end > len(data):
            break
        if data[at + 2 : at + 3] == b"S":
            found.append(data[at + 3 : end])
        at = end
    return found
