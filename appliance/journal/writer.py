"""The life of the program that writes the journal: started, watched, stopped, and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from appliance.errors import printable
from appliance.journal.errors import JournalError
from appliance.journal.taps import DEFAULT_RINGS, DEFAULT_SEGMENT_BYTES, Tap, Taps
from appliance.native import constants, ffi
from appliance.programs import installed

_READY_S = 30.0
_STOP_S = 15.0  # it waits five seconds for producers, and two for a disk that refuses


@dataclass(frozen=True, slots=True)
class WriterState:
    """What the writer says of itself. ``written`` and ``synced`` are the last numbers of each stream."""

    state: str
    message: str
    records: int
    size: int
    lag: int
    segment: int
    segment_room: int
    doubles: int
    cut: int
    stalls: int
    syncs: int
    written: tuple[int, ...]
    synced: tuple[int, ...]

    @property
    def is_ok(self) -> bool:
        """Whether it takes what comes."""
        return self.state == "ok"


class JournalWriter:
    """A writer that we started, and the taps it shares with the data plane."""

    def __init__(self, directory: Path, taps: Taps) -> None:
        """Prepare it; use ``start``."""
        self.directory = directory
        self.taps = taps
        self._own: list[Tap] = []
        self._starts = 0  # of all writers before the one that was started last
        self.process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(
        cls,
        directory: Path,
        rings: Mapping[int, int] = DEFAULT_RINGS,
        segment_bytes: int = DEFAULT_SEGMENT_BYTES,
        sync_s: float = 1.0,
        core: int | None = None,
        die_with_parent: bool = True,
    ) -> Self:
        """Make the taps and the directory, start the program, and wait until it takes records."""
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JournalError(f"{printable(directory)}: {error.strerror}: the journal needs it") from None
        writer = cls(directory, Taps(rings, segment_bytes, sync_s, core, die_with_parent))
        try:
            writer.restart()
        except BaseException:
            writer.kill()
            writer.taps.close()
            raise
        return writer

    def restart(self) -> None:
        """Start the program on the same taps, after the one before has ended in whatever way, and wait."""
        self.launch()
        self._wait_until_ready()

    def launch(self) -> None:
        """Start the program as ``restart`` does; whether it gets ready, ``has_begun`` and ``state`` say."""
        path = installed("journal-writer")
        self.kill()
        self._starts = int(self.taps.state.starts)
        try:
            self.process = subprocess.Popen(
                [path, "--taps", str(self.taps.file), "--directory", os.fspath(self.directory)],
                pass_fds=[self.taps.file],
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            raise JournalError(f"cannot start {path}: {error.strerror}") from None

    @property
    def is_running(self) -> bool:
        """Whether the program is there."""
        return self.process is not None and self.process.poll() is None

    @property
    def has_begun(self) -> bool:
        """Whether the program that was started last has taken over the rings."""
        return int(self.taps.state.starts) > self._starts

    def _wait_until_ready(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + _READY_S
        while True:
            state = self.state
            if state.is_ok and self.has_begun:
                return
            if self.process.poll() is not None:
                raise JournalError(f"the journal cannot be written: {self._said() or 'its writer has ended'}")
            if self.has_begun and state.state in ("full", "failed"):
                raise JournalError(f"the journal cannot be written: {state.message}")
            if time.monotonic() > deadline:
                raise JournalError(f"the journal's writer is still {state.state} after {_READY_S:.0f} s")
            time.sleep(0.001)

    def _said(self) -> str:
        assert self.process is not None
        assert self.process.stderr is not None
        said = self.process.stderr.read().decode(errors="replace").strip()
        return said.removeprefix("journal-writer: ")

    @property
    def file(self) -> int:
        """The open file of the taps, for the data plane to inherit."""
        return self.taps.file

    @property
    def state(self) -> WriterState:
        """What the writer says of itself now; ``dead``: it is gone without a word."""
        raw = self.taps.state
        names = ffi().typeof("enum journal_writer_state").elements
        said = str(names[int(raw.state)]).removeprefix("JOURNAL_WRITER_").lower()
        streams = range(constants()["ABI_JOURNAL_STREAMS"])
        if said in ("starting", "ok", "full") and not self.is_running:
            said = "dead"
        return WriterState(
            state=said,
            message=ffi().string(raw.message).decode(errors="replace"),
            records=int(raw.records),
            size=int(raw.bytes),
            lag=int(raw.lag_bytes),
            segment=int(raw.segment),
            segment_room=int(raw.segment_room),
            doubles=int(raw.doubles),
            cut=int(raw.cut_bytes),
            stalls=int(raw.stalls),
            syncs=int(raw.syncs),
            written=tuple(int(raw.written[stream]) for stream in streams),
            synced=tuple(int(raw.synced[stream]) for stream in streams),
        )

    def tap(self, stream: int) -> Tap:
        """Take over a stream in this process; it is closed when the writer is stopped."""
        tap = self.taps.open(stream)
        self._own.append(tap)
        return tap

    def stop(self, timeout_s: float = _STOP_S) -> WriterState:
        """Close our own streams, let it write all that is in the rings, and wait for its end."""
        for tap in self._own:
            tap.close()
        if self.process is not None:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.state

    def kill(self) -> None:
        """End the program at once. What is in the rings stays there."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            assert self.process.stderr is not None
            self.process.stderr.close()
        self.process = None

    def close(self) -> None:
        """End the program if it still runs, and let go of the taps."""
        for tap in self._own:
            tap.close()
        self.kill()
        self.taps.close()

    def __enter__(self) -> Self:
        """Stop it at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it and let go of the taps."""
        self.stop()
        self.close()
