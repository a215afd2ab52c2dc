"""The shared segment of taps: rings that outlive their producers and their writer, and the writer's state."""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping
from typing import Any

from appliance.errors import printable
from appliance.journal.errors import JournalError
from appliance.native import constants, ffi, library

DEFAULT_RINGS = {0: 1 << 24, 1: 1 << 22, 2: 1 << 22, 3: 1 << 22, 4: 1 << 20}
DEFAULT_SEGMENT_BYTES = 64 << 20


class Tap:
    """A stream of the journal, as its one producer has it."""

    def __init__(self, handle: Any, stream: int) -> None:
        """Take over a tap; use ``Taps.open``."""
        self.handle = handle
        self.stream = stream

    def append(self, kind: int, payload: bytes, cycles: int | None = None) -> int:
        """Append a record, and return its number; 0 = there is no room now, and nothing was appended."""
        if self.handle is None:
            raise JournalError(f"stream {self.stream} of the journal is closed")
        when = library().api_clock_cycles() if cycles is None else cycles
        return int(library().api_journal_tap_append(self.handle, kind, payload, len(payload), when))

    def close(self) -> None:
        """Say that nothing more will come."""
        if self.handle is not None:
            library().api_journal_tap_close(self.handle)
        self.handle = None


class Taps:
    """The taps of one appliance, in memory that lives as long as somebody has its file open."""

    def __init__(
        self,
        rings: Mapping[int, int] = DEFAULT_RINGS,
        segment_bytes: int = DEFAULT_SEGMENT_BYTES,
        sync_s: float = 1.0,
        core: int | None = None,
        die_with_parent: bool = True,
    ) -> None:
        """Lay out a ring of so many bytes for each stream."""
        ring_bytes = ffi().new(
            "uint64_t[]", [rings.get(s, 0) for s in range(constants()["ABI_JOURNAL_STREAMS"])]
        )
        size = int(library().api_journal_taps_bytes(ring_bytes))
        if not size:
            raise JournalError(f"rings of {dict(rings)} bytes: each is a power of two from 4096 to 2^31")
        self.file = os.memfd_create("journal-taps", os.MFD_CLOEXEC)
        os.ftruncate(self.file, size)
        self._memory = mmap.mmap(self.file, size)
        self._bytes = ffi().from_buffer("uint8_t[]", self._memory)
        self._taps: Any = library().api_journal_taps_place(self._bytes, ring_bytes)
        self._taps.segment_bytes = segment_bytes
        self._taps.sync_ms = round(sync_s * 1e3)
        self._taps.writer_core = -1 if core is None else core
        self._taps.parent_pid = os.getpid() if die_with_parent else 0
        library().api_journal_taps_publish(self._taps)

    @property
    def state(self) -> Any:
        """The writer's ``journal_state``, as it is now."""
        return self._taps.state

    @property
    def handle(self) -> Any:
        """The ``journal_taps`` itself."""
        return self._taps

    def refused(self, stream: int) -> int:
        """Return how many records a stream had no room for."""
        return int(self._taps.tap[stream].refused)

    def open(self, stream: int) -> Tap:
        """Take over a stream; its numbers go on where the journal has them."""
        error = ffi().new("char[]", constants()["API_ERROR_BYTES"])
        handle = library().api_journal_tap_open(self._taps, stream, error)
        if handle == ffi().NULL:
            raise JournalError(printable(ffi().string(error)))
        return Tap(handle, stream)

    def close(self) -> None:
        """Let go of the memory; others may still have it."""
        if self._taps is not None:
            self._taps = None
            ffi().release(self._bytes)
            self._memory.close()
            os.close(self.file)
