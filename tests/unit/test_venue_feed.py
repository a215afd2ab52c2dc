"""The lines of the simulated exchange: packets, sessions, signals, pace, and how it ends."""

from __future__ import annotations

import gzip
import os
import signal
import time
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from pathlib import Path

import pytest
from model.book import Model
from model.exchange import END_OF_SESSION, Lines, Packet, Venue
from model.messages import frame, message, split

from appliance.synth import Market, write_feed

MESSAGES = 6_000
FIRST_SESSION = b"0000000001"
SHORT = ("--lead-in", 0.3, "--linger", 0.1)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a small synthetic day, some of whose orders stay."""
    path = tmp_path_factory.mktemp("venue") / "day.itch"
    write_feed(Market(MESSAGES, 12, 5, live_orders=2000), str(path))
    return path


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Listen to both lines before anything is sent."""
    with Lines() as receiver:
        yield receiver


def data(packets: Iterable[Packet], line: str) -> list[Packet]:
    return [packet for packet in packets if packet.line == line and packet.is_data]


def test_both_lines_carry_every_message_once_and_in_order(day: Path, lines: Lines) -> None:
    with Venue("--file", day, *SHORT, "--rate", 20_000, lines=lines) as venue:
        packets = lines.until_end()
        report = venue.report()
    for line in "AB":
        carried = data(packets, line)
        assert [packet.session for packet in carried] == [FIRST_SESSION] * len(carried)
        following = 1
        for packet in carried:
            assert packet.sequence == following
            following += packet.number
        assert [body for packet in carried for body in packet.messages] == split(day.read_bytes())
        assert report["lines"][line]["packets"] == len(carried)
        assert report["lines"][line]["messages"] == MESSAGES
    model = Model()
    model.feed(day.read_bytes())
    assert report["messages"] == report["sequence"] == MESSAGES
    assert report["digest"] == f"{model.digest:016x}"
    assert report["depth_digest"] == f"{model.depth_digest():016x}"


def test_packets_take_messages_of_twenty_microseconds_thirty_at_most_and_fit(day: Path, lines: Lines) -> None:
    with Venue("--file", day, *SHORT, "--rate", 50_000, lines=lines):
        packets = data(lines.until_end(), "A")
    sizes = [packet.number for packet in packets]
    assert max(sizes) == 30
    assert 3 <= MESSAGES / len(sizes) <= 30
    for packet, after in pairwise(packets):
        times = [int.from_bytes(body[5:11], "big") for body in packet.messages]
        size = 20 + sum(2 + len(body) for body in packet.messages)
        assert size <= 1400
        assert times[-1] - times[0] <= 20_000
        late = int.from_bytes(after.messages[0][5:11], "big") - times[0] > 20_000
        assert late or packet.number == 30 or size + 2 + len(after.messages[0]) > 1400, (
            "it was cut for no reason"
        )


def test_the_synthetic_market_of_the_same_seed_is_what_is_sent(tmp_path: Path, lines: Lines) -> None:
    path = tmp_path / "same.itch"
    write_feed(Market(3_000, 20, 9), str(path))
    options = ("--messages", 3_000, "--symbols", 20, "--seed", 9)
    with Venue(*options, *SHORT, "--rate", 30_000, lines=lines):
        packets = data(lines.until_end(), "B")
    assert [body for packet in packets for body in packet.messages] == split(path.read_bytes())


def test_a_day_from_a_gzip_file_and_cut_after_some_messages(day: Path, tmp_path: Path, lines: Lines) -> None:
    path = tmp_path / "day.gz"
    path.write_bytes(gzip.compress(day.read_bytes()))
    with Venue("--file", path, "--stop-after", 1234, *SHORT, "--rate", 30_000, lines=lines) as venue:
        packets = data(lines.until_end(), "A")
        report = venue.report()
    model = Model()
    messages = split(day.read_bytes())[:1234]
    model.feed(frame(messages))
    assert [body for packet in packets for body in packet.messages] == messages
    assert (report["messages"], report["digest"]) == (1234, f"{model.digest:016x}")
    assert report["depth_digest"] == f"{model.depth_digest():016x}"


def test_heartbeats_lead_in_and_name_the_first_message(day: Path, lines: Lines) -> None:
    with Venue("--file", day, "--lead-in", 0.5, "--linger", 0.1, "--rate", 50_000, lines=lines):
        packets = lines.until_end()
    for line in "AB":
        first = next(i for i, packet in enumerate(packets) if packet.line == line and packet.is_data)
        before = [packet for packet in packets[:first] if packet.line == line]
        assert len(before) >= 3
        assert {(packet.session, packet.sequence, packet.number) for packet in before} == {
            (FIRST_SESSION, 1, 0)
        }


def test_heartbeats_come_while_nothing_is_sent_and_name_the_next_message(lines: Lines) -> None:
    options = ("--messages", 400, "--symbols", 5, "--rate", 4, "--heartbeat", 0.05, "--stop-after", 4)
    with Venue(*options, *SHORT, lines=lines):
        packets = [packet for packet in lines.until_end() if packet.line == "A"]
    following = 1
    for packet in packets:
        assert packet.sequence == following
        if packet.is_data:
            assert packet.number == 1, "at such a rate every message goes by itself"
            following += 1
    kinds = "".join("D" if packet.is_data else "h" for packet in packets if packet.number != END_OF_SESSION)
    assert kinds.strip("h").replace("hh", "h").count("Dh") >= 3


def test_the_end_of_a_session_is_told_five_times_and_another_begins_at_one(day: Path, lines: Lines) -> None:
    options = ("--file", day, "--stop-after", 500, "--days", 3, "--session", "TEST97")
    with Venue(*options, *SHORT, "--rate", 20_000, lines=lines) as venue:
        packets = [packet for packet in lines.until_end(sessions=3) if packet.line == "B"]
        report = venue.report()
    messages = split(day.read_bytes())[:500]
    digest = 0
    for session in (b"TEST97    ", b"TEST98    ", b"TEST99    "):
        of_session = [packet for packet in packets if packet.session == session]
        carried = [packet for packet in of_session if packet.is_data]
        assert [body for packet in carried for body in packet.messages] == messages
        assert carried[0].sequence == 1
        ends = [packet for packet in of_session if packet.number == END_OF_SESSION]
        assert of_session[-5:] == ends
        assert {end.sequence for end in ends} == {501}
        model = Model()
        model.digest = digest
        model.feed(frame(messages))
        digest = model.digest
    assert (report["sessions"], report["session"], report["messages"]) == (3, "TEST99", 1500)
    assert report["digest"] == f"{digest:016x}", "the books start anew, and the digest goes on"


def test_it_waits_for_a_signal_when_asked_to(day: Path, lines: Lines) -> None:
    with Venue("--file", day, "--wait", *SHORT, "--rate", 50_000, lines=lines) as venue:
        quiet = list(islice(lines.packets(), 30))
        assert not any(packet.is_data for packet in quiet)
        venue.tell(signal.SIGUSR1)
        assert sum(packet.number for packet in data(lines.until_end(), "A")) == MESSAGES


def test_it_holds_after_the_last_message_and_ends_the_session_when_told(day: Path, lines: Lines) -> None:
    options = ("--hold", "--heartbeat", 0.05, *SHORT, "--rate", 50_000)
    with Venue("--file", day, *options, lines=lines) as venue:
        carried = 0
        held = 0
        for packet in lines.packets():
            carried += packet.number if packet.is_data and packet.line == "A" else 0
            held += packet.number == 0 and packet.sequence == MESSAGES + 1
            assert packet.number != END_OF_SESSION
            if held == 10:
                break
        assert carried == MESSAGES
        venue.tell(signal.SIGTERM)
        assert any(packet.number == END_OF_SESSION for packet in lines.packets())
        assert venue.report()["stopped"]


def test_told_to_stop_in_the_middle_it_breaks_off_and_reports_the_state_so_far(
    day: Path, lines: Lines
) -> None:
    with Venue("--file", day, *SHORT, "--rate", 1000, lines=lines) as venue:
        for packet in lines.packets():
            if packet.sequence > 300:
                break
        told_s = time.monotonic()
        venue.tell(signal.SIGINT)
        report = venue.report()
        assert time.monotonic() - told_s < 10
        rest = list(lines.packets(timeout_s=0.2))
    assert report["stopped"]
    assert 300 <= report["sequence"] < MESSAGES
    assert (
        max([packet.sequence + packet.number - 1 for packet in rest if packet.is_data], default=0)
        <= (report["sequence"])
    )
    assert not any(packet.number == END_OF_SESSION for packet in rest)
    model = Model()
    model.feed(frame(split(day.read_bytes())[: report["sequence"]]))
    assert (report["digest"], report["depth_digest"]) == (
        f"{model.digest:016x}",
        f"{model.depth_digest():016x}",
    )


def test_a_rate_is_kept_on_average(day: Path, lines: Lines) -> None:
    with Venue("--file", day, *SHORT, "--rate", 10_000, lines=lines) as venue:
        report = venue.report()
    assert report["seconds"] * 10_000 >= MESSAGES * 0.95 - 30
    lost_s = report["slipped_s"]  # what a busy machine took
    assert report["seconds"] - lost_s <= MESSAGES / 10_000 + 0.1


def test_recorded_times_are_the_pace_when_asked_for(tmp_path: Path, lines: Lines) -> None:
    second = 1_000_000_000
    times = [0, second // 2, second // 2, 3 * second // 2]
    path = tmp_path / "slow.itch"
    path.write_bytes(frame([message("S", 0, 34_200 * second + at, b"O") for at in times]))
    options = ("--file", path, "--pace", "recorded", "--speed", 2)
    with Venue(*options, *SHORT, lines=lines):
        carried = data(lines.until_end(), "A")
    assert [packet.number for packet in carried] == [1, 2, 1]
    waits = [after.time_s - packet.time_s for packet, after in pairwise(carried)]
    assert waits == [pytest.approx(0.25, abs=0.2), pytest.approx(0.5, abs=0.2)]


def test_flat_out_nothing_is_left_out(lines: Lines) -> None:
    with Venue("--messages", 300_000, *SHORT, lines=lines) as venue:
        report = venue.report()
    assert report["messages"] == 300_000
    for line in "AB":
        assert report["lines"][line]["messages"] == 300_000
        assert report["lines"][line]["packets"] == report["packets"]


def test_a_sender_that_is_killed_is_reported(day: Path, lines: Lines) -> None:
    with Venue("--file", day, *SHORT, "--rate", 100, lines=lines) as venue:
        (sender,) = (
            path.parent
            for path in Path("/proc").glob("[0-9]*/stat")
            if path.read_text().split(") ")[1].split()[1] == str(venue.process.pid)
        )
        os.kill(int(sender.name), signal.SIGKILL)
        _, err = venue.process.communicate(timeout=30)
    assert venue.process.returncode == 2
    assert "the sender failed: was killed by signal 9" in err
