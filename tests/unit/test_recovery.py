"""The recovery machine: every row of the table in its header, and what the table has no room for."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from model.mold64 import Live, packet
from model.recovery import Machine, Wish, sight_of

HEADER = Path(__file__).parents[2] / "dpdk_glue" / "wire" / "recovery.h"
ROW = re.compile(r"^ \*     (\w+) {2,}(\S.*?) {2,}(-|\w+) {2,}(\w+)$", re.M)
TABLE = [row for row in ROW.findall(HEADER.read_text()) if row[0] != "state"]

GAP, LONG_GAP = [(10, 5)], [(10, 5000)]
NO_SNAPSHOTS = {"snapshots": 0}
NO_REQUESTS = {"requests": 0}
NOBODY = NO_SNAPSHOTS | NO_REQUESTS

# How each row begins: limits, the sights (time, sight) that lead to its state, and the one that it is about.
Scene = tuple[dict[str, int], list[tuple[int, Any]], tuple[int, Any]]
WHOLE = [(0, sight_of(end=10))]
WAITING = [(0, sight_of(GAP))]
ASKING = [*WAITING, (10, sight_of(GAP))]
FAILING = [*ASKING, (110, sight_of(GAP)), (210, sight_of(GAP))]
JOINING = [*WAITING, (10, sight_of(GAP))]  # where nobody can be asked
BEGUN = [*JOINING, (20, sight_of(GAP, news="begun"))]
REFUSED = [*JOINING, (20, sight_of(GAP, news="failed"))]
VOID = [*BEGUN, (30, sight_of(GAP, news="failed"))]
GIVEN_UP = [*WAITING, (10, sight_of(GAP))]  # where there is nobody at all
SILENT = [*WHOLE, (50, sight_of(end=10))]
QUIET = {"silence_cycles": 50}

SCENES: dict[str, Scene] = {
    "STARTING a packet, nothing missing": ({}, [], (0, sight_of(end=5))),
    "STARTING a packet, messages missing": ({}, [], (0, sight_of(GAP))),
    "WHOLE messages missing": ({}, WHOLE, (1, sight_of(GAP))),
    "WHOLE a snapshot is needed, and there is a server": ({}, WHOLE, (1, sight_of(need_snapshot=True))),
    "WHOLE a snapshot is needed, and there is no server": (
        NO_SNAPSHOTS,
        WHOLE,
        (1, sight_of(need_snapshot=True)),
    ),
    "WHOLE silence": (QUIET, WHOLE, (50, sight_of(end=10))),
    "WHOLE silence after the end of the session": (QUIET, WHOLE, (50, sight_of(end=10, ended=True))),
    "WHOLE another session's packets, none of ours, for gap_wait": (
        {},
        WHOLE,
        (10, sight_of(end=10, strangers=1)),
    ),
    "WHOLE another session's packets among ours": ({}, WHOLE, (10, sight_of(end=11, heard=2, strangers=1))),
    "WAITING nothing missing": ({}, WAITING, (5, sight_of(end=15))),
    "WAITING gap_wait is not over": ({}, WAITING, (9, sight_of(GAP))),
    "WAITING gap_wait is over, and the gap can be asked for": ({}, WAITING, (10, sight_of(GAP))),
    "WAITING gap_wait is over, it cannot, and there is a snapshot server": (
        NO_REQUESTS,
        WAITING,
        (10, sight_of(GAP)),
    ),
    "WAITING gap_wait is over, it cannot, and there is none": (NOBODY, WAITING, (10, sight_of(GAP))),
    "WAITING the window is full, and there is a snapshot server": (
        {},
        WAITING,
        (5, sight_of(GAP, full=True)),
    ),
    "ASKING nothing missing": ({}, ASKING, (20, sight_of(end=15))),
    "ASKING a reply with all of one request": (
        {"request_messages": 3},
        ASKING,
        (20, sight_of([(13, 2)])),
    ),
    "ASKING a reply with less": ({}, ASKING, (20, sight_of([(12, 3)]))),
    "ASKING nothing more after a reply with less": (
        {},
        [*ASKING, (20, sight_of([(12, 3)]))],
        (21, sight_of([(12, 3)])),
    ),
    "ASKING request_timeout is over, and tries are left": ({}, ASKING, (110, sight_of(GAP))),
    "ASKING another gap, and gap_wait is over for it": (
        {},
        [*ASKING, (12, sight_of([*GAP, (30, 1)])), (20, sight_of([*GAP, (30, 1)]))],
        (30, sight_of([*GAP, (30, 1)])),
    ),
    "ASKING a request has failed, and there is a snapshot server": ({}, FAILING, (310, sight_of(GAP))),
    "ASKING all requests for the first gap have failed, and there is none": (
        NO_SNAPSHOTS,
        FAILING,
        (310, sight_of(GAP)),
    ),
    "ASKING the window is full, and there is a snapshot server": ({}, ASKING, (11, sight_of(GAP, full=True))),
    "JOINING messages missing, however long": (NO_REQUESTS, JOINING, (900, sight_of(LONG_GAP))),
    "JOINING the snapshot has joined, nothing missing": (
        NO_REQUESTS,
        BEGUN,
        (30, sight_of(end=50, news="joined")),
    ),
    "JOINING the snapshot has joined, messages missing": (
        NO_REQUESTS,
        BEGUN,
        (30, sight_of([(50, 1)], news="joined")),
    ),
    "JOINING the snapshot failed before it had begun": (
        NO_REQUESTS,
        JOINING,
        (20, sight_of(GAP, news="failed")),
    ),
    "JOINING the snapshot failed after it had begun": (
        NO_REQUESTS,
        BEGUN,
        (30, sight_of(GAP, news="failed")),
    ),
    "JOINING snapshot_timeout is over before it had begun": (NO_REQUESTS, JOINING, (1010, sight_of(GAP))),
    "JOINING snapshot_timeout is over after it had begun": (NO_REQUESTS, BEGUN, (1020, sight_of(GAP))),
    "LOST snapshot_retry is not over, messages missing": (NO_REQUESTS, REFUSED, (519, sight_of(GAP))),
    "LOST snapshot_retry is over, and the gap can be asked for": (
        {},
        [(0, sight_of(LONG_GAP)), (10, sight_of(LONG_GAP)), (20, sight_of(LONG_GAP, news="failed"))],
        (520, sight_of(GAP)),
    ),
    "LOST snapshot_retry is over, and it cannot": (NO_REQUESTS, REFUSED, (520, sight_of(GAP))),
    "LOST snapshot_retry is over, and the books are void": (NO_REQUESTS, VOID, (530, sight_of(end=60))),
    "LOST nothing missing, and the books are as they were": (NO_REQUESTS, REFUSED, (30, sight_of(end=60))),
    "LOST nothing missing, and the books are void": (NO_REQUESTS, VOID, (40, sight_of(end=60))),
    "LOST messages were given up, nothing missing": (NOBODY, GIVEN_UP, (11, sight_of(end=60))),
    "LOST messages were given up, others are missing": (NOBODY, GIVEN_UP, (11, sight_of([(70, 1)]))),
    "LOST a packet after silence, nothing missing": (QUIET, SILENT, (60, sight_of(end=11, heard=2))),
    "LOST a packet after silence, messages missing": (QUIET, SILENT, (60, sight_of(GAP, heard=2))),
    "LOST a packet of ours after another session's": (
        {},
        [*WHOLE, (10, sight_of(end=10, strangers=1))],
        (60, sight_of(end=11, heard=2)),
    ),
    "any another session, nothing missing": (NO_REQUESTS, VOID, (40, sight_of(end=3, sessions=2))),
    "any another session, messages missing": (NO_REQUESTS, VOID, (40, sight_of([(1, 3)], sessions=2))),
}


def test_every_row_of_the_table_has_its_scene() -> None:
    assert len(TABLE) > 30
    assert [f"{state} {sees}" for state, sees, _, _ in TABLE] == list(SCENES)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]} {row[1]}")
def test_the_machine_does_what_the_table_says(row: tuple[str, str, str, str]) -> None:
    state, sees, action, becomes = row
    limits, before, (now, sight) = SCENES[f"{state} {sees}"]
    with Machine(**limits) as machine:
        for time, seen in before:
            machine.look(time, seen)
        assert state in (machine.state, "any")
        assert [wish.action for wish in machine.look(now, sight)] == ([] if action == "-" else [action])
        assert machine.state == becomes


@pytest.mark.parametrize("limit", ["request_tries", "request_messages"])
def test_limits_that_make_no_sense_are_refused(limit: str) -> None:
    with pytest.raises(ValueError, match=limit):
        Machine(**{limit: 0})
    with Machine(requests=0, **{limit: 0}):
        pass


def test_nothing_is_wished_for_before_the_first_packet() -> None:
    with Machine(silence_cycles=5) as machine:
        assert machine.look(100, sight_of(sessions=0, need_snapshot=True)) == []
        assert machine.state == "STARTING"


def test_all_gaps_are_asked_for_at_once_in_pieces() -> None:
    gaps = [(5, 1), (10, 45), (60, 20)]
    with Machine() as machine:
        machine.look(0, sight_of(gaps))
        assert machine.look(10, sight_of(gaps)) == [
            Wish("ASK", 5, 1),
            Wish("ASK", 10, 20),
            Wish("ASK", 30, 20),
            Wish("ASK", 50, 5),
            Wish("ASK", 60, 20),
        ]
        assert (machine.counters.requests, machine.counters.repeats) == (5, 0)


def test_no_more_than_64_requests_are_out_and_the_next_follow_as_they_are_answered() -> None:
    with Machine(request_messages=1) as machine:
        machine.look(0, sight_of([(1, 100)]))
        assert [wish.first for wish in machine.look(10, sight_of([(1, 100)]))] == list(range(1, 65))
        assert machine.look(11, sight_of([(1, 100)])) == []
        assert machine.look(12, sight_of([(4, 97)])) == [Wish("ASK", first, 1) for first in (65, 66, 67)]


def test_only_what_was_missing_for_gap_wait_is_asked_for() -> None:
    with Machine() as machine:
        machine.look(0, sight_of([(5, 2)]))
        assert machine.look(10, sight_of([(5, 2), (20, 3)])) == [Wish("ASK", 5, 2)]
        assert machine.look(19, sight_of([(20, 3)])) == []
        assert machine.look(20, sight_of([(20, 3)])) == [Wish("ASK", 20, 3)]


def test_what_a_short_reply_left_over_is_asked_for_when_no_more_comes() -> None:
    with Machine() as machine:
        machine.look(0, sight_of([(1, 20)]))
        assert machine.look(10, sight_of([(1, 20)])) == [Wish("ASK", 1, 20)]
        assert machine.look(15, sight_of([(6, 15)])) == []
        assert machine.look(16, sight_of([(9, 12)])) == []
        assert machine.look(17, sight_of([(9, 12)])) == [Wish("ASK", 9, 12)]
        assert machine.look(18, sight_of([(9, 12)])) == []
        assert machine.look(30, sight_of([(9, 3), (15, 2)])) == []
        assert machine.look(31, sight_of([(9, 3), (15, 2)])) == [Wish("ASK", 9, 8)]
        assert (machine.counters.requests, machine.counters.repeats) == (3, 0)


def test_a_silent_server_is_asked_so_often_and_no_more() -> None:
    asked = []
    with Machine(snapshots=0) as machine:
        for now in range(2000):
            wishes = machine.look(now, sight_of(GAP))
            asked += [(now, wish.action) for wish in wishes]
            if any(wish.action == "GIVE_UP" for wish in wishes):
                break
        assert asked == [(10, "ASK"), (110, "ASK"), (210, "ASK"), (310, "GIVE_UP")]
        assert (machine.counters.requests, machine.counters.repeats, machine.counters.given_up) == (3, 2, 1)


def test_a_server_that_trickles_is_given_up_in_the_end() -> None:
    """One message of 1,000 just before each timeout: 8 x 3 tries of 100."""
    with Machine(snapshots=0, request_messages=1000) as machine:
        left = 1000
        for now in range(5000):
            left -= now % 90 == 0
            if any(wish.action == "GIVE_UP" for wish in machine.look(now, sight_of([(1001 - left, left)]))):
                break
        assert 2400 <= now <= 2600


def test_a_request_that_failed_waits_for_the_others_of_its_gap() -> None:
    def seen(*gaps: tuple[int, int]) -> Any:
        return sight_of([*gaps, (50, 2)])

    with Machine(snapshots=0, request_messages=10, request_tries=1) as machine:
        machine.look(0, seen((1, 20)))
        assert len(machine.look(10, seen((1, 20)))) == 3
        machine.look(90, seen((1, 15)))
        assert machine.look(91, seen((1, 15))) == [Wish("ASK", 11, 5)]
        assert machine.look(110, seen((1, 15))) == []
        assert machine.look(191, seen((1, 15))) == [Wish("GIVE_UP", 16)]
        assert machine.look(192, seen()) == [Wish("GIVE_UP", 52)]
        assert machine.look(193, sight_of(end=60)) == []
        assert machine.state == "LOST"


def test_many_short_gaps_are_a_reason_for_a_snapshot_and_none_to_give_up() -> None:
    gaps = [(1, 600), (1000, 600)]
    for snapshots, action in [(1, "FETCH"), (0, "ASK")]:
        with Machine(snapshots=snapshots, request_messages=600) as machine:
            machine.look(0, sight_of(gaps))
            assert {wish.action for wish in machine.look(10, sight_of(gaps))} == {action}


def test_snapshots_are_not_fetched_faster_than_snapshot_retry() -> None:
    fetched = []
    with Machine(requests=0) as machine:
        news = ""
        for now in range(3000):
            wishes = machine.look(now, sight_of(GAP, news=news))
            news = "joined" if wishes else ""
            fetched += [now for wish in wishes if wish.action == "FETCH"]
        assert len(fetched) > 3
        assert all(later - sooner >= 500 for sooner, later in pairwise(fetched))


def test_a_doubt_that_stays_does_not_fetch_snapshots_in_a_circle() -> None:
    with Machine() as machine:
        machine.look(0, sight_of())
        assert machine.look(1, sight_of(need_snapshot=True)) == [Wish("FETCH")]
        assert machine.look(2, sight_of(need_snapshot=True, news="joined")) == []
        assert machine.state == "LOST"
        assert machine.look(501, sight_of(need_snapshot=True)) == [Wish("FETCH")]


def test_a_gap_is_filled_although_books_wait_for_a_snapshot_in_vain() -> None:
    with Machine() as machine:
        machine.look(0, sight_of(need_snapshot=True))
        assert machine.look(1, sight_of(need_snapshot=True)) == []
        assert machine.look(5, sight_of(need_snapshot=True, news="failed")) == [Wish("GO_ON")]
        assert machine.look(6, sight_of(GAP, need_snapshot=True)) == []
        assert machine.look(520, sight_of(GAP, need_snapshot=True)) == [Wish("FETCH")]


def test_silence_is_told_once_and_ends_with_a_packet() -> None:
    with Machine(silence_cycles=50) as machine:
        machine.look(0, sight_of(end=5))
        assert [now for now in range(1, 300) if machine.look(now, sight_of(end=5))] == [50]
        assert machine.look(300, sight_of(end=5, heard=2)) == []
        assert machine.look(350, sight_of(end=5, heard=2)) == [Wish("LEAVE")]


Counted = dict[str, int]
COUNTED: list[tuple[str, dict[str, int], Callable[[Machine], object], Counted]] = [
    (
        "lines",
        {},
        lambda m: [
            m.look(0, sight_of([(5, 2), (9, 1)])),
            m.look(1, sight_of([(9, 1)])),
            m.look(2, sight_of()),
        ],
        {"gaps": 2, "gap_messages": 3, "filled_by_lines": 2},
    ),
    (
        "a request",
        {},
        lambda m: [m.look(0, sight_of(GAP)), m.look(10, sight_of(GAP)), m.look(11, sight_of(end=15))],
        {"gaps": 1, "gap_messages": 5, "filled_by_request": 1, "requests": 1},
    ),
    (
        "a snapshot",
        NO_REQUESTS,
        lambda m: [
            m.look(0, sight_of(GAP)),
            m.look(10, sight_of(GAP)),
            m.look(11, sight_of(end=15, news="joined")),
        ],
        {"gaps": 1, "gap_messages": 5, "filled_by_snapshot": 1, "snapshots_wanted": 1, "snapshots": 1},
    ),
    (
        "nobody",
        NOBODY,
        lambda m: [m.look(0, sight_of(GAP)), m.look(10, sight_of(GAP)), m.look(11, sight_of(end=15))],
        {"gaps": 1, "gap_messages": 5, "given_up": 1},
    ),
    (
        "the end of the session",
        {},
        lambda m: [m.look(0, sight_of(GAP)), m.look(5, sight_of(sessions=2))],
        {"gaps": 1, "gap_messages": 5, "given_up": 1},
    ),
    (
        "a gap that grows at its end",
        {},
        lambda m: [m.look(0, sight_of([(5, 2)])), m.look(1, sight_of([(5, 9)])), m.look(2, sight_of(end=14))],
        {"gaps": 1, "gap_messages": 9, "filled_by_lines": 1},
    ),
]


@pytest.mark.parametrize(
    ("limits", "act", "counted"), [row[1:] for row in COUNTED], ids=[r[0] for r in COUNTED]
)
def test_each_gap_is_counted_once_by_who_filled_it(
    limits: dict[str, int], act: Callable[[Machine], object], counted: Counted
) -> None:
    with Machine(**limits) as machine:
        act(machine)
        found = {
            name: getattr(machine.counters, name) for name in dir(machine.counters) if name != "reserved"
        }
        assert {name: value for name, value in found.items() if value} == counted


def test_what_is_missing_now_is_told() -> None:
    with Machine() as machine, Live() as stream:
        stream.push(packet(4, [b"d"]))
        stream.push(packet(7, [b"g"]))
        machine.look_at(0, stream)
        assert (machine.counters.missing_first, machine.counters.missing) == (1, 5)
        stream.push(packet(1, [b"a", b"b", b"c"]))
        machine.look_at(1, stream)
        assert (machine.counters.missing_first, machine.counters.missing) == (5, 2)
