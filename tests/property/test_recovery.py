"""Whatever is lost, and whatever the servers do: a book with a hole is never called whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from hypothesis import example, given
from hypothesis import strategies as st
from model.mold64 import Live
from model.recovery import Machine
from model.venue import REQUEST_SERVERS, SNAPSHOT_SERVERS, Receiver, Venue

MESSAGES, AFTER = 300, 900
RETRY, TIMEOUT, TRIES, PIECE = 90, 25, 2, 10
SEEDS = st.integers(0, 2**32)
LOSSES = st.sampled_from([0.0, 0.05, 0.4, 1.0])


@contextmanager
def receiver(venue: Venue, window: int, far: int) -> Iterator[Receiver]:
    """Begin to receive, with limits that a short day reaches often."""
    limits = {
        "gap_wait_cycles": 3,
        "request_timeout_cycles": TIMEOUT,
        "snapshot_timeout_cycles": 45,
        "snapshot_retry_cycles": RETRY,
        "requests": int(venue.requests != "none"),
        "snapshots": int(venue.snapshots != "none"),
        "request_tries": TRIES,
        "request_messages": PIECE,
        "request_longest": 100,
    }
    with Live(window, far) as stream, Machine(**limits) as machine:
        yield Receiver(venue, stream, machine)


@given(
    seed=SEEDS,
    loss=st.tuples(LOSSES, LOSSES),
    requests=st.sampled_from(REQUEST_SERVERS),
    snapshots=st.sampled_from(SNAPSHOT_SERVERS),
    window=st.sampled_from([1, 8, 64]),
    far=st.sampled_from([0, 20]),
    join_late=st.booleans(),
    dark=st.lists(st.tuples(st.integers(1, 120), st.integers(1, 60)), max_size=2),
)
@example(1, (0.4, 0.4), "none", "none", 8, 0, False, [(20, 30)])
@example(2, (0.4, 0.4), "silent", "good", 8, 20, True, [(20, 30)])
@example(3, (0.05, 0.05), "partial", "behind", 1, 0, False, [])
@example(42, (0.0, 0.0), "partial", "moody", 8, 0, True, [(46, 6)])  # a snapshot behind lines that went dark
def test_a_book_is_right_or_not_called_whole(
    seed: int,
    loss: tuple[float, float],
    requests: str,
    snapshots: str,
    window: int,
    far: int,
    join_late: bool,
    dark: list[tuple[int, int]],
) -> None:
    blackouts = [(start, start + length) for start, length in dark] + ([(0, 40)] if join_late else [])
    venue = Venue(Random(seed), MESSAGES, loss, requests, snapshots, blackouts)
    with receiver(venue, window, far) as feed:
        while feed.now < AFTER:
            feed.tick()
            assert feed.machine.state != "WHOLE" or feed.is_right
            assert feed.machine.state != "STARTING" or not feed.known
            assert feed.applied == sorted(set(feed.applied))
        counters = feed.machine.counters
        assert feed.known == MESSAGES
        if snapshots == "good":
            assert (feed.is_right, feed.machine.state) == (True, "WHOLE")
    assert len(feed.fetched) <= feed.now // RETRY + 1
    assert len(feed.asked) == counters.requests
    # Each request is answered with a message that was missing, or costs a timeout.
    assert len(feed.asked) <= counters.gap_messages + 64 * (feed.now // TIMEOUT + 1)
    assert counters.gaps >= counters.filled_by_request + counters.filled_by_lines


@given(
    seed=SEEDS,
    loss=st.sampled_from([0.01, 0.1, 0.4]),
    requests=st.sampled_from(["good", "partial", "slow"]),
)
def test_a_retransmission_server_alone_fills_every_gap_that_both_lines_leave(
    seed: int, loss: float, requests: str
) -> None:
    venue = Venue(Random(seed), MESSAGES, (loss, loss), requests, "none")
    with receiver(venue, window=64, far=0) as feed:
        while feed.now < AFTER:
            feed.tick()
        if requests != "slow":  # its answers come after they were waited for
            assert (feed.is_right, feed.machine.state) == (True, "WHOLE")
            assert feed.machine.counters.given_up == 0
        assert feed.is_right == (feed.machine.state == "WHOLE")


@given(seed=SEEDS, loss=st.sampled_from([0.05, 0.4]))
def test_without_any_server_what_both_lines_lose_is_lost_for_good_and_said(seed: int, loss: float) -> None:
    venue = Venue(Random(seed), MESSAGES, (loss, loss), "none", "none")
    with receiver(venue, window=64, far=0) as feed:
        while feed.now < AFTER:
            feed.tick()
        lost = feed.stream.counters.lost
        assert feed.machine.state == ("LOST" if lost else "WHOLE")
        assert len(feed.applied) == MESSAGES - lost
        assert (feed.asked, feed.fetched) == ([], [])
