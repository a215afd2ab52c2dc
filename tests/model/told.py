"""Books told one message at a time, in words: the model or the book under test, whichever is inside."""

from __future__ import annotations

from model.book import Model
from model.messages import Value, frame, message
from model.native import NativeBooks
from model.records import ASK, BID, Event

STOCK = b"ABCD    "
HERE, THERE = 7, 8
LOCATES = 100


class Books:
    """Either of the two, fed message by message in words."""

    def __init__(self, inner: Model | NativeBooks) -> None:
        self.inner = inner

    def tell(self, kind: str, *values: Value, locate: int = HERE, at_ns: int = 0) -> Event | None:
        """Feed one message and return its event."""
        return self.raw(message(kind, locate, at_ns, *values))

    def raw(self, body: bytes) -> Event | None:
        """Feed one message as bytes."""
        events = self.inner.feed(frame([body]))
        assert len(events) <= 1
        return events[0] if events else None

    def add(
        self, reference: int, side: bytes, qty: int, px: int, *, locate: int = HERE, at_ns: int = 0
    ) -> Event | None:
        """Feed an A."""
        return self.tell("A", reference, side, qty, STOCK, px, locate=locate, at_ns=at_ns)

    def bids(self) -> list[tuple[int, int, int]]:
        """Return (reference, price, quantity) of the bids."""
        return self.inner.queue(HERE, BID)

    def asks(self) -> list[tuple[int, int, int]]:
        """Return (reference, price, quantity) of the asks."""
        return self.inner.queue(HERE, ASK)

    def counted(self) -> dict[str, int]:
        """Return the oddities that were counted."""
        usual = {
            "messages",
            "events",
            "live_orders",
            "live_levels",
            "symbols",
            "order_pages",
            "order_nodes",
            "digest",
        }
        return {name: count for name, count in self.inner.counters.items() if count and name not in usual}
