"""A running exchange: its day, its sender, its servers, from the first heartbeat to the last report."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address
from typing import Any

from appliance.venue.books import Books
from appliance.venue.day import Day, session_names
from appliance.venue.errors import VenueError
from appliance.venue.market import Market
from appliance.venue.order_stream import OrderLog
from appliance.venue.orders import OrderAddresses, Orders, largest_numbers
from appliance.venue.requests import Requests
from appliance.venue.sender import Position, Sender
from appliance.venue.settings import Endpoint, Settings
from appliance.venue.snapshots import Snapshots

_BOOKS_S = 0.05
_STATUS_S = 1.0
_LONGEST_LINGER_S = 60.0
_LAST_WORDS_S = 0.1  # in which the sender tells what a market that is ended does

Told = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where an exchange is to be found."""

    groups: tuple[Endpoint, Endpoint]
    requests: Endpoint
    snapshots: Endpoint
    orders: OrderAddresses | None = None

    def __str__(self) -> str:
        """Say it in one line."""
        groups = " and ".join(f"{group}:{port}" for group, port in self.groups)
        return (
            f"groups {groups}, retransmission at {self.requests[0]}:{self.requests[1]}, "
            f"snapshots at {self.snapshots[0]}:{self.snapshots[1]}"
        ) + "".join(f", {name.replace('_', ' ')} at {at[0]}:{at[1]}" for name, at in self.of_orders().items())

    def of_orders(self) -> dict[str, Endpoint]:
        """Return those of the order side that are open, by name."""
        named = asdict(self.orders) if self.orders else {}
        return {name: at for name, at in named.items() if at is not None}


def _cannot_serve(what: str, at: Endpoint, error: OSError) -> VenueError:
    return VenueError(f"{what} at {at[0]}:{at[1]}: {error.strerror}: choose another address or port (0: any)")


def make_day(settings: Settings, told: Told | None = None) -> Day:
    """Make or read the day; ``told`` gets the bytes so far."""
    if settings.market is not None:
        return Day.of_market(settings.market, settings.messages, told)
    assert settings.file is not None
    return Day.of_file(settings.file, settings.messages, told)


class Exchange:
    """One exchange on one day. ``run`` returns the report after the last session, or after ``stop``."""

    def __init__(self, settings: Settings, day: Day) -> None:
        """Open the books; nothing is sent yet."""
        self.settings = settings
        self._day = day
        self._sessions = session_names(settings.session, settings.days)
        self._market: Market | None = None
        self._orders: Orders | None = None
        if settings.orders:
            day = self._day = self._open_market(settings, day)
        self._books = Books(day)
        self._sender = Sender(settings, day, live=self._market is not None)
        self._stopped = asyncio.Event()
        self._requests = Requests(settings.requests, day, self._sessions, self._sent, settings.seed)
        self._snapshots = Snapshots(settings.snapshots, self._books, self._sessions, self._sent)

    def _open_market(self, settings: Settings, script: Day) -> Day:
        """Put a market on the day; return the one that comes of it."""
        wanted = settings.orders
        assert wanted is not None
        log = OrderLog(wanted.log, settings.session) if wanted.log else None
        reference, match = largest_numbers(log)
        self._market = Market(
            script, fat_finger=wanted.fat_finger, least_reference=reference + 1, least_match=match + 1
        )
        self._orders = Orders(wanted, self._market, settings.session, settings.seed, log)
        return self._market.day

    def _sent(self) -> Position:
        return self._sender.position

    def stop(self) -> None:
        """End it now: no more messages, no more waiting for clients."""
        self._stopped.set()
        if self._orders is None:
            self._sender.stop()
        else:
            self._orders.end()
            asyncio.get_running_loop().call_later(_LAST_WORDS_S, self._sender.stop)

    def go(self) -> None:
        """Let the first message out, if it waits for that word."""
        self._sender.go()

    async def run(self, ready: Callable[[Addresses], None], status: Callable[[str], None]) -> dict[str, Any]:
        """Serve and send. ``ready`` is called once all addresses are open, ``status`` every second."""
        loop = asyncio.get_running_loop()
        worker = ThreadPoolExecutor(1, "books")
        server = transport = None
        try:
            transport = await self._open_requests(loop)
            server = await self._open_snapshots()
            orders = await self._orders.open() if self._orders else None
            await self._sender.start()
            if self._market is not None and self._orders is not None:
                self._market.start(self._sender.segment, self._sender.pace, self._orders.bell)
            ready(self._addresses(transport, server, orders))
            tasks = [asyncio.create_task(self._tell(status))]
            if not self.settings.lazy_books:
                tasks.append(asyncio.create_task(self._keep_books(worker)))
            await self._until_sent()
            await self._linger()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            return await self._report(worker)
        finally:
            if server is not None:
                server.close()
            if transport is not None:
                transport.close()
            if self._market is not None and self._orders is not None:
                self._orders.close()
                self._market.stop()
            await self._sender.close()
            worker.shutdown()
            self._books.close()
            if self._market is not None:
                self._market.close()

    async def _until_sent(self) -> None:
        """Wait for the end of the last session; what fails before it is raised."""
        waited: set[asyncio.Future[Any]] = {self._sender.ended}
        if self._orders is not None:
            waited.add(self._orders.failed)
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if self._orders is not None and self._orders.failed.done():
            self._orders.failed.result()
        self._sender.check()

    async def _open_requests(self, loop: asyncio.AbstractEventLoop) -> asyncio.DatagramTransport:
        at = self.settings.requests.at
        try:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: self._requests, local_addr=(str(at[0]), at[1])
            )
        except OSError as error:
            raise _cannot_serve("retransmission", at, error) from None
        with suppress(OSError):  # bursts of requests wait here
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        return transport

    async def _open_snapshots(self) -> asyncio.Server:
        at = self.settings.snapshots.at
        try:
            return await asyncio.start_server(self._snapshots.serve, str(at[0]), at[1])
        except OSError as error:
            raise _cannot_serve("snapshots", at, error) from None

    def _addresses(
        self, transport: asyncio.DatagramTransport, server: asyncio.Server, orders: OrderAddresses | None
    ) -> Addresses:
        requests = transport.get_extra_info("sockname")
        snapshots = server.sockets[0].getsockname()
        return Addresses(
            self.settings.groups,
            (IPv4Address(requests[0]), requests[1]),
            (IPv4Address(snapshots[0]), snapshots[1]),
            orders,
        )

    async def _keep_books(self, worker: ThreadPoolExecutor) -> None:
        """Keep the books near the message sent last, so that nobody has to wait for them."""
        loop = asyncio.get_running_loop()
        while True:
            sent = self._sent()
            await loop.run_in_executor(worker, self._books.advance, sent.session, sent.sequence)
            await asyncio.sleep(_BOOKS_S)

    async def _linger(self) -> None:
        """Stay for those who still ask for something, until nobody has for a while."""
        began_s = time.monotonic()
        linger_s = self.settings.linger_s
        while not self._stopped.is_set():
            now_s = time.monotonic()
            # The sender has lingered once already: only later questions count.
            asked_s = max(self._requests.last_s, self._snapshots.last_s)
            is_busy = self._snapshots.open > 0
            if self._orders is not None:
                asked_s, is_busy = max(asked_s, self._orders.last_s), is_busy or self._orders.is_busy
            if not is_busy and now_s - asked_s >= linger_s:
                return
            if now_s - began_s > _LONGEST_LINGER_S:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), min(max(linger_s / 10, 0.01), 0.1))

    async def _tell(self, status: Callable[[str], None]) -> None:
        started_s = before_s = time.monotonic()
        before = 0
        while True:
            await asyncio.sleep(_STATUS_S)
            now_s, messages = time.monotonic(), self._sender.messages
            rate = (messages - before) / (now_s - before_s)
            status(f"{now_s - started_s:6.1f} s  {self._status(messages, rate)}")
            before_s, before = now_s, messages

    def _status(self, messages: int, rate: float) -> str:
        sent = self._sent()
        lines = "".join(
            f"  {name} {line['packets']:,} packets, lost {line['lost'] + line['same_gaps']:,}, "
            f"black {line['blacked_out']:,}, doubled {line['duplicated']:,}, reordered {line['reordered']:,}"
            for name, line in self._sender.counters()["lines"].items()
        )
        return (
            f"{self._sender.state.replace('_', ' ')}  {self._sessions[sent.session].decode().strip()}  "
            f"{messages:,} messages, {rate:,.0f}/s{lines}  requests {self._requests.counters.served:,} of "
            f"{self._requests.counters.requests:,}  snapshots {self._snapshots.counters.served:,}"
        ) + (f"  {self._orders.status()}" if self._orders else "")

    async def _report(self, worker: ThreadPoolExecutor) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        sent = self._sent()
        await loop.run_in_executor(worker, self._books.advance, sent.session, sent.sequence)
        digest, depth_digest = await loop.run_in_executor(worker, self._books.digests)
        seconds = self._sender.sending_s
        messages = self._sender.messages
        report: dict[str, Any] = {
            "messages": messages,
            "sessions": sent.session + 1,
            "session": self._sessions[sent.session].decode().strip(),
            "sequence": sent.sequence,
            "seconds": round(seconds, 6),
            "messages_per_s": round(messages / seconds) if seconds else 0,
            "stopped": self._stopped.is_set(),
            **self._sender.counters(),
            "requests": self._requests.counters.as_dict(),
            "snapshots": self._snapshots.counters.as_dict(),
            "digest": f"{digest:016x}",
            "depth_digest": f"{depth_digest:016x}",
        }
        if self._orders is not None and self._market is not None:
            report["orders"] = self._orders.report()
            report["slipped_s"] += self._market.status()["slipped_us"] / 1e6
        if self._snapshots.trouble:
            report["trouble"] = self._snapshots.trouble
        return report
