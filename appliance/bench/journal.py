"""Appending to the journal: one producer on one core, the writer on another, files on a disk."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from appliance.bench.cores import cores_note, pinned, two_cores
from appliance.errors import ApplianceError, printable
from appliance.journal import JournalWriter, verify
from appliance.journal.taps import DEFAULT_SEGMENT_BYTES
from appliance.native import ffi, library
from appliance.observe.machine import machine

RECORDS_GOAL, BYTES_GOAL, HOT_GOAL_NS = 10_000_000, 1_000_000_000, 20.0
SMALL_BYTES, LARGE_BYTES = 64, 1_400  # of a payload: an order, a packet
_HEADER_BYTES = 32
_RING_BYTES = 1 << 24
_BURSTS, _BURST_RECORDS = 1_000, 500


class JournalBenchError(ApplianceError):
    """The journal did not take what was appended."""


def run_journal(
    records: int, runs: int, directory: Path | None, shown: Callable[[int], None]
) -> dict[str, Any]:
    """Return the journal benchmark as ``--json`` prints it.

    Each run writes a journal of its own, which is verified and removed. The first run does not count: a
    machine takes longer to find memory for so many bytes of files when it does so for the first time.
    """
    cores = two_cores()
    taken: dict[str, list[float]] = {"hot_ns": [], "records_per_s": [], "bytes_per_s": []}
    place = _new_directory(directory)
    try:
        for run in range(runs + 1):
            one = _one_run(place / str(run), records, cores)
            shutil.rmtree(place / str(run))
            for name in taken if run else ():
                taken[name].append(one[name])
            shown(run + 1)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return _report(taken, records, runs, cores, place.parent)


def _new_directory(above: Path | None) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="journal-bench-", dir=above))
    except OSError as error:
        raise JournalBenchError(
            f"cannot make a directory in {printable(above or tempfile.gettempdir())}: {error.strerror}: "
            "name another one with --directory"
        ) from None


def _one_run(directory: Path, records: int, cores: tuple[int, int]) -> dict[str, float]:
    ours, theirs = cores
    large = records // 10
    with pinned(ours), JournalWriter.start(directory, {0: _RING_BYTES}, core=theirs) as writer:
        tap = writer.tap(0)
        bursts = np.zeros(_BURSTS, np.float32)
        room = ffi().cast("float *", bursts.ctypes.data)
        taps = writer.taps.handle
        if library().api_bench_journal_hot(tap.handle, taps, SMALL_BYTES, _BURSTS, _BURST_RECORDS, room) < 0:
            raise JournalBenchError(f"{printable(directory)}: the writer does not keep up: {writer.state}")
        small_ns = library().api_bench_journal_rate(tap.handle, taps, SMALL_BYTES, records)
        large_ns = library().api_bench_journal_rate(tap.handle, taps, LARGE_BYTES, large)
        if small_ns < 0 or large_ns < 0:
            raise JournalBenchError(f"{printable(directory)}: the writer does not keep up: {writer.state}")
    report = verify(directory)
    if not report.is_whole or report.records != records + large + _BURSTS * _BURST_RECORDS:
        raise JournalBenchError(f"{printable(directory)}: this journal is not whole: {report}")
    return {
        "hot_ns": float(np.median(bursts)),
        "records_per_s": records / small_ns * 1e9,
        "bytes_per_s": large * (LARGE_BYTES + _HEADER_BYTES) / large_ns * 1e9,
    }


def _report(
    taken: dict[str, list[float]], records: int, runs: int, cores: tuple[int, int], place: Path
) -> dict[str, Any]:
    median = {name: statistics.median(values) for name, values in taken.items()}
    return {
        "bench": "journal",
        "machine": machine(),
        "clock_read_ns": round(library().api_clock_read_ns(), 1),
        "results": [
            _result("journal_records_per_s", round(median["records_per_s"]), "records/s", RECORDS_GOAL),
            _result("journal_bytes_per_s", round(median["bytes_per_s"]), "bytes/s", BYTES_GOAL),
            {
                "name": "journal_hot_ns",
                "value": round(median["hot_ns"], 2),
                "unit": "ns a record",
                "goal": HOT_GOAL_NS,
                "met": median["hot_ns"] <= HOT_GOAL_NS,
            },
        ],
        "records": records,
        "payload_bytes": {"small": SMALL_BYTES, "large": LARGE_BYTES},
        "segment_bytes": DEFAULT_SEGMENT_BYTES,
        "runs": runs,
        "runs_records_per_s": [round(value) for value in taken["records_per_s"]],
        "runs_bytes_per_s": [round(value) for value in taken["bytes_per_s"]],
        "runs_hot_ns": [round(value, 2) for value in taken["hot_ns"]],
        "directory": printable(place),
        "file_system": _file_system(place),
        "cores": list(cores),
        "note": cores_note(cores),
    }


def _result(name: str, value: float, unit: str, goal: float) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "goal": goal, "met": value >= goal}


def _file_system(place: Path) -> str:
    """Return the kind of file system that a directory lies on."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    above = [(len(point), kind) for _, point, kind, *_ in mounts if place.resolve().is_relative_to(point)]
    return max(above, default=(0, "unknown"))[1]


def journal_text(report: dict[str, Any]) -> str:
    """Return the same for people."""
    facts = report["machine"]
    lines = [
        f"machine      {facts['cpu']}, {facts['cores']} cores"
        + (", virtual" if facts["virtual"] else "")
        + f", kernel {facts['kernel']}",
        f"files        {report['directory']}, {report['file_system']}, "
        f"segments of {report['segment_bytes'] >> 20} MB",
        f"medians      of {report['runs']} runs; producer on core {report['cores'][0]}, "
        f"writer on {report['cores'][1]}",
    ]
    for result in report["results"]:
        verdict = "met" if result["met"] else "NOT met"
        lines.append(
            f"{result['name']:22} {result['value']:,} {result['unit']} (goal {result['goal']:,}: {verdict})"
        )
    return "\n".join([*lines, *([f"note         {report['note']}"] if report["note"] else [])])
