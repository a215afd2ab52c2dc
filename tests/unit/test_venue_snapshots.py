"""The snapshot server: who may log in, and that what it says rebuilds the very books of the day."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from model.book import Model
from model.exchange import Lines, Venue, login, messages_of, read_packets, snapshot
from model.messages import FORMATS, LENGTHS, frame, message, split
from model.records import ASK, BID

from appliance.synth import Market, write_feed

MESSAGES = 8_000
SYMBOLS = 15
HELD = ("--lead-in", 0, "--linger", 0, "--hold")


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a synthetic day, many of whose orders stay."""
    path = tmp_path_factory.mktemp("venue") / "day.itch"
    write_feed(Market(MESSAGES, SYMBOLS, 3, live_orders=3000), str(path))
    return path


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Listen to both lines."""
    with Lines() as receiver:
        yield receiver


def wait_for(lines: Lines, last: int) -> None:
    for packet in lines.packets():
        if packet.sequence + packet.number > last:
            return


def model_of(messages: list[bytes]) -> Model:
    model = Model()
    model.feed(frame(messages))
    return model


def rebuilt(messages: list[bytes]) -> tuple[int, Model]:
    """The number of the next message, and the books that the rest of the snapshot makes."""
    assert messages[-1][:1] == b"G"
    assert len(messages[-1]) == 21
    assert all(len(body) == LENGTHS[body[0]] for body in messages[:-1])
    return int(messages[-1][1:]), model_of(messages[:-1])


def assert_same_books(left: Model, right: Model) -> None:
    assert left.books.keys() == right.books.keys()
    for locate in left.books:
        for side in (BID, ASK):
            assert left.queue(locate, side) == right.queue(locate, side)
        ours, theirs = left.summary(locate), right.summary(locate)
        assert (ours.symbol, ours.trading_state, ours.reg_sho, ours.flags) == (
            theirs.symbol, theirs.trading_state, theirs.reg_sho, theirs.flags,
        )  # fmt: skip
    assert left.depth_digest() == right.depth_digest()


@pytest.mark.parametrize("count", [200, 2_000, 5_500])
def test_a_snapshot_makes_the_books_of_the_day_at_its_number(day: Path, lines: Lines, count: int) -> None:
    messages = split(day.read_bytes())
    with Venue("--file", day, *HELD, "--stop-after", count, lines=lines) as venue:
        wait_for(lines, count)
        told = messages_of(snapshot(venue))
    following, books = rebuilt(told)
    assert following == count + 1
    assert_same_books(books, model_of(messages[:count]))


def test_a_snapshot_in_full_flow_is_exact_at_a_message_that_was_sent(day: Path, lines: Lines) -> None:
    messages = split(day.read_bytes())
    numbers = []
    with Venue("--file", day, "--rate", 4_000, *HELD, lines=lines) as venue:
        for last in (500, 2_500, 4_500):
            wait_for(lines, last)
            following, books = rebuilt(messages_of(snapshot(venue)))
            numbers.append(following)
            # The sender tells how far it is when a burst has left: a moment after the lines.
            assert following > last - 100
            assert_same_books(books, model_of(messages[: following - 1]))
        # Nothing in it had not been sent: the lines are soon behind the number that it names.
        wait_for(lines, numbers[-1] - 1)
    assert numbers == sorted(numbers)


def test_the_order_of_a_snapshot_is_as_the_protocol_says(day: Path, lines: Lines) -> None:
    with Venue("--file", day, *HELD, "--stop-after", 5_000, lines=lines) as venue:
        wait_for(lines, 5_000)
        packets = snapshot(venue)
        told = messages_of(packets)
    assert packets[0] == (b"A", b"0000000001".rjust(10) + b"1".rjust(20))
    assert packets[-1] == (b"Z", b"")
    kinds = "".join(chr(body[0]) for body in told)
    assert kinds.replace("F", "A").lstrip("S").startswith("R" * SYMBOLS)
    ranks = ["SRHYhNAG".index(kind) for kind in kinds.replace("F", "A")]
    assert ranks == sorted(ranks)
    day_messages = split(day.read_bytes())[:5_000]
    for kind in b"SR":
        of_day = [body for body in day_messages if body[0] == kind]
        assert [body for body in told if body[0] == kind] == of_day
    last_ns = max(int.from_bytes(body[5:11], "big") for body in day_messages)
    for body in told[:-1]:
        assert int.from_bytes(body[5:11], "big") <= last_ns


def test_an_attributed_order_keeps_its_participant_through_replacements(tmp_path: Path, lines: Lines) -> None:
    stock = b"ABCD    "
    day = [
        message("R", 3, 1, stock, b"Q", b"N", 100, b"N", b"C", b"Z ", b"P", b"N", b"N", b"1", b"N", 0, b"N"),
        message("F", 3, 2, 11, b"B", 500, stock, 10_000, b"AAAA"),
        message("A", 3, 3, 12, b"B", 100, stock, 10_000),
        message("F", 3, 4, 13, b"S", 300, stock, 11_000, b"BBBB"),
        message("U", 3, 5, 11, 21, 400, 10_100),
        message("U", 3, 6, 21, 31, 350, 10_000),
        message("E", 3, 7, 31, 50, 1),
        message("U", 3, 8, 12, 22, 90, 10_200),
        message("D", 3, 9, 13),
    ]
    path = tmp_path / "day.itch"
    path.write_bytes(frame(day))
    with Venue("--file", path, *HELD, lines=lines) as venue:
        wait_for(lines, len(day))
        told = messages_of(snapshot(venue))
    orders = [FORMATS[body[0]].unpack(body)[5:] for body in told if body[0] in b"AF"]
    assert orders == [(22, b"B", 90, stock, 10_200), (31, b"B", 300, stock, 10_000, b"AAAA")]
    assert told[-1] == b"G" + b"10".rjust(20)


def test_before_the_first_message_a_snapshot_is_empty(day: Path, lines: Lines) -> None:
    with Venue("--file", day, "--wait", lines=lines) as venue:
        assert messages_of(snapshot(venue)) == [b"G" + b"1".rjust(20)]


def test_in_the_next_session_a_snapshot_knows_nothing_of_the_last(day: Path, lines: Lines) -> None:
    messages = split(day.read_bytes())[:400]
    options = ("--file", day, "--stop-after", 400, "--days", 2, *HELD)
    with Venue(*options, lines=lines) as venue:
        for packet in lines.packets():
            if packet.session == b"0000000002" and packet.sequence + packet.number > 400:
                break
        packets = snapshot(venue)
    assert packets[0][1][:10] == b"0000000002"
    following, books = rebuilt(messages_of(packets))
    assert following == 401
    assert_same_books(books, model_of(messages))


def test_several_clients_at_once_get_the_same(day: Path, lines: Lines) -> None:
    with Venue("--file", day, *HELD, "--stop-after", 4_000, lines=lines) as venue:
        wait_for(lines, 4_000)
        connections = [socket.create_connection(venue.address("snapshots"), 30) for _ in range(8)]
        for connection in connections:
            connection.sendall(login())
        told = [[packet for packet in read_packets(one) if packet[0] != b"H"] for one in connections]
        for connection in connections:
            connection.close()
        venue.tell(signal.SIGTERM)
        counted = venue.report()["snapshots"]
    assert told == [told[0]] * 8
    assert counted["connections"] == counted["served"] == 8


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (login("trader", "secret"), b"A"),
        (login("TRADER", "SECRET", "0000000001"), b"A"),
        (login("trader", "wrong"), b"JA"),
        (login("other", "secret"), b"JA"),
        (login(), b"JA"),
        (login("trader", "secret", "OTHER"), b"JS"),
        (login("trader", "secret", sequence="2"), b"JS"),
        (login("trader", "secret", sequence="first"), b"JS"),
        (b"\x00\x01L", b""),
        (b"\x00\x01R", b""),
        (b"\x00\x00", b""),
        (b"GET / HTTP/1.0\r\n\r\n" * 2000, b""),
    ],
)
def test_a_login_is_checked(venue_with_user: Venue, request_: bytes, answer: bytes) -> None:
    with socket.create_connection(venue_with_user.address("snapshots"), 30) as connection:
        connection.sendall(request_)
        connection.shutdown(socket.SHUT_WR)
        try:
            packets = list(read_packets(connection))
        except ConnectionResetError:  # it hung up with bytes unread
            packets = []
    first = packets[0] if packets else (b"", b"")
    assert first[0] + (first[1] if first[0] == b"J" else b"") == answer


@pytest.fixture(scope="module")
def venue_with_user(day: Path) -> Iterator[Venue]:
    """Run an exchange whose snapshots need a login."""
    with (
        Lines() as lines,
        Venue("--file", day, "--wait", "--user", "trader", "--password", "secret", lines=lines) as venue,
    ):
        yield venue


def test_a_slow_snapshot_beats_while_it_is_waited_for(day: Path, lines: Lines) -> None:
    with (
        Venue("--file", day, "--wait", "--snapshot-delay", 2500, lines=lines) as venue,
        socket.create_connection(venue.address("snapshots"), 30) as connection,
    ):
        connection.sendall(login())
        kinds = [kind for kind, _ in read_packets(connection)]
    assert kinds[:3] == [b"A", b"H", b"H"]
    assert [kind for kind in kinds if kind != b"H"] == [b"A", b"S", b"Z"]


def test_a_snapshot_is_cut_refused_or_wrong_as_asked(day: Path) -> None:
    faults: dict[tuple[str, str | int], list[bytes]] = {
        ("--snapshot-cut", 7): [b"A", *[b"S"] * 7],
        ("--snapshot-fault", "refuse"): [b"J"],
        ("--snapshot-fault", "garbage"): [b"A", b"\x07"],
    }
    for fault, kinds in faults.items():
        with Lines() as lines, Venue("--file", day, *HELD, *fault, lines=lines) as venue:
            wait_for(lines, MESSAGES)
            connection = socket.create_connection(venue.address("snapshots"), 30)
            connection.sendall(login())
            got = []
            try:
                for kind, _ in read_packets(connection):
                    got.append(kind)
            except AssertionError as error:
                assert "cut in" in str(error)  # noqa: PT017  (the garbage ends in the middle of a packet)
            connection.close()
            assert got[: len(kinds)] == kinds
            assert b"Z" not in got
    with (
        Lines() as lines,
        Venue("--file", day, *HELD, "--snapshot-fault", "wrong-session", lines=lines) as venue,
    ):
        assert snapshot(venue)[0][1][:10] == b"     WRONG"
    with (
        Lines() as lines,
        Venue("--file", day, *HELD, "--snapshot-fault", "wrong-sequence", lines=lines) as venue,
    ):
        assert not messages_of(snapshot(venue))[-1][1:].strip().isdigit()


def test_a_client_that_logs_out_is_let_go_at_once(day: Path, lines: Lines) -> None:
    with (
        Venue("--file", day, "--wait", "--snapshot-delay", 60_000, lines=lines) as venue,
        socket.create_connection(venue.address("snapshots"), 30) as connection,
    ):
        connection.sendall(login() + b"\x00\x01O")
        began_s = time.monotonic()
        assert [kind for kind, _ in read_packets(connection)][:1] == [b"A"]
        assert time.monotonic() - began_s < 10


def test_a_client_that_goes_after_the_end_of_the_snapshot_was_served(day: Path, lines: Lines) -> None:
    with Venue("--file", day, *HELD, lines=lines) as venue:
        wait_for(lines, MESSAGES)
        for goodbye in (b"\x00\x01O", b""):
            with socket.create_connection(venue.address("snapshots"), 30) as connection:
                connection.sendall(login())
                assert any(body[:1] == b"G" for _, body in read_packets(connection))
                connection.sendall(goodbye)
        venue.tell(signal.SIGTERM)
        counted = venue.report()["snapshots"]
    assert (counted["served"], counted["broken"]) == (2, 0)
