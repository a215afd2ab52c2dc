"""Clients' orders in a scripted market: the engine against a simple model, and its feed against the books."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model.book import Model
from model.matching import ASK, BID, Matching, Told, numbers_behind
from model.messages import frame, split
from model.script import PX, TICK, scripted

from appliance.book.software import ODDITIES
from appliance.synth import Market as SyntheticMarket
from appliance.synth import write_feed
from appliance.venue.day import Day
from appliance.venue.market import Entry, Event, Market


@contextmanager
def opened(framed: bytes) -> Iterator[Market]:
    """Open the engine on a script."""
    with Day(iter([memoryview(framed)])) as day, Market(day) as market:
        yield market


def as_told(event: Event) -> Told:
    trade = event.kind == "executed"
    return Told(
        event.kind, event.tag, event.qty, event.leaves, event.px, event.match if trade else 0, event.reason,
        event.liquidity,
    )  # fmt: skip


class Both:
    """The engine and the model, told the same."""

    def __init__(self, market: Market, framed: bytes, chance: Random) -> None:
        self.market = market
        self.chance = chance
        self.model = Matching(*numbers_behind(framed))
        self.tag = 0
        self.heard: list[Event] = []

    def script(self, body: bytes) -> None:
        self.model.script(body)
        assert self.market.step(1) == 1
        self.listen()

    def listen(self) -> None:
        """Compare what clients are told."""
        events = [event for event in self.market.events() if event.kind != "ended"]
        self.heard += events
        told, self.model.told = self.model.told, []
        assert [as_told(event) for event in events] == told

    def order(self, px: int, locate: int) -> None:
        """Enter a random order."""
        self.tag += 1
        chance = self.chance
        side, qty = chance.choice([BID, ASK]), chance.randint(1, 8) * 25
        ioc = chance.random() < 0.2
        post_only = chance.random() < 0.1
        day = chance.random() < 0.5
        min_qty = qty // 2 if ioc and chance.random() < 0.3 else 0
        replaced = 0
        if self.model.clients() and chance.random() < 0.25:
            replaced = chance.choice(self.model.clients()).reference
        entry = Entry(self.tag, locate, side, qty, px, ioc, post_only, day, min_qty)
        verdict = self.market.replace(replaced, entry) if replaced else self.market.enter(entry)
        expected = self.model.enter(
            self.tag, locate, side, qty, px, ioc=ioc, market_hours=day, replaces=replaced,
            post_only=post_only, min_qty=min_qty,
        )  # fmt: skip
        assert verdict == expected
        self.listen()

    def cancel(self) -> None:
        """Reduce or cancel a random order."""
        if not self.model.clients():
            return
        order = self.chance.choice(self.model.clients())
        keep = self.chance.choice([0, 0, self.chance.randint(1, order.qty + 20)])
        reason = self.chance.choice(["U", ""])
        assert self.market.cancel(order.reference, keep, reason) == self.model.cancel(
            order.reference, keep, reason
        )
        self.listen()

    def check(self) -> None:
        """Compare all that was written, and the books that it makes."""
        written = self.market.written()
        assert split(written) == self.model.written
        book = Model()
        book.feed(written)
        assert not {name: book.counters[name] for name in ODDITIES if book.counters[name]}
        assert {o.reference: o.qty for o in self.model.orders.values() if o.qty} == {
            reference: order.qty for reference, order in book.orders.items()
        }
        assert self.market.books().depth_digest() == book.depth_digest()
        assert self.market.books().digest == book.digest
        for locate in book.books:
            bids, asks = book.levels(locate, BID, 1), book.levels(locate, ASK, 1)
            assert not bids or not asks or bids[0][0] < asks[0][0]
        self._conserve(split(written))

    def _conserve(self, messages: list[bytes]) -> None:
        """Whatever a client was told to have sold or bought, the feed shows, and the other way round."""
        shown: dict[int, int] = {}
        for body in messages:
            if body[:1] in b"EC":
                match = int.from_bytes(body[23:31], "big")
                if match >= numbers_behind(b"")[1]:
                    shown[match] = int.from_bytes(body[19:23], "big")
        heard: dict[int, set[int]] = {}
        for event in self.heard:
            if event.kind == "executed":
                heard.setdefault(event.match, set()).add(event.qty)
        assert {match: {qty} for match, qty in shown.items()} == heard


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), busy=st.floats(0.05, 0.8))
def test_the_engine_does_what_the_model_does_in_a_crowded_market(seed: int, busy: float) -> None:
    chance = Random(seed)
    messages = scripted(seed, 150)
    framed = frame(messages)
    with opened(framed) as market:
        both = Both(market, framed, chance)
        for body in messages:
            both.script(body)
            while chance.random() < busy:
                both.order(PX + chance.randint(-4, 4) * TICK, chance.randint(1, 2))
                if chance.random() < 0.2:
                    both.cancel()
        both.model.end()
        market.end()
        both.listen()
        both.check()


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_engine_does_what_the_model_does_in_a_synthetic_market(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chance = Random(seed)
    path = tmp_path_factory.mktemp("day") / "day.itch"
    write_feed(SyntheticMarket(4_000, 3, seed, live_orders=150), str(path))
    framed = path.read_bytes()
    with opened(framed) as market:
        both = Both(market, framed, chance)
        for body in split(framed):
            both.script(body)
            if chance.random() < 0.2 and body[0] in b"AFEXDU":
                locate = int.from_bytes(body[1:3], "big")
                side = chance.choice([BID, ASK])
                view = both.market.books().levels(locate, side)
                if len(view):
                    both.order(int(view[0]["px"]) + chance.randint(-2, 2) * 100, locate)
            if chance.random() < 0.05:
                both.cancel()
        both.model.end()
        both.check()


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_without_clients_the_day_is_the_script_byte_for_byte(seed: int) -> None:
    framed = frame(scripted(seed, 2_000))
    with opened(framed) as market:
        assert market.step(10_000) == 2_005
        assert market.written() == framed
        assert market.status()["changed"] == 0


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_same_calls_give_the_same_day(seed: int) -> None:
    framed = frame(scripted(seed, 200))

    def live() -> tuple[bytes, list[dict[str, object]]]:
        chance = Random(seed)
        with opened(framed) as market:
            while market.step(chance.randint(1, 9)):
                for _ in range(3):
                    tag = chance.randint(1, 1 << 60)
                    px = PX + chance.randint(-3, 3) * TICK
                    market.enter(Entry(tag, chance.randint(1, 2), chance.randint(0, 1), 70, px))
            return market.written(), [asdict(event) for event in market.events()]

    assert live() == live()
