"""A scripted day on the venue's engine, done message by message: its feed, and what clients are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from model.book import Model
from model.messages import frame, message, split

from appliance.book.software import ODDITIES
from appliance.venue.day import Day
from appliance.venue.market import Entry, Event, Market

STOCK = b"ACME    "
NS = 34_200_000_000_000
CLIENTS = 1 << 32  # the first reference, and the first match number, of clients behind those of these scripts
LISTED = [
    message("R", 1, NS, STOCK, b"Q", b"N", 100, b"N", b"C", b"Z ", b"P", b"N", b"N", b"1", b"N", 0, b"N"),
    message("H", 1, NS, STOCK, b"T", b" ", b"    "),
]


def add(reference: int, side: bytes, qty: int, px: int, ns: int = NS) -> bytes:
    return message("A", 1, ns, reference, side, qty, STOCK, px)


def executed(reference: int, qty: int, match: int) -> bytes:
    return message("E", 1, NS, reference, qty, match)


def of(kind: str, *values: int | bytes) -> bytes:
    return message(kind, 1, NS, *values)


@dataclass
class Play:
    """A script, of which the opening and some messages are done."""

    market: Market
    seen: int = 0

    def enter(self, tag: int, side: int, qty: int, px: int, **words: Any) -> int:
        return self.market.enter(Entry(tag, 1, side, qty, px, **words))

    def feed(self) -> list[bytes]:
        """Return what was written since the last look."""
        written = split(self.market.written())[self.seen :]
        self.seen += len(written)
        return written

    def step(self, count: int = 1) -> list[bytes]:
        """Do the next messages of the script; what they became."""
        self.feed()
        assert self.market.step(count) == count
        return self.feed()

    def told(self) -> list[tuple[str, int, int, int]]:
        """Return the kind, tag, quantity and leaves of all events since the last look."""
        return [(event.kind, event.tag, event.qty, event.leaves) for event in self.market.events()]

    def executions(self) -> list[Event]:
        return [event for event in self.market.events() if event.kind == "executed"]


@contextmanager
def play(*script: bytes, done: int = 0, fat_finger: float = 0.0) -> Iterator[Play]:
    """Open a listed symbol with this script, of which so many messages are done."""
    framed = frame([*LISTED, *script])
    with Day(iter([memoryview(framed)])) as day, Market(day, fat_finger=fat_finger) as market:
        playing = Play(market)
        playing.step(len(LISTED) + done)
        yield playing
        book = Model()
        book.feed(market.written())
        assert not {name: book.counters[name] for name in ODDITIES if book.counters[name]}
