"""The second half of the demonstration: venue and data plane as two programs, and a bad wire between them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from appliance.book.software import BookLimits
from appliance.dataplane import DataPlane, Line, Plan, Port, Recovery
from appliance.dataplane.process import end_with_parent
from appliance.errors import ApplianceError
from appliance.netlab import Lab, LabError
from appliance.observe.reading import Reading, read
from appliance.programs import built_with_dpdk, installed
from appliance.progress import Progress

_FAULTS = (
    "--loss", "A:0.01", "--loss", "B:0.02", "--same-gap", "0.002", "--duplicate", "0.002",
    "--reorder", "0.01", "--reorder-depth", "50",
)  # fmt: skip
_BLACKOUT_S = 0.2
_UDP_PORTS = (26400, 26401)
_BOOKS = BookLimits(orders=1 << 20, order_pages=24 << 10, levels=1 << 18, prefault=1)
_PATIENCE_S = 30.0
_NAME = f"demo-{os.getpid()}"

Say = Callable[[str], None]


class DemoError(ApplianceError):
    """The demonstration did not show what it is there to show."""


@dataclass(frozen=True)
class Wire:
    """What lies between the two programs."""

    name: str
    port: Port
    venue: tuple[str, ...]
    servers: IPv4Address
    before: tuple[str, ...] = ()


@contextlib.contextmanager
def choose_wire(say: Say) -> Iterator[Wire]:
    """Give AF_XDP on a veth pair where that can be made, and sockets on loopback everywhere else."""
    reason = _why_not_dpdk()
    if not reason:
        lab = Lab.of_this_process("d")
        try:
            lab.up()
        except LabError as error:
            reason = str(error)
            lab.down()
    if reason:
        here = IPv4Address("127.0.0.1")
        say(f"wire        kernel sockets on loopback ({reason})")
        port = Port("udp", "lo", here, receive_buffer_bytes=8 << 20)
        yield Wire("sockets", port, ("--interface", str(here)), here)
        return
    try:
        say("wire        DPDK, AF_XDP on both ends of a veth pair")
        yield Wire(
            "AF_XDP",
            Port("dpdk", f"net_af_xdp0,iface={lab.feed.here}"),
            (
                "--interface", str(lab.feed.there_address),
                "--device", f"net_af_xdp0,iface={lab.feed.there}",
            ),
            lab.requests.there_address,
            tuple(lab.inside()),
        )  # fmt: skip
    finally:
        lab.down()


def _why_not_dpdk() -> str:
    if os.geteuid():
        return "AF_XDP needs root"
    return "" if built_with_dpdk("dataplane") else "built without DPDK"


class _Venue:
    """The venue as a process; leaving the block stops it."""

    def __init__(self, wire: Wire, day: Path, rate: int, *words: str) -> None:
        # Groups of this process alone: two demonstrations on one machine do not hear each other.
        number = os.getpid() % 250
        self.groups = tuple(IPv4Address(f"239.192.{line}.{number + 1}") for line in (1, 2))
        lines = [
            word
            for name, group, port in zip("ab", self.groups, _UDP_PORTS, strict=True)
            for word in (f"--group-{name}", f"{group}:{port}")
        ]
        self._process = subprocess.Popen(
            [
                *wire.before, installed("appliance"), "venue", "--json", "--file", str(day),
                "--rate", str(rate), "--wait", "--lead-in", "0", "--linger", "0.5", "--heartbeat", "0.1",
                "--requests", f"{wire.servers}:0", "--snapshots", f"{wire.servers}:0",
                *lines, *wire.venue, *words,
            ],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=end_with_parent,  # noqa: PLW1509  (there is one thread)
        )  # fmt: skip
        assert self._process.stdout
        ready = self._process.stdout.readline()
        if not ready:
            self._fail()
        addresses = json.loads(ready)["ready"]
        self.requests, self.snapshots = (_endpoint(addresses[name]) for name in ("requests", "snapshots"))

    def _fail(self) -> None:
        complaints = self._process.communicate()[1]
        raise DemoError(f"the venue did not start: {complaints.strip()[-400:]}")

    def plan(self, wire: Wire) -> Plan:
        """Return the plan of a data plane that listens to it."""
        lines = tuple(Line(group, port) for group, port in zip(self.groups, _UDP_PORTS, strict=True))
        recovery = Recovery(request=self.requests, snapshot=self.snapshots)
        return Plan((wire.port,), ("NONE",), lines, recovery, _BOOKS, die_with_parent=True)

    def go(self) -> None:
        """Let the first message out."""
        self._process.send_signal(signal.SIGUSR1)

    def report(self) -> dict[str, Any]:
        """Wait for the end, and return what it says."""
        output, complaints = self._process.communicate(timeout=_PATIENCE_S)
        if self._process.returncode or not output:
            raise DemoError(f"the venue failed: {complaints.strip()[-400:]}")
        return dict(json.loads(output.splitlines()[-1]))

    def __enter__(self) -> _Venue:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            self._process.kill()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()
        self._process.wait()


def _endpoint(text: str) -> tuple[IPv4Address, int]:
    address, port = text.rsplit(":", 1)
    return IPv4Address(address), int(port)


def _start(venue: _Venue, wire: Wire) -> DataPlane:
    plane = DataPlane.start(_NAME, venue.plan(wire), output=subprocess.DEVNULL)
    try:
        plane.wait_until("running")
    except BaseException:
        plane.__exit__()
        raise
    return plane


def _follow(label: str, plane: DataPlane, until: int, total: int) -> None:
    """Show a bar until this message is in the books, or the data plane has ended."""
    still, last = time.monotonic(), -1
    with Progress(label, total) as bar:
        while plane.poll() is None:
            sequence = plane.segment.live["sequence"]
            bar.show(sequence, plane.segment.recovery_state)
            if sequence >= until:
                return
            if sequence != last:
                still, last = time.monotonic(), sequence
            elif time.monotonic() - still > _PATIENCE_S:
                raise DemoError(f"nothing has come for {_PATIENCE_S:.0f} s, after message {sequence:,}")
            time.sleep(0.02)


def lossy_lines(label: str, wire: Wire, day: Path, messages: int, rate: int, digest: int) -> str:
    """Send the whole day over two bad lines, and compare the digests of both ends with that of the file."""
    start = messages / rate / 2
    blackout = ("--blackout", f"both:{start:.3f}:{min(_BLACKOUT_S, start / 2):.3f}")
    with _Venue(wire, day, rate, *_FAULTS, *blackout) as venue, _start(venue, wire) as plane:
        venue.go()
        _follow(label, plane, messages + 1, messages)
        report = venue.report()
        reading = read(plane.segment)
    text = _sent_and_received(report, reading)
    if reading.live["stale_books"]:
        raise DemoError(
            f"this machine did not keep up, and the books say so (stale): try a lower --rate\n{text}"
        )
    ours, theirs = reading.live["digest"], int(report["digest"], 16)
    joined = reading.recovery["snapshots"]
    if joined:
        # What a snapshot skipped never came as events: only the orders at rest can be compared.
        ours, theirs = reading.live["depth_digest"], int(report["depth_digest"], 16)
    elif ours != digest:
        theirs = digest
    if ours != theirs:
        raise DemoError(
            f"the day came out differently: {theirs:016x} and {ours:016x}: please report this\n{text}"
        )
    if joined:
        return (
            text
            + "\ndigest      every order at the end is the venue's (a snapshot was needed: no event digest)"
        )
    return text + f"\ndigest      {ours:016x}: file, venue and appliance agree"


def _sent_and_received(report: dict[str, Any], reading: Reading) -> str:
    rows = [
        f"sent        {report['messages']:,} messages in {report['packets']:,} packets on each of two lines, "
        f"{report['messages_per_s']:,.0f} messages/s"
    ]
    for name, line in report["lines"].items():
        lost = line["lost"] + line["same_gaps"] + line["blacked_out"]
        rows.append(
            f"            line {name}: {lost:,} packets lost, {line['duplicated']:,} twice, "
            f"{line['reordered']:,} out of order"
        )
    verdicts = reading.line_verdicts
    first = sum(verdicts[line][name] for line in ("a", "b") for name in ("delivered", "partial", "held"))
    second = sum(verdicts[line][name] for line in ("a", "b") for name in ("late", "duplicate"))
    rows.append(
        f"received    {reading.live['messages']:,} messages: {first:,} packets came first, "
        f"{second:,} second; dropped by the port {sum(port['dropped'] for port in reading.ports):,}"
    )
    recovery = reading.recovery
    rows.append(
        f"recovered   {recovery['gaps']:,} gaps: {recovery['filled_by_lines']:,} filled by the other line, "
        f"{recovery['filled_by_request']:,} by {recovery['requests']:,} requests, "
        f"{recovery['filled_by_snapshot']:,} by snapshot; {reading.stream['lost']:,} messages lost"
    )
    event = reading.stages["event"]
    if event.count:
        p50, p99 = (event.percentile_ns(quantile) or 0 for quantile in (0.5, 0.99))
        rows.append(f"latency     packet received to books done: p50 {p50:,.0f} ns, p99 {p99:,.0f} ns")
    return "\n".join(rows)


def join_late(label: str, wire: Wire, day: Path, messages: int, rate: int) -> str:
    """Kill the data plane in full flow and start it again: back through a snapshot, to the same orders."""
    end = max(messages * 3 // 4, 1)
    with _Venue(wire, day, rate, "--stop-after", str(end)) as venue:
        with _start(venue, wire) as plane:
            venue.go()
            _follow(label, plane, end // 2, end)
            plane.process.kill()
            death = plane.wait(_PATIENCE_S)
        started = time.monotonic()
        with _start(venue, wire) as plane:
            while plane.segment.recovery_state != "whole" or not plane.segment.live["messages"]:
                if plane.poll() or time.monotonic() - started > _PATIENCE_S:
                    raise DemoError(f"it did not come back: {plane.segment.recovery_state}")
                time.sleep(0.001)
            fresh_ms = (time.monotonic() - started) * 1000
            joined = plane.segment.live["sequence"]
            _follow(label, plane, end + 1, end)
            report = venue.report()
            reading = read(plane.segment)
    ours, theirs = reading.live["depth_digest"], int(report["depth_digest"], 16)
    if ours != theirs or reading.live["stale_books"]:
        raise DemoError(
            f"after the kill the orders differ: venue {theirs:016x}, appliance {ours:016x}: "
            "please report this with the command line"
        )
    return (
        f"killed      {death}\n"
        f"            started again; fresh after {fresh_ms:.0f} ms by a snapshot, at message {joined:,}\n"
        f"            every order at message {end:,}: digest {ours:016x}, the venue's and the appliance's"
    )
