"""The link over a real socket: connections, cuts in every state, and every system call counted."""

from __future__ import annotations

import itertools
import socket
import threading

from model.order_session import SECOND, SILENCE, Link, accepted, answer, executed
from model.servers import PATIENCE_S, Connection, SoupServer, login_accepted, login_rejected, sequenced, soup
from protocol.ouch_layers import INBOUND

DAY = b"DAY1"


def let_in(connection: Connection, first: int = 1) -> bytes:
    """Answer the login; return its payload."""
    payload = connection.hear_login()
    connection.say(login_accepted(first, DAY))
    return payload


def serve(connection: Connection, first: int = 1) -> None:
    """Answer login and query."""
    let_in(connection, first)
    assert connection.hear() == (b"U", b"Q")
    connection.say(sequenced([answer()]))


def test_an_order_goes_out_and_its_replies_come_in() -> None:
    def script(connection: Connection) -> None:
        serve(connection)
        kind, message = connection.hear() or (b"", b"")
        assert kind == b"U"
        entered = INBOUND[b"O"](message)
        assert (entered.user_ref_num, entered.symbol) == (1, b"AAPL    ")
        connection.say(sequenced([accepted(1), executed(1)]))
        assert connection.hear_until_the_end() == []

    with SoupServer(script) as server, Link(server.port) as link:
        link.until_told("CAUGHT_UP")
        assert link.send() == "QUEUED"
        link.until_told("EXECUTED")
        assert link.kinds() == ["CONNECTED", "ACCOUNT", "CAUGHT_UP", "ACCEPTED", "EXECUTED"]
        assert link.counters.connects == 1
        assert link.counters.syscalls > link.counters.connects + 5
        assert link.counters.tx_bytes == 49 + 4 + 56


def test_bytes_that_come_one_by_one_are_whole_messages_in_the_end() -> None:
    def script(connection: Connection) -> None:
        let_in(connection)
        for byte in sequenced([accepted(1), executed(1), answer(2)]):
            connection.say(bytes([byte]))
        connection.hear_until_the_end()

    with SoupServer(script) as server, Link(server.port) as link:
        link.until_told("CAUGHT_UP")
        assert link.kinds() == ["CONNECTED", "ACCEPTED", "EXECUTED", "ACCOUNT", "CAUGHT_UP"]


def test_replies_that_are_there_before_the_first_poll_are_not_lost_with_the_connection() -> None:
    """All is said at once, and the venue hangs up: what it said is told, then that it is gone."""

    def script(connection: Connection) -> None:
        if not served:
            served.append(1)
            connection.say(login_accepted(1, DAY), sequenced([accepted(1), executed(1)]))
        else:
            connection.hear_login()

    served: list[int] = []
    with SoupServer(script) as server, Link(server.port) as link:
        link.until_told("DISCONNECTED")
        assert link.kinds() == ["CONNECTED", "ACCEPTED", "EXECUTED", "DISCONNECTED"]


def test_cuts_at_every_point_are_followed_by_a_login_for_the_next_message() -> None:
    """Before the login is answered, in the replay, inside a message, when it is open."""
    asked: list[bytes] = []

    def script(connection: Connection) -> None:
        turn = len(asked)
        asked.append(connection.hear_login())
        first = int(asked[-1][26:])
        message = sequenced([executed(5)])
        if turn == 0:
            return
        connection.say(login_accepted(first, DAY))
        if turn == 1:
            connection.say(sequenced([accepted(5)]))
            return
        if turn == 2:
            connection.say(message[:9])
            return
        connection.hear()
        if turn == 3:
            connection.say(message, sequenced([answer()]))
            connection.reset()
            return
        # The queries of the cut connections before may have been answered or not: a silent second ends it.
        connection.say(sequenced([answer()]), soup(b"H"))
        connection.hear_until_the_end()

    with SoupServer(script) as server, Link(server.port) as link:
        link.until_told("CAUGHT_UP", 1)
        link.until(lambda: len(asked) == 5 and link.kinds()[-1] == "CAUGHT_UP")
        cuts = link.kinds().count("DISCONNECTED")
        assert cuts == 4
        assert [kind for kind in link.kinds() if kind in {"ACCEPTED", "EXECUTED"}][:2] == [
            "ACCEPTED",
            "EXECUTED",
        ]
        assert link.kinds().count("ACCEPTED") == link.kinds().count("EXECUTED") == 1
        assert [login[26:].strip() for login in asked[:3]] == [b"1", b"1", b"2"]
        assert [login[16:26].strip() for login in asked] == [b"", b"", DAY, DAY, DAY]


def test_nobody_there_is_called_again_ever_less_often() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Link(port, retry_cycles=100, retry_limit_cycles=400) as link:
        calls: list[int] = []
        while len(calls) < 6:
            before = link.counters.cuts[10]
            link.poll()
            if link.counters.cuts[10] > before:
                calls.append(link.now)
        gaps = [after - before for before, after in itertools.pairwise(calls)]
        # A refusal takes a poll or two to be seen.
        assert all(want <= gap <= want + 5 for gap, want in zip(gaps, [100, 200, 400, 400, 400], strict=True))
        assert (link.heard, link.cuts()) == ([], {"NO_CONNECTION": 6})


def test_a_login_that_is_refused_is_not_tried_again() -> None:
    def script(connection: Connection) -> None:
        connection.hear_login()
        connection.say(login_rejected(b"A"))
        assert connection.hear() is None

    with SoupServer(script) as server, Link(server.port) as link:
        link.until(lambda: link.state == "over")
        assert link.heard[0][1]["reason"] == "NOT_AUTHORISED"
        for _ in range(100):
            link.poll(SECOND)
        assert link.counters.connects == 1


def test_a_session_that_is_not_there_yet_is_asked_for_again() -> None:
    turns: list[int] = []

    def script(connection: Connection) -> None:
        turns.append(1)
        if len(turns) < 3:
            connection.hear_login()
            connection.say(login_rejected(b"S"))
            connection.hear_until_the_end()
        else:
            serve(connection)
            connection.hear_until_the_end()

    with SoupServer(script) as server, Link(server.port) as link:
        link.until_told("CAUGHT_UP")
        assert link.kinds() == ["DISCONNECTED", "DISCONNECTED", "CONNECTED", "ACCOUNT", "CAUGHT_UP"]


def test_a_venue_that_falls_silent_is_given_up() -> None:
    done = threading.Event()

    def script(connection: Connection) -> None:
        serve(connection)
        done.wait(PATIENCE_S)

    with SoupServer(script) as server, Link(server.port) as link:
        link.until_told("CAUGHT_UP")
        link.poll(SILENCE + 1)
        link.poll()
        assert link.heard[-1][1]["reason"] == "SILENT"
        assert link.state == "waiting"
        done.set()


def test_a_venue_that_does_not_read_makes_the_link_say_so_and_loses_nothing() -> None:
    orders = 200_000
    received: list[int] = []
    go_on = threading.Event()

    def script(connection: Connection) -> None:
        serve(connection)
        go_on.wait(PATIENCE_S)
        for _ in range(sent):
            heard = connection.hear()
            while heard and heard[0] == b"R":
                heard = connection.hear()
            assert heard
            received.append(int.from_bytes(heard[1][1:5], "big"))

    sent = 0
    with SoupServer(script) as server, Link(server.port) as link:
        link.until_told("CAUGHT_UP")
        while sent < orders and link.send(user_ref=sent + 1) == "QUEUED":
            sent += 1
        assert sent < orders, "the kernel takes no end of it"
        assert (link.counters.full, link.counters.would_block > 0) == (1, True)
        go_on.set()
        link.until(lambda: len(received) == sent)
    assert received == list(range(1, sent + 1))


def test_a_logout_is_said_and_the_link_is_over_when_the_venue_hangs_up() -> None:
    def script(connection: Connection) -> None:
        serve(connection)
        assert connection.hear() == (b"O", b"")

    with SoupServer(script) as server, Link(server.port) as link:
        link.until_told("CAUGHT_UP")
        link.leave()
        link.until(lambda: link.state == "over")
        assert link.heard[-1][1]["reason"] == "LEFT"


def test_end_of_session_ends_the_link() -> None:
    def script(connection: Connection) -> None:
        serve(connection)
        connection.say(soup(b"Z"))
        connection.hear_until_the_end()

    with SoupServer(script) as server, Link(server.port) as link:
        link.until(lambda: link.state == "over")
        assert link.kinds()[-1] == "ENDED"


def test_a_link_that_waits_can_be_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, Link(listener.getsockname()[1]) as link:
        link.leave()
        link.poll()
        assert (link.state, link.counters.connects) == ("over", 0)
    with socket.create_server(("127.0.0.1", 0)) as listener, Link(listener.getsockname()[1]) as link:
        link.poll()
        assert link.state == "connecting"
        link.leave()
        assert link.state == "over"
