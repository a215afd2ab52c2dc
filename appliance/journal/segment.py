"""One segment file: mapped, walked by the data plane's own code, and read as numpy columns."""

from __future__ import annotations

import hashlib
import mmap
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from appliance.errors import printable
from appliance.journal.errors import JournalError
from appliance.native import abi_hash, dtype, ffi, library

_NAME = re.compile(r"journal-(\d{6,})\.seg")
_AT_ONCE = 1 << 16
_FIRST_RECORD = 320


def segment_files(directory: Path) -> list[tuple[int, Path]]:
    """Return the segments of a directory, by their numbers."""
    try:
        found = [(name, path) for path in directory.iterdir() if (name := _NAME.fullmatch(path.name))]
    except OSError as error:
        raise JournalError(
            f"{printable(directory)}: {error.strerror}: name the journal's directory"
        ) from None
    return sorted((int(name.group(1)), path) for name, path in found)


class Segment:
    """A mapped segment; one that is being written shows what stood in it when it was opened."""

    def __init__(self, path: Path) -> None:
        """Map and walk it."""
        self.path = path
        try:
            with path.open("rb") as file:
                self.size = os.fstat(file.fileno()).st_size
                self._memory = mmap.mmap(file.fileno(), self.size, prot=mmap.PROT_READ) if self.size else b""
        except OSError as error:
            raise JournalError(f"{printable(path)}: {error.strerror}") from None
        self.data: npt.NDArray[np.uint8] = np.frombuffer(self._memory, np.uint8)
        self._scan = ffi().new("struct journal_scan *")
        library().api_journal_scan(self._address(self.data), self.size, self._scan)

    @staticmethod
    def _address(array: npt.NDArray[Any]) -> Any:
        return ffi().cast("uint8_t *", array.ctypes.data)

    @property
    def head(self) -> Any:
        """The ``journal_head``, if it has one."""
        return self.data[: dtype("journal_head").itemsize].view(dtype("journal_head"))[0]

    @property
    def has_head(self) -> bool:
        """Whether its head can be believed."""
        return bool(self._scan.end)

    @property
    def is_of_this_build(self) -> bool:
        """Whether the contract it was written with is this one, so that its payloads can be read."""
        return self.has_head and self.head["abi_hash"].tobytes() == abi_hash()

    @property
    def number(self) -> int:
        """Its number, from 1."""
        return int(self.head["segment"])

    @property
    def end(self) -> int:
        """The end of the last record that is whole."""
        return int(self._scan.end)

    @property
    def count(self) -> int:
        """How many records are whole; a seal is none of them."""
        return int(self._scan.records)

    @property
    def sealed(self) -> str:
        """Why it was sealed: ``full`` or ``end``; empty if it is not."""
        return {0: "", 1: "full", 2: "end"}[int(self._scan.sealed)]

    @property
    def first(self) -> list[int]:
        """Per stream, the number of the first record from here on."""
        return [int(number) for number in self.head["first"]]

    @property
    def next(self) -> list[int]:
        """Per stream, the number of the record behind the last one."""
        return list(self._scan.next)

    @property
    def flaw(self) -> str:
        """What is wrong with it, where; empty if nothing is."""
        if not self._scan.flaw:
            return ""
        text = ffi().string(library().api_journal_flaw_name(self._scan.flaw)).decode()
        where = f"byte {self._scan.flaw_at:,}"
        if self.has_head:
            where += f", behind record {self.count:,}"
        if self._scan.flaw == ffi().typeof("enum journal_flaw").relements["JOURNAL_BAD_NUMBER"]:
            text += f": {self._scan.expected:,} should stand there, and {self._scan.found:,} does"
        elif self._scan.flaw == ffi().typeof("enum journal_flaw").relements["JOURNAL_CUT_OFF"]:
            text += f": it has {self.size:,} bytes, and was made with {int(self.head['bytes']):,}"
        return f"{where}: {text}"

    @property
    def is_torn(self) -> bool:
        """Whether it ends as a killed writer leaves it: a record begun, and nothing whole behind it."""
        if not self._scan.flaw or self.sealed or not self.has_head:
            return False
        flaws = ffi().typeof("enum journal_flaw").relements
        torn = ("JOURNAL_BAD_CRC", "JOURNAL_BAD_LENGTH", "JOURNAL_BAD_REST")
        if self._scan.flaw not in [flaws[name] for name in torn]:
            return False
        data = self._address(self.data)
        is_full_size = self.size == int(self.head["bytes"])
        return is_full_size and not library().api_journal_finds_record(data, self.size, self.end + 8)

    @property
    def rest(self) -> int:
        """How many bytes lie between the last whole record and the last byte that is not 0."""
        rest = np.flatnonzero(self.data[self.end :])
        return int(rest[-1]) + 1 if len(rest) else 0

    @property
    def link(self) -> Any | None:
        """Its ``journal_link`` to the segment before; None as long as that one has not been hashed."""
        if not self._scan.linked:
            return None
        at = dtype("journal_head").itemsize
        return self.data[at : at + dtype("journal_link").itemsize].view(dtype("journal_link"))[0]

    def sha256(self) -> bytes:
        """Return the hash that the next segment carries of this one."""
        return hashlib.sha256(memoryview(self._memory)[: self.end]).digest()

    def offsets(self) -> npt.NDArray[np.uint64]:
        """Return where its records begin, in their order; a seal is none of them."""
        at = ffi().new("uint64_t *", _FIRST_RECORD)
        room = np.empty(self.count, np.uint64)
        library().api_journal_offsets(
            self._address(self.data), self.end, at, ffi().cast("uint64_t *", room.ctypes.data), self.count
        )
        return room

    def headers(self, offsets: npt.NDArray[np.uint64]) -> npt.NDArray[Any]:
        """Return the ``journal_record`` at each of these offsets."""
        return self.payloads(offsets, dtype("journal_record"), skip=0)

    def payloads(
        self, offsets: npt.NDArray[np.uint64], kind: npt.DTypeLike, skip: int = 32
    ) -> npt.NDArray[Any]:
        """Return what stands ``skip`` bytes behind each of these offsets, as records of this dtype."""
        wanted = np.dtype(kind)
        rows = np.lib.stride_tricks.sliding_window_view(self.data, wanted.itemsize)
        found = [np.empty(0, wanted)]
        for start in range(0, len(offsets), _AT_ONCE):
            piece = rows[offsets[start : start + _AT_ONCE].astype(np.int64) + skip]
            found.append(np.ascontiguousarray(piece).view(wanted)[:, 0])
        return np.concatenate(found)

    def payload(self, offset: int, size: int) -> bytes:
        """Return the payload of the record at this offset."""
        return self.data[offset + 32 : offset + 32 + size].tobytes()
