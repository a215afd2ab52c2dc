"""A shared segment as a data plane writes it, but written by a test: every number is the test's."""

from __future__ import annotations

import fcntl
import mmap
import os
from pathlib import Path
from typing import Any, Self

import numpy as np

from appliance.book.software import BookLimits
from appliance.dataplane import Plan, Port
from appliance.dataplane.segment import create_segment
from appliance.native import dtype, ffi, library

CYCLES_PER_S = 2_000_000_000


class WrittenSegment:
    """A segment under a name, locked as if a data plane lived, until the end of the block."""

    def __init__(self, name: str, *symbols: str, pid: int | None = None) -> None:
        self.name = name
        self.path = Path("/dev/shm") / name
        plan = Plan((Port("udp"),), symbols or ("SPY",), books=BookLimits(1000, 100, 500, 50))
        self._file = create_segment(name, plan)
        self._memory = mmap.mmap(self._file, 0)
        self.header = np.frombuffer(self._memory, dtype("shm_header"), count=1)[0]
        self.live = self.header["live"]
        stats = int(self.header["stats_offset"])
        self.stats: Any = np.frombuffer(self._memory, dtype("shm_stats"), count=1, offset=stats)[0]
        self.views: Any = np.frombuffer(
            self._memory,
            dtype("book_view"),
            count=len(plan.symbols),
            offset=int(self.header["views_offset"]),
        )
        self.header["pid"] = os.getpid() if pid is None else pid
        self.views["flags"] = self.live["stale_books"] = 0  # as a segment is made, every book is stale
        self.header["cycles_per_s"] = CYCLES_PER_S
        self.state("running")
        self.header["started_cycles"] = self.now() - 10 * CYCLES_PER_S
        self.header["ready_cycles"] = int(self.header["started_cycles"]) + CYCLES_PER_S // 2
        self.beat()

    @staticmethod
    def now() -> int:
        return int(library().api_clock_cycles())

    def state(self, name: str) -> None:
        self.header["state"] = ffi().typeof("enum shm_state").relements[f"SHM_{name.upper()}"]

    def beat(self, seconds_ago: float = 0.0) -> None:
        """Let the feed's thread have come round so long ago (a future round counts as now)."""
        self.live["heartbeat_cycles"] = self.now() - int(seconds_ago * CYCLES_PER_S)

    def keep_fresh(self) -> None:
        """Let its heartbeat be of the far future, so that no reader finds it late."""
        self.live["heartbeat_cycles"] = self.now() + 3600 * CYCLES_PER_S

    def die(self) -> None:
        """Let go of the lock, as the kernel does for a process that is gone."""
        if self._file >= 0:
            fcntl.flock(self._file, fcntl.LOCK_UN)  # the mapping holds the file open
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.die()
        self.path.unlink(missing_ok=True)


def fill(record: Any, start: int) -> int:
    """Give every number of a record a value of its own, counting up; returns the next."""
    for name in record.dtype.names:
        part = record[name]
        if name == "reserved":
            continue
        if getattr(part, "dtype", None) is not None and part.dtype.names:
            for row in part.reshape(-1) if part.shape else [part]:
                start = fill(row, start)
        elif getattr(part, "shape", ()):
            for index in range(len(part)):
                part[index] = start
                start += 1
        else:
            record[name] = start
            start += 1
    return start
