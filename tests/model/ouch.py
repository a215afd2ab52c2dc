"""The OUCH encoder and decoder under test, and orders for it as Python sees them."""

from __future__ import annotations

from types import TracebackType
from typing import Any, NamedTuple, Self

from appliance import native

BID, ASK = 0, 1
DAY, IOC = 0, 3
ENTER, REPLACE, CANCEL, MASS_CANCEL = 1, 2, 3, 4
VERDICTS = ["taken", "empty", "unknown type", "truncated", "oversized", "bad appendage"]
SYMBOLS = ["AAPL", "MSFT", "ZVZZT", "ABCDEFGH"]
ROOM = 64


class Options(NamedTuple):
    """What all orders of a session have in common."""

    firm: bytes = b"MPID"
    display: bytes = b"Y"
    capacity: bytes = b"P"
    iso: bytes = b"N"
    cross: bytes = b"N"


def padded(symbols: list[str]) -> bytes:
    """Symbols as the library takes them: 8 bytes each."""
    return b"".join(symbol.encode().ljust(8) for symbol in symbols)


def order(**members: Any) -> Any:
    """Return a ``struct order`` with these members."""
    made = native.ffi().new("struct order *")
    for name, value in members.items():
        setattr(made, name, value)
    return made


class Encoder:
    """Templates under test."""

    def __init__(self, options: Options, symbols: list[str]) -> None:
        ffi = native.ffi()
        native_options = ffi.new("struct ouch_options *", options._asdict())
        self._library = native.library()
        self.handle = self._library.api_ouch_open(native_options, padded(symbols), len(symbols))
        assert self.handle != ffi.NULL

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._library.api_ouch_close(self.handle)

    def packet(self, made: Any) -> bytes:
        """Return the SoupBinTCP packet of an order."""
        return self._written(self._library.api_ouch_encode, made)

    def datagram(self, made: Any) -> bytes:
        """Return the payload of the datagram of an order."""
        return self._written(self._library.api_ouch_datagram, made)

    def _written(self, call: Any, made: Any) -> bytes:
        to = native.ffi().new("uint8_t[]", b"\xee" * (ROOM + 16))
        count = call(self.handle, made, to)
        assert bytes(to)[ROOM:-1] == b"\xee" * 16, "more was written than there is room"
        return bytes(to)[:count]


def decode(message: bytes) -> tuple[str, Any]:
    """Return the verdict and the execution, as a dictionary by member."""
    ffi, library = native.ffi(), native.library()
    execution = ffi.new("struct execution *")
    # On the heap, and no byte longer: a sanitizer sees whoever reads behind it.
    body = ffi.new("uint8_t[]", len(message) or 1)
    ffi.buffer(body)[: len(message)] = message
    verdict = library.api_ouch_decode(body, len(message), execution)
    return ffi.string(library.api_ouch_verdict_name(verdict)).decode(), members(execution)


def members(struct: Any) -> dict[str, Any]:
    """Return the members of a struct that say something: those that are not 0."""
    ffi = native.ffi()
    found = {}
    for name, field in ffi.typeof(struct).item.fields:
        if name.startswith("reserved"):
            continue
        value = getattr(struct, name)
        if field.type.kind == "array":
            value = bytes(ffi.buffer(value))
            if not value.strip(b"\0"):
                continue
        if value:
            found[name] = value
    return found
