"""One run: a data plane and the exchange that feeds it, over real sockets, watched all the while."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from itertools import count
from pathlib import Path
from typing import Any, Self

from e2e.truth import Truth
from e2e.watch import Watcher
from e2e.wire import HERE, PATIENCE_S, PORTS, groups, listen
from model.exchange import Venue
from model.records import STALE

from appliance.book.software import BookLimits
from appliance.dataplane import DataPlane, Death, Line, Plan, Port, Recovery

BOOKS = BookLimits(orders=100_000, order_pages=2_000, levels=50_000, prefault=1)
# Quick to give up on a server: these tests have many that never answer.
RECOVERY = Recovery(
    gap_wait_us=2_000,
    request_timeout_us=20_000,
    request_tries=3,
    snapshot_timeout_ms=2_000,
    snapshot_retry_ms=150,
)
# Never gives up on a retransmission server, however busy the machine is.
PATIENT = replace(RECOVERY, request_tries=1_000)
# In a build with the address sanitizer: neither Python's own leaks are ours nor those of libxdp (80 bytes in
# xsk_umem__create), but the data plane is our own program.
_LEAKS_ARE_ERRORS = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=1"}
_NUMBERS = count()


def wait_for(
    what: str, condition: Callable[[], bool], state: Callable[[], str] = str, pause_s: float = 0.002
) -> None:
    """Wait until it holds; ``state`` is what to show when it never does."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S:.0f} s in vain for {what}: {state()}"
        time.sleep(pause_s)


@dataclass(frozen=True)
class Servers:
    """Which servers the data plane is told of: "venue", "none", or a port of the test's own."""

    requests: int | str = "venue"
    snapshots: int | str = "venue"


NOBODY = Servers("none", "none")
ONLY_REQUESTS = Servers(snapshots="none")
ONLY_SNAPSHOTS = Servers(requests="none")


@dataclass(frozen=True)
class Outcome:
    """What there was to see at the end."""

    is_stale: bool
    recovery_state: str
    messages: int
    sequence: int
    digest: int
    depth_digest: int
    stats: dict[str, Any] = field(repr=False)
    report: dict[str, Any]

    def count(self, part: str, name: str) -> int:
        """Return one counter."""
        return int(self.stats[part][name])

    def verdicts(self, line: int) -> list[int]:
        """Return a line's packets by verdict."""
        return [int(packets) for packets in self.stats["mold"]["line"][line]["by_verdict"]]


@dataclass
class World:
    """A block in which both programs run. The exchange waits with its first message for ``go``."""

    truth: Truth
    options: tuple[Any, ...] = ()
    servers: Servers = field(default_factory=Servers)
    recovery: Recovery = RECOVERY
    rate: int = 100_000
    linger_s: float = 0.3
    is_late: bool = False  # the data plane does not start by itself: ``join`` starts it
    port: Port | None = None  # the data plane's; sockets on loopback unless told
    plan: dict[str, Any] = field(default_factory=dict)
    taps: int | None = None  # of a journal
    name: str = field(default_factory=lambda: f"e2e-{os.getpid()}-{next(_NUMBERS)}")

    def __enter__(self) -> Self:
        self.groups = groups()
        self._stack = ExitStack()
        try:
            self.venue = self._stack.enter_context(self._start_venue())
            if not self.is_late:
                self.join()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def restart_venue(self, *options: str) -> None:
        """Start the exchange again, which has ended, at the addresses it had."""
        servers = [f"{host}:{port}" for host, port in map(self.venue.address, ("requests", "snapshots"))]
        self.options += ("--requests", servers[0], "--snapshots", servers[1], *options)
        self.venue = self._stack.enter_context(self._start_venue())

    def _start_venue(self) -> Venue:
        (group_a, group_b), (port_a, port_b) = self.groups, PORTS
        return Venue(
            "--file", self.truth.path, "--wait", "--lead-in", 0, "--linger", self.linger_s,
            "--heartbeat", 0.05, "--rate", self.rate,
            "--group-a", f"{group_a}:{port_a}", "--group-b", f"{group_b}:{port_b}", *self.options,
        )  # fmt: skip

    def join(self) -> None:
        """Start a data plane; it ends with this block."""
        self._said = self._stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  (the stack's)
        environment = {} if self.port and self.port.kind == "dpdk" else _LEAKS_ARE_ERRORS
        self.plane = DataPlane.start(
            self.name, self.make_plan(), os.environ | environment, self._said.fileno(), self.taps
        )
        self._stack.callback(_end, self.plane)
        self.plane.wait_until("running")

    def make_plan(self) -> Plan:
        """Return what a data plane is told."""
        port = self.port or Port("udp", interface=IPv4Address(HERE), receive_buffer_bytes=8 << 20)
        lines = tuple(
            Line(IPv4Address(group), udp_port) for group, udp_port in zip(self.groups, PORTS, strict=True)
        )
        recovery = replace(
            self.recovery,
            request=self._server("requests", self.servers.requests),
            snapshot=self._server("snapshots", self.servers.snapshots),
        )
        rest: dict[str, Any] = {"books": BOOKS, "hold": True} | self.plan
        return Plan((port,), self.truth.symbols, lines, recovery=recovery, **rest)

    def _server(self, name: str, wanted: int | str) -> tuple[IPv4Address, int]:
        if wanted == "none":
            return IPv4Address(0), 0
        host, port = self.venue.address(name) if wanted == "venue" else (HERE, int(wanted))
        return IPv4Address(host), port

    def go(self) -> None:
        """Let the first message out."""
        self.venue.tell(signal.SIGUSR1)

    def wait_until_sent(self, sequence: int) -> None:
        """Wait until the exchange has sent this message on line A."""
        self.wait_for_packet(
            f"message {sequence}", lambda packet: int.from_bytes(packet[10:18], "big") > sequence
        )

    def wait_for_packet(self, what: str, condition: Callable[[bytes], bool]) -> None:
        """Wait until line A carries such a packet."""
        with listen(self.groups[0], PORTS[0]) as listener:
            wait_for(what, lambda: condition(listener.recv(65_536)), pause_s=0)

    def wait_for(self, what: str, condition: Callable[[], bool]) -> None:
        """Wait until it holds; when it never does, say how the data plane is."""
        wait_for(what, condition, lambda: self.state)

    def wait_for_messages(self, messages: int) -> None:
        """Wait until the data plane has applied so many."""
        self.wait_for(f"{messages} messages", lambda: self.plane.segment.live["messages"] >= messages)

    def is_before(self, sequence: int) -> bool:
        """Whether the data plane has not come as far as this."""
        return bool(self.plane.segment.live["sequence"] < sequence)

    def wait_for_sequence(self, sequence: int) -> None:
        """Wait until the data plane is as far as this."""
        self.wait_for(f"message {sequence}", lambda: not self.is_before(sequence))

    @property
    def is_stale(self) -> bool:
        """Whether the data plane says of all its books that they are not to be trusted."""
        return self.plane.segment.live["stale_books"] > 0

    @property
    def is_whole(self) -> bool:
        """Whether it says that nothing is missing, and that something has arrived."""
        live = self.plane.segment.live
        return (
            self.plane.segment.recovery_state == "whole" and not live["stale_books"] and live["messages"] > 0
        )

    def wait_until_whole(self) -> None:
        """Wait until the books are fresh."""
        self.wait_for("fresh books", lambda: self.is_whole)

    def stop(self) -> Death:
        """Tell the data plane to stop, and see that it does, at once and cleanly."""
        death = self.plane.stop()
        assert death.status == 0, f"{death}\n{self.said}"
        return death

    @property
    def state(self) -> str:
        """All that the data plane shows of itself but its books."""
        segment = self.plane.segment
        parts = {name: segment.stats[name] for name in ("port", "frames", "mold", "recovery", "recoverer")}
        return f"{segment.state} {segment.recovery_state} {segment.live} {parts} {self.said}"

    @property
    def said(self) -> str:
        """What the data plane has written to its outputs so far."""
        self._said.seek(0)
        return self._said.read().decode(errors="replace")

    def watched(self) -> Watcher:
        """Return a watcher of this data plane's views."""
        return Watcher(self.plane.segment, self.truth)

    def run(self, ending: str = "ended") -> Outcome:
        """Send the day, watch, and return what came of it: whole or stale, but never silently wrong."""
        with self.watched() as watcher:
            self.go()
            outcome = self.finish(ending)
        watcher.check()
        return outcome

    def finish(self, ending: str = "ended") -> Outcome:
        """Wait until the feed is over, for the data plane too; with "stale", until it has given up."""
        segment = self.plane.segment
        if ending == "stale":
            # The exchange stays for as long as somebody asks: this data plane asks until it is stopped.
            self.wait_for_packet("an end of session", lambda packet: packet[18:20] == b"\xff\xff")
            self.wait_for("lost books", lambda: segment.recovery_state == "lost" and self.is_stale)
            self.stop()
            return self.outcome(self.venue.report())
        report = self.venue.report()
        self.wait_for("the end of the feed", lambda: segment.state in (ending, "dead"))
        self.stop()
        return self.outcome(report)

    def outcome(self, report: dict[str, Any]) -> Outcome:
        """Return what a stopped data plane shows."""
        segment = self.plane.segment
        live = segment.live
        is_stale = live["stale_books"] > 0
        for index in range(len(segment.views)):
            assert bool(int(segment.view(index)["flags"]) & STALE) == is_stale
        return Outcome(
            is_stale,
            segment.recovery_state,
            live["messages"],
            live["sequence"],
            live["digest"],
            live["depth_digest"],
            {name: segment.stats[name].copy() for name in segment.stats.dtype.names if name != "reserved"},
            report,
        )


def _end(plane: DataPlane) -> None:
    plane.process.kill()
    plane.process.wait()
    (Path("/dev/shm") / plane.segment.name).unlink(missing_ok=True)
    plane.segment.close()


def assert_lossless(outcome: Outcome, truth: Truth) -> None:
    """The books are fresh, and nobody could tell that anything was ever missing."""
    assert not outcome.is_stale, f"{outcome} {outcome.stats['recovery']} {outcome.stats['recoverer']}"
    assert outcome.recovery_state == "whole"
    assert outcome.depth_digest == truth.depth_digest
    assert outcome.sequence == truth.messages
    if not outcome.count("recovery", "snapshots"):
        assert outcome.digest == truth.digest
        assert outcome.messages == truth.messages
