"""Packets that nobody should send, and the verdict each must have: MoldUDP64 payloads and whole frames."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from e2e.truth import Truth
from e2e.wire import PORTS
from model.messages import frame
from scapy.layers.inet import ICMP, IP, UDP, IPOption_NOP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet, Raw

SESSION = b"0000000001"
END_OF_SESSION = 0xFFFF
_FAR = 50_000_000

# By the numbers of enum mold64_verdict and enum frame_verdict.
MOLD_VERDICTS = [
    "delivered", "partial", "held", "late", "duplicate", "heartbeat", "end_of_session", "other_session",
    "short", "truncated", "fewer_blocks", "trailing", "oversized", "bad_sequence", "far_ahead", "no_room",
]  # fmt: skip
FRAME_VERDICTS = [
    "udp", "short", "not_ipv4", "too_many_tags", "ip_truncated", "ip_version", "ip_options", "ip_length",
    "ip_checksum", "fragment", "not_udp", "udp_truncated", "udp_length", "udp_checksum",
]  # fmt: skip


def mold(sequence: int, count: int, blocks: bytes = b"", session: bytes = SESSION) -> bytes:
    """A packet whose header says whatever it is told to."""
    return struct.pack(">10sQH", session, sequence, count) + blocks


def payloads(truth: Truth) -> dict[str, tuple[str, bytes]]:
    """Name -> the verdict that it must have at any time of the day, and its bytes."""
    bodies = truth.bodies
    true = frame(bodies[:5])
    forged = frame([b"D" + bytes(18)])
    return {
        "another session": ("other_session", mold(1, 1, forged, b"SOMEBODY  ")),
        "the end of another session": ("other_session", mold(1, END_OF_SESSION, b"", b"SOMEBODY  ")),
        "a session that differs in case": ("other_session", mold(1, 1, forged, b"000000000O")),
        "far ahead": ("far_ahead", mold(_FAR, 1, forged)),
        "a repeated packet": ("late", mold(1, 5, true)),
        "a repeated packet cut in another way": ("late", mold(2, 3, frame(bodies[1:4]))),
        "a jumbo of messages that were sent": ("late", mold(1, 1500, frame(bodies[:1500]))),
        "an old heartbeat": ("heartbeat", mold(1, 0)),
        "a count that is too high": ("fewer_blocks", mold(1, 6, true)),
        "a count that is far too high": ("fewer_blocks", mold(1, 0xFFFE, true)),
        "a count that is too low": ("trailing", mold(1, 4, true)),
        "a count of nothing with blocks": ("trailing", mold(1, 0, true)),
        "an end of session with blocks": ("trailing", mold(1, END_OF_SESSION, true)),
        "a length that is too long": ("truncated", mold(1, 1, b"\x00\x14" + bytes(19))),
        "a length as long as can be": ("truncated", mold(1, 1, b"\xff\xff" + bytes(900))),
        "half a length": ("truncated", mold(1, 6, true + b"\x00")),
        "a sequence of 0": ("bad_sequence", mold(0, 1, forged)),
        "a sequence that wraps": ("bad_sequence", mold(2**64 - 1, 2, forged * 2)),
        "nothing": ("short", b""),
        "half a header": ("short", mold(1, 1)[:19]),
        "garbage": ("short", b"\xa5" * 7),
    }


# Two of these that fit each other are believed, if no true packet comes between them.
FORGED_FAR = [mold(_FAR, 1, frame([b"D" + bytes(18)])), mold(_FAR + 7, 0), mold(_FAR + 7, END_OF_SESSION)]

Lie = Callable[[Packet], Packet | bytes]


@dataclass(frozen=True)
class Frames:
    """Frames to a group, each with the verdict of the frame check; "other" is UDP to somebody else."""

    group: str
    source: str
    true: bytes  # a payload that repeats what was sent

    def feed(self, payload: bytes | None = None, group: str | None = None, port: int = PORTS[0]) -> Packet:
        """A good frame, as the exchange sends them."""
        to = group or self.group
        octets = [int(part) for part in to.split(".")]
        mac = f"01:00:5e:{octets[1] & 127:02x}:{octets[2]:02x}:{octets[3]:02x}"
        return (
            Ether(src="02:00:00:00:00:01", dst=mac)
            / IP(src=self.source, dst=to, ttl=1)
            / UDP(sport=9, dport=port)
            / Raw(self.true if payload is None else payload)
        )

    def all(self) -> dict[str, tuple[str, bytes]]:
        """Name -> verdict, bytes."""
        good = self.feed()
        ether = Ether(src=good.src, dst=good.dst)
        tag = Dot1Q(vlan=7)
        return {
            "one tag": ("udp", _with(good, lambda p: ether / tag / p[IP])),
            "five tags": ("too_many_tags", bytes(ether / tag / tag / tag / tag / tag / good[IP])),
            "ARP": ("not_ipv4", bytes(Ether(dst="ff:ff:ff:ff:ff:ff") / ARP(pdst="10.66.0.9"))),
            "IPv6": ("not_ipv4", bytes(ether / IPv6(dst="ff02::1") / UDP(dport=PORTS[0]) / Raw(self.true))),
            "an unknown type": ("not_ipv4", bytes(Ether(dst=good.dst, type=0x1234) / Raw(b"?" * 60))),
            "cut in the IP header": ("ip_truncated", bytes(good)[: 14 + 12]),
            "cut in the payload": ("ip_truncated", bytes(good)[:-20]),
            "IP version 5": ("ip_version", _with(good, lambda p: _set(p, IP, version=5))),
            "IP options": ("ip_options", _with(good, lambda p: _set(p, IP, options=[IPOption_NOP()] * 4))),
            "an IP header of 16 bytes": ("ip_length", _with(good, lambda p: _set(p, IP, ihl=4))),
            "an IP length of 19": ("ip_length", _with(good, lambda p: _set(p, IP, len=19))),
            "a wrong IP checksum": ("ip_checksum", _with(good, lambda p: _set(p, IP, chksum=0x1234))),
            "the first fragment": ("fragment", _with(good, lambda p: _set(p, IP, flags="MF"))),
            "a later fragment": ("fragment", _with(good, lambda p: _set(p, IP, frag=40))),
            "ICMP": ("not_udp", bytes(ether / IP(src=self.source, dst=self.group) / ICMP())),
            "a datagram longer than its packet": (
                "udp_truncated",
                _with(good, lambda p: _set(p, UDP, len=2000)),
            ),
            "half a UDP header": (
                "udp_truncated",
                bytes(ether / IP(src=self.source, dst=self.group, proto=17) / Raw(b"1234")),
            ),
            "a UDP length of 7": ("udp_length", _with(good, lambda p: _set(p, UDP, len=7))),
            "a wrong UDP checksum": ("udp_checksum", _with(good, lambda p: _set(p, UDP, chksum=0x1234))),
            "another group": ("other", bytes(self.feed(group="239.1.2.3"))),
            "the group's address at a plain host": (
                "other",
                bytes(ether / IP(src=self.source, dst="10.66.0.77") / UDP(dport=PORTS[0]) / Raw(self.true)),
            ),
            "another port": ("other", bytes(self.feed(port=PORTS[0] + 7))),
            "port 0": ("other", bytes(self.feed(port=0))),
        }  # fmt: skip


def _with(good: Packet, lie: Lie) -> bytes:
    return bytes(lie(good.copy()))


def _set(packet: Packet, layer: type[Packet], **fields: object) -> Packet:
    for name, value in fields.items():
        setattr(packet[layer], name, value)
    return packet
