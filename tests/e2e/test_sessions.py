"""One session after another, with losses where they meet."""

from __future__ import annotations

from dataclasses import replace

import pytest
from e2e.truth import Truth
from e2e.world import NOBODY, RECOVERY, Outcome, World

DAYS = ("--days", 2)


def assert_second_day(outcome: Outcome, truth: Truth) -> None:
    """The books are fresh, and those of the second session."""
    assert not outcome.is_stale
    assert outcome.recovery_state == "whole"
    assert outcome.sequence == truth.messages
    assert outcome.depth_digest == truth.depth_digest
    assert outcome.count("mold", "sessions") == 2


@pytest.fixture(scope="module")
def both_days(truth: Truth) -> int:
    """Work out the digest of the same day twice."""
    return truth.digest_of_days(2)


@pytest.mark.heavy
def test_a_second_session_starts_the_books_anew(truth: Truth, both_days: int) -> None:
    with World(truth, DAYS) as world:
        outcome = world.run()
    assert_second_day(outcome, truth)
    assert outcome.digest == both_days
    assert outcome.messages == 2 * truth.messages


def test_a_second_session_with_losses_in_both(truth: Truth, both_days: int) -> None:
    """The losses are everywhere, also in the last packets of the first and the first of the second."""
    with World(truth, (*DAYS, "--loss", 0.1, "--same-gap", 0.01)) as world:
        outcome = world.run()
    assert_second_day(outcome, truth)
    if not outcome.count("recovery", "snapshots"):
        assert outcome.digest == both_days


@pytest.mark.heavy
def test_a_session_whose_end_nobody_hears_is_left_when_it_is_silent(truth: Truth, both_days: int) -> None:
    """Dark from before the ends of session until after: the second session is not believed at first."""
    silent = replace(RECOVERY, silence_ms=150)
    options = (*DAYS, "--blackout", "both:0.6005:0.8")
    with World(truth, options, recovery=silent) as world:
        outcome = world.run()
    assert_second_day(outcome, truth)
    ends = [outcome.report["lines"][line]["blacked_out_signals"] for line in "AB"]
    assert min(ends) >= 5, "no end of the first session was heard"
    if outcome.messages == 2 * truth.messages:  # a busy machine may have sent the last ones into the dark
        assert outcome.digest == both_days


@pytest.mark.heavy
def test_the_end_of_a_session_is_lost_with_messages_before_and_behind_it(truth: Truth) -> None:
    """Nothing can be had of the first any more: the books of the second are whole all the same."""
    silent = replace(RECOVERY, silence_ms=150)
    options = (*DAYS, "--blackout", "both:0.4:0.8")
    with World(truth, options, recovery=silent) as world:
        outcome = world.run()
    assert_second_day(outcome, truth)
    assert outcome.messages < 2 * truth.messages


@pytest.mark.heavy
def test_without_servers_the_second_session_is_fresh_though_the_first_was_not(truth: Truth) -> None:
    with World(truth, (*DAYS, "--blackout", "both:0.3:0.1"), NOBODY) as world:
        with world.watched() as watcher:
            world.go()
            world.wait_for("stale books", lambda: world.is_stale)
            outcome = world.finish()
        watcher.check()
    assert_second_day(outcome, truth)
    assert outcome.count("recovery", "given_up") == 1
    assert watcher.stale > 0


@pytest.mark.heavy
def test_a_feed_that_breaks_off_leaves_stale_books(truth: Truth) -> None:
    """No end of session, no heartbeat: the silence says that something is wrong."""
    silent = replace(RECOVERY, silence_ms=200)
    with World(truth, (), recovery=silent) as world, world.watched() as watcher:
        world.go()
        world.wait_for_messages(1_000)
        world.venue.process.kill()
        world.wait_for("stale books", lambda: world.is_stale)
        assert world.plane.segment.recovery_state == "lost"
        world.stop()
    watcher.check()
