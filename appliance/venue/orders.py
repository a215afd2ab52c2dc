"""The order side of a running exchange: the account's servers, and the market's bell."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from appliance.venue.account import Account
from appliance.venue.errors import VenueError
from appliance.venue.market import Market
from appliance.venue.order_settings import Endpoint, OrderServer
from appliance.venue.order_stream import OrderLog
from appliance.venue.soup_server import Faults, SoupServer


@dataclass(frozen=True, slots=True)
class OrderAddresses:
    """Where the order side is to be found."""

    orders: Endpoint
    drop_copy: Endpoint | None = None
    orders_udp: Endpoint | None = None


class _Datagrams(asyncio.DatagramProtocol):
    """OUCH without a session: one message a datagram; all that is said goes to who has spoken last."""

    def __init__(self, account: Account, receive: Callable[[bytes], None]) -> None:
        self._account = account
        self._receive = receive
        self._transport: Any = None
        self._peer: Any = None
        self._said = 0
        account.stream.listeners.append(self._say)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def error_received(self, _: Exception) -> None:
        """A client has gone: that is its affair."""

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self._peer is None:
            self._said = len(self._account.stream.messages)
        self._peer = addr
        self._receive(data)

    def _say(self) -> None:
        messages = self._account.stream.messages
        if self._peer is not None:
            for message in messages[self._said :]:
                self._transport.sendto(message, self._peer)
        self._said = len(messages)


def largest_numbers(log: OrderLog | None) -> tuple[int, int]:
    """Return the largest order reference and match number that an earlier run has given."""
    references, matches = [0], [0]
    for message in log.messages if log else ():
        if message[:1] == b"A":
            references.append(int.from_bytes(message[36:44], "big"))
        elif message[:1] == b"U":
            references.append(int.from_bytes(message[40:48], "big"))
        elif message[:1] == b"E":
            matches.append(int.from_bytes(message[26:34], "big"))
    return max(references), max(matches)


class Orders:
    """The order side on a market, for one account."""

    def __init__(
        self, settings: OrderServer, market: Market, session: str, seed: int, log: OrderLog | None
    ) -> None:
        """Begin the account; nobody can reach it yet."""
        self._settings = settings
        self._market = market
        self._log = log
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.account = Account(
            market, settings, seed, log.messages if log else (), log.append if log else lambda _: None
        )
        name = log.session if log else session
        faults = Faults(settings.drop, settings.half, settings.duplicate, settings.delay_ms)
        who = (settings.user, settings.password)
        self.server = SoupServer(
            self.account.stream, name, *who, faults, seed, self.receive, self._disconnected
        )
        self.copies = SoupServer(self.account.copies, name, *who)
        self._udp: asyncio.DatagramTransport | None = None

    @property
    def bell(self) -> int:
        """The eventfd that the market rings."""
        return self._bell

    async def open(self) -> OrderAddresses:
        """Open all servers."""
        settings = self._settings
        loop = asyncio.get_running_loop()
        loop.add_reader(self._bell, self._ring)
        orders = await self._listen("orders", settings.at, self.server.open)
        copies = None
        if settings.drop_copy:
            copies = await self._listen("drop copy", settings.drop_copy, self.copies.open)
        udp = None
        if settings.udp:
            udp = await self._listen("orders over UDP", settings.udp, self._open_udp)
        return OrderAddresses(orders, copies, udp)

    @staticmethod
    async def _listen(
        what: str, at: Endpoint, how: Callable[[str, int], Coroutine[Any, Any, tuple[str, int]]]
    ) -> Endpoint:
        try:
            host, port = await how(str(at[0]), at[1])
        except OSError as error:
            raise VenueError(
                f"{what} at {at[0]}:{at[1]}: {error.strerror}: choose another address or port (0: any)"
            ) from None
        return IPv4Address(host), port

    async def _open_udp(self, host: str, port: int) -> tuple[str, int]:
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self.account, self.receive), local_addr=(host, port)
        )
        address = self._udp.get_extra_info("sockname")
        return str(address[0]), int(address[1])

    @contextmanager
    def _heedful(self) -> Iterator[None]:
        """What cannot be kept must not be said: the order side has failed, and the exchange ends."""
        try:
            yield
        except VenueError as error:
            if not self.failed.done():
                self.failed.set_exception(error)

    def receive(self, data: bytes) -> None:
        """Take a message of the client."""
        if not self.failed.done():
            with self._heedful():
                self.account.receive(data)

    def _disconnected(self) -> None:
        if not self.failed.done():
            with self._heedful():
                self.account.disconnected()

    def _ring(self) -> None:
        with suppress(BlockingIOError):
            os.eventfd_read(self._bell)
        if not self.failed.done():
            with self._heedful():
                self.account.poll()

    @property
    def is_busy(self) -> bool:
        """Whether a client is here."""
        return self.server.is_busy or self.copies.is_busy

    @property
    def last_s(self) -> float:
        """When a client was last here, by the monotonic clock."""
        return max(self.server.last_s, self.copies.last_s)

    def end(self) -> None:
        """Close the market; clients are told."""
        self._market.end()
        self._ring()

    def close(self) -> None:
        """Leave all clients."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._bell)
        self.server.close()
        self.copies.close()
        if self._udp is not None:
            self._udp.close()
        os.close(self._bell)
        if self._log is not None:
            self._log.close()

    def status(self) -> str:
        """Return the part of the status line."""
        ledger = self.account.ledger
        counts = ledger.counts
        return (
            f"orders {counts.accepted + counts.replaced:,}, executed {counts.executed:,}, "
            f"rejected {counts.rejected.total():,}, open {len(ledger.orders):,}"
        )

    def report(self) -> dict[str, Any]:
        """Return the truth that others reconcile with, and what became of connections."""
        market = self._market.status()
        wanted = ("changed", "executions", "executed_qty")
        return {
            **self.account.ledger.report(),
            "sequence": len(self.account.stream.messages),
            "session": self.server.session.strip(),
            "server": self.server.counters.as_dict(),
            "drop_copy": self.copies.counters.as_dict(),
            "market": {name: market[name] for name in wanted},
        }
