"""What is wrong with a journal: every byte, every number, and the chain of hashes from segment to segment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from appliance.errors import printable
from appliance.journal.names import stream_name
from appliance.journal.segment import Segment, segment_files


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, in which file. ``harmless``: a writer that is killed leaves it so, and puts it right."""

    file: str
    text: str
    harmless: bool = False

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.file}: {self.text}"


@dataclass(slots=True)
class Report:
    """What a verification has found. ``last`` has the last number of each stream."""

    segments: int = 0
    records: int = 0
    size: int = 0
    first_segment: int = 0
    last: dict[int, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong that a writer would not put right."""
        return all(finding.harmless for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Link:
    """What a segment says to the one behind it."""

    name: str
    number: int
    next: list[int]
    sha256: bytes
    is_sealed: bool
    is_fine: bool
    is_linked: bool
    end: int

    @classmethod
    def of(cls, segment: Segment) -> Self | None:
        """Return what this one says; None if it has no head that can be believed."""
        if not segment.has_head:
            return None
        return cls(
            printable(segment.path.name),
            segment.number,
            segment.next,
            segment.sha256(),
            bool(segment.sealed),
            not segment.flaw,
            segment.link is not None,
            segment.end,
        )


def findings_of(segment: Segment, number: int, before: Link | None, is_last: bool) -> Iterator[Finding]:
    """Say what is wrong with a segment whose file has this number, and how it follows the one before."""
    name = printable(segment.path.name)
    if segment.flaw and is_last and segment.is_torn:
        yield Finding(
            name,
            f"{segment.flaw}; nothing whole follows: its writer was killed, or is writing there. "
            f"{segment.rest:,} bytes of a torn record: a writer that starts cuts them off",
            harmless=True,
        )
    elif segment.flaw:
        yield Finding(name, segment.flaw)
    if not segment.has_head:
        return
    if segment.number != number:
        yield Finding(name, f"byte 40: it says that it is segment {segment.number}: the file was renamed")
    elif before is not None:
        yield from _links(name, segment, before)
    if is_last and segment.sealed == "full" and not segment.flaw:
        yield Finding(name, f"it is sealed because it is full, and segment {number + 1} is missing behind it")


def _links(name: str, segment: Segment, before: Link) -> Iterator[Finding]:
    if segment.number != before.number + 1:
        yield Finding(name, f"segment {before.number + 1} should stand before it, and is missing")
        return
    if before.is_fine and not before.is_sealed:
        yield Finding(before.name, f"byte {before.end:,}: it has no seal, and another segment follows")
    if not before.is_fine:
        return
    for stream, (first, expected) in enumerate(zip(segment.first, before.next, strict=True)):
        if first != expected:
            yield Finding(
                name,
                f"byte {56 + 8 * stream}: its records of stream {stream_name(stream)} begin with number "
                f"{first:,}, and {expected:,} comes next",
            )
    link = segment.link
    if link is None:
        yield Finding(
            name,
            f"byte 256: it is not chained to {before.name}: its writer was killed, or has not come to it; a "
            "writer that starts makes up for it",
            harmless=True,
        )
    elif not before.is_linked:
        yield Finding(before.name, "byte 256: it is not chained to the one before, and the next one is to it")
    if link is not None and link["sha256"].tobytes() != before.sha256:
        yield Finding(name, f"byte 256: it carries another SHA-256 of {before.name} than that has now")


def verify(directory: Path, shown: Callable[[int, int], None] = lambda done, total: None) -> Report:
    """Check all of a journal; ``shown`` is told how many bytes are done, and of how many."""
    report = Report()
    files = segment_files(directory)
    if not files:
        report.findings.append(
            Finding(printable(directory), "there is no journal-000001.seg here: no journal")
        )
    total = sum(path.stat().st_size for _, path in files)
    before: Link | None = None
    for number, path in files:
        segment = Segment(path)
        report.findings += findings_of(segment, number, before, is_last=number == files[-1][0])
        report.segments += 1
        report.size += segment.size
        if segment.has_head:
            report.records += segment.count
            report.first_segment = report.first_segment or number
            report.last |= {stream: n - 1 for stream, n in enumerate(segment.next) if n > 1}
        before = Link.of(segment)
        shown(report.size, total)
    return report
