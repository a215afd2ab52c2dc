"""The order side from a client's chair: each message and each reject, and what happens when lines break."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from model.messages import frame, message
from model.order_client import (
    Client,
    cancel,
    disable,
    enable,
    enter,
    login,
    mass_cancel,
    modify,
    packet,
    parse,
    replace,
)  # fmt: skip

from appliance.venue.day import Day
from appliance.venue.errors import VenueError
from appliance.venue.market import Market
from appliance.venue.order_settings import OrderServer
from appliance.venue.order_stream import OrderLog
from appliance.venue.orders import OrderAddresses, Orders, largest_numbers

NS = 34_200_000_000_000
ANYWHERE = (IPv4Address("127.0.0.1"), 0)
PX = 10_0000
Play = Callable[["Venue"], Awaitable[None]]


def listed(locate: int, stock: bytes) -> list[bytes]:
    return [
        message(
            "R", locate, NS, stock, b"Q", b"N", 100, b"N", b"C", b"Z ", b"P", b"N", b"N", b"1", b"N", 0, b"N"
        ),
        message("H", locate, NS, stock, b"T", b" ", b"    "),
    ]


LISTED = [*listed(1, b"ACME    "), *listed(2, b"BOLT    ")]
BOOK = [
    message("A", 1, NS, 1, b"B", 500, b"ACME    ", PX - 100),
    message("A", 1, NS, 2, b"S", 500, b"ACME    ", PX + 100),
]


@dataclass
class Venue:
    """An order side on a market that moves when told."""

    orders: Orders
    market: Market
    at: OrderAddresses

    async def client(self, sequence: int = 1, **who: str) -> Client:
        """Log in, and hear that the day has begun if it is asked for."""
        client = await Client.connect(self.at.orders, sequence, **who)
        if sequence == 1 and client.first == 1:
            assert (await client.next()).short == ("S",)
        return client

    def step(self, count: int = 1) -> None:
        """Do messages of the script."""
        assert self.market.step(count) == count
        self.orders.account.poll()

    @property
    def report(self) -> dict[str, Any]:
        return self.orders.report()


@asynccontextmanager
async def venue(*script: bytes, done: int | None = None, **settings: Any) -> AsyncIterator[Venue]:
    """Open an order side; the script's first messages are listings and a book, and are done."""
    framed = frame([*LISTED, *BOOK, *script])
    wanted = OrderServer(**{"at": ANYWHERE, **settings})
    log = OrderLog(wanted.log, "0000000001") if wanted.log else None
    reference, match = largest_numbers(log)
    with (
        Day(iter([memoryview(framed)])) as day,
        Market(
            day, fat_finger=wanted.fat_finger, least_reference=reference + 1, least_match=match + 1
        ) as market,
    ):
        orders = Orders(wanted, market, "0000000001", 1, log)
        market.step(len(LISTED) + len(BOOK) if done is None else done)
        try:
            yield Venue(orders, market, await orders.open())
        finally:
            orders.close()


def run(play: Play, *script: bytes, **settings: Any) -> None:
    async def main() -> None:
        async with venue(*script, **settings) as opened:
            await play(opened)

    asyncio.run(main())


# --- messages -----------------------------------------------------------------------------------------------


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


# --- sessions -----------------------------------------------------------------------------------------------


def test_only_the_user_logs_in_and_only_for_what_there_is() -> None:
    async def reply(venue: Venue, sequence: int = 1, **who: Any) -> bytes:
        reader, writer = await asyncio.open_connection(str(venue.at.orders[0]), venue.at.orders[1])
        writer.write(
            login(
                sequence,
                user=who.get("user", ""),
                password=who.get("password", ""),
                session=who.get("session", ""),
            )
        )
        data = await reader.read(100)
        writer.close()
        return data[:4]

    async def play(venue: Venue) -> None:
        who: dict[str, Any] = {"user": "trader", "password": "secret"}
        rejected = {reason: packet(b"J", reason) for reason in (b"A", b"S")}
        assert await reply(venue) == rejected[b"A"]
        assert await reply(venue, user="trader", password="wrong") == rejected[b"A"]
        assert await reply(venue, session="OTHER", **who) == rejected[b"S"]
        assert await reply(venue, 3, **who) == rejected[b"S"]
        assert (await reply(venue, 2, user="TRADER", password="SECRET"))[2:3] == b"A"
        assert (await reply(venue, session="0000000001", **who))[2:3] == b"A"
        assert venue.report["server"]["refused"] == 4
        assert venue.report["server"]["logins"] == 2

    run(play, user="trader", password="secret")


def test_a_login_for_what_is_new_hears_nothing_old() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        await client.ask(enter(1, "B", 100, PX))
        late = await venue.client(0)
        assert late.first == 4  # the day's begin, the order, and its end with the first connection
        assert await late.ask(enter(2, "B", 100, PX)) == [("A", 2, 100)]

    run(play)


def test_orders_go_with_their_connection() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        await client.ask(enter(1, "B", 100, PX))
        client.send(enter(2, "B", 100, PX))
        await client.close()
        while len(venue.orders.account.stream.messages) < 5:
            await asyncio.sleep(0.01)
        client = await venue.client()
        assert await client.take(4) == [("A", 1, 100), ("A", 2, 100), ("C", 1, 100, "Z"), ("C", 2, 100, "Z")]

    run(play)


def test_orders_stay_when_that_is_asked_for_and_fills_in_between_are_replayed() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        await client.ask(enter(1, "B", 100, PX))
        await client.close()
        while venue.orders.server.is_busy:
            await asyncio.sleep(0.01)
        venue.step()
        client = await venue.client(3)
        assert (client.first, client.session) == (3, "0000000001")
        assert await client.take(1) == [("E", 1, 70, PX)]
        assert await client.ask(cancel(1)) == [("C", 1, 30, "U")]

    run(play, message("E", 1, NS, 1, 70, 5), cancel_on_disconnect=False)


def test_the_next_login_takes_the_place_of_the_last_one() -> None:
    async def play(venue: Venue) -> None:
        first = await venue.client()
        second = await venue.client()
        assert await first.until_closed() == b""
        assert await second.ask(enter(1, "B", 100, PX)) == [("A", 1, 100)]

    run(play)


def test_a_client_may_write_one_byte_at_a_time_or_all_at_once() -> None:
    async def play(venue: Venue) -> None:
        reader, writer = await asyncio.open_connection(str(venue.at.orders[0]), venue.at.orders[1])
        orders = b"".join(packet(b"U", enter(ref, "B", 1, PX)) for ref in range(1, 4))
        for byte in login() + packet(b"R") + packet(b"+", b"hello") + orders:
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0)
        client = Client(reader, writer)
        assert (await client.read())[0] == b"A"
        assert await client.take(4) == [("S",), ("A", 1, 1), ("A", 2, 1), ("A", 3, 1)]
        client.send(*[enter(ref, "B", 1, PX) for ref in range(4, 300)])
        assert await client.take(296) == [("A", ref, 1) for ref in range(4, 300)]

    run(play)


@pytest.mark.parametrize("senseless", [b"\0\0", packet(b"?"), packet(b"L", b"again"), packet(b"A")])
def test_a_client_that_makes_no_sense_is_left(senseless: bytes) -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        client.writer.write(senseless)
        assert await client.until_closed() == b""
        assert venue.report["server"]["broken"] == 1

    run(play)


def test_a_client_that_logs_out_is_let_go() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        client.writer.write(packet(b"O"))
        assert await client.until_closed() == b""
        assert venue.report["server"]["broken"] == 0

    run(play)


def test_a_silent_venue_beats() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        assert await client.read() == (b"H", b"")
        assert await client.read() == (b"H", b"")

    run(play)


def test_the_end_of_the_day_cancels_says_so_and_ends_the_session() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        await client.ask(enter(1, "B", 100, PX))
        venue.orders.end()
        assert await client.take(2) == [("C", 1, 100, "E"), ("S",)]
        assert parse(client.heard[-1]).event == "E"
        assert await client.read() == (b"Z", b"")
        client.send(enter(2, "B", 100, PX))
        late = await venue.client()
        assert (await late.until_closed()).replace(b"H", b"") == b"SSSZ"

    run(play)


# --- what goes wrong on purpose -----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["drop", "half"])
def test_after_any_break_a_client_gets_all_that_it_missed(fault: str) -> None:
    async def play(venue: Venue) -> None:
        heard: list[bytes] = []
        ref = 0
        while len(heard) < 200:
            client = await Client.connect(venue.at.orders, len(heard) + 1)
            assert client.first == len(heard) + 1
            client.send(*[enter(ref + i, "B", 1, PX) for i in range(1, 6)])
            ref += 5
            client.writer.write(packet(b"O"))
            with_heartbeats = await client.until_closed()
            assert set(with_heartbeats) <= set(b"SH")
            heard += client.heard
        assert heard == venue.orders.account.stream.messages[: len(heard)]
        report = venue.report["server"]
        assert report["dropped" if fault == "drop" else "halved"] > 20

    run(play, **{fault: 0.3})


def test_a_late_reply_is_late_and_in_order() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        began = asyncio.get_running_loop().time()
        client.send(*[enter(ref, "B", 1, PX) for ref in range(1, 20)])
        assert await client.take(19) == [("A", ref, 1) for ref in range(1, 20)]
        assert asyncio.get_running_loop().time() - began > 0.1

    run(play, delay_ms=100)


def test_a_login_may_be_told_again_what_it_has_by_its_number() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        for ref in range(1, 21):
            await client.ask(enter(ref, "B", 1, PX - 200))
        kept = venue.orders.account.stream.messages
        again = await Client.connect(venue.at.orders, len(kept) + 1)
        assert len(kept) - 10 < again.first <= len(kept)
        await again.ask(enter(21, "B", 1, PX), len(kept) + 1 - again.first + 1)
        assert again.heard == venue.orders.account.stream.messages[again.first - 1 :]

    run(play, duplicate=1.0, cancel_on_disconnect=False)


# --- drop copy, datagrams, logs -----------------------------------------------------------------------------


def test_the_drop_copy_tells_everybody_what_became_of_orders_and_nothing_else() -> None:
    async def play(venue: Venue) -> None:
        client = await venue.client()
        assert venue.at.drop_copy is not None
        copy = await Client.connect(venue.at.drop_copy)
        client.send(
            enter(1, "B", 100, PX), enter(2, "B", 0, PX), enter(3, "S", 30, PX), replace(1, 4, 50, PX),
            disable(5), cancel(4),
        )  # fmt: skip
        assert await client.take(7) == [
            ("A", 1, 100), ("J", 2, 0x13), ("A", 3, 30), ("E", 1, 30, PX), ("E", 3, 30, PX), ("U", 4, 50),
            ("G", 5),
        ]  # fmt: skip
        assert await client.take(1) == [("C", 4, 50, "U")]
        wanted = [body for body in client.heard if body[:1] in b"AUCE"]
        await copy.take(len(wanted))
        assert copy.heard == wanted
        late = await Client.connect(venue.at.drop_copy, 3)
        assert (late.first, await late.take(1)) == (3, [("E", 1, 30, PX)])

    run(play, drop_copy=ANYWHERE)


def test_orders_may_come_as_datagrams() -> None:
    class Lab(asyncio.DatagramProtocol):
        def __init__(self) -> None:
            self.heard: asyncio.Queue[bytes] = asyncio.Queue()

        def datagram_received(self, data: bytes, _: Any) -> None:
            self.heard.put_nowait(data)

    async def play(venue: Venue) -> None:
        assert venue.at.orders_udp is not None
        host, port = venue.at.orders_udp
        transport, lab = await asyncio.get_running_loop().create_datagram_endpoint(
            Lab, remote_addr=(str(host), port)
        )
        transport.sendto(enter(1, "B", 100, PX))
        assert parse(await lab.heard.get()).short == ("A", 1, 100)
        venue.step()
        assert parse(await lab.heard.get()).short == ("E", 1, 100, PX)
        transport.close()

    run(play, message("E", 1, NS, 1, 100, 5), udp=ANYWHERE)


def test_a_venue_that_is_started_on_its_log_knows_all_that_it_has_said(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"log": tmp_path / "orders", "cancel_on_disconnect": False}
    heard: list[bytes] = []

    async def before(venue: Venue) -> None:
        client = await venue.client()
        await client.ask(enter(1, "B", 100, PX))
        await client.ask(enter(2, "S", 30, PX), 3)
        await client.ask(disable(3))
        await client.ask(enable(4))
        heard.extend(client.heard)

    async def after(venue: Venue) -> None:
        client = await Client.connect(venue.at.orders)
        await client.take(len(heard))
        assert client.heard == heard
        assert [(o["user_ref"], o["leaves"], o["executed"]) for o in venue.report["open"]] == [(1, 70, 30)]
        assert venue.report["position"] == {}
        client.send(enter(4, "B", 100, PX))  # it has had that number
        venue.step(len(LISTED) + len(BOOK))
        venue.step()
        assert await client.take(1) == [("E", 1, 70, PX)]
        client.send(enter(5, "B", 100, PX))
        said = await client.next()
        assert (said.kind, said.order) == ("A", (1 << 32) + 2)

    run(before, **settings)
    run(after, message("E", 1, NS, 1, 500, 5), done=0, **settings)


def test_a_venue_that_is_started_on_its_log_cancels_what_went_with_the_connection(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"log": tmp_path / "orders", "done": 0}

    async def after(venue: Venue) -> None:
        client = await venue.client()
        assert await client.take(2) == [("A", 1, 100), ("C", 1, 100, "Z")]
        assert venue.report["open"] == []

    log = OrderLog(tmp_path / "orders", "0000000001")
    log.append(bytes.fromhex("53 0000000000000001 53"))
    log.append(
        bytes.fromhex("41 0000000000000001 00000001 42 00000064") + b"ACME    " + PX.to_bytes(8, "big")
        + b"5Y" + (1 << 32).to_bytes(8, "big") + b"PNNL" + b"T1".ljust(14) + bytes(2)
    )  # fmt: skip
    log.close()
    with (tmp_path / "orders").open("ab") as file:
        file.write(b"\0\x40S half a mess")  # the venue died in the middle
    run(after, **settings)


def test_a_file_that_is_no_log_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("what somebody has written, and somebody else may want to read again some day or other")
    with pytest.raises(VenueError, match="no order log"):
        OrderLog(path, "0000000001")
    assert path.read_text().startswith("what somebody")
    with pytest.raises(VenueError, match="No such file"):
        OrderLog(tmp_path / "nowhere" / "log", "0000000001")
