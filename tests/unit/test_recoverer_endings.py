"""How a fetch ends that nobody lets finish: cut, silent, too slow, cut off by another, closed anywhere."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
from model.messages import message
from model.recoverer import Recoverer
from model.servers import (
    PATIENCE_S,
    Connection,
    Script,
    SoupServer,
    end_of_snapshot,
    login_accepted,
    sequenced,
    soup,
)

ORDERS = [message("A", 1, n, n, b"B", 100, b"SNAP    ", 5000) for n in range(1, 40)]
CLOSED_WITHIN_S = 0.1
MEGABYTES = sequenced(ORDERS) * 5000  # more than fits into the ring and both kernels' buffers


def failure_of(script: Script, **plan: int) -> tuple[str, dict[str, int]]:
    """Fetch a snapshot that fails; what the failure says behind the address, and the counters."""
    with SoupServer(script) as server, Recoverer(snapshot_port=server.port, **plan) as recoverer:
        number = recoverer.fetch()
        last = recoverer.snapshot()[-1]
        assert (last.kind, last.fetch) == ("failed", number)
        where, _, text = last.data.decode().partition(f"127.0.0.1:{server.port}: ")
        assert where == "snapshot server "
        return text, recoverer.counters


def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


@contextmanager
def black_hole() -> Iterator[int]:
    """Give a port that answers no attempt to connect: its queue of connections is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


# --- cut ----------------------------------------------------------------------------------------------------


def test_a_connection_that_is_refused_says_so() -> None:
    port = unused_port()
    with Recoverer(snapshot_port=port) as recoverer:
        recoverer.fetch()
        (record,) = recoverer.snapshot()
        assert record.data.decode() == (
            f"snapshot server 127.0.0.1:{port}: cannot connect (Connection refused): check its address, and "
            "that it runs and can be reached from here"
        )
        assert recoverer.counters == {"connect_failures": 1}


def test_without_a_snapshot_server_a_fetch_fails_at_once() -> None:
    with Recoverer() as recoverer:
        recoverer.fetch()
        (record,) = recoverer.snapshot()
        assert record.kind == "failed"
        assert b"there is none in the plan" in record.data


def test_a_connection_cut_before_the_login_is_answered_is_a_failure() -> None:
    def script(connection: Connection) -> None:
        connection.hear_login()

    text, counters = failure_of(script)
    assert text == (
        "the connection was cut (it hung up) before it answered the login: is it a GLIMPSE server?"
    )
    assert counters == {"connections": 1, "broken_snapshots": 1}


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 20, 38])
def test_a_connection_cut_anywhere_in_a_message_is_a_failure(cut: int) -> None:
    def script(connection: Connection) -> None:
        connection.hear_login()
        connection.say(login_accepted(), sequenced(ORDERS[:7]), sequenced(ORDERS[7:8])[:cut])

    text, counters = failure_of(script)
    assert text == (
        "the connection was cut (it hung up) after 7 messages, before the end of the snapshot: try again"
    )
    assert counters["broken_snapshots"] == 1


def test_a_connection_that_is_reset_is_a_failure() -> None:
    def script(connection: Connection) -> None:
        connection.hear_login()
        connection.say(login_accepted())
        connection.reset()

    text, _ = failure_of(script)
    assert "the connection was cut (Connection reset by peer)" in text


def test_after_a_failure_another_fetch_can_succeed() -> None:
    tries = iter([soup(b"Z"), sequenced([*ORDERS, end_of_snapshot(77)])])

    def script(connection: Connection) -> None:
        connection.hear_login()
        connection.say(login_accepted(), next(tries))
        connection.hear_until_the_end()

    with SoupServer(script) as server, Recoverer(snapshot_port=server.port) as recoverer:
        first = recoverer.fetch()
        assert recoverer.snapshot()[-1].kind == "failed"
        second = recoverer.fetch()
        records = recoverer.snapshot()
    assert second not in {0, first}
    assert {record.fetch for record in records} == {second}
    assert (records[-1].kind, records[-1].sequence) == ("end", 77)


# --- too slow -----------------------------------------------------------------------------------------------


def wait_for_the_end(connection: Connection) -> None:
    """Say nothing more."""
    connection.hear_until_the_end()


def test_a_server_that_does_not_answer_the_login_fails_when_the_time_is_over() -> None:
    text, counters = failure_of(wait_for_the_end, snapshot_timeout_ms=200)
    assert text.startswith("the login was not answered after 200 ms: check the server")
    assert counters == {"connections": 1, "timeouts": 1}


def test_a_snapshot_that_is_not_whole_when_the_time_is_over_fails_though_the_server_is_alive() -> None:
    def script(connection: Connection) -> None:
        connection.hear_login()
        connection.say(login_accepted(), sequenced(ORDERS))
        waiter = threading.Thread(target=connection.hear_until_the_end)
        waiter.start()
        with suppress(ConnectionError):
            while waiter.is_alive():
                connection.say(soup(b"H"))
                waiter.join(0.01)
        waiter.join()

    text, counters = failure_of(script, snapshot_timeout_ms=400)
    assert text.startswith("the snapshot was not whole after 400 ms")
    assert counters["timeouts"] == 1


def test_a_connection_that_never_comes_about_fails_when_the_time_is_over() -> None:
    with black_hole() as port, Recoverer(snapshot_port=port, snapshot_timeout_ms=200) as recoverer:
        recoverer.fetch()
        (record,) = recoverer.snapshot()
        assert "no connection after 200 ms" in record.data.decode()
        assert recoverer.counters == {"timeouts": 1}


# --- cut off by us ------------------------------------------------------------------------------------------


class Endless:
    """A script that never comes to the end of its snapshot, in one way or another."""

    def __init__(self, *packets: bytes) -> None:
        self._packets = packets
        self.began = threading.Event()
        self.ended = threading.Event()

    def __call__(self, connection: Connection) -> None:
        """Be the server."""
        connection.hear_login()
        self.began.set()
        with suppress(ConnectionError):
            connection.say(*self._packets)
        connection.hear_until_the_end()
        self.ended.set()


ENDLESS: dict[str, Callable[[], Endless]] = {
    "logging in": Endless,
    "receiving": lambda: Endless(login_accepted(), sequenced(ORDERS)),
    "waiting for room": lambda: Endless(login_accepted(), MEGABYTES),
}


@pytest.mark.parametrize("way", ENDLESS)
def test_a_newer_fetch_cuts_off_the_one_under_way(way: str) -> None:
    endless = ENDLESS[way]()
    scripts: Iterator[Script] = iter([endless, Endless(login_accepted(), sequenced([end_of_snapshot(9)]))])

    def script(connection: Connection) -> None:
        next(scripts)(connection)

    with (
        SoupServer(script) as server,
        Recoverer(snapshot_port=server.port) as recoverer,
    ):
        first = recoverer.fetch()
        assert endless.began.wait(PATIENCE_S)
        if way == "waiting for room":
            recoverer.wait_until(waits_for_room=1)
        second = recoverer.fetch()
        assert endless.ended.wait(PATIENCE_S)  # it hung up though nobody has made room
        records = recoverer.snapshot()
    kinds = [(record.kind, record.fetch) for record in records]
    assert kinds[-2:] == [("begin", second), ("end", second)]
    assert {fetch for _, fetch in kinds[:-2]} <= {first}
    assert {kind for kind, _ in kinds[:-2]} <= {"begin", "run"}


def test_of_many_fetches_at_once_the_last_is_done() -> None:
    with (
        SoupServer(Endless(login_accepted(), sequenced([end_of_snapshot(9)]))) as server,
        Recoverer(snapshot_port=server.port) as recoverer,
    ):
        numbers = [recoverer.fetch() for _ in range(20)]
        assert len(set(numbers)) == 20
        records = recoverer.snapshot()
        while records[-1].fetch != numbers[-1] or records[-1].kind != "end":
            records.append(recoverer.take())
        assert [record.fetch for record in records] == sorted(record.fetch for record in records)


def close_is_quick(prepare: Callable[[], Recoverer]) -> None:
    """Close in this state within the time promised; a busy machine has five tries to be quick enough."""
    taken = [prepare().close()]
    while min(taken) > CLOSED_WITHIN_S and len(taken) < 5:
        taken.append(prepare().close())
    assert min(taken) < CLOSED_WITHIN_S


@pytest.mark.parametrize("way", ENDLESS)
def test_closing_ends_a_fetch_wherever_it_is(way: str) -> None:
    def prepare() -> Recoverer:
        endless = ENDLESS[way]()
        server = stack.enter_context(SoupServer(endless))
        recoverer = Recoverer(snapshot_port=server.port)
        recoverer.fetch()
        assert endless.began.wait(PATIENCE_S)
        if way == "waiting for room":
            recoverer.wait_until(waits_for_room=1)
        return recoverer

    with ExitStack() as stack:
        close_is_quick(prepare)


def test_closing_ends_an_attempt_to_connect_that_nobody_answers() -> None:
    def prepare() -> Recoverer:
        recoverer = Recoverer(snapshot_port=port)
        recoverer.fetch()
        return recoverer

    with black_hole() as port:
        close_is_quick(prepare)


def test_closing_when_nothing_was_ever_wished_for_is_quick() -> None:
    close_is_quick(Recoverer)
