"""Each rule of the matching engine, worked by hand: what the feed shows, and what clients are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from model.book import Model
from model.matching import ASK, BID
from model.messages import FORMATS, frame, message, split

from appliance.book.software import ODDITIES
from appliance.venue.day import Day
from appliance.venue.errors import VenueError
from appliance.venue.market import Entry, Event, Market

STOCK = b"ACME    "
NS = 34_200_000_000_000
CLIENTS = 1 << 32  # the first reference, and the first match number, of clients behind those of these scripts
HALTED, CLOSED, FAT_FINGER, GONE = 0x07, 0x02, 0x06, 0x15
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

    def enter(self, tag: int, side: int, qty: int, px: int, **words: int | bool) -> int:
        return self.market.enter(Entry(tag, 1, side, qty, px, **words))  # type: ignore[arg-type]

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


# --- clients ------------------------------------------------------------------------------------------------


def test_an_order_that_meets_nobody_rests_and_shows_in_the_feed() -> None:
    with play() as market:
        assert market.enter(7, BID, 300, 10_0000) == 0
        assert market.feed() == [add(CLIENTS, b"B", 300, 10_0000)]
        assert market.told() == [("accepted", 7, 300, 300)]


def test_an_order_trades_with_the_best_price_first_and_the_oldest_of_it_first() -> None:
    asks = [add(1, b"S", 100, 10_0200), add(2, b"S", 100, 10_0100), add(3, b"S", 100, 10_0100)]
    with play(*asks, done=3) as market:
        market.enter(7, BID, 250, 10_0200)
        assert market.feed() == [
            executed(2, 100, CLIENTS),
            executed(3, 100, CLIENTS + 1),
            executed(1, 50, CLIENTS + 2),
        ]
        assert [(e.qty, e.px, e.leaves, e.liquidity, e.match) for e in market.executions()] == [
            (100, 10_0100, 150, "R", CLIENTS),
            (100, 10_0100, 50, "R", CLIENTS + 1),
            (50, 10_0200, 0, "R", CLIENTS + 2),
        ]


def test_what_is_left_of_an_order_rests_at_its_limit() -> None:
    with play(add(1, b"B", 100, 10_0000), done=1) as market:
        market.enter(7, ASK, 150, 9_9900)
        assert market.feed() == [executed(1, 100, CLIENTS), add(CLIENTS, b"S", 50, 9_9900)]
        assert market.told() == [("accepted", 7, 150, 150), ("executed", 7, 100, 50)]


def test_what_is_left_of_an_immediate_order_is_cancelled_and_never_shows() -> None:
    with play(add(1, b"S", 100, 10_0000), done=1) as market:
        market.enter(7, BID, 150, 10_0000, ioc=True)
        assert market.feed() == [executed(1, 100, CLIENTS)]
        assert market.told()[1:] == [("executed", 7, 100, 50), ("cancelled", 7, 50, 0)]


def test_a_minimum_that_is_not_there_cancels_the_order_untraded() -> None:
    with play(add(1, b"S", 100, 10_0000), add(2, b"S", 100, 10_0100), done=2) as market:
        market.enter(7, BID, 150, 10_0000, ioc=True, min_qty=150)
        assert market.feed() == []
        market.enter(8, BID, 150, 10_0100, ioc=True, min_qty=150)
        assert market.feed() == [executed(1, 100, CLIENTS), executed(2, 50, CLIENTS + 1)]


def test_an_order_that_may_only_rest_is_cancelled_when_it_would_trade() -> None:
    with play(add(1, b"S", 100, 10_0000), done=1) as market:
        market.enter(7, BID, 100, 10_0000, post_only=True)
        assert [(e.kind, e.reason) for e in market.market.events()] == [("accepted", ""), ("cancelled", "G")]
        market.enter(8, BID, 100, 9_9900, post_only=True)
        assert market.feed() == [add(CLIENTS + 1, b"B", 100, 9_9900)]


def test_clients_trade_with_each_other_in_one_execution() -> None:
    with play() as market:
        market.enter(7, BID, 100, 10_0000)
        market.enter(8, ASK, 40, 10_0000)
        assert market.feed()[1:] == [executed(CLIENTS, 40, CLIENTS)]
        assert [(e.tag, e.qty, e.leaves, e.liquidity, e.match) for e in market.executions()] == [
            (7, 40, 60, "A", CLIENTS),
            (8, 40, 0, "R", CLIENTS),
        ]


def test_a_cancel_of_a_part_keeps_the_place_and_of_the_rest_deletes() -> None:
    with play() as market:
        market.enter(7, BID, 100, 10_0000)
        assert market.market.cancel(CLIENTS, 60)
        assert not market.market.cancel(CLIENTS, 60)
        assert market.market.cancel(CLIENTS, 0)
        assert not market.market.cancel(CLIENTS, 0)
        assert market.feed()[1:] == [of("X", CLIENTS, 40), of("D", CLIENTS)]
        assert market.told()[1:] == [("cancelled", 7, 40, 60), ("cancelled", 7, 60, 0)]


def test_a_replacement_is_shown_as_one_and_goes_to_the_end_of_its_queue() -> None:
    script = [add(1, b"B", 100, 10_0000), executed(1, 100, 5)]
    with play(*script) as market:
        market.enter(7, BID, 100, 10_0000)
        market.step()
        assert market.market.replace(CLIENTS, Entry(8, 0, 0, 200, 10_0000)) == 0
        assert market.feed() == [of("U", CLIENTS, CLIENTS + 1, 200, 10_0000)]
        assert market.step() == [executed(1, 100, 5)]
        assert market.told() == [("accepted", 7, 100, 100), ("replaced", 8, 200, 200)]


def test_a_replacement_that_trades_whole_takes_its_original_away() -> None:
    with play(add(1, b"S", 100, 10_0100), done=1) as market:
        market.enter(7, BID, 50, 10_0000)
        market.feed()
        assert market.market.replace(CLIENTS, Entry(8, 0, 0, 100, 10_0100)) == 0
        assert market.feed() == [executed(1, 100, CLIENTS), of("D", CLIENTS)]
        assert market.market.replace(CLIENTS, Entry(9, 0, 0, 100, 10_0100)) == GONE


# --- the script trades --------------------------------------------------------------------------------------


def test_a_scripted_execution_goes_first_to_a_client_with_a_better_price() -> None:
    with play(add(1, b"B", 100, 10_0000), executed(1, 60, 5), of("D", 1), done=1) as market:
        market.enter(7, BID, 50, 10_0100)
        assert market.step() == [executed(CLIENTS, 50, CLIENTS), executed(1, 10, 5)]
        assert [(e.qty, e.px, e.liquidity) for e in market.executions()] == [(50, 10_0100, "A")]
        assert market.step() == [of("D", 1)]


def test_a_client_at_the_same_price_gives_before_later_orders_and_behind_earlier_ones() -> None:
    script = [
        add(1, b"S", 100, 10_0000),
        add(2, b"S", 100, 10_0000),
        executed(1, 100, 5),
        executed(2, 100, 6),
    ]
    with play(*script, done=1) as market:
        market.enter(7, ASK, 50, 10_0000)
        market.step()
        assert market.step() == [executed(1, 100, 5)]
        assert market.step() == [executed(CLIENTS, 50, CLIENTS), executed(2, 50, 6), of("D", 2)]


def test_what_a_scripted_order_keeps_it_can_still_give() -> None:
    script = [add(1, b"B", 100, 10_0000), executed(1, 60, 5), executed(1, 30, 6), of("X", 1, 5), of("D", 1)]
    with play(*script, done=1) as market:
        market.enter(7, BID, 60, 10_0100)
        assert market.step() == [executed(CLIENTS, 60, CLIENTS)]
        assert market.step() == [executed(1, 30, 6)]
        assert market.step() == [of("X", 1, 5)]
        assert market.step() == [of("D", 1)]  # of 65 shares; the script thinks of 5


def test_an_order_that_the_script_has_whole_is_deleted_with_what_it_kept() -> None:
    script = [add(1, b"B", 100, 10_0000), executed(1, 100, 5), of("B", 5), add(2, b"B", 1, 9_0000)]
    with play(*script, done=1) as market:
        market.enter(7, BID, 100, 10_0100)
        assert market.step() == [executed(CLIENTS, 100, CLIENTS), of("D", 1)]
        assert market.step() == []  # its trade has not taken place: there is nothing to break


def test_an_execution_at_another_price_gives_way_in_the_same_manner() -> None:
    script = [add(1, b"B", 100, 10_0000), of("C", 1, 60, 5, b"Y", 10_0050)]
    with play(*script, done=1) as market:
        market.enter(7, BID, 50, 10_0100)
        assert market.step() == [executed(CLIENTS, 50, CLIENTS), of("C", 1, 10, 5, b"Y", 10_0050)]


def test_what_clients_have_taken_of_a_scripted_order_it_cannot_give_again() -> None:
    script = [add(1, b"S", 100, 10_0000), executed(1, 80, 5), of("X", 1, 10), of("D", 1)]
    with play(*script, done=1) as market:
        market.enter(7, BID, 70, 10_0000)
        market.feed()
        assert market.step() == [executed(1, 30, 5)]
        assert market.step() == []
        assert market.step() == []


def test_a_cancel_of_more_than_is_there_deletes_the_order() -> None:
    with play(add(1, b"S", 100, 10_0000), of("X", 1, 80), of("D", 1), done=1) as market:
        market.enter(7, BID, 70, 10_0000)
        market.feed()
        assert market.step() == [of("D", 1)]
        assert market.step() == []


def test_a_replacement_is_short_of_what_clients_have_taken() -> None:
    script = [add(1, b"S", 100, 10_0000), of("U", 1, 2, 150, 10_0100), executed(2, 150, 5)]
    with play(*script, done=1) as market:
        market.enter(7, BID, 70, 10_0000)
        market.feed()
        assert market.step() == [of("U", 1, 2, 80, 10_0100)]
        assert market.step() == [executed(2, 80, 5)]


def test_a_replacement_by_less_than_clients_have_taken_ends_the_order() -> None:
    script = [add(1, b"S", 100, 10_0000), of("U", 1, 2, 70, 10_0100), executed(2, 70, 5)]
    with play(*script, done=1) as market:
        market.enter(7, BID, 70, 10_0000)
        market.feed()
        assert market.step() == [of("D", 1)]
        assert market.step() == []


def test_an_order_that_clients_have_taken_whole_is_dead_under_every_name() -> None:
    script = [
        add(1, b"S", 100, 10_0000),
        of("U", 1, 2, 500, 10_0100),
        of("U", 2, 3, 500, 10_0000),
        of("D", 3),
    ]
    with play(*script, done=1) as market:
        market.enter(7, BID, 100, 10_0000)
        market.feed()
        assert market.step(3) == []
        assert market.market.status()["differing"] == 0


def test_an_execution_of_a_dead_order_still_finds_clients_at_better_prices() -> None:
    script = [add(1, b"S", 100, 10_0000), executed(1, 100, 5)]
    with play(*script, done=1) as market:
        market.enter(7, BID, 100, 10_0000)
        market.enter(8, ASK, 30, 9_9900)
        market.feed()
        assert market.step() == [executed(CLIENTS + 1, 30, CLIENTS + 1)]


@pytest.mark.parametrize("kind", ["A", "F"])
def test_a_scripted_order_that_crosses_clients_trades_with_them_first(kind: str) -> None:
    tail = (b"MAPL",) if kind == "F" else ()
    comes = of(kind, 1, b"S", 100, STOCK, 9_9900, *tail)
    rests = of(kind, 1, b"S", 30, STOCK, 9_9900, *tail)
    with play(comes, executed(1, 100, 5)) as market:
        market.enter(7, BID, 40, 9_9900)
        market.enter(8, BID, 30, 10_0000)
        market.enter(9, BID, 30, 9_9800)
        market.feed()
        assert market.step() == [
            executed(CLIENTS + 1, 30, CLIENTS),
            executed(CLIENTS, 40, CLIENTS + 1),
            rests,
        ]
        assert market.step() == [executed(1, 30, 5)]


def test_a_scripted_order_that_clients_take_whole_never_shows() -> None:
    with play(add(1, b"S", 100, 10_0000), of("X", 1, 50), of("D", 1)) as market:
        market.enter(7, BID, 500, 10_0000)
        assert market.step() == [executed(CLIENTS, 100, CLIENTS)]
        assert market.step(2) == []


def test_a_scripted_replacement_that_crosses_clients_trades_with_them_first() -> None:
    script = [add(1, b"S", 100, 10_0500), of("U", 1, 2, 100, 10_0000), of("D", 2)]
    with play(*script, done=1) as market:
        market.enter(7, BID, 40, 10_0000)
        assert market.step() == [executed(CLIENTS, 40, CLIENTS), of("U", 1, 2, 60, 10_0000)]
        assert market.step() == [of("D", 2)]
    with play(*script, done=1) as market:
        market.enter(7, BID, 100, 10_0000)
        assert market.step() == [executed(CLIENTS, 100, CLIENTS), of("D", 1)]
        assert market.step() == []


def test_hidden_trades_and_crosses_pass_whatever_rests() -> None:
    hidden = of("P", 0, b"B", 100, STOCK, 10_0000, 9)
    cross = of("Q", 500, STOCK, 10_0000, 10, b"C")
    with play(hidden, cross) as market:
        market.enter(7, BID, 100, 10_0100)
        assert market.step(2) == [hidden, cross]


def test_messages_of_orders_that_nobody_knows_pass() -> None:
    framed = frame([*LISTED, executed(9, 100, 5), of("D", 9), of("U", 8, 9, 10, 10)])
    with Day(iter([memoryview(framed)])) as day, Market(day) as market:
        market.step(2)
        market.enter(Entry(7, 1, BID, 100, 10_0000))
        market.step(3)
        assert [body for body in split(market.written()) if body[:1] != b"A"] == split(framed)


# --- states and hours ---------------------------------------------------------------------------------------


def test_a_halt_cancels_resting_orders_and_refuses_new_ones_until_trading_resumes() -> None:
    halt, quoting, resume = (of("H", STOCK, state, b" ", b"T1  ") for state in (b"H", b"Q", b"T"))
    with play(halt, quoting, resume) as market:
        market.enter(7, BID, 100, 10_0000)
        market.market.events()
        assert market.step() == [halt, of("D", CLIENTS)]
        assert [(e.kind, e.reason) for e in market.market.events()] == [("cancelled", "H")]
        assert market.enter(8, BID, 100, 10_0000) == HALTED
        assert market.step() == [quoting]
        assert market.enter(8, BID, 100, 10_0000) == HALTED
        market.step()
        assert market.enter(8, BID, 100, 10_0000) == 0


def test_an_operational_halt_is_a_halt() -> None:
    with play(of("h", STOCK, b"Q", b"H"), of("h", STOCK, b"Q", b"T")) as market:
        market.step()
        assert market.enter(7, BID, 100, 10_0000) == HALTED
        market.step()
        assert market.enter(7, BID, 100, 10_0000) == 0


def test_a_symbol_that_the_day_has_not_named_yet_does_not_trade() -> None:
    framed = frame(LISTED)
    with Day(iter([memoryview(framed)])) as day, Market(day) as market:
        assert market.symbols == {"ACME": 1}
        assert market.enter(Entry(7, 1, BID, 100, 10_0000)) == HALTED
        assert market.enter(Entry(7, 0, BID, 100, 10_0000)) == HALTED


def test_the_close_cancels_day_orders_before_it_and_the_end_all_others() -> None:
    close, end = message("S", 0, NS, b"M"), message("S", 0, NS, b"E")
    with play(close, end) as market:
        market.enter(7, BID, 100, 10_0000, day=True)
        market.enter(8, BID, 100, 10_0000)
        market.feed()
        assert market.step() == [of("D", CLIENTS), close]
        assert market.enter(9, BID, 100, 10_0000, day=True) == CLOSED
        assert market.enter(9, BID, 100, 10_0000, ioc=True) == CLOSED
        assert market.enter(9, BID, 100, 10_0000) == 0
        market.feed()
        assert market.step() == [of("D", CLIENTS + 1), of("D", CLIENTS + 2), end]
        assert market.enter(10, BID, 100, 10_0000) == CLOSED
        assert market.told()[-1][0] == "ended"


def test_an_order_with_a_time_is_cancelled_when_that_is_over() -> None:
    with play(add(1, b"B", 1, 9_0000, NS + 5), add(2, b"B", 1, 9_0000, NS + 10)) as market:
        market.enter(7, BID, 100, 10_0000, expire_ns=NS + 10)
        market.step()
        assert market.told() == [("accepted", 7, 100, 100)]
        assert market.step() == [
            message("D", 1, NS + 10, CLIENTS), add(2, b"B", 1, 9_0000, NS + 10)
        ]  # fmt: skip
        assert [(e.kind, e.reason) for e in market.market.events()] == [("cancelled", "T")]


def test_a_limit_far_through_the_other_side_is_a_fat_finger() -> None:
    with play(add(1, b"S", 100, 10_0000), add(2, b"B", 100, 9_0000), done=2, fat_finger=0.1) as market:
        assert market.enter(7, BID, 1, 11_0100) == FAT_FINGER
        assert market.enter(7, BID, 1, 11_0000) == 0
        assert market.enter(7, ASK, 1, 8_0900) == FAT_FINGER
        assert market.enter(7, ASK, 1, 8_1000) == 0


def test_an_order_of_an_earlier_run_comes_back_when_its_symbol_trades() -> None:
    framed = frame([LISTED[0], of("H", STOCK, b"P", b" ", b"    "), *LISTED[1:]])
    with Day(iter([memoryview(framed)])) as day, Market(day, least_reference=CLIENTS + 5) as market:
        assert market.hold(Entry(7, 1, BID, 100, 10_0000, reference=CLIENTS + 1))
        assert market.hold(Entry(8, 1, BID, 100, 10_0000, reference=CLIENTS + 2))
        assert market.cancel(CLIENTS + 2, 0)
        market.step(2)
        assert len(split(market.written())) == 2
        market.step()
        assert split(market.written())[3:] == [add(CLIENTS + 1, b"B", 100, 10_0000)]
        market.enter(Entry(9, 1, BID, 100, 10_0000))
        assert split(market.written())[4:] == [add(CLIENTS + 5, b"B", 100, 10_0000)]
        market.end()
        assert [(e.kind, e.tag) for e in market.events()] == [
            ("cancelled", 8), ("accepted", 9), ("cancelled", 7), ("cancelled", 9), ("ended", 0),
        ]  # fmt: skip


def test_numbers_of_clients_stand_behind_all_of_the_script() -> None:
    far = (7 << 32) + 5
    with play(add(far, b"B", 100, 10_0000), executed(far, 10, far), done=2) as market:
        market.enter(7, ASK, 10, 10_0000)
        assert market.feed() == [message("E", 1, NS, far, 10, 8 << 32)]
        assert market.market.events()[0].reference == 8 << 32


def test_a_script_without_room_behind_its_numbers_takes_no_orders() -> None:
    framed = frame([*LISTED, add((1 << 64) - 1, b"B", 100, 10_0000)])
    with Day(iter([memoryview(framed)])) as day, pytest.raises(VenueError, match="no room"):
        Market(day)


def test_times_of_what_clients_cause_are_those_of_the_day() -> None:
    with play(add(1, b"B", 1, 9_0000, NS + 77), done=1) as market:
        market.enter(7, BID, 100, 10_0000)
        body = market.feed()[0]
        high, low = FORMATS[body[0]].unpack(body)[3:5]
        assert high << 32 | low == NS + 77
