"""OUCH 5.0 as the venue sees it: what clients send, what they are told. Typed from the protocol page.

A layout is a table of fields. Behind them an appendage may stand: a length, then options, each as length, tag
and value. ``required`` says that its length is always there; others have one only when there are options.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

Value = int | str

# Widths: uN unsigned integer of N bytes; aN text, padded with spaces.
_FORMATS = {"u2": "H", "u4": "I", "u8": "Q", "a1": "1s", "a4": "4s", "a8": "8s", "a14": "14s"}


class OuchError(Exception):
    """A message that no layout fits."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A type of message: its name, its fields behind the type byte, and if it must have an appendage."""

    name: str
    fields: tuple[str, ...]
    form: struct.Struct
    required: bool


def _layout(name: str, required: bool, *fields: str) -> Layout:
    names, widths = zip(*(each.split(":") for each in fields), strict=True) if fields else ((), ())
    return Layout(name, names, struct.Struct(">c" + "".join(_FORMATS[width] for width in widths)), required)


INBOUND = {
    "O": _layout(
        "enter", True, "user_ref:u4", "side:a1", "quantity:u4", "symbol:a8", "price:u8",
        "time_in_force:a1", "display:a1", "capacity:a1", "iso:a1", "cross_type:a1", "cl_ord_id:a14",
    ),
    "U": _layout(
        "replace", True, "original:u4", "user_ref:u4", "quantity:u4", "price:u8", "time_in_force:a1",
        "display:a1", "iso:a1", "cl_ord_id:a14",
    ),
    "X": _layout("cancel", False, "user_ref:u4", "quantity:u4"),
    "M": _layout("modify", False, "user_ref:u4", "side:a1", "quantity:u4"),
    "C": _layout("mass_cancel", True, "user_ref:u4", "firm:a4", "symbol:a8"),
    "D": _layout("disable", True, "user_ref:u4", "firm:a4"),
    "E": _layout("enable", True, "user_ref:u4", "firm:a4"),
    "Q": _layout("account_query", False),
}  # fmt: skip

OUTBOUND = {
    "S": _layout("system_event", False, "timestamp:u8", "event:a1"),
    "A": _layout(
        "accepted", True, "timestamp:u8", "user_ref:u4", "side:a1", "quantity:u4", "symbol:a8", "price:u8",
        "time_in_force:a1", "display:a1", "reference:u8", "capacity:a1", "iso:a1", "cross_type:a1",
        "state:a1", "cl_ord_id:a14",
    ),
    "U": _layout(
        "replaced", True, "timestamp:u8", "original:u4", "user_ref:u4", "side:a1", "quantity:u4",
        "symbol:a8", "price:u8", "time_in_force:a1", "display:a1", "reference:u8", "capacity:a1", "iso:a1",
        "cross_type:a1", "state:a1", "cl_ord_id:a14",
    ),
    "C": _layout("canceled", False, "timestamp:u8", "user_ref:u4", "quantity:u4", "reason:a1"),
    "D": _layout(
        "aiq_canceled", False, "timestamp:u8", "user_ref:u4", "quantity:u4", "reason:a1", "prevented:u4",
        "price:u8", "liquidity:a1", "strategy:a1",
    ),
    "E": _layout(
        "executed", True, "timestamp:u8", "user_ref:u4", "quantity:u4", "price:u8", "liquidity:a1",
        "match:u8",
    ),
    "B": _layout(
        "broken", False, "timestamp:u8", "user_ref:u4", "match:u8", "reason:a1", "cl_ord_id:a14",
    ),
    "J": _layout("rejected", False, "timestamp:u8", "user_ref:u4", "reason:u2", "cl_ord_id:a14"),
    "P": _layout("cancel_pending", False, "timestamp:u8", "user_ref:u4"),
    "I": _layout("cancel_reject", False, "timestamp:u8", "user_ref:u4"),
    "T": _layout(
        "priority", False, "timestamp:u8", "user_ref:u4", "price:u8", "display:a1", "reference:u8",
    ),
    "M": _layout("modified", False, "timestamp:u8", "user_ref:u4", "side:a1", "quantity:u4"),
    "R": _layout("restated", True, "timestamp:u8", "user_ref:u4", "reason:a1"),
    "X": _layout("mass_canceled", True, "timestamp:u8", "user_ref:u4", "firm:a4", "symbol:a8"),
    "G": _layout("disabled", True, "timestamp:u8", "user_ref:u4", "firm:a4"),
    "K": _layout("enabled", True, "timestamp:u8", "user_ref:u4", "firm:a4"),
    "Q": _layout("account", False, "timestamp:u8", "next_user_ref:u4"),
}  # fmt: skip

# Option tags that the venue reads, and the length of each tag's value.
FIRM, MIN_QTY, CUSTOMER_TYPE, MAX_FLOOR, PRICE_TYPE, POST_ONLY = 2, 3, 4, 5, 6, 12
ROUTE, EXPIRE_TIME, USER_REF_IDX = 14, 15, 28
OPTION_BYTES = {
    1: 8, 2: 4, 3: 4, 4: 1, 5: 4, 6: 1, 7: 4, 9: 8, 10: 1, 11: 4, 12: 1, 13: 4, 14: 4, 15: 4, 16: 1, 17: 1,
    18: 1, 22: 4, 23: 8, 24: 2, 25: 1, 26: 4, 27: 1, 28: 1, 29: 1, 30: 2,
}  # fmt: skip

REJECTS = {
    0x01: "quote unavailable", 0x02: "destination closed", 0x03: "invalid display", 0x04: "invalid max floor",
    0x05: "invalid peg type", 0x06: "fat finger", 0x07: "halted", 0x08: "ISO not allowed",
    0x09: "invalid side", 0x0A: "processing error", 0x0B: "cancel pending", 0x0C: "firm not authorized",
    0x0D: "invalid min quantity", 0x0E: "no closing reference price", 0x0F: "other",
    0x10: "cancel not allowed", 0x11: "pegging not allowed", 0x12: "crossed market",
    0x13: "invalid quantity", 0x14: "invalid cross order", 0x15: "replace not allowed",
    0x16: "routing not allowed", 0x17: "invalid symbol", 0x18: "test", 0x19: "late LOC too aggressive",
    0x1A: "retail not allowed", 0x1B: "invalid midpoint post-only price", 0x1C: "invalid destination",
    0x1D: "invalid price", 0x1E: "shares exceed threshold", 0x1F: "exceeds maximum allowed notional value",
}  # fmt: skip

_LENGTH = struct.Struct(">H")


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its layout's name, its fields, its options by tag."""

    name: str
    values: dict[str, Value]
    options: dict[int, bytes] = field(default_factory=dict)

    def number(self, name: str) -> int:
        """Return an integer field."""
        value = self.values[name]
        assert isinstance(value, int)
        return value

    def text(self, name: str) -> str:
        """Return a text field, without its padding."""
        value = self.values[name]
        assert isinstance(value, str)
        return value

    def option(self, tag: int, default: int = 0) -> int:
        """Return an option as a number."""
        return int.from_bytes(self.options[tag], "big") if tag in self.options else default


def _options(data: bytes) -> dict[int, bytes]:
    options = {}
    at = 0
    while at < len(data):
        end = at + 1 + data[at]
        if data[at] < 1 or end > len(data):
            raise OuchError("an option ends behind its message")
        tag, value = data[at + 1], data[at + 2 : end]
        if len(value) != OPTION_BYTES.get(tag, -1):
            raise OuchError(f"option {tag} of {len(value)} bytes")
        options[tag] = value
        at = end
    return options


def decode(data: bytes, layouts: dict[str, Layout]) -> Message:
    """Read one message of these types."""
    layout = layouts.get(chr(data[0])) if data else None
    if layout is None:
        raise OuchError("a type that does not exist")
    size = layout.form.size
    rest = data[size:]
    if len(data) < size or len(rest) == 1 or (rest and _LENGTH.unpack(rest[:2])[0] != len(rest) - 2):
        raise OuchError(f"{layout.name} of {len(data)} bytes")
    _, *raw = layout.form.unpack(data[:size])
    values: dict[str, Value] = {
        name: value if isinstance(value, int) else value.decode("latin-1").rstrip()
        for name, value in zip(layout.fields, raw, strict=True)
    }
    return Message(layout.name, values, _options(rest[2:]) if rest else {})


_TYPES = {
    id(layouts): {layout.name: (kind.encode(), layout) for kind, layout in layouts.items()}
    for layouts in (INBOUND, OUTBOUND)
}


def encode(
    layouts: dict[str, Layout], name: str, options: dict[int, bytes] | None = None, /, **values: Value
) -> bytes:
    """Write one message of these types."""
    kind, layout = _TYPES[id(layouts)][name]
    raw = (
        value if isinstance(value, int) else value.encode("latin-1").ljust(_PADDED)
        for value in (values[field] for field in layout.fields)
    )
    appendage = b"".join(
        bytes((1 + len(value), tag)) + value for tag, value in sorted((options or {}).items())
    )
    written = layout.form.pack(kind, *raw)
    if appendage or layout.required:
        return written + _LENGTH.pack(len(appendage)) + appendage
    return written


_PADDED = 14  # the widest text; a format takes as much of it as it has room for
