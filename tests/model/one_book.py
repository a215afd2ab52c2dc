"""One book of the model: two sides of levels, each a queue of orders."""

from __future__ import annotations

from bisect import bisect_left, insort

from model.messages import STOCK_OFFSET
from model.records import (
    CROSSED,
    EMPTY,
    HALTED,
    LOCKED,
    SHORT_SALE_RESTRICTED,
    STALE,
    U32,
    Best,
)


class Order:
    """One resting order."""

    __slots__ = ("level", "locate", "qty", "reference", "side")

    def __init__(self, reference: int, locate: int, side: int, qty: int, level: Level) -> None:
        self.reference = reference
        self.locate = locate
        self.side = side
        self.qty = qty
        self.level = level


class Level:
    """All orders at one price, oldest first."""

    __slots__ = ("orders", "px", "qty")

    def __init__(self, px: int) -> None:
        self.px = px
        self.qty = 0
        self.orders: dict[int, Order] = {}


class Book:
    """Both sides of one locate. A side's keys are sorted so that the best price is the last one."""

    __slots__ = (
        "best",
        "keys",
        "last_px",
        "last_qty",
        "levels",
        "locate",
        "operational_halt",
        "reg_sho",
        "stale",
        "symbol",
        "traded_qty",
        "trading_state",
    )

    def __init__(self, locate: int) -> None:
        self.locate = locate
        self.levels: tuple[dict[int, Level], dict[int, Level]] = ({}, {})
        self.keys: tuple[list[int], list[int]] = ([], [])
        self.best: list[Best] = [EMPTY, EMPTY]
        self.symbol = b""
        self.trading_state = b""
        self.operational_halt = b""
        self.reg_sho = b""
        self.stale = False  # a malformed message named it
        self.last_px = 0
        self.last_qty = 0
        self.traded_qty = 0

    def level(self, side: int, px: int) -> Level:
        """Return the level at a price, new if need be."""
        level = self.levels[side].get(px)
        if level is None:
            level = self.levels[side][px] = Level(px)
            insort(self.keys[side], -px if side else px)
        return level

    def drop(self, side: int, px: int) -> None:
        """Forget an empty level."""
        del self.levels[side][px]
        keys = self.keys[side]
        del keys[bisect_left(keys, -px if side else px)]

    def top(self, side: int) -> Best:
        """Return price, quantity and order count of the best level, as an event carries them."""
        if not self.keys[side]:
            return EMPTY
        level = self.levels[side][abs(self.keys[side][-1])]
        return level.px, min(level.qty, U32), len(level.orders)

    def learn(self, body: bytes) -> None:
        """Take the name of the stock from a message that carries it, if it is wanted."""
        at = STOCK_OFFSET.get(body[0])
        if at is not None and (not self.symbol or body[0] == ord("R")):
            self.symbol = body[at : at + 8]

    @property
    def restricted(self) -> bool:
        """Say whether short sales are restricted."""
        return self.reg_sho in (b"1", b"2")

    @property
    def state(self) -> tuple[bytes, bytes, bool]:
        """Return all that makes a state change when it differs."""
        return self.trading_state, self.operational_halt, self.restricted

    @property
    def flags(self) -> int:
        """Return the flags that describe the book rather than a change."""
        flags = SHORT_SALE_RESTRICTED if self.restricted else 0
        if self.trading_state not in (b"", b"T") or self.operational_halt == b"H":
            flags |= HALTED
        (bid_px, _, bid_orders), (ask_px, _, ask_orders) = self.best
        if bid_orders and ask_orders and bid_px >= ask_px:
            flags |= LOCKED if bid_px == ask_px else CROSSED
        return flags | STALE if self.stale else flags
