"""What an operator asks of a running data plane: the kill word, and commands, one at a time."""

from __future__ import annotations

import fcntl
import mmap
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

import numpy as np

from appliance.dataplane.segment import Segment, SegmentError
from appliance.errors import ApplianceError
from appliance.native import dtype, ffi

_ANSWER_S = 2.0
_WHO_BYTES = 31


class ControlError(ApplianceError):
    """The data plane did not do what it was asked for."""


class Control:
    """The part of a segment that the control plane writes. Several processes may, one after the other."""

    def __init__(self, name: str) -> None:
        """Map it for writing."""
        self.segment = Segment(name)
        if self.segment.trading is None:
            self.segment.close()
            raise ControlError(f"data plane '{name}' keeps books only: it has no trading to control")
        try:
            self._file = os.open(self.segment.path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            self.segment.close()
            raise SegmentError(f"{self.segment.path}: {error.strerror}: who may trade with it?") from None
        self._memory = mmap.mmap(self._file, os.fstat(self._file).st_size)
        offset = self.segment.trading_offset
        self._trading: Any = np.frombuffer(self._memory, dtype("shm_trading"), count=1, offset=offset)[0]

    def __enter__(self) -> Self:
        """Unmap at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of it."""
        self.close()

    def close(self) -> None:
        """Unmap."""
        del self._trading
        with suppress(BufferError):  # an error that is on its way may hold some of it
            self._memory.close()
        os.close(self._file)
        self.segment.close()

    @property
    def kill_word(self) -> str:
        """What operators have left it at: open, reduce_only or killed."""
        return str(_gates()[int(self._trading["control"]["kill"])])

    def set_kill_word(self, gate: str) -> None:
        """Store it; the very next order obeys. One aligned word, so nobody sees half of it."""
        self._trading["control"]["kill"] = _gates().index(gate)

    def send(self, kind: str, who: str, timeout_s: float = _ANSWER_S, **members: Any) -> None:
        """Send a command and wait until it is done; its refusal is raised."""
        with self._alone():
            command = self._trading["control"]["command"]
            number = int(command["number"]) + 1
            fresh = np.zeros(1, dtype("command"))[0]
            fresh["kind"] = ffi().typeof("enum command_kind").relements[f"COMMAND_{kind.upper()}"]
            fresh["who"] = who.encode()[:_WHO_BYTES]
            fresh["wall_ns"] = time.time_ns()
            for name, value in members.items():
                fresh[name] = value
            for name in fresh.dtype.names[1:]:
                command[name] = fresh[name]
            command["number"] = number  # last: from now on it is read
            self._wait_for(number, kind, timeout_s)

    def _wait_for(self, number: int, kind: str, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        shown = self._trading["decisions"]
        while int(shown["answered"]) != number:
            if not self.segment.is_alive:
                raise ControlError(f"data plane '{self.segment.name}' is not running")
            if time.monotonic() > deadline:
                raise ControlError(
                    f"data plane '{self.segment.name}' has not answered '{kind}' for {timeout_s:g} s: "
                    "it is hung, or without a core"
                )
            time.sleep(0.0005)
        if int(shown["refused"]):
            raise ControlError(f"'{kind}' was refused: {bytes(shown['answer']).decode()}")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One command at a time, whoever sends it; the lock of the whole file is the data plane's."""
        start = self.segment.trading_offset
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, start)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, start)


def _gates() -> list[str]:
    names = ffi().typeof("enum risk_gate").elements
    return [str(names[number]).removeprefix("GATE_").lower() for number in sorted(names)]
