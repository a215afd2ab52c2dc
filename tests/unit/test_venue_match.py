"""Clients' orders in the matching engine, worked by hand: what the feed shows, and what clients are told."""

from __future__ import annotations

import pytest
from model.matching import ASK, BID
from model.messages import FORMATS, frame, message, split
from model.scripted import CLIENTS, LISTED, NS, STOCK, add, executed, of, play

from appliance.venue.day import Day
from appliance.venue.errors import VenueError
from appliance.venue.market import Entry, Market

HALTED, CLOSED, FAT_FINGER, GONE = 0x07, 0x02, 0x06, 0x15


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
