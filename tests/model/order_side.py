"""An order side with real sockets, on a market that moves when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from model.messages import frame, message
from model.order_client import Client

from appliance.venue.day import Day
from appliance.venue.market import Market
from appliance.venue.order_settings import OrderServer
from appliance.venue.order_stream import OrderLog
from appliance.venue.orders import OrderAddresses, Orders, largest_numbers

NS = 34_200_000_000_000
ANYWHERE = (IPv4Address("127.0.0.1"), 0)
PX = 10_0000
Play = Callable[["Venue"], Awaitable[None]]


def listed(locate: int, stock: bytes) -> list[bytes]:
    return [
        message(
            "R", locate, NS, stock, b"Q", b"N", 100, b"N", b"C", b"Z ", b"P", b"N", b"N", b"1", b"N", 0, b"N"
        ),
        message("H", locate, NS, stock, b"T", b" ", b"    "),
    ]


LISTED = [*listed(1, b"ACME    "), *listed(2, b"BOLT    ")]
BOOK = [
    message("A", 1, NS, 1, b"B", 500, b"ACME    ", PX - 100),
    message("A", 1, NS, 2, b"S", 500, b"ACME    ", PX + 100),
]


@dataclass
class Venue:
    """An order side on a market that moves when told."""

    orders: Orders
    market: Market
    at: OrderAddresses

    async def client(self, sequence: int = 1, **who: str) -> Client:
        """Log in, and hear that the day has begun if it is asked for."""
        client = await Client.connect(self.at.orders, sequence, **who)
        if sequence == 1 and client.first == 1:
            assert (await client.next()).short == ("S",)
        return client

    def step(self, count: int = 1) -> None:
        """Do messages of the script."""
        assert self.market.step(count) == count
        self.orders.account.poll()

    @property
    def report(self) -> dict[str, Any]:
        return self.orders.report()


@asynccontextmanager
async def venue(*script: bytes, done: int | None = None, **settings: Any) -> AsyncIterator[Venue]:
    """Open an order side; the script's first messages are listings and a book, and are done."""
    framed = frame([*LISTED, *BOOK, *script])
    wanted = OrderServer(**{"at": ANYWHERE, **settings})
    log = OrderLog(wanted.log, "0000000001") if wanted.log else None
    reference, match = largest_numbers(log)
    with (
        Day(iter([memoryview(framed)])) as day,
        Market(
            day, fat_finger=wanted.fat_finger, least_reference=reference + 1, least_match=match + 1
        ) as market,
    ):
        orders = Orders(wanted, market, "0000000001", 1, log)
        market.step(len(LISTED) + len(BOOK) if done is None else done)
        try:
            yield Venue(orders, market, await orders.open())
        finally:
            orders.close()


def run(play: Play, *script: bytes, **settings: Any) -> None:
    async def main() -> None:
        async with venue(*script, **settings) as opened:
            await play(opened)

    asyncio.run(main())
