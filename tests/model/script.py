"""A small scripted market for the matching tests: few prices, few orders, so that everything meets.

It is a consistent day of one or two symbols, with its own book of plain lists: executions come to the oldest
order of the best price, nothing crosses, and nobody gives more than they have.
"""

from __future__ import annotations

from random import Random

from model.messages import message

PX = 1_000_000
TICK = 100
STOCKS = {1: b"AAAA    ", 2: b"BBBB    "}


class Script:
    """Draws one message after another."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.now_ns = 34_200_000_000_000
        self.reference = 100
        self.match = 10
        self.halted: dict[int, bool] = dict.fromkeys(STOCKS, False)
        self.books: dict[int, list[list[list[int]]]] = {locate: [[], []] for locate in STOCKS}
        self.matches: list[int] = []

    def opening(self) -> list[bytes]:
        """Return the directory and the states of all symbols."""
        lines = [message("S", 0, self.now_ns, b"Q")]
        for locate, stock in STOCKS.items():
            lines.append(
                message(
                    "R", locate, self.now_ns, stock, b"Q", b"N", 100, b"N", b"C", b"Z ", b"P", b"N", b"N",
                    b"1", b"N", 0, b"N",
                )
            )  # fmt: skip
            lines.append(message("H", locate, self.now_ns, stock, b"T", b" ", b"    "))
        return lines

    def _best(self, side: list[list[int]], which: int) -> int | None:
        prices = [order[1] for order in side]
        return (min(prices) if which else max(prices)) if prices else None

    def _front(self, locate: int, which: int) -> list[int] | None:
        side = self.books[locate][which]
        best = self._best(side, which)
        return next((order for order in side if order[1] == best), None)

    def _place(self, locate: int, which: int) -> int:
        """Choose a price that does not reach the other side."""
        px = PX + self.chance.randint(-3, 3) * TICK
        other = self._best(self.books[locate][1 - which], 1 - which)
        if other is not None:
            px = max(px, other + TICK) if which else min(px, other - TICK)
        return px

    def next(self) -> bytes:
        """Draw the next message."""
        chance = self.chance
        self.now_ns += chance.randint(0, 3_000)
        locate = chance.choice(list(STOCKS))
        which = chance.randint(0, 1)
        side = self.books[locate][which]
        kind = chance.choice("AAAAAAFFEEEEEECXXDDUUUPBHh")
        if kind in "Hh":
            return self._state(kind, locate)
        if kind == "B" and self.matches:
            return message("B", locate, self.now_ns, self.matches.pop(chance.randrange(len(self.matches))))
        if kind == "P" and not self.halted[locate]:
            self.match += 1
            return message("P", locate, self.now_ns, 0, b"B", 10, STOCKS[locate], PX, self.match)
        if not side or kind in "AFPB":
            return self._add(locate, which, side, "F" if kind == "F" else "A")
        if kind in "EC" and not self.halted[locate]:
            return self._execute(kind, locate, which, side)
        return self._change(kind, locate, which, side)

    def _state(self, kind: str, locate: int) -> bytes:
        quiet = self.halted[locate] = self.chance.random() < 0.3
        if kind == "H":
            return message("H", locate, self.now_ns, STOCKS[locate], b"H" if quiet else b"T", b" ", b"T1  ")
        self.halted[locate] = False  # the operational halt is over, or there was none; H has its own say
        return message("h", locate, self.now_ns, STOCKS[locate], b"Q", b"T")

    def _add(self, locate: int, which: int, side: list[list[int]], kind: str) -> bytes:
        self.reference += self.chance.randint(1, 3)
        order = [self.reference, self._place(locate, which), self.chance.randint(1, 6) * 50]
        side.append(order)
        code = b"S" if which else b"B"
        tail = (b"MAPL",) if kind == "F" else ()
        return message(kind, locate, self.now_ns, order[0], code, order[2], STOCKS[locate], order[1], *tail)

    def _execute(self, kind: str, locate: int, which: int, side: list[list[int]]) -> bytes:
        order = self._front(locate, which)
        assert order is not None
        self.match += 1
        self.matches.append(self.match)
        qty = self.chance.choice([order[2], self.chance.randint(1, order[2])])
        order[2] -= qty
        if not order[2]:
            side.remove(order)
        if kind == "E":
            return message("E", locate, self.now_ns, order[0], qty, self.match)
        return message("C", locate, self.now_ns, order[0], qty, self.match, b"Y", order[1])

    def _change(self, kind: str, locate: int, which: int, side: list[list[int]]) -> bytes:
        order = self.chance.choice(side)
        if kind == "X" and order[2] > 1:
            qty = self.chance.randint(1, order[2] - 1)
            order[2] -= qty
            return message("X", locate, self.now_ns, order[0], qty)
        side.remove(order)
        if kind == "U":
            self.reference += 1
            new = [self.reference, self._place(locate, which), self.chance.randint(1, 6) * 50]
            side.append(new)
            return message("U", locate, self.now_ns, order[0], new[0], new[2], new[1])
        return message("D", locate, self.now_ns, order[0])


def scripted(seed: int, count: int) -> list[bytes]:
    """Return a day of the opening and so many messages."""
    script = Script(Random(seed))
    return script.opening() + [script.next() for _ in range(count)]
