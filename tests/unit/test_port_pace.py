"""Files at a pace.

A frame may come late on a busy machine, so what is tested is that none comes early, and that pace changes
nothing else.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import pytest
from model import port
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import wrpcap

MS = 1_000_000
# The cycle counter and the clock of Python may disagree by so much.
CLOCKS = 0.001


class Arrival(NamedTuple):
    """What came in, and when at the latest, from before the first call on."""

    data: bytes
    ns: int


def read(path: Path, pace: int, rate: int = 0) -> tuple[list[Arrival], str | None]:
    """Read a file at its pace, to its end."""
    arrivals = []
    with port.planned(port.FILE, path, pace=pace, pace_rate=rate) as opened:
        start = time.monotonic_ns()
        while isinstance(burst := opened.burst(), list):
            ns = time.monotonic_ns() - start
            arrivals += [Arrival(port.copied(frame).data, ns) for frame in burst]
        counters = opened.counters()
        error = opened.error() if burst == port.FAILED else None
    assert counters["frames"] == len(arrivals)
    assert counters["bytes"] == sum(len(arrival.data) for arrival in arrivals)
    return arrivals, error


def message(time_ns: int, length: int = 12) -> bytes:
    """A framed system event at a time of day."""
    body = b"S" + bytes(4) + time_ns.to_bytes(6, "big") + b"O"
    return length.to_bytes(2, "big") + body[:length]


def messages_of(arrivals: list[Arrival]) -> list[Arrival]:
    """The messages of the runs, one by one; a run ends where a message does."""
    found = []
    for data, ns in arrivals:
        at = 0
        while at < len(data):
            end = at + 2 + int.from_bytes(data[at : at + 2], "big")
            found.append(Arrival(data[at:end], ns))
            at = end
        assert at == len(data)
    return found


def packet(sequence: int, messages: int, session: bytes = b"SESSION001", line: int = 0) -> Ether:
    """A MoldUDP64 packet on one of two lines."""
    blocks = message(0) * messages
    header = session + sequence.to_bytes(8, "big") + messages.to_bytes(2, "big")
    return Ether() / IP(dst=f"233.54.12.{1 + line}") / UDP(dport=26400) / (header + blocks)


def assert_none_is_early(arrivals: list[Arrival], due_ns: list[float]) -> None:
    """Each came when it was due, or later."""
    assert len(arrivals) == len(due_ns)
    for arrival, due in zip(arrivals, due_ns, strict=True):
        assert arrival.ns >= due * (1 - CLOCKS)


def test_a_bare_feed_comes_at_a_rate_of_messages(tmp_path: Path) -> None:
    content = [message(number) for number in range(3000)]
    path = tmp_path / "feed"
    path.write_bytes(b"".join(content))
    arrivals, error = read(path, port.RATE, rate=10_000)
    assert error is None
    messages = messages_of(arrivals)
    assert [arrival.data for arrival in messages] == content
    assert_none_is_early(messages, [number * 0.1 * MS for number in range(3000)])


def test_a_bare_feed_comes_at_the_times_in_its_messages(tmp_path: Path) -> None:
    begin = 34_200_000_000_000
    times = [begin + offset * MS for offset in (0, 0, 30, 20, 90, 91, 150)]
    content = [message(ns) for ns in times[:4]] + [message(0, length=1)] + [message(ns) for ns in times[4:]]
    path = tmp_path / "feed"
    path.write_bytes(b"".join(content))
    arrivals, error = read(path, port.RECORDED)
    assert error is None
    messages = messages_of(arrivals)
    assert [arrival.data for arrival in messages] == content
    # One from before its predecessor, and one too short to hold a time, are due with the one before.
    assert_none_is_early(messages, [offset * MS for offset in (0, 0, 30, 30, 30, 90, 91, 150)])


def test_a_capture_comes_at_the_times_of_its_packets(tmp_path: Path) -> None:
    offsets_ms = [0, 40, 25, 110, 110, 200]
    packets = [packet(1 + number, 1) for number in range(len(offsets_ms))]
    for made, offset in zip(packets, offsets_ms, strict=True):
        made.time = 1_700_000_000 + offset / 1000
    path = tmp_path / "capture"
    wrpcap(str(path), packets)
    arrivals, error = read(path, port.RECORDED)
    assert error is None
    assert [arrival.data for arrival in arrivals] == [bytes(made) for made in packets]
    # A microsecond is lost in the file.
    assert_none_is_early(arrivals, [max(0, offset * MS - 1000) for offset in (0, 40, 40, 110, 110, 200)])


def test_a_capture_comes_at_a_rate_of_messages(tmp_path: Path) -> None:
    counts = [1, 30, 0, 100, 5, 64, 200, 1]
    packets, due, sequence = [], [], 1
    for count in counts:
        packets.append(packet(sequence, count))
        due.append((sequence - 1) * 0.5 * MS)
        sequence += count
    path = tmp_path / "capture"
    wrpcap(str(path), packets)
    arrivals, error = read(path, port.RATE, rate=2000)
    assert error is None
    assert [arrival.data for arrival in arrivals] == [bytes(made) for made in packets]
    assert_none_is_early(arrivals, due)


def test_messages_that_another_line_has_brought_take_no_time(tmp_path: Path) -> None:
    # 40 messages at 400 a second are 0.1 s; all copies of them together would be 10 s.
    packets = []
    for number in range(40):
        packets += [Raw(bytes(packet(1 + number, 1, line=line))) for line in (0, 1)] * 50
    path = tmp_path / "capture"
    wrpcap(str(path), packets, linktype=1)
    start = time.monotonic()
    arrivals, error = read(path, port.RATE, rate=400)
    assert error is None
    assert len(arrivals) == len(packets)
    assert arrivals[-1].ns >= 39 / 400 * 1e9 * (1 - CLOCKS)
    assert time.monotonic() - start < 9


def test_another_session_is_counted_from_its_own_start(tmp_path: Path) -> None:
    packets = [packet(1000 + number * 10, 10) for number in range(10)]
    packets += [packet(1 + number * 10, 10, b"SESSION002") for number in range(10)]
    path = tmp_path / "capture"
    wrpcap(str(path), packets)
    arrivals, _ = read(path, port.RATE, rate=2000)
    assert_none_is_early(arrivals, [number * 5 * MS for number in range(20)])


def test_frames_that_are_no_feed_take_no_time(tmp_path: Path) -> None:
    path = tmp_path / "capture"
    wrpcap(str(path), [Ether() / IP() / UDP() / b"no feed"] * 500)
    arrivals, error = read(path, port.RATE, rate=1)
    assert error is None
    assert len(arrivals) == 500


def test_what_is_whole_comes_before_the_error(tmp_path: Path) -> None:
    path = tmp_path / "feed"
    path.write_bytes(message(1) * 50 + message(2)[:7])
    arrivals, error = read(path, port.RATE, rate=1000)
    assert len(messages_of(arrivals)) == 50
    assert error is not None
    assert str(path) in error


def test_the_fastest_rate_is_as_fast_as_no_pace(tmp_path: Path) -> None:
    path = tmp_path / "feed"
    path.write_bytes(message(1) * 20_000)
    assert len(messages_of(read(path, port.RATE, rate=2**64 - 1)[0])) == 20_000
    assert len(messages_of(read(path, port.FLAT)[0])) == 20_000


@pytest.mark.parametrize(("pace", "told"), [(port.RATE, "a rate of 0"), (9, "no pace of number 9")])
def test_a_pace_that_makes_no_sense_is_told(tmp_path: Path, pace: int, told: str) -> None:
    path = tmp_path / "feed"
    path.write_bytes(message(1))
    assert told in port.planned_refusal(port.FILE, path, pace=pace)


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    message = port.planned_refusal(port.FILE, tmp_path / "missing", pace=port.RECORDED)
    assert "missing" in message
