"""An order-by-order book in plain Python: the truth that the C book is held against.

It shares no code with the project. Orders are objects in a dictionary by reference; a level is a dictionary
of orders as they came; the prices of a side are a sorted list. What it promises, message by message:

* Every framed message counts one sequence number, also ignored and empty ones. A wrong length is
  ``bad_length``, a type that does not exist ``unknown_type``.
* A message about one stock with locate 0 or beyond the configured locates is ``bad_locate``. This check is
  first; a message that fails a check is ignored. S, V, W and B are about no stock: their locate is not read.
* A, F: ``bad_side`` when the side is not B or S, then ``zero_quantity``, then ``duplicate_reference`` if the
  reference is live (the first order stays). Else the order joins the tail of its level.
* E, C, X, D, U: ``unknown_reference``, then ``wrong_locate`` when the order belongs to another locate.
* E, C, X: a quantity of 0 is ``zero_quantity``; more than is open is ``overfill`` and removes the order;
  exactly what is open removes it too; less reduces it in place.
* U: the original leaves, and the new reference joins the tail of its level with the original's side and
  locate. ``zero_quantity`` and then ``duplicate_reference`` (live, and not the original) leave it out.
* Trades: E at the order's price, C at its own price when printable is Y, P and Q when they have shares. They
  set the last trade and add to the volume; an overfill trades what was open. Every Q counts in ``crosses``,
  every B in ``broken_trades``.
* H sets the trading state, h the operational halt: halted if either says so (any state but T halts; none seen
  does not). Y sets the short-sale flag: 1 and 2 restrict.
* A symbol's name comes from R, and while it is unknown from any message that carries one.
* An event is given for a message after which the best bid or ask, its quantity or its order count (as written
  in the event: a quantity beyond 32 bits is the largest) differs from before, or that traded, or that changed
  the trading state, the operational halt or the short-sale flag.
"""

from __future__ import annotations

from collections.abc import Callable

from model.digest import mix
from model.messages import FORMATS, LENGTHS, split
from model.one_book import Book, Order
from model.records import (
    ASK,
    ASK_CHANGED,
    BID,
    BID_CHANGED,
    STATE_CHANGED,
    TOP_LEVELS,
    TRADE,
    U32,
    Event,
    Row,
    Summary,
)

COUNTED = (
    "messages",
    "events",
    "trades",
    "crosses",
    "broken_trades",
    "unknown_type",
    "bad_length",
    "bad_side",
    "bad_locate",
    "unknown_reference",
    "duplicate_reference",
    "wrong_locate",
    "zero_quantity",
    "overfill",
)

Trade = tuple[int, int]
Handler = Callable[[Book, bytes], Trade | None]


class Model:
    """All books, fed one framed message after another."""

    def __init__(self, locates: int = 65535) -> None:
        self.locates = locates
        self.sequence = 0
        self.digest = 0
        self.orders: dict[int, Order] = {}
        self.books: dict[int, Book] = {}
        self.counts = dict.fromkeys(COUNTED, 0)
        self.by_type: dict[str, int] = {}
        self.touched: list[tuple[int, int, int]] = []  # (locate, side, px) of the last message
        self._handlers: dict[int, Handler] = {
            ord("A"): self._add,
            ord("F"): self._add,
            ord("E"): self._execute,
            ord("C"): self._execute_with_price,
            ord("X"): self._cancel,
            ord("D"): self._delete,
            ord("U"): self._replace,
            ord("P"): self._trade,
            ord("Q"): self._cross,
            ord("H"): self._trading_action,
            ord("h"): self._operational_halt,
            ord("Y"): self._reg_sho,
        }

    def feed(self, framed: bytes) -> list[Event]:
        """Apply whole framed messages and return their events."""
        events = []
        for body in split(framed):
            event = self.message(body)
            if event is not None:
                events.append(event)
        return events

    def message(self, body: bytes) -> Event | None:
        """Apply one message, without its length, and return the event it gives, if any."""
        self.sequence += 1
        counts = self.counts
        counts["messages"] += 1
        self.touched.clear()
        kind = body[0] if body else -1
        if kind not in LENGTHS:
            counts["unknown_type" if body else "bad_length"] += 1
            return None
        if len(body) != LENGTHS[kind]:
            counts["bad_length"] += 1
            self._miss(body)
            return None
        name = chr(kind)
        self.by_type[name] = self.by_type.get(name, 0) + 1
        if kind == ord("B"):
            counts["broken_trades"] += 1
        locate = body[1] << 8 | body[2]
        if name in "SVWB":
            return None
        if not 0 < locate <= self.locates:
            counts["bad_locate"] += 1
            return None
        book = self.books.get(locate)
        if book is None:
            book = self.books[locate] = Book(locate)
        if name not in "AF":
            book.learn(body)
        handler = self._handlers.get(kind)
        return self._event(book, body, handler) if handler else None

    def _miss(self, body: bytes) -> None:
        """Take note of a malformed message: the book that it names has missed something."""
        locate = int.from_bytes(body[1:3], "big") if len(body) >= 3 else 0
        if 0 < locate <= self.locates:
            self.books.setdefault(locate, Book(locate)).stale = True

    def _event(self, book: Book, body: bytes, handler: Handler) -> Event | None:
        state_before = book.state
        trade = handler(book, body)
        flags = 0
        if self.touched:
            for side in (BID, ASK):
                best = book.top(side)
                if best != book.best[side]:
                    book.best[side] = best
                    flags |= ASK_CHANGED if side else BID_CHANGED
        if book.state != state_before:
            flags |= STATE_CHANGED
        if trade is not None:
            flags |= TRADE
            self.counts["trades"] += 1
            book.last_px, book.last_qty = trade[0], min(trade[1], U32)
            book.traded_qty += trade[1]
        if not flags:
            return None
        return self._report(book, body, flags, trade or (0, 0))

    def _report(self, book: Book, body: bytes, flags: int, trade: Trade) -> Event:
        (bid_px, bid_qty, bid_orders), (ask_px, ask_qty, ask_orders) = book.best
        event = Event(
            self.sequence,
            int.from_bytes(body[5:11], "big"),
            bid_px,
            ask_px,
            bid_qty,
            ask_qty,
            bid_orders,
            ask_orders,
            trade[0],
            min(trade[1], U32),
            book.locate,
            flags | book.flags,
        )
        self.counts["events"] += 1
        if flags & (BID_CHANGED | ASK_CHANGED):
            self.digest = mix(
                self.digest,
                event.sequence,
                bid_px | ask_px << 32,
                bid_qty | ask_qty << 32,
                (bid_orders | ask_orders << 32) ^ book.locate << 48,
            )
        return event

    def _join(self, book: Book, reference: int, side: int, qty: int, px: int) -> None:
        """Put an order at the tail of its level, unless it has no shares or its reference is live."""
        if qty == 0:
            self.counts["zero_quantity"] += 1
        elif reference in self.orders:
            self.counts["duplicate_reference"] += 1
        else:
            level = book.level(side, px)
            order = self.orders[reference] = Order(reference, book.locate, side, qty, level)
            level.orders[reference] = order
            level.qty += qty
            self.touched.append((book.locate, side, px))

    def _reduce(self, book: Book, order: Order, qty: int) -> int:
        """Take shares from an order, all of them at most; return how many."""
        level = order.level
        if qty > order.qty:
            self.counts["overfill"] += 1
            qty = order.qty
        level.qty -= qty
        order.qty -= qty
        if order.qty == 0:
            del self.orders[order.reference]
            del level.orders[order.reference]
            if not level.orders:
                book.drop(order.side, level.px)
        self.touched.append((order.locate, order.side, level.px))
        return qty

    def _live(self, book: Book, reference: int) -> Order | None:
        order = self.orders.get(reference)
        if order is None:
            self.counts["unknown_reference"] += 1
        elif order.locate != book.locate:
            self.counts["wrong_locate"] += 1
            return None
        return order

    def _add(self, book: Book, body: bytes) -> None:
        reference, side, qty, _, px = FORMATS[body[0]].unpack(body)[5:10]
        if side not in (b"B", b"S"):
            self.counts["bad_side"] += 1
            return
        if qty:
            book.learn(body)
        self._join(book, reference, ASK if side == b"S" else BID, qty, px)

    def _take(self, book: Book, reference: int, qty: int) -> Trade | None:
        """Take shares from a live order; return its price and how many there were, if any."""
        order = self._live(book, reference)
        if order is None:
            return None
        if qty == 0:
            self.counts["zero_quantity"] += 1
            return None
        return order.level.px, self._reduce(book, order, qty)

    def _execute(self, book: Book, body: bytes) -> Trade | None:
        reference, qty, _ = FORMATS[body[0]].unpack(body)[5:]
        return self._take(book, reference, qty)

    def _execute_with_price(self, book: Book, body: bytes) -> Trade | None:
        reference, qty, _, printable, px = FORMATS[body[0]].unpack(body)[5:]
        taken = self._take(book, reference, qty)
        return (px, taken[1]) if taken and printable == b"Y" else None

    def _cancel(self, book: Book, body: bytes) -> None:
        reference, qty = FORMATS[body[0]].unpack(body)[5:]
        self._take(book, reference, qty)

    def _delete(self, book: Book, body: bytes) -> None:
        order = self._live(book, FORMATS[body[0]].unpack(body)[5])
        if order is not None:
            self._reduce(book, order, order.qty)

    def _replace(self, book: Book, body: bytes) -> None:
        original, reference, qty, px = FORMATS[body[0]].unpack(body)[5:]
        order = self._live(book, original)
        if order is not None:
            self._reduce(book, order, order.qty)
            self._join(book, reference, order.side, qty, px)

    def _trade(self, book: Book, body: bytes) -> Trade | None:
        _, _, qty, _, px, _ = FORMATS[body[0]].unpack(body)[5:]
        return (px, qty) if qty else None

    def _cross(self, book: Book, body: bytes) -> Trade | None:
        qty, _, px, _, _ = FORMATS[body[0]].unpack(body)[5:]
        self.counts["crosses"] += 1
        return (px, qty) if qty else None

    def _trading_action(self, book: Book, body: bytes) -> None:
        book.trading_state = body[19:20]

    def _operational_halt(self, book: Book, body: bytes) -> None:
        book.operational_halt = body[20:21]

    def _reg_sho(self, book: Book, body: bytes) -> None:
        book.reg_sho = body[19:20]

    def summary(self, locate: int) -> Summary:
        """Return the top of one book with its last trade and state."""
        book = self.books.get(locate) or Book(locate)
        return Summary(
            self.levels(locate, BID, TOP_LEVELS),
            self.levels(locate, ASK, TOP_LEVELS),
            book.symbol,
            book.last_px,
            book.last_qty,
            book.traded_qty,
            book.trading_state,
            book.reg_sho,
            book.flags,
        )

    def levels(self, locate: int, side: int, count: int | None = None) -> list[Row]:
        """Return (price, orders, quantity) of the best levels, all unless a count is given."""
        book = self.books.get(locate)
        if book is None:
            return []
        keys = book.keys[side] if count is None else book.keys[side][-count:]
        levels = (book.levels[side][abs(key)] for key in reversed(keys))
        return [(level.px, len(level.orders), level.qty) for level in levels]

    def queue(self, locate: int, side: int) -> list[Row]:
        """Return (reference, price, quantity) of every order, best price first, oldest first."""
        book = self.books.get(locate)
        if book is None:
            return []
        return [row for key in reversed(book.keys[side]) for row in self.queue_at(locate, side, abs(key))]

    def queue_at(self, locate: int, side: int, px: int) -> list[Row]:
        """Return the queue of one level."""
        level = self.books[locate].levels[side].get(px)
        return [(order.reference, px, order.qty) for order in level.orders.values()] if level else []

    def depth_digest(self) -> int:
        """Return the digest over every order: by locate, bids first, best price first, oldest first."""
        digest = 0
        for locate in sorted(self.books):
            for side in (BID, ASK):
                for reference, px, qty in self.queue(locate, side):
                    digest = mix(digest, reference, px, qty, locate | side << 16)
        return digest

    @property
    def counters(self) -> dict[str, int]:
        """Every counter of the contract that a book without pools can know."""
        return {
            **self.counts,
            "live_orders": len(self.orders),
            "live_levels": sum(len(side) for book in self.books.values() for side in book.levels),
            "symbols": sum(1 for book in self.books.values() if book.symbol),
            "no_order_page": 0,
            "no_order": 0,
            "no_level": 0,
            "untrusted_books": 0,
            "digest": self.digest,
        }
