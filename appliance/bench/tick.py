"""From tick to order: a packet in memory to the bytes for the venue, in the very stages of the data plane."""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from appliance.bench.offline import BenchError, loaded_input
from appliance.bench.picture import histogram_png
from appliance.errors import ApplianceError, printable
from appliance.native import constants, ffi, library
from appliance.observe.machine import machine
from appliance.strategy import CompiledStrategy, find_strategy
from appliance.synth import Market, write_feed

P50_GOAL_NS = 250.0
P99_GOAL_NS = 600.0
ORDERS_GOAL = 5_000_000.0

_PARAMS = {"percent": 60, "spread_px": 1000}
_GATE_RUNS = 9
_STEP = 20_000  # packets
_POINTS = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99_9": 99.9, "p99_99": 99.99}

PARTS = 4  # of the work: the day, and a pass each

Shown = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be measured. Without a file a day of so many messages is made; no placement means all."""

    file: Path | None = None
    placement: str | None = None
    messages: int = 2_000_000
    packet_messages: int = 64  # at most
    symbols: int = 1000  # of the day that is made
    instruments: int = 100  # traded, where there are as many
    params: Mapping[str, int] = field(default_factory=lambda: dict(_PARAMS))


@dataclass(frozen=True, slots=True)
class Trial:
    """One pass over the day: what it counted, and the nanoseconds of each packet that led to an order."""

    counted: dict[str, int]
    ns: Any
    orders_per_s: float


@contextmanager
def _input(asked: Asked) -> Iterator[Any]:
    if asked.file is not None:
        with loaded_input(asked.file) as loaded:
            yield loaded
        return
    with tempfile.TemporaryDirectory(prefix="appliance-bench-") as folder:
        path = Path(folder) / "day.itch"
        write_feed(Market(asked.messages, asked.symbols, 1), str(path))
        with loaded_input(path) as loaded:
            yield loaded


def _frames_bytes(loaded: Any) -> int:
    frames, size, pages = ffi().new("uint64_t *"), ffi().new("uint64_t *"), ffi().new("uint32_t *")
    library().api_bench_input(loaded, frames, size, pages)
    return int(size[0])


def _plan(asked: Asked, packet_messages: int, split: bool, cores: tuple[int, int]) -> Any:
    plan = ffi().new("struct bench_tick_plan *")
    plan.most_messages = packet_messages
    plan.instruments = asked.instruments
    plan.is_split = split
    plan.core = cores
    strategy = find_strategy("imbalance")
    params = CompiledStrategy.load(strategy).packed(dict(asked.params))
    plan.strategy = os.fsencode(strategy)
    plan.params_bytes = len(params)
    ffi().memmove(plan.params, params, len(params))
    return plan


def run_trial(loaded: Any, asked: Asked, packet_messages: int, split: bool, cores: tuple[int, int]) -> Trial:
    """Pass once over the day, with empty books."""
    api = library()
    error = ffi().new("char[]", constants()["API_ERROR_BYTES"])
    allowed = os.sched_getaffinity(0)
    bench = api.api_bench_tick_open(loaded, _plan(asked, packet_messages, split, cores), error)
    if bench == ffi().NULL:
        raise BenchError(printable(ffi().string(error)))
    try:
        pieces = []
        piece = np.ones(_STEP, np.float32)
        counted = ffi().new("struct bench_tick_run *")
        before = 0
        while api.api_bench_tick_run(bench, _STEP, ffi().cast("float *", ffi().from_buffer(piece))):
            api.api_bench_tick_read(bench, counted)
            pieces.append(piece[: counted.packets_with_orders - before].copy())
            before = counted.packets_with_orders
        if counted.unsent or counted.unknown:
            raise BenchError(
                f"{counted.unsent:,} orders were not sent, {counted.unknown:,} found a pool full: "
                "this day needs larger limits"
            )
        facts = {
            name: int(getattr(counted, name)) for name, _ in ffi().typeof("struct bench_tick_run").fields
        }
        gate = 0.0 if split else statistics.median(api.api_bench_tick_gate(bench) for _ in range(_GATE_RUNS))
        return Trial(facts, np.concatenate(pieces) if pieces else np.zeros(0, np.float32), gate)
    finally:
        api.api_bench_tick_close(bench)
        os.sched_setaffinity(0, allowed)


def spread(ns: Any) -> dict[str, float]:
    """Return where the times lie; of none, zeros."""
    if not len(ns):
        return {**dict.fromkeys(_POINTS, 0.0), "max": 0.0, "count": 0}
    found = {name: round(float(np.percentile(ns, point)), 1) for name, point in _POINTS.items()}
    return {**found, "max": round(float(ns.max()), 1), "count": len(ns)}


def _section(trial: Trial) -> dict[str, Any]:
    counted = trial.counted
    return {
        **spread(trial.ns),
        "packets": counted["packets"],
        "packets_without_orders": counted["packets"] - counted["packets_with_orders"],
        "messages_a_packet": round(counted["messages"] / max(counted["packets"], 1), 2),
        "orders": counted["orders"],
        "fills": counted["fills"],
        "rejects": counted["rejects"],
        "order_digest": f"{counted['order_digest']:016x}",
    }


def _result(name: str, value: float, unit: str, goal: float, met: bool) -> dict[str, Any]:
    return {"name": name, "value": round(value, 1), "unit": unit, "goal": goal, "met": met}


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))


def run_tick(asked: Asked, plot: Path | None, shown: Shown) -> dict[str, Any]:
    """Return the benchmark as ``--json`` prints it."""
    cores = _cores()
    if asked.placement == "split" and len(cores) < 2:
        raise BenchError("two cores are needed to split the stages, and this process may use one only")
    fused = single = split = None
    with _input(asked) as loaded:
        shown(1)
        if asked.placement != "split":
            fused = run_trial(loaded, asked, asked.packet_messages, False, (cores[-1], -1))
            shown(2)
            single = run_trial(loaded, asked, 1, False, (cores[-1], -1))
        shown(3)
        if asked.placement != "fused" and len(cores) > 1:
            split = run_trial(loaded, asked, asked.packet_messages, True, (cores[0], cores[-1]))
        shown(PARTS)
    main = fused or split
    if main is None or not len(main.ns):
        raise BenchError("no packet of this day led to an order: there is nothing to measure")
    report = {
        "bench": "tick",
        "machine": machine(),
        "clock_read_ns": round(library().api_clock_read_ns(), 1),
        "results": _results(fused),
        "file": printable(asked.file) if asked.file else f"synthetic, {asked.symbols:,} symbols",
        "messages": main.counted["messages"],
        "instruments": asked.instruments if asked.file else min(asked.instruments, asked.symbols),
    }
    for name, trial in (("fused", fused), ("one_message_a_packet", single), ("split", split)):
        if trial is not None:
            report[name] = _section(trial)
    if plot is not None:
        _write_plot(plot, fused, single, split)
        report["plot"] = printable(plot)
    return report


def _results(fused: Trial | None) -> list[dict[str, Any]]:
    if fused is None:
        return []
    times = spread(fused.ns)
    p50, p99, orders = times["p50"], times["p99"], fused.orders_per_s
    return [
        _result("tick_p50_ns", p50, "ns", P50_GOAL_NS, p50 <= P50_GOAL_NS),
        _result("tick_p99_ns", p99, "ns", P99_GOAL_NS, p99 <= P99_GOAL_NS),
        _result("orders_per_s", orders, "orders a second", ORDERS_GOAL, orders >= ORDERS_GOAL),
    ]


def _write_plot(path: Path, fused: Trial | None, single: Trial | None, split: Trial | None) -> None:
    shown = {"FUSED": fused, "ONE MESSAGE A PACKET": single, "SPLIT": split}
    series = {name: trial.ns for name, trial in shown.items() if trial is not None}
    try:
        path.write_bytes(histogram_png("TICK TO ORDER", "NS", series))
    except OSError as failure:
        raise ApplianceError(f"{printable(path)}: {failure.strerror}: the plot is not written") from None


def tick_text(report: dict[str, Any]) -> str:
    """Return the report as a table."""
    facts = report["machine"]
    lines = [
        f"machine      {facts['cpu']}, {facts['cores']} cores"
        + (", virtual" if facts["virtual"] else "")
        + f", kernel {facts['kernel']}",
        f"clock read   {report['clock_read_ns']:.1f} ns, two of them in every time",
        f"day          {report['file']}, {report['messages']:,} messages, "
        f"{report['instruments']} symbols traded",
        f"{'':24}{'p50':>9}{'p90':>9}{'p99':>9}{'p99.9':>9}{'p99.99':>9}{'max':>10}"
        f"{'with order':>12}{'without':>10}{'messages':>10}",
    ]
    for name in ("fused", "one_message_a_packet", "split"):
        if name not in report:
            continue
        part = report[name]
        lines.append(
            f"{name.replace('_', ' '):24}"
            + "".join(f"{part[point]:9,.0f}" for point in _POINTS)
            + f"{part['max']:10,.0f}{part['count']:12,}{part['packets_without_orders']:10,}"
            + f"{part['messages_a_packet']:10.2f}"
        )
    for result in report["results"]:
        verdict = "met" if result["met"] else "NOT met"
        lines.append(
            f"{result['name']:14}{result['value']:,.0f} {result['unit']} "
            f"(goal {result['goal']:,.0f}: {verdict})"
        )
    return "\n".join(lines)
