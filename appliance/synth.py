"""A synthetic NASDAQ day: framed ITCH 5.0 messages, or a capture of two MoldUDP64 lines.

The market itself is C (``dpdk_glue/synth``); this module opens it, and writes its bytes where they are
wanted. The same configuration gives the same bytes on every machine.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from types import TracebackType
from typing import Any

from appliance.errors import ApplianceError, printable
from appliance.native import constants, ffi, library

_CHUNK_BYTES = 1 << 20
_PROGRESS_S = 0.05
_PER_UNIT = 1_000_000_000


class SynthError(ApplianceError):
    """A synthetic market that cannot be, or a file that cannot be written."""


@dataclass(frozen=True, slots=True)
class Lines:
    """How the two lines of a capture carry the packets. Probabilities are per packet and line.

    A packet that draws loss on both lines is kept on the one that loses less: every message survives on at
    least one line. Only ``same_gap`` loses a packet on both.
    """

    loss_a: float = 0.0
    loss_b: float = 0.0
    same_gap: float = 0.0
    loss_burst: int = 1
    duplicate: float = 0.0
    reorder: float = 0.0
    reorder_depth: int = 4
    heartbeat_s: float = 1.0
    session: str = "SYNTHETIC"
    group_a: str = "239.192.1.1:26400"
    group_b: str = "239.192.2.1:26400"


@dataclass(frozen=True, slots=True)
class Market:
    """What is asked for: exactly ``messages`` messages; ``live_orders`` 0 leaves the bound to the market."""

    messages: int
    symbols: int = 1000
    seed: int = 1
    live_orders: int = 0
    lines: Lines | None = None


@dataclass(frozen=True, slots=True)
class Counters:
    """What was written so far. Pairs are (line A, line B)."""

    messages: int
    bytes: int
    live_orders: int
    by_type: dict[str, int]
    packets: tuple[int, int] = (0, 0)
    lost: tuple[int, int] = (0, 0)
    lost_on_both: int = 0
    duplicated: tuple[int, int] = (0, 0)
    reordered: tuple[int, int] = (0, 0)
    heartbeats: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """A finished feed file."""

    path: str
    seconds: float
    counters: Counters = field(repr=False)

    @property
    def messages_per_s(self) -> int:
        """The rate at which the file was made and written."""
        return round(self.counters.messages / self.seconds) if self.seconds > 0 else 0


def minimum_messages(symbols: int) -> int:
    """Return the fewest messages that a day of so many symbols has."""
    return int(library().api_synth_minimum(symbols))


def _number(name: str, value: int, bits: int) -> int:
    if not 0 <= value < 1 << bits:
        raise SynthError(f"{name} {value}: needs a whole number from 0 to {(1 << bits) - 1}")
    return value


def _probability(name: str, value: float) -> int:
    if not 0 <= value <= 1:
        raise SynthError(f"{name} {value}: a probability lies between 0 and 1")
    return round(value * _PER_UNIT)


def _endpoint(name: str, text: str) -> tuple[int, int]:
    address, _, port = text.partition(":")
    try:
        number = int(port)
        if not 1 <= number <= 65535:
            raise ValueError
        return int(IPv4Address(address)), number
    except ValueError:
        raise SynthError(f"{name} {text!r}: write it as ADDRESS:PORT, e.g. 239.192.1.1:26400") from None


def _lines_struct(lines: Lines) -> Any:
    struct = ffi().new("struct synth_lines_config *")
    struct.loss_ppb[0] = _probability("loss on line A", lines.loss_a)
    struct.loss_ppb[1] = _probability("loss on line B", lines.loss_b)
    struct.same_gap_ppb = _probability("gap on both lines", lines.same_gap)
    struct.duplicate_ppb = _probability("duplicate", lines.duplicate)
    struct.reorder_ppb = _probability("reorder", lines.reorder)
    struct.reorder_depth = _number("reorder depth", lines.reorder_depth, 32)
    struct.loss_burst = _number("loss burst", lines.loss_burst, 32)
    if not 0 <= lines.heartbeat_s <= 86400 or 0 < lines.heartbeat_s < 0.001:
        raise SynthError(f"heartbeat {lines.heartbeat_s}: needs 0 (none) or 0.001 to 86400 seconds")
    struct.heartbeat_ms = round(lines.heartbeat_s * 1000)
    struct.group[0], struct.port[0] = _endpoint("line A", lines.group_a)
    struct.group[1], struct.port[1] = _endpoint("line B", lines.group_b)
    if not 1 <= len(lines.session) <= 10 or not lines.session.isascii() or not lines.session.isprintable():
        raise SynthError(f"session {lines.session!r}: needs 1 to 10 printable ASCII characters")
    struct.session = lines.session.ljust(10).encode()
    return struct


class SyntheticMarket:
    """A running market: fill buffers from it until nothing comes any more, and close it."""

    def __init__(self, market: Market) -> None:
        config = ffi().new("struct synth_config *")
        config.messages = _number("messages", market.messages, 64)
        config.seed = _number("seed", market.seed, 64)
        config.symbols = _number("symbols", market.symbols, 32)
        config.live_orders = _number("live orders", market.live_orders, 32)
        error = ffi().new("char[]", constants()["API_ERROR_BYTES"])
        api = library()
        if market.lines is None:
            handle = api.api_synth_open(config, error)
            self._calls = (api.api_synth_fill, api.api_synth_counters, api.api_synth_close)
        else:
            handle = api.api_synth_pcap_open(config, _lines_struct(market.lines), error)
            self._calls = (api.api_synth_pcap_fill, api.api_synth_pcap_counters, api.api_synth_pcap_close)
        if handle == ffi().NULL:
            raise SynthError(ffi().string(error).decode())
        self._handle: Any = handle

    def __enter__(self) -> SyntheticMarket:
        """Return the market itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the market."""
        self.close()

    def close(self) -> None:
        """Free the market; a second call does nothing."""
        if self._handle is not None:
            self._calls[2](self._handle)
            self._handle = None

    def _open(self) -> Any:
        if self._handle is None:
            raise SynthError("the synthetic market is closed: open a new one")
        return self._handle

    def fill(self, buffer: bytearray | memoryview) -> int:
        """Write whole messages (or capture records) into ``buffer``; return the bytes, 0 at the end."""
        handle = self._open()
        least = constants()["API_SYNTH_ROOM"]
        if len(buffer) < least:
            raise SynthError(f"a buffer of {len(buffer)} bytes is too small: give at least {least}")
        return int(self._calls[0](handle, ffi().from_buffer("uint8_t[]", buffer), len(buffer)))

    def chunks(self, size: int = _CHUNK_BYTES) -> Iterator[memoryview]:
        """Yield the whole feed in pieces; each is valid until the next is asked for."""
        buffer = bytearray(size)
        while count := self.fill(buffer):
            yield memoryview(buffer)[:count]

    def counters(self) -> Counters:
        """Return what was written so far."""
        raw = ffi().new("struct synth_counters *")
        self._calls[1](self._open(), raw)
        return Counters(
            messages=raw.messages,
            bytes=raw.bytes,
            live_orders=raw.live_orders,
            by_type={chr(code): int(count) for code, count in enumerate(raw.by_type) if count},
            packets=tuple(raw.packets),
            lost=tuple(raw.lost),
            lost_on_both=raw.lost_on_both,
            duplicated=tuple(raw.duplicated),
            reordered=tuple(raw.reordered),
            heartbeats=raw.heartbeats,
        )


def _reason(error: OSError) -> str:
    advice = {
        errno.ENOENT: "the directory does not exist: make it first",
        errno.EISDIR: "is a directory: name a file in it",
        errno.ENOTDIR: "a part of the path is not a directory",
        errno.EACCES: "no permission to write there",
        errno.EROFS: "the file system is read-only",
        errno.ENOSPC: "no space is left: ask for fewer messages or write elsewhere",
    }
    return advice.get(error.errno or 0, os.strerror(error.errno or errno.EIO))


@contextmanager
def _output(path: str) -> Iterator[int]:
    """Open the output; a regular file that could not be finished is removed."""
    if path == "-":
        sys.stdout.flush()
        yield sys.stdout.fileno()
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        yield descriptor
    except BaseException:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            Path(path).unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, piece: memoryview) -> None:
    while piece:
        piece = piece[os.write(descriptor, piece) :]


def write_feed(market: Market, path: str, progress: Callable[[int], None] | None = None) -> Written:
    """Write the day to ``path`` (``-`` is standard output); ``progress`` gets the messages done so far."""
    started = told = time.monotonic()
    with SyntheticMarket(market) as running:
        try:
            with _output(path) as descriptor:
                for piece in running.chunks():
                    _write_all(descriptor, piece)
                    if progress and time.monotonic() - told > _PROGRESS_S:
                        told = time.monotonic()
                        progress(running.counters().messages)
                if progress:
                    progress(running.counters().messages)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise SynthError(f"cannot write {printable(path)}: {_reason(error)}") from error
        return Written(path, time.monotonic() - started, running.counters())
