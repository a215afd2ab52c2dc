"""What no single key can say: keys that contradict each other, and what this machine does not have."""

from __future__ import annotations

import os
import re
from pathlib import Path as File
from typing import Any

from appliance.config.model import DPDK, FILE, UDP, Config, FeedConfig, LineConfig, keys_of
from appliance.config.network import interface_address, interface_names, is_own_address
from appliance.config.passwords import first_line
from appliance.config.positions import Path
from appliance.config.reader import Findings, name_of
from appliance.config.trading import check_trading
from appliance.errors import printable

_ONLINE = File("/sys/devices/system/cpu/online")
# Virtual devices of DPDK that are another way to an interface of the kernel.
_ON_INTERFACES = ("net_af_xdp", "net_af_packet")


def check(config: Config, findings: Findings) -> None:
    """Note what does not fit together, or not to this machine."""
    _keys_of_other_ports(config.feed, findings)
    _places(config.feed, findings)
    _pace(config, findings)
    _lines(config.feed, findings)
    _recovery(config, findings)
    _cores(config, findings)
    check_trading(config, findings)


def _keys_of_other_ports(feed: FeedConfig, findings: Findings) -> None:
    if not findings.is_fine(("feed", "port")):
        return
    places: list[tuple[Path, Any]] = [
        (("feed",), FeedConfig),
        (("feed", "a"), LineConfig),
        (("feed", "b"), LineConfig),
    ]
    for path, kind in places:
        for key in keys_of(kind).values():
            here = (*path, key.name)
            if here in findings.given and feed.port not in key.ports:
                findings.add(
                    here,
                    f"{name_of(here)}: only a port of kind {' or '.join(key.ports)} has it, "
                    f'and feed.port is "{feed.port}"',
                )


def _places(feed: FeedConfig, findings: Findings) -> None:
    """Note a port that does not say where, or says a place that is not there."""
    if not findings.is_fine(("feed", "port")):
        return
    if feed.port == DPDK and not feed.device and findings.is_fine(("feed", "device")):
        for name, line in (("a", feed.a), ("b", feed.b)):
            if not line.device and (name == "a" or feed.lines == 2):
                findings.add(
                    ("feed",),
                    f"feed.device is missing: a dpdk port needs one for line {name.upper()}: "
                    'a PCI address as "0000:03:00.0" or a virtual device as "net_af_xdp0,iface=eth1"',
                )
                break
    sections: list[tuple[Path, FeedConfig | LineConfig]] = [
        (("feed",), feed),
        (("feed", "a"), feed.a),
        (("feed", "b"), feed.b),
    ]
    for path, section in sections:
        _interface(feed.port, (*path, "interface"), section.interface, findings)
        if feed.port == DPDK:
            _device((*path, "device"), section.device, findings)


def _interface(port: str, path: Path, text: str, findings: Findings) -> None:
    """Note an interface that is not there. A dpdk port only says an address, which may be anybody's."""
    if not text or not findings.is_fine(path):
        return
    if not re.fullmatch(r"[\d.]+", text):
        if text not in interface_names():
            _no_interface(path, text, findings)
    elif port == UDP and not is_own_address(text):
        known = [f"{name} {address}" for name in interface_names() if (address := interface_address(name))]
        findings.add(
            path,
            f'{name_of(path)}: this machine has no interface with the address "{text}"; there are '
            + ", ".join(known),
        )


def _device(path: Path, text: str, findings: Findings) -> None:
    if not text.startswith(_ON_INTERFACES) or not findings.is_fine(path):
        return
    name = re.search(r",iface=([^,]+)", text)
    if name is None:
        device = text.partition(",")[0]
        findings.add(path, f"{name_of(path)}: it names no interface: {device},iface=NAME")
    elif name[1] not in interface_names():
        _no_interface(path, name[1], findings)


def _no_interface(path: Path, text: str, findings: Findings) -> None:
    findings.add(
        path,
        f'{name_of(path)}: this machine has no interface "{text}"; there are ' + ", ".join(interface_names()),
    )


def _pace(config: Config, findings: Findings) -> None:
    feed = config.feed
    if feed.port != FILE or not findings.is_fine(("feed", "port"), ("feed", "file")):
        return
    if not feed.file:
        findings.add(("feed",), "feed.file is missing: a file port needs one")
    elif problem := _file_problem(config.path(feed.file)):
        findings.add(("feed", "file"), f"feed.file: {printable(config.path(feed.file))}: {problem}")
    if not findings.is_fine(("feed", "pace"), ("feed", "rate")):
        return
    if feed.pace == "rate" and not feed.rate:
        findings.add(("feed", "pace"), 'feed.rate is missing: pace = "rate" needs messages a second')
    if feed.pace != "rate" and feed.rate:
        findings.add(("feed", "rate"), f'feed.rate: only pace = "rate" has one, and it is "{feed.pace}"')


def _file_problem(path: File) -> str | None:
    """Return why no feed can be read from there; None if nothing speaks against it."""
    if path.is_dir():
        return "a directory: name one file in it"
    if not path.exists():
        return "no such file"
    if not os.access(path, os.R_OK):
        return "this user may not read it: run as another, or change its mode"
    return None


def _lines(feed: FeedConfig, findings: Findings) -> None:
    if feed.lines == 1:
        if ("feed", "b") in findings.given and findings.is_fine(("feed", "lines")):
            findings.add(("feed", "b"), "feed.b: there is no line B when feed.lines is 1")
        return
    groups: tuple[Path, Path] = ("feed", "a", "group"), ("feed", "b", "group")
    if findings.is_fine(*groups) and feed.a.group == feed.b.group:
        at = groups[1] if groups[1] in findings.given else groups[0]
        findings.add(
            at, f"{name_of(at)}: both lines are {feed.a.group}: each needs a group or port of its own"
        )
    if feed.port == FILE and len({("feed", "a"), ("feed", "b")} & findings.given) == 1:
        findings.add(
            ("feed", "a") if ("feed", "a") in findings.given else ("feed", "b"),
            "feed: name both lines of a capture, or none: then they are found in it",
        )


def _recovery(config: Config, findings: Findings) -> None:
    recovery = config.recovery
    given = {path[1] for path in findings.given if path[0] == "recovery" and len(path) == 2}
    if config.feed.port == FILE and findings.is_fine(("feed", "port")):
        for name in ("retransmission", "snapshot"):
            if name in given:
                findings.add(
                    ("recovery", name), f"recovery.{name}: what comes from a file cannot be asked for again"
                )
        return
    if recovery.snapshot is None and findings.is_fine(("recovery", "snapshot")):
        for name in ("user", "password", "password_file"):
            if name in given:
                findings.add(
                    ("recovery", name), f"recovery.{name}: there is no recovery.snapshot to log in to"
                )
    if {"password", "password_file"} <= given:
        findings.add(
            ("recovery", "password_file"), "recovery.password_file: there is recovery.password too: keep one"
        )
    elif recovery.password_file:
        text = read_password(config)
        if isinstance(text, OSError):
            findings.add(
                ("recovery", "password_file"),
                f"recovery.password_file: {printable(config.path(recovery.password_file))}: {text.strerror}",
            )
        elif not 1 <= len(text) <= 10 or not text.isascii() or not text.isprintable():
            findings.add(
                ("recovery", "password_file"),
                "recovery.password_file: its first line is not a password of 1 to 10 ASCII characters",
            )
    if recovery.request_messages > recovery.request_longest and findings.is_fine(
        ("recovery", "request_messages"), ("recovery", "request_longest")
    ):
        findings.add(
            ("recovery", "request_longest" if "request_longest" in given else "request_messages"),
            f"recovery.request_longest: {recovery.request_longest:,} is less than the "
            f"{recovery.request_messages:,} messages of one request",
        )


def read_password(config: Config) -> str | OSError:
    """Return the first line of the file, or why it cannot be read."""
    try:
        return first_line(config.path(config.recovery.password_file))
    except OSError as error:
        return error


def online_cores() -> set[int]:
    """Return the cores that this machine has, and has switched on."""
    cores: set[int] = set()
    for part in _ONLINE.read_text().strip().split(","):
        first, _, last = part.partition("-")
        cores |= set(range(int(first), int(last or first) + 1))
    return cores


def _cores(config: Config, findings: Findings) -> None:
    cores = config.cores
    online = online_cores()
    for name in ("feed", "cold", "journal"):
        core = getattr(cores, name)
        if core >= 0 and core not in online:
            findings.add(
                ("cores", name),
                f"cores.{name}: this machine has no core {core}: {_ONLINE.read_text().strip()} are there",
            )
    _trading_cores(config, online, findings)
    if cores.feed >= 0 and cores.feed == cores.cold:
        findings.add(
            ("cores", "cold"),
            f"cores.cold: core {cores.feed} is the feed's, which never sleeps: recovery would never run",
        )
    hot = {cores.feed, *cores.trading} - {-1}
    if cores.journal in hot and findings.is_fine(("cores", "feed"), ("cores", "trading")):
        findings.add(
            ("cores", "journal"),
            f"cores.journal: core {cores.journal} has a thread that never sleeps: nothing would be written",
        )


def _trading_cores(config: Config, online: set[int], findings: Findings) -> None:
    path: Path = ("cores", "trading")
    if not findings.is_fine(path, ("trading", "placement")) or path not in findings.given:
        return
    behind = len(config.trading.placement) - 1
    if len(config.cores.trading) != behind:
        findings.add(
            path,
            f"cores.trading: {len(config.cores.trading)} cores for the {behind} groups of trading.placement "
            "behind the first, which is on cores.feed",
        )
        return
    taken = {config.cores.feed: "the feed's, which never sleeps"}
    for index, core in enumerate(config.cores.trading):
        here = (*path, index)
        if core >= 0 and core not in online:
            findings.add(
                here,
                f"{name_of(here)}: this machine has no core {core}: {_ONLINE.read_text().strip()} are there",
            )
        elif core >= 0 and core in taken:
            findings.add(here, f"{name_of(here)}: core {core} is {taken[core]}")
        taken.setdefault(core, "another group's, which never sleeps")


def same_place(feed: FeedConfig) -> bool:
    """Whether both lines come in at one port."""

    def place(line: LineConfig) -> tuple[str, str]:
        return line.interface or feed.interface, line.device or feed.device

    return feed.lines == 1 or feed.port == FILE or place(feed.a) == place(feed.b)
