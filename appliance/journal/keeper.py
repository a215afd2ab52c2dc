"""The journal of a running appliance: its writer kept alive, and each life of the data plane told in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from appliance.dataplane import Segment
from appliance.journal.taps import Tap
from appliance.journal.writer import JournalWriter
from appliance.native import library
from appliance.replay.session import CONTROL, kind, told

Say = Callable[[str], None]


class Keeper:
    """One journal for all lives of a data plane. Used as a block; its end writes what is left."""

    def __init__(self, directory: Path, sync_s: float, core: int | None, say: Say) -> None:
        """Name where it goes."""
        self._directory, self._sync_s, self._core, self._say = directory, sync_s, core, say
        self._writer: JournalWriter | None = None
        self._tap: Tap | None = None
        self._was = "ok"

    def __enter__(self) -> Self:
        """Start the writer."""
        self._writer = JournalWriter.start(self._directory, sync_s=self._sync_s, core=self._core)
        self._tap = self._writer.tap(CONTROL)
        return self

    def __exit__(self, *_: object) -> None:
        """Write what is left, and stop."""
        if self._writer is not None:
            state = self._writer.stop()
            if state.lag:
                self._say(f"journal: {state.lag:,} bytes could not be written: {state.message}")
            self._writer.close()

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
        state = self.writer.state
        if state.state == "dead":
            self._say("journal: its writer DIED; starting it again: nothing that was in its rings is lost")
            self.writer.restart()
            state = self.writer.state
        if state.state != self._was:
            said = f": {state.message}" if state.message else ""
            self._say(f"journal: {state.state}{said}" if state.state != "ok" else "journal: written again")
            self._was = state.state
