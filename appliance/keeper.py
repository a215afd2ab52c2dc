"""The journal of a running appliance: its writer kept alive, and what no data plane knows written in it.

There is one journal for all lives of a data plane. Its rings are ours, and outlive the writer as well as the
data plane: a writer that died is started again on the same rings, and nothing that was in them is lost. While
it cannot write, the rings fill, and a data plane whose rings are full sends no order; that is its own affair,
and ours to say why.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

from appliance.dataplane import Segment
from appliance.journal import JournalError, JournalWriter, Tap
from appliance.journal.notes import Notes
from appliance.native import library
from appliance.replay.session import CONTROL, kind, told

Say = Callable[[str], None]

_AGAIN_S = 1.0  # between two starts of a writer that does not stay
_LEAVES_S = 8.0  # a writer whose `run` was killed empties its rings first


class Keeper:
    """Used as a block; its end writes what is left."""

    def __init__(self, directory: Path, sync_s: float, core: int | None, audit: Path, say: Say) -> None:
        """Name where it goes, and the file whose lines are noted in it."""
        self._directory, self._sync_s, self._core = directory, sync_s, core
        self._audit, self._say = audit, say
        self._writer: JournalWriter | None = None
        self._tap: Tap | None = None
        self._notes: Notes | None = None
        self._was = "ok"
        self._started_s = 0.0
        self._is_failing = False

    def __enter__(self) -> Self:
        """Start the writer; an error says why nothing can be written."""
        _wait_until_free(self._directory)
        self._writer = JournalWriter.start(self._directory, sync_s=self._sync_s, core=self._core)
        self._started_s = time.monotonic()
        self._tap = self._writer.tap(CONTROL)
        self._notes = Notes(self._audit, self._directory, self._tap)
        return self

    def __exit__(self, *_: object) -> None:
        """Write what is left, and stop."""
        self._take_notes()
        state = self.writer.stop()
        if state.lag or state.state != "stopped":
            why = state.message or f"its writer is {state.state}"
            self._say(f"journal: {state.lag:,} bytes may not have been written: {why}")
        self.writer.close()

    @property
    def writer(self) -> JournalWriter:
        """The writer."""
        assert self._writer is not None
        return self._writer

    @property
    def file(self) -> int:
        """The rings, for a data plane to inherit."""
        return self.writer.file

    def tell_of(self, segment: Segment) -> None:
        """Write down what a data plane was told, so that its session can be lived through again."""
        assert self._tap is not None
        if not self._tap.append(kind("session"), told(segment, time.time_ns()), library().api_clock_cycles()):
            self._say("journal: no room for what the data plane was told: this session cannot be replayed")

    def look(self) -> None:
        """See to the writer: started again if it is gone; what is wrong with its disk is said once."""
        self._take_notes()
        if not self.writer.is_running:
            self._start_again()
            return
        state = self.writer.state
        if self.writer.has_begun and state.state != "starting":
            self._tell(state.state, state.message)

    def _take_notes(self) -> None:
        assert self._notes is not None
        try:
            self._notes.look()
            self._is_failing = False
        except JournalError as error:
            if not self._is_failing:
                self._say(f"journal: {error}")
            self._is_failing = True

    def _start_again(self) -> None:
        state, process = self.writer.state, self.writer.process
        if state.state == "failed":
            self._tell("failed", state.message)
        else:
            status = process.returncode if process is not None else 0
            how = f"killed by {signal.Signals(-status).name}" if status < 0 else f"status {status}"
            self._tell("dead", f"its writer DIED ({how}) and is started again: its rings lose nothing")
        if time.monotonic() - self._started_s < _AGAIN_S:
            return
        self._started_s = time.monotonic()
        try:
            self.writer.launch()
        except JournalError as error:
            self._tell("unstartable", str(error))

    def _tell(self, state: str, message: str) -> None:
        if state == self._was:
            return
        if state == "ok":
            self._say("journal: written again")
        elif state == "dead":
            self._say(f"journal: ALERT: {message}")
        else:
            self._say(f"journal: ALERT: nothing is written ({state}): {message}")
        self._was = state


def _wait_until_free(directory: Path) -> None:
    """Wait a little for the writer of an earlier life, which goes on until its rings are empty."""
    deadline = time.monotonic() + _LEAVES_S
    with suppress(OSError):
        file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            while time.monotonic() < deadline:
                with suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return
                time.sleep(0.02)
        finally:
            os.close(file)
