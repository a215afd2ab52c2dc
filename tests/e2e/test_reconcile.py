"""Our executions against the venue's drop copy: of a real venue, and of one that tells them differently."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from e2e.trader import Trader, day_to_trade
from e2e.truth import Truth
from e2e.wire import HERE
from model.command import appliance, refusal
from model.order_log import Account, read_log

Messages = list[bytes]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """Make a day that is long enough for some trades."""
    return day_to_trade(tmp_path_factory.mktemp("reconcile"), 60_000)


class Day:
    """What a day has left: its journal, and all that the venue has said."""

    def __init__(self, journal: Path, messages: Messages) -> None:
        self.journal, self.messages = journal, messages

    @property
    def copies(self) -> Messages:
        """The drop copy, by the venue's rules: what becomes of orders."""
        return [message for message in self.messages if message[:1] in b"AUCDEBM"]

    @property
    def trades(self) -> list[int]:
        """Where executions stand in the drop copy."""
        return [at for at, message in enumerate(self.copies) if message[:1] == b"E"]


@pytest.fixture(scope="module")
def traded(day: Truth, tmp_path_factory: pytest.TempPathFactory) -> Day:
    """Trade with a real venue, through two lives, and compare while it runs."""
    folder = tmp_path_factory.mktemp("traded")
    with Trader(day, folder, venue_options=("--drop-copy", f"{HERE}:0", "--order-keep")) as trader:
        trader.trade_in_two_lives((3, 2))
        trader.say("kill")
        trader.wait_for_quiet()
        where = "{}:{}".format(*trader.venue.address("drop_copy"))
        told = json.loads(trader.say("reconcile", "--drop-copy", where, "--json"))
        account = trader.account()
        assert told["equal"]
        assert told["differences"] == []
        for side in ("ours", "venue"):
            assert told[side] == {"executions": account.fills, "positions": account.held}
        assert (told["lives"], told["lives_left_out"], told["drop_copy"]) == (2, 0, "0000000001")
        trader.say("stop")
        trader.run.process.wait(30)
        journal = folder / f"{trader.name}.journal"
        done = appliance("reconcile", journal, "--drop-copy", where)
        assert (done.returncode, done.stderr) == (0, "")
        assert (
            f"ours {account.fills:,} executions, venue {account.fills:,} executions: no differ" in done.stdout
        )
        return Day(journal, read_log(trader.log))


def packet(kind: bytes, payload: bytes = b"") -> bytes:
    return struct.pack(">Hc", 1 + len(payload), kind) + payload


@contextmanager
def drop_copy(answer: Callable[[int], bytes]) -> Iterator[str]:
    """Serve what ``answer`` makes of the number that a login asks for, on any number of connections."""
    with socket.create_server((HERE, 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    login = connection.recv(49, socket.MSG_WAITALL)
                    assert login[:3] == b"\0\x2fL"
                    connection.sendall(answer(int(login[29:49])))
                    connection.settimeout(1)
                    with suppress(TimeoutError):
                        connection.recv(3)  # the logout; of a client that waits for more, we take leave

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield "{}:{}".format(*server.getsockname())
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def stream(messages: Messages, session: str = "0000000001") -> Callable[[int], bytes]:
    def answer(wanted: int) -> bytes:
        first = wanted or len(messages) + 1
        head = packet(b"A", session.rjust(10).encode() + str(first).rjust(20).encode())
        return head + packet(b"H") + b"".join(packet(b"S", message) for message in messages[first - 1 :])

    return answer


def compared(journal: Path, messages: Messages) -> tuple[int, dict[str, Any]]:
    """Compare with a venue that tells these messages: exit status, and what was told."""
    with drop_copy(stream(messages)) as where:
        done = appliance("reconcile", journal, "--drop-copy", where, "--json")
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def changed(message: bytes, offset: int, layout: str, more: int) -> bytes:
    """Return the message with a field raised."""
    (value,) = struct.unpack_from(layout, message, offset)
    data = bytearray(message)
    struct.pack_into(layout, data, offset, value + more)
    return bytes(data)


@pytest.mark.heavy
def test_the_same_stream_has_no_difference(traded: Day) -> None:
    status, told = compared(traded.journal, traded.copies)
    assert (status, told["equal"], told["differences"]) == (0, True, [])


@pytest.mark.heavy
def test_an_execution_that_the_venue_does_not_tell_is_listed_with_its_place_in_our_journal(
    traded: Day,
) -> None:
    gone = traded.trades[1]
    message = traded.copies[gone]
    status, told = compared(traded.journal, traded.copies[:gone] + traded.copies[gone + 1 :])
    (difference,) = told["differences"]
    user_ref, qty = struct.unpack_from(">II", message, 9)
    assert (status, difference["what"], difference["venue"]) == (1, "only_ours", None)
    assert (difference["ours"]["user_ref"], difference["ours"]["qty"]) == (user_ref, qty)
    assert difference["ours"]["where"].startswith("journal segment 1, byte ")


@pytest.mark.heavy
def test_an_execution_that_we_were_never_told_of_is_listed_with_its_number_in_the_stream(
    traded: Day,
) -> None:
    stranger = changed(traded.copies[traded.trades[0]], 26, ">Q", 1_000_000)
    status, told = compared(traded.journal, [*traded.copies, stranger])
    (difference,) = told["differences"]
    assert (status, difference["what"], difference["ours"]) == (1, "only_venue", None)
    assert difference["venue"]["where"] == f"drop copy 0000000001, message {len(traded.copies) + 1:,}"
    assert told["venue"]["executions"] == told["ours"]["executions"] + 1
    assert told["venue"]["positions"] != told["ours"]["positions"]


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("field", "offset", "layout"), [("qty", 13, ">I"), ("px", 17, ">Q"), ("match", 26, ">Q")]
)
def test_a_trade_that_is_told_differently_is_listed_with_what_differs(
    traded: Day, field: str, offset: int, layout: str
) -> None:
    copies, at = traded.copies, traded.trades[-1]
    copies[at] = changed(copies[at], offset, layout, 7_000_000)
    status, told = compared(traded.journal, copies)
    (difference,) = told["differences"]
    assert (status, difference["what"], difference["fields"]) == (1, "differs", [field])
    assert difference["venue"]["where"].endswith(f"message {at + 1:,}")
    with drop_copy(stream(copies)) as where:
        done = appliance("reconcile", traded.journal, "--drop-copy", where)
    assert done.returncode == 1
    assert f"ours / the venue's {field} " in done.stdout
    assert "1 DIFFERENCES" in done.stdout


@pytest.mark.heavy
def test_a_trade_that_the_venue_tells_twice_is_one_too_many(traded: Day) -> None:
    at = traded.trades[0]
    status, told = compared(traded.journal, [*traded.copies, traded.copies[at]])
    assert (status, [one["what"] for one in told["differences"]]) == (1, ["only_venue"])


@pytest.mark.heavy
def test_a_stream_that_is_cut_or_senseless_is_an_error_and_no_comparison(traded: Day) -> None:
    whole = stream(traded.copies)
    cases: list[tuple[Callable[[int], bytes], str]] = [
        (lambda wanted: whole(wanted)[: 40 if wanted else None], "it hung up in the middle"),
        (lambda _: packet(b"J", b"A"), "refused the login"),
        (lambda _: b"\0\0", "a packet without a type"),
        (lambda _: packet(b"S", b"x"), "no SoupBinTCP server"),
        (lambda wanted: whole(wanted) + packet(b"Q"), "a packet of type b'Q'"),
        (stream([*traded.copies, b"E?"]), f"message {len(traded.copies) + 1:,} of the drop copy"),
        (lambda wanted: stream(traded.copies, "0000000002" if wanted else "1")(wanted), "was asked for"),
    ]
    for answer, words in cases:
        with drop_copy(answer) as where:
            said = refusal("reconcile", traded.journal, "--drop-copy", where)
        assert words in said
        assert where in said or "message" in words


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    assert "write ADDRESS:PORT" in refusal("reconcile", tmp_path, "--drop-copy", "here")
    assert "no journal" in refusal("reconcile", tmp_path, "--drop-copy", f"{HERE}:1")
    assert "no data plane" in refusal("reconcile", "--name", "nobody-here", "--drop-copy", f"{HERE}:1")


@pytest.mark.heavy
def test_the_venues_log_is_what_the_fixture_says(traded: Day) -> None:
    assert Account.of(traded.messages).fills == len(traded.trades) >= 5
