"""Captures of the synthetic market, read back with scapy."""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import RawPcapReader

from appliance.synth import Lines, Market, SynthError, SyntheticMarket, Written, write_feed

_MIDNIGHT_S = 1577682000  # 2019-12-30 in New York
_SYSTEM_HOURS_NS = 16 * 3600 * 10**9
_GROUPS = {"239.192.1.1": 0, "239.192.2.1": 1}
_END_OF_SESSION = 0xFFFF


@dataclass
class Line:
    """What one line carried, in the order of arrival."""

    packets: list[tuple[int, list[bytes]]] = field(default_factory=list)  # sequence, blocks
    signals: list[tuple[int, int]] = field(default_factory=list)  # sequence, count
    times_ns: list[int] = field(default_factory=list)

    def messages(self) -> dict[int, bytes]:
        """Return the framed messages of this line by sequence number."""
        return {sequence + i: block for sequence, blocks in self.packets for i, block in enumerate(blocks)}


@dataclass
class Capture:
    """A capture file, its two lines, and what the writer says of it."""

    written: Written
    frames: list[bytes]
    lines: tuple[Line, Line]
    times_ns: list[int]


def blocks_of(payload: bytes) -> list[bytes]:
    """Split the blocks of a MoldUDP64 packet, each with its length; nothing may be left over."""
    blocks, at = [], 20
    while at < len(payload):
        (length,) = struct.unpack_from(">H", payload, at)
        blocks.append(payload[at : at + 2 + length])
        at += 2 + length
    assert at == len(payload)
    return blocks


def capture(path: Path, market: Market) -> Capture:
    """Write a capture and read it back."""
    written = write_feed(market, str(path))
    lines, frames, times_ns = (Line(), Line()), [], []
    for frame, meta in RawPcapReader(str(path)):
        times_ns.append((meta.sec - _MIDNIGHT_S) * 10**9 + meta.usec)  # the field holds nanoseconds here
        frames.append(frame)
        line = lines[_GROUPS[".".join(map(str, frame[30:34]))]]
        payload = frame[42:]
        session, sequence, count = struct.unpack_from(">10sQH", payload)
        assert session == b"SYNTHETIC "
        line.times_ns.append(times_ns[-1])
        if count in (0, _END_OF_SESSION):
            assert len(payload) == 20
            line.signals.append((sequence, count))
        else:
            blocks = blocks_of(payload)
            assert len(blocks) == count
            line.packets.append((sequence, blocks))
    return Capture(written, frames, lines, times_ns)


def feed(messages: int, symbols: int, seed: int) -> bytes:
    """Return the same day as a plain file."""
    with SyntheticMarket(Market(messages, symbols, seed)) as market:
        return b"".join(bytes(piece) for piece in market.chunks())


def joined(messages: dict[int, bytes]) -> bytes:
    """Return the messages in sequence; none may be missing."""
    assert sorted(messages) == list(range(1, len(messages) + 1))
    return b"".join(messages[sequence] for sequence in sorted(messages))


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    """Give a capture without faults."""
    path = tmp_path_factory.mktemp("synth") / "clean.pcap"
    return capture(path, Market(20_000, 40, 5, lines=Lines(heartbeat_s=60)))


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    """Give a capture with all faults but the gap on both lines."""
    path = tmp_path_factory.mktemp("synth") / "faulty.pcap"
    lines = Lines(loss_a=0.05, loss_b=0.1, duplicate=0.03, reorder=0.04, reorder_depth=6, heartbeat_s=600)
    return capture(path, Market(60_000, 40, 6, lines=lines))


def test_each_line_alone_carries_the_plain_feed_in_order(clean: Capture) -> None:
    plain = feed(20_000, 40, 5)
    for line in clean.lines:
        assert b"".join(block for _, blocks in line.packets for block in blocks) == plain
        expected = 1
        for sequence, blocks in line.packets:
            assert sequence == expected
            expected += len(blocks)


def test_scapy_computes_the_same_checksums_and_lengths(clean: Capture) -> None:
    for frame in clean.frames[:1500] + clean.frames[-10:]:
        packet = Ether(frame)
        assert packet[IP].dst in _GROUPS
        assert packet[UDP].dport == 26400
        assert packet[UDP].chksum != 0
        low = int.from_bytes(frame[30:34]) & 0x7FFFFF  # the group's multicast address, RFC 1112
        assert packet.dst == ":".join(f"{byte:02x}" for byte in (0x01005E << 24 | low).to_bytes(6))
        for layer, name in ((IP, "len"), (IP, "chksum"), (UDP, "len"), (UDP, "chksum")):
            packet[layer].delfieldval(name)
        assert bytes(packet) == frame


def test_packets_hold_bursts_of_3_to_30_messages_and_at_most_1400_bytes(clean: Capture) -> None:
    sizes = Counter(len(blocks) for _, blocks in clean.lines[0].packets)
    assert max(sizes) <= 30
    assert max(len(frame) for frame in clean.frames) <= 42 + 1400
    in_bursts = sum(size * count for size, count in sizes.items() if size >= 3)
    assert in_bursts > 0.95 * 20_000


def test_records_are_in_the_order_of_their_times_and_either_line_may_be_ahead(clean: Capture) -> None:
    assert clean.times_ns == sorted(clean.times_ns)
    for line in clean.lines:
        assert line.times_ns == sorted(line.times_ns)
    ahead = Counter(a < b for a, b in zip(clean.lines[0].times_ns, clean.lines[1].times_ns, strict=True))
    assert min(ahead.values()) > 100


def test_packets_leave_within_microseconds_of_their_last_message(clean: Capture) -> None:
    line = clean.lines[0]
    data_times = dict(zip([sequence for sequence, _ in line.packets], line.times_ns, strict=False))
    first = line.packets[0]
    venue_ns = int.from_bytes(first[1][-1][7:13])
    assert 0 < data_times[first[0]] - venue_ns < 100_000


def test_an_idle_line_sends_heartbeats_and_the_day_ends_with_the_end_of_session(clean: Capture) -> None:
    for line in clean.lines:
        counts = [count for _, count in line.signals]
        assert counts[-3:] == [_END_OF_SESSION] * 3
        assert set(counts[:-3]) == {0}
        assert {sequence for sequence, count in line.signals if count} == {20_001}
        gaps = [later - earlier for earlier, later in zip(line.times_ns, line.times_ns[1:], strict=False)]
        assert max(gaps) < 60.001e9
    assert clean.written.counters.heartbeats == len(clean.lines[0].signals) - 3


def test_a_heartbeat_names_the_next_sequence_number(tmp_path: Path) -> None:
    path = tmp_path / "short.pcap"
    found = capture(path, Market(30, 3, lines=Lines(heartbeat_s=600)))
    expected, beats = 1, 0
    for frame in (frame for frame in found.frames if frame[33] == 1 and frame[32] == 1):
        sequence, count = struct.unpack_from(">QH", frame, 52)
        assert sequence == expected
        expected += count if count != _END_OF_SESSION else 0
        beats += count == 0
    assert beats > 50


def test_whatever_one_line_loses_the_other_brings(faulty: Capture) -> None:
    a, b = (line.messages() for line in faulty.lines)
    assert len(a) < 60_000
    assert len(b) < 60_000
    assert joined(a | b) == feed(60_000, 40, 6)


def test_faults_are_about_as_frequent_as_asked(faulty: Capture) -> None:
    counters = faulty.written.counters
    total = counters.packets[0] + counters.lost[0]
    assert total == counters.packets[1] + counters.lost[1]
    assert counters.lost[0] / total == pytest.approx(0.05, rel=0.25)
    assert counters.lost[1] / total == pytest.approx(0.1 - 0.05 * 0.1, rel=0.25)
    assert counters.lost_on_both == 0
    for line in (0, 1):
        assert counters.duplicated[line] / counters.packets[line] == pytest.approx(0.03, rel=0.3)
        assert counters.reordered[line] / counters.packets[line] == pytest.approx(0.04, rel=0.3)


def test_the_counters_are_those_of_the_frames(faulty: Capture) -> None:
    counters = faulty.written.counters
    for number, line in enumerate(faulty.lines):
        times = Counter(sequence for sequence, _ in line.packets)
        assert len(times) == counters.packets[number]
        assert sum(times.values()) - len(times) == counters.duplicated[number]
        late, highest = 0, 0
        for sequence in dict.fromkeys(sequence for sequence, _ in line.packets):
            late += sequence < highest
            highest = max(highest, sequence)
        assert late <= counters.reordered[number]
        assert late > 0.7 * counters.reordered[number]  # the rest was released when nothing had overtaken it


def test_a_late_packet_is_overtaken_by_few(faulty: Capture) -> None:
    for line in faulty.lines:
        arrivals = list(dict.fromkeys(sequence for sequence, _ in line.packets))
        for at, sequence in enumerate(arrivals):
            overtakers = sum(other > sequence for other in arrivals[max(0, at - 40) : at])
            assert overtakers <= 12


def test_only_the_option_for_it_loses_a_packet_on_both_lines(tmp_path: Path) -> None:
    lines = Lines(same_gap=0.03, loss_a=0.02, loss_burst=3, heartbeat_s=0)
    found = capture(tmp_path / "gaps.pcap", Market(40_000, 40, 8, lines=lines))
    counters = found.written.counters
    union = found.lines[0].messages() | found.lines[1].messages()
    total = counters.packets[0] + counters.lost[0]
    assert counters.lost_on_both / total == pytest.approx(0.03, rel=0.3)
    assert len(union) < 40_000
    plain = feed(40_000, 40, 8)
    assert all(block in plain for block in list(union.values())[:100])
    assert counters.heartbeats == 0


def test_a_dead_line_leaves_everything_to_the_other(tmp_path: Path) -> None:
    found = capture(
        tmp_path / "dead.pcap", Market(5000, 10, lines=Lines(loss_a=1, loss_b=0.3, heartbeat_s=0))
    )
    assert found.lines[0].packets == []
    assert joined(found.lines[1].messages()) == feed(5000, 10, 1)


def test_losses_come_in_runs_of_the_length_asked_for(tmp_path: Path) -> None:
    lines = Lines(loss_a=0.1, loss_burst=8, heartbeat_s=0)
    found = capture(tmp_path / "bursts.pcap", Market(100_000, 40, lines=lines))
    lost = found.written.counters.lost[0]
    complete = [sequence for sequence, _ in found.lines[1].packets]
    kept = {sequence for sequence, _ in found.lines[0].packets}
    runs = sum(
        sequence not in kept and (at == 0 or complete[at - 1] in kept) for at, sequence in enumerate(complete)
    )
    assert lost / len(complete) == pytest.approx(0.1, rel=0.3)
    assert lost / runs == pytest.approx(8, rel=0.3)


def test_the_same_options_give_the_same_capture(tmp_path: Path) -> None:
    market = Market(3000, 10, lines=Lines(loss_a=0.1, duplicate=0.1, reorder=0.1, heartbeat_s=0))
    first, second = tmp_path / "first", tmp_path / "second"
    write_feed(market, str(first))
    write_feed(market, str(second))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (Lines(loss_a=1.5), "probability"),
        (Lines(reorder=-0.1), "probability"),
        (Lines(reorder_depth=0), "reorder depth 0"),
        (Lines(reorder_depth=65), "reorder depth 65"),
        (Lines(loss_burst=0), "loss burst 0"),
        (Lines(heartbeat_s=-1), "heartbeat"),
        (Lines(session=""), "session"),
        (Lines(session="ELEVENCHARS"), "session"),
        (Lines(group_a="239.192.1.1"), "ADDRESS:PORT"),
        (Lines(group_a="239.192.1.1:0"), "ADDRESS:PORT"),
        (Lines(group_b="10.0.0.1:26400"), "line B: needs a multicast group"),
        (Lines(group_b="239.192.1.1:26400"), "same group and port"),
    ],
)
def test_lines_that_cannot_be_are_refused(lines: Lines, words: str) -> None:
    with pytest.raises(SynthError, match=words):
        SyntheticMarket(Market(1000, 10, lines=lines))
