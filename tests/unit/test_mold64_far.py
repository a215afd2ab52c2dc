"""Packets from far ahead of all that is known: when they are believed, and what is made of them."""

from __future__ import annotations

import pytest
from model.mold64 import SESSION, Live, end_of_session, heartbeat
from model.spans import run, span

NEXT_SESSION = b"0000000043"
FAR = 100
FORGED = [span(5000, 5001), heartbeat(5000), end_of_session(5000)]


@pytest.mark.parametrize("forged", FORGED)
def test_a_packet_from_far_ahead_harms_nothing_however_often_it_comes(forged: bytes) -> None:
    with Live(far=FAR) as stream:
        stream.push(span(1, 1))
        for number in range(2, 30):
            assert stream.push(forged) == ("far_ahead", [])
            assert stream.push(span(number, number), line=number % 2) == ("delivered", [run(number, number)])
        assert (stream.sight.missing, stream.sight.known_end, stream.sight.ended) == (0, 30, 0)
        assert [line.gap_messages for line in stream.counters.line] == [13, 13, 0, 0]


def test_the_same_far_packet_of_data_twice_in_a_row_is_not_believed() -> None:
    with Live(far=FAR) as stream:
        stream.push(span(1, 1))
        for _ in range(5):
            assert stream.push(FORGED[0]) == ("far_ahead", [])
        assert stream.push(FORGED[0], line=1) == ("far_ahead", [])


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        (span(5000, 5001), span(5002, 5003), "held"),
        (span(5000, 5001), heartbeat(5002), "heartbeat"),
        (span(5000, 5001), end_of_session(5002), "end_of_session"),
        (heartbeat(5000), heartbeat(5000), "heartbeat"),
        (heartbeat(5000), heartbeat(5100), "heartbeat"),
        (heartbeat(5000), span(5000, 5000), "held"),
        (end_of_session(5000), end_of_session(5000), "end_of_session"),
    ],
)
def test_two_far_packets_that_fit_are_believed_and_what_they_skip_is_a_gap(
    first: bytes, second: bytes, verdict: str
) -> None:
    with Live(far=FAR) as stream:
        stream.push(span(1, 1))
        assert stream.push(first) == ("far_ahead", [])
        assert stream.push(second) == (verdict, [])
        assert stream.gaps()[0][0] == 2
        assert stream.sight.known_end >= 5000
        assert bool(stream.sight.ended) == (verdict == "end_of_session")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (span(5000, 5001), span(5003, 5003)),
        (span(5000, 5001), span(5001, 5002)),
        (heartbeat(5000), heartbeat(4999)),
        (heartbeat(5000), heartbeat(5101)),
        (heartbeat(5000), end_of_session(5001)),
        (span(5000, 5001), heartbeat(5001)),
    ],
)
def test_two_far_packets_that_do_not_fit_are_not_believed(first: bytes, second: bytes) -> None:
    with Live(far=FAR) as stream:
        stream.push(span(1, 1))
        assert stream.push(first) == ("far_ahead", [])
        assert stream.push(second) == ("far_ahead", [])
        assert stream.sight.missing == 0


def test_a_snapshot_undoes_what_forged_packets_that_fit_each_other_have_claimed() -> None:
    with Live(far=FAR) as stream:
        stream.push(span(1, 3))
        stream.push(span(5000, 5000))
        assert stream.push(span(5001, 5001)) == ("held", [])
        assert stream.push(end_of_session(5002))[0] == "end_of_session"
        assert (stream.sight.missing, stream.sight.ended) == (4997, 1)
        stream.hold_all()
        assert stream.push(span(4, 6)) == ("held", [])
        assert stream.push(heartbeat(5002))[0] == "heartbeat"
        assert stream.join(5) is None  # for all that can be told, it is the snapshot that is old
        assert stream.push(heartbeat(7))[0] == "heartbeat"
        assert stream.join(5) == [run(5, 6)]
        assert (stream.sight.missing, stream.sight.ended, stream.counters.dropped) == (0, 0, 1)
        assert stream.push(span(7, 7)) == ("delivered", [run(7, 7)])


def test_a_snapshot_far_ahead_of_all_that_is_known_is_of_another_session() -> None:
    with Live(far=FAR) as stream:
        stream.push(span(1, 1))
        stream.hold_all()
        stream.push(span(2, 4))
        assert stream.join(5 + FAR + 1, SESSION) is None
        assert stream.join(5 + FAR, SESSION) == []
        assert stream.push(span(5, 5)) == ("late", [])


def test_a_snapshot_far_behind_the_lines_is_an_old_one() -> None:
    with Live(far=FAR) as stream:
        stream.hold_all()
        stream.push(span(5000, 5000))
        assert stream.push(span(5001, 5001))[0] == "held"
        assert stream.join(20, SESSION) is None
        assert stream.push(span(5002, 5004))[0] == "held"
        assert stream.join(5003, SESSION) == [run(5003, 5004)]


def test_a_snapshot_that_packets_lead_on_from_may_be_far_behind() -> None:
    with Live(far=FAR) as stream:
        stream.hold_all()
        for first in range(1, 1001, 50):
            assert stream.push(span(first, first + 48))[0] == "held"  # one of each fifty is missing
        assert stream.join(2) == [run(2, 49)]
        assert stream.sight.missing == 19
        assert stream.counters.dropped == 0


def test_far_packets_confirm_each_other_on_one_line_only() -> None:
    with Live(far=FAR) as stream:
        stream.push(span(1, 1))
        assert stream.push(span(5000, 5000), line=0) == ("far_ahead", [])
        assert stream.push(span(5001, 5001), line=1) == ("far_ahead", [])
        assert stream.push(span(5001, 5001), line=0) == ("held", [])


def test_just_within_reach_is_believed_at_once() -> None:
    with Live(far=FAR) as stream:
        stream.push(span(1, 1))
        assert stream.push(span(2 + FAR, 2 + FAR)) == ("held", [])
        assert stream.push(span(3 + FAR + FAR + 1, 3 + FAR + FAR + 1)) == ("far_ahead", [])


def test_the_first_packet_of_all_must_be_confirmed_too_when_it_is_far_from_the_start() -> None:
    with Live(far=FAR) as stream:
        assert stream.push(span(7000, 7000, NEXT_SESSION)) == ("far_ahead", [])
        assert stream.push(span(7001, 7001)) == ("far_ahead", [])
        assert stream.counters.sessions == 0
        assert stream.push(span(7002, 7002)) == ("held", [])
        assert (stream.counters.sessions, stream.gaps()) == (1, [(1, 7001)])
