"""Decode and book on a feed file that is in memory before the clock starts."""

from __future__ import annotations

import os
import stat
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from appliance.book.software import BookLimits, SoftwareBook
from appliance.errors import ApplianceError, printable
from appliance.native import constants, ffi, library
from appliance.observe.machine import machine, peak_rss_bytes
from appliance.replay.feed import FeedFileError

DECODE_GOAL_NS = 7.0
BOOK_GOAL_NS = 40.0
# Room for both of the large feeds the goals speak of, all of it touched before the clock starts.
BOOK_LIMITS = BookLimits(levels=1 << 19, prefault=1)

Shown = Callable[[int], None]
# One run on the loaded input, into a bench_run and the times of its blocks. Returns the peak of memory,
# measured while all that the run stands on is there.
Once = Callable[[Any, Any, Any], int]


class BenchError(ApplianceError):
    """A run that says nothing about the machine."""


def _never_ends(file: Path) -> bool:
    try:
        mode = file.stat().st_mode
    except OSError:  # the port says it better
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


@contextmanager
def loaded_input(file: Path) -> Iterator[Any]:
    """Hold a whole feed file in memory."""
    error = ffi().new("char[]", constants()["API_ERROR_BYTES"])
    if _never_ends(file):
        raise FeedFileError(f"{printable(file)}: a benchmark loads its whole input: name a regular file")
    loaded = library().api_bench_load(os.fsencode(file), error)
    if loaded == ffi().NULL:
        raise FeedFileError(printable(ffi().string(error)))
    try:
        yield loaded
    finally:
        library().api_bench_unload(loaded)


def run_decode(file: Path, runs: int, shown: Shown) -> dict[str, Any]:
    """Return the decode benchmark as ``--json`` prints it."""

    def once(loaded: Any, run: Any, block_ns: Any) -> int:
        library().api_bench_decode(loaded, run, block_ns)
        return peak_rss_bytes()

    return _report("decode", DECODE_GOAL_NS, file, runs, once, shown)


def run_book(file: Path, runs: int, shown: Shown, limits: BookLimits = BOOK_LIMITS) -> dict[str, Any]:
    """Return the book benchmark as ``--json`` prints it; every run starts with empty books."""

    def once(loaded: Any, run: Any, block_ns: Any) -> int:
        with SoftwareBook(**asdict(limits)) as books:
            library().api_bench_book(loaded, books.handle, run, block_ns)
            peak = peak_rss_bytes()
        if run.refused:
            raise BenchError(
                f"{printable(file)}: {run.refused:,} orders found a pool full: this feed needs larger limits"
            )
        return peak

    return _report("book", BOOK_GOAL_NS, file, runs, once, shown)


def _report(name: str, goal: float, file: Path, runs: int, once: Once, shown: Shown) -> dict[str, Any]:
    with loaded_input(file) as loaded:
        frames, size, pages = ffi().new("uint64_t *"), ffi().new("uint64_t *"), ffi().new("uint32_t *")
        library().api_bench_input(loaded, frames, size, pages)
        blocks = np.zeros(frames[0], np.float32)
        run = ffi().new("struct bench_run *")
        runs_ns = []
        peak = 0
        for done in range(runs):
            peak = max(peak, once(loaded, run, ffi().cast("float *", ffi().from_buffer(blocks))))
            runs_ns.append(run.ns / run.messages)
            shown(done + 1)
    median = statistics.median(runs_ns)
    lies_in = {"input": pages[0]}
    if run.book_bytes:
        lies_in = dict(zip(("orders", "levels", "books"), run.pages, strict=True))
    return {
        "bench": name,
        "machine": machine(),
        "clock_read_ns": round(library().api_clock_read_ns(), 1),
        "results": [
            {
                "name": f"{name}_ns",
                "value": round(median, 2),
                "unit": "ns a message",
                "goal": goal,
                "met": median <= goal,
            }
        ],
        "file": printable(file),
        "messages": int(run.messages),
        "runs_ns": [round(value, 2) for value in runs_ns],
        "distribution": _distribution(blocks),
        "peak_rss_bytes": peak,
        "input_bytes": int(size[0]),
        "book_bytes": int(run.book_bytes),
        "huge_pages": huge_pages(
            {what: ffi().string(library().api_pages_name(kind)).decode() for what, kind in lies_in.items()}
        ),
        "digest": f"{run.digest:016x}",
    }


def huge_pages(kinds: dict[str, str]) -> str:
    """Return the kind of pages of several mappings in one line: one word when they agree."""
    if len(set(kinds.values())) == 1:
        return next(iter(kinds.values()))
    return ", ".join(f"{what} {kind}" for what, kind in kinds.items())


def _distribution(blocks: Any) -> dict[str, float]:
    """Spread of the last run over blocks of about 2,000 messages, in ns a message."""
    points = {"min": 0, "p50": 50, "p90": 90, "p99": 99, "p99_9": 99.9, "max": 100}
    return {
        "blocks": len(blocks),
        **{name: round(float(np.percentile(blocks, point)), 2) for name, point in points.items()},
    }
