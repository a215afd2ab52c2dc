"""The file port under test, as plain values: what a reader of the file was given, and how it ended."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from appliance import native

ETHERNET, ITCH = 0, 1
SLACK = 64
END, FAILED = -1, -2


class Frame(NamedTuple):
    """One frame, copied."""

    data: bytes
    kind: int
    time_ns: int


class Reading(NamedTuple):
    """All frames of a file; `error` is None if the file was read to its end."""

    frames: list[Frame]
    error: str | None

    @property
    def data(self) -> list[bytes]:
        """The bytes of the frames alone."""
        return [frame.data for frame in self.frames]


class Port:
    """An open file."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._frames = native.ffi().new("struct port_frame[]", 32)
        self._error = native.ffi().new("char[]", native.constants()["API_ERROR_BYTES"])

    def burst(self, room: int = 32) -> int | list[Any]:
        """Receive once: frames as they lie in memory, or END, or FAILED."""
        count = int(native.library().api_port_rx(self._handle, self._frames, room, self._error))
        return count if count < 0 else [self._frames[index] for index in range(count)]

    def error(self) -> str:
        """Why it failed."""
        return text(self._error)

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
    return Frame(with_slack[: frame.length], frame.kind, frame.time_ns)


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
