"""The records of a whole journal, in the order they were written."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from appliance.errors import printable
from appliance.journal.errors import JournalError
from appliance.journal.segment import Segment, segment_files
from appliance.journal.verify import Link, findings_of


@dataclass(frozen=True, slots=True)
class Record:
    """One record, and where it stands."""

    segment: int
    offset: int
    kind: int
    stream: int
    number: int
    cycles: int
    payload: bytes


class Journal:
    """The records of a directory. Reading ends with an error where something is wrong; a torn end is not."""

    def __init__(self, directory: Path) -> None:
        """Name the directory; files are opened as they are read."""
        self.directory = directory
        if not segment_files(directory):
            raise JournalError(f"{printable(directory)}: there is no journal-000001.seg here: no journal")

    def segments(self) -> Iterator[Segment]:
        """Open one segment after the other, each checked, and that it is the next one."""
        before: Link | None = None
        files = segment_files(self.directory)
        for number, path in files:
            segment = Segment(path)
            for finding in findings_of(segment, number, before, is_last=number == files[-1][0]):
                if not finding.harmless:
                    raise JournalError(str(finding))
            yield segment
            before = Link.of(segment)

    def records(self, kinds: Collection[int] = (), streams: Collection[int] = ()) -> Iterator[Record]:
        """Go through all records, or those of some kinds and streams."""
        for segment in self.segments():
            offsets, headers = chosen(segment, kinds, streams)
            for offset, header in zip(offsets.tolist(), headers.tolist(), strict=True):
                size, kind, stream, number, cycles, _, _ = header
                yield Record(
                    segment.number, offset, kind, stream, number, cycles, segment.payload(offset, size)
                )


def chosen(
    segment: Segment, kinds: Collection[int] = (), streams: Collection[int] = ()
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[Any]]:
    """Return offsets and headers of a segment's records of some kinds and streams; none named = of all."""
    offsets = segment.offsets()
    headers = segment.headers(offsets)
    wanted = np.ones(len(offsets), bool)
    if kinds:
        wanted &= np.isin(headers["kind"], list(kinds))
    if streams:
        wanted &= np.isin(headers["stream"], list(streams))
    return offsets[wanted], headers[wanted]
