"""What the recoverer makes of a snapshot server: a good one, and every way to be a bad one."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest
from model.messages import frame, message
from model.recoverer import Recoverer
from model.servers import (
    SOUP_SESSION,
    Connection,
    Script,
    SoupServer,
    end_of_snapshot,
    login_accepted,
    login_rejected,
    sequenced,
    soup,
)

RUN_BYTES = 16384


def order(reference: int) -> bytes:
    """An order that joins the book."""
    return message("A", 1, reference, reference, b"B", 100, b"SNAP    ", 5000)


ORDERS = [order(reference) for reference in range(1, 40)]
WHOLE = [login_accepted(), sequenced(ORDERS), sequenced([end_of_snapshot(1234)])]


Shown = tuple[str, bytes, int]


def fetch_from(script: Script, **plan: Any) -> tuple[list[Shown], dict[str, int]]:
    """Fetch one snapshot of a server that plays a script; its records and the counters."""
    with SoupServer(script) as server, Recoverer(snapshot_port=server.port, **plan) as recoverer:
        number = recoverer.fetch()
        records = recoverer.snapshot()
        assert {record.fetch for record in records} == {number}
        return [(record.kind, record.data, record.sequence) for record in records], recoverer.counters


def runs(records: list[Shown]) -> bytes:
    """Join what the runs hold."""
    return b"".join(data for kind, data, _ in records if kind == "run")


def says(*packets: bytes) -> Script:
    """Make the script of a server that takes the login, says all of this and waits for the client to go."""

    def script(connection: Connection) -> None:
        connection.hear_login()
        with suppress(ConnectionError):
            connection.say(*packets)
        connection.hear_until_the_end()

    return script


def test_the_login_is_as_the_plan_says_for_the_current_session_from_its_first_message() -> None:
    logins = []

    def script(connection: Connection) -> None:
        logins.append(connection.hear_login())
        connection.say(*WHOLE)
        connection.hear_until_the_end()

    fetch_from(script)
    fetch_from(script, user=b"me\0\0\0\0", password=b"0123456789")
    assert logins == [
        b"reader" + b"secret    " + b" " * 10 + b" " * 19 + b"1",
        b"me    " + b"0123456789" + b" " * 10 + b" " * 19 + b"1",
    ]


def test_a_snapshot_is_a_begin_with_the_session_runs_and_the_end() -> None:
    records, counters = fetch_from(says(*WHOLE))
    assert records[0] == ("begin", SOUP_SESSION, 0)
    assert {kind for kind, _, _ in records[1:-1]} == {"run"}
    assert runs(records) == frame(ORDERS)
    assert records[-1] == ("end", b"", 1234)
    assert counters == {
        "connections": 1,
        "snapshot_messages": len(ORDERS),
        "snapshot_bytes": sum(map(len, ORDERS)),
    }


def test_after_the_end_it_logs_out_and_hangs_up() -> None:
    heard: list[bytes] = []

    def script(connection: Connection) -> None:
        connection.hear_login()
        connection.say(*WHOLE, sequenced([order(99)]), soup(b"Z"))
        heard.extend(connection.hear_until_the_end())

    records, _ = fetch_from(script)
    assert records[-1] == ("end", b"", 1234)
    assert runs(records) == frame(ORDERS)  # what comes behind the end is nobody's
    assert heard == [b"O"]


def test_a_snapshot_without_orders_is_whole_too() -> None:
    records, _ = fetch_from(says(login_accepted(), sequenced([end_of_snapshot(1)])))
    assert records == [("begin", SOUP_SESSION, 0), ("end", b"", 1)]


def test_a_server_that_sends_a_byte_at_a_time_is_understood() -> None:
    def script(connection: Connection) -> None:
        connection.hear_login()
        for byte in login_accepted() + sequenced(ORDERS[:5]) + sequenced([end_of_snapshot(6)]):
            connection.say(bytes([byte]))
            time.sleep(0.001)  # each in a segment of its own, or nearly so
        connection.hear_until_the_end()

    records, _ = fetch_from(script)
    assert runs(records) == frame(ORDERS[:5])
    assert records[-1] == ("end", b"", 6)


def test_heartbeats_debug_texts_and_unsequenced_data_are_passed_over() -> None:
    noise = soup(b"H") + soup(b"+", b"hello") + soup(b"+") + soup(b"U", order(77))
    records, _ = fetch_from(
        says(
            soup(b"+", b"welcome") + soup(b"H"),
            login_accepted(),
            *(noise + sequenced([body]) for body in ORDERS),
            noise + sequenced([end_of_snapshot(5)]) + noise,
        )
    )
    assert runs(records) == frame(ORDERS)
    assert records[-1][0] == "end"


def test_messages_of_a_type_nobody_knows_are_handed_on_for_the_books_to_count() -> None:
    odd = [b"z", b"9" * 300, b"\0" * 65534]
    records, _ = fetch_from(says(login_accepted(), sequenced([*odd, *ORDERS, end_of_snapshot(5)])))
    assert runs(records) == frame([*odd, *ORDERS])


def test_numbers_may_stand_anywhere_in_their_fields() -> None:
    accepted = soup(b"A", SOUP_SESSION + b"1".ljust(20))
    records, _ = fetch_from(says(accepted, sequenced([b"G" + b"00042".center(20)])))
    assert records[-1] == ("end", b"", 42)


def test_runs_of_a_large_snapshot_are_about_16_kilobytes_and_lose_nothing() -> None:
    """4 MB through a ring of 1 MB whose reader comes late."""
    orders = [order(reference) for reference in range(1, 100_001)]
    script = says(login_accepted(), sequenced(orders), sequenced([end_of_snapshot(5)]))
    with SoupServer(script) as server, Recoverer(snapshot_port=server.port) as recoverer:
        recoverer.fetch()
        recoverer.wait_until(waits_for_room=1)
        records = recoverer.snapshot()
        counters = recoverer.counters
    assert b"".join(record.data for record in records if record.kind == "run") == frame(orders)
    assert max(len(record.data) for record in records) <= RUN_BYTES
    assert records[-1].kind == "end"
    assert counters["snapshot_messages"] == len(orders)


def test_it_sends_a_heartbeat_each_second_and_waits_for_a_server_that_sends_its_own() -> None:
    heard: list[tuple[bytes, bytes] | None] = []
    waited: list[float] = []

    def script(connection: Connection) -> None:
        connection.hear_login()
        connection.say(login_accepted())
        started = time.monotonic()
        for _ in range(2):
            heard.append(connection.hear())
            connection.say(soup(b"H"))
        waited.append(time.monotonic() - started)
        connection.say(sequenced([end_of_snapshot(5)]))
        connection.hear_until_the_end()

    records, _ = fetch_from(script)
    assert heard == [(b"R", b""), (b"R", b"")]
    assert waited[0] > 1.5
    assert records[-1][0] == "end"


BAD: dict[str, tuple[list[bytes], str, str]] = {
    "refuses the login": (
        [login_rejected(b"A")],
        "refused the login of 'reader' (A: not authorised; check user and password)",
        "logins_refused",
    ),
    "has no session": ([login_rejected(b"S")], "(S: it has no session; try again", "logins_refused"),
    "refuses for a reason of its own": (
        [login_rejected(b"\x07")],
        "(?: a reason that the protocol does not know)",
        "logins_refused",
    ),
    "starts elsewhere": (
        [login_accepted(2)],
        "it starts with message 2, and was asked for all from message 1",
        "broken_snapshots",
    ),
    "names no number": (
        [soup(b"A", SOUP_SESSION + b" " * 20)],
        "(the accepted login has no sequence number)",
        "broken_snapshots",
    ),
    "accepts in too few bytes": (
        [soup(b"A", SOUP_SESSION)],
        "(the accepted login is of a wrong length)",
        "broken_snapshots",
    ),
    "accepts twice": (
        [login_accepted(), login_accepted()],
        "(a second login was accepted)",
        "broken_snapshots",
    ),
    "sends data before it accepts": (
        [sequenced(ORDERS)],
        "(data came before the login was answered)",
        "broken_snapshots",
    ),
    "sends a packet of no length": (
        [login_accepted(), sequenced(ORDERS), b"\0\0"],
        "(a packet has length 0)",
        "broken_snapshots",
    ),
    "sends a packet of another protocol": (
        [b"HTTP/1.1 400 Bad Request\r\n\r\n".ljust(65000)],
        "(a packet is of an unknown type): check that its address is that of a GLIMPSE server",
        "broken_snapshots",
    ),
    "ends the session at once": (
        [login_accepted(), soup(b"Z")],
        "ended its session after 0 messages, before the end of the snapshot",
        "broken_snapshots",
    ),
    "ends the session early": (
        [login_accepted(), sequenced(ORDERS), soup(b"Z")],
        "ended its session after 39 messages, before the end of the snapshot",
        "broken_snapshots",
    ),
    "cuts a message short": (
        [login_accepted(), sequenced([*ORDERS, order(40)[:-1], end_of_snapshot(5)])],
        "message 40 of the snapshot has type 'A' and 35 bytes instead of 36",
        "broken_snapshots",
    ),
    "sends an empty message": (
        [login_accepted(), sequenced([b"", end_of_snapshot(5)])],
        "message 1 of the snapshot has type '?' and 0 bytes",
        "broken_snapshots",
    ),
    "ends with a number in letters": (
        [login_accepted(), sequenced([b"G" + b"twelve".rjust(20)])],
        "the message that ends the snapshot is malformed (21 bytes, number '              twelve')",
        "broken_snapshots",
    ),
    "ends with number 0": (
        [login_accepted(), sequenced([end_of_snapshot(0)])],
        "the message that ends the snapshot is malformed",
        "broken_snapshots",
    ),
    "ends with too large a number": (
        [login_accepted(), sequenced([end_of_snapshot(2**64)])],
        "the message that ends the snapshot is malformed",
        "broken_snapshots",
    ),
    "ends with too short a message": (
        [login_accepted(), sequenced([b"G1"])],
        "the message that ends the snapshot is malformed (2 bytes, number '')",
        "broken_snapshots",
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_server_against_the_protocol_is_a_failure_that_says_what_and_where(fault: str) -> None:
    packets, text, counter = BAD[fault]
    with SoupServer(says(*packets)) as server, Recoverer(snapshot_port=server.port) as recoverer:
        recoverer.fetch()
        last = recoverer.snapshot()[-1]
        counters = recoverer.counters
    assert last.kind == "failed"
    assert last.data.decode().startswith(f"snapshot server 127.0.0.1:{server.port}: ")
    assert text in last.data.decode()
    assert counters[counter] == 1
