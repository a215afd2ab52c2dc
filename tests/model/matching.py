"""A matching engine in plain Python: the truth that the venue's engine is held against.

It shares no code with the project. A book is two lists of orders in the order in which they trade. Each one
knows how many shares rest in the live day and, if it is scripted, how many the script believes in. The rules
are those that the venue promises:

* A client's order trades with the other side at resting prices, best price first, oldest first (E each); the
  rest is added (A), or cancelled for IOC. A replacement is U, or D when none of it rests.
* Scripted E, C: clients' orders ahead of the named one give first, then the named one as much as it has. When
  the script has nothing left of it, the remainder is deleted. X and D take what is there. U is short by what
  clients have taken; an order taken whole stays dead under its new name. A, F, U trade with clients' orders
  that they lock or cross before they rest. B of a trade that did not take place is left out.
* H and h that end trading cancel clients' orders of the symbol. S M, E and C cancel them (M: those for market
  hours only).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from model.messages import FORMATS, message, split

BID, ASK = 0, 1
_HANDLERS = {
    "A": "_added", "F": "_added", "E": "_executed", "C": "_executed", "X": "_reduced", "D": "_deleted",
    "U": "_replaced", "B": "_broken", "H": "_halted", "h": "_paused", "S": "_system",
}  # fmt: skip


@dataclass(eq=False)
class Resting:
    """An order of the live day, or one that clients have taken whole and the script still believes in."""

    reference: int
    locate: int
    side: int
    px: int
    qty: int
    script_qty: int = 0
    tag: int = 0  # of a client's
    arrival: int = 0
    market_hours: bool = False


@dataclass
class Told:
    """What a client hears."""

    kind: str
    tag: int
    qty: int
    leaves: int
    px: int = 0
    match: int = 0
    reason: str = ""
    liquidity: str = ""


@dataclass
class Matching:
    """The market: feed it scripted messages and clients' wishes, and read what it wrote and told."""

    first_reference: int
    first_match: int
    orders: dict[int, Resting] = field(default_factory=dict)
    written: list[bytes] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    symbols: dict[int, bytes] = field(default_factory=dict)
    halted: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    undone: set[int] = field(default_factory=set)
    hours: str = "open"
    now_ns: int = 0
    arrivals: int = 0

    # --- what both kinds of order do ------------------------------------------------------------------------

    def _queue(self, locate: int, side: int) -> list[Resting]:
        """Return the orders of a side that have shares, the one that trades first in front."""
        live = [o for o in self.orders.values() if o.locate == locate and o.side == side and o.qty]
        return sorted(live, key=lambda o: (-o.px if side == BID else o.px, o.arrival))

    def _write(self, kind: str, locate: int, *values: int | bytes) -> None:
        self.written.append(message(kind, locate, self.now_ns, *values))

    def _join(self, order: Resting) -> None:
        self.arrivals += 1
        order.arrival = self.arrivals
        self.orders[order.reference] = order

    def _give(self, order: Resting, qty: int) -> int:
        """Let an order give shares to somebody; return the number of the trade."""
        number, self.first_match = self.first_match, self.first_match + 1
        self._write("E", order.locate, order.reference, qty, number)
        order.qty -= qty
        if order.tag:
            self.told.append(Told("executed", order.tag, qty, order.qty, order.px, number, "", "A"))
            if not order.qty:
                del self.orders[order.reference]
        return number

    def _crossed(self, locate: int, side: int, px: int) -> list[Resting]:
        """Return the orders that an order of this side and price trades with."""
        return [o for o in self._queue(locate, 1 - side) if (o.px <= px if side == BID else o.px >= px)]

    # --- clients --------------------------------------------------------------------------------------------

    def refusal(self, locate: int, *, ioc: bool, market_hours: bool) -> int:
        """Return the number of the reason not to take an order."""
        if self.hours == "closed" or (self.hours == "after" and (ioc or market_hours)):
            return 2
        return 0 if locate in self.symbols and self._trades(locate) else 7

    def _trades(self, locate: int) -> bool:
        state, operational = self.halted.get(locate, (b"T", b"T"))
        return state == b"T" and operational != b"H"

    def enter(
        self,
        tag: int,
        locate: int,
        side: int,
        qty: int,
        px: int,
        *,
        ioc: bool = False,
        market_hours: bool = False,
        replaces: int = 0,
        post_only: bool = False,
        min_qty: int = 0,
    ) -> int:
        """Take an order of a client, perhaps in the place of another (its reference); 0 or why not."""
        old = self.orders.get(replaces)
        if replaces and (old is None or not old.tag):
            return 0x15
        if old:
            locate, side = old.locate, old.side
        if refused := self.refusal(locate, ioc=ioc, market_hours=market_hours):
            return refused
        reference, self.first_reference = self.first_reference, self.first_reference + 1
        self.told.append(Told("replaced" if old else "accepted", tag, qty, qty, px))
        makers = self._crossed(locate, side, px)
        left, reason = qty, ""
        if post_only and makers:
            reason = "G"
        elif sum(o.qty for o in makers) < min_qty:
            reason = "I"
        else:
            left = self._take(makers, tag, qty)
            reason = "I" if ioc else ""
        rests = left and not reason
        if old and rests:
            self._write("U", locate, old.reference, reference, left, px)
        elif old:
            self._write("D", locate, old.reference)
        elif rests:
            side_code = b"B" if side == BID else b"S"
            self._write("A", locate, reference, side_code, left, self.symbols[locate], px)
        if old:
            del self.orders[old.reference]
        if rests:
            self._join(Resting(reference, locate, side, px, left, tag=tag, market_hours=market_hours))
        elif left:
            self.told.append(Told("cancelled", tag, left, 0, px, reason=reason))
        return 0

    def _take(self, makers: list[Resting], tag: int, qty: int) -> int:
        """Trade a client's order with others; return what is left of it."""
        for maker in makers:
            given = min(qty, maker.qty)
            if given:
                number = self._give(maker, given)
                qty -= given
                self.told.append(Told("executed", tag, given, qty, maker.px, number, "", "R"))
        return qty

    def cancel(self, reference: int, keep: int, reason: str) -> bool:
        """Take a client's order down to so many shares."""
        order = self.orders.get(reference)
        if order is None or not order.tag or order.qty <= keep:
            return False
        gone = order.qty - keep
        if keep:
            self._write("X", order.locate, reference, gone)
        else:
            self._write("D", order.locate, reference)
            del self.orders[reference]
        order.qty = keep
        self.told.append(
            Told("cancelled" if reason else "reduced", order.tag, gone, keep, order.px, reason=reason)
        )
        return True

    def clients(self, locate: int | None = None) -> list[Resting]:
        """Return clients' orders at rest."""
        return [o for o in self.orders.values() if o.tag and (locate is None or o.locate == locate)]

    # --- the script -----------------------------------------------------------------------------------------

    def script(self, body: bytes) -> None:
        """Take the next message of the script."""
        kind = chr(body[0])
        _, locate, _, high, low, *values = FORMATS[body[0]].unpack(body)
        self.now_ns = max(self.now_ns, high << 32 | low)
        handler = getattr(self, _HANDLERS.get(kind, ""), None)
        if handler is None:
            if kind == "R":
                self.symbols[locate] = values[0]
            self.written.append(body)
        else:
            handler(body, locate, *values)

    def _replay(self, body: bytes, position: int, qty: int) -> None:
        """Write a scripted message with another quantity."""
        kind, locate, tracking, high, low, *values = FORMATS[body[0]].unpack(body)
        values[position] = qty
        self.written.append(FORMATS[body[0]].pack(kind, locate, tracking, high, low, *values))

    def _trade_in(self, locate: int, side: int, px: int, qty: int) -> int:
        """Trade a scripted order that comes in with clients' orders; return what is left of it."""
        for maker in self._crossed(locate, side, px):
            if maker.tag and qty:
                given = min(qty, maker.qty)
                self._give(maker, given)
                qty -= given
        return qty

    def _added(
        self,
        body: bytes,
        locate: int,
        reference: int,
        side: bytes,
        qty: int,
        stock: bytes,
        px: int,
        *_: bytes,
    ) -> None:
        self.symbols.setdefault(locate, stock)
        which = BID if side == b"B" else ASK
        left = self._trade_in(locate, which, px, qty)
        if left:
            self._replay(body, 2, left)
        order = Resting(reference, locate, which, px, left, script_qty=qty)
        if left:
            self._join(order)
        else:
            order.arrival = self.arrivals
            self.orders[reference] = order

    def _executed(self, body: bytes, locate: int, reference: int, qty: int, number: int, *_: object) -> None:
        order = self.orders[reference]
        left = qty
        for client in self._queue(locate, order.side):
            better = client.px > order.px if order.side == BID else client.px < order.px
            if client.tag and left and (better or (client.px == order.px and client.arrival < order.arrival)):
                given = min(left, client.qty)
                self._give(client, given)
                left -= given
        given = min(left, order.qty)
        if given:
            self._replay(body, 1, given)
        else:
            self.undone.add(number)
        self._gone(order, given, qty)

    def _gone(self, order: Resting, given: int, script_gone: int) -> None:
        """Take shares out of a scripted order, in the live day and in the script."""
        order.qty -= given
        order.script_qty -= script_gone
        if not order.script_qty:
            if order.qty:
                self._write("D", order.locate, order.reference)
            del self.orders[order.reference]

    def _reduced(self, body: bytes, locate: int, reference: int, qty: int) -> None:
        order = self.orders[reference]
        given = min(qty, order.qty)
        if given == qty:
            self.written.append(body)
        elif given:
            self._write("D", locate, reference)
        self._gone(order, given, qty)

    def _deleted(self, body: bytes, _: int, reference: int) -> None:
        if self.orders.pop(reference).qty:
            self.written.append(body)

    def _replaced(self, body: bytes, locate: int, original: int, reference: int, qty: int, px: int) -> None:
        old = self.orders.pop(original)
        was_open = old.qty
        taken = max(old.script_qty - old.qty, 0)
        left = self._trade_in(locate, old.side, px, max(qty - taken, 0)) if was_open else 0
        if left:
            self._replay(body, 2, left)
        elif was_open:
            self._write("D", locate, original)
        order = Resting(reference, locate, old.side, px, left, script_qty=qty)
        if left:
            self._join(order)
        else:
            order.arrival = self.arrivals
            self.orders[reference] = order

    def _broken(self, body: bytes, _: int, number: int) -> None:
        if number in self.undone:
            self.undone.remove(number)
        else:
            self.written.append(body)

    def _halted(self, body: bytes, locate: int, stock: bytes, state: bytes, *_: bytes) -> None:
        self.symbols.setdefault(locate, stock)
        self._set_halted(body, locate, state, self.halted.get(locate, (b"T", b"T"))[1])

    def _paused(self, body: bytes, locate: int, stock: bytes, _: bytes, action: bytes) -> None:
        self.symbols.setdefault(locate, stock)
        self._set_halted(body, locate, self.halted.get(locate, (b"T", b"T"))[0], action)

    def _set_halted(self, body: bytes, locate: int, state: bytes, operational: bytes) -> None:
        self.halted[locate] = (state, operational)
        self.written.append(body)
        if not self._trades(locate):
            self._cancel_all(self.clients(locate), "H")

    def _cancel_all(self, orders: list[Resting], reason: str) -> None:
        """By symbol, bids first, and the one first that would have traded first."""
        better = {BID: -1, ASK: 1}
        for order in sorted(orders, key=lambda o: (o.locate, o.side, better[o.side] * o.px, o.arrival)):
            self.cancel(order.reference, 0, reason)

    def _system(self, body: bytes, _: int, code: bytes) -> None:
        if code == b"M" and self.hours == "open":
            self.hours = "after"
            self._cancel_all([o for o in self.clients() if o.market_hours], "E")
        elif code in (b"E", b"C"):
            self.end()
        self.written.append(body)

    def end(self) -> None:
        """Close the market."""
        if self.hours != "closed":
            self.hours = "closed"
            self._cancel_all(self.clients(), "E")


def numbers_behind(framed: bytes) -> tuple[int, int]:
    """Return the first reference and match number of clients behind a script: the next round 2^32."""
    references, matches = [0], [0]
    for body in split(framed):
        values = FORMATS[body[0]].unpack(body)[5:]
        kind = chr(body[0])
        if kind in "AF":
            references.append(values[0])
        elif kind == "U":
            references.append(values[1])
        elif kind in "EC":
            matches.append(values[2])
        elif kind == "P":
            matches.append(values[5])
        elif kind == "Q":
            matches.append(values[3])
    return (max(references) >> 32) + 1 << 32, (max(matches) >> 32) + 1 << 32
