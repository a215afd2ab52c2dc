"""Servers that are down, slow, sparing or wrong: the books end right, or say that they are stale."""

from __future__ import annotations

from dataclasses import replace
from signal import SIGTERM

import pytest
from e2e.proxies import Requests, Snapshots, dead_port
from e2e.truth import Truth
from e2e.world import (
    NOBODY,
    ONLY_REQUESTS,
    ONLY_SNAPSHOTS,
    PATIENT,
    RECOVERY,
    Outcome,
    Servers,
    World,
    assert_lossless,
)

GAPS = ("--same-gap", 0.02, "--same-gap-burst", 5)
LIES = ["wrong-session", "wrong-sequence", "garbage"]


def assert_stale(outcome: Outcome, truth: Truth) -> None:
    """The books know that they are wrong, and the recovery why."""
    assert outcome.is_stale
    assert outcome.recovery_state == "lost"
    assert outcome.digest != truth.digest


# --- retransmission ---


@pytest.mark.heavy
def test_a_retransmission_server_that_gives_less_than_is_asked_for(truth: Truth) -> None:
    with World(truth, (*GAPS, "--request-fault", "partial"), ONLY_REQUESTS, PATIENT) as world:
        outcome = world.run()
    assert_lossless(outcome, truth)
    assert outcome.count("recovery", "requests") > outcome.count("recovery", "gaps")


@pytest.mark.heavy
@pytest.mark.parametrize("delay_ms", [10, 50])
def test_a_retransmission_server_that_is_slow(truth: Truth, delay_ms: int) -> None:
    """The second takes longer than a reply is waited for: it is asked again, and what comes late helps."""
    options = (*GAPS, "--request-delay", delay_ms)
    with World(truth, options, ONLY_REQUESTS, PATIENT, linger_s=0.6) as world:
        outcome = world.run()
    assert_lossless(outcome, truth)


@pytest.mark.heavy
def test_a_retransmission_server_that_loses_half_of_its_replies(truth: Truth) -> None:
    with World(truth, (*GAPS, "--request-loss", 0.5), ONLY_REQUESTS, PATIENT, linger_s=0.6) as world:
        outcome = world.run()
    assert_lossless(outcome, truth)
    assert outcome.count("recovery", "repeats") > 0


@pytest.mark.heavy
@pytest.mark.parametrize("fault", ["silent", *LIES])
def test_a_retransmission_server_that_is_of_no_use_leaves_it_to_the_snapshot(
    truth: Truth, fault: str
) -> None:
    with World(truth, (*GAPS, "--request-fault", fault), linger_s=0.6) as world:
        outcome = world.run()
    assert_lossless(outcome, truth)
    assert outcome.count("recovery", "snapshots") > 0


@pytest.mark.heavy
@pytest.mark.parametrize("fault", ["silent", *LIES])
def test_without_a_snapshot_server_a_useless_retransmission_server_leaves_stale_books(
    truth: Truth, fault: str
) -> None:
    with World(truth, (*GAPS, "--request-fault", fault), ONLY_REQUESTS) as world:
        outcome = world.run("stale")
    assert_stale(outcome, truth)
    assert outcome.count("recovery", "given_up") > 0


@pytest.mark.heavy
def test_a_retransmission_server_that_refuses_most_requests_leaves_it_to_the_snapshot(truth: Truth) -> None:
    with World(truth, (*GAPS, "--request-rate", 1), linger_s=0.6) as world:
        outcome = world.run()
    assert_lossless(outcome, truth)
    assert outcome.report["requests"]["too_fast"] > 0


def test_replies_that_lie_at_first_are_asked_for_again(truth: Truth) -> None:
    """Nothing at all, another session, garbage, less than a header, a later message, then the truth."""

    def mood(number: int, reply: bytes) -> list[bytes]:
        lies = [
            [],
            [b"ANOTHER   " + reply[10:]],
            [reply[:20] + b"\xff" * 40],
            [reply[:19]],
            [reply[:10] + (int.from_bytes(reply[10:18], "big") + 1).to_bytes(8, "big") + reply[18:]],
            [reply[:18] + b"\xff\xff"],
            [reply, reply],
        ]
        return lies[number % len(lies)]

    with World(truth, GAPS, is_late=True, recovery=PATIENT, linger_s=0.8) as world:
        with Requests(world.venue.address("requests"), mood) as server:
            world.servers = Servers(server.port, "none")
            world.join()
            outcome = world.run()
        assert server.replies > 7
    assert_lossless(outcome, truth)
    assert outcome.count("recovery", "unasked") > 0


# --- snapshots ---


@pytest.mark.heavy
def test_without_retransmission_the_snapshot_fills_every_gap(truth: Truth) -> None:
    with World(truth, GAPS, ONLY_SNAPSHOTS, linger_s=0.6) as world:
        outcome = world.run()
    assert_lossless(outcome, truth)
    assert outcome.count("recovery", "snapshots") > 0
    assert outcome.count("recovery", "requests") == 0


@pytest.mark.heavy
def test_a_slow_snapshot_server_is_waited_for(truth: Truth) -> None:
    with World(truth, (*GAPS, "--snapshot-delay", 300), ONLY_SNAPSHOTS, linger_s=0.6) as world:
        outcome = world.run()
    assert_lossless(outcome, truth)


@pytest.mark.heavy
@pytest.mark.parametrize(
    "fault",
    [
        ("--snapshot-fault", "refuse"),
        ("--snapshot-fault", "garbage"),
        ("--snapshot-fault", "wrong-sequence"),
        ("--snapshot-fault", "wrong-session"),
        ("--snapshot-cut", 0),
        ("--snapshot-cut", 5),
    ],
)
def test_snapshots_that_never_come_leave_stale_books(truth: Truth, fault: tuple[str | int, ...]) -> None:
    with World(truth, (*GAPS, *fault), ONLY_SNAPSHOTS) as world:
        outcome = world.run("stale")
    assert_stale(outcome, truth)
    assert outcome.count("recovery", "snapshots") == 0
    assert outcome.count("recovery", "snapshots_failed") > 0


def test_a_snapshot_server_may_have_a_session_of_its_own(truth: Truth) -> None:
    options = (*GAPS, "--snapshot-fault", "wrong-session")
    any_session = replace(RECOVERY, any_snapshot_session=True)
    with World(truth, options, ONLY_SNAPSHOTS, any_session, linger_s=0.6) as world:
        outcome = world.run()
    assert_lossless(outcome, truth)
    assert outcome.count("recovery", "strange_snapshots") == 0


def test_a_snapshot_server_that_hangs_up_cuts_its_data_and_then_works(truth: Truth) -> None:
    cuts: list[int | None] = [0, 10, 33, 5_000, 100_000]
    with World(truth, GAPS, is_late=True, linger_s=1.5) as world:
        with Snapshots(
            world.venue.address("snapshots"), lambda number: cuts[number] if number < len(cuts) else None
        ) as server:
            world.servers = Servers("none", server.port)
            world.join()
            outcome = world.run()
        assert server.connections > len(cuts)
    assert_lossless(outcome, truth)
    assert outcome.count("recovery", "snapshots_failed") >= len(cuts)


# --- nobody ---


@pytest.mark.heavy
def test_gaps_that_nobody_fills_leave_stale_books(truth: Truth) -> None:
    with World(truth, GAPS, NOBODY) as world:
        outcome = world.run("stale")
    assert_stale(outcome, truth)


@pytest.mark.heavy
def test_servers_that_are_not_there_leave_stale_books(truth: Truth) -> None:
    with World(truth, GAPS, Servers(dead_port(), dead_port())) as world:
        outcome = world.run("stale")
    assert_stale(outcome, truth)
    assert outcome.count("recoverer", "connect_failures") > 0


# --- late join ---


def test_a_late_data_plane_joins_by_a_snapshot(truth: Truth) -> None:
    with World(truth, is_late=True, recovery=replace(RECOVERY, request_longest=100)) as world:
        world.go()
        world.wait_until_sent(truth.messages // 3)
        world.join()
        with world.watched() as watcher:
            outcome = world.finish()
        watcher.check()
    assert_lossless(outcome, truth)
    assert outcome.count("recovery", "snapshots") > 0
    assert watcher.fresh > 0


@pytest.mark.heavy
def test_a_late_data_plane_can_also_ask_for_all_that_was_before(truth: Truth) -> None:
    with World(truth, ("--loss", 0.01), ONLY_REQUESTS, PATIENT, is_late=True, linger_s=0.6) as world:
        world.go()
        world.wait_until_sent(truth.messages // 3)
        world.join()
        with world.watched() as watcher:
            outcome = world.finish()
        watcher.check()
    assert_lossless(outcome, truth)
    assert outcome.digest == truth.digest


def test_a_late_data_plane_without_servers_stays_stale(truth: Truth) -> None:
    with World(truth, (), NOBODY, is_late=True) as world:
        world.go()
        world.wait_until_sent(truth.messages // 3)
        world.join()
        with world.watched() as watcher:
            outcome = world.finish("stale")
        watcher.check()
    assert_stale(outcome, truth)


@pytest.mark.heavy
def test_a_late_data_plane_after_the_last_message_joins_by_heartbeats_alone(truth: Truth) -> None:
    with World(truth, ("--hold",), is_late=True, recovery=replace(RECOVERY, request_longest=100)) as world:
        world.go()
        world.wait_until_sent(truth.messages)
        world.join()
        with world.watched() as watcher:
            world.wait_until_whole()
            world.venue.tell(SIGTERM)
            outcome = world.finish()
        watcher.check()
    assert_lossless(outcome, truth)
