"""TotalView-ITCH 5.0 messages as ``struct`` formats, typed from the protocol tables and from nothing else.

Every message starts with its type, stock locate, tracking number and a 6-byte time (here two integers: the
high 2 and the low 4 bytes). A length of the tables that disagrees with its format fails at import.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from itertools import pairwise

_HEADER = ">cHHHI"

_BODIES = {
    "S": (12, "c"),
    "R": (39, "8sccIcc2scccccIc"),
    "H": (25, "8scc4s"),
    "Y": (20, "8sc"),
    "L": (26, "4s8sccc"),
    "V": (35, "QQQ"),
    "W": (12, "c"),
    "K": (28, "8sIcI"),
    "J": (35, "8sIIII"),
    "h": (21, "8scc"),
    "A": (36, "QcI8sI"),
    "F": (40, "QcI8sI4s"),
    "E": (31, "QIQ"),
    "C": (36, "QIQcI"),
    "X": (23, "QI"),
    "D": (19, "Q"),
    "U": (35, "QQII"),
    "P": (44, "QcI8sIQ"),
    "Q": (40, "Q8sIQc"),
    "B": (19, "Q"),
    "I": (50, "QQc8sIIIcc"),
    "N": (20, "8sc"),
    "O": (48, "8scIIIQII"),
}

# Where the stock's name stands in the types that carry one.
STOCK_OFFSET = {
    **dict.fromkeys(b"RHYKJhNO", 11),
    ord("L"): 15,
    ord("Q"): 19,
    **dict.fromkeys(b"AFP", 24),
    ord("I"): 28,
}

FORMATS = {ord(kind): struct.Struct(_HEADER + body) for kind, (_, body) in _BODIES.items()}
LENGTHS = {ord(kind): length for kind, (length, _) in _BODIES.items()}

if {kind: form.size for kind, form in FORMATS.items()} != LENGTHS:
    raise AssertionError("a format of this file does not have the length of the protocol tables")

Value = int | bytes


def message(kind: str, locate: int, time_ns: int, *values: Value) -> bytes:
    """Build one message, the values in wire order."""
    header = (kind.encode(), locate, 0, time_ns >> 32, time_ns & 0xFFFFFFFF)
    return FORMATS[ord(kind)].pack(*header, *values)


def frame(messages: Iterable[bytes]) -> bytes:
    """Put a 2-byte length before each message."""
    return b"".join(len(body).to_bytes(2, "big") + body for body in messages)


def split(framed: bytes) -> list[bytes]:
    """Cut framed bytes into messages."""
    ends = list(frame_ends(framed))
    return [framed[start + 2 : end] for start, end in pairwise([0, *ends])]


def frame_ends(framed: bytes) -> Iterator[int]:
    """Give the offset after each framed message."""
    position = 0
    while position < len(framed):
        position += 2 + int.from_bytes(framed[position : position + 2], "big")
        if position > len(framed):
            raise ValueError(f"the last message ends at {position}, the bytes at {len(framed)}")
        yield position
