"""What a data plane is told: the typed twin of ``struct plan``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Address
from typing import Any, Protocol

import numpy as np

from appliance.book.software import BookLimits
from appliance.dataplane.limits import Limits
from appliance.native import constants, dtype, ffi

_NOBODY = IPv4Address(0)

# What a plan asks for when nobody says otherwise: room for the busiest 65,535 symbols of a day.
DEFAULT_BOOKS = BookLimits(prefault=1)


@dataclass(frozen=True)
class Port:
    """Where frames come from. ``kind`` is file, udp or dpdk; ``pace`` flat, recorded or rate."""

    kind: str
    where: str = ""
    interface: IPv4Address = _NOBODY
    pace: str = "flat"
    pace_rate: int = 0
    receive_buffer_bytes: int = 0
    busy_poll_us: int = 0
    rx_queues: int = 1
    sends: bool = False


@dataclass(frozen=True)
class Line:
    """One copy of the feed: a multicast group and UDP port, and the index of the port it comes in at."""

    group: IPv4Address
    udp_port: int
    port: int = 0


@dataclass(frozen=True)
class Recovery:
    """What is done about missing messages. An address of 0 says that there is no such server."""

    request: tuple[IPv4Address, int] = (_NOBODY, 0)
    snapshot: tuple[IPv4Address, int] = (_NOBODY, 0)
    user: str = ""
    password: str = ""
    gap_wait_us: int = 500
    request_timeout_us: int = 20_000
    request_tries: int = 5
    request_messages: int = 500
    request_longest: int = 200_000
    snapshot_timeout_ms: int = 10_000
    snapshot_retry_ms: int = 1_000
    silence_ms: int = 3_000
    far_messages: int = 100_000
    any_snapshot_session: bool = False


class LimitsLike(Protocol):
    """Limits that can be written into a segment."""

    def fill(self, records: Any, symbols: Sequence[str], /) -> None:
        """Write the account's, the strategy's, and those of each symbol."""


class TradingLike(Protocol):
    """What a segment needs to know of trading beside the plan's own record."""

    @property
    def limits(self) -> LimitsLike:
        """The limits at the start."""

    @property
    def kill(self) -> int:
        """The kill word as an operator has left it."""


class PlanLike(Protocol):
    """A plan as a segment takes it: made from a configuration, or found in a journal."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols that have a view."""

    @property
    def ports(self) -> tuple[Port, ...]:
        """Where frames come from."""

    @property
    def trading(self) -> TradingLike | None:
        """None: books only."""

    def record(self) -> Any:
        """Return it as one record of the contract."""


STAGES = ("feed", "strategy", "risk", "gateway")
FUSED = (STAGES,)


@dataclass(frozen=True)
class Trading:
    """The stages behind the books. Each of ``groups`` is a thread; the first begins with the feed."""

    mode: str = "live"
    groups: tuple[tuple[str, ...], ...] = FUSED
    cores: tuple[int, ...] = ()  # of the groups behind the first; -1, or none, leaves it to the kernel
    orders: int = 4096
    call_budget_us: int = 1000
    gateway: tuple[IPv4Address, int] = (_NOBODY, 0)
    busy_poll_us: int = 0
    user: str = ""
    password: str = ""
    session: str = ""
    firm: str = ""
    capacity: str = "P"
    display: str = "Y"
    strategy: str = ""
    params: bytes = b""
    limits: Limits = field(default_factory=Limits)
    kill: int = 0  # the kill word as an operator has left it


@dataclass(frozen=True)
class Plan:
    """All that one data plane is told. A core of -1 leaves the thread to the kernel."""

    ports: tuple[Port, ...]
    symbols: tuple[str, ...]
    lines: tuple[Line, ...] = ()
    recovery: Recovery = field(default_factory=Recovery)
    books: BookLimits = DEFAULT_BOOKS
    window_packets: int = 16_384
    hold: bool = False
    lock_memory: bool = False
    die_with_parent: bool = False
    feed_core: int = -1
    cold_core: int = -1
    eal: str = ""
    trading: Trading | None = None

    def record(self) -> Any:
        """Return it as one record of the contract."""
        record = np.zeros(1, dtype("plan"))[0]
        record["ports"], record["lines"] = len(self.ports), len(self.lines)
        for at, port in enumerate(self.ports):
            _fill_port(record["port"][at], port)
        for at, line in enumerate(self.lines):
            record["line"][at] = (int(line.group), line.udp_port, line.port)
        _fill_recovery(record["recovery"], self.recovery)
        for name, value in asdict(self.books).items():
            record["books"][name] = value
        record["window_packets"] = self.window_packets
        record["flags"] = (
            self.hold * _constant("PLAN_HOLD")
            | self.lock_memory * _constant("PLAN_LOCK_MEMORY")
            | self.die_with_parent * _constant("PLAN_DIE_WITH_PARENT")
            | self.recovery.any_snapshot_session * _constant("PLAN_ANY_SNAPSHOT")
        )
        record["feed_core"], record["cold_core"] = self.feed_core, self.cold_core
        record["eal"] = self.eal.encode()
        if self.trading:
            _fill_trading(record["trading"], self.trading)
        return record


def _constant(name: str) -> int:
    return int(ffi().typeof("enum plan_flag").relements[name])


def _enum(name: str, value: str) -> int:
    prefix = name.removeprefix("enum ").upper().removesuffix("_KIND").removesuffix("_MODE")
    return int(ffi().typeof(name).relements[f"{prefix}_{value.upper()}"])


def _fill_port(record: Any, port: Port) -> None:
    record["kind"] = _enum("enum plan_port_kind", port.kind)
    record["pace"] = _enum("enum plan_pace", port.pace)
    record["interface_ip"] = int(port.interface)
    record["where"] = os.fsencode(port.where)
    for name in ("pace_rate", "receive_buffer_bytes", "busy_poll_us", "rx_queues", "sends"):
        record[name] = getattr(port, name)


def _fill_recovery(record: Any, recovery: Recovery) -> None:
    for name in ("request", "snapshot"):
        address, port = getattr(recovery, name)
        record[f"{name}_ip"], record[f"{name}_port"] = int(address), port
    record["user"] = recovery.user.ljust(6).encode()
    record["password"] = recovery.password.ljust(10).encode()
    for name in record.dtype.names:
        if name.endswith(("_us", "_ms", "_tries", "_messages", "_longest")):
            record[name] = getattr(recovery, name)


def _fill_trading(record: Any, trading: Trading) -> None:
    record["mode"] = _enum("enum trading_mode", trading.mode)
    record["groups"] = len(trading.groups)
    cores = (-1, *trading.cores, -1, -1, -1)[:4]
    for number, stages in enumerate(trading.groups):
        record["core"][number] = cores[number]
        for stage in stages:
            record["group"][STAGES.index(stage)] = number
    record["gateway_ip"], record["gateway_port"] = int(trading.gateway[0]), trading.gateway[1]
    for name in ("orders", "call_budget_us", "busy_poll_us"):
        record[name] = getattr(trading, name)
    for name, width in (("user", 6), ("password", 10), ("session", 10), ("firm", 4)):
        record[name] = getattr(trading, name).ljust(width).encode()
    record["capacity"], record["display"] = ord(trading.capacity), ord(trading.display)
    record["params_bytes"] = len(trading.params)
    record["params"][: len(trading.params)] = np.frombuffer(trading.params, np.uint8)
    record["strategy"] = os.fsencode(trading.strategy)


def longest_path() -> int:
    """Return how many bytes the name of a file or device may have."""
    return int(dtype("plan_port")["where"].itemsize) - 1


def most_symbols() -> int:
    """Return how many symbols may have a view."""
    return constants()["ABI_MAX_VIEWS"]
