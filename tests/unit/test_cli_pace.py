"""The pace that is shown: messages that were counted, by the time the job itself took."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from model.command import appliance
from model.messages import message
from model.mold64 import packet
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

from appliance.replay.feed import FeedFile
from appliance.replay.timing import Stopwatch

FIRST = 5_000_000_001


@pytest.fixture
def mid_session(tmp_path: Path) -> Path:
    """Write a capture of 30 messages that starts where others have long been sent."""
    messages = [message("S", 0, index, b"O") for index in range(30)]
    frames = [
        Ether()
        / IP(src="10.0.0.1", dst="239.192.1.1")
        / UDP(dport=26400)
        / packet(FIRST + at, messages[at : at + 10])
        for at in range(0, 30, 10)
    ]
    path = tmp_path / "mid.pcap"
    wrpcap(str(path), frames)
    return path


def test_the_watch_counts_messages_and_stands_between_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0

    def steps() -> Iterator[int]:
        nonlocal now
        for count in (10, 30):
            now += 2.0
            yield count
        now += 1.0

    monkeypatch.setattr(time, "perf_counter", lambda: now)
    watch = Stopwatch()
    paces = []
    for pace in watch.over(steps()):
        paces.append(pace)
        now += 1000.0  # the caller draws a progress bar
    assert paces == [5.0, 10.0]
    assert (watch.messages, watch.seconds) == (40, 5.0)
    list(watch.over(steps()))
    assert (watch.messages, watch.seconds) == (80, 10.0)


def test_the_pace_of_a_capture_that_starts_in_mid_session_counts_its_own_messages(mid_session: Path) -> None:
    watch = Stopwatch()
    with FeedFile(mid_session) as feed:
        paces = list(watch.over(feed.advance()))
        assert feed.books.next_sequence == FIRST + 30
    assert watch.messages == 30
    assert paces[-1] <= 30 / watch.seconds * 1000


def test_a_replay_of_such_a_capture_reports_its_own_messages(mid_session: Path) -> None:
    report = json.loads(appliance("replay", mid_session, "--json").stdout)
    assert report["messages"] == 30
