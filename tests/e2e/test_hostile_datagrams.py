"""Datagrams that nobody should send, into the running feed: each is counted by reason and harms nothing."""

from __future__ import annotations

import random
import socket
import threading
from collections import Counter

import pytest
from e2e.hostile import FORGED_FAR, MOLD_VERDICTS, mold, payloads
from e2e.truth import Truth
from e2e.wire import HERE, PORTS
from e2e.world import World, assert_lossless
from model.messages import frame

# Copies of each on each line, at random moments of the day.
COPIES = 10
# What the exchange itself never causes: of these there are exactly as many as were forged.
FOREIGN = {"other_session", "short", "truncated", "fewer_blocks", "trailing", "bad_sequence", "far_ahead"}


class Sender:
    """Sends to the groups of a feed from another socket than the exchange."""

    def __init__(self, groups: tuple[str, str]) -> None:
        self._to = list(zip(groups, PORTS, strict=True))
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(HERE))

    def send(self, line: int, payload: bytes) -> None:
        """Send one datagram."""
        self._socket.sendto(payload, self._to[line])

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def test_every_hostile_datagram_is_counted_under_its_reason_and_harms_nothing(truth: Truth) -> None:
    kinds = list(payloads(truth).values())
    copies = kinds + random.Random(5).sample(kinds * COPIES, len(kinds) * COPIES)
    forged: list[Counter[str]] = [Counter(), Counter()]
    with World(truth, ("--same-gap", 0.005), rate=60_000, linger_s=0.6) as world, world.watched() as watcher:
        sender = Sender(world.groups)
        stop = threading.Event()
        world.go()
        world.wait_for_messages(2_000)  # what repeats the first messages is late from now on
        for verdict, payload in copies:
            if not world.is_before(truth.messages * 3 // 4):
                break  # after the end of a session another one is believed
            for line in (0, 1):
                sender.send(line, payload)
                forged[line][verdict] += 1
            stop.wait(0.0005)
        outcome = world.finish()
        sender.close()
    watcher.check()
    assert_lossless(outcome, truth)
    if int(outcome.stats["port"][0]["dropped"]):
        return  # an ordinary user's small sockets have run over: there is no telling what was in there
    for line, name in enumerate("AB"):
        counted = dict(zip(MOLD_VERDICTS, outcome.verdicts(line), strict=True))
        assert {verdict: counted[verdict] for verdict in FOREIGN} == {
            verdict: forged[line][verdict] for verdict in FOREIGN
        }
        # Heartbeats began before there was a data plane to hear them.
        data = sum(counted.values()) - counted["heartbeat"] - counted["end_of_session"]
        own = forged[line].total() - forged[line]["heartbeat"]
        assert data == outcome.report["lines"][name]["packets"] + own


@pytest.mark.parametrize("line", [0, 1])
def test_a_forged_sequence_far_ahead_is_not_believed_however_often_it_comes(truth: Truth, line: int) -> None:
    far = mold(70_000_000, 2, frame([b"D" + bytes(18)] * 2))
    with World(truth) as world, world.watched() as watcher:
        sender = Sender(world.groups)
        world.go()
        world.wait_for_messages(1_000)
        for _ in range(200):
            sender.send(line, far)
        outcome = world.finish()
        sender.close()
    watcher.check()
    assert_lossless(outcome, truth)
    assert outcome.count("recovery", "snapshots_wanted") == 0


def test_forged_packets_that_bear_each_other_out_are_undone_by_a_snapshot(truth: Truth) -> None:
    """Whatever is believed of them, the books are stale until the exchange has been asked."""
    chance = random.Random(11)
    with World(truth, ("--same-gap", 0.005), linger_s=0.6) as world, world.watched() as watcher:
        sender = Sender(world.groups)
        world.go()
        world.wait_for_messages(2_000)
        for number in range(15):
            for _ in range(4):
                sender.send(number % 2, chance.choice(FORGED_FAR))
            world.wait_for_sequence(2_000 + number * 3_000)
        outcome = world.finish()
        sender.close()
    watcher.check()
    assert_lossless(outcome, truth)
    assert outcome.count("recovery", "snapshots") > 0


def test_books_are_empty_as_soon_as_a_heartbeat_tells_of_another_session(truth: Truth) -> None:
    with World(truth) as world:
        sender = Sender(world.groups)
        world.go()
        segment = world.plane.segment
        world.wait_for("the end of the feed", lambda: segment.state == "ended")
        assert any(int(view["bid_levels"]) for view in map(segment.view, range(len(segment.views))))
        sender.send(0, mold(1, 0, session=b"TOMORROW  "))
        world.wait_for(
            "empty books",
            lambda: not any(int(segment.view(at)["bid_levels"]) for at in range(len(segment.views))),
        )
        assert world.is_whole
        sender.send(0, mold(7, 0, session=b"TOMORROW  "))
        world.wait_for("stale books", lambda: world.is_stale)
        sender.close()


def test_books_are_stale_while_another_session_is_heard_and_ours_is_not(truth: Truth) -> None:
    """An end and a beginning were forged: what the exchange sends is of no session of ours any more."""
    with World(truth) as world:
        sender = Sender(world.groups)
        world.go()
        world.wait_for_messages(2_000)
        sender.send(0, mold(world.plane.segment.live["sequence"] + 2_000, 0xFFFF))
        for _ in range(50):
            sender.send(0, mold(1, 0, session=b"FORGED    "))
        world.wait_for("another session", lambda: int(world.plane.segment.stats["mold"]["sessions"]) > 1)
        world.wait_for("stale books", lambda: world.is_stale)
        sender.close()


def test_forged_packets_before_the_first_true_one_harm_nothing(truth: Truth) -> None:
    """The session of the first packet is ours, whoever sent it: but not of one that is malformed."""
    with World(truth) as world, world.watched() as watcher:
        sender = Sender(world.groups)
        for verdict, payload in payloads(truth).values():
            if verdict in FOREIGN - {"other_session"}:
                sender.send(0, payload)
        world.go()
        outcome = world.finish()
        sender.close()
    watcher.check()
    assert_lossless(outcome, truth)
