"""What a simulated exchange is asked for: plain values with units in their names, checked when made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Literal

from appliance.synth import Market
from appliance.venue.errors import VenueError
from appliance.venue.order_settings import OrderServer

MOST_BLACKOUTS = 16
MOST_DAYS = 65_535
_LONGEST_S = 86_400.0

_HERE = IPv4Address("127.0.0.1")

Endpoint = tuple[IPv4Address, int]
RequestFault = Literal["none", "silent", "partial", "wrong-session", "wrong-sequence", "garbage"]
SnapshotFault = Literal["none", "refuse", "wrong-session", "wrong-sequence", "garbage"]


def _check(name: str, value: float, least: float, most: float, unit: str = "") -> None:
    if not least <= value <= most:  # also not a number
        raise VenueError(f"{name} {value:g}: needs {least:g} to {most:g}{unit and ' ' + unit}")


def _check_all(checks: Iterable[tuple[str, float, float, float, str]]) -> None:
    for check in checks:
        _check(*check)


@dataclass(frozen=True, slots=True)
class LineFaults:
    """What one line does to its packets; the first three are probabilities a packet."""

    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    loss_burst: int = 1
    reorder_depth: int = 4
    delay_ms: float = 0.0
    jitter_ms: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        _check_all(
            (
                ("loss", self.loss, 0, 1, ""),
                ("duplicate", self.duplicate, 0, 1, ""),
                ("reorder", self.reorder, 0, 1, ""),
                ("loss burst", self.loss_burst, 1, 1000, "packets"),
                ("reorder depth", self.reorder_depth, 1, 1000, "packets"),
                ("delay", self.delay_ms, 0, 60_000, "milliseconds"),
                ("jitter", self.jitter_ms, 0, 60_000, "milliseconds"),
            )
        )


@dataclass(frozen=True, slots=True)
class Blackout:
    """Lines (``A``, ``B`` or ``both``) carry nothing; the start counts from the first message."""

    lines: str
    start_s: float
    seconds: float

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if self.lines not in ("A", "B", "both"):
            raise VenueError(f"blackout of line {self.lines!r}: name A, B or both")
        _check("blackout start", self.start_s, 0, _LONGEST_S, "seconds")
        _check("blackout", self.seconds, 0, _LONGEST_S, "seconds")


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast: flat out, so many messages a second, or by the recorded times (``speed`` times as fast)."""

    kind: Literal["flat", "rate", "recorded"] = "flat"
    rate: int = 0
    speed: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if self.kind == "rate":
            _check("rate", self.rate, 1, 1e9, "messages a second")
        _check("speed", self.speed, 0.001, 1_000_000)


@dataclass(frozen=True, slots=True)
class RequestServer:
    """Retransmission over UDP: its limits, and what it does wrong."""

    at: Endpoint = (_HERE, 26_500)
    messages: int = 1_000  # a request for more is answered as one for so many
    rate: int = 10_000  # requests a second of one client; what is above is ignored
    loss: float = 0.0
    delay_ms: float = 0.0
    fault: RequestFault = "none"

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        _check_all(
            (
                ("messages of a request", self.messages, 1, 65_534, ""),
                ("request rate", self.rate, 1, 1e9, "a second"),
                ("request loss", self.loss, 0, 1, ""),
                ("request delay", self.delay_ms, 0, 60_000, "milliseconds"),
            )
        )


@dataclass(frozen=True, slots=True)
class SnapshotServer:
    """GLIMPSE over SoupBinTCP: who may log in (an empty user: anyone), and what it does wrong."""

    at: Endpoint = (_HERE, 26_501)
    user: str = ""
    password: str = ""
    delay_ms: float = 0.0
    cut_after: int | None = None  # messages, then the connection is cut
    fault: SnapshotFault = "none"

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        for name, text, most in (("user", self.user, 6), ("password", self.password, 10)):
            if len(text) > most or not text.isascii() or (text and not text.isprintable()):
                raise VenueError(f"{name} {text!r}: needs up to {most} printable ASCII characters")
        if self.password and not self.user:
            raise VenueError("a password without a user: name the user too")
        _check("snapshot delay", self.delay_ms, 0, 60_000, "milliseconds")
        if self.cut_after is not None:
            _check("cut of a snapshot", self.cut_after, 0, 1e12, "messages")


@dataclass(frozen=True, slots=True)
class Settings:
    """One exchange. The day is a synthetic market, or a file of framed messages."""

    market: Market | None = None
    file: Path | None = None
    messages: int | None = None  # of the day, where it has more
    days: int = 1
    session: str = "0000000001"
    groups: tuple[Endpoint, Endpoint] = (
        (IPv4Address("239.192.1.1"), 26_400),
        (IPv4Address("239.192.1.2"), 26_401),
    )
    interface: IPv4Address = _HERE
    devices: tuple[str, ...] = ()  # for DPDK, as EAL names them: one for both lines, or one each
    eal: str = ""
    core: int = -1
    pace: Pace = Pace()
    packet_messages: int = 30
    heartbeat_s: float = 1.0
    lead_in_s: float = 1.0
    linger_s: float = 1.0
    hold: bool = False
    wait: bool = False
    seed: int = 1
    lines: tuple[LineFaults, LineFaults] = (LineFaults(), LineFaults())
    same_gap: float = 0.0
    same_gap_burst: int = 1
    blackouts: tuple[Blackout, ...] = ()
    requests: RequestServer = field(default_factory=RequestServer)
    snapshots: SnapshotServer = field(default_factory=SnapshotServer)
    lazy_books: bool = False
    orders: OrderServer | None = None  # none: the day is as it was made

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if (self.market is None) == (self.file is None):
            raise VenueError("a day comes from a synthetic market or from a file: name one of them")
        _check_all(
            (
                ("days", self.days, 1, MOST_DAYS, ""),
                ("messages of a packet", self.packet_messages, 1, 1000, ""),
                ("heartbeat", self.heartbeat_s, 0, 3600, "seconds"),
                ("lead-in", self.lead_in_s, 0, _LONGEST_S, "seconds"),
                ("linger", self.linger_s, 0, 3600, "seconds"),
                ("seed", self.seed, 0, 2**64 - 1, ""),
                ("same gap", self.same_gap, 0, 1, ""),
                ("same gap burst", self.same_gap_burst, 1, 1000, "packets"),
                ("core", self.core, -1, 1023, ""),
            )
        )
        if 0 < self.heartbeat_s < 0.001:
            raise VenueError(f"heartbeat {self.heartbeat_s:g}: needs 0 (none) or at least 0.001 seconds")
        if self.messages is not None:
            _check("messages", self.messages, 1, 1e12)
        self._check_addresses()
        if self.orders is not None and self.days != 1:
            raise VenueError(f"orders on {self.days} days: with orders every day is another; send one")
        if len(self.blackouts) > MOST_BLACKOUTS:
            raise VenueError(f"{len(self.blackouts)} blackouts: at most {MOST_BLACKOUTS} are kept")
        if len(self.devices) > 2:
            raise VenueError(f"{len(self.devices)} devices: there are two lines, so one or two")

    def _check_addresses(self) -> None:
        if not 1 <= len(self.session) <= 10 or not self.session.isascii() or not self.session.isprintable():
            raise VenueError(f"session {self.session!r}: needs 1 to 10 printable ASCII characters")
        for line, (group, port) in zip("AB", self.groups, strict=True):
            if not group.is_multicast or not port:
                raise VenueError(
                    f"line {line} at {group}:{port}: needs a multicast group and a port from 1 on"
                )
        if self.groups[0] == self.groups[1]:
            raise VenueError("lines A and B have the same group and port: give them different ones")
