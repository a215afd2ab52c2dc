"""From the venue's wire into the books: the highest rate without a loss, and a minute at it.

The rate is searched with trials; only one in which every packet of both lines arrived is lossless: the other
line and the retransmission server heal losses, and neither may have to.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from appliance.bench.offline import BenchError
from appliance.bench.trial import Link, Trial, run_trial, run_venue, venue_words
from appliance.dataplane import DataPlaneError, Port
from appliance.native import library
from appliance.netlab import Lab
from appliance.observe.machine import machine
from appliance.observe.reading import Reading
from appliance.synth import Market, minimum_messages, write_feed

WIRE_GOAL = 2_000_000.0
RATIO_GOAL = 3.0
MEASURE_GOAL_NS = 20.0
MEMORY_GOAL = 20_000_000.0

_SYMBOLS = 1000
_TRIAL_S = 2.0
_TRIES = 2  # a machine that others share loses packets for their sake, too
_CLOSE_ENOUGH = 1.08
_DAY = 4_000_000
_LONG_DAY = 16_000_000  # for the minute: between two sessions the lines rest, so there should be few
_HOLDS = 4  # how often a rate is tried to be held, a tenth less each time

Say = Callable[[str], None]


class Search:
    """The highest lossless rate of one link, by trials of a few seconds each."""

    def __init__(self, link: Link, day: Path, cores: tuple[int, int], say: Say) -> None:
        """Search on this link with this day."""
        self._link, self._day, self._cores, self._say = link, day, cores, say
        self.trials: list[Trial] = []

    def _try(self, rate: float) -> Trial | None:
        for _ in range(_TRIES):
            trial = run_trial(self._link, self._day_for(rate), rate, 1, self._cores)
            self.trials.append(trial)
            self._say(
                f"{self._link.name}: {trial.rate / 1e6:.2f} M messages/s "
                + ("without loss" if trial.is_lossless else f"lost {trial.missed:,} messages on the lines")
            )
            if trial.is_lossless:
                return trial
        return None

    def _day_for(self, rate: float) -> Path:
        """Return a day that lasts about as long as a trial."""
        messages = min(days_for(rate, _TRIAL_S)[0], _DAY) if rate else _DAY
        path = self._day.with_name(f"day-{messages}.itch")
        if not path.exists():
            write_feed(Market(messages, _SYMBOLS, 1), str(path))
        return path

    def run(self) -> Trial:
        """Flat out first; if that loses, between what is known to be too much and what is not."""
        best = self._try(0)
        if best:
            return best
        high = max(trial.rate for trial in self.trials)
        low = 0.0
        rate = high / 2
        while low == 0 or high / low > _CLOSE_ENOUGH:
            trial = self._try(rate)
            if trial:
                best, low = trial, trial.rate
            else:
                high = rate
            if high < 1000:
                raise BenchError(
                    f"{self._link.name}: not even {high:.0f} messages/s go through without a loss"
                )
            rate = (low + high) / 2 if low else high / 2
        assert best
        return best


def days_for(rate: float, seconds: float) -> tuple[int, int]:
    """Return the messages of a day and the number of days that last so long at this rate, and no longer.

    A day cannot have fewer messages than name its symbols, which at a rate of some thousand is a second.
    """
    total = max(int(rate * seconds), minimum_messages(_SYMBOLS))
    days = math.ceil(total / _LONG_DAY)
    return total // days, days


def attempts(rate: float, seconds: float) -> Iterator[tuple[float, int, int]]:
    """Give the rates at which it is tried to hold, each a tenth below the one before, with their days."""
    for _ in range(_HOLDS):
        yield (rate, *days_for(rate, seconds))
        rate *= 0.9


def _sustain(
    link: Link, day: Path, start: float, seconds: float, cores: tuple[int, int], say: Say
) -> tuple[Trial, list[Trial]]:
    """Hold a rate for as long as asked, a little less when it does not hold.

    Each attempt lasts the seconds asked for, the pauses between its days (at most one in 16 M messages), and
    some two seconds in which both programs start and end.
    """
    tried = []
    for rate, messages, days in attempts(start, seconds):
        held_day = day.with_name("day-held.itch")
        write_feed(Market(messages, _SYMBOLS, 1), str(held_day))
        say(f"{link.name}: {rate / 1e6:.2f} M messages/s for {days * messages / rate:.0f} s")
        trial = run_trial(link, held_day, rate, days, cores)
        tried.append(trial)
        if trial.is_lossless:
            break
        say(f"{link.name}: lost {trial.missed:,} messages on the lines")
    return tried[-1], tried


@contextmanager
def _lab() -> Iterator[Lab]:
    lab = Lab.of_this_process("b")
    lab.up()
    try:
        yield lab
    finally:
        lab.down()


def _afxdp(interface: str) -> str:
    return f"net_af_xdp0,iface={interface}"


def _links(lab: Lab) -> dict[str, Link]:
    inside = tuple(lab.inside())
    sender = ("--interface", str(lab.feed.there_address), "--device", _afxdp(lab.feed.there))
    socket = Port("udp", lab.feed.here, lab.feed.here_address, receive_buffer_bytes=64 << 20)
    return {
        "dpdk": Link("dpdk (net_af_xdp)", Port("dpdk", _afxdp(lab.feed.here)), sender, inside),
        "udp": Link("udp (kernel sockets)", socket, sender, inside),
    }


def _loopback() -> Link:
    here = IPv4Address("127.0.0.1")
    port = Port("udp", "lo", here, receive_buffer_bytes=64 << 20)
    return Link("udp (kernel sockets, loopback)", port, ("--interface", str(here)))


def _memif(directory: Path) -> Link:
    """Return a link that leaves the kernel out: shared memory between the two programs."""
    where = f"socket={directory / 'memif'},socket-abstract=no"
    return Link(
        "dpdk (net_memif)",
        Port("dpdk", f"net_memif0,role=server,{where}"),
        ("--device", f"net_memif0,role=client,{where}"),
    )


def _sender_alone(day: Path, core: int) -> dict[str, Any]:
    report = run_venue([*venue_words(day, core), "--device", "net_null0"], core)
    return {
        "messages_per_s": round(report["messages"] / report["seconds"]),
        "packets_per_s": round(2 * report["packets"] / report["seconds"]),
    }


def _cores() -> tuple[int, int]:
    """Return a core for the sender and one for the data plane; the same where there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


def run_wire(port: str, seconds: float, say: Say) -> dict[str, Any]:
    """Return the wire benchmark as ``--json`` prints it."""
    cores = _cores()
    with tempfile.TemporaryDirectory(prefix="appliance-bench-") as directory:
        day = Path(directory) / f"day-{_DAY}.itch"
        write_feed(Market(_DAY, _SYMBOLS, 1), str(day))
        if port == "udp" and os.geteuid():
            return _report(port, _loopback(), None, day, seconds, cores, say)
        with _lab() as lab:
            links = _links(lab)
            if port == "udp":
                return _report(port, links["udp"], None, day, seconds, cores, say)
            return _report(port, links["dpdk"], links["udp"], day, seconds, cores, say)


def _report(
    name: str, link: Link, other: Link | None, day: Path, seconds: float, cores: tuple[int, int], say: Say
) -> dict[str, Any]:
    sockets = Search(other, day, cores, say) if other else None
    slow = sockets.run() if sockets else None
    search = Search(link, day, cores, say)
    best = search.run()
    held, tried = _sustain(link, day, max(best.rate * 0.95, 1), seconds, cores, say)
    results = [_result("wire_messages_per_s", held.rate if held.is_lossless else 0, "messages/s", WIRE_GOAL)]
    if slow:
        results.append(
            _result("wire_ratio", best.rate / slow.rate, "times the kernel socket port", RATIO_GOAL)
        )
    trials_of = {link.name: search.trials}
    if other and sockets:
        trials_of[other.name] = sockets.trials
    report: dict[str, Any] = {
        "bench": "wire",
        "machine": machine(),
        "clock_read_ns": round(library().api_clock_read_ns(), 1),
        "results": results,
        "port": link.name,
        "cores": {"venue": cores[0], "dataplane": cores[1]},
        "messages_per_packet": round(held.sent_messages / held.sent_packets, 2),
        "sustained": held.data() | {"seconds": round(held.seconds, 1), "messages": held.sent_messages,
                                    "attempts": len(tried)},
        "search": {one: [trial.data() for trial in trials] for one, trials in trials_of.items()},
        "stages": _stages(held.reading),
    }  # fmt: skip
    if name == "dpdk":
        # On a veth pair the sender does the work of both cards. Where that is the bound, only shared memory
        # shows what the data plane's port and its books can take.
        report["sender_alone"] = _sender_alone(day, cores[0])
        with suppress(DataPlaneError):
            report["port_alone"] = _memif_rate(day, cores, say)
            if slow:
                alone = report["port_alone"]["messages_per_s"] / slow.rate
                results.append(_result("port_alone_ratio", alone, "times the kernel socket port", RATIO_GOAL))
    stamp, measure = library().api_bench_stamp_ns(), library().api_bench_measure_ns()
    report["measuring"] = {"stamp_ns": round(stamp, 1), "stamp_and_histogram_ns": round(measure, 1)}
    beyond = held.rss_bytes - (0 if _has_huge_pages() else held.pool_bytes)
    report["memory"] = {"resident_bytes": held.rss_bytes, "pool_bytes": held.pool_bytes}
    results.append(
        _result("measure_ns", max(measure - stamp, 0), "ns a stage beyond the clock", MEASURE_GOAL_NS, True)
    )
    results.append(_result("resident_beyond_pools", beyond, "bytes", MEMORY_GOAL, True))
    return report


def _memif_rate(day: Path, cores: tuple[int, int], say: Say) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="appliance-bench-") as directory:
        link = _memif(Path(directory))
        trial = run_trial(link, day, 0, 1, cores)
        say(f"{link.name}: {trial.rate / 1e6:.2f} M messages/s")
        return {"port": link.name} | trial.data()


def _has_huge_pages() -> bool:
    return bool(machine()["reserved_huge_pages"])


def _result(name: str, value: float, unit: str, goal: float, is_most: bool = False) -> dict[str, Any]:
    met = value <= goal if is_most else value >= goal
    return {"name": name, "value": round(value, 2), "unit": unit, "goal": goal, "met": met}


def _stages(reading: Reading) -> dict[str, Any]:
    shown = {}
    for name, latency in reading.stages.items():
        if latency.count:
            shown[name] = {
                "count": latency.count,
                **{
                    f"p{quantile * 100:g}".replace(".", "_"): round(latency.percentile_ns(quantile) or 0)
                    for quantile in (0.5, 0.9, 0.99, 0.999)
                },
                "max": round(latency.percentile_ns(1) or 0),
                "unit": "ns",
            }
    return shown


def wire_text(report: dict[str, Any]) -> str:
    """Return the report as a table."""
    machine_facts, held = report["machine"], report["sustained"]
    lines = [
        f"machine      {machine_facts['cpu']}, {machine_facts['cores']} cores"
        + (", virtual" if machine_facts["virtual"] else "")
        + f", kernel {machine_facts['kernel']}",
        f"port         {report['port']}, venue on core {report['cores']['venue']}, "
        f"data plane on core {report['cores']['dataplane']}",
        f"sustained    {held['messages']:,} messages in {held['seconds']:.1f} s: {held['messages_per_s']:,} "
        f"messages/s, {held['packets_per_s']:,} packets/s on two lines, "
        f"{report['messages_per_packet']} messages a packet, "
        + (
            "no packet lost"
            if held["lossless"]
            else f"{held['missed_messages']:,} messages missed on the lines"
        ),
    ]
    for name in ("sender_alone", "port_alone"):
        if name in report:
            lines.append(
                f"{name.replace('_', ' '):12} {report[name]['messages_per_s']:,} messages/s, "
                f"{report[name]['packets_per_s']:,} packets/s"
            )
    for name, stage in report["stages"].items():
        lines.append(
            f"{name:12} p50 {stage['p50']:,}  p90 {stage['p90']:,}  p99 {stage['p99']:,}  "
            f"p99.9 {stage['p99_9']:,}  max {stage['max']:,} ns"
        )
    lines.append(
        f"measuring    {report['measuring']['stamp_and_histogram_ns']} ns a stage, of it the clock "
        f"{report['measuring']['stamp_ns']} ns"
    )
    for result in report["results"]:
        verdict = "met" if result["met"] else "NOT met"
        lines.append(
            f"{result['name']}  {result['value']:,} {result['unit']} (goal {result['goal']:,}: {verdict})"
        )
    return "\n".join(lines)
