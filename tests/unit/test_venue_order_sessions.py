"""The order side when lines break: logins, replays, faults on purpose, copies, logs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from model.messages import message
from model.order_client import Client, cancel, disable, enable, enter, login, packet, parse, replace
from model.order_side import ANYWHERE, BOOK, LISTED, NS, PX, Venue, run

from appliance.venue.errors import VenueError
from appliance.venue.order_stream import OrderLog


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
            client.send(*[enter(ref + i, "BS"[i % 2], 1, PX) for i in range(1, 6)])
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
