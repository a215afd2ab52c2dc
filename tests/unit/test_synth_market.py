"""The synthetic market replayed by an independent checker: plain dictionaries, no code of the project."""

from __future__ import annotations

import heapq
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from appliance.synth import Market, SyntheticMarket

# Body of each type after the 11 bytes of header, as the protocol tables have it.
_BODIES = {
    "S": ">c",
    "R": ">8sccIcc2scccccIc",
    "H": ">8scc4s",
    "Y": ">8sc",
    "L": ">4s8sccc",
    "V": ">QQQ",
    "W": ">c",
    "K": ">8sIcI",
    "J": ">8sIIII",
    "h": ">8scc",
    "A": ">QcI8sI",
    "F": ">QcI8sI4s",
    "E": ">QIQ",
    "C": ">QIQcI",
    "X": ">QI",
    "D": ">Q",
    "U": ">QQII",
    "P": ">QcI8sIQ",
    "Q": ">Q8sIQc",
    "B": ">Q",
    "I": ">QQc8sIIIcc",
    "N": ">8sc",
    "O": ">8scIIIQII",
}
_DECODERS = {ord(code): (code, struct.Struct(body)) for code, body in _BODIES.items()}
_HEADER = struct.Struct(">HBHHHI")
_HOUR_NS = 3600 * 10**9


def feed(messages: int, symbols: int, seed: int = 1, live_orders: int = 0) -> bytes:
    """Return a whole day."""
    with SyntheticMarket(Market(messages, symbols, seed, live_orders)) as market:
        return b"".join(bytes(piece) for piece in market.chunks())


def decoded(data: bytes) -> Iterator[tuple[str, int, int, tuple[Any, ...]]]:
    """Yield type, locate, time and body of each message; a wrong length fails."""
    at = 0
    while at < len(data):
        length, kind, locate, _, high, low = _HEADER.unpack_from(data, at)
        code, body = _DECODERS[kind]
        assert length == 11 + body.size, f"type {code} of {length} bytes"
        yield code, locate, high << 32 | low, body.unpack_from(data, at + 13)
        at += 2 + length


class Side:
    """One side of one book: a queue at each price, and a heap to find the best."""

    def __init__(self, sign: int) -> None:
        self.sign = sign  # +1: the lowest price is best
        self.queues: dict[int, dict[int, None]] = {}
        self.heap: list[int] = []

    def add(self, px: int, reference: int) -> None:
        if px not in self.queues:
            self.queues[px] = {}
            heapq.heappush(self.heap, px * self.sign)
        self.queues[px][reference] = None

    def remove(self, px: int, reference: int) -> None:
        del self.queues[px][reference]
        if not self.queues[px]:
            del self.queues[px]

    def best(self) -> int | None:
        while self.heap and self.heap[0] * self.sign not in self.queues:
            heapq.heappop(self.heap)
        return self.heap[0] * self.sign if self.heap else None

    def front(self) -> int:
        best = self.best()
        assert best is not None
        return next(iter(self.queues[best]))


class Checker:
    """Applies messages and asserts that each is possible in a market where the ones before have happened."""

    def __init__(self) -> None:
        self.names: dict[int, bytes] = {}
        self.states: dict[int, bytes] = {}
        self.books: dict[int, dict[bytes, Side]] = {}
        self.orders: dict[int, list[Any]] = {}  # reference -> [locate, side, px, qty]
        self.matches: dict[int, int] = {}
        self.last_reference = 0
        self.last_ns = 0
        self.unprinted: Counter[tuple[int, int]] = Counter()  # by locate and time
        self.system_events: list[tuple[bytes, int]] = []
        self.entered = 0
        self.left = 0
        self.counts: Counter[str] = Counter()
        self.halts: list[tuple[int, bytes, bytes]] = []

    def apply(self, code: str, locate: int, ns: int, body: tuple[Any, ...]) -> None:
        assert ns >= self.last_ns
        self.last_ns = ns
        self.counts[code] += 1
        assert code in "SVWR" or locate in self.names
        if code in _RULES:
            _RULES[code](self, locate, ns, *body)

    def on_system_event(self, locate: int, ns: int, event: bytes) -> None:
        assert locate == 0
        self.system_events.append((event, ns))

    def on_directory(self, locate: int, ns: int, name: bytes, *rest: Any) -> None:
        assert locate not in self.names
        assert name not in self.names.values()
        assert name.strip().isalpha()
        assert name == name.strip().ljust(8)
        self.names[locate] = name
        self.books[locate] = {b"B": Side(-1), b"S": Side(1)}

    def on_trading_action(
        self, locate: int, ns: int, name: bytes, state: bytes, reserved: bytes, reason: bytes
    ) -> None:
        assert name == self.names[locate]
        follows = {b"T": b"HP", b"H": b"Q", b"P": b"Q", b"Q": b"T"}
        if locate in self.states:
            assert state in follows[self.states[locate]]
            self.halts.append((locate, state, reason))
        else:
            assert state in b"TH"
        self.states[locate] = state

    def enter(self, locate: int, side: bytes, px: int, qty: int, reference: int) -> None:
        assert reference > self.last_reference
        self.last_reference = reference
        assert self.states[locate] in b"TQ"
        assert qty > 0
        assert px > 0
        assert px < 10000 or px % 100 == 0
        self.orders[reference] = [locate, side, px, qty]
        self.books[locate][side].add(px, reference)
        self.entered += qty
        bid, ask = self.books[locate][b"B"].best(), self.books[locate][b"S"].best()
        assert bid is None or ask is None or bid < ask

    def leave(self, reference: int, locate: int) -> list[Any]:
        order = self.orders.pop(reference)
        assert order[0] == locate
        self.books[locate][order[1]].remove(order[2], reference)
        self.left += order[3]
        return order

    def reduce(self, reference: int, qty: int) -> None:
        order = self.orders[reference]
        assert 0 < qty <= order[3]
        if qty == order[3]:
            self.leave(reference, order[0])
        else:
            order[3] -= qty
            self.left += qty

    def trade(self, locate: int, match: int) -> None:
        assert match not in self.matches
        assert match > 0
        self.matches[match] = locate

    def on_add(
        self, locate: int, ns: int, reference: int, side: bytes, qty: int, name: bytes, px: int, *mpid: bytes
    ) -> None:
        assert name == self.names[locate]
        self.enter(locate, side, px, qty, reference)

    def executed(self, locate: int, reference: int, qty: int) -> int:
        owner, side, px, _ = self.orders[reference]
        assert owner == locate
        assert self.books[locate][side].best() == px
        assert self.books[locate][side].front() == reference
        self.reduce(reference, qty)
        return int(px)

    def on_executed(self, locate: int, ns: int, reference: int, qty: int, match: int) -> None:
        assert self.states[locate] == b"T"
        self.executed(locate, reference, qty)
        self.trade(locate, match)

    def on_executed_at_price(
        self, locate: int, ns: int, reference: int, qty: int, match: int, printable: bytes, px: int
    ) -> None:
        assert self.states[locate] in (b"T" if printable == b"Y" else b"TQ")
        order_px = self.executed(locate, reference, qty)
        assert abs(px - order_px) <= (1 if order_px < 10000 else 100)
        self.trade(locate, match)
        if printable == b"N":
            self.unprinted[locate, ns] += qty

    def on_cancel(self, locate: int, ns: int, reference: int, qty: int) -> None:
        assert self.orders[reference][0] == locate
        assert qty < self.orders[reference][3]
        self.reduce(reference, qty)

    def on_delete(self, locate: int, ns: int, reference: int) -> None:
        self.leave(reference, locate)

    def on_replace(self, locate: int, ns: int, old: int, new: int, qty: int, px: int) -> None:
        order = self.leave(old, locate)
        self.enter(locate, order[1], px, qty, new)

    def on_hidden_trade(
        self, locate: int, ns: int, reference: int, side: bytes, qty: int, name: bytes, px: int, match: int
    ) -> None:
        assert self.states[locate] == b"T"
        assert name == self.names[locate]
        bid, ask = self.books[locate][b"B"].best(), self.books[locate][b"S"].best()
        assert bid is not None
        assert ask is not None
        assert bid <= px <= ask
        self.trade(locate, match)

    def on_cross(self, locate: int, ns: int, qty: int, name: bytes, px: int, match: int, kind: bytes) -> None:
        assert name == self.names[locate]
        assert self.states[locate] == (b"Q" if kind == b"H" else b"T")
        assert kind != b"O" or 0 <= ns - 9.5 * _HOUR_NS < 60e9
        assert kind != b"C" or 0 <= ns - 16 * _HOUR_NS < 60e9
        assert (px == 0) == (qty == 0)
        assert qty >= self.unprinted[locate, ns]
        self.trade(locate, match)

    def on_broken(self, locate: int, ns: int, match: int) -> None:
        assert self.matches.pop(match) == locate


_RULES: dict[str, Callable[..., None]] = {
    "S": Checker.on_system_event,
    "R": Checker.on_directory,
    "H": Checker.on_trading_action,
    "A": Checker.on_add,
    "F": Checker.on_add,
    "E": Checker.on_executed,
    "C": Checker.on_executed_at_price,
    "X": Checker.on_cancel,
    "D": Checker.on_delete,
    "U": Checker.on_replace,
    "P": Checker.on_hidden_trade,
    "Q": Checker.on_cross,
    "B": Checker.on_broken,
}


def check(data: bytes) -> Checker:
    """Replay a feed."""
    checker = Checker()
    for message in decoded(data):
        checker.apply(*message)
    return checker


@pytest.fixture(scope="module")
def day() -> tuple[bytes, Checker]:
    data = feed(200_000, 100)
    return data, check(data)


def test_the_stream_is_a_consistent_market(day: tuple[bytes, Checker]) -> None:
    _, checker = day
    resting = sum(order[3] for order in checker.orders.values())
    assert checker.entered == checker.left + resting
    assert sum(checker.counts.values()) == 200_000


@pytest.mark.parametrize(
    ("messages", "symbols", "seed", "live_orders"),
    [(40_000, 3000, 7, 0), (30_000, 1, 2, 0), (30_000, 4, 5, 200), (30_000, 9, 2**64 - 1, 20_000)],
)
def test_the_market_is_consistent_for_few_and_many_symbols_and_orders(
    messages: int, symbols: int, seed: int, live_orders: int
) -> None:
    checker = check(feed(messages, symbols, seed, live_orders))
    assert sum(checker.counts.values()) == messages
    assert len(checker.names) == symbols


def test_every_message_type_occurs_in_a_feed_of_100_000() -> None:
    types = {code for code, *_ in decoded(feed(100_000, 100))}
    assert types == set(_BODIES)


def test_the_system_events_come_in_order_and_at_their_times(day: tuple[bytes, Checker]) -> None:
    events = day[1].system_events
    assert [event for event, _ in events] == [b"O", b"S", b"Q", b"M", b"E", b"C"]
    assert [ns / _HOUR_NS for _, ns in events[1:5]] == [4, 9.5, 16, 20]


def test_halts_pass_through_quotation_and_end_with_a_cross(day: tuple[bytes, Checker]) -> None:
    checker = day[1]
    changes = Counter(state for _, state, _ in checker.halts)
    assert changes[b"P"] >= 1
    assert changes[b"Q"] >= 3  # a pause and two new listings
    assert changes[b"T"] == changes[b"Q"]
    assert set(checker.states.values()) == {b"T"}


def test_no_order_is_left_when_the_messages_allow(day: tuple[bytes, Checker]) -> None:
    assert day[1].orders == {}


def test_live_orders_stay_below_their_bound() -> None:
    checker, most = Checker(), 0
    for message in decoded(feed(50_000, 50, live_orders=500)):
        checker.apply(*message)
        most = max(most, len(checker.orders))
    assert 400 < most <= 500


def test_most_deletes_hit_recent_orders_and_a_tail_stays(day: tuple[bytes, Checker]) -> None:
    entered: dict[int, int] = {}
    ages = []
    for code, _, ns, body in decoded(day[0]):
        if code in "AF":
            entered[body[0]] = len(entered)
        elif code == "U":
            entered[body[1]] = len(entered)
        elif code == "D" and ns < 16 * _HOUR_NS:
            ages.append(len(entered) - entered[body[0]])
    ages.sort()
    assert ages[len(ages) // 2] < 300
    assert ages[-len(ages) // 100] > 10_000


def test_activity_follows_zipf_and_prices_cluster_at_the_best(day: tuple[bytes, Checker]) -> None:
    checker = Checker()
    adds: Counter[int] = Counter()
    distances: Counter[int] = Counter()
    for code, locate, ns, body in decoded(day[0]):
        if code in "AF":
            adds[locate] += 1
            side = checker.books[locate][body[1]]
            best = side.best()
            if best is not None and best >= 10000:
                distances[min(50, max(0, (body[4] - best) * side.sign // 100))] += 1
        checker.apply(code, locate, ns, body)
    ranked = [count for _, count in adds.most_common()]
    assert 3 < ranked[0] / ranked[19] < 8  # 1 / (rank + 5): 25 / 5 = 5
    assert distances[0] > distances[3] > distances[8] > distances[20] > 0
    assert distances[50] > 0


def test_sizes_are_round_lots_mostly(day: tuple[bytes, Checker]) -> None:
    sizes = [body[2] for code, _, _, body in decoded(day[0]) if code in "AF"]
    round_lots = sum(size % 100 == 0 for size in sizes) / len(sizes)
    assert 0.7 < round_lots < 0.9
    assert any(size < 100 for size in sizes)
