"""Everything a data plane says of itself, copied at one moment: what status, top, stats and metrics show."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.dataplane import Segment, SegmentError, not_allowed
from appliance.errors import ApplianceError
from appliance.native import constants, library
from appliance.observe.counters import FRAME_VERDICTS, LINE_VERDICTS, LINES, STAGES
from appliance.observe.latency import Latency
from appliance.observe.trading import TradingReading, read_trading

_DIRECTORY = Path("/dev/shm")
# A feed thread that has not come round for so long hangs, or does not get its core.
LATE_HEARTBEAT_S = 0.1
_PORT_KINDS = ("file", "udp", "dpdk")

Numbers = dict[str, int]


class NotRunningError(ApplianceError):
    """There is no data plane to look at, or it is not one."""


@dataclass(frozen=True)
class Reading:
    """One look at a data plane."""

    name: str
    state: str
    message: str
    pid: int
    stage: str
    recovery_state: str
    now_cycles: int
    started_cycles: int
    ready_cycles: int
    cycles_per_s: int
    live: Numbers
    ports: list[Numbers]
    port_kinds: list[str]
    frame: Numbers
    frame_verdicts: Numbers
    lines: dict[str, Numbers]
    line_verdicts: dict[str, Numbers]
    stream: Numbers
    recovery: Numbers
    recoverer: Numbers
    book: Numbers
    stats: Numbers
    by_type: Numbers
    stages: dict[str, Latency]
    pools: dict[str, int]
    symbols: int
    trading: TradingReading | None = None

    def _seconds(self, since_cycles: int) -> float:
        if not since_cycles or not self.cycles_per_s:
            return 0.0
        return max(self.now_cycles - since_cycles, 0) / self.cycles_per_s

    @property
    def uptime_s(self) -> float:
        """Since it was started."""
        return self._seconds(self.started_cycles)

    @property
    def ready_s(self) -> float | None:
        """How long it took to be ready; None if it is not yet."""
        if not self.ready_cycles or not self.cycles_per_s:
            return None
        return (self.ready_cycles - self.started_cycles) / self.cycles_per_s

    @property
    def heartbeat_age_s(self) -> float | None:
        """Since the feed's thread last came round; None before its first round."""
        beat = self.live["heartbeat_cycles"]
        return self._seconds(beat) if beat else None

    @property
    def is_late(self) -> bool:
        """Whether it lives, but does not come round."""
        age = self.heartbeat_age_s
        return self.state == "running" and age is not None and age > LATE_HEARTBEAT_S

    @property
    def trust(self) -> str:
        """What the books are worth, in a few words: what makes them worthless first."""
        stale, untrusted = self.live["stale_books"], self.book["untrusted_books"]
        if self.state in ("planned", "starting"):
            return "not ready, every book stale"
        words = []
        if stale and self.recovery_state == "starting":
            words.append("nothing has arrived yet")
        elif stale:
            words.append(f"{stale:,} BOOKS STALE")
        if untrusted:
            words.append(f"{untrusted:,} OF {self.book['symbols']:,} BOOKS UNTRUSTED")
        return ", ".join(words) or "no book stale"

    def groups(self) -> Iterator[tuple[str, str | None, Numbers]]:
        """Give every group of counters: its name, its label, its numbers."""
        yield "live", None, self.live
        for index, port in enumerate(self.ports):
            yield "port", str(index), port
        yield "frame", None, self.frame
        for line, numbers in self.lines.items():
            yield "line", line, numbers
        yield "stream", None, self.stream
        yield "recovery", None, self.recovery
        yield "recoverer", None, self.recoverer
        yield "book", None, self.book
        yield "stats", None, self.stats
        if self.trading:
            for name, numbers in self.trading.groups.items():
                yield name, None, numbers


def _numbers(record: Any, *without: str) -> Numbers:
    """Return the single numbers of a record by name."""
    return {
        name: int(record[name])
        for name in record.dtype.names
        if record.dtype[name].shape == () and record.dtype[name].names is None
        if name != "reserved" and name not in without
    }


def _verdicts(record: Any, names: dict[str, str]) -> Numbers:
    return dict(zip(names, map(int, record["by_verdict"]), strict=False))


def read(segment: Segment) -> Reading:
    """Copy everything now. Each number is whole; two of them may be a millisecond apart."""
    now = int(library().api_clock_cycles())  # before all else: then no heartbeat looks older than it is
    stats, plan = segment.stats, segment.plan
    ports = min(int(plan["ports"]), len(plan["port"]))
    lines = dict(zip(LINES, stats["mold"]["line"], strict=False))
    hz = segment.cycles_per_s
    live = segment.live
    return Reading(
        name=segment.name,
        state=segment.state,
        message=segment.message,
        pid=segment.pid,
        stage=segment.stage,
        recovery_state=segment.recovery_state,
        now_cycles=now,
        started_cycles=segment.started_cycles,
        ready_cycles=segment.ready_cycles,
        cycles_per_s=hz,
        live=live,
        ports=[_numbers(port) for port in stats["port"][:ports]],
        port_kinds=[_PORT_KINDS[min(int(port["kind"]), 2)] for port in plan["port"][:ports]],
        frame=_numbers(stats["frames"]),
        frame_verdicts=_verdicts(stats["frames"], FRAME_VERDICTS),
        lines={name: _numbers(line) for name, line in lines.items()},
        line_verdicts={name: _verdicts(line, LINE_VERDICTS) for name, line in lines.items()},
        stream=_numbers(stats["mold"]),
        recovery=_numbers(stats["recovery"]),
        recoverer=_numbers(stats["recoverer"]),
        book=_numbers(stats["books"]),
        stats=_numbers(stats),
        by_type={chr(code): int(count) for code, count in enumerate(stats["books"]["by_type"]) if count},
        stages={
            name: Latency.of(histogram, hz) for name, histogram in zip(STAGES, stats["stage"], strict=True)
        },
        pools={name: int(plan["books"][name]) for name in ("orders", "order_pages", "levels", "locates")},
        symbols=len(segment.views),
        trading=read_trading(segment),
    )


def running() -> list[str]:
    """Return the names of all segments there are, whoever wrote them and whether it still lives."""
    magic = constants()["ABI_MAGIC"].to_bytes(8, "little")
    found = []
    for path in sorted(_DIRECTORY.iterdir()):
        try:
            with path.open("rb") as file:
                if file.read(8) == magic:
                    found.append(path.name)
        except OSError:
            continue
    return found


def _forbidden() -> list[Path]:
    """Return what lies where segments do and may not be read by this user, if a living process has locked it.

    A data plane locks its segment, and what a kernel tells of locks everybody may read.
    """
    inodes = _locked_inodes()
    found = []
    for path in sorted(_DIRECTORY.iterdir()):
        try:
            about = path.stat()
        except OSError:
            continue
        if stat.S_ISREG(about.st_mode) and about.st_ino in inodes and not os.access(path, os.R_OK):
            found.append(path)
    return found


def _locked_inodes() -> set[int]:
    """Return the inodes that somebody holds an exclusive flock on."""
    try:  # "1: FLOCK ADVISORY WRITE 88 00:17:4 0 EOF"
        rows = [row.split() for row in Path("/proc/locks").read_text().splitlines()]
    except OSError:
        return set()
    return {int(row[5].rpartition(":")[2]) for row in rows if row[1] == "FLOCK" and row[3] == "WRITE"}


def _none_here() -> str:
    """Say that there is no data plane; or that there is one, and who may look at it."""
    forbidden = _forbidden()
    if not forbidden:
        return "no data plane is running on this machine: start one with appliance run"
    names = ", ".join(f"'{path.name}'" for path in forbidden)
    return f"data plane {names} is running, and {not_allowed(forbidden[0])}"


def living() -> list[str]:
    """Return the names of the data planes that live, and that this user and this build can look at."""
    found = []
    for name in running():
        with suppress(SegmentError), Segment(name) as segment:
            if segment.is_alive:
                found.append(name)
    return found


def attach(name: str | None) -> Segment:
    """Map the data plane of this name; without a name the only one there is, or the only one that lives."""
    if name is None:
        names = running()
        if not names:
            raise NotRunningError(_none_here())
        if len(names) > 1:
            names = living() or names
        if len(names) > 1:
            raise NotRunningError(f"several data planes are here: choose one with --name: {', '.join(names)}")
        name = names[0]
    return Segment(name)


def attach_living(name: str | None) -> Segment:
    """Map a data plane that lives; of one that does not, say how it ended."""
    segment = attach(name)
    if segment.is_alive:
        return segment
    where = f"last stage {segment.stage}, last sequence {segment.live['sequence']:,}"
    how = {
        "failed": f"has failed: {segment.message}",
        "ended": f"has read its feed to the end, and gone; {where}",
        "stopped": f"has been stopped; {where}",
    }.get(segment.state, f"is dead: its process is gone without a word; {where}")
    who = segment.name
    segment.close()
    raise NotRunningError(f"data plane '{who}' {how}: start it again with appliance run")
