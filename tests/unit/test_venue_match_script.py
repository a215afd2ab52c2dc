"""What a scripted message becomes where clients' orders are: each rule of the engine, worked by hand."""

from __future__ import annotations

import pytest
from model.matching import ASK, BID
from model.messages import frame, split
from model.scripted import CLIENTS, LISTED, STOCK, add, executed, of, play

from appliance.venue.day import Day
from appliance.venue.market import Entry, Market


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
