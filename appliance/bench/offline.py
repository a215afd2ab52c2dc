"""Decode and book on a feed file that is in memory before the clock starts."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from appliance.book.software import BookLimits, BookMemoryError
from appliance.errors import ApplianceError
from appliance.native import constants, ffi, library
from appliance.observe.machine import machine, peak_rss_bytes
from appliance.replay.feed import FeedFileError

DECODE_GOAL_NS = 7.0
BOOK_GOAL_NS = 40.0
# Room for both of the large feeds the goals speak of, all of it touched before the clock starts.
BOOK_LIMITS = BookLimits(levels=1 << 19, prefault=1)

Shown = Callable[[int], None]


class BenchError(ApplianceError):
    """A run that says nothing about the machine."""


@contextmanager
def _loaded(file: Path) -> Iterator[Any]:
    error = ffi().new("char[]", constants()["API_ERROR_BYTES"])
    loaded = library().api_bench_load(str(file).encode(), error)
    if loaded == ffi().NULL:
        raise FeedFileError(ffi().string(error).decode(errors="replace"))
    try:
        yield loaded
    finally:
        library().api_bench_unload(loaded)


def run_decode(file: Path, runs: int, shown: Shown) -> dict[str, Any]:
    """Return the decode benchmark as ``--json`` prints it."""

    def once(loaded: Any, run: Any, block_ns: Any) -> None:
        library().api_bench_decode(loaded, run, block_ns)

    return _report("decode", DECODE_GOAL_NS, file, runs, once, shown)


def run_book(file: Path, runs: int, shown: Shown, limits: BookLimits = BOOK_LIMITS) -> dict[str, Any]:
    """Return the book benchmark as ``--json`` prints it; every run starts with empty books."""
    native = limits.native()
    error = ffi().new("char[]", constants()["API_ERROR_BYTES"])

    def once(loaded: Any, run: Any, block_ns: Any) -> None:
        if library().api_bench_book(loaded, native, run, block_ns, error) < 0:
            raise BookMemoryError(ffi().string(error).decode())
        if run.refused:
            raise BenchError(
                f"{file}: {run.refused:,} orders found a pool full: this feed needs larger limits"
            )

    return _report("book", BOOK_GOAL_NS, file, runs, once, shown)


def _report(
    name: str, goal: float, file: Path, runs: int, once: Callable[[Any, Any, Any], None], shown: Shown
) -> dict[str, Any]:
    with _loaded(file) as loaded:
        frames, size = ffi().new("uint64_t *"), ffi().new("uint64_t *")
        library().api_bench_input(loaded, frames, size)
        blocks = np.zeros(frames[0], np.float32)
        run = ffi().new("struct bench_run *")
        runs_ns = []
        for done in range(runs):
            once(loaded, run, ffi().cast("float *", ffi().from_buffer(blocks)))
            runs_ns.append(run.ns / run.messages)
            shown(done + 1)
    median = statistics.median(runs_ns)
    pages = ffi().string(library().api_pages_name(run.pages)).decode() if run.book_bytes else None
    # Reserved pages are in no process's resident size, and the books are gone by now.
    reserved = int(run.book_bytes) if pages and pages.startswith("reserved") else 0
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
        "file": str(file),
        "messages": int(run.messages),
        "runs_ns": [round(value, 2) for value in runs_ns],
        "distribution": _distribution(blocks),
        "peak_rss_bytes": peak_rss_bytes() + reserved,
        "input_bytes": int(size[0]),
        "book_bytes": int(run.book_bytes),
        "huge_pages": pages or "none asked for",
        "digest": f"{run.digest:016x}",
    }


def _distribution(blocks: Any) -> dict[str, float]:
    """Spread of the last run over blocks of about 2,000 messages, in ns a message."""
    points = {"min": 0, "p50": 50, "p90": 90, "p99": 99, "p99_9": 99.9, "max": 100}
    return {
        "blocks": len(blocks),
        **{name: round(float(np.percentile(blocks, point)), 2) for name, point in points.items()},
    }
