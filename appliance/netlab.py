"""A wire on one machine: a network namespace for the venue, and veth pairs between it and this side.

There are two pairs. The feed pair carries the multicast lines and nothing else, because a port of AF_XDP
takes every frame of its interface away from the kernel. Requests, replies and snapshots go over the other
pair, which kernel sockets use. The two sides are alike: the venue may be there and the appliance here, or the
other way round.

On the feed pair checksums are computed by the sender: a veth would otherwise hand over frames whose checksum
nobody has filled in, and those are refused as damaged. It has one queue each way, so that a port which takes
one queue takes all.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
import shutil
import socket
import struct
import subprocess
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Self

from appliance.config.network import interface_address, interface_names
from appliance.errors import ApplianceError

DEFAULT_NETWORK = IPv4Network("10.66.0.0/23")
DEFAULT_MTU = 1500
GROUPS = IPv4Network("239.192.0.0/16")
LONGEST_NAME = 8

_NAME = re.compile(r"[a-z][a-z0-9]*")
_NETWORK_BITS = 23
_OWN_NETWORKS = IPv4Network("10.67.0.0/16")  # 128 of them
_CAP_NET_ADMIN, _CAP_SYS_ADMIN = 12, 21
_SIOCETHTOOL = 0x8946
_ETHTOOL_GTXCSUM, _ETHTOOL_STXCSUM = 0x16, 0x17
# Behind every route that somebody has made on purpose.
_LAST_METRIC = "10000"


class LabError(ApplianceError):
    """The lab cannot be made, shown or removed."""


@dataclass(frozen=True)
class Pair:
    """A veth pair: its end here, and its end in the namespace."""

    here: str
    there: str
    network: IPv4Network

    @property
    def here_address(self) -> IPv4Address:
        """The address of the end here."""
        return self.network[1]

    @property
    def there_address(self) -> IPv4Address:
        """The address of the end in the namespace."""
        return self.network[2]


@dataclass(frozen=True)
class Lab:
    """One lab. Making and removing it needs root; ``up`` leaves one alone that is whole."""

    name: str = "lab"
    network: IPv4Network = DEFAULT_NETWORK
    mtu: int = DEFAULT_MTU

    def __post_init__(self) -> None:
        """Refuse what cannot be a name or a network."""
        if not _NAME.fullmatch(self.name) or len(self.name) > LONGEST_NAME:
            raise LabError(
                f"lab '{self.name}': a name is 1 to {LONGEST_NAME} small letters and digits, a letter first"
            )
        if self.network.prefixlen != _NETWORK_BITS:
            raise LabError(
                f"network {self.network}: a lab takes one of /{_NETWORK_BITS}, e.g. {DEFAULT_NETWORK}"
            )

    @classmethod
    def of_this_process(cls, letter: str) -> Self:
        """Return a lab whose name and network no other process uses, for one that removes it again."""
        number = os.getpid()
        return cls(
            f"{letter}{number % 10**6}", list(_OWN_NETWORKS.subnets(new_prefix=_NETWORK_BITS))[number % 128]
        )

    @classmethod
    def found(cls, name: str) -> Self:
        """Return the lab with the network and the MTU that it is up with; else with the usual ones."""
        feed = cls(name).feed.here
        address, mtu = interface_address(feed), _attribute(feed, "mtu")
        network = IPv4Network((address, _NETWORK_BITS), strict=False) if address else DEFAULT_NETWORK
        return cls(name, network, int(mtu) if mtu else DEFAULT_MTU)

    @property
    def namespace(self) -> str:
        """The network namespace of the other side."""
        return f"appliance-{self.name}"

    @property
    def feed(self) -> Pair:
        """The pair of the multicast lines."""
        return Pair(f"{self.name}-feed", f"{self.name}-feed-v", next(self.network.subnets(new_prefix=24)))

    @property
    def requests(self) -> Pair:
        """The pair of retransmission and snapshots."""
        return Pair(f"{self.name}-req", f"{self.name}-req-v", list(self.network.subnets(new_prefix=24))[1])

    @property
    def pairs(self) -> tuple[Pair, Pair]:
        """Both."""
        return self.feed, self.requests

    def inside(self, *words: str) -> list[str]:
        """Return a command that runs in the namespace."""
        return [_program(), "netns", "exec", self.namespace, *words]

    def parts(self) -> list[str]:
        """Return what there is of it, whole or not."""
        there = interface_names()
        found = [end for pair in self.pairs for end in (pair.here, pair.there) if end in there]
        return found + ([self.namespace] if self._has_namespace() else [])

    def is_whole(self) -> bool:
        """Whether it is up, with these addresses and this MTU."""
        return self._has_namespace() and all(
            interface_address(pair.here) == pair.here_address
            and _attribute(pair.here, "carrier") == "1"
            and _attribute(pair.here, "mtu") == str(self.mtu)
            for pair in self.pairs
        )

    def up(self) -> bool:
        """Make it; False if it was there already. What is left of a broken one is removed first."""
        _require_root()
        if self.is_whole():
            return False
        if self._has_foreign_settings():
            raise LabError(
                f"lab '{self.name}' is up with another network or MTU: "
                f"appliance net lab down --name {self.name} first"
            )
        self._refuse_taken_network()
        self.down()
        try:
            self._make()
        except BaseException:
            self.down()
            raise
        return True

    def down(self) -> bool:
        """Remove all of it, also what an interrupted ``up`` has left; False if there was nothing."""
        _require_root()
        parts = self.parts()
        for pair in self.pairs:
            for end in (pair.here, pair.there):
                if end in interface_names():  # the other end goes with it
                    _ip("link", "delete", end)
        if self._has_namespace():
            _ip("netns", "delete", self.namespace)
        return bool(parts)

    def _has_namespace(self) -> bool:
        return Path("/run/netns", self.namespace).exists()

    def _has_foreign_settings(self) -> bool:
        """Whether it looks like a whole lab, but not like this one."""
        return self._has_namespace() and all(
            interface_address(pair.here) is not None and _attribute(pair.here, "carrier") == "1"
            for pair in self.pairs
        )

    def _refuse_taken_network(self) -> None:
        ours = {pair.here for pair in self.pairs}
        for name in interface_names():
            address = interface_address(name)
            if name not in ours and address is not None and address in self.network:
                raise LabError(
                    f"network {self.network}: interface {name} has an address of it ({address}): "
                    "choose another with --network"
                )

    def _make(self) -> None:
        _ip("netns", "add", self.namespace)
        _ip("-n", self.namespace, "link", "set", "lo", "up")
        self._quieten()
        queues = ["numtxqueues", "1", "numrxqueues", "1", "mtu", str(self.mtu)]
        for pair in self.pairs:
            _ip("link", "add", pair.here, *queues, "type", "veth", "peer", "name", pair.there, *queues)
            if pair == self.feed:
                for end in (pair.here, pair.there):
                    sender_computes_checksums(end)
            _ip("link", "set", pair.there, "netns", self.namespace)
            _write(Path("/proc/sys/net/ipv6/conf", pair.here, "disable_ipv6"), "1")
            _write(Path("/proc/sys/net/ipv4/conf", pair.here, "rp_filter"), "0")
            for where, end, address in (
                ([], pair.here, pair.here_address),
                (["-n", self.namespace], pair.there, pair.there_address),
            ):
                _ip(*where, "address", "add", f"{address}/24", "dev", end)
                _ip(*where, "link", "set", end, "up")
        _ip("route", "append", str(GROUPS), "dev", self.feed.here, "metric", _LAST_METRIC)
        _ip("-n", self.namespace, "route", "add", "224.0.0.0/4", "dev", self.feed.there)

    def _quieten(self) -> None:
        """No IPv6 in the namespace, and no doubt about where packets come from."""
        script = (
            "for one in all default; do for key in ipv6/conf/$one/disable_ipv6=1 ipv4/conf/$one/rp_filter=0"
        )
        script += (
            "; do [ ! -e /proc/sys/net/${key%=*} ] || echo ${key#*=} >/proc/sys/net/${key%=*}; done; done"
        )
        _run(self.inside("sh", "-c", script))


def _require_root() -> None:
    status = Path("/proc/self/status").read_text()
    match = re.search(r"^CapEff:\s*([0-9a-f]+)$", status, re.M)
    held = int(match[1], 16) if match else 0
    if not (held >> _CAP_NET_ADMIN & 1 and held >> _CAP_SYS_ADMIN & 1):
        raise LabError(
            "a lab needs root (CAP_NET_ADMIN and CAP_SYS_ADMIN): run with sudo; without root use the udp "
            "port on loopback, which needs none"
        )


def _program() -> str:
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    found = shutil.which("ip", path=path)
    if not found:
        raise LabError("the program 'ip' is missing: install it (Debian: apt-get install iproute2)")
    return found


def _ip(*words: str) -> None:
    _run([_program(), *words])


def _run(words: list[str]) -> None:
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
        raise LabError(f"{' '.join(words)}: {reason}")


def _attribute(interface: str, name: str) -> str:
    try:
        return Path("/sys/class/net", interface, name).read_text().strip()
    except OSError:
        return ""


def _write(path: Path, text: str) -> None:
    """Set a kernel parameter, where this kernel has it."""
    if path.exists():
        try:
            path.write_text(text)
        except OSError as error:
            raise LabError(f"{path}: {error.strerror}: is /proc/sys writable here?") from None


def _ethtool(interface: str, command: int, value: int) -> int:
    """Ask the driver of an interface to do or tell something; returns its answer."""
    answer = ctypes.create_string_buffer(struct.pack("II", command, value))
    request = struct.pack("16sP", interface.encode(), ctypes.addressof(answer))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            fcntl.ioctl(any_socket, _SIOCETHTOOL, request)
        except OSError as error:
            raise LabError(f"{interface}: cannot switch checksum offload: {error.strerror}") from None
    return int(struct.unpack("II", answer.raw[:8])[1])


def sender_computes_checksums(interface: str) -> None:
    """Switch the offload of checksums off: what leaves this interface carries them."""
    _ethtool(interface, _ETHTOOL_STXCSUM, 0)
    if _ethtool(interface, _ETHTOOL_GTXCSUM, 0):
        raise LabError(f"{interface}: its driver keeps the offload of checksums on: frames would be refused")
