"""IGMP against scapy: the reports byte for byte, and which frames are a router's query."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.igmp import IGMP_MQ, IGMPv2_LG, IGMPv2_MR, IGMPv3_MQ, IGMPv3_MR, IGMPv3_MR_Group
from scapy.layers.inet import IP, UDP, IPOption_Router_Alert
from scapy.layers.l2 import Dot1Q, Ether

from appliance import native

JOIN, PRESENT, LEAVE = 0, 1, 2
MAC = "02:00:5e:10:20:30"
GROUPS = ["233.54.12.111", "239.129.255.255"]
ADDRESSES = st.ip_addresses(v=4, network="224.0.0.0/4").map(str)


def number(address: str) -> int:
    """An IPv4 address as one number."""
    return int(ipaddress.IPv4Address(address))


def report(version: int, what: int, groups: list[str], source: str = "10.1.2.3") -> bytes:
    """The frame that the code under test sends."""
    ffi = native.ffi()
    frame = ffi.new("uint8_t[200]", bytes([0xEE]) * 200)
    numbers = [number(group) for group in groups]
    mac = bytes.fromhex(MAC.replace(":", ""))
    length = native.library().api_igmp_report(
        version, mac, number(source), what, numbers, len(numbers), frame
    )
    return bytes(ffi.buffer(frame, length))


def query(frame: bytes) -> tuple[int, str]:
    """The version and the group that a frame asks about; version 0 if it is no query."""
    group = native.ffi().new("uint32_t *")
    version = native.library().api_igmp_query(frame, len(frame), group)
    return version, str(ipaddress.IPv4Address(group[0]))


def packet(to: str, source: str = "10.1.2.3") -> Any:
    """What stands in front of IGMP, as scapy makes it."""
    last = number(to) & 0x7FFFFF
    mac = ":".join(f"{byte:02x}" for byte in (0x01, 0x00, 0x5E, *last.to_bytes(3, "big")))
    ip = IP(src=source, dst=to, ttl=1, tos=0xC0, id=0, options=[IPOption_Router_Alert()])
    return Ether(dst=mac, src=MAC) / ip


@pytest.mark.parametrize(("what", "record"), [(JOIN, 4), (PRESENT, 2), (LEAVE, 3)])
def test_a_report_of_version_3_is_what_scapy_makes_of_it(what: int, record: int) -> None:
    records = [IGMPv3_MR_Group(rtype=record, maddr=group) for group in GROUPS]
    expected = packet("224.0.0.22") / IGMPv3_MR(records=records)
    assert report(3, what, GROUPS) == bytes(expected)


@pytest.mark.parametrize("what", [JOIN, PRESENT])
@pytest.mark.parametrize("group", GROUPS)
def test_a_report_of_version_2_goes_to_its_group(what: int, group: str) -> None:
    assert report(2, what, [group]) == bytes(packet(group) / IGMPv2_MR(mrcode=0, gaddr=group))


def test_a_leave_of_version_2_goes_to_all_routers() -> None:
    expected = packet("224.0.0.2") / IGMPv2_LG(mrcode=0, gaddr=GROUPS[0])
    assert report(2, LEAVE, GROUPS[:1]) == bytes(expected)


@given(
    groups=st.lists(ADDRESSES, min_size=1, max_size=16),
    source=st.ip_addresses(v=4).map(str),
    version=st.sampled_from([2, 3]),
)
def test_every_report_has_right_checksums(groups: list[str], source: str, version: int) -> None:
    frame = report(version, JOIN, groups, source)
    again = Ether(frame)
    for layer in again.iterpayloads():
        if hasattr(layer, "chksum"):
            del layer.chksum
    assert bytes(again) == frame


def test_a_query_of_either_version_is_heard_with_its_group() -> None:
    general_v3 = packet("224.0.0.1") / IGMPv3_MQ(mrcode=100)
    assert query(bytes(general_v3)) == (3, "0.0.0.0")
    assert query(bytes(packet("224.0.0.1") / IGMP_MQ(gaddr="0.0.0.0"))) == (2, "0.0.0.0")
    of_one = packet(GROUPS[0]) / IGMP_MQ(gaddr=GROUPS[0])
    assert query(bytes(of_one)) == (2, GROUPS[0])
    padded = bytes(of_one) + bytes(14)  # Ethernet's shortest frame
    assert query(padded) == (2, GROUPS[0])


def test_what_is_no_query_is_not_heard() -> None:
    real = bytes(packet("224.0.0.1") / IGMP_MQ(gaddr="0.0.0.0"))
    damaged = bytearray(real)
    damaged[-1] ^= 1
    for frame in (
        bytes(damaged),
        report(3, JOIN, GROUPS),
        report(2, LEAVE, GROUPS[:1]),
        bytes(Ether() / IP(dst=GROUPS[0]) / UDP(dport=26400) / b"feed"),
        bytes(Ether() / Dot1Q(vlan=7) / IP(real[14:])),
        *(real[:length] for length in range(len(real))),
    ):
        assert query(frame)[0] == 0
    assert query(real)[0] == 2
