"""Hypothesis streams of messages that go wrong in every way: collisions, replays, overfills, garbage.

A stream is drawn as a list of small choices, and only then turned into bytes, so that hypothesis can shrink
it. References, prices and quantities come from small pools around every edge, and a message about an order
mostly names the locate that it was added under.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hypothesis import strategies as st
from model.messages import LENGTHS, Value, message

U32, U64 = (1 << 32) - 1, (1 << 64) - 1

LOCATES = (1, 2, 3, 65_535)
BAD_LOCATE = 0
EVERY_LOCATE = (*LOCATES, BAD_LOCATE)

# Pages of a power of two of references, directories of a power of two of pages: edges of both, and far away.
REFERENCES: tuple[int, ...] = (
    *range(12),
    255,
    256,
    257,
    4095,
    4096,
    65_535,
    65_536,
    1 << 24,
    U32,
    1 << 32,
    1 << 40 | 5,
    1 << 63,
    U64 - 256,
    U64 - 255,
    U64,
)
PRICES: tuple[int, ...] = (0, 1, 99, *range(10_000, 10_040), 1 << 31, (1 << 31) - 1, U32 - 1, U32)
QUANTITIES: tuple[int, ...] = (0, 1, 1, 2, 3, 5, 5, 10, 10, 100, 1 << 31, U32 - 1, U32)
MOST_CROSSED = (1 << 48) - 1  # so that a day's volume stays within 64 bits
STATES = b"HPQT x"
STOCKS = (b"AAAA    ", b"BBBB    ", b"        ", b"12345678")


class Choice(NamedTuple):
    """One message, not yet bytes. What a kind does not need is left unused."""

    kind: str
    reference: int
    other: int
    side: bytes
    qty: int
    px: int
    locate: int | None  # None: the one the order was added under
    letter: int


KINDS = "AAAAAAFFEEECCXXDDDUUUUPQHhYRBS"

CHOICES = st.builds(
    Choice,
    st.sampled_from(KINDS),
    st.sampled_from(REFERENCES),
    st.sampled_from(REFERENCES),
    st.sampled_from((b"B", b"S", b"B", b"S", b"B", b"S", b"?")),
    st.sampled_from(QUANTITIES),
    st.sampled_from(PRICES),
    st.one_of(st.none(), st.none(), st.sampled_from(EVERY_LOCATE)),
    st.sampled_from(STATES),
)

# Bytes that are not a message: anything at all, and a real type of the wrong length.
GARBAGE = st.one_of(
    st.binary(max_size=60),
    st.builds(
        lambda kind, body: bytes([kind]) + body, st.sampled_from(sorted(LENGTHS)), st.binary(max_size=60)
    ).filter(lambda body: len(body) != LENGTHS[body[0]]),
).filter(lambda body: not body or len(body) != LENGTHS.get(body[0]))

_MESSAGES = st.one_of(CHOICES, CHOICES, CHOICES, CHOICES, CHOICES, GARBAGE)

# Left alone, hypothesis draws mostly short lists.
STREAMS = st.one_of(st.lists(_MESSAGES, max_size=20), st.lists(_MESSAGES, min_size=50, max_size=150))


def to_messages(stream: Iterable[Choice | bytes]) -> list[bytes]:
    """Turn a stream of choices into messages."""
    owners: dict[int, int] = {}
    messages = []
    for time_ns, choice in enumerate(stream):
        if isinstance(choice, bytes):
            messages.append(choice)
            continue
        locate = choice.locate
        if locate is None:
            locate = owners.get(choice.reference, LOCATES[choice.reference % 2])
        if choice.kind in "AF":
            owners.setdefault(choice.reference, locate)
        elif choice.kind == "U":
            owners.setdefault(choice.other, locate)
        messages.append(message(choice.kind, locate, time_ns << 16, *values(choice)))
    return messages


def values(choice: Choice) -> tuple[Value, ...]:
    """Return the body of a choice, in wire order."""
    kind, reference, other, side, qty, px, _, letter = choice
    stock = STOCKS[letter % len(STOCKS)]
    code = bytes([letter])
    bodies: dict[str, tuple[Value, ...]] = {
        "A": (reference, side, qty, stock, px),
        "F": (reference, side, qty, stock, px, b"GSCO"),
        "E": (reference, qty, other),
        "C": (reference, qty, other, b"N" if letter == ord("x") else b"Y", px),
        "X": (reference, qty),
        "D": (reference,),
        "U": (reference, other, qty, px),
        "P": (reference, side, qty, stock, px, other),
        "Q": (qty if letter % 2 else reference & MOST_CROSSED, stock, px, other, code),
        "H": (stock, code, b" ", b"    "),
        "h": (stock, b"Q", code),
        "Y": (stock, str(letter % 3).encode()),
        "R": (stock, b"Q", b"N", 100, b"N", b"C", b"Z ", b"P", b"N", b"N", b"1", b"N", 0, b"N"),
        "B": (other,),
        "S": (b"O",),
    }
    return bodies[kind]
