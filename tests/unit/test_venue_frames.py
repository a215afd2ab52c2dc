"""Whole frames of the simulated exchange, as a network card gets them: read by scapy from a capture."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from typing import Any

import pytest
from model.command import COMMAND
from model.exchange import Packet, parse
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import rdpcap

from appliance.programs import built_with_dpdk

MESSAGES = 3_000
ANY_PORTS = ("--requests", "127.0.0.1:0", "--snapshots", "127.0.0.1:0")
GROUPS = {"A": ("239.192.7.1", 26411), "B": ("239.200.7.2", 26412)}


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Send a day into a capture."""
    if not built_with_dpdk("venue-feed"):
        pytest.skip("this build has no DPDK")
    path = tmp_path_factory.mktemp("venue") / "sent.pcap"
    done = subprocess.run(
        [*COMMAND, "venue", "--messages", str(MESSAGES), "--symbols", "10", *ANY_PORTS,
         "--lead-in", "0.1", "--linger", "0", "--interface", "10.9.8.7",
         "--group-a", "239.192.7.1:26411", "--group-b", "239.200.7.2:26412",
         "--device", f"net_pcap0,tx_pcap={path}", "--eal=--no-huge -m 128"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return list(rdpcap(str(path)))


def line_of(frame: Any) -> str:
    destinations = {at: line for line, at in GROUPS.items()}
    return destinations[frame[IP].dst, frame[UDP].dport]


def packets(frames: list[Any], line: str) -> list[Packet]:
    return [parse(bytes(frame[UDP].payload), line) for frame in frames if line_of(frame) == line]


def test_all_checksums_and_lengths_are_those_that_scapy_computes(frames: list[Any]) -> None:
    assert len(frames) > 2 * MESSAGES / 30
    for frame in frames:
        again = frame.copy()
        for layer, name in ((IP, "chksum"), (IP, "len"), (UDP, "chksum"), (UDP, "len")):
            again[layer].delfieldval(name)
        assert bytes(Ether(bytes(again))) == bytes(frame)
        assert frame[UDP].chksum != 0


def test_addresses_are_those_of_the_line_and_its_group(frames: list[Any]) -> None:
    hardware = {"A": "01:00:5e:40:07:01", "B": "01:00:5e:48:07:02"}
    for frame in frames:
        assert frame.dst == hardware[line_of(frame)], "the low 23 bits of the group"
        assert int(frame.src.split(":")[0], 16) & 3 == 2, "local, and of one card"
        assert frame[IP].src == "10.9.8.7"
        assert frame[IP].flags == "DF"
        assert frame[IP].ttl > 1


def test_datagrams_of_a_line_are_numbered(frames: list[Any]) -> None:
    for line in GROUPS:
        numbers = [frame[IP].id for frame in frames if line_of(frame) == line]
        assert all(after == (before + 1) % 65536 for before, after in pairwise(numbers))


def test_both_lines_carry_the_same_packets(frames: list[Any]) -> None:
    of_lines = [[packet._replace(line="") for packet in packets(frames, line)] for line in GROUPS]
    assert of_lines[0] == of_lines[1]
    assert sum(packet.number for packet in of_lines[0] if packet.is_data) == MESSAGES
