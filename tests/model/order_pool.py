"""The order pool under test, spoken to in the model's words."""

from __future__ import annotations

from typing import Any, Self

from model.orders import Effect, Reply, Sent, Wish
from model.ouch import padded

from appliance import native

SYMBOLS = ["AAPL    ", "MSFT    ", "ZVZZT   "]
ACTIONS = {"ENTER": 1, "REPLACE": 2, "CANCEL": 3}
ORDER_ACTIONS = {1: "ENTER", 2: "REPLACE", 3: "CANCEL", 4: "MASS_CANCEL"}
TAKES = [
    "DONE",
    "MALFORMED",
    "NOT_CONNECTED",
    "FULL",
    "TAG_IN_USE",
    "NO_ORDER",
    "BUSY",
    "NOT_LESS",
    "NO_USER_REF",
]
STATES = [
    "NONE",
    "NEW",
    "SENT",
    "LIVE",
    "PARTLY_FILLED",
    "CANCEL_SENT",
    "FILLED",
    "CANCELLED",
    "REPLACED",
    "REJECTED",
    "UNKNOWN",
]
KINDS = {
    "NONE": 0,
    "CONNECTED": 1,
    "CAUGHT_UP": 2,
    "DISCONNECTED": 3,
    "ENDED": 4,
    "SYSTEM": ord("S"),
    "ACCEPTED": ord("A"),
    "REPLACED": ord("U"),
    "CANCELED": ord("C"),
    "AIQ_CANCELED": ord("D"),
    "EXECUTED": ord("E"),
    "BROKEN": ord("B"),
    "CORRECTED": ord("F"),
    "REJECTED": ord("J"),
    "CANCEL_PENDING": ord("P"),
    "CANCEL_REJECTED": ord("I"),
    "PRIORITY": ord("T"),
    "MODIFIED": ord("M"),
    "RESTATED": ord("R"),
    "MASS_CANCELED": ord("X"),
    "DISABLED": ord("G"),
    "ENABLED": ord("K"),
    "ACCOUNT": ord("Q"),
}
RX_CYCLES, HEARD_CYCLES = 1234, 5678


class Pool:
    """An order pool; with a session that is caught up, unless it is told otherwise."""

    def __init__(
        self, orders: int = 64, fills: int = 64, connected: bool = True, first: int = 0, symbols: int = 3
    ) -> None:
        ffi = native.ffi()
        self._library = native.library()
        limits = ffi.new("struct order_pool_limits *", [orders, fills, symbols, first])
        self.handle = self._library.api_orders_open(limits, padded(SYMBOLS))
        assert self.handle != ffi.NULL
        self.last: Any = None  # the order that was made last, as it crosses
        if connected:
            self.connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._library.api_orders_close(self.handle)

    def connect(self, connection: int = 1) -> list[Effect]:
        """A session begins, and is caught up."""
        assert self.apply(Reply("CONNECTED", connection=connection)) == []
        assert self.apply(Reply("CAUGHT_UP", connection=connection)) == []
        return self.settle()

    def look(self, wish: Wish) -> str:
        """Whether an order would be made."""
        verdict: int = self._library.api_orders_look(self.handle, self._intent(wish))
        return TAKES[verdict]

    def take(self, wish: Wish) -> tuple[str, Sent | None]:
        """Make an order of an intent."""
        order = native.ffi().new("struct order *")
        verdict = TAKES[self._library.api_orders_take(self.handle, self._intent(wish), order)]
        return verdict, self._sent(order) if verdict == "DONE" else None

    def mass_cancel(self, instrument: int) -> Sent | None:
        """Ask all to go."""
        order = native.ffi().new("struct order *")
        made = self._library.api_orders_mass_cancel(self.handle, instrument, RX_CYCLES, order)
        return self._sent(order) if made else None

    def apply(self, reply: Reply) -> list[Effect]:
        """Apply a reply; its effects."""
        ffi = native.ffi()
        execution, effects = ffi.new("struct execution *"), ffi.new("struct order_effect[5]")
        execution.kind, execution.rx_cycles = KINDS[reply.kind], HEARD_CYCLES
        for name in ("user_ref", "qty", "px", "replaces", "match", "order_ref", "sequence", "reason"):
            setattr(execution, name, getattr(reply, name))
        execution.number, execution.connection = reply.number, reply.connection
        for name in ("side", "state", "tif"):
            setattr(execution, name, ord(getattr(reply, name)))
        execution.symbol = reply.symbol.encode()
        count = self._library.api_orders_apply(self.handle, execution, effects)
        assert count <= 4
        return [self._effect(effects[index]) for index in range(count)]

    def settle(self) -> list[Effect]:
        """What comes of being caught up."""
        effect, effects = native.ffi().new("struct order_effect *"), []
        while self._library.api_orders_settle(self.handle, HEARD_CYCLES, effect):
            effects.append(self._effect(effect))
        return effects

    def find(self, user_ref: int) -> Any:
        """Return an order's view, or None."""
        view = native.ffi().new("struct order_view *")
        return view if self._library.api_orders_find(self.handle, user_ref, view) else None

    def find_tag(self, instrument: int, tag: int) -> int:
        """Return the user reference of the order of a tag; 0 = none."""
        view = native.ffi().new("struct order_view *")
        return view.user_ref if self._library.api_orders_find_tag(self.handle, instrument, tag, view) else 0

    def state(self, user_ref: int) -> str:
        """Name the state of an order."""
        view = self.find(user_ref)
        return STATES[view.state] if view else "NONE"

    def best(self, instrument: int, side: int) -> int:
        """Return our best price."""
        return int(self._library.api_orders_best(self.handle, instrument, side))

    def open_refs(self, room: int = 100) -> list[int]:
        """List the open orders."""
        views = native.ffi().new("struct order_view[]", room)
        count = self._library.api_orders_list(self.handle, views, room)
        return [views[index].user_ref for index in range(min(count, room))]

    @property
    def last_symbol(self) -> bytes:
        """The symbol of the order that was made last."""
        return bytes(native.ffi().buffer(self.last.symbol))

    @property
    def next_user_ref(self) -> int:
        """The next order's."""
        return int(self._library.api_orders_next_user_ref(self.handle))

    @property
    def counters(self) -> Any:
        """What was counted."""
        counters = native.ffi().new("struct order_pool_counters *")
        self._library.api_orders_counters(self.handle, counters)
        return counters

    def _intent(self, wish: Wish) -> Any:
        intent = native.ffi().new("struct intent *")
        intent.instrument, intent.number, intent.event.rx_cycles = wish.instrument, 99, RX_CYCLES
        signal = intent.signal
        signal.action, signal.tag = ACTIONS.get(wish.action, 9), wish.tag
        signal.side, signal.tif, signal.px, signal.qty = wish.side, wish.tif, wish.px, wish.qty
        return intent

    def _sent(self, order: Any) -> Sent:
        self.last = order
        return Sent(
            ORDER_ACTIONS[order.action],
            order.user_ref,
            order.number,
            order.replaces,
            order.qty,
            order.px,
            order.side,
        )

    def _effect(self, effect: Any) -> Effect:
        view = self.find(effect.user_ref)
        if view:
            assert (effect.instrument, effect.side) == (view.instrument, view.side)
            assert effect.order_px == view.px
        return Effect(
            effect.user_ref,
            effect.tag,
            effect.adopted_qty,
            effect.opens,
            effect.filled_qty,
            effect.fill_px,
            effect.released_qty,
            effect.closes,
            effect.broken_qty,
            effect.broken_px,
        )
