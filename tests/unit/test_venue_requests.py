"""The retransmission server: what it answers, what it leaves out, and its faults."""

from __future__ import annotations

import signal
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from model.exchange import Lines, Requester, Venue
from model.messages import split

from appliance.synth import Market, write_feed

MESSAGES = 2_000
SESSION = b"0000000001"
ALL_SENT = ("--lead-in", 0, "--linger", 0, "--hold")
SOON_S = 0.3


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a small synthetic day."""
    path = tmp_path_factory.mktemp("venue") / "day.itch"
    write_feed(Market(MESSAGES, 10, 5), str(path))
    return path


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Listen to both lines."""
    with Lines() as receiver:
        yield receiver


def wait_until_all_is_sent(lines: Lines, last: int = MESSAGES) -> None:
    for packet in lines.packets():
        if packet.sequence + packet.number > last:
            return


def sendable(messages: list[bytes], room: int = 1400) -> int:
    """How many of the first messages a packet has room for."""
    used = 20
    for number, body in enumerate(messages):
        used += 2 + len(body)
        if used > room:
            return number
    return len(messages)


def test_a_reply_is_one_packet_of_the_messages_asked_for_as_many_as_fit(day: Path, lines: Lines) -> None:
    messages = split(day.read_bytes())
    with Venue("--file", day, *ALL_SENT, lines=lines) as venue, Requester(venue) as client:
        wait_until_all_is_sent(lines)
        for first, count in ((1, 1), (7, 5), (100, 1000), (MESSAGES, 1), (MESSAGES - 2, 60000), (1, 65535)):
            reply = client.ask(SESSION, first, count)
            fitting = min(count, sendable(messages[first - 1 :]))
            assert (reply.session, reply.sequence, reply.number) == (SESSION, first, fitting)
            assert list(reply.messages) == messages[first - 1 : first - 1 + fitting]
        venue.tell(signal.SIGTERM)
        counted = venue.report()["requests"]
    assert (counted["requests"], counted["served"]) == (6, 6)


def test_every_message_can_be_had_by_asking_again_for_the_rest(day: Path, lines: Lines) -> None:
    messages = split(day.read_bytes())
    with Venue("--file", day, *ALL_SENT, lines=lines) as venue, Requester(venue) as client:
        wait_until_all_is_sent(lines)
        got: list[bytes] = []
        while len(got) < MESSAGES:
            got += client.ask(SESSION, len(got) + 1, MESSAGES - len(got)).messages
    assert got == messages


def test_what_was_not_sent_what_is_no_request_and_other_sessions_get_no_answer(
    day: Path, lines: Lines
) -> None:
    options = ("--file", day, "--rate", 100, "--lead-in", 0)
    with Venue(*options, lines=lines) as venue, Requester(venue) as client:
        wait_until_all_is_sent(lines, last=20)
        client.send(SESSION, MESSAGES, 1)
        client.send(SESSION, 0, 1)
        client.send(SESSION, 2**64 - 1, 65535)
        client.send(SESSION, 1, 0)
        client.send(b"0000000002", 1, 1)
        client.send(b"          ", 1, 1)
        client.send_raw(b"")
        client.send_raw(bytes(19))
        client.send_raw(bytes(21))
        assert client.ask(SESSION, 5, 1).sequence == 5, "and it still answers"
        assert client.ask(SESSION, 5, 1000).number < 1000
        assert client.receive(SOON_S) is None
        venue.tell(signal.SIGTERM)
        counted = venue.report()["requests"]
    assert counted["not_sent"] == 4
    assert counted["other_session"] == 2
    assert counted["malformed"] == 3
    assert counted["served"] == 2


def test_a_request_is_limited_to_so_many_messages(day: Path, lines: Lines) -> None:
    options = ("--file", day, *ALL_SENT, "--request-messages", 3)
    with Venue(*options, lines=lines) as venue, Requester(venue) as client:
        wait_until_all_is_sent(lines)
        assert client.ask(SESSION, 10, 2).number == 2
        assert client.ask(SESSION, 10, 500).number == 3


def test_requests_beyond_the_rate_of_one_client_are_ignored_and_counted(day: Path, lines: Lines) -> None:
    options = ("--file", day, *ALL_SENT, "--request-rate", 20)
    with Venue(*options, lines=lines) as venue, Requester(venue) as client:
        wait_until_all_is_sent(lines)
        for _ in range(300):
            client.send(SESSION, 1, 1)
        replies = 0
        while client.receive(SOON_S):
            replies += 1
        venue.tell(signal.SIGTERM)
        counted = venue.report()["requests"]
    assert counted["requests"] == 300
    assert counted["served"] + counted["too_fast"] == 300
    assert counted["served"] == replies
    assert 20 <= replies <= 150, "twenty at once, and twenty more every second"


def test_a_past_session_is_still_served(day: Path, lines: Lines) -> None:
    options = ("--file", day, "--stop-after", 300, "--days", 2, *ALL_SENT)
    with Venue(*options, lines=lines) as venue, Requester(venue) as client:
        for packet in lines.packets():
            if packet.session == b"0000000002" and packet.sequence + packet.number > 300:
                break
        messages = split(day.read_bytes())
        for session in (b"0000000001", b"0000000002"):
            reply = client.ask(session, 300, 5)
            assert (reply.session, reply.messages) == (session, (messages[299],))


def test_thousands_of_requests_a_second_are_answered(day: Path, lines: Lines) -> None:
    with Venue("--file", day, *ALL_SENT, "--request-rate", 10**6, lines=lines) as venue:
        wait_until_all_is_sent(lines)
        with Requester(venue) as client:
            for round_of_asking in range(100):
                for number in range(20):
                    client.send(SESSION, 1 + round_of_asking + number, 4)
                replies = [client.receive() for _ in range(20)]
                assert None not in replies
        venue.tell(signal.SIGTERM)
        assert venue.report()["requests"]["served"] == 2000


def test_a_silent_server_says_nothing(day: Path, lines: Lines) -> None:
    options = ("--file", day, *ALL_SENT, "--request-fault", "silent")
    with Venue(*options, lines=lines) as venue, Requester(venue) as client:
        wait_until_all_is_sent(lines)
        client.send(SESSION, 1, 1)
        assert client.receive(SOON_S) is None
        venue.tell(signal.SIGTERM)
        assert venue.report()["requests"]["dropped"] == 1


@pytest.mark.parametrize("fault", ["partial", "wrong-session", "wrong-sequence", "garbage"])
def test_a_faulty_reply_is_wrong_as_asked(day: Path, lines: Lines, fault: str) -> None:
    messages = split(day.read_bytes())
    options = ("--file", day, *ALL_SENT, "--request-fault", fault, "--request-delay", 1)
    with Venue(*options, lines=lines) as venue, Requester(venue) as client:
        wait_until_all_is_sent(lines)
        client.send(SESSION, 10, 9)
        reply = client.receive()
    assert reply is not None
    session, sequence, count = struct.unpack_from(">10sQH", reply)
    right = b"".join(struct.pack(">H", len(body)) + body for body in messages[9 : 9 + count])
    assert (session == SESSION) == (fault != "wrong-session")
    assert (sequence == 10) == (fault != "wrong-sequence")
    assert count == (3 if fault == "partial" else 9)
    assert (reply[20:] == right) == (fault != "garbage")
    assert len(reply) == 20 + len(right)


def test_some_replies_are_lost_by_the_seed(day: Path, lines: Lines) -> None:
    options = ("--file", day, *ALL_SENT, "--request-loss", 0.5, "--seed", 4)
    with Venue(*options, lines=lines) as venue, Requester(venue) as client:
        wait_until_all_is_sent(lines)
        for _ in range(200):
            client.send(SESSION, 1, 1)
        replies = 0
        while client.receive(SOON_S):
            replies += 1
    assert 60 < replies < 140  # 100 give or take 5.6 standard deviations
