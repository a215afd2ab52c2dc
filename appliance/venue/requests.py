"""The retransmission server: MoldUDP64 requests in, one packet out for each, or nothing."""

from __future__ import annotations

import asyncio
import random
import struct
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from appliance.venue.day import Day
from appliance.venue.sender import Position
from appliance.venue.settings import RequestServer

_REQUEST = struct.Struct(">10sQH")
_HEADER_BYTES = 20
_PACKET_BYTES = 1_400
_MOST_CLIENTS = 4_096

Address = tuple[str, int]


@dataclass(slots=True)
class RequestCounters:
    """What became of requests; every one is in exactly one of the counts behind the first."""

    requests: int = 0
    served: int = 0
    malformed: int = 0
    other_session: int = 0
    not_sent: int = 0  # for messages that do not exist yet, or for none
    too_fast: int = 0  # beyond the rate of one client
    dropped: int = 0  # on purpose
    messages: int = 0  # in all replies

    def as_dict(self) -> dict[str, int]:
        """Return them by name."""
        return asdict(self)


class _Allowance:
    """A bucket of requests for every client, filled at the rate and never over one second's worth."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._clients: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str, now_s: float) -> bool:
        left, since_s = self._clients.get(client, (float(self._rate), now_s))
        left = min(left + (now_s - since_s) * self._rate, float(self._rate))
        allowed = left >= 1
        self._clients[client] = (left - 1 if allowed else left, now_s)
        self._clients.move_to_end(client)
        if len(self._clients) > _MOST_CLIENTS:
            self._clients.popitem(last=False)
        return allowed


class Requests(asyncio.DatagramProtocol):
    """Answers from the day, as far as it was sent. ``sessions`` are those from the first on."""

    def __init__(
        self,
        settings: RequestServer,
        day: Day,
        sessions: list[bytes],
        sent: Callable[[], Position],
        seed: int,
    ) -> None:
        """Take what is served and how."""
        self.counters = RequestCounters()
        self.last_s = 0.0  # when somebody last asked, by the monotonic clock
        self._settings = settings
        self._day = day
        self._sessions = {name.strip(): index for index, name in enumerate(sessions)}
        self._names = sessions
        self._sent = sent
        self._allowance = _Allowance(settings.rate)
        self._room = bytearray(_PACKET_BYTES)
        self._chance = random.Random(seed)
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket."""
        self._transport = transport

    def error_received(self, _: Exception) -> None:
        """A client has gone: that is its affair."""

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Answer one request."""
        counters, settings = self.counters, self._settings
        counters.requests += 1
        self.last_s = time.monotonic()
        if not self._allowance.take(addr[0], self.last_s):
            counters.too_fast += 1
            return
        if len(data) != _REQUEST.size:
            counters.malformed += 1
            return
        name, first, count = _REQUEST.unpack(data)
        session = self._sessions.get(name.strip())
        sent = self._sent()
        if session is None or session > sent.session:
            counters.other_session += 1
            return
        last = sent.sequence if session == sent.session else self._day.messages
        packet = self._reply(session, first, min(count, settings.messages), last)
        if not packet:
            counters.not_sent += 1
        elif settings.fault == "silent" or (settings.loss and self._chance.random() < settings.loss):
            counters.dropped += 1
        else:
            counters.served += 1
            counters.messages += int.from_bytes(packet[18:20], "big")
            self._send(packet, addr)

    def _send(self, packet: bytes, addr: Address) -> None:
        if self._settings.delay_ms:
            loop = asyncio.get_running_loop()
            loop.call_later(self._settings.delay_ms / 1e3, self._transport.sendto, packet, addr)
        else:
            self._transport.sendto(packet, addr)

    def _reply(self, session: int, first: int, count: int, last: int) -> bytes:
        fault = self._settings.fault
        if fault == "partial" and count > 1:
            count = max(1, min(count, last - first + 1) // 3)
        length = self._day.packet(self._names[session], first, count, last, self._room)
        packet = bytes(self._room[:length])
        if not packet or fault in ("none", "silent", "partial"):
            return packet
        if fault == "wrong-session":
            return b"WRONG     " + packet[10:]
        if fault == "wrong-sequence":
            return packet[:10] + (first + 1).to_bytes(8, "big") + packet[18:]
        return packet[:_HEADER_BYTES] + self._chance.randbytes(len(packet) - _HEADER_BYTES)
