"""Orders that make sense, of a market that moves, and a venue that does with them what venues do."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from model.risk import ASK, BID, ENTER, HALTED, REPLACE, SHORT_SALE_RESTRICTED, STALE, Ask, Model
from model.risk_gate import Gate
from model.risk_scenes import INSTRUMENTS


@dataclass(eq=False)
class Order:
    """An order that passed: shares that can still fill, and the one whose place it is to take."""

    instrument: int
    side: int
    px: int
    leaves: int
    replaces: Order | None = None


class Trading:
    """Orders that make sense, of a market that moves, with everything that may become of them."""

    def __init__(self, random: Random, gate: Gate, model: Model, improves: bool) -> None:
        self.random, self.gate, self.model, self.improves = random, gate, model, improves
        self.orders: list[Order] = []
        self.now = 1_000_000
        self.number = 0
        self.improved = 0

    def tell(self, what: str, *arguments: int) -> None:
        """Tell both of something."""
        getattr(self.gate, what)(*arguments)
        getattr(self.model, what)(*arguments)

    def ask(self) -> None:
        """Enter an order, or replace one."""
        random = self.random
        self.now += random.choice([0, 1, 10, 100, 1000])
        self.number += 1
        free = [order for order in self.orders if not order.replaces and self._heir(order) is None]
        old = random.choice(free) if free and random.random() < 0.4 else None
        instrument = old.instrument if old else random.randrange(INSTRUMENTS)
        side = old.side if old else random.choice([BID, ASK])
        middle = 100_0000 + random.randrange(-3, 4) * 100
        ask = Ask(
            instrument=instrument,
            side=side,
            px=middle + random.randrange(-5, 6) * 100,
            qty=random.choice([1, 50, 100, 100, 200, 500]),
            bid_px=random.choice([0, middle - 100, middle - 100, middle - 100]),
            ask_px=random.choice([0, middle + 100, middle + 100, middle + 100]),
            last_px=random.choice([0, middle]),
            flags=random.choice([0] * 20 + [SHORT_SALE_RESTRICTED] * 5 + [STALE, HALTED]),
            action=REPLACE if old else ENTER,
            replaces_px=old.px if old else 0,
            replaces_qty=old.leaves if old else 0,
            rx_cycles=self.now,
            number=self.number,
        )
        verdict = self.gate.check(ask)
        assert verdict == self.model.check(ask)
        if verdict is None:
            self.orders.append(Order(instrument, side, ask.px, ask.qty, old))
            self.own_best(instrument, side)

    def _heir(self, order: Order) -> Order | None:
        return next((one for one in self.orders if one.replaces is order), None)

    def own_best(self, instrument: int, side: int) -> None:
        """Tell of our best price, as the pool does whenever it changes."""
        prices = [one.px for one in self.orders if (one.instrument, one.side) == (instrument, side)]
        best = (max if side == BID else min)(prices, default=0)
        self.tell("own_best", instrument, side, best)

    def _end(self, order: Order) -> None:
        self.tell("release", order.instrument, order.side, order.px, order.leaves)
        self.tell("close_order", order.instrument, order.side)
        self.orders.remove(order)
        self.own_best(order.instrument, order.side)

    def answer(self) -> None:
        """Let the venue do something with an order."""
        if not self.orders:
            return
        order = self.random.choice(self.orders)
        if order.replaces:
            if self.random.random() < 0.3:  # the replace is refused, and the old order stays
                self._end(order)
            else:
                self._end(order.replaces)
                order.replaces = None
                if not order.leaves:  # all of it was spent on the old one's fills
                    self._end(order)
        elif self.random.random() < 0.5 and self._heir(order) is None:
            self._end(order)
        else:
            self._fill(order)

    def _fill(self, order: Order) -> None:
        qty = self.random.randint(1, order.leaves)
        better = self.random.choice([0, 0, 100]) if self.improves or order.side == BID else 0
        fill_px = order.px - better if order.side == BID else order.px + better
        if order.side == ASK:
            opens = qty - min(max(self.model.instruments[order.instrument].position, 0), qty)
            self.improved += opens * better
        self.tell("fill", order.instrument, order.side, order.px, fill_px, qty)
        order.leaves -= qty
        heir = self._heir(order)
        if heir:  # what was filled of the old one is no more to fill of the new one
            spent = min(qty, heir.leaves)
            self.tell("release", heir.instrument, heir.side, heir.px, spent)
            heir.leaves -= spent
        if not order.leaves:
            for one in (order, heir):
                if one:
                    self._end(one)

    def worst_shares(self, instrument: int, side: int) -> int:
        """Shares long, or short, if all fills: of two orders for one place the larger."""
        position = self.model.instruments[instrument].position * (1 if side == BID else -1)
        return position + sum(
            max(one.leaves, one.replaces.leaves if one.replaces else 0)
            for one in self.orders
            if (one.instrument, one.side) == (instrument, side) and self._heir(one) is None
        )

    def worst_gross(self) -> int:
        """The exposure, counted order by order."""
        total = 0
        for index, one in enumerate(self.model.instruments):
            total += one.cost
            for side in (BID, ASK):
                if self.worst_shares(index, side) > 0:
                    total += sum(
                        _worst_cost(order)
                        for order in self.orders
                        if (order.instrument, order.side) == (index, side) and self._heir(order) is None
                    )
        return total


def _worst_cost(order: Order) -> int:
    """What an order can cost, tried out: first some shares of the one that it replaces, then its own."""
    old = order.replaces
    if not old:
        return order.px * order.leaves
    return max(filled * old.px + max(order.leaves - filled, 0) * order.px for filled in range(old.leaves + 1))
