"""What the order pool promises, in Python: its state table, written with dictionaries and no limits."""

from __future__ import annotations

from dataclasses import dataclass, field

from model.order_words import (
    ALL,
    CONNECTION_KINDS,
    DEAD,
    MOST,
    NEVER_ARRIVED,
    NO_TAG,
    OPEN,
    ORIGINAL_GONE,
    Effect,
    Fill,
    Order,
    Reply,
    Sent,
    Wish,
)

__all__ = [
    "ALL",
    "CONNECTION_KINDS",
    "DEAD",
    "MOST",
    "NEVER_ARRIVED",
    "NO_TAG",
    "OPEN",
    "ORIGINAL_GONE",
    "Effect",
    "Fill",
    "Model",
    "Order",
    "Reply",
    "Sent",
    "Wish",
]


@dataclass
class Model:
    """The pool."""

    symbols: list[str]
    orders: dict[int, Order] = field(default_factory=dict)
    tags: dict[tuple[int, int], int] = field(default_factory=dict)
    fills: dict[tuple[int, int], Fill] = field(default_factory=dict)
    next_user_ref: int = 1
    first_taken: int = 0
    number: int = 0
    sequence: int = 0
    connected: bool = False
    settling: bool = False

    # --- orders ---

    def named(self, wish: Wish) -> Order | None:
        """The order of the tag."""
        return self.orders.get(self.tags.get((wish.instrument, wish.tag), 0))

    def look(self, wish: Wish) -> str:
        """Whether an order can be made."""
        order = self.named(wish)
        if not self.connected:
            return "NOT_CONNECTED"
        if wish.action == "ENTER":
            return "TAG_IN_USE" if order else "DONE"
        if order is None:
            return "NO_ORDER"
        if wish.action == "REPLACE":
            on_its_way = order.replaces and not order.heard
            busy = order.asked_size is not None or order.replaced_by or on_its_way
            return "BUSY" if busy else "DONE"
        if order.asked_size is not None and wish.qty >= order.asked_size:
            return "BUSY"
        return "NOT_LESS" if wish.qty > 0 and wish.qty >= order.entered - order.cancelled else "DONE"

    def take(self, wish: Wish) -> tuple[str, Sent | None]:
        """Make the order."""
        verdict = self.look(wish)
        if verdict != "DONE":
            return verdict, None
        self.number += 1
        named = self.named(wish)
        if wish.action == "CANCEL":
            assert named
            named.state, named.asked_size = "CANCEL_SENT", wish.qty
            sent = Sent("CANCEL", named.user_ref, self.number, 0, wish.qty, named.px, named.side)
            return verdict, sent
        user_ref = self.next_user_ref
        self.next_user_ref += 1
        self.first_taken = self.first_taken or user_ref
        side = named.side if named else wish.side
        order = Order(user_ref, wish.instrument, wish.tag, side, wish.px, wish.tif, wish.qty, self.number)
        order.resting_px = wish.px
        if named:
            named.replaced_by, order.replaces = user_ref, named.user_ref
        self.orders[user_ref] = order
        self.tags[wish.instrument, wish.tag] = user_ref
        return verdict, Sent(wish.action, user_ref, self.number, order.replaces, wish.qty, wish.px, side)

    def mass_cancel(self, instrument: int) -> Sent | None:
        """Ask all to go."""
        if not self.connected:
            return None
        for order in self.open_orders():
            if instrument in {ALL, order.instrument}:
                order.state, order.asked_size = "CANCEL_SENT", 0
        self.number += 1
        self.next_user_ref += 1
        return Sent("MASS_CANCEL", self.next_user_ref - 1, self.number)

    def open_orders(self) -> list[Order]:
        """All that are not over."""
        return [order for order in self.orders.values() if order.is_open]

    def best(self, instrument: int, side: int) -> int:
        """The best price that may rest."""
        prices = [
            order.resting_px
            for order in self.open_orders()
            if (order.instrument, order.side) == (instrument, side) and order.tif != 3
        ]
        return (max if side == 0 else min)(prices, default=0)

    # --- replies ---

    def apply(self, reply: Reply) -> list[Effect]:
        """What the reply does."""
        if reply.sequence:
            if reply.sequence <= self.sequence:
                return []
            self.sequence = reply.sequence
        passed = 0 < self.first_taken <= reply.user_ref < self.next_user_ref
        if reply.user_ref:
            used = reply.user_ref - (reply.kind == "ACCOUNT")
            self.next_user_ref = max(self.next_user_ref, used + 1)
        self.number = max(self.number, reply.number)
        if reply.kind in {"DISCONNECTED", "ENDED"}:
            self._lose_connection()
        if reply.kind in CONNECTION_KINDS or reply.qty > MOST:
            return []
        match reply.kind:
            case "ACCEPTED":
                return self._accepted(reply, passed)
            case "REPLACED":
                return self._replaced(reply, passed)
            case "BROKEN" | "CORRECTED":
                return self._taken_back(reply)
        order = self.orders.get(reply.user_ref)
        return self._of_known(reply, order) if order else []

    def settle(self) -> list[Effect]:
        """Give up what no message has told of."""
        effects = []
        for order in self.open_orders():
            if not order.heard:
                effects += self._close(order, "REJECTED", NEVER_ARRIVED)
            elif order.state == "UNKNOWN":
                order.stand()
        self.connected, self.settling = True, False
        return effects

    def _lose_connection(self) -> None:
        self.connected = False
        for order in self.open_orders():
            order.state = "UNKNOWN"

    def _of_known(self, reply: Reply, order: Order) -> list[Effect]:
        if reply.kind == "EXECUTED":
            return self._executed(reply, order)
        if reply.kind == "REJECTED" and order.given_up:
            order.reason = reply.reason
            return []
        return self._of_open(reply, order) if order.is_open else []

    def _effect(self, order: Order, **what: int) -> Effect:
        return Effect(order.user_ref, order.tag)._replace(**what)

    def _close(self, order: Order, state: str, reason: int, **what: int) -> list[Effect]:
        """End an order, which releases what is left of it."""
        leaves = order.leaves
        what["released"] = what.get("released", 0) + leaves
        order.cancelled += leaves
        order.state, order.reason, order.asked_size = state, reason, None
        old = self.orders.get(order.replaces)
        if order.tag != NO_TAG and self.tags.get((order.instrument, order.tag)) == order.user_ref:
            back = old is not None and old.is_open and old.tag == order.tag
            self.tags[order.instrument, order.tag] = order.replaces if back else 0
        if old and not order.accepted and old.replaced_by == order.user_ref:
            old.replaced_by = 0
        return [self._effect(order, closes=1, **what)]

    def _close_all(self, order: Order, state: str, reason: int, **what: int) -> list[Effect]:
        """End an order, and the replacement on its way that nobody has told of."""
        effects = self._close(order, state, reason, **what)
        return effects + self._end_replacement(order)

    def _end_replacement(self, order: Order) -> list[Effect]:
        new = self.orders.get(order.replaced_by)
        if new is None or not new.is_open or new.heard:
            return []
        return self._close(new, "REJECTED", ORIGINAL_GONE)

    def _refuses(self, order: Order, reply: Reply) -> bool:
        contradicted = order.side != "BS".index(reply.side) or self.symbols[order.instrument] != reply.symbol
        return order.accepted or contradicted or (order.state == "REJECTED" and not order.given_up)

    def _accepted(self, reply: Reply, passed: bool) -> list[Effect]:
        order = self.orders.get(reply.user_ref)
        if order is None:
            return [] if passed else self._rebuild(reply)
        return [] if self._refuses(order, reply) else self._accept(order, reply)

    def _replaced(self, reply: Reply, passed: bool) -> list[Effect]:
        order = self.orders.get(reply.user_ref)
        if passed if order is None else self._refuses(order, reply):
            return []
        effects: list[Effect] = []
        old = self.orders.get(reply.replaces)
        if old and old.is_open:
            old.heard = True
            effects += self._close(old, "REPLACED", 0)
            if old.replaced_by != reply.user_ref:
                effects += self._end_replacement(old)
            old.replaced_by = reply.user_ref
        return effects + (self._rebuild(reply) if order is None else self._accept(order, reply))

    def _rebuild(self, reply: Reply) -> list[Effect]:
        if reply.symbol not in self.symbols or not reply.user_ref:
            return []
        instrument = self.symbols.index(reply.symbol)
        side, tif = "BS".index(reply.side), 3 if reply.tif == "3" else 0
        order = Order(reply.user_ref, instrument, NO_TAG, side, reply.px, tif, 0, reply.number)
        order.replaces = reply.replaces
        self.orders[order.user_ref] = order
        return self._accept(order, reply, adopt=True)

    def _accept(self, order: Order, reply: Reply, adopt: bool = False) -> list[Effect]:
        if order.given_up:
            adopt, order.state, order.reason = True, "SENT", 0
            order.entered, order.cancelled = order.filled, 0
            if order.tag != NO_TAG and not self.tags.get((order.instrument, order.tag)):
                self.tags[order.instrument, order.tag] = order.user_ref
            else:
                order.tag = NO_TAG
            # It is the youngest of the open ones now.
            self.orders[order.user_ref] = self.orders.pop(order.user_ref)
        order.heard = order.accepted = True
        if not order.is_open:
            return []
        gone = order.filled + order.cancelled
        entered = max(reply.qty, gone)
        change = entered - order.entered
        order.entered = entered
        order.resting_px = reply.px
        order.resolve()
        what = {"adopted": max(change, 0), "released": max(-change, 0), "opens": adopt}
        if reply.state == "D":
            return self._close_all(order, "CANCELLED", DEAD, **what)
        if not order.leaves:
            return self._close_all(order, "FILLED" if order.filled else "CANCELLED", 0, **what)
        return [self._effect(order, **what)]

    def _executed(self, reply: Reply, order: Order) -> list[Effect]:
        key = (reply.match, reply.user_ref)
        if not reply.qty or (reply.match and key in self.fills):
            return []
        if reply.match:
            self.fills[key] = Fill(reply.qty, reply.px)
        adopted = max(reply.qty - order.leaves, 0)
        order.entered += adopted
        order.filled += reply.qty
        order.heard = True
        what = {"adopted": adopted, "filled": reply.qty, "fill_px": reply.px}
        if order.is_open and not order.leaves:
            return self._close_all(order, "FILLED", 0, **what)
        if order.is_open:
            order.resolve()
        return [self._effect(order, **what)]

    def _taken_back(self, reply: Reply) -> list[Effect]:
        fill = self.fills.get((reply.match, reply.user_ref))
        if fill is None or fill.broken:
            return []
        order = self.orders[reply.user_ref]
        effect = self._effect(order, broken=fill.qty, broken_px=fill.px)
        if reply.kind == "CORRECTED":
            fill.qty, fill.px = reply.qty, reply.px
            return [effect._replace(adopted=fill.qty, filled=fill.qty, fill_px=fill.px)]
        fill.broken = True
        order.broken += fill.qty
        return [effect]

    def _of_open(self, reply: Reply, order: Order) -> list[Effect]:
        heard, order.heard = order.heard, True
        match reply.kind:
            case "REJECTED" if not heard:
                return self._close_all(order, "REJECTED", reply.reason)
            case "CANCELED" | "AIQ_CANCELED":
                return self._canceled(reply, order)
            case "CANCEL_PENDING":
                order.state = "CANCEL_SENT"
                order.asked_size = ALL if order.asked_size is None else order.asked_size
            case "CANCEL_REJECTED" if order.asked_size is not None:
                order.stand()
            case "PRIORITY":
                order.resting_px = reply.px
                order.resolve()
            case "MODIFIED" if "BS".index(reply.side) == order.side:
                return self._modified(reply, order)
            case "RESTATED":
                order.resolve()
            case _:
                order.heard = heard
        return []

    def _canceled(self, reply: Reply, order: Order) -> list[Effect]:
        qty = min(reply.qty, order.leaves)
        order.cancelled += qty
        if not order.leaves:
            return self._close_all(order, "CANCELLED", reply.reason, released=qty)
        if order.state != "CANCEL_SENT" or reply.reason == ord("U"):
            order.stand()
        return [self._effect(order, released=qty)]

    def _modified(self, reply: Reply, order: Order) -> list[Effect]:
        change = reply.qty - order.leaves
        order.entered += max(change, 0)
        order.cancelled += max(-change, 0)
        what = {"adopted": max(change, 0), "released": max(-change, 0)}
        if not order.leaves:
            return self._close_all(order, "CANCELLED", 0, **what)
        order.resolve()
        return [self._effect(order, **what)]
