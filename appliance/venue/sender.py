"""The C program that sends, as its parent sees it: a plan in shared memory, and counters that come back."""

from __future__ import annotations

import asyncio
import mmap
import os
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from appliance.dataplane.plan import Line, Plan, Port
from appliance.native import abi_hash, constants, ffi
from appliance.programs import installed
from appliance.venue.day import Day
from appliance.venue.errors import VenueError
from appliance.venue.settings import LineFaults, Settings

_PER_UNIT = 1_000_000_000
_STOP_S = 2.0
_SESSION_BITS = 48
_LINE_COUNTERS = (
    "packets",
    "messages",
    "bytes",
    "signals",
    "lost",
    "same_gaps",
    "blacked_out",
    "blacked_out_signals",
    "duplicated",
    "reordered",
)


@dataclass(frozen=True, slots=True)
class Position:
    """The message sent last: of which session (how many were before), and its number."""

    session: int
    sequence: int


def _ports(settings: Settings) -> tuple[Port, ...]:
    if not settings.devices:
        return (Port("udp", interface=settings.interface, sends=True),)
    source = IPv4Address(0) if settings.interface.is_loopback else settings.interface
    return tuple(Port("dpdk", where=device, interface=source, sends=True) for device in settings.devices)


def _plan(settings: Settings) -> Plan:
    last = max(len(settings.devices), 1) - 1
    lines = tuple(Line(group, port, min(index, last)) for index, (group, port) in enumerate(settings.groups))
    return Plan(ports=_ports(settings), symbols=(), lines=lines, feed_core=settings.core, eal=settings.eal)


def _parts(probability: float) -> int:
    return round(probability * _PER_UNIT)


def _fill_faults(record: Any, faults: LineFaults) -> None:
    record.loss_ppb, record.loss_burst = _parts(faults.loss), faults.loss_burst
    record.duplicate_ppb = _parts(faults.duplicate)
    record.reorder_ppb, record.reorder_depth = _parts(faults.reorder), faults.reorder_depth
    record.delay_us, record.jitter_us = round(faults.delay_ms * 1e3), round(faults.jitter_ms * 1e3)


def _fill_plan(plan: Any, settings: Settings, day: Day) -> None:
    ffi().memmove(ffi().addressof(plan, "plan"), _plan(settings).record().tobytes(), ffi().sizeof(plan.plan))
    for record, faults in zip(plan.faults, settings.lines, strict=True):
        _fill_faults(record, faults)
    for index, blackout in enumerate(settings.blackouts):
        record = plan.blackout[index]
        record.start_us, record.us = round(blackout.start_s * 1e6), round(blackout.seconds * 1e6)
        record.lines = {"A": 1, "B": 2, "both": 3}[blackout.lines]
    plan.blackouts = len(settings.blackouts)
    plan.seed, plan.day_bytes = settings.seed, day.file_bytes
    plan.pace = ffi().typeof("enum plan_pace").relements[f"PLAN_PACE_{settings.pace.kind.upper()}"]
    plan.rate, plan.speed_ppm = settings.pace.rate, round(settings.pace.speed * 1e6)
    plan.days, plan.packet_messages = settings.days, settings.packet_messages
    plan.heartbeat_ms, plan.lead_in_ms, plan.linger_ms = (
        round(seconds * 1e3) for seconds in (settings.heartbeat_s, settings.lead_in_s, settings.linger_s)
    )
    plan.same_gap_ppb, plan.same_gap_burst = _parts(settings.same_gap), settings.same_gap_burst
    flags = ffi().typeof("enum venue_flag").relements
    plan.flags = settings.hold * flags["VENUE_HOLD"] | settings.wait * flags["VENUE_WAIT"]
    plan.session = settings.session.ljust(10).encode()


class Sender:
    """One run of the program. Counters are read while it runs, and after it has ended.

    A live day grows while it is sent, at the pace of who makes it: the program sends what there is at once.
    """

    def __init__(self, settings: Settings, day: Day, *, live: bool = False) -> None:
        """Make the shared memory; ``start`` starts the program."""
        self._day = day
        self._process: asyncio.subprocess.Process | None = None
        self._ended: asyncio.Task[int] | None = None
        size = ffi().sizeof("struct venue_segment")
        self._file = os.memfd_create("venue-plan", os.MFD_CLOEXEC)
        os.ftruncate(self._file, size)
        self._memory = mmap.mmap(self._file, size)
        self._bytes = ffi().from_buffer("uint8_t[]", self._memory)
        self._segment: Any = ffi().cast("struct venue_segment *", self._bytes)
        _fill_plan(self._segment.plan, settings, day)
        self._segment.abi_hash = abi_hash()
        self._segment.parent_pid = os.getpid()
        self._segment.bytes = size
        self._segment.control.bytes, self._segment.control.whole = (0, 0) if live else (day.bytes, 1)
        if live:
            self._go_live()
        self._segment.magic = constants()["ABI_MAGIC"]

    def _go_live(self) -> None:
        """Keep the pace for who makes the day, and take it from the program."""
        plan = self._segment.plan
        self.pace = ffi().new("struct venue_plan *", plan)
        flags = ffi().typeof("enum venue_flag").relements
        plan.pace = ffi().typeof("enum plan_pace").relements["PLAN_PACE_FLAT"]
        plan.flags = plan.flags & ~flags["VENUE_HOLD"] | flags["VENUE_LIVE"]

    @property
    def segment(self) -> Any:
        """The shared memory."""
        return self._segment

    async def start(self) -> None:
        """Start the program, and wait until its ports are open."""
        path = installed("venue-feed")
        try:
            self._process = await asyncio.create_subprocess_exec(
                path, "--segment", str(self._file), "--day", str(self._day.file),
                pass_fds=(self._file, self._day.file), stdin=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
        except OSError as error:
            raise VenueError(f"cannot start {path}: {error.strerror}") from None
        self._ended = asyncio.create_task(self._wait())
        while self.state == "starting" and not self._ended.done():
            await asyncio.sleep(0.002)
        if self.state in ("starting", "failed"):
            await self._ended
            self.check()
            raise VenueError("the sender ended before it had begun")

    async def _wait(self) -> int:
        assert self._process is not None
        assert self._process.stderr is not None
        said = await self._process.stderr.read()
        status = await self._process.wait()
        self._said = said.decode(errors="replace").strip()
        return status

    def check(self) -> None:
        """Raise VenueError if the program has ended otherwise than it should."""
        assert self._ended is not None
        status = self._ended.result()
        if status:
            how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
            why = ffi().string(self._segment.live.message).decode() or self._said or how
            raise VenueError(f"the sender failed: {why}")

    @property
    def ended(self) -> asyncio.Task[int]:
        """Done when the program has ended."""
        assert self._ended is not None
        return self._ended

    def go(self) -> None:
        """Let it send the first message, if it waits for that word."""
        self._segment.control.go = 1

    def stop(self) -> None:
        """Tell it to stop."""
        if self._segment is not None:
            self._segment.control.stop = 1

    async def close(self) -> None:
        """Stop the program, whatever it does, and give the memory back."""
        self.stop()
        if self._process is not None and self._ended is not None:
            done, _ = await asyncio.wait({self._ended}, timeout=_STOP_S)
            if not done:
                self._process.kill()
                await self._ended
        self._segment = None
        ffi().release(self._bytes)
        self._memory.close()
        os.close(self._file)

    @property
    def state(self) -> str:
        """One of starting, leading_in, sending, holding, ending, ended, failed."""
        names = ffi().typeof("enum venue_state").elements
        return str(names[int(self._segment.live.state)]).removeprefix("VENUE_").lower()

    @property
    def position(self) -> Position:
        """The message sent last."""
        sent = int(self._segment.live.sent)
        return Position(sent >> _SESSION_BITS, sent & ((1 << _SESSION_BITS) - 1))

    @property
    def messages(self) -> int:
        """Messages sent so far, of all sessions; not counted again when doubled or lost."""
        return int(self._segment.live.messages)

    @property
    def sending_s(self) -> float:
        """Seconds from the first to the last message."""
        live = self._segment.live
        cycles = int(live.last_cycles) - int(live.started_cycles)
        return max(cycles, 0) / self._segment.cycles_per_s if live.started_cycles else 0.0

    def counters(self) -> dict[str, Any]:
        """Return what was sent: packets made, the time the schedule was behind, and each line's fate."""
        live = self._segment.live
        return {
            "packets": int(live.packets),
            "slipped_s": int(live.slipped_us) / 1e6,
            "lines": {
                name: {counter: int(getattr(line, counter)) for counter in _LINE_COUNTERS}
                for name, line in zip("AB", live.line, strict=True)
            },
            "unsent": sum(int(port.unsent) for port in live.port),
            "send_errors": sum(int(port.errors) for port in live.port),
        }
