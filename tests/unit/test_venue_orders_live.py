"""The order side of the program itself: its feed, its report, its day's end, and its death."""

from __future__ import annotations

import resource
import signal
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest
from model.book import Model
from model.command import refusal
from model.exchange import PATIENCE_S, Lines, Packet, Requester, Venue, messages_of, snapshot
from model.messages import FORMATS, frame, message
from model.order_client import Said, Wire, cancel, enter, parse

from appliance.book.software import ODDITIES
from appliance.cli.venue import command
from appliance.errors import ApplianceError

NS = 34_200_000_000_000
PX = 10_0000
ORDERS = ("--orders", "127.0.0.1:0")
STOCK = b"ACME    "
OPEN = [
    message("R", 1, NS, STOCK, b"Q", b"N", 100, b"N", b"C", b"Z ", b"P", b"N", b"N", b"1", b"N", 0, b"N"),
    message("H", 1, NS, STOCK, b"T", b" ", b"    "),
    message("A", 1, NS, 1, b"B", 500, STOCK, PX - 100),
    message("A", 1, NS, 2, b"S", 500, STOCK, PX + 100),
]


@pytest.fixture
def standing(tmp_path: Path) -> Path:
    """Write a day of one book that stands."""
    path = tmp_path / "standing.itch"
    path.write_bytes(frame(OPEN))
    return path


def stream_of(packets: list[Packet]) -> list[bytes]:
    """Return all messages of line A by their number."""
    found: dict[int, bytes] = {}
    for packet in packets:
        if packet.is_data and packet.line == "A":
            found.update(enumerate(packet.messages, packet.sequence))
    assert sorted(found) == list(range(1, len(found) + 1))
    return [found[number] for number in sorted(found)]


def wait_until(venue: Venue, wire: Wire, symbol: str, first_ref: int) -> int:
    """Try orders until the symbol trades; return the next user reference."""
    for ref in range(first_ref, first_ref + 5_000):
        wire.send(enter(ref, "B", 1, 100, symbol, tif="3"))
        said = wire.next()
        while said is not None and said.kind not in "AJ":
            said = wire.next()
        assert said is not None
        if said.kind == "A":
            wire.until("C")
            return ref + 1
        time.sleep(0.005)
    raise AssertionError(f"{symbol} does not trade at {venue.addresses}")


def symbols_of(packets: list[bytes]) -> list[str]:
    return [FORMATS[ord("R")].unpack(body)[5].decode().rstrip() for body in packets if body[:1] == b"R"]


def executions(bodies: list[bytes]) -> list[Said]:
    return [said for body in bodies if (said := parse(body)).kind == "E"]


def test_a_day_with_orders_is_a_day_without_oddities_and_every_fill_is_in_it() -> None:
    chance = Random(5)
    with (
        Lines() as lines,
        Venue(
            "--messages", 40_000, "--symbols", 8, "--seed", 3, "--live-orders", 800, "--rate", 8_000,
            "--lead-in", 0.1, "--linger", 0.2, "--drop-copy", "127.0.0.1:0", "--order-fat-finger", 0,
            *ORDERS, lines=lines,
        ) as venue,
    ):  # fmt: skip
        wire, copy = Wire(venue.address("orders")), Wire(venue.address("drop_copy"))
        received: list[Packet] = []
        feed = lines.packets()
        while len(symbols_of(bodies := [body for packet in received for body in packet.messages])) < 8:
            received.append(next(feed))
        names = symbols_of(bodies)[:8]
        ref = wait_until(venue, wire, names[0], 1)
        book = Model()
        for px in range(5_000, 400_000, 2_500):  # wherever the market is, some of these meet it
            for name in names:
                side = chance.choice("BST")
                tif = chance.choice("55553")
                wire.send(enter(ref, side, chance.randint(1, 5) * 100, px // 100 * 100, name, tif=tif))
                if chance.random() < 0.2:
                    wire.send(cancel(ref - 1, chance.choice([0, 50])))
                ref += 1
        while wire.next() is not None:
            pass
        while copy.next() is not None:
            pass
        received += lines.until_end()
        report = venue.report()
    live = stream_of(received)
    book.feed(frame(live))
    assert not {name: book.counters[name] for name in ODDITIES if book.counters[name]}
    assert report["digest"] == f"{book.digest:016x}"
    assert report["depth_digest"] == f"{book.depth_digest():016x}"
    assert report["messages"] == len(live)

    told = executions(wire.heard)
    assert len(told) > 100
    shown = {
        int.from_bytes(body[23:31], "big"): int.from_bytes(body[19:23], "big")
        for body in live
        if body[:1] == b"E" and int.from_bytes(body[23:31], "big") >= 1 << 32
    }
    assert {said.match: said.qty for said in told} == shown
    assert copy.heard == [body for body in wire.heard if body[:1] in b"AUCE"]

    orders = report["orders"]
    sides = {said.ref: said for body in wire.heard if (said := parse(body)).kind == "A"}
    position: dict[str, int] = {}
    for said in told:
        accepted = sides[said.ref]
        signed = said.qty if accepted.side == "B" else -said.qty
        position[accepted.symbol] = position.get(accepted.symbol, 0) + signed
    assert orders["position"] == {name: shares for name, shares in sorted(position.items()) if shares}
    assert orders["executed"] == len(told)
    assert orders["market"]["executions"] == len(shown)
    assert orders["market"]["executed_qty"] == sum(shown.values())
    assert orders["accepted"] == len(sides)
    assert orders["open"] == []
    assert orders["sequence"] == len(wire.heard)


def test_nobody_changes_a_day_by_being_able_to() -> None:
    words = ("--messages", 5_000, "--symbols", 5, "--lead-in", 0, "--linger", 0)
    with Venue(*words) as plain, Venue(*words, *ORDERS) as venue:
        assert "orders" not in plain.addresses
        assert set(venue.addresses) == {*plain.addresses, "orders"}
        reports = [plain.report(), venue.report()]
    assert "orders" not in reports[0]
    same = ("messages", "sequence", "digest", "depth_digest", "session")
    assert [reports[0][name] for name in same] == [reports[1][name] for name in same]


def test_a_held_day_stays_open_behind_its_script_and_servers_know_what_orders_did(standing: Path) -> None:
    words = ("--lead-in", 0, "--linger", 0, "--hold", *ORDERS)
    with Lines() as lines, Venue("--file", standing, *words, lines=lines) as venue:
        wire = Wire(venue.address("orders"))
        ref = wait_until(venue, wire, "ACME", 1)
        wire.send(enter(ref, "B", 200, PX + 100), enter(ref + 1, "B", 300, PX))
        assert wire.until("E").qty == 200
        first = 1 << 32
        added = wire.until("A").order
        wanted = [
            message("E", 1, NS, 2, 200, first),
            message("A", 1, NS, added, b"B", 300, STOCK, PX),
        ]
        got: list[bytes] = []
        for packet in lines.packets():
            if packet.is_data and packet.line == "A":
                got += packet.messages
            if len(got) == len(OPEN) + 2:
                break
        assert got == [*OPEN, *wanted]
        with Requester(venue) as requester:
            assert list(requester.ask(b"0000000001", len(OPEN) + 1, 10).messages) == wanted
        at_rest = [body for body in messages_of(snapshot(venue)) if body[:1] == b"A"]
        assert [int.from_bytes(body[11:19], "big") for body in at_rest] == [added, 1, 2]
        venue.tell(signal.SIGTERM)
        assert [wire.until("C").reason, wire.until("S").event] == ["E", "E"]
        report = venue.report()
    assert report["stopped"]
    assert report["orders"]["position"] == {"ACME": 200}
    assert report["orders"]["canceled"] == 2


def test_a_killed_venue_comes_back_with_its_orders_its_numbers_and_its_words(
    standing: Path, tmp_path: Path
) -> None:
    log = tmp_path / "orders.log"
    words: tuple[Any, ...] = (
        "--file", standing, "--lead-in", 0, "--linger", 0, "--hold", *ORDERS, "--order-log", log,
        "--order-keep",
    )  # fmt: skip
    heard: list[bytes] = []
    position = 0
    resting: list[int] = []
    chance = Random(9)
    for _ in range(4):
        with Venue(*words) as venue:
            wire = Wire(venue.address("orders"))
            while len(wire.heard) < max(len(heard), 1):
                wire.next()
            assert wire.heard[: len(heard)] == heard
            wire.send(b"Q")
            ref = wait_until(venue, wire, "ACME", wire.until("Q").next)
            fills = chance.randint(1, 5)
            for _ in range(fills):
                wire.send(enter(ref, "B", 10, PX + 100, tif="3"))
                position += wire.until("E").qty
                ref += 1
            wire.send(enter(ref, "B", 1, PX - 200))
            resting.append(wire.until("A").ref)
            wire.send(*[enter(ref + i, "B", 1, PX - 300, tif="3") for i in range(1, 50)])
            time.sleep(chance.random() * 0.02)
            venue.tell(signal.SIGKILL)
            while wire.next() is not None:
                pass
            heard = wire.heard
    with Venue(*words) as venue:
        wire = Wire(venue.address("orders"))
        ref = 0
        while len(wire.heard) < len(heard):
            ref = max(ref, getattr(wire.next(), "ref", 0) or 0)
        assert wire.heard[: len(heard)] == heard
        wire.send(b"Q")
        assert wire.until("Q").next > ref
        venue.tell(signal.SIGTERM)
        report = venue.report()
    accepted = [said.ref for body in wire.heard if (said := parse(body)).kind == "A"]
    assert len(set(accepted)) == len(accepted)
    orders = [said.order for body in wire.heard if (said := parse(body)).kind == "A"]
    assert len(set(orders)) == len(orders)
    assert report["orders"]["position"] == {"ACME": position}
    cancelled = [said.ref for body in wire.heard if (said := parse(body)).kind == "C"]
    assert set(resting) & set(cancelled) == set()  # only the end of the day has taken them
    assert report["orders"]["open"] == []


def test_what_breaks_lines_does_not_break_orders(standing: Path) -> None:
    words = ("--lead-in", 0, "--linger", 0, "--hold", *ORDERS, "--order-keep")
    faults = ("--order-drop", 0.1, "--order-half", 0.1, "--order-duplicate", 0.5, "--order-delay", 1)
    with Venue("--file", standing, *words, *faults) as venue:
        heard: list[bytes] = []
        ref = 0
        while ref < 300:
            wire = Wire(venue.address("orders"), len(heard) + 1)
            again = len(heard) + 1 - wire.first
            assert 0 <= again <= 10
            for _ in range(20):
                ref += 1
                try:
                    wire.send(enter(ref, "S", 1, PX, tif="3"))
                except OSError:
                    break
                if wire.next() is None:
                    break
            assert wire.heard[:again] == heard[len(heard) - again :][: len(wire.heard)]
            heard += wire.heard[again:]
            wire.close()
        venue.tell(signal.SIGTERM)
        report = venue.report()["orders"]
    assert report["server"]["dropped"] > 5
    assert report["server"]["halved"] > 5
    assert report["server"]["again"] > 5


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--drop-copy", "127.0.0.1:0"], "--drop-copy without --orders"),
        (["--order-drop", "0.5"], "--order-drop without --orders"),
        ([*ORDERS, "--days", "2"], "orders on 2 days"),
        ([*ORDERS, "--order-drop", "2"], "order drop 2: needs 0 to 1"),
        ([*ORDERS, "--order-reject", "much"], "write it as REASON:P"),
        ([*ORDERS, "--order-reject", "0x20:1"], "order reject 0x20"),
        ([*ORDERS, "--order-user", "toolong1"], "up to 6"),
        ([*ORDERS, "--order-password", "x"], "name the user too"),
        ([*ORDERS, "--order-delay", "-1"], "order delay"),
        (["--orders", "nowhere"], "ADDRESS:PORT"),
        (["--orders", "192.0.2.1:5"], "orders at 192.0.2.1:5"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(words: list[str], why: str) -> None:
    with pytest.raises(ApplianceError) as refused:
        command.main(
            ["--messages", "5000", "--requests", "127.0.0.1:0", "--snapshots", "127.0.0.1:0", *words],
            standalone_mode=False,
        )
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_venue_that_cannot_keep_what_it_says_says_it_no_more(standing: Path, tmp_path: Path) -> None:
    log = tmp_path / "orders.log"
    words = ("--lead-in", 0, "--linger", 0, "--hold", *ORDERS, "--order-log", log)
    with Venue("--file", standing, *words) as venue:
        wire = Wire(venue.address("orders"))
        ref = wait_until(venue, wire, "ACME", 1)
        heard = len(wire.heard)
        size = log.stat().st_size
        resource.prlimit(venue.process.pid, resource.RLIMIT_FSIZE, (size, size))
        wire.send(enter(ref, "B", 100, PX))
        assert wire.next() is None
        _, error = venue.process.communicate(timeout=PATIENCE_S)
    assert venue.process.returncode == 2
    assert "the order log cannot be written: File too large" in error
    assert len(wire.heard) == heard
    assert log.stat().st_size == size


def test_two_venues_do_not_write_one_log(standing: Path, tmp_path: Path) -> None:
    words = ("--file", standing, "--hold", *ORDERS, "--order-log", tmp_path / "orders.log")
    with Venue(*words):
        assert "another venue writes it" in refusal(
            "venue", *words, "--requests", "127.0.0.1:0", "--snapshots", "127.0.0.1:0"
        )
