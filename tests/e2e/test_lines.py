"""Faults of the lines: whatever they do to packets, the books end as if nothing had happened."""

from __future__ import annotations

from dataclasses import replace

import pytest
from e2e.truth import History, Truth
from e2e.watch import Watcher
from e2e.world import PATIENT, RECOVERY, World, assert_lossless, wait_for

FIRST_LATE = 3  # the verdict of a packet all of which came before


@pytest.mark.heavy
def test_a_day_without_faults_is_followed_message_by_message(truth: Truth) -> None:
    with World(truth) as world:
        with world.watched() as watcher:
            world.go()
            outcome = world.finish()
        watcher.check()
    assert_lossless(outcome, truth)
    assert watcher.fresh >= len(truth.symbols)
    assert watcher.last_sequence == truth.messages
    assert sum(outcome.verdicts(line)[FIRST_LATE] for line in (0, 1)) > 0, "one line comes second"


@pytest.mark.heavy
def test_the_watcher_of_these_tests_sees_a_book_that_is_wrong(truth: Truth) -> None:
    """One share too many at the end of the day, in the truth that it is told."""
    history = truth.history[0]
    bids, asks, flags = history.tops[-1]
    (px, orders, qty), *rest = bids
    wrong = History(history.sequences, [*history.tops[:-1], ([(px, orders, qty + 1), *rest], asks, flags)])
    with World(truth) as world:
        world.go()
        world.wait_for_messages(truth.messages)
        with Watcher(world.plane.segment, replace(truth, history=(wrong, *truth.history[1:]))) as watcher:
            wait_for("a mistake", lambda: bool(watcher.mistakes))
    assert truth.symbols[0] in watcher.mistakes[0]


@pytest.mark.parametrize("loss", [0.001, 0.01, 0.1])
def test_loss_on_each_line_by_itself(truth: Truth, loss: float) -> None:
    with World(truth, ("--loss", loss, "--seed", 7)) as world:
        outcome = world.run()
    assert_lossless(outcome, truth)
    assert all(line["lost"] for line in outcome.report["lines"].values())
    assert outcome.count("mold", "gaps") == 0, "nothing was given up"


@pytest.mark.heavy
def test_what_one_line_alone_loses_is_filled_by_the_other_without_asking(truth: Truth) -> None:
    patient = replace(RECOVERY, gap_wait_us=10_000_000)
    with World(truth, ("--loss", "A:0.1"), recovery=patient) as world:
        outcome = world.run()
    assert_lossless(outcome, truth)
    line = outcome.stats["mold"]["line"][0]
    # What the lead-in and the end leave open are heartbeats: a gap shows in the next packet of data.
    assert int(line["gap_messages"]) > 0
    if not int(outcome.stats["port"][0]["dropped"]):  # the small sockets of an ordinary user may run over
        assert outcome.count("recovery", "requests") == 0
        assert outcome.count("recovery", "gaps") == outcome.count("recovery", "filled_by_lines")


@pytest.mark.parametrize("burst", [1, 40])
def test_the_same_gap_on_both_lines_is_asked_for(truth: Truth, burst: int) -> None:
    with World(truth, ("--same-gap", 0.02, "--same-gap-burst", burst), recovery=PATIENT) as world:
        outcome = world.run()
    assert_lossless(outcome, truth)
    assert outcome.count("recovery", "filled_by_request") > 0
    assert outcome.report["requests"]["served"] > 0


@pytest.mark.heavy
@pytest.mark.parametrize("options", [("--duplicate", 0.5), ("--duplicate", "B:1", "--loss", "A:0.5")])
def test_packets_that_come_twice_count_once(truth: Truth, options: tuple[str | float, ...]) -> None:
    with World(truth, options) as world:
        outcome = world.run()
    assert_lossless(outcome, truth)
    assert sum(line["duplicated"] for line in outcome.report["lines"].values()) > 0


@pytest.mark.heavy
@pytest.mark.parametrize("depth", [1, 10, 100, 1000])
def test_packets_overtaken_by_up_to_a_thousand_others(truth: Truth, depth: int) -> None:
    with World(truth, ("--reorder", 0.05, "--reorder-depth", depth)) as world:
        outcome = world.run()
    assert_lossless(outcome, truth)
    assert all(line["reordered"] for line in outcome.report["lines"].values())


@pytest.mark.heavy
@pytest.mark.parametrize("ahead", ["A", "B"])
def test_a_line_that_is_far_behind_the_other_and_irregular(truth: Truth, ahead: str) -> None:
    behind = "B" if ahead == "A" else "A"
    options = ("--delay", f"{behind}:30", "--jitter", f"{behind}:20", "--loss", f"{ahead}:0.05")
    with World(truth, options, linger_s=0.5) as world:
        outcome = world.run()
    assert_lossless(outcome, truth)


@pytest.mark.heavy
def test_all_faults_at_once(truth: Truth) -> None:
    options = (
        "--loss", 0.05, "--loss-burst", 5, "--duplicate", 0.05, "--reorder", 0.05, "--reorder-depth", 50,
        "--same-gap", 0.01, "--delay", "B:5", "--jitter", "B:5", "--blackout", "A:0.2:0.2",
        "--request-loss", 0.2, "--request-delay", 3,
    )  # fmt: skip
    with World(truth, options) as world:
        outcome = world.run()
    assert_lossless(outcome, truth)


@pytest.mark.heavy
@pytest.mark.parametrize("lines", ["A", "B", "both"])
def test_a_short_blackout(truth: Truth, lines: str) -> None:
    with World(truth, ("--blackout", f"{lines}:0.2:0.2")) as world:
        outcome = world.run()
    assert_lossless(outcome, truth)
    dark = "AB" if lines == "both" else lines
    assert all(outcome.report["lines"][line]["blacked_out"] > 0 for line in dark)


@pytest.mark.heavy
def test_the_last_messages_of_the_session_are_lost_on_both_lines(truth: Truth) -> None:
    """The ends of session come through: they tell that something is missing."""
    options = ("--blackout", "both:0.5:0.3")
    with World(truth, options, recovery=PATIENT, linger_s=1.0) as world:
        outcome = world.run()
    assert_lossless(outcome, truth)
    assert outcome.count("recovery", "filled_by_request") > 0


@pytest.mark.heavy
@pytest.mark.parametrize("lines", ["A", "both"])
def test_a_blackout_of_five_seconds(truth: Truth, lines: str) -> None:
    """Both lines dark is silence, without a heartbeat: before it ends, the books say that they are stale."""
    silent = replace(RECOVERY, silence_ms=3_000)
    with World(truth, ("--blackout", f"{lines}:0.5:5"), recovery=silent, rate=10_000) as world:
        with world.watched() as watcher:
            world.go()
            if lines == "both":
                world.wait_for("the lead-in to end", lambda: world.plane.segment.live["messages"] > 0)
                world.wait_for("stale books", lambda: world.is_stale)
                assert world.plane.segment.live["messages"] < truth.messages // 2, "it is still dark"
            outcome = world.finish()
        watcher.check()
    assert_lossless(outcome, truth)
