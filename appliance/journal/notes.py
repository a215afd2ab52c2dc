"""What people did, as notes in the journal: each line of a file that only grows, one record.

The file is the audit: kills, resumes, limits asked for, lowered and approved, each with who, when, old and
new, written by whichever command did it, also while nothing ran. A note is the line with ``at``, the byte at
which it stands in the file. How far the file has been taken stands beside the segments and is written behind
the record: whoever is killed in between makes a note twice, and ``at`` tells.
"""

from __future__ import annotations

import json
from pathlib import Path

from appliance.journal.errors import JournalError
from appliance.journal.taps import Tap
from appliance.native import ffi

_TAKEN = "audit.taken"
_AT_ONCE = 1 << 16


class Notes:
    """Follows one file."""

    def __init__(self, file: Path, directory: Path, tap: Tap) -> None:
        """Go on where the last one stopped."""
        self._file, self._tap = file, tap
        self._record = directory / _TAKEN
        self._kind = int(ffi().typeof("enum journal_kind").relements["JOURNAL_NOTE"])
        try:
            self._taken = int(self._record.read_text())
        except (OSError, ValueError):
            self._taken = 0

    def look(self) -> None:
        """Take what is new, as far as there is room; the rest is taken at another look."""
        try:
            size = self._file.stat().st_size
            if size == self._taken:
                return
            if size < self._taken:
                self._taken = 0  # another file has its name
            with self._file.open("rb") as file:
                file.seek(self._taken)
                text = file.read(_AT_ONCE)
        except FileNotFoundError:
            return
        except OSError as error:
            raise JournalError(f"{self._file}: {error.strerror}: it is to be journalled") from None
        before = self._taken
        for line in text.splitlines(keepends=True):
            if not line.endswith(b"\n") or not self._append(line):
                break
            self._taken += len(line)
        if self._taken != before:
            self._note_taken()

    def _append(self, line: bytes) -> bool:
        try:
            what = json.loads(line)
        except ValueError:
            what = {"line": line.decode(errors="replace")}
        note = json.dumps({"at": self._taken, **what}).encode()
        return bool(self._tap.append(self._kind, note))

    def _note_taken(self) -> None:
        fresh = self._record.with_name(f".{_TAKEN}")
        try:
            fresh.write_text(f"{self._taken}\n")
            fresh.replace(self._record)
        except OSError:
            return  # a full disk, which the writer tells of: some notes may come twice
