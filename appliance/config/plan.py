"""From the configuration to the plan: what a data plane is told."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address

from appliance.book.software import BookLimits
from appliance.config.kinds import Endpoint
from appliance.config.model import DPDK, FILE, Config, FeedConfig, LineConfig
from appliance.config.network import interface_address
from appliance.config.rules import read_password, same_place
from appliance.config.trading import build_trading
from appliance.dataplane import Line, Plan, Port, Recovery

_NOBODY = IPv4Address(0)
_HERE = IPv4Address("127.0.0.1")


def build_plan(config: Config, die_with_parent: bool = True) -> Plan:
    """Return the plan of a configuration that has no mistakes."""
    feed, books = config.feed, config.books
    lines = (feed.a, feed.b)[: feed.lines]
    apart = not same_place(feed)
    return Plan(
        ports=tuple(_port(config, line) for line in (lines if apart else lines[:1])),
        symbols=books.symbols,
        lines=_lines(feed, apart),
        recovery=_recovery(config),
        books=BookLimits(books.orders, books.order_pages, books.levels, books.locates, prefault=1),
        window_packets=config.recovery.window_packets,
        hold=feed.port != FILE if feed.hold is None else feed.hold,
        lock_memory=config.memory.lock,
        die_with_parent=die_with_parent,
        feed_core=config.cores.feed,
        cold_core=config.cores.cold,
        eal=feed.eal,
        trading=build_trading(config),
    )


def _lines(feed: FeedConfig, apart: bool) -> tuple[Line, ...]:
    if feed.port == FILE and not feed.names_lines:
        return ()
    return tuple(
        Line(line.group.address, line.group.port, port=index if apart else 0)
        for index, line in enumerate((feed.a, feed.b)[: feed.lines])
    )


def _port(config: Config, line: LineConfig) -> Port:
    feed = config.feed
    interface = line.interface or feed.interface
    if feed.port == FILE:
        return Port(FILE, str(config.path(feed.file).absolute()), pace=feed.pace, pace_rate=feed.rate)
    if feed.port == DPDK:
        device = line.device or feed.device
        return Port(DPDK, device, _source(interface, device), rx_queues=feed.queues)
    address = _address(interface) if interface else _HERE
    return Port(
        feed.port,
        "" if address else interface,
        address or _NOBODY,
        receive_buffer_bytes=feed.receive_buffer,
        busy_poll_us=feed.busy_poll_us,
    )


def _address(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except AddressValueError:
        return None


def _source(interface: str, device: str) -> IPv4Address:
    """Return the sender of the reports to the router: named, or the address of the device's interface.

    An address of loopback, as a file for sockets may name, is nobody's on a wire.
    """
    named = _address(interface)
    if not interface or (named and named.is_loopback):
        found = re.search(r"(?:^|,)iface=([^,]+)", device)
        interface = found[1] if found else ""
    return _address(interface) or (interface_address(interface) if interface else None) or _NOBODY


def _recovery(config: Config) -> Recovery:
    recovery = config.recovery
    password = read_password(config) if recovery.password_file else recovery.password
    if isinstance(password, OSError):
        raise password
    return Recovery(
        request=_server(recovery.retransmission),
        snapshot=_server(recovery.snapshot),
        user=recovery.user,
        password=password,
        gap_wait_us=recovery.gap_wait_us,
        request_timeout_us=recovery.request_timeout_ms * 1000,
        request_tries=recovery.request_tries,
        request_messages=recovery.request_messages,
        request_longest=recovery.request_longest,
        snapshot_timeout_ms=recovery.snapshot_timeout_ms,
        snapshot_retry_ms=recovery.snapshot_retry_ms,
        silence_ms=recovery.silence_ms,
        far_messages=recovery.far_messages,
        any_snapshot_session=recovery.snapshot_session == "any",
    )


def _server(server: Endpoint | None) -> tuple[IPv4Address, int]:
    return (server.address, server.port) if server else (_NOBODY, 0)
