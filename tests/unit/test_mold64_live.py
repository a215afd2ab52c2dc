"""MoldUDP64 of a live feed: what is missing, what is believed, and what its caller decides, by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from model.mold64 import SESSION, Live, Run, end_of_session, heartbeat, packet
from model.spans import run, span

NEXT_SESSION = b"0000000043"
ASKED = 2  # the line of the retransmission server


def test_what_came_before_a_late_join_is_a_gap_like_any_other() -> None:
    with Live() as stream:
        assert stream.gaps() == []
        assert stream.push(span(50, 51)) == ("held", [])
        assert (stream.sight.missing, stream.gaps()) == (49, [(1, 49)])
        assert stream.push(span(1, 40), line=ASKED) == ("delivered", [run(1, 40)])
        assert stream.gaps() == [(41, 9)]
        assert stream.push(span(41, 49), line=ASKED) == ("delivered", [run(41, 49), run(50, 51)])
        assert (stream.sight.missing, stream.counters.lost) == (0, 0)


def test_every_gap_is_told_and_the_one_at_the_end_that_only_a_heartbeat_proves() -> None:
    with Live() as stream:
        stream.push(span(1, 2))
        for first, last in [(5, 5), (8, 9), (10, 12)]:
            stream.push(span(first, last))
        assert stream.gaps() == [(3, 2), (6, 2)]
        stream.push(heartbeat(20), line=1)
        assert stream.gaps() == [(3, 2), (6, 2), (13, 7)]
        assert stream.gaps(room=1) == [(3, 2)]
        sight = stream.sight
        assert (sight.expected, sight.known_end, sight.missing, sight.gaps) == (3, 20, 11, 3)


def test_no_gap_is_given_up_until_the_caller_says_so() -> None:
    with Live(window=3) as stream:
        stream.push(span(1, 1))
        for number in (3, 5, 7):
            assert stream.push(span(number, number)) == ("held", [])
        assert stream.sight.window_full
        assert stream.push(span(9, 9)) == ("no_room", [])
        assert stream.give_up() == [run(3, 3, gap=1)]
        assert stream.give_up() == [run(5, 5, gap=1)]
        assert stream.gaps() == [(6, 1), (8, 2)]
        assert stream.push(span(6, 6)) == ("delivered", [run(6, 6), run(7, 7)])
        assert stream.give_up() == [Run(10, [], gap=2)]
        assert stream.give_up() == []
        assert (stream.counters.lost, stream.counters.gaps, stream.counters.messages) == (4, 3, 5)


def test_a_packet_that_finds_the_window_full_takes_the_place_of_the_furthest() -> None:
    with Live(window=2) as stream:
        stream.push(span(1, 1))
        assert stream.push(span(5, 5)) == ("held", [])
        assert stream.push(span(9, 9)) == ("held", [])
        assert stream.push(span(3, 3)) == ("held", [])
        assert stream.gaps() == [(2, 1), (4, 1), (6, 4)]
        assert (stream.counters.dropped, stream.counters.held_peak) == (1, 2)
        assert stream.push(span(2, 2)) == ("delivered", [run(2, 2), run(3, 3)])
        assert stream.push(span(4, 4)) == ("delivered", [run(4, 4), run(5, 5)])
        assert stream.gaps() == [(6, 4)]


def test_all_is_held_for_a_snapshot_and_delivery_goes_on_behind_it() -> None:
    with Live() as stream:
        stream.push(span(1, 4))
        stream.hold_all()
        assert stream.push(span(5, 6)) == ("held", [])
        assert stream.push(span(7, 9), line=1) == ("held", [])
        assert stream.push(span(3, 4), line=1) == ("late", [])
        assert stream.push(span(12, 12)) == ("held", [])
        assert stream.give_up() == []
        assert stream.join(9) == [run(9, 9)]
        assert stream.gaps() == [(10, 2)]
        assert stream.push(span(10, 11)) == ("delivered", [run(10, 11), run(12, 12)])
        assert (stream.counters.lost, stream.counters.gaps) == (0, 0)


def test_all_can_be_held_before_the_first_packet() -> None:
    with Live() as stream:
        stream.hold_all()
        assert stream.push(span(100, 104)) == ("held", [])
        assert stream.push(span(105, 105)) == ("held", [])
        assert stream.join(103, SESSION) == [run(103, 104), run(105, 105)]
        assert stream.sight.missing == 0


def test_a_snapshot_can_be_the_first_that_is_known_of_a_session() -> None:
    with Live() as stream:
        assert stream.join(7) is None
        assert stream.join(7, SESSION) == []
        assert stream.counters.sessions == 1
        assert stream.push(span(5, 6)) == ("late", [])
        assert stream.push(span(5, 8)) == ("partial", [run(7, 8)])
        assert stream.push(span(1, 1, NEXT_SESSION)) == ("other_session", [])


@pytest.mark.parametrize(("session", "sequence"), [(NEXT_SESSION, 5), (SESSION, 0), (None, 0)])
def test_a_snapshot_that_does_not_fit_changes_nothing(session: bytes | None, sequence: int) -> None:
    with Live() as stream:
        stream.push(span(1, 2))
        stream.hold_all()
        stream.push(span(3, 4))
        assert stream.join(sequence, session) is None
        assert stream.push(span(5, 5)) == ("held", [])
        assert stream.release() == [run(3, 4), run(5, 5)]


def test_while_all_is_held_a_full_window_drops_the_oldest() -> None:
    with Live(window=2) as stream:
        stream.push(span(1, 1))
        stream.hold_all()
        for number in (2, 3, 4, 5):
            assert stream.push(span(number, number)) == ("held", [])
        assert stream.counters.dropped == 2
        assert stream.push(span(2, 2), line=1) == ("no_room", [])
        assert stream.gaps() == [(2, 2)]
        assert stream.join(4) == [run(4, 4), run(5, 5)]


def test_a_snapshot_older_than_what_was_delivered_shows_the_difference_as_missing() -> None:
    with Live() as stream:
        stream.push(span(1, 10))
        stream.hold_all()
        assert stream.join(8) == []
        assert stream.gaps() == [(8, 3)]
        stream.push(span(11, 12))
        assert stream.push(span(8, 10), line=ASKED) == ("delivered", [run(8, 10), run(11, 12)])


def test_two_snapshots_end_what_only_an_older_packet_had_claimed() -> None:
    with Live() as stream:
        stream.push(span(1, 10))
        stream.push(heartbeat(900))
        assert stream.sight.missing == 889
        stream.hold_all()
        stream.push(heartbeat(13), line=1)
        assert stream.join(12) == []  # it may be a moment behind the lines
        assert stream.gaps() == [(12, 888)]
        for _ in range(2):
            stream.hold_all()
            assert stream.join(12) == []  # the line that told of it has told nothing else since
            assert stream.gaps() == [(12, 888)]
        stream.push(heartbeat(13))
        for gap in ((12, 888), (12, 1)):
            stream.hold_all()
            assert stream.join(12) == []
            assert stream.gaps() == [gap]


def test_another_session_is_told_of_before_its_first_message() -> None:
    with Live() as stream:
        stream.push(span(1, 5))
        stream.push(span(8, 9))
        stream.push(end_of_session(10))
        begins = Run(1, [], 0, True)
        assert stream.push(heartbeat(1, NEXT_SESSION)) == (
            "heartbeat",
            [run(8, 9, gap=2), begins],
        )
        assert stream.push(heartbeat(1, NEXT_SESSION), line=1) == ("heartbeat", [])
        assert stream.push(span(1, 2, NEXT_SESSION)) == ("delivered", [run(1, 2)])
        stream.push(end_of_session(3, NEXT_SESSION))
        assert stream.push(span(1, 1)) == ("delivered", [Run(1, run(1, 1).messages, 0, True)])
        assert stream.push(end_of_session(2))[0] == "end_of_session"
        assert stream.push(span(4, 5, NEXT_SESSION)) == ("held", [begins])


def test_packets_of_another_session_are_counted_until_one_of_ours_comes() -> None:
    with Live() as stream:
        stream.push(span(1, 5))
        for number in (1, 2):
            assert stream.push(span(1, 1, NEXT_SESSION))[0] == "other_session"
            assert stream.sight.strangers == number
        stream.push(span(1, 1, NEXT_SESSION), line=ASKED)
        assert stream.sight.strangers == 2
        stream.push(span(6, 6), line=ASKED)
        assert stream.sight.strangers == 2
        stream.push(heartbeat(6), line=1)
        assert stream.sight.strangers == 0


def test_delivery_goes_on_where_it_stopped_when_there_is_no_snapshot() -> None:
    with Live() as stream:
        stream.push(span(1, 2))
        stream.hold_all()
        stream.push(span(3, 3))
        stream.push(span(6, 6))
        assert stream.release() == [run(3, 3)]
        assert stream.push(span(4, 5)) == ("delivered", [run(4, 5), run(6, 6)])


def test_an_end_of_session_that_the_session_outlives_was_none() -> None:
    with Live() as stream:
        stream.push(span(1, 2))
        assert stream.push(end_of_session(5)) == ("end_of_session", [])
        assert stream.sight.ended
        assert stream.push(span(3, 4), line=1) == ("delivered", [run(3, 4)])
        assert stream.sight.ended
        assert stream.push(span(5, 5), line=1) == ("delivered", [run(5, 5)])
        assert not stream.sight.ended
        assert stream.push(span(1, 1, NEXT_SESSION)) == ("other_session", [])


def test_an_end_of_session_before_messages_that_are_known_is_none() -> None:
    with Live() as stream:
        stream.push(span(1, 5))
        assert stream.push(end_of_session(3)) == ("end_of_session", [])
        assert not stream.sight.ended
        assert stream.push(span(1, 1, NEXT_SESSION)) == ("other_session", [])


def test_a_session_that_was_left_gives_way_to_the_next() -> None:
    with Live() as stream:
        stream.push(span(1, 2))
        stream.push(span(5, 5))
        assert stream.push(span(3, 3, NEXT_SESSION)) == ("other_session", [])
        stream.leave()
        assert stream.push(span(3, 3, NEXT_SESSION), line=ASKED) == ("other_session", [])
        assert stream.push(span(3, 3, NEXT_SESSION)) == (
            "held",
            [run(5, 5, gap=2), Run(1, [], 0, True)],
        )
        assert stream.gaps() == [(1, 2)]
        assert stream.push(span(1, 2, NEXT_SESSION)) == (
            "delivered",
            [run(1, 2), run(3, 3)],
        )
        assert stream.push(span(6, 6)) == ("other_session", [])


def test_a_session_that_was_left_and_speaks_again_is_ours_still() -> None:
    with Live() as stream:
        stream.push(span(1, 2))
        stream.leave()
        assert stream.push(heartbeat(3)) == ("heartbeat", [])
        assert stream.push(span(1, 1, NEXT_SESSION)) == ("other_session", [])


def test_another_session_ends_the_holding() -> None:
    with Live() as stream:
        stream.push(span(1, 2))
        stream.hold_all()
        stream.push(span(3, 3))
        stream.push(end_of_session(4))
        assert stream.push(span(1, 1, NEXT_SESSION)) == (
            "delivered",
            [run(3, 3), run(1, 1, new_session=True)],
        )


def test_a_snapshot_of_the_new_session_takes_the_place_of_its_start() -> None:
    with Live() as stream:
        stream.push(span(1, 1))
        stream.push(end_of_session(2))
        stream.push(span(8, 8, NEXT_SESSION))
        stream.hold_all()
        assert stream.join(8, NEXT_SESSION) == [run(8, 8)]


def test_the_line_of_the_retransmission_server_has_no_gaps_of_its_own() -> None:
    with Live() as stream:
        stream.push(span(1, 1))
        stream.push(span(30, 30))
        for first in (20, 2, 10):
            stream.push(span(first, first), line=ASKED)
        line = stream.counters.line[ASKED]
        assert (line.packets, line.messages, line.gaps, line.gap_messages) == (3, 3, 0, 0)


@pytest.mark.parametrize(
    ("payload", "verdict"),
    [
        (span(31, 31), "far_ahead"),
        (span(500, 501), "far_ahead"),
        (heartbeat(500), "heartbeat"),
        (end_of_session(31), "end_of_session"),
        (span(2, 2, NEXT_SESSION), "other_session"),
        (b"nonsense", "short"),
    ],
)
def test_a_server_that_answers_wrongly_changes_nothing(payload: bytes, verdict: str) -> None:
    with Live() as stream:
        stream.push(span(1, 1))
        stream.push(span(30, 30))
        heard = stream.sight.heard
        assert stream.push(payload, line=ASKED) == (verdict, [])
        sight = stream.sight
        assert (sight.known_end, sight.missing, sight.ended, sight.heard) == (31, 28, 0, heard)


def test_a_live_feed_without_sequence_numbers_is_refused() -> None:
    with Live() as stream:
        assert stream.push(packet(0, [b"a"])) == ("bad_sequence", [])
        assert stream.push(heartbeat(0)) == ("heartbeat", [])
        assert stream.counters.sessions == 0
        assert stream.push(span(1, 1)) == ("delivered", [run(1, 1)])


def test_the_lines_tell_who_came_first_and_what_each_lost() -> None:
    """Line 0 loses 3; line 1 loses 2 and sends 1 twice."""
    with Live() as stream:
        for line, number in [(0, 1), (1, 1), (1, 1), (0, 2), (1, 3), (0, 4), (1, 4)]:
            stream.push(span(number, number), line)
        counted = [stream.counters.line[line] for line in (0, 1)]
        assert [(line.by_verdict[0], line.by_verdict[3]) for line in counted] == [(3, 0), (1, 3)]
        assert [line.gap_messages for line in counted] == [1, 1]


def test_jumbo_packets_wait_as_long_as_there_are_slots_for_them() -> None:
    """There are 64 slots for packets of more than 2,004 bytes."""
    body = bytes(60000)
    with Live(window=200) as stream:
        stream.push(packet(1, [b"x"]))
        for number in range(3, 3 + 64):
            assert stream.push(packet(number, [body])) == ("held", [])
        assert stream.sight.window_full
        assert stream.push(packet(70, [body])) == ("no_room", [])
        assert stream.push(packet(70, [bytes(1982)])) == ("held", [])
        assert stream.push(packet(71, [bytes(1983)])) == ("no_room", [])
        assert stream.push(packet(2, [b"y"]))[1][-1] == Run(66, [body])
        assert stream.gaps() == [(67, 3), (71, 1)]


def test_the_memory_of_a_window_is_told_and_made_at_the_start() -> None:
    """16,384 packets of 2 KB, and 64 of 68 KB."""
    with Live(window=16384, prefault=True) as stream:
        counted = stream.memory
        assert 16384 * 2048 + 64 * 69632 <= counted <= 48 << 20


def test_the_largest_window_holds_as_many_packets_and_goes_on() -> None:
    with Live(window=65536) as stream:
        for number in range(2, 65538, 2):
            stream.push(packet(number, [b"even"]))
        for number in range(65537, 2, -2):
            assert stream.push(packet(number, [b"odd"]))[0] == "held"
        assert stream.counters.held_peak == 65536
        assert stream.gaps() == [(1, 1)]
        verdict, runs = stream.push(packet(1, [b"odd"]))
        assert verdict == "delivered"
        assert [each.first for each in runs] == list(range(1, 65538))
        assert {each.messages[0] for each in runs[::2]} == {b"odd"}


@pytest.mark.parametrize("act", [Live.give_up, Live.release, Live.hold_all, Live.leave, Live.finish])
def test_nothing_comes_of_decisions_before_the_first_packet(act: Callable[[Live], object]) -> None:
    with Live() as stream:
        assert not act(stream)
        assert stream.gaps() == []
        assert stream.counters.sessions == 0
