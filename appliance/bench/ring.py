"""The ring of items between two cores, beside a plain queue in the same run."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

from appliance.bench.cores import cores_note, two_cores
from appliance.errors import ApplianceError
from appliance.native import library
from appliance.observe.machine import machine

# What bench/ring.h numbers, and how many items a run of each takes: some milliseconds, so that most runs are
# not interrupted by anything.
_WHAT = {"rtt": (0, 2_000), "item": (1, 100_000), "plain_rtt": (2, 2_000), "plain_item": (3, 100_000)}
# Two runs of the same code differ by so much.
TOLERANCE = 1.05


class RingBenchError(ApplianceError):
    """The ring could not be measured, or did not carry what it should."""


def _once(name: str, cores: tuple[int, int]) -> float:
    what, count = _WHAT[name]
    if cores[0] == cores[1]:
        count //= 10
    ns = float(library().api_bench_ring(what, count, *cores))
    if ns == -1:
        raise RingBenchError(f"no memory or no threads for the ring on cores {cores[0]} and {cores[1]}")
    if ns < 0:
        raise RingBenchError(f"{name}: an item was lost or changed on its way")
    return ns


def run_ring(runs: int, shown: Callable[[int], None]) -> dict[str, Any]:
    """Return the ring benchmark as ``--json`` prints it: the runs of ring and queue alternate."""
    cores = two_cores()
    taken: dict[str, list[float]] = {name: [] for name in _WHAT}
    for done in range(runs):
        for name in ("rtt", "plain_rtt", "item", "plain_item"):
            taken[name].append(_once(name, cores))
        shown(done + 1)
    median = {name: round(statistics.median(values), 2) for name, values in taken.items()}
    return {
        "bench": "ring",
        "machine": machine(),
        "clock_read_ns": round(library().api_clock_read_ns(), 1),
        "results": [
            _result("ring_rtt_ns", median["rtt"], median["plain_rtt"], "ns there and back"),
            _result("ring_ns_per_item", median["item"], median["plain_item"], "ns an item"),
        ],
        "reference": {"rtt_ns": median["plain_rtt"], "ns_per_item": median["plain_item"]},
        "tolerance": TOLERANCE,
        "item_bytes": 64,
        "runs": runs,
        "cores": list(cores),
        "note": cores_note(cores),
        "best": {name: round(min(values), 2) for name, values in taken.items()},
    }


def _result(name: str, value: float, reference: float, unit: str) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "goal": reference,
        "met": value <= reference * TOLERANCE,
    }


def ring_text(report: dict[str, Any]) -> str:
    """Return the same for people."""
    rtt, item = report["results"]
    facts = report["machine"]
    lines = [
        f"machine      {facts['cpu']}, {facts['cores']} cores"
        + (", virtual" if facts["virtual"] else "")
        + f", kernel {facts['kernel']}",
        f"cores        {report['cores'][0]} and {report['cores'][1]}",
        f"medians      of {report['runs']} runs each, items of {report['item_bytes']} bytes",
        f"there, back  {rtt['value']:.1f} ns; the plain queue {rtt['goal']:.1f} ns: {_verdict(rtt)}",
        f"many items   {item['value']:.2f} ns each; the plain queue {item['goal']:.2f} ns: {_verdict(item)}",
    ]
    return "\n".join([*lines, *([f"note         {report['note']}"] if report["note"] else [])])


def _verdict(result: dict[str, Any]) -> str:
    return "no slower" if result["met"] else "SLOWER"
