"""The port of kernel sockets, over loopback: what comes in on which line, and what it sends."""

from __future__ import annotations

import itertools
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model import port
from model.port import Frame, Line, Port
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

LONGEST = 65_507
WAIT_S = 20
IP_TTL, IP_RECVTTL = 2, 12  # of Linux; Python has no name for the second
_NUMBERS = itertools.count(1)


def free_port() -> int:
    """A UDP port that nobody uses at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def two_lines() -> list[Line]:
    """Groups and ports of this test alone."""
    number = next(_NUMBERS)
    return [Line(f"239.201.{number}.1", free_port()), Line(f"239.201.{number}.2", free_port())]


@contextmanager
def sender() -> Iterator[socket.socket]:
    """A socket that sends multicast over loopback, to this host."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        yield out


def receive(opened: Port, count: int) -> list[Frame]:
    """Receive until there are so many, or waiting is in vain."""
    frames: list[Frame] = []
    end = time.monotonic() + WAIT_S
    while len(frames) < count and time.monotonic() < end:
        frames += opened.taken()
    return frames


@pytest.mark.parametrize("where", ["lo", "127.0.0.1"])
def test_datagrams_come_with_their_line_and_the_time_of_the_kernel(where: str) -> None:
    lines = two_lines()
    with port.planned(port.UDP, where, lines) as opened, sender() as out:
        before = time.time_ns()
        out.sendto(b"to line A", lines[0])
        out.sendto(b"to line B", lines[1])
        frames = receive(opened, 2)
        after = time.time_ns()
    assert sorted((frame.line, frame.data) for frame in frames) == [(0, b"to line A"), (1, b"to line B")]
    assert all(frame.kind == port.DATAGRAM and before <= frame.time_ns <= after for frame in frames)


def test_the_interface_may_be_given_as_an_address_alone() -> None:
    lines = two_lines()
    loopback = int.from_bytes(socket.inet_aton("127.0.0.1"), "big")
    with port.planned(port.UDP, "", lines, interface_ip=loopback) as opened, sender() as out:
        out.sendto(b"hello", lines[1])
        assert [frame.data for frame in receive(opened, 1)] == [b"hello"]


def test_only_the_groups_of_the_plan_come_in() -> None:
    lines = two_lines()
    other_group = (lines[0].group[:-1] + "9", lines[0].port)
    other_port = (lines[0].group, lines[1].port)
    request = socket.inet_aton(other_group[0]) + socket.inet_aton("127.0.0.1")
    with (
        port.planned(port.UDP, "lo", lines) as opened,
        sender() as out,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as neighbour,
    ):
        # Another program has joined that group, on the same interface and the same port.
        neighbour.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        neighbour.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
        for place in (other_group, other_port, ("127.0.0.1", lines[0].port), lines[0]):
            out.sendto(f"{place}".encode(), place)
        assert [frame.data for frame in receive(opened, 1)] == [f"{lines[0]}".encode()]
        assert opened.taken() == []


def test_a_datagram_of_any_length_comes_in_whole() -> None:
    lines = two_lines()
    payloads = [bytes([length % 251]) * length for length in (0, 1, 1472, 1473, 9000, 32_768, LONGEST)]
    with port.planned(port.UDP, "lo", lines, receive_buffer_bytes=1 << 20) as opened, sender() as out:
        for payload in payloads:
            out.sendto(payload, lines[0])
        assert [frame.data for frame in receive(opened, len(payloads))] == payloads
        assert opened.counters() == {
            "frames": len(payloads),
            "bytes": sum(map(len, payloads)),
            "bursts": opened.counters()["bursts"],
        }


def test_lines_take_turns_when_both_have_much() -> None:
    lines = two_lines()
    with port.planned(port.UDP, "lo", lines, receive_buffer_bytes=1 << 20) as opened, sender() as out:
        for number in range(40):
            for line in lines:
                out.sendto(bytes([number]), line)
        bursts = [opened.taken(10) for _ in range(8)]
        assert opened.taken() == []
    assert [{frame.line for frame in burst} for burst in bursts] == [{0}, {1}] * 4
    for turn in (0, 1):
        assert [frame.data[0] for burst in bursts for frame in burst if frame.line == turn] == list(range(40))


def test_what_the_socket_had_no_room_for_is_counted() -> None:
    lines = two_lines()
    with port.planned(port.UDP, "lo", lines, receive_buffer_bytes=1) as opened, sender() as out:
        for _ in range(100):
            out.sendto(bytes(1000), lines[0])
        while opened.taken():
            pass
        out.sendto(b"the one that tells", lines[0])
        assert [frame.data for frame in receive(opened, 1)] == [b"the one that tells"]
        counters = opened.counters()
    assert counters["dropped"] > 0
    assert counters["frames"] + counters["dropped"] == 101


def test_an_empty_socket_gives_nothing_and_does_not_wait() -> None:
    with port.planned(port.UDP, "lo", two_lines()) as opened:
        assert opened.taken() == []
        assert opened.counters() == {}


def frame_to(line: Line, payload: bytes) -> bytes:
    """An Ethernet frame as a sender makes it."""
    ip = IP(src="10.0.0.1", dst=line.group, ttl=9)
    return bytes(Ether() / ip / UDP(sport=1, dport=line.port, chksum=0) / payload)


def send_all(out: Port, packets: list[tuple[int, bytes]]) -> None:
    """Send again what was not taken."""
    while packets:
        taken = out.send(packets)
        assert 0 <= taken <= len(packets)
        packets = packets[taken:]


def test_a_sending_port_sends_payloads_to_the_group_of_their_line() -> None:
    lines = two_lines()
    packets = [(number % 2, f"number {number}".encode()) for number in range(100)]
    with (
        port.planned(port.UDP, "lo", lines, receive_buffer_bytes=1 << 20) as opened,
        port.planned(port.UDP, "lo", lines, sends=1) as out,
    ):
        send_all(out, [(line, frame_to(lines[line], payload)) for line, payload in packets])
        frames = receive(opened, len(packets))
        assert out.counters()["sent"] == len(packets)
        assert out.taken() == []
    for line in (0, 1):
        assert [frame.data for frame in frames if frame.line == line] == [
            payload for to, payload in packets if to == line
        ]


def test_padding_of_ethernet_is_not_sent() -> None:
    lines = two_lines()
    with port.planned(port.UDP, "lo", lines) as opened, port.planned(port.UDP, "lo", lines, sends=1) as out:
        send_all(out, [(0, frame_to(lines[0], b"short") + bytes(30))])
        assert [frame.data for frame in receive(opened, 1)] == [b"short"]


def test_what_a_sending_port_sends_stays_in_this_network() -> None:
    line = two_lines()[0]
    request = struct.pack("4s4s", socket.inet_aton(line.group), socket.inet_aton("127.0.0.1"))
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener,
        port.planned(port.UDP, "127.0.0.1", [line], sends=1) as out,
    ):
        listener.settimeout(WAIT_S)
        listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
        listener.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        listener.bind((line.group, line.port))
        send_all(out, [(0, frame_to(line, b"near"))])
        data, ancillary, _, address = listener.recvmsg(100, 100)
    assert data == b"near"
    assert address[0] == "127.0.0.1"
    assert [struct.unpack("i", value)[0] for _, kind, value in ancillary if kind == IP_TTL] == [1]


def test_a_datagram_that_the_kernel_refuses_is_dropped_and_counted() -> None:
    lines = two_lines()
    nowhere = [Line("0.0.0.0", 0), lines[1]]
    with port.planned(port.UDP, "lo", lines) as opened, port.planned(port.UDP, "lo", nowhere, sends=1) as out:
        send_all(out, [(0, frame_to(lines[0], b"refused")), (1, frame_to(lines[1], b"sent"))])
        assert [frame.data for frame in receive(opened, 1)] == [b"sent"]
        assert out.counters() == {"errors": 1, "sent": 1, "unsent": 1}


@settings(max_examples=25)
@given(packets=st.lists(st.tuples(st.sampled_from([0, 1]), st.binary(max_size=2000)), max_size=80))
def test_every_line_keeps_its_order(packets: list[tuple[int, bytes]]) -> None:
    lines = two_lines()
    with port.planned(port.UDP, "lo", lines, receive_buffer_bytes=1 << 20) as opened, sender() as out:
        for line, payload in packets:
            out.sendto(payload, lines[line])
        frames = receive(opened, len(packets))
    for line in (0, 1):
        assert [frame.data for frame in frames if frame.line == line] == [
            payload for to, payload in packets if to == line
        ]


def test_a_line_may_be_an_address_of_this_host() -> None:
    line = Line("127.0.0.1", free_port())
    with port.planned(port.UDP, "", [line]) as opened, sender() as out:
        out.sendto(b"unicast", line)
        assert [frame.data for frame in receive(opened, 1)] == [b"unicast"]


@pytest.mark.parametrize(
    ("where", "line", "told"),
    [
        ("nosuch0", Line("239.201.0.1", 26400), "no interface is called nosuch0"),
        ("203.0.113.7", Line("239.201.0.1", 26400), "cannot join 239.201.0.1:26400 on 203.0.113.7"),
        ("lo", Line("203.0.113.7", 26400), "cannot receive on 203.0.113.7:26400"),
    ],
)
def test_what_cannot_be_received_is_told_in_one_line(where: str, line: Line, told: str) -> None:
    message = port.planned_refusal(port.UDP, where, [line])
    assert told in message
    assert "\n" not in message


@pytest.mark.parametrize("where", ["nosuch0", "203.0.113.7"])
def test_an_interface_that_cannot_send_is_told_in_one_line(where: str) -> None:
    message = port.planned_refusal(port.UDP, where, two_lines(), sends=1)
    assert where in message
    assert "\n" not in message


def test_python_has_no_dpdk_and_says_so() -> None:
    assert "without DPDK" in port.planned_refusal(port.DPDK, "net_null0")


def test_a_kind_that_does_not_exist_is_told() -> None:
    assert port.planned_refusal(77, "lo") == "there is no port of kind 77"
