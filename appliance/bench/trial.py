"""One trial of the wire: a data plane and a venue, started for it alone, at one rate."""

from __future__ import annotations

import json
import os
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from appliance.bench.offline import BenchError
from appliance.book.software import BookLimits
from appliance.dataplane import DataPlane, Line, Plan, Port
from appliance.dataplane.process import end_with_parent
from appliance.observe.counters import LINES
from appliance.observe.reading import Reading, read
from appliance.programs import installed

_LINES = (Line(IPv4Address("239.192.1.1"), 26400), Line(IPv4Address("239.192.1.2"), 26401))
_BOOKS = BookLimits(orders=1 << 20, order_pages=24 << 10, levels=1 << 18, prefault=1)
_VIEWS = 10
_LINGER_S = 0.5  # the books of a session are digested behind its end, and cleared for the next
_NAME = f"bench-{os.getpid()}"


@dataclass(frozen=True)
class Link:
    """A way from the sender to the data plane: the port here, and the venue's words for its end."""

    name: str
    port: Port
    venue: tuple[str, ...]
    before: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trial:
    """What came of one run at one rate."""

    offered: float
    seconds: float
    sent_messages: int
    sent_packets: int
    messages: int
    dropped: int
    missed: int
    gaps: int
    reading: Reading
    rss_bytes: int
    pool_bytes: int

    @property
    def rate(self) -> float:
        """Messages a second, as sent."""
        return self.sent_messages / self.seconds

    @property
    def port_ns(self) -> float:
        """What the port's calls took of the data plane's core, for each frame that they brought."""
        frames = sum(port["frames"] for port in self.reading.ports)
        cycles = self.reading.stages["port"].cycles
        return cycles / frames / self.reading.cycles_per_s * 1e9 if frames else 0.0

    @property
    def is_lossless(self) -> bool:
        """Whether every packet of both lines arrived and every message went into the books once."""
        return self.messages == self.sent_messages and self.missed == self.dropped == self.gaps == 0

    def data(self) -> dict[str, Any]:
        """Return it for the report."""
        return {
            "offered_messages_per_s": round(self.offered) or "flat out",
            "messages_per_s": round(self.rate),
            "packets_per_s": round(2 * self.sent_packets / self.seconds),
            "lossless": self.is_lossless,
            "dropped_packets": self.dropped,
            "missed_messages": self.missed,
            "port_ns_a_frame": round(self.port_ns, 1),
        }


def venue_words(day: Path, core: int) -> list[str]:
    return [
        installed("appliance"), "venue", "--json", "--file", str(day), "--core", str(core),
        "--lead-in", "0.3", "--linger", str(_LINGER_S),
        "--requests", "127.0.0.1:0", "--snapshots", "127.0.0.1:0",
    ]  # fmt: skip


def run_trial(link: Link, day: Path, rate: float, days: int, cores: tuple[int, int]) -> Trial:
    plan = Plan(
        (link.port,),
        tuple(f"S{number}" for number in range(_VIEWS)),
        _LINES,
        books=_BOOKS,
        hold=True,
        feed_core=cores[1],
        cold_core=cores[0],
    )
    with DataPlane.start(_NAME, plan, output=subprocess.DEVNULL) as plane:
        plane.wait_until("running")
        _prefer(plane.process.pid)
        before = _rss_bytes(plane.process.pid)
        pace = ("--rate", str(round(rate)), "--days", str(days))
        report = run_venue([*link.before, *venue_words(day, cores[0]), *pace, *link.venue], cores[0])
        death = plane.poll()
        if death:
            raise BenchError(f"the data plane ended: {death}")
        _wait_until_quiet(plane)
        rss = max(before, _rss_bytes(plane.process.pid))
        reading = read(plane.segment)
        pools = int(plane.segment.stats["pool_bytes"])
    lines = [reading.lines[name] for name in tuple(LINES)[:2]]
    return Trial(
        offered=rate,
        seconds=report["seconds"],
        sent_messages=report["messages"],
        sent_packets=report["packets"],
        messages=reading.live["messages"],
        dropped=sum(port["dropped"] for port in reading.ports),
        missed=sum(line["gap_messages"] for line in lines),
        gaps=reading.recovery["gaps"],
        reading=reading,
        rss_bytes=rss,
        pool_bytes=pools,
    )


def run_venue(words: list[str], core: int) -> dict[str, Any]:
    """Run a venue on one core, its servers too, so that nothing of it takes the data plane's."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})  # what we start inherits it
    try:
        venue = subprocess.Popen(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=end_with_parent,  # noqa: PLW1509  (there is one thread)
        )
    finally:
        os.sched_setaffinity(0, before)
    report, complaints = venue.communicate()
    if venue.returncode:
        raise BenchError(f"the venue failed: {complaints.strip()[-400:]}")
    return dict(json.loads(report.splitlines()[-1]))


def _prefer(pid: int) -> None:
    """Let the data plane go before other processes, as on a core of its own; only root may ask for that."""
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, pid, -20)


def _wait_until_quiet(plane: DataPlane) -> None:
    """Wait until nothing has come for a while: what was under way is here."""
    last, since = -1, time.monotonic()
    while time.monotonic() - since < 0.2:
        messages = plane.segment.live["messages"]
        if messages != last:
            last, since = messages, time.monotonic()
        time.sleep(0.02)


def _rss_bytes(pid: int) -> int:
    """Return what is resident beside reserved huge pages, which hold nothing but pools."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
