"""The file port on captures: pcap and pcapng, built here byte by byte in both byte orders, and by scapy."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from model import port
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import rdpcap, wrpcap, wrpcapng

SECOND = 1_000_000_000
ORDERS = pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
PACKETS = [b"first packet", bytes(range(61)), b"", b"x" * 9000]
ETHERNET, RAW_IP = 1, 101


def write(folder: Path, content: bytes) -> Path:
    """Write a file whose name says nothing about its format."""
    path = folder / "capture"
    path.write_bytes(content)
    return path


def pcap_header(order: str, magic: int = 0xA1B2C3D4, link_type: int = ETHERNET) -> bytes:
    """The 24 bytes of the file."""
    return struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link_type)


def pcap_packet(order: str, seconds: int, fraction: int, data: bytes) -> bytes:
    """One packet behind its 16 bytes."""
    return struct.pack(order + "IIII", seconds, fraction, len(data), len(data)) + data


def block(order: str, kind: int, body: bytes) -> bytes:
    """A pcapng block; the body is padded to four bytes."""
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + length + body + length


def section(order: str) -> bytes:
    """A section header of unknown length."""
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(order: str, *options: tuple[int, bytes], snap: int = 0, link_type: int = ETHERNET) -> bytes:
    """An interface description."""
    body = struct.pack(order + "HHI", link_type, 0, snap)
    for code, value in options:
        body += struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)
    return block(order, 1, body + (struct.pack(order + "HH", 0, 0) if options else b""))


def enhanced(order: str, number: int, units: int, data: bytes) -> bytes:
    """An enhanced packet block."""
    head = struct.pack(order + "IIIII", number, units >> 32, units & 0xFFFFFFFF, len(data), len(data))
    return block(order, 6, head + data)


def simple(order: str, data: bytes, length: int | None = None) -> bytes:
    """A simple packet block."""
    return block(order, 3, struct.pack(order + "I", len(data) if length is None else length) + data)


@ORDERS
@pytest.mark.parametrize(("magic", "unit_ns"), [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1)], ids=["us", "ns"])
@pytest.mark.parametrize("in_gzip", [False, True], ids=["plain", "gzip"])
def test_a_pcap_gives_its_packets_and_times(
    tmp_path: Path, order: str, magic: int, unit_ns: int, in_gzip: bool
) -> None:
    content = pcap_header(order, magic)
    for second, data in enumerate(PACKETS, 1_700_000_000):
        content += pcap_packet(order, second, 123_456, data)
    reading = port.read(write(tmp_path, port.packed(content) if in_gzip else content))
    assert reading.error is None
    assert reading.data == PACKETS
    assert {frame.kind for frame in reading.frames} == {port.ETHERNET}
    assert [frame.time_ns for frame in reading.frames] == [
        second * SECOND + 123_456 * unit_ns for second in range(1_700_000_000, 1_700_000_000 + len(PACKETS))
    ]


@ORDERS
def test_a_long_pcap_is_streamed_in_order(tmp_path: Path, order: str) -> None:
    packets = [number.to_bytes(4, "big") * (1 + number % 350) for number in range(5000)]
    content = pcap_header(order) + b"".join(pcap_packet(order, 1, 2, data) for data in packets)
    assert len(content) > 2 << 20
    for load in (False, True):
        assert port.read(write(tmp_path, content), load).data == packets


@ORDERS
def test_every_kind_of_pcapng_block_is_understood_or_passed_over(tmp_path: Path, order: str) -> None:
    content = section(order)
    content += block(order, 0x0BAD, b"unknown")
    content += interface(order, (2, b"eth0"), snap=62)
    content += enhanced(order, 0, 1_700_000_000_123_456, b"microseconds")
    content += block(order, 4, bytes(2 << 20))  # names, longer than any window
    content += simple(order, b"simple packet")
    content += simple(order, b"s" * 62, length=900)
    content += block(order, 5, bytes(20))  # statistics
    content += enhanced(order, 0, 7, b"odd")
    reading = port.read(write(tmp_path, content))
    assert reading.error is None
    assert [(frame.data, frame.time_ns) for frame in reading.frames] == [
        (b"microseconds", 1_700_000_000 * SECOND + 123_456_000),
        (b"simple packet", 0),
        (b"s" * 62, 0),
        (b"odd", 7000),
    ]


@ORDERS
@pytest.mark.parametrize(
    ("resolution", "units", "expected_ns"),
    [
        (b"\x06", 5_000_001, 5 * SECOND + 1000),
        (b"\x09", 5_000_000_001, 5 * SECOND + 1),
        (b"\x03", 5_001, 5 * SECOND + 1_000_000),
        (b"\x00", 5, 5 * SECOND),
        (b"\x0c", 5_000_000_001_999, 5 * SECOND + 1),
        (b"\x8a", 5 * 1024 + 512, 5 * SECOND + SECOND // 2),
        (b"\xa0", (1_700_000_000 << 32) + (1 << 31), 1_700_000_000 * SECOND + SECOND // 2),
        (b"\xbf", (1 << 63) + (1 << 62), SECOND + SECOND // 2),
        (b"\x13", 10**19, SECOND),
    ],
)
def test_pcapng_times_follow_the_resolution_of_their_interface(
    tmp_path: Path, order: str, resolution: bytes, units: int, expected_ns: int
) -> None:
    content = section(order) + interface(order) + interface(order, (9, resolution))
    content += enhanced(order, 1, units, b"timed") + enhanced(order, 0, 1, b"default")
    frames = port.read(write(tmp_path, content)).frames
    assert [frame.time_ns for frame in frames] == [expected_ns, 1000]


def test_a_pcapng_time_offset_is_added(tmp_path: Path) -> None:
    content = section("<") + interface("<", (9, b"\x09"), (14, struct.pack("<q", 1_600_000_000)))
    content += interface("<", (14, struct.pack("<q", -3))) + enhanced("<", 0, 7, b"a")
    content += enhanced("<", 1, 5_000_000, b"b")
    frames = port.read(write(tmp_path, content)).frames
    assert [frame.time_ns for frame in frames] == [1_600_000_000 * SECOND + 7, 2 * SECOND]


def test_sections_of_different_byte_order_follow_each_other(tmp_path: Path) -> None:
    content = b""
    for order, link in (("<", 2), (">", 3), ("<", 4)):
        content += section(order) + interface(order) * link + enhanced(order, link - 1, 1, order.encode())
    reading = port.read(write(tmp_path, content))
    assert (reading.data, reading.error) == ([b"<", b">", b"<"], None)
    content += section(">") + enhanced(">", 0, 1, b"no interface in this section")
    reading = port.read(write(tmp_path, content))
    assert reading.data == [b"<", b">", b"<"]
    assert "a packet of interface 0, which the section does not describe" in (reading.error or "")


def test_captures_that_scapy_writes_are_read(tmp_path: Path) -> None:
    packets = [Ether() / IP(dst="233.54.12.1") / UDP(dport=26477) / (b"p" * length) for length in range(60)]
    expected = [bytes(packet) for packet in packets]
    wrpcap(str(tmp_path / "a.pcap"), packets)
    wrpcap(str(tmp_path / "b.pcap"), packets, endianness=">", nano=True)
    wrpcapng(str(tmp_path / "c.pcapng"), packets)
    for name in ("a.pcap", "b.pcap", "c.pcapng"):
        reading = port.read(tmp_path / name)
        assert (reading.data, reading.error) == (expected, None)


def complaint(folder: Path, content: bytes) -> tuple[list[bytes], str]:
    """What is read before an error, and the error without its path."""
    path = write(folder, content)
    reading = port.read(path)
    assert reading.error is not None
    assert reading.error.startswith(f"{path}: ")
    return reading.data, reading.error.removeprefix(f"{path}: ")


@ORDERS
def test_a_capture_of_another_link_type_is_refused(tmp_path: Path, order: str) -> None:
    content = pcap_header(order, link_type=RAW_IP) + pcap_packet(order, 1, 1, b"packet")
    said = "the capture is of link type 101, not Ethernet (1), at byte "
    assert complaint(tmp_path, content) == ([], said + "0; all before it is whole")
    content = section(order) + interface(order) + enhanced(order, 0, 1, b"packet")
    content += interface(order, link_type=RAW_IP)
    assert complaint(tmp_path, content) == ([b"packet"], said + "88; all before it is whole")


def test_a_pcap_that_notes_check_sequences_in_its_link_type_is_ethernet(tmp_path: Path) -> None:
    content = pcap_header("<", link_type=0x24000001) + pcap_packet("<", 1, 1, b"packet")
    assert port.read(write(tmp_path, content)).data == [b"packet"]


@ORDERS
def test_a_capture_that_breaks_off_gives_all_whole_packets_before(tmp_path: Path, order: str) -> None:
    pcap = pcap_header(order) + pcap_packet(order, 1, 1, b"packet")
    pcapng = section(order) + interface(order) + enhanced(order, 0, 1, b"packet")
    for content, more in (
        (pcap, pcap_packet(order, 1, 1, b"second")),
        (pcapng, enhanced(order, 0, 1, b"second")),
    ):
        for kept in range(1, len(more)):
            said = f"the last packet, at byte {len(content)}, is cut off after {kept} bytes; "
            assert complaint(tmp_path, content + more[:kept]) == (
                [b"packet"],
                said + "all before it is whole",
            )
    said = "the last packet, at byte 0, is cut off after 23 bytes; all before it is whole"
    assert complaint(tmp_path, pcap[:23]) == ([], said)
    passed_over = pcapng + block(order, 4, bytes(2 << 20))[:-1]
    said = f"the last block is cut off at byte {len(passed_over)}; all before it is whole"
    assert complaint(tmp_path, passed_over) == ([b"packet"], said)


def test_offsets_inside_gzip_count_unpacked_bytes(tmp_path: Path) -> None:
    content = pcap_header("<") + pcap_packet("<", 1, 1, b"packet") + b"end"
    read, said = complaint(tmp_path, port.packed(content))
    assert read == [b"packet"]
    assert said.startswith("the last packet, at byte 46 of the unpacked data, is cut off after 3 bytes")


@ORDERS
def test_damaged_captures_are_refused_where_the_damage_is(tmp_path: Path, order: str) -> None:
    def word(value: int) -> bytes:
        return struct.pack(order + "I", value)

    pcap = pcap_header(order) + word(1) + word(1)
    start = section(order) + interface(order)
    packet = enhanced(order, 0, 1, b"packet")
    cases = {
        pcap + word(1 << 31) + word(60): "a packet of 2147483648 bytes",
        pcap + word((256 << 10) + 1) + word(60): "a packet of 262145 bytes",
        start + word(6) + word(0): "the last packet, at byte 48, is cut off after 8 bytes",
        start + word(6) + word(0) + word(0): "a block of type 6 with an impossible length of 0",
        start + word(99) + word(8) + word(8): "a block of type 99 with an impossible length of 8",
        start + word(99) + word(13) + bytes(20): "a block of type 99 with an impossible length of 13",
        start + word(6) + word(28) + bytes(24): "a block of type 6 with an impossible length of 28",
        start + word(6) + word(1 << 30) + bytes(9): "a block of type 6 with a length of 1073741824: too",
        start + packet[:-4] + word(44): "a block of type 6 whose two lengths differ",
        start + packet[:20] + word(9) + packet[24:]: "a packet of 9 bytes in a block of 40",
        start + packet[:8] + word(1) + packet[12:]: "a packet of interface 1, which the section does not",
        section(order) + simple(order, b"packet"): "a packet before any interface is described",
        section(order) + interface(order, (9, b"\x14")): "interface 0 counts time in units too small",
        section(order) + interface(order, (9, b"\xc0")): "interface 0 counts time in units too small",
        section(order) + interface(order) * 65: "more than 64 interfaces",
        section(order)[:8] + bytes(20): "a section header of unknown byte order, at byte 0",
    }
    for content, expected in cases.items():
        read, said = complaint(tmp_path, content)
        assert read == []
        assert said.startswith(expected)


def test_options_that_run_out_of_their_block_are_ignored(tmp_path: Path) -> None:
    body = struct.pack("<HHIHH", ETHERNET, 0, 0, 9, 500) + b"\x09\0\0\0"
    content = section("<") + block("<", 1, body) + enhanced("<", 0, 5, b"packet")
    frames = port.read(write(tmp_path, content)).frames
    assert [(frame.data, frame.time_ns) for frame in frames] == [(b"packet", 5000)]


def test_the_real_captures_come_out_as_scapy_reads_them(data: Path) -> None:
    captures = sorted((data / "pcap").glob("*/*.pcap"))
    assert captures
    for capture in captures:
        expected = [(bytes(packet), int(packet.time * SECOND)) for packet in rdpcap(str(capture))]
        frames = port.read(capture).frames
        assert [(frame.data, frame.time_ns) for frame in frames] == expected
