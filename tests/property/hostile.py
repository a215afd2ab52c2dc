"""Long random streams: populations of orders that grow and shrink, with every oddity now and then.

The model runs along, so that most messages name an order that lives, often the one that is first in line.
"""

from __future__ import annotations

import random

from model.book import Model
from model.messages import message
from model.records import ASK, BID
from property.streams import (
    EVERY_LOCATE,
    KINDS,
    LOCATES,
    PRICES,
    QUANTITIES,
    STATES,
    U64,
    Choice,
    values,
)

PHASE = 6000  # messages for which the population grows, then shrinks
MIDDLE = 10_000


class Flow:
    """One stream in the making. ``width`` says over how many prices a side mostly spreads."""

    def __init__(self, seed: int, width: int) -> None:
        self.rng = random.Random(seed)
        self.width = width
        self.model = Model()
        self.added: list[int] = []
        self.edges: list[int] = []  # orders at edge prices: they soon leave, or nothing could be better
        self.newest = 0

    def next_message(self, *, growing: bool) -> bytes:
        """Make one message and let the model have it."""
        rng = self.rng
        if rng.random() < 0.01:
            body = rng.randbytes(rng.choice((0, 1, 5, 70)))  # no message is that long
        elif len(self.edges) > 3:
            body = self._leave(self.edges.pop(0))
        else:
            body = self._message(rng.choice("AAAFAAEXU" if growing else "ADDEXUUD"))
        self.model.message(body)
        return body

    def _leave(self, reference: int) -> bytes:
        order = self.model.orders.get(reference)
        return message("D", order.locate if order else 1, 0, reference)

    def _message(self, kind: str) -> bytes:
        rng = self.rng
        if rng.random() < 0.02:
            kind = rng.choice(KINDS)
        fresh, known = self._fresh(), self._known()
        if rng.random() < 0.01:
            fresh, known = known, fresh
        side = rng.choice((b"B", b"S"))
        px = self._price(side)
        if px in PRICES[:3] or px in PRICES[-4:]:
            self.edges.append(fresh)
        order = self.model.orders.get(known)
        locate = order.locate if order and kind in "ECXDU" else rng.choice(LOCATES)
        if rng.random() < 0.01:
            locate = rng.choice(EVERY_LOCATE)
        if rng.random() < 0.002:
            side = b"?"
        qty = rng.choice((1, 1, 2, 3, 5)) if rng.random() < 0.99 else rng.choice(QUANTITIES)
        reference = fresh if kind in "AF" else known
        self.added.append(fresh)
        choice = Choice(kind, reference, fresh, side, qty, px, locate, rng.choice(STATES))
        return message(kind, locate, self.model.sequence << 20, *values(choice))

    def _fresh(self) -> int:
        """Count up, as a feed does; a fifth are far away and share their low bits with others."""
        rng = self.rng
        if rng.random() < 0.2:
            return (rng.randrange(1, 300) << rng.choice((16, 24, 40, 56)) | rng.randrange(4)) & U64
        self.newest += rng.choice((1, 1, 1, 2, 30))
        return self.newest

    def _known(self) -> int:
        """Choose the first in line of some book, or any order that lives."""
        rng = self.rng
        book = self.model.books.get(rng.choice(LOCATES))
        side = rng.choice((BID, ASK))
        if book and book.keys[side] and rng.random() < 0.4:
            return next(iter(book.levels[side][abs(book.keys[side][-1])].orders))
        while self.added:
            at = rng.randrange(len(self.added))
            if self.added[at] in self.model.orders:
                return self.added[at]
            self.added[at] = self.added[-1]
            self.added.pop()
        return 1

    def _price(self, side: bytes) -> int:
        """Choose mostly near the middle; sides meet and cross now and then."""
        rng = self.rng
        if rng.random() < 0.01:
            return rng.choice(PRICES)
        toward = 0 if rng.random() < 0.93 else rng.randrange(1, 4)
        away = int(rng.expovariate(6 / self.width)) - toward
        return MIDDLE - away if side == b"B" else MIDDLE + 1 + away


def hostile(seed: int, count: int, *, width: int) -> list[bytes]:
    """Return a stream of random messages."""
    flow = Flow(seed, width)
    return [flow.next_message(growing=(step // PHASE) % 2 == 0) for step in range(count)]
