"""Writes the seeds of the fuzz targets beside itself: ``PYTHONPATH=tests python tests/fuzz_corpus/seeds.py``.

A seed is a small valid input that reaches deep; the fuzzer does the rest. Inputs that once failed are
added to their folder by hand and stay.
"""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

from model import journal
from model.messages import LENGTHS, frame, message
from model.mold64 import SESSION, end_of_session, heartbeat, packet
from model.servers import end_of_snapshot, login_accepted, login_rejected, sequenced, soup
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1Q, Ether

STOCK = b"FUZZ    "
Packet = tuple[int, bytes]  # how it goes in, and its bytes
WHOLE_FRAME = 0x80


def add(reference: int, side: bytes, shares: int, price: int, locate: int = 1) -> bytes:
    """An order that joins the book."""
    return message("A", locate, 0, reference, side, shares, STOCK, price)


LIFE_OF_ORDERS = [
    message("H", 1, 1, STOCK, b"T", b" ", b"    "),
    add(1, b"B", 100, 5000),
    add(2, b"B", 50, 5000),
    add(3, b"S", 70, 5100),
    message("F", 1, 4, 4, b"S", 30, STOCK, 5200, b"MPID"),
    add(1, b"S", 1, 1),  # live already
    message("E", 1, 5, 1, 40, 1),
    message("C", 1, 6, 2, 10, 2, b"Y", 5050),
    message("X", 1, 7, 2, 5),
    message("U", 1, 8, 3, 1030, 60, 5099),
    message("D", 1, 9, 4),
    message("D", 1, 9, 4),  # unknown by now
    message("E", 1, 10, 1030, 99, 3),  # more than it has
    message("P", 1, 11, 0, b"B", 5, STOCK, 5060, 4),
    message("Q", 1, 12, 500, STOCK, 5070, 5, b"O"),
]

CROSSED = [
    add(10, b"S", 1, 4000, 2),
    add(11, b"B", 1, 4000, 2),
    add(12, b"B", 2**32 - 1, 2**32 - 1, 2),
    add(13, b"B", 2**32 - 1, 2**32 - 1, 2),
    add(14, b"S", 1, 0, 2),
]

EVERY_TYPE = [bytes([kind]) + b"\0\1" + bytes(length - 3) for kind, length in LENGTHS.items()]
ODD = [
    b"z",
    b"A",
    b"D" * 18,
    b"",
    bytes(50),
    add(20, b"?", 1, 1),
    add(21, b"B", 0, 1),
    add(22, b"B", 1, 1, 9),
]
FAR_APART = [
    add(reference, b"B", 1, 100 + place) for place, reference in enumerate([1, 1 << 20, 1 << 40, 1 << 63])
]
MANY_LEVELS = [add(reference, b"B", 1, reference * 7 % 97) for reference in range(1, 70)]


def datagram(payload: bytes, port: int, tagged: bool = False) -> bytes:
    """A frame to one line of the feed."""
    ethernet = Ether() / Dot1Q(vlan=5) if tagged else Ether()
    return bytes(ethernet / IP(dst="233.54.12.1") / UDP(sport=1, dport=port) / payload)


def listed(packets: list[Packet]) -> bytes:
    """The input of the target that takes packets."""
    return b"".join(struct.pack(">BH", how, len(body)) + body for how, body in packets)


def pcap(order: str, frames: list[bytes]) -> bytes:
    """A capture."""
    packets = (struct.pack(order + "IIII", 1, 2, len(body), len(body)) + body for body in frames)
    return struct.pack(order + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + b"".join(packets)


def block(order: str, kind: int, body: bytes) -> bytes:
    """A block of a pcapng."""
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, 12 + len(body)) + body + struct.pack(order + "I", 12 + len(body))


def pcapng(order: str, frames: list[bytes]) -> bytes:
    """A capture with both kinds of packet blocks, and one of names."""
    content = block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    content += block(order, 1, struct.pack(order + "HHIHHB3xHH", 1, 0, 0, 9, 1, 9, 0, 0))
    content += block(order, 4, b"names")
    for body in frames:
        content += block(order, 6, struct.pack(order + "IIIII", 0, 0, 7, len(body), len(body)) + body)
        content += block(order, 3, struct.pack(order + "I", len(body)) + body)
    return content


NEXT = b"NEXT      "
LINES: list[Packet] = [
    (0, packet(1, LIFE_OF_ORDERS[:3])),
    (1, packet(1, LIFE_OF_ORDERS[:3])),
    (0, packet(6, LIFE_OF_ORDERS[5:8])),
    (1, packet(4, LIFE_OF_ORDERS[3:7])),
    (1, heartbeat(9)),
    (0, packet(9, LIFE_OF_ORDERS[8:])),
    (2, end_of_session(9 + len(LIFE_OF_ORDERS[8:]))),
    (0, packet(2, CROSSED, NEXT)),
    (1, packet(1, ODD[:1], NEXT)),
]
FRAMES = [
    datagram(packet(1, LIFE_OF_ORDERS[:5]), 1000),
    datagram(packet(1, LIFE_OF_ORDERS[:5]), 1001, tagged=True),
    datagram(packet(6, LIFE_OF_ORDERS[5:]), 1001),
    datagram(b"not of the feed", 53),
]
# Two sessions, the first with an order left in its books; then one that nobody announced.
SESSIONS = [
    datagram(packet(1, LIFE_OF_ORDERS[:5]), 1000),
    datagram(end_of_session(6), 1000),
    datagram(packet(1, [*CROSSED, b""], NEXT), 1000),
    datagram(packet(1, ODD[:1], b"ELSEWHERE "), 1000),
    datagram(packet(7, LIFE_OF_ORDERS, NEXT), 1000),
]
GAP_AT_THE_END = [*FRAMES[:1], datagram(heartbeat(9), 1000)]
UNNUMBERED: list[Packet] = [(0, packet(0, [body], bytes(10))) for body in LIFE_OF_ORDERS[:4]]
# A gap, what is decided about it, and a session that is left; an argument stands where a length would.
DECISION = 0x40
HOLD_ALL, JOIN, RELEASE, GIVE_UP, LEAVE, BEGUN, FAILED, WAIT = range(DECISION, DECISION + 8)


def decided(act: int, argument: int = 0) -> bytes:
    """A decision about the live feed."""
    return struct.pack(">BH", act, argument)


def around(decisions: list[bytes], session: bytes = SESSION) -> bytes:
    """A gap in the first messages, decisions, and what comes then."""
    before = [(0, packet(1, ODD[:2], session)), (1, packet(5, CROSSED[:1], session))]
    after = [
        (0, packet(6, CROSSED[:2], session)),
        (2, packet(3, ODD[:2], session)),
        (1, heartbeat(9, session)),
    ]
    return listed(before) + b"".join(decisions) + listed(after)


LIVE = [
    around([decided(WAIT, 3), decided(WAIT, 5), decided(BEGUN), decided(JOIN, 5 << 1 | 1)]),
    around([decided(WAIT, 3), decided(FAILED), decided(GIVE_UP), decided(WAIT, 300)], NEXT),
    listed([(0, packet(900, ODD[:1])), (0, packet(901, ODD[:1])), (0, end_of_session(902))]),
    decided(HOLD_ALL),
    around([decided(RELEASE), decided(LEAVE)], NEXT),
]
TOO_MANY_AHEAD: list[Packet] = [(0, packet(3 * step, [add(step, b"B", 1, step)])) for step in range(1, 9)]

SNAPSHOT = [
    soup(b"+", b"welcome"),
    login_accepted(),
    sequenced(LIFE_OF_ORDERS),
    soup(b"H"),
    sequenced([b"", b"x" * 300, end_of_snapshot(2**64 - 1), end_of_snapshot(0)]),
    soup(b"U", b"not numbered"),
    soup(b"Z"),
]


def numbered(kind: bytes, body: bytes, appendage: bytes = b"") -> bytes:
    """A message of the exchange about orders: its type, a time, and what follows."""
    return kind + struct.pack(">Q", 5) + body + appendage


def taken(kind: bytes, reference: bytes, qty: int, state: bytes = b"L") -> bytes:
    """Accepted, or Replaced with two references."""
    body = reference + b"B" + struct.pack(">I", qty) + STOCK + struct.pack(">Q", 5000) + b"0Y"
    return numbered(kind, body + struct.pack(">Q", 77) + b"PNN" + state + b"00000000000001", b"\0\0")


def of(kind: bytes, reference: int, *rest: bytes) -> bytes:
    """A message about one order."""
    return numbered(kind, struct.pack(">I", reference) + b"".join(rest))


def fill(reference: int, qty: int, match: int) -> bytes:
    """Executed."""
    return of(b"E", reference, struct.pack(">IQ", qty, 5000), b"R", struct.pack(">Q", match), b"\0\3\2\4X")


ANSWER = of(b"Q", 1)
# The target enters orders 1, 2 and 3, and replaces the first by 4, as soon as it has caught up.
ORDERS = [
    login_accepted(),
    sequenced([ANSWER, taken(b"A", struct.pack(">I", 1), 100), fill(1, 40, 1)]),
    sequenced([taken(b"U", struct.pack(">II", 1, 4), 60), fill(4, 70, 2), of(b"J", 2, b"\0\x1d", b" " * 14)]),
    sequenced(
        [of(b"C", 3, struct.pack(">I", 10), b"U"), of(b"D", 3, struct.pack(">IsIQs", 9, b"Q", 1, 5, b"R"))]
    ),
    sequenced([of(b"B", 1, struct.pack(">Q", 1), b"E", b" " * 14), of(b"M", 3, b"B", struct.pack(">I", 5))]),
    sequenced(
        [of(b"P", 3), of(b"I", 3), of(b"T", 3, struct.pack(">QsQ", 4900, b"Y", 78)), of(b"R", 3, b"P\0\0")]
    ),
    soup(b"H"),
]
BEFORE_A_CRASH = [
    login_accepted(),
    sequenced([taken(b"A", struct.pack(">I", ref), 100) for ref in (50, 51, 66, 67)]),
    sequenced(
        [taken(b"U", struct.pack(">II", 51, 52), 100, b"D"), fill(50, 100, 9), fill(50, 5, 10), ANSWER]
    ),
    sequenced([of(b"S", 0)[:9] + b"S", b"", b"?", of(b"P", 1, b"\0\2\0\0"), of(b"P", 1, b"\0\1"), ANSWER]),
    soup(b"H"),
    sequenced([of(b"X", 9, b"MPID", STOCK, b"\0\0"), of(b"G", 9, b"MPID\0\0"), of(b"K", 9, b"MPID\0\0")]),
    soup(b"Z"),
]


AS_IT_IS, ALL_RIGHT = b"\x00", b"\x0f"


def segments() -> list[bytes]:
    """Two segments of a journal, the first one sealed, the second open."""
    writer = journal.Writer(bytes(32), size=4096)
    writer.segment([(2, 0, b"a packet"), (8, 2, bytes(136)), (9, 3, b"an order")], journal.FULL)
    writer.segment([(13, 4, b"a note"), (13, 4, b"")])
    return writer.segments


SEALED, OPEN = segments()

SEEDS: dict[str, dict[str, bytes]] = {
    "messages": {
        "life_of_orders": b"\0" + frame(LIFE_OF_ORDERS),
        "crossed": b"\2" + frame(CROSSED),
        "every_type": b"\7" + frame(EVERY_TYPE),
        "odd": b"\1" + frame(ODD),
        "far_apart": b"\0" + frame(FAR_APART),
        "many_levels": b"\x20" + frame(MANY_LEVELS),
    },
    "packets": {
        "lines": listed(LINES),
        "frames": listed([(WHOLE_FRAME, body) for body in FRAMES]),
        "unnumbered": listed(UNNUMBERED),
        "too_many_ahead": listed(TOO_MANY_AHEAD),
        "live": b"".join(LIVE),
    },
    "soup": {
        "snapshot": b"\1" + b"".join(SNAPSHOT),
        "snapshot_at_once": b"\xff" + b"".join(SNAPSHOT),
        "refused": b"\2" + login_rejected(b"A"),
        "accepted_twice": b"\3" + login_accepted(5) * 2,
        "no_length": b"\0" + login_accepted(2**64) + bytes(2),
    },
    "ouch": {
        "orders": b"\x01" + b"".join(ORDERS),
        "orders_in_pieces": b"\x03" + b"".join(ORDERS),
        "before_a_crash": b"\x04" + b"".join(BEFORE_A_CRASH),
        "heartbeat_ends_the_replay": b"\x02" + b"".join([*ORDERS[:1], soup(b"H"), *ORDERS[1:]]),
        "refused": b"\x02" + login_rejected(b"S"),
    },
    "journal": {
        "sealed": AS_IT_IS + SEALED,
        "open": AS_IT_IS + OPEN,
        "all_right": ALL_RIGHT + OPEN[:700],
        "torn": AS_IT_IS + OPEN[:400] + b"torn" + OPEN[404:],
        "another_number": ALL_RIGHT + OPEN[:368] + b"\x09" + OPEN[369:480],
    },
    "file": {
        "itch": frame(LIFE_OF_ORDERS) + b"\0\0",
        "itch_gzip": gzip.compress(frame(LIFE_OF_ORDERS), mtime=0),
        "pcap_little": pcap("<", FRAMES[:2]),
        "pcap_big": pcap(">", FRAMES[2:]),
        "pcap_gzip": gzip.compress(pcap("<", FRAMES), mtime=0),
        "pcap_sessions": pcap("<", SESSIONS),
        "pcap_gap_at_the_end": pcap("<", GAP_AT_THE_END),
        "pcapng_little": pcapng("<", FRAMES[:2]),
        "pcapng_big": pcapng(">", FRAMES[2:]),
    },
}


def main() -> None:
    """Write all seeds."""
    for target, seeds in SEEDS.items():
        folder = Path(__file__).parent / target
        folder.mkdir(exist_ok=True)
        for name, content in seeds.items():
            (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
