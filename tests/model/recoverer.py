"""The recoverer under test, with the feed's side of its rings played by the test."""

from __future__ import annotations

import socket
import struct
import time
from typing import Any, NamedTuple, Self

from model.servers import PATIENCE_S

from appliance import native

KINDS = {1: "packet", 2: "begin", 3: "run", 4: "end", 5: "failed"}


class Record(NamedTuple):
    """What came out of the ring."""

    kind: str
    data: bytes
    sequence: int
    fetch: int


class Recoverer:
    """Opened with servers on loopback; a port of 0 is no server."""

    def __init__(self, request_port: int = 0, snapshot_port: int = 0, core: int = -1, **plan: Any) -> None:
        ffi = native.ffi()
        self._plan = ffi.new("struct plan_recovery *")
        self._plan.request_ip = address("127.0.0.1") if request_port else 0
        self._plan.request_port = request_port
        self._plan.snapshot_ip = address("127.0.0.1") if snapshot_port else 0
        self._plan.snapshot_port = snapshot_port
        self._plan.user = b"reader"
        self._plan.password = b"secret"
        self._plan.snapshot_timeout_ms = int(PATIENCE_S * 1000)
        for name, value in plan.items():
            setattr(self._plan, name, value)
        self._counters = ffi.new("struct recoverer_counters *")
        error = ffi.new("char[]", native.constants()["API_ERROR_BYTES"])
        self._handle = native.library().api_recoverer_open(self._plan, core, self._counters, error)
        if self._handle == ffi.NULL:
            raise ValueError(ffi.string(error).decode())

    def close(self) -> float:
        """Close it; how many seconds that took."""
        started = time.monotonic()
        native.library().api_recoverer_close(self._handle)
        self._handle = native.ffi().NULL
        return time.monotonic() - started

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, session: bytes, first: int, count: int) -> bool:
        """Ask for messages."""
        assert len(session) == 10
        return bool(native.library().api_recoverer_ask(self._handle, session, first, count))

    def fetch(self) -> int:
        """Ask for a snapshot; its number."""
        number: int = native.library().api_recoverer_fetch(self._handle)
        return number

    def look(self) -> Record | None:
        """Take the oldest record."""
        ffi, library = native.ffi(), native.library()
        kind, length, fetch = (ffi.new("uint32_t *") for _ in range(3))
        sequence = ffi.new("uint64_t *")
        data = library.api_recoverer_peek(self._handle, kind, length, sequence, fetch)
        if data == ffi.NULL:
            return None
        assert int(ffi.cast("uintptr_t", data)) % 8 == 0
        record = Record(KINDS[kind[0]], bytes(ffi.buffer(data, length[0])), sequence[0], fetch[0])
        library.api_recoverer_release(self._handle)
        return record

    def take(self) -> Record:
        """Wait for a record."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if (record := self.look()) is not None:
                return record
            time.sleep(0.0002)
        raise AssertionError(f"no record came; the counters are {self.counters}")

    def snapshot(self) -> list[Record]:
        """Wait for all records of a snapshot, up to its end or failure."""
        records = [self.take()]
        while records[-1].kind not in {"end", "failed"}:
            records.append(self.take())
        return records

    @property
    def counters(self) -> dict[str, int]:
        """Every counter that is not 0."""
        names = [name for name, _ in native.ffi().typeof("struct recoverer_counters").fields]
        counted = {name: getattr(self._counters, name) for name in names if name != "reserved"}
        return {name: value for name, value in counted.items() if value}

    def wait_until(self, **counters: int) -> None:
        """Wait until these counters stand where they should."""
        deadline = time.monotonic() + PATIENCE_S
        while not counters.items() <= self.counters.items():
            assert time.monotonic() < deadline, f"waited for {counters}; the counters are {self.counters}"
            time.sleep(0.0005)


def address(text: str) -> int:
    """Return an IPv4 address as the plan has it."""
    number: int = struct.unpack(">I", socket.inet_aton(text))[0]
    return number
