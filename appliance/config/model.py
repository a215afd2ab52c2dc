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
    Params,
    People,
    Placement,
    PowerOfTwo,
    Server,
    Size,
    Symbols,
    Text,
    Whole,
    Wholes,
)
from appliance.dataplane.limits import RiskLimits
from appliance.dataplane.plan import DEFAULT_BOOKS, FUSED, STAGES, Plan, Recovery, Trading

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


class TableOf:
    """Sections of one kind under names that the file chooses."""

    def __init__(self, section: Any) -> None:
        """Name the kind."""
        self.section = section


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
    snapshot_session: Annotated[str, Choice(("feed", "any"))] = "feed"
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
    trading: Annotated[tuple[int, ...], Wholes(-1, 1023, 3, "[2, 3]")] = ()
    journal: Annotated[int, Whole(-1, 1023)] = -1


@dataclass(frozen=True)
class MemoryConfig:
    """``[memory]``."""

    lock: Annotated[bool, Flag()] = False


@dataclass(frozen=True)
class MetricsConfig:
    """``[metrics]``: where they are served; None for nowhere."""

    listen: Annotated[Endpoint | None, Loopback()] = METRICS


@dataclass(frozen=True)
class TradingConfig:
    """``[trading]``: the stages behind the books, and on which threads they run."""

    mode: Annotated[str, Choice(("off", "live"))] = "off"
    placement: Annotated[tuple[tuple[str, ...], ...], Placement(STAGES)] = FUSED
    orders: Annotated[int, PowerOfTwo(2, 1 << 20)] = Trading.orders
    call_budget_us: Annotated[int, Whole(1, 1_000_000)] = Trading.call_budget_us


@dataclass(frozen=True)
class StrategyConfig:
    """``[strategy]``: what decides."""

    name: Annotated[str, Text(1023)] = ""
    params: Annotated[dict[str, int], Params()] = field(default_factory=dict)


@dataclass(frozen=True)
class GatewayConfig:
    """``[gateway]``: where orders go, and as whose."""

    server: Annotated[Endpoint | None, Server("127.0.0.1:26502")] = None
    user: Annotated[str, Text(6, ascii_only=True)] = ""
    password: Annotated[str, Text(10, ascii_only=True)] = ""
    password_file: Annotated[str, Text(4095)] = ""
    session: Annotated[str, Text(10, ascii_only=True)] = ""
    firm: Annotated[str, Text(4, ascii_only=True)] = ""
    capacity: Annotated[str, Choice(("A", "P", "R", "O"))] = Trading.capacity
    display: Annotated[str, Choice(("Y", "N", "A"))] = Trading.display
    busy_poll_us: Annotated[int, Whole(0, 10_000)] = Trading.busy_poll_us


_QTY = Whole(0, 2**31 - 1)
_DOLLARS = Whole(0, 10**14)


@dataclass(frozen=True)
class ScopeLimits:
    """The limits of one scope; what is not there is not limited."""

    order_qty: Annotated[int | None, _QTY] = None
    order_dollars: Annotated[int | None, _DOLLARS] = None
    gross_dollars: Annotated[int | None, _DOLLARS] = None
    long_qty: Annotated[int | None, _QTY] = None
    short_qty: Annotated[int | None, _QTY] = None
    open_orders: Annotated[int | None, _QTY] = None
    collar_bps: Annotated[int | None, Whole(0, 65_534)] = None
    duplicate_ms: Annotated[int | None, Whole(0, 3_600_000)] = None
    orders_per_s: Annotated[int | None, Whole(1, 10_000_000)] = None
    burst: Annotated[int | None, Whole(1, 1_000_000)] = None

    @property
    def limits(self) -> RiskLimits:
        """The same, as the data plane's package has them."""
        return RiskLimits(**{one.name: getattr(self, one.name) for one in fields(self)})


@dataclass(frozen=True)
class LimitsConfig:
    """``[limits]``: of the account, the strategy, each symbol, and of those that differ."""

    account: ScopeLimits = field(default_factory=ScopeLimits)
    strategy: ScopeLimits = field(default_factory=ScopeLimits)
    symbol: ScopeLimits = field(default_factory=ScopeLimits)
    symbols: Annotated[dict[str, ScopeLimits], TableOf(ScopeLimits)] = field(default_factory=dict)

    def of(self, symbol: str) -> RiskLimits:
        """Return those of a symbol: its own, and the default where it has none."""
        default, own = self.symbol.limits, self.symbols.get(symbol, ScopeLimits()).limits
        names = [one.name for one in fields(default)]
        return RiskLimits(
            **{name: getattr(default if getattr(own, name) is None else own, name) for name in names}
        )


@dataclass(frozen=True)
class RolesConfig:
    """``[roles]``: who may do what; nobody named says that all may who may write the segment."""

    operator: Annotated[tuple[str, ...], People()] = ()
    risk: Annotated[tuple[str, ...], People()] = ()


@dataclass(frozen=True)
class StateConfig:
    """``[state]``: where that is kept which outlives a restart."""

    directory: Annotated[str, Text(4095)] = ""


@dataclass(frozen=True)
class JournalConfig:
    """``[journal]``: all that trading takes in and gives out, in files."""

    enabled: Annotated[bool, Flag()] = True
    directory: Annotated[str, Text(4095)] = ""
    sync_ms: Annotated[int, Whole(0, 60_000)] = 1000


@dataclass(frozen=True)
class Config:
    """The whole file. ``folder`` is where its relative paths begin.

    ``left_aside`` names what is in the file for another kind of port than the one chosen for this run.
    """

    books: BooksConfig
    name: Annotated[str, InstanceName()] = "appliance"
    feed: FeedConfig = field(default_factory=FeedConfig)
    recovery: RecoveryConfig = field(default_factory=RecoveryConfig)
    cores: CoresConfig = field(default_factory=CoresConfig)
    memory: MemoryConfig = field(default_factory=MemoryConfig)
    metrics: MetricsConfig = field(default_factory=MetricsConfig)
    trading: TradingConfig = field(default_factory=TradingConfig)
    strategy: StrategyConfig = field(default_factory=StrategyConfig)
    gateway: GatewayConfig = field(default_factory=GatewayConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    roles: RolesConfig = field(default_factory=RolesConfig)
    state: StateConfig = field(default_factory=StateConfig)
    journal: JournalConfig = field(default_factory=JournalConfig)
    folder: Path = Path()
    left_aside: tuple[str, ...] = ()

    def path(self, text: str) -> Path:
        """Return a path of the file as seen from here."""
        return self.folder / text

    @property
    def state_directory(self) -> Path:
        """Where what outlives a restart is kept."""
        return self.path(self.state.directory or f"{self.name}.state").absolute()

    @property
    def journal_directory(self) -> Path | None:
        """Where the journal is written; None: there is none. Books without trading have none."""
        if not self.journal.enabled or self.trading.mode == "off":
            return None
        return self.path(self.journal.directory or f"{self.name}.journal").absolute()


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
            if isinstance(extras[0], TableOf) or hasattr(extras[0], "read"):
                found[one.name] = Key(one.name, None, extras[0], only)
    return found
