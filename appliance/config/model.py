"""The configuration as the program has it: a data class a section, a field a key.

The kind in a field's annotation reads its value. What is written here is all there is: a key that is no field
is refused. A field without a kind is not of the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_args, get_type_hints

from appliance.config.kinds import (
    Choice,
    Endpoint,
    Flag,
    Group,
    InstanceName,
    Interface,
    Loopback,
    Server,
    Size,
    Symbols,
    Text,
    Whole,
)
from appliance.dataplane.plan import DEFAULT_BOOKS, Plan, Recovery

UDP, DPDK, FILE = PORTS = ("udp", "dpdk", "file")

# Where `appliance venue` sends, so that the shortest configuration receives it.
VENUE_A = Endpoint(IPv4Address("239.192.1.1"), 26400)
VENUE_B = Endpoint(IPv4Address("239.192.1.2"), 26401)
METRICS = Endpoint(IPv4Address("127.0.0.1"), 9464)


class Only:
    """The kinds of port that have this key; a key without has meaning for all."""

    def __init__(self, *ports: str) -> None:
        """Name them."""
        self.ports = ports


@dataclass(frozen=True)
class LineConfig:
    """``[feed.a]``, ``[feed.b]``: one copy of the feed. What it does not say of its port, ``[feed]`` says."""

    group: Annotated[Endpoint, Group(str(VENUE_A))] = VENUE_A
    interface: Annotated[str, Interface(), Only(UDP, DPDK)] = ""
    device: Annotated[str, Text(512), Only(DPDK)] = ""


@dataclass(frozen=True)
class FeedConfig:
    """``[feed]``: where packets come from."""

    port: Annotated[str, Choice(PORTS)] = UDP
    interface: Annotated[str, Interface(), Only(UDP, DPDK)] = ""
    device: Annotated[str, Text(512), Only(DPDK)] = ""
    file: Annotated[str, Text(4095), Only(FILE)] = ""
    pace: Annotated[str, Choice(("flat", "recorded", "rate")), Only(FILE)] = "flat"
    rate: Annotated[int, Whole(1, 10**9), Only(FILE)] = 0
    hold: Annotated[bool | None, Flag()] = None  # None: a live feed holds, a file does not
    lines: Annotated[int, Whole(1, 2)] = 2
    queues: Annotated[int, Whole(1, 16), Only(DPDK)] = 1
    eal: Annotated[str, Text(511, ascii_only=True), Only(DPDK)] = ""
    busy_poll_us: Annotated[int, Whole(0, 10_000), Only(UDP)] = 0
    receive_buffer: Annotated[int, Size(1 << 30), Only(UDP)] = 8 << 20
    a: LineConfig = field(default_factory=LineConfig)
    b: LineConfig = field(default_factory=lambda: LineConfig(group=VENUE_B))
    names_lines: bool = False  # [feed.a] or [feed.b] is there


@dataclass(frozen=True)
class RecoveryConfig:
    """``[recovery]``: who is asked for what is missing, how long and how often."""

    retransmission: Annotated[Endpoint | None, Server("127.0.0.1:26500")] = None
    snapshot: Annotated[Endpoint | None, Server("127.0.0.1:26501")] = None
    user: Annotated[str, Text(6, ascii_only=True)] = ""
    password: Annotated[str, Text(10, ascii_only=True)] = ""
    password_file: Annotated[str, Text(4095)] = ""
    gap_wait_us: Annotated[int, Whole(0, 10_000_000)] = Recovery.gap_wait_us
    request_timeout_ms: Annotated[int, Whole(1, 60_000)] = Recovery.request_timeout_us // 1000
    request_tries: Annotated[int, Whole(1, 1000)] = Recovery.request_tries
    request_messages: Annotated[int, Whole(1, 65_534)] = Recovery.request_messages
    request_longest: Annotated[int, Whole(1, 2**32 - 1)] = Recovery.request_longest
    snapshot_timeout_ms: Annotated[int, Whole(1, 3_600_000)] = Recovery.snapshot_timeout_ms
    snapshot_retry_ms: Annotated[int, Whole(1, 3_600_000)] = Recovery.snapshot_retry_ms
    silence_ms: Annotated[int, Whole(1, 3_600_000)] = Recovery.silence_ms
    far_messages: Annotated[int, Whole(1, 2**32 - 1)] = Recovery.far_messages
    window_packets: Annotated[int, Whole(1, 65_536)] = Plan.window_packets


@dataclass(frozen=True)
class BooksConfig:
    """``[books]``: which books are published, and how large all books together may grow."""

    symbols: Annotated[tuple[str, ...], Symbols()]
    orders: Annotated[int, Whole(1, 1 << 27)] = DEFAULT_BOOKS.orders
    order_pages: Annotated[int, Whole(1, 1 << 21)] = DEFAULT_BOOKS.order_pages
    levels: Annotated[int, Whole(1, 1 << 26)] = DEFAULT_BOOKS.levels
    locates: Annotated[int, Whole(1, 65_535)] = DEFAULT_BOOKS.locates


@dataclass(frozen=True)
class CoresConfig:
    """``[cores]``: which core each thread is bound to; -1 leaves it to the kernel."""

    feed: Annotated[int, Whole(-1, 1023)] = -1
    cold: Annotated[int, Whole(-1, 1023)] = -1


@dataclass(frozen=True)
class MemoryConfig:
    """``[memory]``."""

    lock: Annotated[bool, Flag()] = False


@dataclass(frozen=True)
class MetricsConfig:
    """``[metrics]``: where they are served; None for nowhere."""

    listen: Annotated[Endpoint | None, Loopback()] = METRICS


@dataclass(frozen=True)
class Config:
    """The whole file. ``folder`` is where its relative paths begin."""

    books: BooksConfig
    name: Annotated[str, InstanceName()] = "appliance"
    feed: FeedConfig = field(default_factory=FeedConfig)
    recovery: RecoveryConfig = field(default_factory=RecoveryConfig)
    cores: CoresConfig = field(default_factory=CoresConfig)
    memory: MemoryConfig = field(default_factory=MemoryConfig)
    metrics: MetricsConfig = field(default_factory=MetricsConfig)
    folder: Path = Path()

    def path(self, text: str) -> Path:
        """Return a path of the file as seen from here."""
        return self.folder / text


class Key(NamedTuple):
    """One field: a section of its own, or a kind that reads its value."""

    name: str
    section: Any
    kind: Any
    ports: tuple[str, ...]


def keys_of(section: Any) -> dict[str, Key]:
    """Return what a section of the file may hold, by name."""
    hints = get_type_hints(section, include_extras=True)
    found = {}
    for one in fields(section):
        if is_dataclass(hints[one.name]):
            found[one.name] = Key(one.name, hints[one.name], None, PORTS)
        elif extras := get_args(hints[one.name])[1:]:
            only = next((extra.ports for extra in extras if isinstance(extra, Only)), PORTS)
            if hasattr(extras[0], "read"):
                found[one.name] = Key(one.name, None, extras[0], only)
    return found
