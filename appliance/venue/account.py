"""The account of the order side: what its client asks, what the market does with it, what the client is told.

All that the client is told is a sequence of OUCH messages, and all that the account knows of its orders
follows from that sequence: so an account that is begun with the messages of an earlier run goes on where that
one stopped. Nothing here waits or sends; messages come in by ``receive``, and go out through the stream.

Rules of the venue that the protocol page leaves open:

* User references count by channel (UserRefIdx). Enter and Replace with one that is not above the last are
  ignored as retransmissions. Mass Cancel, Disable and Enable are always done, and only raise it.
* Cancel and Modify name the size that the order is to have, what is executed included.
* A replacement's quantity is what it has open. One of an order that is over is ignored, and its number is
  not used up; one with impossible values cancels the order (reason Z), its number is not used up either;
  one that the market refuses is rejected, and the order stays.
* Mass Cancel tells of every order that it has cancelled, then that it is done. Disabled accounts are told
  "firm not authorized".
* What cannot be read, and cancels of orders that are over, are counted and ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from appliance.venue.ledger import Ledger, Order, key_of
from appliance.venue.market import ASK, BID, Entry, Event, Market
from appliance.venue.order_rules import ouch_refusal
from appliance.venue.order_settings import OrderServer
from appliance.venue.order_stream import Stream
from appliance.venue.ouch import (
    EXPIRE_TIME,
    INBOUND,
    MIN_QTY,
    OUTBOUND,
    POST_ONLY,
    USER_REF_IDX,
    Message,
    OuchError,
    Value,
    decode,
    encode,
)

_BILLION = 1_000_000_000
_COPIED = frozenset(("accepted", "replaced", "canceled", "aiq_canceled", "executed", "broken", "modified"))
_ECHOED = ("side", "symbol", "price", "time_in_force", "display", "capacity", "iso", "cross_type")


class Account:
    """One account on one market."""

    def __init__(
        self,
        market: Market,
        settings: OrderServer,
        seed: int = 1,
        earlier: Iterable[bytes] = (),
        keep: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        """Begin, or go on behind ``earlier`` messages; ``keep`` gets each new one before anybody else."""
        self.stream = Stream()
        self.copies = Stream()
        self.ledger = Ledger()
        self._market = market
        self._settings = settings
        self._chance = Random(seed)
        self._keep = keep
        self._tags = 0
        self._pending: dict[int, Message] = {}  # by tag: what the market has not answered yet
        self._by_tag: dict[int, Order] = {}
        for message in earlier:
            known = decode(message, OUTBOUND)
            self.ledger.note(known)
            self._file(known, message)
        if not self.stream.messages:
            self._say("system_event", event="S")
        self._resume()

    # --- what the client is told ----------------------------------------------------------------------------

    def _say(self, name: str, options: dict[int, bytes] | None = None, /, **values: Value) -> None:
        if "timestamp" not in values:
            values["timestamp"] = self._now_ns()
        data = encode(OUTBOUND, name, options, **values)
        self._keep(data)
        message = Message(name, values, options or {})
        self.ledger.note(message)
        self._file(message, data)

    def _file(self, message: Message, data: bytes) -> None:
        if message.name in _COPIED:
            self.copies.append(data)
        self.stream.append(data)
        if message.name == "system_event" and message.values["event"] == "E":
            self.copies.end()
            self.stream.end()

    def _now_ns(self) -> int:
        return self._market.status()["venue_ns"]

    # --- a new run ------------------------------------------------------------------------------------------

    def _resume(self) -> None:
        """Open orders of an earlier run: their connection is gone, or they are entered anew."""
        for order in list(self.ledger.orders.values()):
            entry = self._entry(self._new_tag(), Message("enter", order.values, order.options), order.leaves)
            entry = Entry(
                entry.tag, entry.locate, entry.side, entry.qty, entry.px, day=entry.day,
                expire_ns=entry.expire_ns, reference=order.number("reference"),
            )  # fmt: skip
            known = order.symbol in self._market.symbols and not self.stream.ended
            if self._settings.cancel_on_disconnect or not known or not self._market.hold(entry):
                self._cancelled(order, order.leaves, "Z")
            else:
                order.tag = entry.tag
                self._by_tag[entry.tag] = order

    # --- what the market says -------------------------------------------------------------------------------

    def poll(self) -> None:
        """Tell the client what has happened in the market."""
        for event in self._market.events():
            getattr(self, f"_event_{event.kind}")(event)

    def _event_accepted(self, event: Event) -> None:
        asked = self._pending.pop(event.tag)
        self._take("accepted", event, asked.options, {**asked.values, "quantity": event.qty})

    def _event_replaced(self, event: Event) -> None:
        asked = self._pending.pop(event.tag)
        original = self._by_tag[event.replaced_tag]
        values = {**{name: original.values[name] for name in _ECHOED}, **asked.values}
        options = dict(asked.options)
        if USER_REF_IDX in original.options:
            options[USER_REF_IDX] = original.options[USER_REF_IDX]
        self._take("replaced", event, options, {**values, "quantity": event.qty})
        del self._by_tag[event.replaced_tag]

    def _take(self, name: str, event: Event, options: dict[int, bytes], values: dict[str, Value]) -> None:
        extra: dict[str, Value] = {
            "timestamp": event.venue_ns, "reference": event.reference, "state": "L",
        }  # fmt: skip
        self._say(name, options, **{**values, **extra})
        order = self.ledger.orders[key_of(Message(name, values, options))]
        order.tag = event.tag
        self._by_tag[event.tag] = order

    @staticmethod
    def _channel(order: Order) -> dict[int, bytes]:
        return {tag: value for tag, value in order.options.items() if tag == USER_REF_IDX and any(value)}

    def _known(self, event: Event) -> Order:
        """Return the order of an event, and forget it if it is the last one."""
        return self._by_tag[event.tag] if event.leaves else self._by_tag.pop(event.tag)

    def _event_executed(self, event: Event) -> None:
        order = self._known(event)
        self._say(
            "executed", self._channel(order), timestamp=event.venue_ns, user_ref=order.key[1],
            quantity=event.qty, price=event.px, liquidity=event.liquidity, match=event.match,
        )  # fmt: skip

    def _cancelled(self, order: Order, qty: int, reason: str, **at: Value) -> None:
        self._say("canceled", self._channel(order), **at, user_ref=order.key[1], quantity=qty, reason=reason)

    def _event_cancelled(self, event: Event) -> None:
        self._cancelled(self._known(event), event.qty, event.reason, timestamp=event.venue_ns)

    def _event_reduced(self, event: Event) -> None:
        order = self._by_tag[event.tag]
        self._say(
            "modified", self._channel(order), timestamp=event.venue_ns, user_ref=order.key[1],
            side=order.values["side"], quantity=event.leaves,
        )  # fmt: skip

    def _event_ended(self, event: Event) -> None:
        self._say("system_event", timestamp=event.venue_ns, event="E")

    # --- what the client asks -------------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Take one message of the client."""
        self.poll()
        try:
            message = decode(data, INBOUND)
        except OuchError:
            self.ledger.counts.malformed += 1
            return
        if self.stream.ended:
            self.ledger.counts.ignored += 1
            return
        getattr(self, f"_receive_{message.name}")(message)
        self.poll()

    def disconnected(self) -> None:
        """The client has gone."""
        self.poll()
        if self._settings.cancel_on_disconnect:
            for order in list(self.ledger.orders.values()):
                self._market.cancel(order.number("reference"), 0, "Z")
            self.poll()

    def _new_tag(self) -> int:
        self._tags += 1
        return self._tags

    def _entry(self, tag: int, message: Message, qty: int) -> Entry:
        tif = message.values["time_in_force"]
        seconds = message.option(EXPIRE_TIME)
        return Entry(
            tag,
            self._market.symbols.get(str(message.values["symbol"]), 0),
            BID if message.values["side"] == "B" else ASK,
            qty,
            message.number("price"),
            ioc=tif == "3",
            post_only=message.options.get(POST_ONLY) == b"P",
            day=tif == "0",
            min_qty=message.option(MIN_QTY),
            expire_ns=self._now_ns() + seconds * _BILLION if tif == "6" else 0,
        )

    def _reject(self, message: Message, reason: int) -> None:
        self.poll()  # whatever happened before comes before
        channel = {tag: value for tag, value in message.options.items() if tag == USER_REF_IDX and any(value)}
        self._say(
            "rejected", channel, user_ref=message.number("user_ref"), reason=reason,
            cl_ord_id=message.values["cl_ord_id"],
        )  # fmt: skip

    def _provoked(self) -> int:
        """Return the number of a reject that is asked for, or 0."""
        for reason, probability in self._settings.rejects:
            if self._chance.random() < probability:
                return reason
        return 0

    def _is_old(self, message: Message) -> bool:
        """Tell whether the order is one that was sent again."""
        if message.number("user_ref") > self.ledger.last[message.option(USER_REF_IDX)]:
            return False
        self.ledger.counts.retransmitted += 1
        return True

    def _receive_enter(self, message: Message) -> None:
        if self._is_old(message):
            return
        reason = 0 if self.ledger.is_enabled else 0x0C
        reason = reason or ouch_refusal(message, self._settings, self._market.symbols) or self._provoked()
        if not reason:
            tag = self._new_tag()
            self._pending[tag] = message
            reason = self._market.enter(self._entry(tag, message, message.number("quantity")))
            if reason:
                del self._pending[tag]
        if reason:
            self._reject(message, reason)

    def _receive_replace(self, message: Message) -> None:
        if self._is_old(message):
            return
        original = self.ledger.orders.get(key_of(message, "original"))
        if original is None:
            self.ledger.counts.ignored += 1
            return
        values = {**{name: original.values[name] for name in _ECHOED}, **message.values}
        whole = Message("replace", values, message.options)
        if ouch_refusal(whole, self._settings, self._market.symbols):
            self._market.cancel(original.number("reference"), 0, "Z")
            return
        reason = (0 if self.ledger.is_enabled else 0x0C) or self._provoked()
        if not reason:
            tag = self._new_tag()
            self._pending[tag] = message
            reason = self._market.replace(
                original.number("reference"), self._entry(tag, whole, message.number("quantity"))
            )
            if reason:
                del self._pending[tag]
        if reason == 0x15:  # it has ended meanwhile
            self.ledger.counts.ignored += 1
        elif reason:
            self._reject(message, reason)

    def _reduce_to(self, message: Message, reason: str) -> None:
        order = self.ledger.orders.get(key_of(message))
        keep = max(message.number("quantity") - order.executed, 0) if order is not None else 0
        if order is None or not self._market.cancel(order.number("reference"), keep, reason):
            self.ledger.counts.ignored += 1

    def _receive_cancel(self, message: Message) -> None:
        self._reduce_to(message, "U")

    def _receive_modify(self, message: Message) -> None:
        """Change how a sale is marked, and perhaps its size."""
        order = self.ledger.orders.get(key_of(message))
        size = message.number("quantity")
        side = message.values["side"]
        if order is None or order.buys or side not in ("S", "T", "E") or size <= order.executed:
            self.ledger.counts.ignored += 1
            return
        order.values = {**order.values, "side": side}
        if not self._market.cancel(order.number("reference"), size - order.executed, ""):
            self._say(
                "modified", self._channel(order), user_ref=order.key[1], side=side, quantity=order.leaves
            )

    def _answer(self, name: str, message: Message) -> None:
        self._say(name, message.options, **message.values)

    def _receive_mass_cancel(self, message: Message) -> None:
        wanted = message.values["symbol"]
        for order in list(self.ledger.orders.values()):
            if not wanted or order.symbol == wanted:
                self._market.cancel(order.number("reference"), 0, "U")
        self.poll()
        self._answer("mass_canceled", message)

    def _receive_disable(self, message: Message) -> None:
        self._answer("disabled", message)

    def _receive_enable(self, message: Message) -> None:
        self._answer("enabled", message)

    def _receive_account_query(self, message: Message) -> None:
        self._say(
            "account", message.options, next_user_ref=self.ledger.last[message.option(USER_REF_IDX)] + 1
        )
