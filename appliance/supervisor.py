"""One data plane, kept running: started, watched, started again when it dies, stopped when told.

The data plane is crash-only: whatever goes wrong in it ends it, and what is left is in the shared segment. So
there is one way back, which is a fresh start and a snapshot. One that dies again and again within seconds is
given up after a few times, because then the cause does not go away by itself.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Protocol

from appliance.dataplane import DataPlane, Death, Plan, Segment
from appliance.errors import ApplianceError
from appliance.keeper import Keeper
from appliance.native import library
from appliance.observe.account import account
from appliance.observe.reading import LATE_HEARTBEAT_S, Reading, read

Say = Callable[[str], None]

# Between two looks at the heartbeat; the end of the process wakes at once.
_LOOK_S = 0.02
_START_S = 120.0
_STOP_S = 5.0


class GivenUpError(ApplianceError):
    """The data plane cannot be kept running."""


@dataclass(frozen=True)
class Patience:
    """How often a data plane may die. A death is quick when it lived less than ``quick_s``."""

    quick_s: float = 10.0
    quick_deaths: int = 5
    first_pause_s: float = 0.0
    longest_pause_s: float = 8.0

    def pause_s(self, quick_in_a_row: int) -> float:
        """Return how long to wait before the next start."""
        if quick_in_a_row <= 1:
            return self.first_pause_s
        return float(min(0.25 * 2 ** (quick_in_a_row - 2), self.longest_pause_s))


class Companion(Protocol):
    """Who goes with the data plane through its lives."""

    def plan(self, plan: Plan) -> Plan:
        """Return what the next one is told."""

    def begin(self, segment: Segment) -> None:
        """It was started, and is not yet ready."""

    def look(self, segment: Segment) -> None:
        """It runs: called every few milliseconds."""

    def end(self, segment: Segment) -> None:
        """It is gone; its segment will be."""


@dataclass
class Supervisor:
    """``run`` returns when the data plane was told to stop, or its feed has ended."""

    name: str
    plan: Plan
    say: Say
    restarts: bool = True
    patience: Patience = field(default_factory=Patience)
    ready_note: str = ""
    companion: Companion | None = None
    journal: Keeper | None = None
    deaths: dict[str, int] = field(default_factory=dict)
    _plane: DataPlane | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop_asked: float | None = None
    _wake: int = -1
    _output: int = -1
    _output_read: int = 0

    def read(self) -> Reading | None:
        """Read the data plane, from any thread; None while there is none."""
        with self._lock:
            return read(self._plane.segment) if self._plane else None

    def run(self) -> None:
        """Keep it running. Raises GivenUpError when that does not work."""
        self._output = os.memfd_create("dataplane-output", os.MFD_CLOEXEC)
        try:
            with self._signals():
                self._keep()
        finally:
            os.close(self._output)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT ask for the stop, and wake whoever waits."""
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

        def ask(_number: int, _frame: FrameType | None) -> None:
            self._stop_asked = self._stop_asked or time.monotonic()
            os.eventfd_write(self._wake, 1)

        before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(self._wake)

    def _keep(self) -> None:
        quick = 0
        while True:
            born = time.monotonic()
            was_ready, death = self._one_life()
            if death is None or death.was_told:
                return
            quick = quick + 1 if time.monotonic() - born < self.patience.quick_s else 1
            if not was_ready and not self.deaths:
                raise GivenUpError(f"data plane '{self.name}' did not start: {death.message or death}")
            reason = signal.Signals(-death.status).name if death.status < 0 else "exit"
            self.deaths[reason] = self.deaths.get(reason, 0) + 1
            self._decide(death, quick)
            if self._wait_for_signal(self.patience.pause_s(quick)):
                self.say(f"{self.name}: told to stop while no data plane was running")
                return

    def _decide(self, death: Death, quick: int) -> None:
        """Say what comes after a death, or give up."""
        if not self.restarts:
            raise GivenUpError(f"data plane '{self.name}' died: {death}; it is not started again, as told")
        if quick >= self.patience.quick_deaths:
            raise GivenUpError(
                f"data plane '{self.name}' died {quick} times, each within {self.patience.quick_s:g} s, "
                f"and is given up; the last time: {death}"
            )
        pause = self.patience.pause_s(quick)
        when = f"in {pause:g} s" if pause else "now"
        self.say(f"{self.name}: DIED: {death}; starting it again {when}")

    def _one_life(self) -> tuple[bool, Death | None]:
        """Start one and stay with it: whether it became ready, and how it ended; None = as told."""
        started = time.monotonic()
        plan = self.companion.plan(self.plan) if self.companion else self.plan
        taps = self.journal.file if self.journal else None
        plane = DataPlane.start(self.name, plan, output=self._output, taps=taps)
        with self._lock:
            self._plane = plane
        ready = False
        try:
            if self.companion:
                self.companion.begin(plane.segment)
            ready = self._until_ready(plane, started)
            death = self._watch(plane) if ready else plane.poll()
            if death is None:
                self._stop(plane, ready)
            elif death.was_told:
                self._tell_of_end(plane, ready)
            return ready, death
        finally:
            with self._lock:
                self._plane = None
            if plane.poll() is None:
                plane.stop(_STOP_S)
            self._forward(plane.segment.message)
            if self.companion:
                self.companion.end(plane.segment)
            plane.remove()

    def _until_ready(self, plane: DataPlane, started: float) -> bool:
        """Wait until it runs. False: it died, or a stop was asked for."""
        while not plane.segment.ready_cycles:
            if self._stop_asked or plane.wait(0.002):
                break
            if time.monotonic() - started > _START_S:
                raise GivenUpError(
                    f"data plane '{self.name}' is not ready after {_START_S:.0f} s: "
                    f"stage {plane.segment.stage}"
                )
        if not plane.segment.ready_cycles:
            return False
        if self.journal:  # before the gate can be opened: no order without the plan that it came of
            self.journal.tell_of(plane.segment)
        seconds = time.monotonic() - started
        note = f", {self.ready_note}" if self.ready_note else ""
        self.say(f"{self.name}: ready in {seconds:.2f} s, process {plane.process.pid}{note}")
        return True

    def _tell_of_end(self, plane: DataPlane, was_ready: bool, seconds: float | None = None) -> None:
        if was_ready:
            self.say(account(read(plane.segment), seconds))
        else:
            how = f" in {seconds * 1000:.0f} ms" if seconds is not None else ""
            self.say(f"{self.name}: stopped{how}, before it was ready")

    def _watch(self, plane: DataPlane) -> Death | None:
        """Look after it until it dies, or a stop is asked for (None)."""
        if death := plane.poll():
            return death
        handle = os.pidfd_open(plane.process.pid)
        waiting = select.poll()
        waiting.register(handle, select.POLLIN)
        waiting.register(self._wake, select.POLLIN)
        late_since: float | None = None
        try:
            while True:
                waiting.poll(_LOOK_S * 1000)
                if death := plane.poll():
                    return death
                if self._stop_asked:
                    return None
                self._forward("")
                late_since = self._look(plane, late_since)
                if self.companion:
                    self.companion.look(plane.segment)
                if self.journal:
                    self.journal.look()
        finally:
            os.close(handle)

    def _look(self, plane: DataPlane, late_since: float | None) -> float | None:
        """Say when the feed's thread stops coming round, and when it does again."""
        segment = plane.segment
        now = int(library().api_clock_cycles())
        beat = segment.live["heartbeat_cycles"]
        age = (now - beat) / segment.cycles_per_s if beat and segment.cycles_per_s else 0.0
        is_late = segment.state == "running" and age > LATE_HEARTBEAT_S
        if is_late and late_since is None:
            self.say(
                f"{self.name}: LATE: its feed thread has not come round for {age * 1000:.0f} ms: hung, or "
                f"without a core; last stage {segment.stage}, last sequence {segment.live['sequence']:,}"
            )
            return time.monotonic() - age
        if late_since is not None and not is_late:
            self.say(f"{self.name}: comes round again after {time.monotonic() - late_since:.2f} s")
            return None
        return late_since

    def _stop(self, plane: DataPlane, was_ready: bool) -> None:
        asked = self._stop_asked or time.monotonic()
        death = plane.stop(_STOP_S)
        if death.status == -signal.SIGKILL:
            self.say(f"{self.name}: did not stop within {_STOP_S:g} s and was killed: {death}")
            return
        # SIGTERM itself takes one that has not come so far as to heed it.
        self._tell_of_end(plane, was_ready or bool(plane.segment.ready_cycles), time.monotonic() - asked)

    def _wait_for_signal(self, seconds: float) -> bool:
        """Wait, unless a stop is asked for: then say so."""
        waiting = select.poll()
        waiting.register(self._wake, select.POLLIN)
        waiting.poll(seconds * 1000)
        return self._stop_asked is not None

    def _forward(self, already_said: str) -> None:
        """Pass on what the data plane has written since, but for what is said here in other words."""
        text = os.pread(self._output, 1 << 16, self._output_read)
        end = text.rfind(b"\n") + 1
        self._output_read += end
        for line in text[:end].decode(errors="replace").splitlines():
            if not line.startswith("messages ") and (not already_said or already_said not in line):
                self.say(line)
