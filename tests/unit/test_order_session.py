"""The order session without a socket: its state table, and what is never told twice or lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model.order_session import NOT_KNOWN, SECOND, SILENCE, Session, accepted, answer, executed
from model.servers import login_accepted, login_rejected, sequenced, soup
from protocol.ouch_layers import INBOUND, SoupFromClient

DAY = b"DAY1".rjust(10)
QUERY = b"\0\2UQ"
HEARTBEAT, OUR_HEARTBEAT = soup(b"H"), b"\0\1R"
CONNECTED = ("CONNECTED", {"sequence": 1, "connection": 1, "rx_cycles": 5 * SECOND})


def login(sequence: int, session: bytes = b" " * 10) -> bytes:
    """The login that is expected, by the table."""
    return soup(b"L", b"me    " + b"secret    " + session + str(sequence).encode().rjust(20))


def kinds(told: list[tuple[str, dict[str, object]]]) -> list[str]:
    """What was told, without what it says."""
    return [kind for kind, _ in told]


def opened(session: Session, *messages: bytes) -> None:
    """Bring a new session to where it takes orders, past so many messages."""
    session.begin()
    session.hear(login_accepted(1, DAY), sequenced([*messages, answer()]))
    session.said()
    assert session.state == "open"


def test_a_login_is_followed_by_a_query_whose_answer_ends_the_replay() -> None:
    with Session() as session:
        assert session.state == "closed"
        assert session.begin() == login(1)
        assert session.state == "login"
        assert session.hear(login_accepted(1, DAY)) == [CONNECTED]
        assert (session.said(), session.state) == (QUERY, "replay")
        told = session.hear(sequenced([accepted(7), answer(8)]))
        assert kinds(told) == ["ACCEPTED", "ACCOUNT", "CAUGHT_UP"]
        assert [what.get("sequence") for _, what in told] == [1, 2, None]
        assert told[1][1]["user_ref"] == 8
        assert told[2][1]["connection"] == 1
        assert session.state == "open"
        assert (session.counters.logins, session.counters.caught_up) == (1, 1)


def test_what_nobody_knows_of_the_past_is_over_with_an_answer_and_a_silent_second() -> None:
    """The answers to the queries of an earlier life stand in the replay."""
    with Session(queries_unanswered=NOT_KNOWN) as session:
        session.begin()
        told = session.hear(login_accepted(1, DAY), HEARTBEAT, sequenced([answer(1), accepted(1), answer(2)]))
        assert kinds(told) == ["CONNECTED", "ACCOUNT", "ACCEPTED", "ACCOUNT"]
        assert session.state == "replay"
        assert kinds(session.hear(HEARTBEAT, sequenced([executed(1)]))) == ["CAUGHT_UP", "EXECUTED"]
        assert session.state == "open"


def test_the_answer_to_a_query_of_a_connection_that_was_cut_is_not_taken_for_ours() -> None:
    with Session() as session:
        session.begin()
        session.hear(login_accepted(1, DAY), sequenced([accepted(1)]))
        assert session.cut() == [("DISCONNECTED", {"reason": "CLOSED", "rx_cycles": session.now})]
        assert session.begin() == login(2, DAY)
        told = session.hear(login_accepted(2, DAY), sequenced([answer(2), accepted(2), answer(3)]))
        assert kinds(told) == ["CONNECTED", "ACCOUNT", "ACCEPTED", "ACCOUNT", "CAUGHT_UP"]


def test_a_query_that_never_reached_the_venue_is_not_waited_for_when_it_is_silent() -> None:
    with Session() as session:
        session.begin()
        session.hear(login_accepted(1, DAY))
        session.cut()
        session.begin()
        assert kinds(session.hear(login_accepted(1, DAY), sequenced([answer()]))) == ["CONNECTED", "ACCOUNT"]
        assert kinds(session.hear(HEARTBEAT)) == ["CAUGHT_UP"]
        session.cut()
        session.begin()
        assert kinds(session.hear(login_accepted(2, DAY), sequenced([answer()])))[-1] == "CAUGHT_UP"


def test_a_venue_that_takes_no_query_is_caught_up_with_its_first_heartbeat() -> None:
    with Session(asks_account=0) as session:
        session.begin()
        assert kinds(session.hear(login_accepted(1, DAY), sequenced([accepted(1)]))) == [
            "CONNECTED",
            "ACCEPTED",
        ]
        assert session.said() == b""
        assert kinds(session.hear(HEARTBEAT)) == ["CAUGHT_UP"]


@pytest.mark.parametrize("piece", [1, 2, 7, 70000])
def test_however_the_bytes_are_cut_the_same_is_told(piece: int) -> None:
    packets = [
        soup(b"+", b"welcome"),
        login_accepted(1, DAY),
        sequenced([accepted(1), b"", b"?", executed(1), answer(2)]),
        HEARTBEAT,
        sequenced([executed(1, 5)]),
        soup(b"Z"),
    ]
    with Session() as session:
        session.begin()
        told = session.hear(*packets, piece=piece)
        assert kinds(told) == [
            "CONNECTED", "ACCEPTED", "NONE", "NONE", "EXECUTED", "ACCOUNT", "CAUGHT_UP", "EXECUTED", "ENDED",
        ]  # fmt: skip
        assert [what["sequence"] for _, what in told if "sequence" in what] == [1, 1, 2, 3, 4, 5, 6]
        assert [told[at][1]["reason"] for at in (2, 3)] == [1, 2]
        assert list(session.counters.unreadable) == [0, 1, 1, 0, 0, 0]
        assert (session.counters.rx_messages[ord("E")], session.counters.rx_heartbeats) == (2, 1)
        assert session.state == "over"


def test_after_a_cut_the_next_message_is_asked_for_and_none_is_told_twice() -> None:
    with Session() as session:
        opened(session, accepted(1))
        session.cut("ERROR")
        assert session.begin() == login(3, DAY)
        # A venue that repeats more than it was asked for.
        told = session.hear(login_accepted(1, DAY), sequenced([accepted(1), answer(), executed(1), answer()]))
        assert kinds(told) == ["CONNECTED", "EXECUTED", "ACCOUNT", "CAUGHT_UP"]
        assert told[0][1] == {"sequence": 1, "connection": 2, "rx_cycles": session.now}
        assert (told[1][1]["sequence"], session.counters.repeats) == (3, 2)


@pytest.mark.parametrize(
    ("packets", "why", "state"),
    [
        ([login_rejected(b"A")], "NOT_AUTHORISED", "over"),
        ([login_rejected(b"S")], "NO_SUCH_SESSION", "closed"),
        ([login_accepted(4, DAY)], "MISSED", "closed"),
        ([b"\0\0"], "PROTOCOL", "closed"),
        ([sequenced([b"early"])], "PROTOCOL", "closed"),
    ],
)
def test_a_login_that_leads_nowhere_says_why(packets: list[bytes], why: str, state: str) -> None:
    with Session() as session:
        session.begin()
        assert session.hear(*packets) == [("DISCONNECTED", {"reason": why, "rx_cycles": session.now})]
        assert (session.state, session.cuts()) == (state, {why: 1})


def test_another_session_than_the_one_before_is_refused() -> None:
    with Session() as session:
        opened(session)
        session.cut()
        session.begin()
        told = session.hear(login_accepted(1, b"DAY2"))
        assert told == [("DISCONNECTED", {"reason": "ANOTHER_SESSION", "rx_cycles": session.now})]


@pytest.mark.parametrize("name", [b"DAY1".ljust(10), b"   DAY1   ", DAY])
def test_a_name_is_the_same_wherever_its_spaces_are(name: bytes) -> None:
    with Session(session=b"DAY1".ljust(10)) as session:
        session.begin()
        packet = soup(b"A", name + b"1".rjust(20))
        assert kinds(session.hear(packet)) == ["CONNECTED"]


@pytest.mark.parametrize("name", [b"DAY 1".rjust(10), b"DAY11".rjust(10), b"DAY".rjust(10)])
def test_names_that_differ_are_not_the_same(name: bytes) -> None:
    with Session(session=DAY) as session:
        session.begin()
        assert kinds(session.hear(soup(b"A", name + b"1".rjust(20)))) == ["DISCONNECTED"]


# --- cuts in every state ---


def in_state(session: Session, state: str) -> None:
    """Bring a new session there."""
    if state != "closed":
        session.begin()
    if state in {"replay", "open", "leaving"}:
        session.hear(login_accepted(1, DAY))
    if state in {"open", "leaving"}:
        session.hear(sequenced([answer()]))
    if state == "leaving":
        session.leave()
    assert session.state == state


@pytest.mark.parametrize("state", ["login", "replay", "open", "leaving"])
@pytest.mark.parametrize("why", ["CLOSED", "ERROR", "SILENT", "PROTOCOL"])
def test_a_cut_is_told_once_in_every_state(state: str, why: str) -> None:
    with Session() as session:
        in_state(session, state)
        if why == "SILENT":
            assert kinds(session.tick(SILENCE)) == []
            told = session.tick(1)
        elif why == "PROTOCOL":
            told = session.hear(b"\0\1?", sequenced([accepted(1)]))
        else:
            told = session.cut(why)
        expected = "LEFT" if (state, why) == ("leaving", "CLOSED") else why
        assert told == [("DISCONNECTED", {"reason": expected, "rx_cycles": session.now})]
        assert session.state == ("over" if state == "leaving" else "closed")
        assert session.cuts() == {expected: 1}
        assert session.cut() == []
        assert session.hear(sequenced([accepted(1)])) == []


@pytest.mark.parametrize("state", ["closed", "login", "replay", "leaving"])
def test_no_order_is_taken_where_it_might_not_be_told_of(state: str) -> None:
    with Session() as session:
        in_state(session, state)
        session.said()
        assert session.send(connection=session.counters.logins) == "NOT_OPEN"
        assert session.said() == b""


def test_end_of_session_is_for_good() -> None:
    with Session() as session:
        opened(session)
        assert session.hear(soup(b"Z")) == [("ENDED", {"reason": "ENDED", "rx_cycles": session.now})]
        assert (session.begin(), session.state) == (b"", "over")
        assert session.send() == "NOT_OPEN"


def test_a_logout_waits_for_the_venue_to_hang_up_and_hears_what_it_still_says() -> None:
    with Session() as session:
        opened(session)
        session.send()
        session.leave()
        assert session.said()[-3:] == b"\0\1O"
        assert kinds(session.hear(sequenced([accepted(1)]))) == ["ACCEPTED"]
        assert session.cut() == [("DISCONNECTED", {"reason": "LEFT", "rx_cycles": session.now})]
        assert session.state == "over"


def test_a_session_that_never_was_can_be_left() -> None:
    with Session() as session:
        session.leave()
        assert (session.state, session.begin()) == ("over", b"")


# --- orders ---


def test_an_order_is_the_packet_of_the_encoder() -> None:
    with Session() as session:
        opened(session)
        assert session.send(user_ref=5, instrument=1, number=3) == "QUEUED"
        packet = SoupFromClient(session.said())
        assert packet.payload.user_ref_num == 5
        assert packet.payload.symbol == b"MSFT    "
        assert session.counters.tx_orders[1] == 1


@pytest.mark.parametrize("given", [{"action": 0}, {"action": 5}, {"instrument": 2}])
def test_what_is_no_order_is_dropped(given: dict[str, int]) -> None:
    with Session() as session:
        opened(session)
        assert session.send(**given) == "MALFORMED"
        assert session.said() == b""


def test_an_order_decided_on_an_earlier_connection_is_not_sent() -> None:
    with Session() as session:
        opened(session)
        session.cut()
        session.begin()
        session.hear(login_accepted(2, DAY), sequenced([answer()]))
        assert session.said().endswith(QUERY)
        assert session.send(connection=1) == "LATE"
        assert session.said() == b""
        assert session.send(connection=2) == "QUEUED"
        assert session.counters.late == 1


def test_a_full_buffer_says_so_and_holds_whole_packets_only() -> None:
    with Session() as session:
        opened(session)
        count = 0
        while session.send(user_ref=count + 1) == "QUEUED":
            count += 1
        assert count > 1000
        assert session.counters.full == 1
        first = session.said(1000)
        assert session.send(user_ref=count + 1) == "QUEUED"
        stream = first + session.said()
        refs = []
        while stream:
            length = 2 + int.from_bytes(stream[:2], "big")
            refs.append(INBOUND[b"O"](stream[3:length]).user_ref_num)
            stream = stream[length:]
        assert refs == list(range(1, count + 2))


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_however_little_the_socket_takes_nothing_is_lost_and_nothing_comes_twice(pieces: list[int]) -> None:
    with Session() as session:
        opened(session)
        sent = b""
        for ref, piece in enumerate(pieces, 1):
            session.send(user_ref=ref)
            sent += session.said(piece)
        sent += session.said()
        with Session() as other:
            opened(other)
            for ref in range(1, len(pieces) + 1):
                other.send(user_ref=ref)
            assert sent == other.said()


def test_half_a_packet_that_waits_when_the_connection_breaks_is_not_sent_on_the_next() -> None:
    with Session() as session:
        opened(session)
        session.send()
        session.said(10)
        session.cut()
        assert session.begin() == login(2, DAY)


# --- time ---


def test_a_heartbeat_goes_out_when_nothing_else_did_for_a_second() -> None:
    with Session() as session:
        opened(session)
        session.tick(SECOND - 1)
        assert session.said() == b""
        session.tick(1)
        assert session.said() == OUR_HEARTBEAT
        session.tick(SECOND - 1)
        session.send()
        session.said()
        session.tick(SECOND - 1)
        assert session.said() == b""
        session.tick(1)
        assert session.said() == OUR_HEARTBEAT
        assert session.counters.tx_heartbeats == 2


def test_what_waits_to_be_sent_needs_no_heartbeat_behind_it() -> None:
    with Session() as session:
        opened(session)
        session.send()
        session.tick(2 * SECOND)
        assert not session.said().endswith(OUR_HEARTBEAT)


def test_a_venue_that_sends_heartbeats_is_not_given_up() -> None:
    with Session() as session:
        opened(session)
        for _ in range(40):
            assert session.tick(SILENCE // 2) == []
            assert session.hear(HEARTBEAT) == []
        assert session.state == "open"
        assert kinds(session.tick(SILENCE + 1)) == ["DISCONNECTED"]
