"""A journal written by hand: segments as the contract lays them out, with checksums of our own."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

MAGIC = b"APPLJRN1"
HEAD_BYTES, LINK_BYTES, RECORD_BYTES, SEAL_PAYLOAD_BYTES = 256, 64, 32, 88
STREAMS = 8
SEAL = 65535
FULL, END = 1, 2
NO_LINK = bytes(LINK_BYTES)


def _crc_row(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value


_CRC_TABLE = [_crc_row(value) for value in range(256)]


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of RFC 3720, a byte at a time."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def record(kind: int, stream: int, number: int, payload: bytes, cycles: int = 0) -> bytes:
    """Return a record as it stands in a file."""
    padded = payload + bytes(-len(payload) % 8)

    def header(crc: int) -> bytes:
        return struct.pack("<IHHQQII", len(payload), kind, stream, number, cycles, crc, 0)

    return header(crc32c(header(0) + padded)) + padded


def head(segment: int, size: int, first: Iterable[int], abi_hash: bytes, wall_ns: int = 0) -> bytes:
    """Return the start of a segment."""
    text = MAGIC + abi_hash + struct.pack("<QQ8QQ124x", segment, size, *first, wall_ns)
    return text + struct.pack("<I", crc32c(text))


def link(previous: int, sha256: bytes) -> bytes:
    """Return the link to the segment before."""
    text = sha256 + struct.pack("<Q20x", previous)
    return text + struct.pack("<I", crc32c(text))


def seal(segment: int, records: int, following: Iterable[int], why: int) -> bytes:
    """Return the record that ends a segment."""
    return record(SEAL, 0, 0, struct.pack("<QQ8QII", segment, records, *following, why, 0))


@dataclass
class Writer:
    """Makes the segments of a journal one by one."""

    abi_hash: bytes
    size: int = 8192
    segments: list[bytes] = field(default_factory=list)
    next: list[int] = field(default_factory=lambda: [1] * STREAMS)
    _hash: bytes = bytes(32)

    def segment(self, records: Iterable[tuple[int, int, bytes]], why: int = 0, wall_ns: int = 0) -> bytes:
        """Add a segment of (kind, stream, payload); without a reason to seal it, it stays open."""
        number = len(self.segments) + 1
        text = head(number, self.size, self.next, self.abi_hash, wall_ns) + link(number - 1, self._hash)
        count = 0
        for kind, stream, payload in records:
            text += record(kind, stream, self.next[stream], payload)
            self.next[stream] += 1
            count += 1
        if why:
            text += seal(number, count, self.next, why)
            self._hash = hashlib.sha256(text).digest()
        else:
            text = text.ljust(self.size, b"\0")
        self.segments.append(text)
        return text

    def write(self, directory: Path) -> list[Path]:
        """Write all segments into a directory, and return their files."""
        directory.mkdir(exist_ok=True)
        files = [directory / f"journal-{number:06}.seg" for number in range(1, len(self.segments) + 1)]
        for file, text in zip(files, self.segments, strict=True):
            file.write_bytes(text)
        return files
