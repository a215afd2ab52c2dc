"""Ports under test, as plain values: what their reader was given, and how it ended."""

from __future__ import annotations

import gzip
import ipaddress
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from appliance import native

ETHERNET, ITCH, DATAGRAM = 0, 1, 2
FILE, UDP, DPDK = 0, 1, 2
FLAT, RECORDED, RATE = 0, 1, 2
SLACK = 64
END, FAILED = -1, -2


class Frame(NamedTuple):
    """One frame, copied."""

    data: bytes
    kind: int
    time_ns: int
    line: int


class Reading(NamedTuple):
    """All frames of a file; `error` is None if the file was read to its end."""

    frames: list[Frame]
    error: str | None

    @property
    def data(self) -> list[bytes]:
        """The bytes of the frames alone."""
        return [frame.data for frame in self.frames]


class Line(NamedTuple):
    """Where one line of the feed is sent."""

    group: str
    port: int


class Port:
    """An open port."""

    def __init__(self, handle: Any, plan: Any = None) -> None:
        self._handle = handle
        self._plan = plan  # must outlive the port
        self._frames = native.ffi().new("struct port_frame[]", 32)
        self._error = native.ffi().new("char[]", native.constants()["API_ERROR_BYTES"])

    def burst(self, room: int = 32) -> int | list[Any]:
        """Receive once: frames as they lie in memory, or END, or FAILED."""
        count = int(native.library().api_port_rx(self._handle, self._frames, room, self._error))
        return count if count < 0 else [self._frames[index] for index in range(count)]

    def error(self) -> str:
        """Why it failed."""
        return text(self._error)

    def taken(self, room: int = 32) -> list[Frame]:
        """Receive once, and copy; the port has neither ended nor failed."""
        burst = self.burst(room)
        assert isinstance(burst, list), self.error()
        return [copied(frame) for frame in burst]

    def send(self, packets: Sequence[tuple[int, bytes]]) -> int:
        """Send Ethernet frames, each on its line, once: how many were taken."""
        ffi = native.ffi()
        kept = [ffi.from_buffer(data) for _, data in packets]
        frames = ffi.new("struct port_frame[]", len(packets))
        for frame, data, (line, _) in zip(frames, kept, packets, strict=True):
            frame.data, frame.length, frame.line = ffi.cast("uint8_t *", data), len(data), line
        return int(native.library().api_port_tx(self._handle, frames, len(packets)))

    def note(self) -> str:
        """What the operator should know of it."""
        return text(native.library().api_port_note(self._handle))

    def counters(self) -> dict[str, int]:
        """What it counted, without what stayed 0."""
        counters = native.ffi().new("struct port_counters *")
        native.library().api_port_counters(self._handle, counters)
        names = [name for name, _ in native.ffi().typeof("struct port_counters").fields if name != "reserved"]
        return {name: value for name in names if (value := getattr(counters, name))}

    def progress(self) -> tuple[int, int]:
        """Bytes done, and in all."""
        done, total = native.ffi().new("uint64_t *"), native.ffi().new("uint64_t *")
        native.library().api_port_progress(self._handle, done, total)
        return done[0], total[0]


def text(error: Any) -> str:
    """The one line in an error buffer."""
    return str(native.ffi().string(error).decode())


def copied(frame: Any) -> Frame:
    """Copy a frame, after reading the slack behind it."""
    with_slack = bytes(native.ffi().buffer(frame.data, frame.length + SLACK))
    return Frame(with_slack[: frame.length], frame.kind, frame.time_ns, frame.line)


@contextmanager
def opened(path: Path | str, load: bool = False) -> Iterator[Port]:
    """Open a file that is a feed."""
    ffi, library = native.ffi(), native.library()
    error = ffi.new("char[]", native.constants()["API_ERROR_BYTES"])
    handle = library.api_port_open(str(path).encode(), load, error)
    assert handle != ffi.NULL, text(error)
    try:
        yield Port(handle)
    finally:
        library.api_port_close(handle)


def refusal(path: Path | str) -> str:
    """The line that says why a file cannot be opened."""
    ffi, library = native.ffi(), native.library()
    error = ffi.new("char[]", native.constants()["API_ERROR_BYTES"])
    handle = library.api_port_open(str(path).encode(), 0, error)
    if handle != ffi.NULL:
        library.api_port_close(handle)
        raise AssertionError(f"{path} was opened")
    return text(error)


def plan_of(kind: int, where: Path | str, lines: Sequence[Line] = (), **members: int) -> Any:
    """Make a plan of one port, to which all lines belong."""
    plan = native.ffi().new("struct plan *")
    plan.ports, plan.lines = 1, len(lines)
    plan.feed_core = plan.cold_core = -1
    port = plan.port[0]
    port.kind, port.where = kind, str(where).encode()
    for name, value in members.items():
        setattr(port, name, value)
    for planned_line, line in zip(plan.line, lines, strict=False):
        planned_line.group = int(ipaddress.IPv4Address(line.group))
        planned_line.udp_port = line.port
    return plan


def open_or_refuse(plan: Any) -> tuple[Any, str]:
    """Open the first port of a plan: its handle and nothing, or NULL and the reason."""
    ffi, library = native.ffi(), native.library()
    error = ffi.new("char[]", native.constants()["API_ERROR_BYTES"])
    handle = library.api_port_open_planned(plan, 0, error)
    return handle, text(error)


@contextmanager
def planned(kind: int, where: Path | str, lines: Sequence[Line] = (), **members: int) -> Iterator[Port]:
    """Open a port as a data plane does, from a plan."""
    plan = plan_of(kind, where, lines, **members)
    handle, error = open_or_refuse(plan)
    assert handle != native.ffi().NULL, error
    try:
        yield Port(handle, plan)
    finally:
        native.library().api_port_close(handle)


def planned_refusal(kind: int, where: Path | str, lines: Sequence[Line] = (), **members: int) -> str:
    """The line that says why a port of a plan cannot be opened."""
    handle, error = open_or_refuse(plan_of(kind, where, lines, **members))
    if handle != native.ffi().NULL:
        native.library().api_port_close(handle)
        raise AssertionError(f"{where} was opened")
    return error


@cache
def reads_gzip() -> bool:
    """Whether the library was built with zlib."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(gzip.compress(b""))
        file.flush()
        return "this build has no zlib" not in refusal(file.name)


def packed(content: bytes) -> bytes:
    """Pack content with gzip; a test that needs it is skipped where the library cannot read it."""
    if not reads_gzip():
        pytest.skip("this build has no zlib")
    return gzip.compress(content, 1)


def read(path: Path | str, load: bool = False, room: int = 32) -> Reading:
    """Read a feed file as far as it goes."""
    frames: list[Frame] = []
    with opened(path, load) as port:
        while True:
            burst = port.burst(room)
            if isinstance(burst, list):
                frames += map(copied, burst)
            else:
                return Reading(frames, port.error() if burst == FAILED else None)
