"""What the lines of the simulated exchange do to their packets: by chance, by seed, and by the clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import pytest
from model.exchange import Lines, Packet, Venue

from appliance.synth import Market, write_feed

MESSAGES = 12_000
# Packets of this day, and of any that is cut by the same rule; at this rate they come in well under a second.
RATE = ("--rate", 40_000, "--lead-in", 0.1, "--linger", 0.1)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a small synthetic day."""
    path = tmp_path_factory.mktemp("venue") / "day.itch"
    write_feed(Market(MESSAGES, 12, 5), str(path))
    return path


@pytest.fixture(scope="module")
def cuts(day: Path) -> list[int]:
    """The first message of every packet, as they are without faults."""
    packets, _ = run(day)
    return starts(packets, "A")


def run(day: Path, *words: str | int | float) -> tuple[list[Packet], dict[str, Any]]:
    with Lines() as lines, Venue("--file", day, *RATE, *words, lines=lines) as venue:
        return lines.until_end(), venue.report()


def starts(packets: Iterable[Packet], line: str) -> list[int]:
    return [packet.sequence for packet in packets if packet.line == line and packet.is_data]


def assert_counted(report: dict[str, Any]) -> None:
    """Every packet that was made has one fate on each line."""
    for line in report["lines"].values():
        sent_once = line["packets"] - line["duplicated"]
        fates = sent_once + line["lost"] + line["same_gaps"] + line["blacked_out"]
        assert fates == report["packets"]


def test_losses_are_as_many_as_asked_and_each_line_has_its_own(day: Path, cuts: list[int]) -> None:
    packets, report = run(day, "--loss", "A:0.1", "--loss", "B:0.3")
    lost = {line: set(cuts) - set(starts(packets, line)) for line in "AB"}
    for line, share in (("A", 0.1), ("B", 0.3)):
        spread = (share * (1 - share) * len(cuts)) ** 0.5
        assert abs(len(lost[line]) - share * len(cuts)) < 6 * spread
        assert report["lines"][line]["lost"] == len(lost[line])
    both = len(lost["A"] & lost["B"])
    assert abs(both - 0.03 * len(cuts)) < 6 * (0.03 * len(cuts)) ** 0.5, "they are lost independently"
    assert_counted(report)


def test_the_same_seed_does_the_same_and_another_does_not(day: Path) -> None:
    faults = ("--loss", 0.05, "--duplicate", 0.05, "--reorder", 0.1, "--same-gap", 0.02, "--jitter", 0.2)
    first, again, other = (run(day, *faults, "--seed", seed)[0] for seed in (1, 1, 2))
    for line in "AB":
        assert starts(first, line) == starts(again, line) != starts(other, line)
    assert starts(first, "A") != starts(first, "B")


def test_the_faults_of_one_line_do_not_disturb_the_other(day: Path) -> None:
    alone, _ = run(day, "--loss", "A:0.1")
    beside, _ = run(day, "--loss", "A:0.1", "--loss", "B:0.5", "--reorder", "B:0.5", "--delay", "B:5")
    assert starts(alone, "A") == starts(beside, "A")


def test_losses_come_in_bursts_when_asked_and_are_as_many(day: Path, cuts: list[int]) -> None:
    packets, report = run(day, "--loss", "A:0.2", "--loss-burst", 10)
    arrived = set(starts(packets, "A"))
    gone = "".join(" x"[start not in arrived] for start in cuts)
    bursts = gone.split()
    lost = report["lines"]["A"]["lost"]
    assert lost == gone.count("x")
    assert 0.08 * len(cuts) < lost < 0.4 * len(cuts)
    assert 5 < lost / len(bursts) < 25


def test_the_same_gap_takes_the_same_packets_of_both_lines(day: Path, cuts: list[int]) -> None:
    packets, report = run(day, "--same-gap", 0.1)
    arrived = set(starts(packets, "A"))
    assert arrived == set(starts(packets, "B"))
    lost = len(cuts) - len(arrived)
    assert abs(lost - 0.1 * len(cuts)) < 6 * (0.09 * len(cuts)) ** 0.5
    assert report["lines"]["A"]["same_gaps"] == report["lines"]["B"]["same_gaps"] == lost
    assert_counted(report)


def test_duplicates_are_as_many_as_asked_and_follow_at_once(day: Path, cuts: list[int]) -> None:
    packets, report = run(day, "--duplicate", "B:0.25")
    assert starts(packets, "A") == cuts
    came = Counter(starts(packets, "B"))
    doubled = [start for start, times in came.items() if times == 2]
    assert set(came.values()) == {1, 2}
    assert abs(len(doubled) - 0.25 * len(cuts)) < 6 * (0.19 * len(cuts)) ** 0.5
    assert report["lines"]["B"]["duplicated"] == len(doubled)
    assert starts(packets, "B") == sorted(starts(packets, "B"))
    assert_counted(report)


@pytest.mark.parametrize("depth", [1, 5, 1000])
def test_reordered_packets_are_overtaken_by_as_many_as_asked_at_most(
    day: Path, cuts: list[int], depth: int
) -> None:
    packets, report = run(day, "--reorder", "A:0.1", "--reorder-depth", depth)
    came = starts(packets, "A")
    assert sorted(came) == cuts, "none is lost"
    assert starts(packets, "B") == cuts
    place = {start: at for at, start in enumerate(cuts)}
    delays = [at - place[start] for at, start in enumerate(came)]
    assert max(delays) <= depth
    assert max(delays) > depth * 0.5
    # Whoever comes behind the highest so far was overtaken.
    highest = list(accumulate(came, max))
    overtaken = sum(before > start for before, start in zip(highest, came[1:], strict=False))
    assert overtaken <= report["lines"]["A"]["reordered"]
    assert abs(report["lines"]["A"]["reordered"] - 0.1 * len(cuts)) < 6 * (0.09 * len(cuts)) ** 0.5
    assert_counted(report)


def test_all_may_be_held_back_and_all_arrive_before_the_session_ends(day: Path, cuts: list[int]) -> None:
    packets, _ = run(day, "--reorder", 1, "--reorder-depth", 1000, "--duplicate", 1)
    for line in "AB":
        came = starts(packets, line)
        assert sorted(came) == sorted(cuts * 2)
        assert came != sorted(came)


def test_a_delay_is_real_time_and_keeps_the_order(day: Path, cuts: list[int]) -> None:
    packets, _ = run(day, "--delay", "B:150", "--jitter", "B:50")
    times: dict[str, dict[int, float]] = {"A": {}, "B": {}}
    for packet in packets:
        if packet.is_data:
            times[packet.line][packet.sequence] = packet.time_s
    assert starts(packets, "B") == cuts
    behind = sorted(times["B"][start] - times["A"][start] for start in cuts)
    assert behind[len(behind) // 2] == pytest.approx(0.19, abs=0.05)  # held up by the slowest in front
    assert behind[0] > 0.1


def test_a_blackout_silences_the_lines_it_names_for_as_long_as_asked(day: Path) -> None:
    slow = ("--rate", 12_000, "--heartbeat", 0.02)
    packets, report = run(day, *slow, "--blackout", "A:0.3:0.3", "--blackout", "both:0.8:0.1")
    began_s = next(packet.time_s for packet in packets if packet.is_data)
    for line, silences in (("A", [(0.3, 0.3), (0.8, 0.1)]), ("B", [(0.8, 0.1)])):
        came = [packet for packet in packets if packet.line == line]
        for start_s, seconds in silences:
            pauses = [
                (before.time_s - began_s, after.time_s - before.time_s) for before, after in pairwise(came)
            ]
            at_s, pause_s = min(pauses, key=lambda pause: abs(pause[0] - start_s) - pause[1])
            assert at_s == pytest.approx(start_s, abs=0.1)
            assert pause_s == pytest.approx(seconds, abs=0.08)
        assert report["lines"][line]["blacked_out"] == report["packets"] - len(starts(packets, line))
    assert report["lines"]["A"]["blacked_out"] > 2 * report["lines"]["B"]["blacked_out"]
    assert_counted(report)


def test_heartbeats_are_blacked_out_too(day: Path) -> None:
    options = ("--blackout", "A:0:0.5", "--heartbeat", 0.02, "--hold")
    with Lines() as lines, Venue("--file", day, *RATE, *options, lines=lines) as venue:
        for packet in lines.packets():
            if packet.line == "A" and packet.sequence == MESSAGES + 1:
                break
        venue.process.terminate()
        report = venue.report()
    assert report["lines"]["A"]["blacked_out_signals"] >= 3
    assert report["lines"]["B"]["blacked_out_signals"] == 0
