"""The life of a data plane: started from a plan, watched, and stopped."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from appliance.dataplane.plan import PlanLike
from appliance.dataplane.segment import Segment, SegmentError, create_segment
from appliance.errors import ApplianceError
from appliance.programs import installed

_READY_S = 60.0
_STOP_S = 5.0


class DataPlaneError(ApplianceError):
    """It could not be started, or did not become ready."""


@dataclass(frozen=True)
class Death:
    """How a data plane ended: its exit status, or the signal that took it, and where it was."""

    status: int
    state: str
    stage: str
    sequence: int
    message: str

    @property
    def was_told(self) -> bool:
        """Whether it ended because it was asked to, or its feed did."""
        return self.status == 0

    def __str__(self) -> str:
        """Say it in one line."""
        if self.status < 0:
            how = f"killed by {signal.Signals(-self.status).name}"
        elif self.message:
            how = self.message
        else:
            how = f"ended with status {self.status}" if self.status else self.state
        return f"{how}; last stage {self.stage}, last sequence {self.sequence:,}"


def end_with_parent() -> None:
    """Ask the kernel to tell this process to end when its parent does; to be called between fork and exec."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


class DataPlane:
    """A data plane that we started: its process and its segment."""

    def __init__(self, process: subprocess.Popen[bytes], segment: Segment) -> None:
        """Take over a started process; use ``start``."""
        self.process = process
        self.segment = segment

    @classmethod
    def start(
        cls,
        name: str,
        plan: PlanLike,
        environment: dict[str, str] | None = None,
        output: int | None = None,
        taps: int | None = None,
        replay: int | None = None,
    ) -> Self:
        """Write the plan into a new segment and start the program on it.

        ``output`` is where both of its outputs go, as ``subprocess`` takes it; None = where ours go. ``taps``
        is the open file of the journal's rings, ``replay`` that of a session to be lived through again.
        """
        file = create_segment(name, plan)
        files = {"--fd": file, "--taps": taps, "--replay": replay}
        given = {flag: open_file for flag, open_file in files.items() if open_file is not None}
        segment = None
        try:
            segment = Segment(name)
            process = subprocess.Popen(
                [installed("dataplane"), *(word for flag in given for word in (flag, str(given[flag])))],
                pass_fds=list(given.values()),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
            )
        except BaseException as error:
            (Path("/dev/shm") / name).unlink(missing_ok=True)
            if segment:
                segment.close()
            if isinstance(error, OSError):
                raise DataPlaneError(f"cannot start {installed('dataplane')}: {error.strerror}") from None
            raise
        finally:
            os.close(file)  # the process has it: with it the name's lock
        return cls(process, segment)

    def wait_until(self, *states: str, timeout_s: float = _READY_S) -> str:
        """Wait for one of these states; raises DataPlaneError when it dies or fails before."""
        deadline = time.monotonic() + timeout_s
        while True:
            state = self.segment.state
            if state in states:
                return state
            death = self.poll()
            if death and self.segment.state not in states:
                raise DataPlaneError(f"data plane '{self.segment.name}': {death}")
            if time.monotonic() > deadline:
                raise DataPlaneError(
                    f"data plane '{self.segment.name}': still {state} after {timeout_s:.0f} s, "
                    f"stage {self.segment.stage}: see its messages, or stop it"
                )
            time.sleep(0.002)

    def poll(self) -> Death | None:
        """Say how it ended, or None while it lives."""
        status = self.process.poll()
        return None if status is None else self._death(status)

    def wait(self, timeout_s: float) -> Death | None:
        """Wait for its end, at once aware of it; None when it outlives the timeout."""
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(self.process.pid)
            try:
                waiting = select.poll()
                waiting.register(handle, select.POLLIN)
                waiting.poll(timeout_s * 1000)
            finally:
                os.close(handle)
        return self.poll()

    def _death(self, status: int) -> Death:
        segment = self.segment
        return Death(status, segment.state, segment.stage, segment.live["sequence"], segment.message)

    def stop(self, timeout_s: float = _STOP_S) -> Death:
        """Tell it to stop and wait; one that does not is killed, and the answer says so."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        death = self.wait(timeout_s)
        if death is None:
            self.process.kill()
            death = self._death(self.process.wait())
        return death

    def remove(self) -> None:
        """Take the segment's name away, if it is still ours, and unmap it. The process must have ended."""
        with suppress(SegmentError), Segment(self.segment.name) as named:
            if named.pid == self.segment.pid:
                named.path.unlink(missing_ok=True)
        self.segment.close()

    def __enter__(self) -> Self:
        """Stop it at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it and take its segment away."""
        self.stop()
        self.remove()
