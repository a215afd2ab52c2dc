"""Captures of one line, made by hand: packets around orders that are easy to tell apart."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

from model.messages import message

GROUP, PORT = bytes([233, 54, 12, 111]), 26477
_PCAP = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)


def datagram(payload: bytes) -> bytes:
    """A frame to line A; both checksums of 0: the sender computed none."""
    udp = struct.pack(">HHHH", 1, PORT, 8 + len(payload), 0)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 1, 17, 0, bytes(4), GROUP)
    return bytes(12) + b"\x08\0" + ip + udp + payload


def capture(path: Path, payloads: Sequence[bytes]) -> Path:
    """Write a capture of these packets, one line."""
    frames = map(datagram, payloads)
    path.write_bytes(
        _PCAP + b"".join(struct.pack("<IIII", 1, 0, len(body), len(body)) + body for body in frames)
    )
    return path


def bid(reference: int, px: int, locate: int = 1, stock: bytes = b"ABCD    ") -> bytes:
    """A buy order of 100 shares."""
    return message("A", locate, 0, reference, b"B", 100, stock, px)
