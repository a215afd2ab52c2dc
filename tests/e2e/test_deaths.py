"""Programs that are killed, stopped or hung in full flow, and what the others make of it."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from e2e.proxies import dead_port
from e2e.truth import Truth
from e2e.wire import HERE
from e2e.world import ONLY_REQUESTS, PATIENT, RECOVERY, Outcome, Servers, World, assert_lossless

from appliance.dataplane import Port

FRESH_WITHIN_S = 2.0
# A sanitizer looks for leaks before it lets a program go.
STOP_WITHIN_S = 10.0 if "asan" in os.environ.get("LD_PRELOAD", "") else 1.0
DELIVERED, PARTIAL, HELD, LATE = range(4)


def assert_accounted_for(outcome: Outcome, truth: Truth) -> None:
    """Every datagram has one verdict, and every message up to the last is applied or known as lost."""
    lines = [outcome.stats["mold"]["line"][line] for line in (0, 1, 2)]
    for line in lines:
        assert int(line["packets"]) == sum(int(count) for count in line["by_verdict"])
    frames = int(outcome.stats["port"][0]["frames"])
    assert frames == sum(int(line["packets"]) for line in lines[:2])
    mold, books = outcome.stats["mold"], outcome.stats["books"]
    assert int(mold["messages"]) + int(mold["lost"]) == outcome.sequence
    assert int(books["messages"]) == outcome.messages == int(mold["messages"])
    assert int(books["digest"]) == outcome.digest
    assert outcome.sequence <= truth.messages


def test_sigterm_in_full_flow_stops_within_a_second_with_everything_accounted_for(truth: Truth) -> None:
    options = ("--loss", 0.05, "--same-gap", 0.01)
    with World(truth, options, ONLY_REQUESTS, PATIENT) as world, world.watched() as watcher:
        world.go()
        world.wait_for_messages(truth.messages // 3)
        started_s = time.monotonic()
        death = world.stop()
        took_s = time.monotonic() - started_s
        world.venue.tell(signal.SIGTERM)
        outcome = world.outcome(world.venue.report())
    watcher.check()
    assert took_s < STOP_WITHIN_S
    assert (death.state, death.was_told) == ("stopped", True)
    assert 0 < outcome.sequence < truth.messages
    assert_accounted_for(outcome, truth)


@pytest.mark.heavy
def test_a_data_plane_that_was_killed_is_fresh_again_within_two_seconds(
    truth: Truth, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three times in one day, through the snapshot; the segment of the dead one is taken over.

    The best of the three is judged: other tests may keep the machine busy meanwhile.
    """
    times = []
    # Nobody asks for messages from the first on when there is a snapshot.
    with World(
        truth, ("--loss", 0.01), recovery=replace(RECOVERY, request_longest=500), rate=15_000
    ) as world:
        world.go()
        for number in range(1, 4):
            world.wait_for_messages(number * 500)
            world.plane.process.send_signal(signal.SIGKILL)
            death = world.plane.wait(5.0)
            killed_s = time.monotonic()
            assert death is not None
            assert death.status == -signal.SIGKILL
            assert "killed by SIGKILL" in str(death)
            assert f"last sequence {death.sequence:,}" in str(death)
            assert world.plane.segment.state == "dead"
            world.join()
            world.wait_until_whole()
            times.append(time.monotonic() - killed_s)
            assert world.plane.segment.live["sequence"] > death.sequence
        with world.watched() as watcher:
            outcome = world.finish()
        watcher.check()
    assert_lossless(outcome, truth)
    assert outcome.count("recovery", "snapshots") > 0
    with capsys.disabled():
        print(f" fresh again after {', '.join(f'{took_s:.2f}' for took_s in times)} s", end="")
    assert min(times) < FRESH_WITHIN_S


@pytest.mark.heavy
def test_a_data_plane_that_hung_for_a_second_is_consistent_afterwards(truth: Truth) -> None:
    """What its sockets had no room for meanwhile is recovered like any other loss."""
    port = Port("udp", interface=IPv4Address(HERE), receive_buffer_bytes=1 << 16)
    with World(truth, port=port, rate=30_000, linger_s=0.6) as world, world.watched() as watcher:
        world.go()
        world.wait_for_messages(3_000)
        world.plane.process.send_signal(signal.SIGSTOP)
        time.sleep(1.0)  # what is tested is a second of nothing
        world.plane.process.send_signal(signal.SIGCONT)
        outcome = world.finish()
    watcher.check()
    assert outcome.count("recovery", "gaps") > 0
    assert_lossless(outcome, truth)
    if not outcome.count("recovery", "snapshots"):
        assert_accounted_for(outcome, truth)


@pytest.mark.heavy
def test_an_exchange_that_is_killed_and_starts_again_is_another_day(truth: Truth) -> None:
    """Its books say stale in the silence, and are those of the new session afterwards."""
    silent = replace(RECOVERY, silence_ms=300)
    with World(truth, recovery=silent) as world, world.watched() as watcher:
        world.go()
        world.wait_for_messages(truth.messages // 3)
        world.venue.process.kill()
        world.wait_for("stale books", lambda: world.is_stale)
        world.restart_venue("--session", "0000000002")
        world.go()
        outcome = world.finish()
    watcher.check()
    assert not outcome.is_stale
    assert outcome.depth_digest == truth.depth_digest
    assert outcome.sequence == truth.messages


@pytest.mark.heavy
def test_a_killed_retransmission_server_is_replaced_by_the_snapshot_server(truth: Truth) -> None:
    """They are one program at the exchange; here only the port of the first is dead."""
    with World(truth, ("--same-gap", 0.01), Servers(requests=dead_port())) as world:
        outcome = world.run()
    assert_lossless(outcome, truth)
    assert outcome.count("recovery", "snapshots") > 0


@pytest.mark.heavy
def test_a_sender_killed_alone_ends_the_exchange_with_one_line(truth: Truth) -> None:
    with World(truth) as world:
        world.go()
        world.wait_for_messages(1_000)
        parent = world.venue.process.pid
        for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
        _, complaint = world.venue.process.communicate(timeout=30)
        assert world.venue.process.returncode == 2
        assert complaint.count("\n") == 1
        assert "the sender failed: was killed by signal 9" in complaint
        world.stop()
