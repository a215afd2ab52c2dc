"""The order side from a client's chair: each message, and each reject."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from model.messages import frame, message
from model.order_client import (
    cancel,
    disable,
    enable,
    enter,
    mass_cancel,
    modify,
    parse,
    replace,
)  # fmt: skip
from model.order_side import NS, PX, Venue, run


def test_an_order_is_accepted_with_all_that_it_said() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        client.send(enter(1, "B", 100, PX, tags=((15, bytes(4)), (12, b"N"))))
        said = await client.next()
        assert said.values == {
            "ns": NS, "ref": 1, "side": "B", "qty": 100, "symbol": "ACME", "px": PX, "tif": "5",
            "display": "Y", "order": 1 << 32, "capacity": "P", "iso": "N", "cross": "N", "state": "L",
            "token": "T1",
        }  # fmt: skip
        assert said.body[62:] == bytes.fromhex("0009 02 0c 4e 05 0f 00000000")

    run(play)


def test_an_order_that_trades_is_told_each_execution_and_the_feed_shows_them() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        assert await client.ask(enter(1, "B", 600, PX + 100), 2) == [
            ("A", 1, 600), ("E", 1, 500, PX + 100),
        ]  # fmt: skip
        said = parse(client.heard[-1])
        assert (said.liquidity, said.match, len(said.body)) == ("R", 1 << 32, 36)
        assert venue.market.written()[-38 - 33 : -38] == frame([message("E", 1, NS, 2, 500, 1 << 32)])
        assert venue.report["position"] == {"ACME": 500}

    run(play)


def test_a_resting_order_is_filled_by_the_market_when_that_happens() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        await client.ask(enter(1, "B", 100, PX))
        venue.step()
        assert await client.take(1) == [("E", 1, 60, PX)]
        assert parse(client.heard[-1]).liquidity == "A"
        venue.step()
        assert await client.take(1) == [("E", 1, 40, PX)]
        assert venue.report["open"] == []

    run(play, message("E", 1, NS, 1, 60, 5), message("E", 1, NS, 1, 60, 6))


def test_an_immediate_order_that_finds_nothing_is_accepted_and_cancelled() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        assert await client.ask(enter(1, "B", 100, PX, tif="3"), 2) == [("A", 1, 100), ("C", 1, 100, "I")]
        fill_or_kill = enter(2, "B", 600, PX + 100, tif="3", tags=((3, (600).to_bytes(4, "big")),))
        assert await client.ask(fill_or_kill, 2) == [("A", 2, 600), ("C", 2, 600, "I")]
        only_rests = enter(3, "B", 100, PX + 100, tags=((12, b"P"),))
        assert await client.ask(only_rests, 2) == [("A", 3, 100), ("C", 3, 100, "G")]

    run(play)


def test_a_replacement_takes_the_place_of_its_original() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        await client.ask(enter(1, "S", 100, PX))
        client.send(replace(1, 2, 300, PX - 0))
        said = await client.next()
        assert (said.kind, said.old, said.ref, said.side, said.qty, said.symbol, said.token) == (
            "U", 1, 2, "S", 300, "ACME", "T2",
        )  # fmt: skip
        assert (said.order, len(said.body)) == ((1 << 32) + 1, 68)
        assert await client.ask(cancel(2)) == [("C", 2, 300, "U")]

    run(play)


def test_a_replacement_of_an_order_that_is_over_is_ignored_and_its_number_is_free() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        client.send(replace(1, 2, 300, PX), cancel(1), modify(1, "T", 5))
        assert await client.ask(enter(2, "B", 100, PX)) == [("A", 2, 100)]
        assert venue.report["ignored"] == 3

    run(play)


def test_a_replacement_that_cannot_be_cancels_the_original() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        await client.ask(enter(1, "B", 100, PX))
        assert await client.ask(replace(1, 2, 1_000_000, PX)) == [("C", 1, 100, "Z")]
        assert await client.ask(enter(2, "B", 100, PX)) == [("A", 2, 100)]

    run(play)


def test_a_replacement_that_the_market_refuses_leaves_the_original_alone() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        await client.ask(enter(1, "B", 100, PX))
        assert await client.ask(replace(1, 2, 100, 2 * PX)) == [("J", 2, 0x06)]
        assert [order["user_ref"] for order in venue.report["open"]] == [1]

    run(play)


def test_a_cancel_names_the_size_that_an_order_is_to_have_with_what_is_executed() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        await client.ask(enter(1, "B", 100, PX))
        venue.step()
        assert await client.take(1) == [("E", 1, 30, PX)]
        assert await client.ask(cancel(1, 80)) == [("C", 1, 20, "U")]
        client.send(cancel(1, 80))
        assert await client.ask(cancel(1, 30)) == [("C", 1, 50, "U")]
        assert venue.report["open"] == []

    run(play, message("E", 1, NS, 1, 30, 5))


def test_a_modification_changes_how_a_sale_is_marked_and_its_size() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        await client.ask(enter(1, "S", 100, PX), 1)
        assert await client.ask(modify(1, "T", 100)) == [("M", 1, "T", 100)]
        assert await client.ask(modify(1, "E", 60)) == [("M", 1, "E", 60)]
        assert venue.report["open"][0]["side"] == "E"
        await client.ask(enter(2, "B", 100, PX - 100))
        client.send(modify(2, "S", 50), modify(1, "B", 50))
        assert await client.ask(cancel(1)) == [("C", 1, 60, "U")]

    run(play)


def test_a_mass_cancel_takes_one_symbol_or_all_and_says_when_it_is_done() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        for ref, symbol in ((1, "ACME"), (2, "BOLT"), (3, "ACME"), (4, "BOLT")):
            await client.ask(enter(ref, "B", 100, PX, symbol))
        assert await client.ask(mass_cancel(5, "BOLT"), 3) == [
            ("C", 2, 100, "U"), ("C", 4, 100, "U"), ("X", 5),
        ]  # fmt: skip
        assert await client.ask(mass_cancel(5), 3) == [("C", 1, 100, "U"), ("C", 3, 100, "U"), ("X", 5)]
        assert await client.ask(enter(6, "B", 100, PX)) == [("A", 6, 100)]

    run(play)


def test_a_disabled_account_enters_nothing_until_it_is_enabled() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        assert await client.ask(disable(1)) == [("G", 1)]
        assert await client.ask(enter(2, "B", 100, PX)) == [("J", 2, 0x0C)]
        assert await client.ask(enable(3)) == [("K", 3)]
        assert await client.ask(enter(4, "B", 100, PX)) == [("A", 4, 100)]

    run(play)


def test_an_account_query_names_the_next_number_of_the_channel() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        client.send(b"Q")
        assert (await client.next()).next == 1
        await client.ask(enter(41, "B", 100, PX))
        await client.ask(enter(7, "B", 100, PX, tags=((28, b"\x02"),)))
        client.send(b"Q")
        assert (await client.next()).next == 42
        client.send(b"Q" + bytes.fromhex("0003 02 1c 02"))
        said = await client.next()
        assert (said.next, said.body[13:]) == (8, bytes.fromhex("0003 02 1c 02"))
        client.send(cancel(7) + bytes.fromhex("0003 02 1c 02"))
        assert (await client.next()).body[18:] == bytes.fromhex("0003 02 1c 02")

    run(play)


def test_an_order_that_is_sent_again_is_not_entered_again() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        await client.ask(enter(5, "B", 100, PX))
        client.send(enter(5, "B", 100, PX), enter(4, "B", 100, PX), enter(5, "S", 1, PX))
        assert await client.ask(enter(6, "B", 100, PX)) == [("A", 6, 100)]
        assert venue.report["retransmitted"] == 3

    run(play)


def test_what_cannot_be_read_is_counted_and_ignored() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        client.send(b"", b"?", b"O", enter(1, "B", 100, PX)[:-1])
        assert await client.ask(enter(1, "B", 100, PX)) == [("A", 1, 100)]
        assert venue.report["malformed"] == 4

    run(play)


NUMBER = (100).to_bytes(4, "big")


@pytest.mark.parametrize(
    ("reason", "order"),
    [
        (0x03, {"display": "N"}),
        (0x04, {"tags": ((5, NUMBER),)}),
        (0x05, {"tags": ((6, b"?"),)}),
        (0x06, {"px": 12_0000}),
        (0x08, {"iso": "Y"}),
        (0x09, {"side": "Z"}),
        (0x0C, {"tags": ((2, b"ELSE"),)}),
        (0x0D, {"tags": ((3, NUMBER),)}),
        (0x0D, {"tif": "3", "qty": 99, "tags": ((3, NUMBER),)}),
        (0x0F, {"tif": "?"}),
        (0x0F, {"tif": "6"}),
        (0x0F, {"capacity": "?"}),
        (0x11, {"tags": ((6, b"M"),)}),
        (0x13, {"qty": 0}),
        (0x13, {"qty": 1_000_000}),
        (0x14, {"cross": "O"}),
        (0x16, {"tags": ((14, b"INET"),)}),
        (0x17, {"symbol": "NONE"}),
        (0x1A, {"cross": "R"}),
        (0x1A, {"tags": ((4, b"R"),)}),
        (0x1D, {"px": 0}),
        (0x1D, {"px": 10_0001}),
        (0x1D, {"px": 1_999_999_901}),
        (0x1D, {"px": 0x7FFFFFFF}),
        (0x1E, {"qty": 6_000}),
        (0x1F, {"qty": 5_001, "px": 10_0000}),
    ],
)
def test_an_order_is_rejected_for_what_is_wrong_with_it(reason: int, order: dict[str, Any]) -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        wanted = {"side": "B", "qty": 100, "px": PX, **order}
        client.send(enter(1, **wanted))
        said = await client.next()
        assert (said.kind, said.reason, said.token, len(said.body)) == ("J", reason, "T1", 29)
        assert (
            venue.report["rejected"].values() == {1: None}.keys()
            or sum(venue.report["rejected"].values()) == 1
        )

    run(play, firm="FIRM", most_shares=5_500, most_notional=50_000)


def test_a_symbol_that_is_halted_or_closed_takes_no_orders() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        await client.ask(enter(1, "B", 100, PX))
        venue.step()
        assert await client.take(1) == [("C", 1, 100, "H")]
        assert await client.ask(enter(2, "B", 100, PX)) == [("J", 2, 0x07)]
        assert await client.ask(enter(3, "B", 100, PX, "BOLT", tif="0")) == [("A", 3, 100)]
        venue.step()
        assert await client.take(1) == [("C", 3, 100, "E")]
        assert await client.ask(enter(4, "B", 100, PX, "BOLT", tif="0")) == [("J", 4, 0x02)]

    run(
        play,
        message("H", 1, NS, b"ACME    ", b"H", b" ", b"T1  "),
        message("S", 0, NS, b"M"),
    )


def test_an_order_with_a_time_to_live_is_cancelled_after_it() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        await client.ask(enter(1, "B", 100, PX, tif="6", tags=((15, (2).to_bytes(4, "big")),)))
        venue.step()
        venue.step()
        assert await client.take(1) == [("C", 1, 100, "T")]

    later = [message("A", 1, NS + s * 10**9, 9 + s, b"B", 1, b"ACME    ", 100) for s in (1, 2)]
    run(play, *later)


def test_rejects_can_be_asked_for_and_come_by_the_seed() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        client.send(*[enter(ref, "B", 1, PX) for ref in range(1, 201)])
        replies = Counter(reply[0::2] for reply in await client.take(200))
        assert venue.report["rejected"] == {
            "cancel pending": replies["J", 0x0B], "test": replies["J", 0x18],
        }  # fmt: skip
        assert 20 < replies["J", 0x0B] < 80
        assert 10 < replies["J", 0x18] < 70

    run(play, rejects=((0x0B, 0.25), (0x18, 0.25)))
