"""From Ethernet frames to UDP datagrams: scapy builds the frames, its checksums decide.

Every frame is laid against the end of a page behind which nothing may be read: a read too far ends the run.
"""

from __future__ import annotations

import mmap
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cffi import FFI
from hypothesis import assume, example, given
from hypothesis import strategies as st
from model import port
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_NOP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.packet import Packet, Raw
from scapy.utils import rdpcap

from appliance import native

GROUP, PORT = "233.54.12.111", 26477
GROUP_NUMBER = 0xE9360C6F
PAYLOAD = b"of an odd length: 21."
BUFFER_BYTES = 80 << 10


class Parsed(NamedTuple):
    """What became of a frame; payload and destination only if it is a datagram."""

    verdict: str
    payload: bytes | None = None
    ip: int | None = None
    port: int | None = None


@cache
def guarded_end() -> Any:
    """Map memory and return the address behind its last readable byte."""
    libc = FFI()
    libc.cdef("""
        void *mmap(void *, size_t, int, int, int, long);
        int mprotect(void *, size_t, int);
    """)
    c = libc.dlopen(None)
    readable = mmap.PROT_READ | mmap.PROT_WRITE
    base = c.mmap(libc.NULL, BUFFER_BYTES + 4096, readable, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    end = libc.cast("char *", base) + BUFFER_BYTES
    assert c.mprotect(end, 4096, 0) == 0
    return native.ffi().cast("uint8_t *", int(libc.cast("uintptr_t", end)))


def parse(frame: Packet | bytes, counters: Any = None) -> Parsed:
    """Parse one frame."""
    ffi, library = native.ffi(), native.library()
    data = bytes(frame)
    at = guarded_end() - len(data)
    ffi.memmove(at, data, len(data))
    udp = ffi.new("struct frame_udp *")
    verdict = library.api_frame_parse(at, len(data), udp, counters or ffi.new("struct frame_counters *"))
    name = ffi.string(library.api_frame_verdict_name(verdict)).decode()
    if name != "udp":
        return Parsed(name)
    return Parsed(name, bytes(ffi.buffer(udp.payload, udp.length)), udp.ip, udp.port)


def datagram(payload: bytes = PAYLOAD, tags: Packet | None = None, **ip: Any) -> Packet:
    """A good datagram, behind some tags."""
    ethernet = Ether() / tags if tags else Ether()
    return ethernet / IP(dst=GROUP, **ip) / UDP(sport=1, dport=PORT) / Raw(payload)


def spoiled(offset: int, *values: int) -> bytes:
    """A good datagram with some bytes of its IPv4 packet overwritten; the header checksum fits."""
    frame = bytearray(bytes(datagram()))
    frame[14 + offset : 14 + offset + len(values)] = bytes(values)
    if offset < 20 and offset != 10:
        frame[24:26] = b"\0\0"
        words = sum(int.from_bytes(frame[at : at + 2], "big") for at in range(14, 34, 2))
        frame[24:26] = (~(words % 0xFFFF) & 0xFFFF).to_bytes(2, "big")
    return bytes(frame)


GOOD = Parsed("udp", PAYLOAD, GROUP_NUMBER, PORT)

CASES: dict[str, list[Packet | bytes]] = {
    "udp": [datagram()],
    "short": [b"", bytes(13), bytes(datagram())[:13], bytes(datagram(tags=Dot1Q(vlan=5)))[:16]],
    "not_ipv4": [
        Ether() / ARP(),
        Ether() / IPv6() / UDP(),
        Ether() / Dot1Q(vlan=5) / ARP(),
        b"\xff" * 12 + b"\x00\x40" + bytes(64),  # an IEEE 802.3 length
    ],
    "too_many_tags": [datagram(tags=Dot1Q(vlan=1) / Dot1Q(vlan=2) / Dot1Q(vlan=3))],
    "ip_truncated": [bytes(datagram())[:14], bytes(datagram())[:33], bytes(datagram())[:-1]],
    "ip_version": [datagram(version=5), datagram(version=6)],
    "ip_options": [datagram(options=[IPOption_NOP()])],
    "ip_length": [spoiled(0, 0x44), spoiled(2, 0, 19), spoiled(2, 0, 0)],
    "ip_checksum": [datagram(chksum=0x1234), spoiled(10, 0xFF, 0xFF)],
    "fragment": [datagram(flags="MF"), datagram(frag=1), datagram(flags="MF", frag=0x1FFF)],
    "not_udp": [Ether() / IP(dst=GROUP) / TCP(), Ether() / IP(dst=GROUP) / ICMP()],
    "udp_truncated": [
        spoiled(24, 0, 8 + len(PAYLOAD) + 1),
        spoiled(24, 0xFF, 0xFF),
        spoiled(2, 0, 20),
        spoiled(2, 0, 27),
    ],
    "udp_length": [spoiled(24, 0, 7), spoiled(24, 0, 0)],
    "udp_checksum": [spoiled(26, 0x12, 0x34), spoiled(28, 0xEE), spoiled(16, 233, 54, 12, 112)],
}


@pytest.mark.parametrize(
    ("verdict", "frame"), [(name, frame) for name, all_of in CASES.items() for frame in all_of]
)
def test_every_frame_that_cannot_go_on_is_refused_for_its_reason(verdict: str, frame: Packet | bytes) -> None:
    assert parse(frame).verdict == verdict


def test_every_reason_has_a_name_and_a_case_here() -> None:
    ffi, library = native.ffi(), native.library()
    names: list[str] = []
    while (name := library.api_frame_verdict_name(len(names))) != ffi.NULL:
        names.append(ffi.string(name).decode())
    assert names == list(CASES)


@pytest.mark.parametrize(
    "tags",
    [None, Dot1Q(vlan=141), Dot1AD(vlan=7) / Dot1Q(vlan=141), Dot1Q(vlan=1) / Dot1Q(vlan=2)],
    ids=["untagged", "802.1Q", "802.1ad and 802.1Q", "two 802.1Q"],
)
@pytest.mark.parametrize("padding", [0, 1, 46])
def test_a_datagram_is_found_behind_tags_and_before_padding(tags: Packet | None, padding: int) -> None:
    assert parse(bytes(datagram(tags=tags)) + b"\xaa" * padding) == GOOD


def test_dont_fragment_and_service_class_do_not_matter() -> None:
    assert parse(datagram(flags="DF", tos=0xB8, ttl=1, id=0xFFFF)) == GOOD


def test_bytes_behind_the_datagram_inside_the_ip_packet_are_ignored() -> None:
    frame = Ether() / IP(dst=GROUP) / UDP(sport=1, dport=PORT, len=8 + len(PAYLOAD)) / Raw(PAYLOAD + b"more")
    shorter = datagram()
    frame[UDP].chksum = Ether(bytes(shorter))[UDP].chksum
    assert parse(frame) == GOOD


def test_checksums_of_zero_are_taken_and_counted() -> None:
    counters = native.ffi().new("struct frame_counters *")
    no_udp = Ether() / IP(dst=GROUP) / UDP(sport=1, dport=PORT, chksum=0) / Raw(PAYLOAD)
    assert parse(no_udp, counters) == GOOD
    assert (counters.no_ip_checksum, counters.no_udp_checksum) == (0, 1)
    assert parse(datagram(chksum=0), counters) == GOOD
    assert (counters.no_ip_checksum, counters.no_udp_checksum) == (1, 1)


def test_every_frame_is_counted_once() -> None:
    counters = native.ffi().new("struct frame_counters *")
    for all_of in CASES.values():
        for frame in all_of:
            parse(frame, counters)
    assert list(counters.by_verdict)[: len(CASES)] == [len(all_of) for all_of in CASES.values()]
    assert counters.frames == sum(map(len, CASES.values()))


@given(payload=st.binary(max_size=200), ttl=st.integers(0, 255), identity=st.integers(0, 0xFFFF))
@example(payload=b"", ttl=0, identity=0)
@example(payload=b"\xff" * 1472, ttl=64, identity=1)
def test_any_payload_passes_with_the_checksums_that_scapy_computes(
    payload: bytes, ttl: int, identity: int
) -> None:
    assert parse(datagram(payload, ttl=ttl, id=identity)) == Parsed("udp", payload, GROUP_NUMBER, PORT)


def test_the_longest_datagram_passes() -> None:
    payload = bytes(range(256)) * 255 + bytes(227)
    assert len(payload) == 65507
    assert parse(datagram(payload)) == Parsed("udp", payload, GROUP_NUMBER, PORT)


@given(payload=st.binary(min_size=1, max_size=60), data=st.data())
def test_one_flipped_bit_behind_the_ethernet_header_is_never_taken(
    payload: bytes, data: st.DataObject
) -> None:
    frame = bytearray(bytes(datagram(payload)))
    bit = data.draw(st.integers(14 * 8, len(frame) * 8 - 1))
    frame[bit // 8] ^= 1 << bit % 8
    assume(frame[24:26] != b"\0\0")
    assume(frame[40:42] != b"\0\0")
    assert parse(bytes(frame)).verdict != "udp"


def test_every_cut_of_a_frame_is_refused() -> None:
    frame = bytes(datagram(tags=Dot1Q(vlan=5)))
    assert {parse(frame[:length]).verdict for length in range(len(frame))} == {"short", "ip_truncated"}


@given(st.binary(max_size=100))
def test_arbitrary_bytes_get_a_verdict(noise: bytes) -> None:
    assert parse(noise).verdict in CASES
    assert parse(bytes(12) + b"\x08\x00\x45" + noise).verdict in CASES


def test_all_real_captures_of_the_feed_are_udp_and_those_of_order_entry_are_not(data: Path) -> None:
    for capture in sorted((data / "pcap").glob("*/*.pcap")):
        for frame, packet in zip(port.read(capture).data, rdpcap(str(capture)), strict=True):
            if UDP in packet:
                destination = int.from_bytes(bytes(map(int, packet[IP].dst.split("."))), "big")
                expected = Parsed("udp", bytes(packet[UDP].payload), destination, packet[UDP].dport)
                assert parse(frame) == expected
            else:
                assert parse(frame).verdict == "not_udp"
