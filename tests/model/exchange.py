"""The simulated exchange from outside: the program, a receiver of its lines, and clients of its servers.

Written from the protocol's tables with sockets and ``struct``; nothing of it shares code with the project.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple, Self

from model.command import COMMAND

PATIENCE_S = 60.0
HERE = "127.0.0.1"
END_OF_SESSION = 0xFFFF
_SO_RCVBUFFORCE = 33
_SO_TIMESTAMPNS = 35
_GROUPS = count(os.getpid() % 10_000 * 6)


class Packet(NamedTuple):
    """A MoldUDP64 packet as it came."""

    line: str
    session: bytes
    sequence: int
    number: int
    messages: tuple[bytes, ...]
    time_s: float = 0.0

    @property
    def is_data(self) -> bool:
        """Whether it carries messages."""
        return 0 < self.number < END_OF_SESSION


def parse(payload: bytes, line: str = "", time_s: float = 0.0) -> Packet:
    """Take a packet apart; whatever does not fit exactly is an error."""
    session, sequence, number = struct.unpack_from(">10sQH", payload)
    messages = []
    at = 20
    for _ in range(number if number != END_OF_SESSION else 0):
        (length,) = struct.unpack_from(">H", payload, at)
        assert at + 2 + length <= len(payload), "a block goes on behind the packet"
        messages.append(payload[at + 2 : at + 2 + length])
        at += 2 + length
    assert at == len(payload), "bytes behind the last block"
    return Packet(line, session, sequence, number, tuple(messages), time_s)


def _receiver(group: str) -> socket.socket:
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    # Root may have room for all packets of a test, whatever the machine does meanwhile.
    room = _SO_RCVBUFFORCE if os.geteuid() == 0 else socket.SO_RCVBUF
    receiver.setsockopt(socket.SOL_SOCKET, room, 16 << 20)
    receiver.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    receiver.bind((group, 0))
    receiver.setsockopt(
        socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + socket.inet_aton(HERE)
    )
    return receiver


class Lines:
    """Receives both lines, in groups and at ports of its own so that tests do not hear each other."""

    def __init__(self) -> None:
        numbers = [next(_GROUPS) % 62_500 for _ in "AB"]
        self.groups = [f"239.193.{number // 250}.{number % 250 + 1}" for number in numbers]
        self._sockets = {_receiver(group): line for line, group in zip("AB", self.groups, strict=True)}
        self.ports = [int(receiver.getsockname()[1]) for receiver in self._sockets]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for receiver in self._sockets:
            receiver.close()

    @property
    def options(self) -> list[str]:
        """What the exchange is to be told."""
        (group_a, group_b), (port_a, port_b) = self.groups, self.ports
        return ["--group-a", f"{group_a}:{port_a}", "--group-b", f"{group_b}:{port_b}"]

    def packets(self, timeout_s: float = PATIENCE_S) -> Iterator[Packet]:
        """Yield packets as they come, until nothing has come for so long."""
        while True:
            ready, _, _ = select.select(list(self._sockets), [], [], timeout_s)
            if not ready:
                return
            for receiver in ready:
                payload, [(_, _, stamp)], _, _ = receiver.recvmsg(65536, 64)
                seconds, ns = struct.unpack("=qq", stamp)  # when it arrived, and not when we got to it
                yield parse(payload, self._sockets[receiver], seconds + ns / 1e9)

    def until_end(self, sessions: int = 1) -> list[Packet]:
        """Return all packets until both lines have said five times that the last of the sessions is over."""
        packets = []
        ends = dict.fromkeys("AB", 0)
        for packet in self.packets():
            packets.append(packet)
            ends[packet.line] += packet.number == END_OF_SESSION
            if min(ends.values()) == 5 * sessions:
                return packets
        raise AssertionError(f"no end of session on both lines: {ends}, {len(packets)} packets")


class Venue:
    """The program, from its ready line to its report."""

    def __init__(self, *words: str | int | float | Path, lines: Lines | None = None) -> None:
        options = [*map(str, words), *(lines.options if lines else [])]
        self.process = subprocess.Popen(
            [*COMMAND, "venue", "--json", "--quiet", "--session", "0000000001",
             "--requests", f"{HERE}:0", "--snapshots", f"{HERE}:0", *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        assert first, self.process.communicate()[1]
        self.addresses: dict[str, str] = json.loads(first)["ready"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def address(self, name: str) -> tuple[str, int]:
        """Return where one of its servers is."""
        host, _, port = self.addresses[name].partition(":")
        return host, int(port)

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def report(self) -> dict[str, Any]:
        """Wait for its end, and return what it says of itself."""
        out, err = self.process.communicate(timeout=PATIENCE_S)
        assert self.process.returncode == 0, err
        report = json.loads(out)
        assert isinstance(report, dict)
        return report


class Requester:
    """A client of the retransmission server."""

    def __init__(self, venue: Venue) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(venue.address("requests"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, session: bytes, first: int, number: int) -> None:
        """Ask for messages."""
        self.send_raw(struct.pack(">10sQH", session, first, number))

    def send_raw(self, data: bytes) -> None:
        """Send any bytes."""
        self._socket.send(data)

    def receive(self, timeout_s: float = PATIENCE_S) -> bytes | None:
        """Return the next reply, or None after so long."""
        self._socket.settimeout(timeout_s)
        with suppress(TimeoutError):
            return self._socket.recv(65536)
        return None

    def ask(self, session: bytes, first: int, number: int) -> Packet:
        """Ask, and return the reply."""
        self.send(session, first, number)
        reply = self.receive()
        assert reply is not None, "no reply"
        return parse(reply)


def login(user: str = "", password: str = "", session: str = "", sequence: str = "1") -> bytes:
    """A SoupBinTCP login request."""
    fields = user.ljust(6) + password.ljust(10) + session.rjust(10) + sequence.rjust(20)
    return struct.pack(">Hc", 1 + len(fields), b"L") + fields.encode()


def read_packets(connection: socket.socket) -> Iterator[tuple[bytes, bytes]]:
    """Yield type and payload of every SoupBinTCP packet until the server hangs up."""
    with connection.makefile("rb") as stream:
        while head := stream.read(2):
            body = stream.read(int.from_bytes(head, "big"))
            assert len(head) == 2, "cut in a length"
            assert len(body) == int.from_bytes(head, "big"), "cut in a packet"
            yield body[:1], body[1:]


def snapshot(venue: Venue, request: bytes | None = None) -> list[tuple[bytes, bytes]]:
    """Log in, and return all packets of the snapshot, heartbeats left out."""
    with socket.create_connection(venue.address("snapshots"), PATIENCE_S) as connection:
        connection.sendall(login() if request is None else request)
        return [packet for packet in read_packets(connection) if packet[0] != b"H"]


def messages_of(packets: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
    """Return the messages of a whole snapshot, without its frame."""
    assert packets[0][0] == b"A"
    assert packets[-1][0] == b"Z"
    assert all(kind == b"S" for kind, _ in packets[1:-1])
    return [payload for _, payload in packets[1:-1]]
