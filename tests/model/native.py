"""The book under test, answering in the same plain values as the model, so that both compare with ``==``."""

from __future__ import annotations

from typing import Any, Self

from model.records import ASK, BID, TOP_LEVELS, Event, Row, Summary

from appliance.book.software import SoftwareBook

NO_LEVELS = [(0, 0, 0)] * TOP_LEVELS
SMALL = {"orders": 1024, "order_pages": 256, "levels": 1024}


class NativeBooks:
    """A SoftwareBook; its pools are small unless the limits say otherwise."""

    def __init__(self, **limits: int) -> None:
        self._books = SoftwareBook(**(SMALL | limits))

    def close(self) -> None:
        """Give the memory back."""
        self._books.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def feed(self, framed: bytes, first_sequence: int | None = None) -> list[Event]:
        """Apply framed messages and return their events."""
        return events_of(self._books.feed(framed, first_sequence))

    def summary(self, locate: int) -> Summary:
        """Return the top of one book with its last trade and state."""
        return _summary(self._books.view(locate))

    def levels(self, locate: int, side: int) -> list[Row]:
        """Return (price, orders, quantity) of every level, best first."""
        levels: list[Row] = self._books.levels(locate, side).tolist()
        return levels

    def queue(self, locate: int, side: int) -> list[Row]:
        """Return (reference, price, quantity) of every order, best price first, oldest first."""
        queue: list[Row] = self._books.queue(locate, side).tolist()
        return queue

    def queue_at(self, locate: int, side: int, px: int) -> list[Row]:
        """Return the queue of one level."""
        queue = self._books.queue(locate, side)
        at: list[Row] = queue[queue["px"] == px].tolist()
        return at

    @property
    def counters(self) -> dict[str, int]:
        """Return all counters, those of the pools too."""
        return self._books.counters

    @property
    def by_type(self) -> dict[str, int]:
        """Return how many well-formed messages came of each type."""
        return self._books.by_type

    @property
    def digest(self) -> int:
        """Return the rolling digest."""
        return self._books.digest

    def depth_digest(self) -> int:
        """Return the digest over every order."""
        return self._books.depth_digest()


def events_of(records: Any) -> list[Event]:
    """Turn an array of ``book_event`` into the model's events."""
    if not len(records):
        return []
    columns = (records[name].tolist() for name in Event._fields)
    return [Event(*row) for row in zip(*columns, strict=True)]


def _summary(view: Any) -> Summary:
    sides = []
    for name in ("bid", "ask"):
        levels = view[name].tolist()
        count = int(view[f"{name}_levels"])
        assert levels[count:] == NO_LEVELS[count:], f"more than {count} levels: {levels}"
        sides.append(levels[:count])
    return Summary(
        sides[BID],
        sides[ASK],
        bytes(view["symbol"]),
        int(view["last_px"]),
        int(view["last_qty"]),
        int(view["traded_qty"]),
        bytes(view["trading_state"]),
        bytes(view["reg_sho"]),
        int(view["flags"]),
    )
