"""The risk gate by itself: orders that pass every check, and a mix of which half is refused."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import numpy as np

from appliance.bench.offline import BenchError
from appliance.native import ffi, library
from appliance.observe.machine import machine

GATE_GOAL_NS = 20.0
BLOCKS = 2_000
PASSING, REJECTING = 0, 1  # as bench/gate.h numbers them

Shown = Callable[[int], None]


def run_gate(runs: int, shown: Shown, blocks: int = BLOCKS) -> dict[str, Any]:
    """Return the gate benchmark as ``--json`` prints it."""
    runs_ns = {PASSING: [0.0] * runs, REJECTING: [0.0] * runs}
    times = np.zeros(blocks, np.float32)
    spread: dict[int, dict[str, float]] = {}
    refused: dict[int, int] = {}
    run = ffi().new("struct bench_run *")
    for done in range(runs):
        for mix, ns in runs_ns.items():
            room = ffi().cast("float *", ffi().from_buffer(times))
            if library().api_bench_gate(mix, blocks, run, room) != 0:
                raise BenchError("no memory for a gate of its instruments")
            ns[done] = run.ns / run.messages
            refused[mix] = int(run.refused)
            spread[mix] = _distribution(times)
        shown(done + 1)
    if refused[PASSING]:
        raise BenchError(f"{refused[PASSING]:,} orders were refused that should pass: the run says nothing")
    median = statistics.median(runs_ns[PASSING])
    return {
        "bench": "gate",
        "machine": machine(),
        "clock_read_ns": round(library().api_clock_read_ns(), 1),
        "results": [
            {
                "name": "gate_ns",
                "value": round(median, 2),
                "unit": "ns an order",
                "goal": GATE_GOAL_NS,
                "met": median <= GATE_GOAL_NS,
            }
        ],
        "orders": int(run.messages),
        "runs_ns": [round(value, 2) for value in runs_ns[PASSING]],
        "distribution": spread[PASSING],
        "rejecting": {
            "value": round(statistics.median(runs_ns[REJECTING]), 2),
            "unit": "ns an order",
            "refused": refused[REJECTING],
            "runs_ns": [round(value, 2) for value in runs_ns[REJECTING]],
            "distribution": spread[REJECTING],
        },
    }


def _distribution(times: Any) -> dict[str, float]:
    """Spread of the last run over blocks of 1,000 orders, in ns an order."""
    points = {"min": 0, "p50": 50, "p90": 90, "p99": 99, "p99_9": 99.9, "max": 100}
    return {
        "blocks": len(times),
        **{name: round(float(np.percentile(times, point)), 2) for name, point in points.items()},
    }


def gate_text(report: dict[str, Any]) -> str:
    """Return the report for reading."""
    facts, rejecting, (result,) = report["machine"], report["rejecting"], report["results"]
    virtual = ", virtual" if facts["virtual"] else ""
    verdict = "met" if result["met"] else "NOT met"
    return "\n".join(
        [
            f"machine      {facts['cpu']}, {facts['cores']} cores{virtual}, kernel {facts['kernel']}",
            f"clock read   {report['clock_read_ns']:.1f} ns",
            f"orders       {report['orders']:,} a run, of 1,000 instruments in turn, every check on",
            "runs         " + "  ".join(f"{ns:.2f}" for ns in report["runs_ns"]) + " ns an order",
            "blocks       " + _spread_text(report["distribution"]),
            f"rejecting    {rejecting['value']:.2f} ns an order, {rejecting['refused']:,} of them refused",
            "             " + _spread_text(rejecting["distribution"]),
            f"gate_ns      {result['value']:.2f} ns an order (goal {result['goal']}: {verdict})",
        ]
    )


def _spread_text(spread: dict[str, float]) -> str:
    points = "  ".join(f"{name} {spread[name]:.1f}" for name in ("min", "p50", "p90", "p99", "max"))
    return f"{points} ns an order, {spread['blocks']:,} blocks of 1,000"
